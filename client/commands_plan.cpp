// medius plan: programs of weeks, what comes next, and how somebody has come along.
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "client/commands_people.hpp"
#include "client/connection.hpp"
#include "client/people_text.hpp"
#include "client/print.hpp"
#include "client/wording.hpp"

namespace medius::client {
namespace {

std::string named(const std::string& collection, const std::string& id) {
  const std::string prefix = collection + "/";
  return id.starts_with(prefix) ? id : prefix + id;
}

tl::expected<v1::Plan, grpc::Status> fetch_plan(const Connection& connection,
                                                const std::string& id) {
  v1::GetPlanRequest request;
  request.set_name(named("plans", id));
  v1::Plan plan;
  const auto context = call_context();
  const grpc::Status status = connection.plans().GetPlan(context.get(), request, &plan);
  if (!status.ok()) return tl::make_unexpected(status);
  return plan;
}

tl::expected<std::vector<v1::PlanDay>, grpc::Status> fetch_days(const Connection& connection,
                                                                const std::string& id) {
  std::vector<v1::PlanDay> days;
  v1::ListPlanDaysRequest request;
  request.set_parent(named("plans", id));
  request.set_page_size(100);
  do {
    v1::ListPlanDaysResponse page;
    const auto context = call_context();
    const auto status = connection.plans().ListPlanDays(context.get(), request, &page);
    if (!status.ok()) return tl::make_unexpected(status);
    days.insert(days.end(), page.plan_days().begin(), page.plan_days().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return days;
}

tl::expected<std::vector<v1::Plan>, grpc::Status> fetch_plans(const Connection& connection,
                                                              const std::string& client) {
  std::vector<v1::Plan> plans;
  v1::ListPlansRequest request;
  request.set_page_size(100);
  if (!client.empty()) request.set_client(named("clients", client));
  do {
    v1::ListPlansResponse page;
    const auto context = call_context();
    const auto status = connection.plans().ListPlans(context.get(), request, &page);
    if (!status.ok()) return tl::make_unexpected(status);
    plans.insert(plans.end(), page.plans().begin(), page.plans().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return plans;
}

tl::expected<v1::NextSession, grpc::Status> fetch_next(const Connection& connection,
                                                       const std::string& id) {
  v1::GetNextSessionRequest request;
  request.set_name(named("plans", id));
  v1::NextSession next;
  const auto context = call_context();
  const auto status = connection.plans().GetNextSession(context.get(), request, &next);
  if (!status.ok()) return tl::make_unexpected(status);
  return next;
}

int tell(const CommonOptions& common, const grpc::Status& status, const v1::Plan& plan) {
  if (!status.ok()) return complain(status, common);
  if (common.json) {
    fmt::print("{}\n", json_of(plan));
  } else if (!common.quiet) {
    print_lines(plan_lines(plan, {}));
  }
  return kExitOk;
}

// JSON values in a list, one a line.
template <typename List>
void print_json_list(const char* name, const List& list) {
  fmt::print("{{\"{}\":[", name);
  bool first = true;
  for (const auto& entry : list) {
    fmt::print("{}{}", first ? "" : ",\n", json_of(entry));
    first = false;
  }
  fmt::print("]}}\n");
}

}  // namespace

int plan_new(const CommonOptions& common, const PlanOptions& options) {
  const Connection connection(common);
  v1::CreatePlanRequest request;
  request.set_client(named("clients", options.client));
  if (!options.program.empty()) request.set_program(named("programs", options.program));
  request.set_weeks(options.weeks);
  request.set_days_per_week(options.days);
  v1::Plan plan;
  const auto context = call_context();
  return tell(common, connection.plans().CreatePlan(context.get(), request, &plan), plan);
}

int plan_list(const CommonOptions& common, const PlanOptions& options) {
  const Connection connection(common);
  const auto plans = fetch_plans(connection, options.client);
  if (!plans) return complain(plans.error(), common);
  if (common.json) {
    print_json_list("plans", *plans);
    return kExitOk;
  }
  if (plans->empty() && !common.quiet) {
    fmt::print("no plan yet; 'medius plan new CLIENT' begins one\n");
  }
  for (const v1::Plan& plan : *plans) fmt::print("{}\n", plan_line(plan));
  return kExitOk;
}

int plan_show(const CommonOptions& common, const PlanOptions& options) {
  const Connection connection(common);
  const auto plan = fetch_plan(connection, options.plan);
  if (!plan) return complain(plan.error(), common);
  const auto days = fetch_days(connection, options.plan);
  if (!days) return complain(days.error(), common);
  if (common.json) {
    fmt::print("{{\"plan\":{},\n\"days\":[", json_of(*plan));
    for (std::size_t i = 0; i < days->size(); ++i) {
      fmt::print("{}{}", i == 0 ? "" : ",\n", json_of((*days)[i]));
    }
    fmt::print("]}}\n");
    return kExitOk;
  }
  print_lines(plan_lines(*plan, *days));
  return kExitOk;
}

int plan_next(const CommonOptions& common, const PlanOptions& options) {
  const Connection connection(common);
  const auto next = fetch_next(connection, options.plan);
  if (!next) return complain(next.error(), common);
  if (common.json) {
    fmt::print("{}\n", json_of(*next));
  } else {
    print_lines(next_lines(*next));
  }
  return kExitOk;
}

int plan_due(const CommonOptions& common, const PlanOptions& options) {
  const Connection connection(common);
  const auto plans = fetch_plans(connection, options.client);
  if (!plans) return complain(plans.error(), common);
  std::vector<v1::NextSession> all;
  for (const v1::Plan& plan : *plans) {
    const auto next = fetch_next(connection, plan.name());
    if (!next) return complain(next.error(), common);
    if (next->over() && next->tests().empty()) continue;
    all.push_back(*next);
    if (common.json) continue;
    fmt::print("{}\n", plan_line(plan));
    for (const std::string& line : next_lines(*next)) {
      if (!line.starts_with("  ")) fmt::print("  {}\n", line);
    }
    for (const std::string& note : next->notes()) fmt::print("    {}\n", note);
  }
  if (common.json) print_json_list("next", all);
  if (!common.json && all.empty() && !common.quiet) fmt::print("nothing is due\n");
  return kExitOk;
}

int plan_set(const CommonOptions& common, const PlanOptions& options) {
  const Connection connection(common);
  const auto before = fetch_plan(connection, options.plan);
  if (!before) return complain(before.error(), common);
  v1::UpdatePlanRequest request;
  request.mutable_plan()->set_name(before->name());
  request.mutable_plan()->set_etag(before->etag());
  request.mutable_update_mask()->add_paths("exercises");
  request.set_reason(options.reason);
  v1::PlanExercise* wish = request.mutable_plan()->add_exercises();
  wish->set_exercise(options.exercise);
  for (const v1::PlanExercise& exercise : before->exercises()) {
    if (exercise.exercise() == options.exercise) *wish = exercise;
  }
  if (options.load) wish->set_load(*options.load);
  if (options.reps) wish->set_reps(*options.reps);
  v1::Plan plan;
  const auto context = call_context();
  return tell(common, connection.plans().UpdatePlan(context.get(), request, &plan), plan);
}

int plan_decide(const CommonOptions& common, const PlanOptions& options) {
  const Connection connection(common);
  v1::DecideProposalRequest request;
  request.set_name(named("plans", options.plan));
  request.set_exercise(options.exercise);
  request.set_accept(options.accept);
  if (options.load) request.set_load(*options.load);
  if (options.reps) request.set_reps(*options.reps);
  request.set_reason(options.reason);
  v1::Plan plan;
  const auto context = call_context();
  return tell(common, connection.plans().DecideProposal(context.get(), request, &plan), plan);
}

int plan_import(const CommonOptions& common, const PlanOptions& options) {
  std::ifstream in(options.file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) return complain(options.file + ": cannot be read; look at its name and rights");
  const auto rows = parse_earlier_csv(text.str());
  if (!rows) {
    for (const std::string& error : rows.error()) complain(options.file + ": " + error);
    complain("nothing was read in");
    return kExitUsage;
  }
  const Connection connection(common);
  v1::ImportLoadsRequest request;
  request.set_name(named("plans", options.plan));
  for (const v1::EarlierSet& row : *rows) *request.add_sets() = row;
  v1::ImportLoadsResponse response;
  const auto context = call_context();
  const auto status = connection.plans().ImportLoads(context.get(), request, &response);
  if (!status.ok()) return complain(status, common);
  if (common.json) {
    fmt::print("{}\n", json_of(response));
    return kExitOk;
  }
  if (common.quiet) return kExitOk;
  fmt::print("{} rows read in\n", rows->size());
  for (const v1::PlanDecision& decision : response.decisions()) {
    fmt::print("  {}: {:g} to {:g}, {}\n", decision.exercise(), decision.load_before(),
               decision.load(), decision.reason());
  }
  return kExitOk;
}

int plan_progress(const CommonOptions& common, const PlanOptions& options) {
  const Connection connection(common);
  v1::GetProgressRequest request;
  request.set_name(named("clients", options.client));
  v1::Progress progress;
  const auto context = call_context(10.0);
  const auto status = connection.clients().GetProgress(context.get(), request, &progress);
  if (!status.ok()) return complain(status, common);
  if (!options.file.empty() && !write_file(options.file, progress_svg(progress))) {
    return kExitFailed;
  }
  if (common.json) {
    fmt::print("{}\n", json_of(progress));
  } else if (!common.quiet) {
    print_lines(progress_lines(progress));
  }
  return kExitOk;
}

int plan_delete(const CommonOptions& common, const PlanOptions& options) {
  const Connection connection(common);
  v1::DeletePlanRequest request;
  request.set_name(named("plans", options.plan));
  google::protobuf::Empty nothing;
  const auto context = call_context();
  const auto status = connection.plans().DeletePlan(context.get(), request, &nothing);
  if (!status.ok()) return complain(status, common);
  if (!common.quiet) fmt::print("plan {} is deleted; its sessions stay\n", options.plan);
  return kExitOk;
}

}  // namespace medius::client
