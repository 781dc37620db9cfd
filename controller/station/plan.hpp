// A plan: a program carried out by one person over weeks. Which day comes next, what its session
// is, and what a finished day changes. Pure values in and out; where the state is kept and what
// the time is, is the caller's business.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controller/record/guided_record.hpp"
#include "controller/station/machine_config.hpp"
#include "controller/station/program.hpp"
#include "controller/station/progression.hpp"

namespace medius::station {

struct PlanState {
  std::string program_id;
  std::uint32_t days_done = 0;
  std::int64_t last_start_unix_ns = 0;             // of the last strength day; 0 = none yet
  std::map<std::string, ExerciseState> exercises;  // by exercise id
};

// [any] Every exercise at the program's starting load and the lower end of its repetitions.
[[nodiscard]] PlanState begin_plan(const Program& program);

// A day of the calendar, from 0: week 0, day 0 is the first.
struct PlanDay {
  std::uint32_t week = 0;
  std::uint32_t day_of_week = 0;  // 0..6 from the plan's first day
};
// [any] Nothing when the plan is over. 3 days are 0, 2, 4; strength days are 48 h apart or more.
[[nodiscard]] std::optional<PlanDay> day_of(const PlanCalendar& plan, std::uint32_t days_done);
// [any] Tests that are due before the session after `days_done` days; after the last one at the
// end.
[[nodiscard]] bool tests_due(const PlanCalendar& plan, std::uint32_t days_done);

// [any] The session of the day: loads from the client's working loads, repetitions from where the
// range has been filled to, more sets from the middle of the plan on, and two repetitions more in
// the last set where two-for-two is the rule.
[[nodiscard]] Program next_session(const Program& program, const PlanState& state);
// [any] A test for this person: loads as shares of their own working load where they have one.
[[nodiscard]] Program for_person(const Program& test, const PlanState& state);

// [any] What of a program this machine can do; the rest with the reason. What is done without a
// machine belongs to the one whose exercise comes before it; a stance that only a pelvis-tilt
// sensor can judge is left out where there is none.
struct MachineShare {
  Program program;
  std::vector<std::string> skipped;
};
[[nodiscard]] MachineShare share_of(const Program& program, const MachineConfig& machine);

// [any] The working sets of an exercise: not the warm-ups, not what the program keeps fixed. `sets`
// are of a session of exactly this program, in order.
[[nodiscard]] DayFigures day_figures(const Program& session,
                                     std::span<const record::SetRecord> sets,
                                     const std::string& exercise_id);

// [any] The same of an exercise without the machine: what was confirmed, not what was counted.
[[nodiscard]] DayFigures guided_figures(const Program& session,
                                        std::span<const record::GuidedRecord> guided,
                                        const std::string& exercise_id);

struct ExerciseDecision {
  std::string exercise_id;
  DayFigures day;
  Decision decision;
};
// [any] Decides for every exercise with a progression, and moves the state to the next day.
// `figures` by exercise id; an exercise that was not trained stays as it is.
[[nodiscard]] std::vector<ExerciseDecision> finish_day(
    const Program& program, PlanState& state, std::int64_t start_unix_ns,
    const std::map<std::string, DayFigures>& figures);

}  // namespace medius::station
