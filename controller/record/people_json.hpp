// Everything that is kept of one person, as JSON: what an export hands over.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "controller/record/people.hpp"

namespace medius::record {

struct PlanWithDays {
  PlanRecord plan;
  std::vector<PlanDayRecord> days;
};

// {"format": "medius.person", "format_version": 1, "id",
//  "client": null | {"goal", "notes", "birth_year", "sex", "body_mass_kg", "height_m",
//    "leg_length_m", "affected_side", "in_therapy", "caps": [{"exercise_id", "load", "unit"}],
//    "created", "changed"},
//  "plans": [{"id", "program_id", "weeks", "days_per_week", "test_weeks", "days_done",
//    "exercises": [{"exercise_id", "load", "reps", "proposal": null | {"load", "reps", "reason"}}],
//    "tests": [{"program_id", "session_id", "days_done", "start"}],
//    "earlier": [{"day", "exercise_id", "side", "load", "unit", "reps"}],
//    "days": [{"ordinal", "days_done", "session_id", "time", "counted", "notes",
//      "decisions": [{"exercise_id", "change", "load_before", "load", "reps_before", "reps",
//        "refused", "proposed", "capped", "decided_by", "reason"}]}], "created", "changed"}],
//  "sessions": [
// What is not said is null. Left open: after it come the sessions, each as write_session_json()
// writes it, with commas between, and "]}".
[[nodiscard]] std::string person_json(const std::string& id, const ClientRecord* client,
                                      std::span<const PlanWithDays> plans);

}  // namespace medius::record
