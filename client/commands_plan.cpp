// medius plan: programs of weeks, what comes next, and how somebody has come along.
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "client/commands_people.hpp"
#include "client/connection.hpp"
#include "client/people_text.hpp"
#include "client/plans.hpp"
#include "client/print.hpp"
#include "client/wording.hpp"

namespace medius::client {
namespace {

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
  const auto days = fetch_plan_days(connection, options.plan);
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
  const auto next = fetch_next_session(connection, options.plan);
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
    const auto next = fetch_next_session(connection, plan.name());
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
  const auto progress = fetch_progress(connection, options.client);
  if (!progress) return complain(progress.error(), common);
  if (!options.file.empty() && !write_file(options.file, progress_svg(*progress))) {
    return kExitFailed;
  }
  if (common.json) {
    fmt::print("{}\n", json_of(*progress));
  } else if (!common.quiet) {
    print_lines(progress_lines(*progress));
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
