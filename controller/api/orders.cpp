// Orders: shape is checked here, then the order is posted to the control executor and waited for.
#include "controller/access/method_table.hpp"
#include "controller/api/people_call.hpp"
#include "controller/api/station_service.hpp"

namespace medius::api {
namespace {

using Outcome = tl::expected<station::Receipt, station::Refusal>;

// Stop never expires.
constexpr std::int64_t kNoTimeToLive = 0;

struct Trainee {
  std::string id;
  bool stored = false;  // clients/{id} was written: it must be there
};

Shape<Trainee> trainee_from_pb(const std::string& client) {
  if (client.starts_with("clients/")) {
    const auto id = id_from_pb("clients", client);
    if (!id) return tl::unexpected(id.error());
    return Trainee{*id, true};
  }
  const auto name = name_from_pb("client", client);
  if (!name) return tl::unexpected(name.error());
  return Trainee{*name, false};
}

using Planned = tl::expected<station::PlannedSession, station::Refusal>;

// Who comes from elsewhere leads only by a lease; on the spot people see each other.
bool lease_required(const grpc::ServerContext& call, const char* method) {
  if (!peer_certificate(call)) return false;
  const access::MethodRule* rule =
      access::find_rule(std::string("/medius.v1.StationService/") + method);
  return rule == nullptr || rule->lease != access::LeaseRule::kNone;
}

}  // namespace

grpc::Status StationService::order(grpc::ServerContext* call, const char* method,
                                   const v1::OrderHeader& header, Submit submit,
                                   v1::Receipt* response) {
  const Gate::Place place(context_.unary);
  if (!place) return too_many("orders and queries", context_.unary);
  if (context_.orders_refused) {
    return {grpc::StatusCode::UNAVAILABLE,
            "the controller is shutting down and takes no more orders; start it again"};
  }
  if (const auto status = context_.check_station(header.station()); !status.ok()) return status;
  auto checked = header_from_pb(header);
  if (!checked) return invalid(checked.error());
  checked->client_name = ApiContext::name_of(*call, checked->client_name);
  checked->role = ApiContext::role_of(*call);
  checked->authority = ApiContext::authority_of(*call);
  checked->lease_required = lease_required(*call, method);
  const auto time_to_live = time_to_live_ns(header);
  if (!time_to_live) return invalid(time_to_live.error());
  checked->received_ns = context_.parts.runtime.monotonic_ns();
  checked->time_to_live_ns = *time_to_live;
  return submit_and_wait(call, *checked, std::move(submit), response);
}

grpc::Status StationService::submit_and_wait(grpc::ServerContext* call,
                                             const station::OrderHeader& header, Submit submit,
                                             v1::Receipt* response) {
  auto pending = std::make_shared<Pending<Outcome>>();
  station::Runtime& runtime = context_.parts.runtime;
  const auto until = ApiContext::wait_until(*call);
  runtime.post([=, submit = std::move(submit)] {
    // Nobody would hear the answer.
    if (header.time_to_live_ns != kNoTimeToLive &&
        (pending->abandoned() || std::chrono::steady_clock::now() >= until)) {
      return;
    }
    submit(header, [pending](Outcome outcome) { pending->answer(std::move(outcome)); });
  });
  auto outcome = pending->wait(until, context_.give_up(*call));
  if (!outcome) return no_answer(context_);
  if (!*outcome) return status_of(outcome->error());
  receipt_to_pb(**outcome, response);
  return grpc::Status::OK;
}

grpc::Status StationService::StartSession(grpc::ServerContext* call,
                                          const v1::StartSessionRequest* request,
                                          v1::Receipt* response) {
  station::SessionWish wish;
  if (!request->plan().empty()) {
    const auto plan = id_from_pb("plans", request->plan());
    if (!plan) return invalid(plan.error());
    wish.plan_id = *plan;
  }
  if (wish.plan_id.empty() || !request->program().empty()) {
    const auto program = id_from_pb("programs", request->program());
    if (!program) return invalid(program.error());
    wish.program_id = *program;
  }
  const auto trainee = trainee_from_pb(request->client());
  if (!trainee) return invalid(trainee.error());
  wish.client_id = trainee->id;
  wish.client_is_stored = trainee->stored;
  station::StartSessionOrder start{{}, wish.program_id, wish.client_id, wish.plan_id};
  // The store is asked only about somebody: a full disk must not stop a nameless session.
  if (!wish.plan_id.empty() || !wish.client_id.empty()) {
    const std::int64_t now = context_.parts.runtime.wall_unix_ns();
    auto planned = at_desk<Planned>(context_, *call, [wish, now](const station::PeopleDesk& desk) {
      return station::planned_session(desk, wish, now);
    });
    if (!planned) return planned.error();
    start.planned = std::move(*planned);
  }
  return order(
      call, "StartSession", request->header(),
      [&station = context_.parts.station, start](const station::OrderHeader& header,
                                                 Answer answer) {
        station::StartSessionOrder order = start;
        order.header = header;
        station.start_session(order, std::move(answer));
      },
      response);
}

grpc::Status StationService::StartSet(grpc::ServerContext* call, const v1::StartSetRequest* request,
                                      v1::Receipt* response) {
  const auto block = prescription_from_pb(request->prescription());
  if (!block) return invalid(block.error());
  const auto trainee = trainee_from_pb(request->client());
  if (!trainee) return invalid(trainee.error());
  std::vector<record::LoadCap> caps;
  if (!trainee->id.empty()) {
    const auto client = at_desk<std::optional<record::ClientRecord>>(
        context_, *call,
        [id = trainee->id](const station::PeopleDesk& desk) { return desk.store.client(id); });
    if (!client) return client.error();
    if (trainee->stored && !*client) {
      return {grpc::StatusCode::NOT_FOUND,
              "client '" + trainee->id + "' is not in the store; ListClients names who is"};
    }
    if (*client) caps = (*client)->caps;
  }
  return order(
      call, "StartSet", request->header(),
      [&station = context_.parts.station, block = *block, client = trainee->id, caps](
          const station::OrderHeader& header, Answer answer) {
        station.start_set({header, block, client, caps}, std::move(answer));
      },
      response);
}

grpc::Status StationService::AdjustLoad(grpc::ServerContext* call,
                                        const v1::AdjustLoadRequest* request,
                                        v1::Receipt* response) {
  const auto load = load_from_pb(request->load());
  if (!load) return invalid(load.error());
  const auto axis = axis_from_pb(request->axis());
  if (!axis) return invalid(axis.error());
  return order(
      call, "AdjustLoad", request->header(),
      [&station = context_.parts.station, load = *load, axis = *axis](
          const station::OrderHeader& header, Answer answer) {
        station.adjust_load({header, load.value, load.coordinate, axis}, std::move(answer));
      },
      response);
}

grpc::Status StationService::SetParameter(grpc::ServerContext* call,
                                          const v1::SetParameterRequest* request,
                                          v1::Receipt* response) {
  const auto name = name_from_pb("parameter", request->parameter());
  if (!name) return invalid(name.error());
  if (!std::isfinite(request->value())) {
    return invalid("value of " + *name + " is not a finite number; ListProfiles names its range");
  }
  const auto axis = axis_from_pb(request->axis());
  if (!axis) return invalid(axis.error());
  return order(
      call, "SetParameter", request->header(),
      [&station = context_.parts.station, name = *name, value = request->value(), axis = *axis](
          const station::OrderHeader& header, Answer answer) {
        station.set_parameter({header, name, value, axis}, std::move(answer));
      },
      response);
}

grpc::Status StationService::ConfirmGuided(grpc::ServerContext* call,
                                           const v1::ConfirmGuidedRequest* request,
                                           v1::Receipt* response) {
  const auto id = guided_id_from_pb(request->guided());
  if (!id) return invalid(id.error());
  station::ConfirmGuidedOrder confirm;
  confirm.guided_id = *id;
  if (request->has_reps()) confirm.reps = request->reps();
  return order(
      call, "ConfirmGuided", request->header(),
      [&station = context_.parts.station, confirm](const station::OrderHeader& header,
                                                   Answer answer) {
        station::ConfirmGuidedOrder sent = confirm;
        sent.header = header;
        station.confirm_guided(sent, std::move(answer));
      },
      response);
}

grpc::Status StationService::SkipGuided(grpc::ServerContext* call,
                                        const v1::SkipGuidedRequest* request,
                                        v1::Receipt* response) {
  const auto id = guided_id_from_pb(request->guided());
  if (!id) return invalid(id.error());
  const auto reason = reason_from_pb(request->reason());
  if (!reason) return invalid(reason.error());
  return order(
      call, "SkipGuided", request->header(),
      [&station = context_.parts.station, id = *id, reason = *reason](
          const station::OrderHeader& header, Answer answer) {
        station.confirm_guided({header, id, std::nullopt, true, reason}, std::move(answer));
      },
      response);
}

grpc::Status StationService::Pause(grpc::ServerContext* call, const v1::PauseRequest* request,
                                   v1::Receipt* response) {
  return order(
      call, "Pause", request->header(),
      [&station = context_.parts.station](const station::OrderHeader& header, Answer answer) {
        station.pause(header, std::move(answer));
      },
      response);
}

grpc::Status StationService::Resume(grpc::ServerContext* call, const v1::ResumeRequest* request,
                                    v1::Receipt* response) {
  return order(
      call, "Resume", request->header(),
      [&station = context_.parts.station](const station::OrderHeader& header, Answer answer) {
        station.resume(header, std::move(answer));
      },
      response);
}

grpc::Status StationService::Stop(grpc::ServerContext* call, const v1::StopRequest* request,
                                  v1::Receipt* response) {
  // No gate, no time to live, and a header with mistakes does not keep anybody under load.
  if (const auto status = context_.check_station(request->header().station()); !status.ok()) {
    return status;
  }
  auto checked = header_from_pb(request->header()).value_or(station::OrderHeader{});
  checked.client_name = ApiContext::name_of(*call, checked.client_name);
  checked.role = ApiContext::role_of(*call);
  return submit_and_wait(
      call, checked,
      [&station = context_.parts.station](const station::OrderHeader& header, Answer answer) {
        station.stop(header, std::move(answer));
      },
      response);
}

}  // namespace medius::api
