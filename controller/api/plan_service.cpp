#include "controller/api/people_call.hpp"
#include "controller/api/people_services.hpp"

namespace medius::api {
namespace {

using station::PeopleAnswer;
using station::PeopleDesk;

// A plan with the client whose limits it shows, made where the store is.
using PlanAnswer = PeopleAnswer<v1::Plan>;

v1::Plan shown(const PeopleDesk& desk, const record::PlanRecord& plan) {
  const auto client = desk.store.client(plan.client_id);
  v1::Plan out;
  plan_to_pb(plan, desk, client ? &*client : nullptr, &out);
  return out;
}

grpc::Status answer_plan(tl::expected<PlanAnswer, grpc::Status> answer, v1::Plan* response) {
  if (!answer) return answer.error();
  if (!*answer) return status_of(answer->error());
  response->Swap(&**answer);
  return grpc::Status::OK;
}

// By hand or by a decision: one exercise of the plan.
grpc::Status change_plan(ApiContext& context, const grpc::ServerContext& call,
                         const std::string& id, std::optional<std::uint64_t> revision,
                         const station::ExerciseChange& change, v1::Plan* response) {
  const std::int64_t now = context.parts.runtime.wall_unix_ns();
  return answer_plan(at_desk<PlanAnswer>(context, call,
                                         [id, revision, change, person = person_of(call),
                                          now](const PeopleDesk& desk) -> PlanAnswer {
                                           auto changed = station::change_exercise(
                                               desk, id, revision, change, person, now);
                                           if (!changed) return tl::unexpected(changed.error());
                                           return shown(desk, changed->plan);
                                         }),
                     response);
}

}  // namespace

grpc::Status PlanService::GetPlan(grpc::ServerContext* call, const v1::GetPlanRequest* request,
                                  v1::Plan* response) {
  const auto id = id_from_pb("plans", request->name());
  if (!id) return invalid(id.error());
  return answer_plan(
      at_desk<PlanAnswer>(context_, *call,
                          [id = *id](const PeopleDesk& desk) -> PlanAnswer {
                            const auto plan = desk.store.plan(id);
                            if (plan) return shown(desk, *plan);
                            return tl::unexpected(station::Refusal{
                                station::RefusalCode::kNotFound,
                                "plan '" + id + "' is not in the store; ListPlans names them"});
                          }),
      response);
}

grpc::Status PlanService::ListPlans(grpc::ServerContext* call, const v1::ListPlansRequest* request,
                                    v1::ListPlansResponse* response) {
  const auto page = page_request(request->page_size(), request->page_token());
  if (!page) return invalid(page.error());
  std::string client;
  if (!request->client().empty()) {
    const auto id = id_from_pb("clients", request->client());
    if (!id) return invalid(id.error());
    client = *id;
  }
  auto listed = at_desk<v1::ListPlansResponse>(
      context_, *call, [page = *page, client](const PeopleDesk& desk) {
        v1::ListPlansResponse out;
        const auto plans = desk.store.plans(page.size + 1, page.after, client);
        const std::size_t count = std::min(plans.size(), page.size);
        for (std::size_t i = 0; i < count; ++i) *out.add_plans() = shown(desk, plans[i]);
        if (plans.size() > count) out.set_next_page_token(plans[count - 1].id);
        return out;
      });
  if (!listed) return listed.error();
  response->Swap(&*listed);
  return grpc::Status::OK;
}

grpc::Status PlanService::CreatePlan(grpc::ServerContext* call,
                                     const v1::CreatePlanRequest* request, v1::Plan* response) {
  const auto client = id_from_pb("clients", request->client());
  if (!client) return invalid(client.error());
  station::NewPlan wish{*client, "", request->weeks(), request->days_per_week()};
  if (!request->program().empty()) {
    const auto program = id_from_pb("programs", request->program());
    if (!program) return invalid(program.error());
    wish.program_id = *program;
  }
  const std::int64_t now = context_.parts.runtime.wall_unix_ns();
  const auto status =
      answer_plan(at_desk<PlanAnswer>(context_, *call,
                                      [wish, now](const PeopleDesk& desk) -> PlanAnswer {
                                        auto plan = station::create_plan(desk, wish, now);
                                        if (!plan) return tl::unexpected(plan.error());
                                        return shown(desk, *plan);
                                      }),
                  response);
  note_person(context_, *call, "plan_begun", status.ok() ? response->name() : request->client(),
              status, {{"program", request->program()}});
  return status;
}

grpc::Status PlanService::UpdatePlan(grpc::ServerContext* call,
                                     const v1::UpdatePlanRequest* request, v1::Plan* response) {
  const auto id = id_from_pb("plans", request->plan().name());
  if (!id) return invalid(id.error());
  const auto revision = revision_from_pb(request->plan().etag());
  if (!revision) return invalid(revision.error());
  for (const std::string& path : request->update_mask().paths()) {
    if (path != "exercises" && path != "*") {
      return invalid("update_mask: '" + path.substr(0, kMaxName) +
                     "' cannot be changed; 'exercises' can");
    }
  }
  if (request->plan().exercises_size() != 1) {
    return invalid("plan.exercises has " + std::to_string(request->plan().exercises_size()) +
                   " entries; change one exercise at a time, so that each change has its reason");
  }
  const v1::PlanExercise& wish = request->plan().exercises(0);
  const auto reason = reason_from_pb(request->reason());
  if (!reason) return invalid(reason.error());
  if (!std::isfinite(wish.load())) return invalid("load is not a finite number");
  station::ExerciseChange change;
  change.exercise_id = wish.exercise();
  change.load = wish.load();
  change.reps = wish.reps();
  change.reason = *reason;
  const auto status = change_plan(context_, *call, *id, *revision, change, response);
  note_person(context_, *call, "plan_set", request->plan().name(), status,
              {{"exercise", wish.exercise()},
               {"load", std::to_string(wish.load())},
               {"repetitions", std::to_string(wish.reps())}});
  return status;
}

grpc::Status PlanService::DeletePlan(grpc::ServerContext* call,
                                     const v1::DeletePlanRequest* request,
                                     google::protobuf::Empty*) {
  const auto id = id_from_pb("plans", request->name());
  if (!id) return invalid(id.error());
  const auto revision = revision_from_pb(request->etag());
  if (!revision) return invalid(revision.error());
  const auto done = at_desk<PeopleAnswer<bool>>(
      context_, *call, [id = *id, revision = *revision](const PeopleDesk& desk) {
        return station::delete_plan(desk, id, revision);
      });
  if (!done) return done.error();
  const grpc::Status status = *done ? grpc::Status::OK : status_of(done->error());
  note_person(context_, *call, "plan_deleted", request->name(), status);
  return status;
}

grpc::Status PlanService::GetNextSession(grpc::ServerContext* call,
                                         const v1::GetNextSessionRequest* request,
                                         v1::NextSession* response) {
  const auto id = id_from_pb("plans", request->name());
  if (!id) return invalid(id.error());
  const std::int64_t now = context_.parts.runtime.wall_unix_ns();
  const auto next = at_desk<PeopleAnswer<station::NextOfPlan>>(
      context_, *call,
      [id = *id, now](const PeopleDesk& desk) { return station::next_of_plan(desk, id, now); });
  if (!next) return next.error();
  if (!*next) return status_of(next->error());
  next_to_pb(**next, response);
  return grpc::Status::OK;
}

grpc::Status PlanService::ListPlanDays(grpc::ServerContext* call,
                                       const v1::ListPlanDaysRequest* request,
                                       v1::ListPlanDaysResponse* response) {
  const auto id = id_from_pb("plans", request->parent());
  if (!id) return invalid(id.error());
  const auto page = page_request(request->page_size(), request->page_token());
  if (!page) return invalid(page.error());
  const auto days = at_desk<std::vector<record::PlanDayRecord>>(
      context_, *call, [id = *id](const PeopleDesk& desk) { return desk.store.plan_days(id); });
  if (!days) return days.error();
  const auto next = page_by_position(*days, *page, [&](const record::PlanDayRecord& day) {
    plan_day_to_pb(day, response->add_plan_days());
  });
  if (!next) return invalid(next.error());
  response->set_next_page_token(*next);
  return grpc::Status::OK;
}

grpc::Status PlanService::DecideProposal(grpc::ServerContext* call,
                                         const v1::DecideProposalRequest* request,
                                         v1::Plan* response) {
  const auto id = id_from_pb("plans", request->name());
  if (!id) return invalid(id.error());
  const auto revision = revision_from_pb(request->etag());
  if (!revision) return invalid(revision.error());
  const auto reason = reason_from_pb(request->reason());
  if (!reason) return invalid(reason.error());
  station::ExerciseChange change;
  change.exercise_id = request->exercise();
  change.kind = request->accept() ? station::ExerciseChange::Kind::kAccept
                                  : station::ExerciseChange::Kind::kDecline;
  if (request->has_load()) change.load = request->load();
  if (request->has_reps()) change.reps = request->reps();
  change.reason = *reason;
  const auto status = change_plan(context_, *call, *id, *revision, change, response);
  note_person(context_, *call, request->accept() ? "proposal_accepted" : "proposal_declined",
              request->name(), status, {{"exercise", request->exercise()}});
  return status;
}

grpc::Status PlanService::ImportLoads(grpc::ServerContext* call,
                                      const v1::ImportLoadsRequest* request,
                                      v1::ImportLoadsResponse* response) {
  const auto id = id_from_pb("plans", request->name());
  if (!id) return invalid(id.error());
  const auto revision = revision_from_pb(request->etag());
  if (!revision) return invalid(revision.error());
  std::vector<record::EarlierSet> rows;
  for (int i = 0; i < request->sets_size(); ++i) {
    const auto row = earlier_from_pb(request->sets(i), static_cast<std::size_t>(i) + 1);
    if (!row) return invalid(row.error());
    rows.push_back(*row);
  }
  const std::int64_t now = context_.parts.runtime.wall_unix_ns();
  using Answer = PeopleAnswer<v1::ImportLoadsResponse>;
  auto done = at_desk<Answer>(context_, *call,
                              [id = *id, revision = *revision, rows, person = person_of(*call),
                               now](const PeopleDesk& desk) -> Answer {
                                auto changed =
                                    station::import_loads(desk, id, revision, rows, person, now);
                                if (!changed) return tl::unexpected(changed.error());
                                v1::ImportLoadsResponse out;
                                *out.mutable_plan() = shown(desk, changed->plan);
                                for (const auto& decision : changed->day.decisions) {
                                  decision_to_pb(decision, out.add_decisions());
                                }
                                return out;
                              });
  if (!done) return done.error();
  const grpc::Status status = *done ? grpc::Status::OK : status_of(done->error());
  note_person(context_, *call, "loads_read_in", request->name(), status,
              {{"rows", std::to_string(request->sets_size())}});
  if (!status.ok()) return status;
  response->Swap(&**done);
  return grpc::Status::OK;
}

}  // namespace medius::api
