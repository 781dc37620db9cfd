#include "client/simulate_plan_text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/tables.hpp"
#include "controller/record/export.hpp"

namespace medius::client {
namespace {

const station::TestResult* same_test(const sim::PlanTestDay& day, station::TestKind kind) {
  for (const station::TestResult& result : day.results) {
    if (result.kind == kind) return &result;
  }
  return nullptr;
}

std::string value_text(const station::TestResult& test, const station::SideResult& side) {
  if (side.value.count == 0) return "no value";
  if (side.stance) return stance_text(*side.stance, side.stance_asked_s);
  if (test.kind != station::TestKind::kLoadVelocity) {
    return fmt::format("best {:.1f}, mean {:.1f} {}", side.value.best, side.value.mean, test.unit);
  }
  return fmt::format("load at {:g} m/s {:.0f} {} (95 %: {:.0f} to {:.0f}), {} loads, r2 {:.2f}",
                     measure::kVelocityAtMaximumMps, side.profile.one_rm, test.unit,
                     side.profile.one_rm_low, side.profile.one_rm_high, side.profile.loads,
                     side.profile.r_squared);
}

std::string change_since(const sim::PlanTestDay& first, const station::TestResult& test,
                         const station::SideResult& side) {
  const station::TestResult* before = same_test(first, test.kind);
  if (before == nullptr || before == &test) return "";
  for (const station::SideResult& earlier : before->sides) {
    if (earlier.side != side.side) continue;
    const std::string change = station::change_text(test.kind, earlier, side, test.unit);
    return change.empty() ? "" : "; since week 0: " + change;
  }
  return "";
}

void add_tests(const sim::PlanTestDay& first, const sim::PlanTestDay& day,
               std::vector<std::string>& lines) {
  lines.push_back(fmt::format("tests, week {}", day.week));
  for (const station::TestResult& test : day.results) {
    for (const station::SideResult& side : test.sides) {
      lines.push_back(fmt::format("  {:<14} {:<5} {}{}", station::to_string(test.kind),
                                  record::to_string(side.side), value_text(test, side),
                                  change_since(first, test, side)));
    }
    if (test.symmetry) lines.push_back("  " + station::symmetry_text(*test.symmetry));
    if (!test.note.empty()) {
      lines.push_back(fmt::format("  {:<14} {}", station::to_string(test.kind), test.note));
    }
  }
  for (const std::string& note : day.notes) lines.push_back("  " + note);
  lines.emplace_back();
}

std::string reps_text(const station::DayFigures& day) {
  std::string text;
  for (const station::SetFigures& set : day.sets) {
    text += fmt::format("{}{}{}", text.empty() ? "" : " ", set.reps_full,
                        set.reps_partial > 0 ? fmt::format("+{}p", set.reps_partial) : "");
  }
  return text.empty() ? "-" : text;
}

double mean_range(const station::DayFigures& day) {
  double sum = 0.0;
  int count = 0;
  for (const station::SetFigures& set : day.sets) {
    if (!(set.range > 0.0)) continue;
    sum += set.range;
    ++count;
  }
  return count > 0 ? sum / count : 0.0;
}

void add_session(const sim::PlanSessionDay& day, std::vector<std::string>& lines) {
  lines.push_back(fmt::format(
      "week {} day {}: {} sets, {} repetitions{}; strength {:.2f} {:.2f}", day.day.week + 1,
      day.day.day_of_week + 1, day.sets, day.repetitions,
      day.guided > 0 ? fmt::format(", {} without the machine", day.guided) : std::string(),
      day.strength[0], day.strength[1]));
  for (const station::ExerciseDecision& exercise : day.decisions) {
    const station::Decision& decision = exercise.decision;
    lines.push_back(fmt::format(
        "  {:<26} {:>5}  {:<24} range {:.2f}  {}{}: {}", exercise.exercise_id,
        decision.load_before > 0.0 ? fmt::format("{:g}", decision.load_before) : std::string("-"),
        reps_text(exercise.day), mean_range(exercise.day), station::to_string(decision.change),
        decision.refused    ? " (refused)"
        : !decision.applied ? " (proposed)"
                            : "",
        decision.reason));
  }
  for (const std::string& note : day.notes) lines.push_back("  " + note);
}

nlohmann::json test_json(const station::TestResult& test) {
  nlohmann::json json{{"test", station::to_string(test.kind)}, {"unit", test.unit}};
  if (!test.note.empty()) json["note"] = test.note;
  for (const station::SideResult& side : test.sides) {
    nlohmann::json value{{"side", record::to_string(side.side)},
                         {"trials", side.value.count},
                         {"best", side.value.best},
                         {"mean", side.value.mean},
                         {"standard_error", side.value.standard_error}};
    if (test.kind == station::TestKind::kLoadVelocity) {
      value["formula"] = "load at a peak speed of 0.28 m/s on a straight line, interval by Fieller";
      value["one_rm"] = side.profile.one_rm;
      value["one_rm_95"] = {side.profile.one_rm_low, side.profile.one_rm_high};
      value["slope"] = side.profile.slope;
      value["velocity_at_no_load"] = side.profile.velocity_at_no_load;
      value["r_squared"] = side.profile.r_squared;
    }
    if (side.stance) {
      value["stood_s"] = side.stance->stood_s;
      value["until_drop_s"] = side.stance->until_drop_s;
      value["held"] = side.stance->held;
    }
    json["sides"].push_back(value);
  }
  if (test.symmetry) {
    json["symmetry_percent"] = test.symmetry->index.value;
    json["minimal_detectable_change_percent"] = test.symmetry->change.value;
    json["symmetry"] = station::symmetry_text(*test.symmetry);
  }
  return json;
}

nlohmann::json decision_json(const station::ExerciseDecision& exercise) {
  const station::Decision& decision = exercise.decision;
  nlohmann::json json{
      {"exercise", exercise.exercise_id}, {"load", decision.load_before},
      {"load_next", decision.load},       {"reps_goal", decision.reps_before},
      {"reps_goal_next", decision.reps},  {"change", station::to_string(decision.change)},
      {"refused", decision.refused},      {"applied", decision.applied},
      {"reason", decision.reason},        {"sets", nlohmann::json::array()}};
  for (const station::SetFigures& set : exercise.day.sets) {
    json["sets"].push_back({{"side", record::to_string(set.side)},
                            {"load", set.load},
                            {"reps_asked", set.reps_asked},
                            {"reps_full", set.reps_full},
                            {"reps_partial", set.reps_partial},
                            {"range", set.range},
                            {"tempo_off_share", set.tempo_off_share},
                            {"momentum_share", set.momentum_share}});
  }
  return json;
}

}  // namespace

std::vector<std::string> plan_lines(const sim::PlanResult& result) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("{}: {} weeks, {} days a week, seed {}", result.program.title,
                              result.program.plan.weeks, result.program.plan.days_per_week,
                              result.seed));
  lines.emplace_back();
  for (const sim::PlanTestDay& day : result.tests) add_tests(result.tests.front(), day, lines);
  lines.emplace_back("sessions: load (N, Nm an arm), full repetitions of each working set");
  for (const sim::PlanSessionDay& day : result.sessions) add_session(day, lines);
  return lines;
}

nlohmann::json plan_json(const sim::PlanResult& result) {
  nlohmann::json json{{"program", result.program.id},
                      {"seed", result.seed},
                      {"weeks", result.program.plan.weeks},
                      {"simulated_s", result.simulated_s},
                      {"trace_hash", fmt::format("{:016x}", result.trace_hash)},
                      {"tests", nlohmann::json::array()},
                      {"sessions", nlohmann::json::array()}};
  for (const sim::PlanTestDay& day : result.tests) {
    nlohmann::json entry{{"week", day.week}, {"notes", day.notes}};
    for (const station::TestResult& test : day.results) entry["results"].push_back(test_json(test));
    json["tests"].push_back(entry);
  }
  for (const sim::PlanSessionDay& day : result.sessions) {
    nlohmann::json entry{{"week", day.day.week + 1}, {"day", day.day.day_of_week + 1},
                         {"sets", day.sets},         {"repetitions", day.repetitions},
                         {"guided", day.guided},     {"strength", day.strength},
                         {"notes", day.notes}};
    for (const station::ExerciseDecision& exercise : day.decisions) {
      entry["exercises"].push_back(decision_json(exercise));
    }
    json["sessions"].push_back(entry);
  }
  return json;
}

}  // namespace medius::client
