#include "controller/record/people_json.hpp"

#include <nlohmann/json.hpp>

#include "controller/record/export.hpp"

namespace medius::record {
namespace {

using nlohmann::json;

const char* unit_of(hal::CoordinateKind kind) {
  return kind == hal::CoordinateKind::kLever ? "Nm" : "N";
}

const char* word_of(Sex sex) {
  switch (sex) {
    case Sex::kNotSaid:
      return nullptr;
    case Sex::kFemale:
      return "female";
    case Sex::kMale:
      return "male";
    case Sex::kOther:
      return "other";
  }
  return nullptr;
}

json said(double value) {
  return value > 0.0 ? json(value) : json(nullptr);
}

json time_of(std::int64_t unix_ns) {
  return unix_ns == 0 ? json(nullptr) : json(iso_time(unix_ns));
}

json client_json(const ClientRecord& client) {
  json caps = json::array();
  for (const LoadCap& cap : client.caps) {
    caps.push_back(
        {{"exercise_id", cap.exercise_id.empty() ? json(nullptr) : json(cap.exercise_id)},
         {"load", cap.load},
         {"unit", unit_of(cap.coordinate)}});
  }
  const char* sex = word_of(client.sex);
  return {{"goal", client.goal.empty() ? json(nullptr) : json(client.goal)},
          {"notes", client.notes},
          {"birth_year", said(client.birth_year)},
          {"sex", sex == nullptr ? json(nullptr) : json(sex)},
          {"body_mass_kg", said(client.body_mass_kg)},
          {"height_m", said(client.height_m)},
          {"leg_length_m", said(client.leg_length_m)},
          {"affected_side", to_string(client.affected_side)},
          {"in_therapy", client.in_therapy},
          {"caps", std::move(caps)},
          {"created", time_of(client.create_unix_ns)},
          {"changed", time_of(client.update_unix_ns)}};
}

json day_json(const PlanDayRecord& day) {
  json decisions = json::array();
  for (const PlanDecision& decision : day.decisions) {
    decisions.push_back({{"exercise_id", decision.exercise_id},
                         {"change", to_string(decision.change)},
                         {"load_before", decision.load_before},
                         {"load", decision.load},
                         {"reps_before", decision.reps_before},
                         {"reps", decision.reps},
                         {"refused", decision.refused},
                         {"proposed", !decision.applied},
                         {"capped", decision.capped},
                         {"decided_by", decision.decided_by},
                         {"reason", decision.reason}});
  }
  return {{"ordinal", day.ordinal},
          {"days_done", day.days_done},
          {"session_id", day.session_id.empty() ? json(nullptr) : json(day.session_id)},
          {"time", time_of(day.unix_ns)},
          {"counted", day.counted},
          {"notes", day.notes},
          {"decisions", std::move(decisions)}};
}

json plan_json(const PlanWithDays& entry) {
  const PlanRecord& plan = entry.plan;
  json out{{"id", plan.id},
           {"program_id", plan.program_id},
           {"weeks", plan.weeks},
           {"days_per_week", plan.days_per_week},
           {"test_weeks", plan.test_weeks},
           {"days_done", plan.days_done},
           {"exercises", json::array()},
           {"tests", json::array()},
           {"earlier", json::array()},
           {"days", json::array()},
           {"created", time_of(plan.create_unix_ns)},
           {"changed", time_of(plan.update_unix_ns)}};
  for (const PlanExercise& exercise : plan.exercises) {
    json proposal(nullptr);
    if (exercise.proposal) {
      proposal = {{"load", exercise.proposal->load},
                  {"reps", exercise.proposal->reps},
                  {"reason", exercise.proposal->reason}};
    }
    out["exercises"].push_back({{"exercise_id", exercise.exercise_id},
                                {"load", exercise.load},
                                {"reps", exercise.reps},
                                {"proposal", std::move(proposal)}});
  }
  for (const PlanTest& test : plan.tests) {
    out["tests"].push_back({{"program_id", test.program_id},
                            {"session_id", test.session_id},
                            {"days_done", test.days_done},
                            {"start", time_of(test.start_unix_ns)}});
  }
  for (const EarlierSet& set : plan.earlier) {
    out["earlier"].push_back({{"day", time_of(set.day_unix_ns)},
                              {"exercise_id", set.exercise_id},
                              {"side", to_string(set.side)},
                              {"load", set.load},
                              {"unit", unit_of(set.coordinate)},
                              {"reps", set.reps}});
  }
  for (const PlanDayRecord& day : entry.days) out["days"].push_back(day_json(day));
  return out;
}

}  // namespace

std::string person_json(const std::string& id, const ClientRecord* client,
                        std::span<const PlanWithDays> plans) {
  json of_plans = json::array();
  for (const PlanWithDays& plan : plans) of_plans.push_back(plan_json(plan));
  const json of_client = client == nullptr ? json(nullptr) : client_json(*client);
  constexpr auto kReplace = json::error_handler_t::replace;  // notes may hold any bytes
  return R"({"format":"medius.person","format_version":1,"id":)" + json(id).dump() +
         ",\"client\":" + of_client.dump(-1, ' ', false, kReplace) +
         ",\"plans\":" + of_plans.dump(-1, ' ', false, kReplace) + ",\"sessions\":[";
}

}  // namespace medius::record
