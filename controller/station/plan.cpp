#include "controller/station/plan.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "controller/station/plan_tests.hpp"

namespace medius::station {
namespace {

constexpr double kLoadStep = 0.5;  // N | Nm: what a session's loads are rounded to

// A program says the load of one arm; the one axis of linked arms carries it for both.
constexpr double kLinkedArms = 2.0;

double rounded(double load) {
  return std::round(load / kLoadStep) * kLoadStep;
}

// Two-for-two aims below the top of the range, so that the extra repetitions stay within it.
std::uint32_t first_goal(const ProgramBlock& block) {
  if (block.progression != Progression::kTwoForTwo) return block.reps;
  return std::max(block.reps, block.reps_max > kExtraReps ? block.reps_max - kExtraReps : 1u);
}

const AxisMachineConfig* axis_of(const MachineConfig& machine, hal::CoordinateKind kind) {
  const auto found =
      std::find_if(machine.axes.begin(), machine.axes.end(),
                   [kind](const auto& axis) { return axis.engine.coordinate == kind; });
  return found != machine.axes.end() ? &*found : nullptr;
}

const char* machine_words(hal::CoordinateKind kind) {
  return kind == hal::CoordinateKind::kCable ? "cable station" : "seated hip-abduction machine";
}

// Where an exercise without the machine is paced, so that two machines do not both ask for it: at
// the one whose exercise comes before it, or else comes first; nothing when no machine is needed.
std::optional<hal::CoordinateKind> place_of(const Program& program, const ProgramBlock& guided) {
  std::optional<hal::CoordinateKind> place;
  for (const ProgramBlock& block : program.blocks) {
    if (&block == &guided && place) break;
    if (block.guided) continue;
    const bool after = &block > &guided;
    if (after && place) break;
    place = block.coordinate;
  }
  return place;
}

// Of the session that comes after so many days.
bool in_second_half(const PlanCalendar& plan, std::uint32_t days_done) {
  return 2 * days_done >= plan.weeks * plan.days_per_week;
}

// The numbers, from 1, of an exercise's working sets in a session: of blocks with a progression.
std::set<std::uint32_t> working_sets(const Program& session, const std::string& exercise_id,
                                     bool guided) {
  std::set<std::uint32_t> indices;
  std::uint32_t before = 0;
  for (const ProgramBlock& block : session.blocks) {
    const auto count = block.sets * static_cast<std::uint32_t>(block.sides.size());
    const bool counts = block.progression != Progression::kFixed && block.guided == guided &&
                        block.exercise_id == exercise_id;
    for (std::uint32_t i = 1; counts && i <= count; ++i) indices.insert(before + i);
    before += count;
  }
  return indices;
}

void set_load(const PlanState& state, ProgramBlock& block) {
  const auto known = state.exercises.find(block.exercise_id);
  if (known == state.exercises.end() || block.guided) return;
  block.working_load = known->second.load;
  block.load = rounded(block.working_load * block.load_share);
}

}  // namespace

PlanState begin_plan(const Program& program) {
  PlanState state;
  state.program_id = program.id;
  for (const ProgramBlock& block : program.blocks) {
    if (block.progression == Progression::kFixed) continue;
    ExerciseState exercise;
    exercise.load = block.guided ? 0.0 : block.working_load;
    exercise.reps = first_goal(block);
    state.exercises.emplace(block.exercise_id, exercise);
  }
  return state;
}

std::optional<PlanDay> day_of(const PlanCalendar& plan, std::uint32_t days_done) {
  if (plan.days_per_week == 0 || days_done >= plan.weeks * plan.days_per_week) return std::nullopt;
  const std::uint32_t in_week = days_done % plan.days_per_week;
  return PlanDay{days_done / plan.days_per_week, in_week * 7 / plan.days_per_week};
}

bool tests_due(const PlanCalendar& plan, std::uint32_t days_done) {
  return std::any_of(plan.test_weeks.begin(), plan.test_weeks.end(),
                     [&](std::uint32_t week) { return week * plan.days_per_week == days_done; });
}

Program next_session(const Program& program, const PlanState& state) {
  Program session = program;
  session.blocks.clear();
  for (ProgramBlock block : program.blocks) {
    set_load(state, block);
    if (in_second_half(program.plan, state.days_done)) block.sets = block.sets_max;
    const auto known = state.exercises.find(block.exercise_id);
    if (block.progression != Progression::kFixed && known != state.exercises.end()) {
      block.reps = known->second.reps;
    }
    if (block.progression != Progression::kTwoForTwo) {
      session.blocks.push_back(std::move(block));
      continue;
    }
    ProgramBlock last = block;
    last.sets = 1;
    last.reps = block.reps + kExtraReps;
    if (--block.sets > 0) session.blocks.push_back(std::move(block));
    session.blocks.push_back(std::move(last));
  }
  return session;
}

Program for_person(const Program& test, const PlanState& state) {
  Program session = test;
  for (ProgramBlock& block : session.blocks) {
    if (block.load_share < 1.0) set_load(state, block);
  }
  return session;
}

MachineShare share_of(const Program& program, const MachineConfig& machine) {
  MachineShare share;
  share.program = program;
  share.program.blocks.clear();
  for (const ProgramBlock& block : program.blocks) {
    const auto place = block.guided ? place_of(program, block) : block.coordinate;
    if (block.guided && program.test == TestKind::kPelvicDrop && !machine.pelvis_sensor) {
      share.skipped.push_back(
          fmt::format("{} is skipped: {}", block.exercise_id, pelvis_not_seen().note));
    } else if (block.guided && (!place || axis_of(machine, *place) != nullptr)) {
      share.program.blocks.push_back(block);
    } else if (const AxisMachineConfig* axis = axis_of(machine, *place); axis != nullptr) {
      share.program.blocks.push_back(block);
      if (axis->engine.linked_arms) {
        share.program.blocks.back().load *= kLinkedArms;
        share.program.blocks.back().working_load *= kLinkedArms;
      }
    } else if (block.guided) {
      share.skipped.push_back(
          fmt::format("{} is paced at the {}, beside the exercise before it; this is the {}",
                      block.exercise_id, machine_words(*place), machine.name));
    } else {
      share.skipped.push_back(
          fmt::format("{} is skipped: it belongs to the {}, this is the {}; do it there",
                      block.exercise_id, machine_words(*place), machine.name));
    }
  }
  return share;
}

DayFigures day_figures(const Program& session, std::span<const record::SetRecord> sets,
                       const std::string& exercise_id) {
  DayFigures day;
  const auto asked = working_sets(session, exercise_id, false);
  std::set<std::uint32_t> done;  // a set of both arms is two records
  for (const record::SetRecord& set : sets) {
    if (set.exercise_id != exercise_id || !asked.contains(set.index)) continue;
    done.insert(set.index);
    day.sets.push_back(figures_of(set));
  }
  day.sets_missing = static_cast<std::uint32_t>(asked.size() - done.size());
  return day;
}

DayFigures guided_figures(const Program& session, std::span<const record::GuidedRecord> guided,
                          const std::string& exercise_id) {
  DayFigures day;
  const auto asked = working_sets(session, exercise_id, true);
  for (const record::GuidedRecord& one : guided) {
    if (one.exercise_id != exercise_id || !asked.contains(one.index)) continue;
    SetFigures figures;
    figures.side = one.side;
    figures.reps_asked = one.reps_asked;
    figures.reps_full = one.reps_confirmed;
    figures.ended_by_count = one.reps_confirmed >= one.reps_asked;
    day.sets.push_back(figures);
  }
  day.sets_missing = static_cast<std::uint32_t>(asked.size() - day.sets.size());
  return day;
}

std::vector<ExerciseDecision> finish_day(const Program& program, PlanState& state,
                                         std::int64_t start_unix_ns,
                                         const std::map<std::string, DayFigures>& figures) {
  std::vector<ExerciseDecision> decisions;
  for (const ProgramBlock& block : program.blocks) {
    const auto known = state.exercises.find(block.exercise_id);
    if (block.progression == Progression::kFixed || known == state.exercises.end()) continue;
    const auto day = figures.find(block.exercise_id);
    ExerciseDecision decision;
    decision.exercise_id = block.exercise_id;
    if (day != figures.end()) decision.day = day->second;
    decision.decision = progress(rules_of(block), known->second, decision.day);
    decisions.push_back(std::move(decision));
  }
  ++state.days_done;
  if (program.plan.strength) state.last_start_unix_ns = start_unix_ns;
  return decisions;
}

}  // namespace medius::station
