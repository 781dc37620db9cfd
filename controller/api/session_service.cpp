#include <algorithm>

#include "controller/api/records_services.hpp"
#include "controller/record/measuring.hpp"

namespace medius::api {
namespace {

// 400 rows of up to 160 bytes stay below 64 KiB a message.
constexpr std::size_t kRowsPerMessage = 400;

void samples_to_pb(std::span<const rt::SampleRecord* const> rows, v1::RecordedSamples* out) {
  for (const rt::SampleRecord* row : rows) {
    out->add_tick(row->tick);
    out->add_position(row->position);
    out->add_velocity(row->velocity);
    out->add_force_measured(row->force_measured);
    out->add_force_wish(row->force_wish);
    out->add_force_target(row->force_target);
    out->add_force_output(row->force_output);
    out->add_base_load(row->base_load);
    out->add_phase(
        static_cast<std::uint32_t>(phase_to_pb(static_cast<measure::Phase>(row->phase))));
    out->add_disturbance(row->disturbance);
    out->add_drive_age_ns(row->drive_age_ns);
    out->add_late_ns(row->late_ns);
    out->add_missed(row->missed);
    out->add_fault(row->fault);
    out->add_limits(row->limits);
    out->add_reaction(
        static_cast<std::uint32_t>(reaction_to_pb(static_cast<safety::Reaction>(row->reaction))));
    out->add_load_state(static_cast<std::uint32_t>(
        load_state_to_pb(static_cast<safety::LoadState>(row->load_state))));
    out->add_detector(row->detector);
    out->add_pelvis_tilt_urad(row->pelvis_tilt_urad);
    out->add_pelvis_seen(row->pelvis_seen != 0);
    out->add_pad_left_mnm(row->pad_left_mnm);
    out->add_pad_right_mnm(row->pad_right_mnm);
  }
}

grpc::Status no_such_set(const std::string& name) {
  return {grpc::StatusCode::NOT_FOUND,
          "'" + name + "' is not in the store; GetSession names the sets of a session"};
}

}  // namespace

grpc::Status SessionService::ListSessions(grpc::ServerContext* call,
                                          const v1::ListSessionsRequest* request,
                                          v1::ListSessionsResponse* response) {
  if (request->page_size() < 0) return invalid("page_size is negative; use 0 for 50");
  const auto size =
      bounded("page_size", static_cast<std::uint32_t>(request->page_size()), 1, 100, 50);
  if (!size) return invalid(size.error());
  const auto token = name_from_pb("page_token", request->page_token());
  if (!token) return invalid(token.error());
  const Gate::Place place(context_.unary);
  if (!place) return too_many("orders and queries", context_.unary);
  // One more than asked for says whether there is a next page.
  const auto sessions = on_record<std::vector<record::SessionRecord>>(
      context_.parts.runtime, ApiContext::wait_until(*call), context_.give_up(*call),
      [&store = context_.parts.store, size = *size, token = *token] {
        return store.sessions(size + 1, token);
      });
  if (!sessions) return no_answer(context_);
  const std::size_t count = std::min<std::size_t>(sessions->size(), *size);
  for (std::size_t i = 0; i < count; ++i) session_to_pb((*sessions)[i], response->add_sessions());
  if (sessions->size() > count) response->set_next_page_token((*sessions)[count - 1].id);
  return grpc::Status::OK;
}

grpc::Status SessionService::GetSession(grpc::ServerContext* call,
                                        const v1::GetSessionRequest* request,
                                        v1::Session* response) {
  const auto id = id_from_pb("sessions", request->name());
  if (!id) return invalid(id.error());
  const Gate::Place place(context_.unary);
  if (!place) return too_many("orders and queries", context_.unary);
  struct Stored {
    record::SessionRecord session;
    std::vector<record::SetRecord> sets;
    std::vector<record::GuidedRecord> guided;
  };
  using Found = std::optional<Stored>;
  const auto found = on_record<Found>(
      context_.parts.runtime, ApiContext::wait_until(*call), context_.give_up(*call),
      [&store = context_.parts.store, id = *id]() -> Found {
        auto session = store.session(id);
        if (!session) return std::nullopt;
        return Stored{std::move(*session), store.sets_of(id), store.guided_of(id)};
      });
  if (!found) return no_answer(context_);
  if (!*found) {
    return {grpc::StatusCode::NOT_FOUND,
            "session '" + *id + "' is not in the store; ListSessions names what there is"};
  }
  session_to_pb((*found)->session, response);
  for (const record::SetRecord& set : (*found)->sets) set_to_pb(set, 0, response->add_sets());
  for (const record::GuidedRecord& guided : (*found)->guided) {
    guided_to_pb(guided, response->add_guided());
  }
  return grpc::Status::OK;
}

grpc::Status SessionService::GetSet(grpc::ServerContext* call, const v1::GetSetRequest* request,
                                    v1::Set* response) {
  const auto name = set_name_from_pb(request->name());
  if (!name) return invalid(name.error());
  const Gate::Place place(context_.unary);
  if (!place) return too_many("orders and queries", context_.unary);
  const auto set = on_record<std::optional<record::SetRecord>>(
      context_.parts.runtime, ApiContext::wait_until(*call), context_.give_up(*call),
      [&store = context_.parts.store, id = name->set] { return store.set(id); });
  if (!set) return no_answer(context_);
  if (!*set || (*set)->session_id != name->session) return no_such_set(request->name());
  set_to_pb(**set, SIZE_MAX, response);
  metrics_to_pb(**set, response);
  return grpc::Status::OK;
}

grpc::Status SessionService::ReadSamples(grpc::ServerContext* call,
                                         const v1::ReadSamplesRequest* request,
                                         grpc::ServerWriter<v1::RecordedSamples>* writer) {
  const auto name = set_name_from_pb(request->name());
  if (!name) return invalid(name.error());
  const auto divider = bounded("divider", request->divider(), 1, 1000, 1);
  if (!divider) return invalid(divider.error());
  const Gate::Place place(context_.reads);
  if (!place) return too_many("reads of recorded samples", context_.reads);

  struct Recorded {
    std::optional<record::SetRecord> set;
    tl::expected<std::vector<rt::SampleRecord>, record::StoreError> samples;
  };
  auto recorded = on_record<std::shared_ptr<Recorded>>(
      context_.parts.runtime, ApiContext::wait_until(*call), context_.give_up(*call),
      [&store = context_.parts.store, name = *name] {
        auto out = std::make_shared<Recorded>();
        out->set = store.set(name.set);
        if (out->set && out->set->session_id == name.session)
          out->samples = store.samples(name.set);
        return out;
      });
  if (!recorded) return no_answer(context_);
  const Recorded& found = **recorded;
  if (!found.set || found.set->session_id != name->session) return no_such_set(request->name());
  if (!found.samples) return {grpc::StatusCode::DATA_LOSS, found.samples.error().message};

  std::vector<const rt::SampleRecord*> rows;
  for (const rt::SampleRecord& sample : *found.samples) {
    if (sample.axis == found.set->axis && sample.tick % *divider == 0) rows.push_back(&sample);
  }
  for (std::size_t at = 0; at < rows.size(); at += kRowsPerMessage) {
    v1::RecordedSamples message;
    message.set_axis(found.set->axis);
    message.set_coordinate(coordinate_to_pb(found.set->coordinate));
    samples_to_pb(std::span(rows).subspan(at, std::min(kRowsPerMessage, rows.size() - at)),
                  &message);
    if (context_.stopping || call->IsCancelled() || !writer->Write(message)) break;
  }
  return grpc::Status::OK;
}

grpc::Status SessionService::RecomputeSet(grpc::ServerContext* call,
                                          const v1::RecomputeSetRequest* request,
                                          v1::RecomputeSetResponse* response) {
  const auto name = set_name_from_pb(request->name());
  if (!name) return invalid(name.error());
  const Gate::Place place(context_.reads);
  if (!place) return too_many("reads of recorded samples", context_.reads);
  struct Outcome {
    grpc::Status status;
    hal::CoordinateKind coordinate = hal::CoordinateKind::kCable;
    std::vector<record::MetricChange> changes;
    bool stored = false;
  };
  const auto outcome = on_record<std::shared_ptr<Outcome>>(
      context_.parts.runtime, ApiContext::wait_until(*call), context_.give_up(*call),
      [&store = context_.parts.store, name = *name, dry_run = request->dry_run(),
       full_name = request->name()] {
        auto out = std::make_shared<Outcome>();
        const auto set = store.set(name.set);
        if (!set || set->session_id != name.session) {
          out->status = no_such_set(full_name);
          return out;
        }
        if (set->end == record::SetEnd::kOpen || set->samples == 0) {
          out->status = {grpc::StatusCode::FAILED_PRECONDITION,
                         "'" + full_name +
                             "' is under way or has no recorded samples; recompute a "
                             "closed set that has some"};
          return out;
        }
        const auto samples = store.samples(name.set);
        if (!samples) {
          out->status = {grpc::StatusCode::DATA_LOSS, samples.error().message};
          return out;
        }
        const record::SetRecord again = record::recompute(*set, *samples);
        out->coordinate = set->coordinate;
        out->changes = record::changes(*set, again);
        if (dry_run || out->changes.empty()) return out;
        const auto put = store.put_recomputed(again);
        out->stored = put.has_value();
        if (!put) out->status = {grpc::StatusCode::UNAVAILABLE, put.error().message};
        return out;
      });
  if (!outcome) return no_answer(context_);
  const Outcome& done = **outcome;
  for (const record::MetricChange& change : done.changes) {
    v1::MetricChange* entry = response->add_changes();
    entry->set_repetition(change.ordinal);
    if (change.before.id != measure::MetricId::kNone) {
      value_to_pb(change.before, done.coordinate, entry->mutable_before());
    }
    value_to_pb(change.after, done.coordinate, entry->mutable_after());
  }
  response->set_stored(done.stored);
  if (done.stored) {
    record::AuditEvent event;
    event.kind = record::AuditKind::kStore;
    event.action = "set_recomputed";
    event.subject = request->name();
    event.details = {{"changes", std::to_string(done.changes.size())}};
    context_.note(*call, std::move(event));
  }
  return done.status;
}

}  // namespace medius::api
