// Plans as they are kept: begun, changed by hand, decided by a therapist, started from earlier
// loads.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "controller/station/people.hpp"
#include "controller/station/trainee.hpp"

namespace medius::station {
namespace {

using record::PlanDayRecord;
using record::PlanDecision;
using record::PlanExercise;
using record::PlanRecord;

tl::unexpected<Refusal> no(RefusalCode code, std::string message) {
  return tl::unexpected(Refusal{code, std::move(message)});
}

tl::unexpected<Refusal> not_stored(const record::StoreError& error) {
  return tl::unexpected(Refusal{RefusalCode::kUnavailable, error.message});
}

// Whether a program trains for a goal: its working blocks, not its warm-up.
bool serves(const Program& program, const GoalPreset& goal) {
  return std::any_of(program.blocks.begin(), program.blocks.end(), [&](const ProgramBlock& block) {
    return !block.warm_up && block.progression != Progression::kFixed && block.goal == goal.goal;
  });
}

tl::expected<const Program*, Refusal> program_for(const PeopleDesk& desk, const NewPlan& wish,
                                                  const record::ClientRecord& client) {
  const auto& programs = desk.programs.programs;
  if (!wish.program_id.empty()) {
    const auto found = programs.find(wish.program_id);
    if (found == programs.end()) {
      return no(RefusalCode::kNotFound,
                fmt::format("program '{:.64}' is not known; 'medius programs' lists them",
                            wish.program_id));
    }
    if (found->second.plan.weeks == 0) {
      return no(RefusalCode::kInvalid,
                fmt::format("program '{}' is a single session and no plan; 'medius programs' tells "
                            "which last weeks",
                            wish.program_id));
    }
    return &found->second;
  }
  const GoalPreset* goal = find_goal(client.goal);
  for (const auto& [id, program] : programs) {
    if (goal != nullptr && program.plan.weeks > 0 && serves(program, *goal)) return &program;
  }
  return no(RefusalCode::kInvalid,
            fmt::format("client '{}' has {} to choose a program by; name one, 'medius programs' "
                        "lists them",
                        client.id, goal == nullptr ? "no goal" : "a goal without a program"));
}

PlanExercise* exercise_of(PlanRecord& plan, const std::string& id) {
  const auto found = std::find_if(plan.exercises.begin(), plan.exercises.end(),
                                  [&](const auto& one) { return one.exercise_id == id; });
  return found == plan.exercises.end() ? nullptr : &*found;
}

const ProgramBlock* block_of(const PeopleDesk& desk, const PlanRecord& plan,
                             const std::string& exercise_id) {
  const auto program = desk.programs.programs.find(plan.program_id);
  if (program == desk.programs.programs.end()) return nullptr;
  for (const ProgramBlock& block : program->second.blocks) {
    if (block.exercise_id == exercise_id && block.progression != Progression::kFixed) return &block;
  }
  return nullptr;
}

std::string list_exercises(const PlanRecord& plan) {
  std::string ids;
  for (const auto& one : plan.exercises) ids += (ids.empty() ? "" : ", ") + one.exercise_id;
  return ids;
}

struct Opened {
  PlanRecord plan;
  std::optional<record::ClientRecord> client;
  std::uint32_t next_ordinal = 1;
};

tl::expected<Opened, Refusal> open_plan(const PeopleDesk& desk, const std::string& id,
                                        std::optional<std::uint64_t> revision) {
  auto plan = desk.store.plan(id);
  if (!plan) {
    return no(RefusalCode::kNotFound,
              fmt::format("plan '{:.64}' is not in the store; 'medius plan list' names them", id));
  }
  if (revision && *revision != plan->revision) {
    return no(RefusalCode::kVersionConflict,
              fmt::format("plan {} is at revision {}, the change was made for {}; read it and "
                          "change it again",
                          id, plan->revision, *revision));
  }
  if (!plan->session_id.empty()) {
    return no(RefusalCode::kWrongState,
              fmt::format("session {} of plan {} is under way; change the plan when it is over",
                          plan->session_id, id));
  }
  Opened opened;
  opened.client = desk.store.client(plan->client_id);
  const auto days = desk.store.plan_days(id);
  if (!days.empty()) opened.next_ordinal = days.back().ordinal + 1;
  opened.plan = std::move(*plan);
  return opened;
}

tl::expected<ChangedPlan, Refusal> keep(const PeopleDesk& desk, Opened opened, PlanDayRecord day,
                                        std::int64_t now_unix_ns) {
  ++opened.plan.revision;
  opened.plan.update_unix_ns = now_unix_ns;
  day.plan_id = opened.plan.id;
  day.ordinal = opened.next_ordinal;
  day.days_done = opened.plan.days_done;
  day.unix_ns = now_unix_ns;
  if (auto put = desk.store.put_plan(opened.plan, &day); !put) return not_stored(put.error());
  return ChangedPlan{std::move(opened.plan), std::move(day)};
}

std::optional<Refusal> check_prescription(const ProgramBlock& block, double load,
                                          std::uint32_t reps) {
  // What a machine can do at most, an arm on a lever.
  const double most = block.coordinate == hal::CoordinateKind::kLever ? 250.0 : 600.0;
  constexpr std::uint32_t kRepsMax = 100;
  if (!std::isfinite(load) || load < 0.0 || load > most) {
    return Refusal{RefusalCode::kInvalid, fmt::format("{}: load {:g}, possible are 0 to {:g}",
                                                      block.exercise_id, load, most)};
  }
  if (block.guided && load > 0.0) {
    return Refusal{
        RefusalCode::kInvalid,
        fmt::format("{} is done without the machine; it has no load to set", block.exercise_id)};
  }
  if (reps == 0 || reps > kRepsMax) {
    return Refusal{RefusalCode::kInvalid, fmt::format("{}: {} repetitions, possible are 1 to {}",
                                                      block.exercise_id, reps, kRepsMax)};
  }
  return std::nullopt;
}

// Fills in what a change means; refuses what nobody may, or what this person may not.
std::optional<Refusal> resolve(const PeopleDesk& desk, const Opened& opened,
                               const ExerciseChange& change, const PlanExercise& exercise,
                               const Person& person, PlanDecision& decision) {
  const ProgramBlock* block = block_of(desk, opened.plan, exercise.exercise_id);
  if (block == nullptr) {
    return Refusal{RefusalCode::kWrongState,
                   fmt::format("program '{}' of plan {} has no exercise '{}' any more",
                               opened.plan.program_id, opened.plan.id, exercise.exercise_id)};
  }
  const bool therapy = opened.client && opened.client->in_therapy;
  if (therapy && !person.therapist) {
    return Refusal{RefusalCode::kNotAllowed,
                   fmt::format("client '{}' is in therapy: changes of {} are a therapist's "
                               "decision; connect with a therapist's certificate (--tls)",
                               opened.plan.client_id, exercise.exercise_id)};
  }
  decision.load = exercise.load;
  decision.reps = exercise.reps;
  if (change.kind == ExerciseChange::Kind::kSet) {
    decision.load = change.load.value_or(exercise.load);
    decision.reps = change.reps.value_or(exercise.reps);
  } else if (!exercise.proposal) {
    return Refusal{RefusalCode::kWrongState,
                   fmt::format("nothing is proposed for {}; 'medius plan show' tells what is",
                               exercise.exercise_id)};
  } else if (change.kind == ExerciseChange::Kind::kAccept) {
    decision.load = change.load.value_or(exercise.proposal->load);
    decision.reps = change.reps.value_or(exercise.proposal->reps);
  }
  if (auto wrong = check_prescription(*block, decision.load, decision.reps)) return wrong;
  if (!opened.client || block->guided) return std::nullopt;
  const Trainee trainee{opened.plan.client_id, opened.plan.id, opened.client->caps, {}};
  const auto over = over_cap(trainee, exercise.exercise_id, block->coordinate, decision.load, 1.0);
  if (over) return Refusal{RefusalCode::kOverLimit, *over};
  return std::nullopt;
}

record::PlanChange change_of(const PlanDecision& decision) {
  if (decision.load > decision.load_before) return record::PlanChange::kMoreLoad;
  if (decision.load < decision.load_before) return record::PlanChange::kLessLoad;
  if (decision.reps > decision.reps_before) return record::PlanChange::kMoreReps;
  if (decision.reps < decision.reps_before) return record::PlanChange::kLessLoad;
  return record::PlanChange::kHold;
}

std::string words_of(const ExerciseChange& change, const std::string& by) {
  std::string words = change.kind == ExerciseChange::Kind::kAccept    ? "proposal accepted"
                      : change.kind == ExerciseChange::Kind::kDecline ? "proposal declined"
                                                                      : "set by hand";
  words += " by " + (by.empty() ? std::string("somebody") : by);
  return change.reason.empty() ? words : words + ": " + change.reason;
}

std::optional<Refusal> check_row(const PeopleDesk& desk, const PlanRecord& plan,
                                 const record::EarlierSet& row, std::size_t number,
                                 std::int64_t now_unix_ns) {
  const auto wrong = [&](const std::string& why) {
    return Refusal{RefusalCode::kInvalid, fmt::format("row {}: {}; no row was taken", number, why)};
  };
  const ProgramBlock* block = block_of(desk, plan, row.exercise_id);
  if (block == nullptr || block->guided) {
    return wrong(fmt::format("exercise '{:.64}' is no machine exercise of the plan; it has: {}",
                             row.exercise_id, list_exercises(plan)));
  }
  if (block->coordinate != row.coordinate) {
    return wrong(fmt::format("{} is loaded in {}, the row is in {}", row.exercise_id,
                             block->coordinate == hal::CoordinateKind::kLever ? "Nm" : "N",
                             row.coordinate == hal::CoordinateKind::kLever ? "Nm" : "N"));
  }
  if (auto limits = check_prescription(*block, row.load, row.reps)) return wrong(limits->message);
  if (row.day_unix_ns > now_unix_ns) return wrong("its day lies in the future");
  return std::nullopt;
}

}  // namespace

PeopleAnswer<PlanRecord> create_plan(const PeopleDesk& desk, const NewPlan& wish,
                                     std::int64_t now_unix_ns) {
  const auto client = desk.store.client(wish.client_id);
  if (!client) {
    return no(RefusalCode::kNotFound,
              fmt::format("client '{:.64}' is not in the store; 'medius client add' puts it there",
                          wish.client_id));
  }
  const auto found = program_for(desk, wish, *client);
  if (!found) return tl::unexpected(found.error());
  const Program& program = **found;
  if (wish.weeks > 52 || wish.days_per_week > 7) {
    return no(RefusalCode::kInvalid,
              fmt::format("{} weeks of {} days: at most 52 weeks and 7 days are possible",
                          wish.weeks, wish.days_per_week));
  }
  // 48 h between days on the same muscle: every second day.
  if (program.plan.strength && wish.days_per_week > 3) {
    return no(RefusalCode::kInvalid,
              fmt::format("{} days a week: at most 3 with 48 h between strength days",
                          wish.days_per_week));
  }
  const auto id = desk.store.next_id();
  if (!id) return not_stored(id.error());
  PlanRecord plan;
  plan.id = *id;
  plan.client_id = wish.client_id;
  plan.program_id = program.id;
  plan.revision = 1;
  plan.weeks = wish.weeks > 0 ? wish.weeks : program.plan.weeks;
  plan.days_per_week = wish.days_per_week > 0 ? wish.days_per_week : program.plan.days_per_week;
  plan.strength = program.plan.strength;
  for (const std::uint32_t week : program.plan.test_weeks) {
    if (week < plan.weeks) plan.test_weeks.push_back(week);
  }
  // A shorter or longer plan ends with a test too.
  if (!program.plan.test_weeks.empty()) plan.test_weeks.push_back(plan.weeks);
  for (const auto& [exercise_id, state] : begin_plan(program).exercises) {
    PlanExercise exercise;
    exercise.exercise_id = exercise_id;
    exercise.load = state.load;
    exercise.reps = state.reps;
    const ProgramBlock* block = block_of(desk, plan, exercise_id);
    const auto cap =
        block == nullptr ? std::nullopt : cap_of(client->caps, exercise_id, block->coordinate);
    if (cap && exercise.load > *cap) exercise.load = *cap;
    plan.exercises.push_back(std::move(exercise));
  }
  plan.create_unix_ns = plan.update_unix_ns = now_unix_ns;
  if (auto put = desk.store.put_plan(plan); !put) return not_stored(put.error());
  return plan;
}

PeopleAnswer<bool> delete_plan(const PeopleDesk& desk, const std::string& id,
                               std::optional<std::uint64_t> revision) {
  const auto opened = open_plan(desk, id, revision);
  if (!opened) return tl::unexpected(opened.error());
  if (auto done = desk.store.remove_plan(id); !done) return not_stored(done.error());
  return true;
}

PeopleAnswer<ChangedPlan> change_exercise(const PeopleDesk& desk, const std::string& plan_id,
                                          std::optional<std::uint64_t> revision,
                                          const ExerciseChange& change, const Person& person,
                                          std::int64_t now_unix_ns) {
  auto opened = open_plan(desk, plan_id, revision);
  if (!opened) return tl::unexpected(opened.error());
  PlanExercise* exercise = exercise_of(opened->plan, change.exercise_id);
  if (exercise == nullptr) {
    return no(RefusalCode::kNotFound,
              fmt::format("plan {} has no exercise '{:.64}' that progresses; it has: {}", plan_id,
                          change.exercise_id, list_exercises(opened->plan)));
  }
  PlanDecision decision;
  decision.exercise_id = exercise->exercise_id;
  decision.load_before = exercise->load;
  decision.reps_before = exercise->reps;
  if (auto wrong = resolve(desk, *opened, change, *exercise, person, decision)) {
    return tl::unexpected(*wrong);
  }
  decision.change = change_of(decision);
  decision.decided_by = person.name.empty() ? "local" : person.name;
  decision.reason = words_of(change, decision.decided_by);
  exercise->load = decision.load;
  exercise->reps = decision.reps;
  exercise->proposal.reset();
  exercise->surplus_days = 0;
  exercise->short_days = 0;
  PlanDayRecord day;
  day.decisions.push_back(std::move(decision));
  return keep(desk, std::move(*opened), std::move(day), now_unix_ns);
}

PeopleAnswer<ChangedPlan> import_loads(const PeopleDesk& desk, const std::string& plan_id,
                                       std::optional<std::uint64_t> revision,
                                       std::vector<record::EarlierSet> rows, const Person& person,
                                       std::int64_t now_unix_ns) {
  auto opened = open_plan(desk, plan_id, revision);
  if (!opened) return tl::unexpected(opened.error());
  PlanRecord& plan = opened->plan;
  if (rows.empty() || plan.earlier.size() + rows.size() > record::kEarlierSetsMax) {
    return no(
        RefusalCode::kInvalid,
        fmt::format("{} rows, and {} are there: 1 to {} in all are possible; leave the oldest "
                    "out",
                    rows.size(), plan.earlier.size(), record::kEarlierSetsMax));
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (auto wrong = check_row(desk, plan, rows[i], i + 1, now_unix_ns)) {
      return tl::unexpected(*wrong);
    }
  }
  plan.earlier.insert(plan.earlier.end(), rows.begin(), rows.end());
  std::stable_sort(plan.earlier.begin(), plan.earlier.end(),
                   [](const auto& a, const auto& b) { return a.day_unix_ns < b.day_unix_ns; });
  PlanDayRecord day;
  day.notes.push_back(fmt::format("{} earlier sets read in", rows.size()));
  for (PlanExercise& exercise : plan.exercises) {
    const record::EarlierSet* newest = nullptr;
    for (const record::EarlierSet& set : plan.earlier) {
      if (set.exercise_id != exercise.exercise_id) continue;
      const bool later = newest == nullptr || set.day_unix_ns > newest->day_unix_ns;
      if (later || set.load > newest->load) newest = &set;
    }
    if (newest == nullptr || plan.days_done > 0) continue;
    PlanDecision decision;
    decision.exercise_id = exercise.exercise_id;
    decision.load_before = exercise.load;
    decision.reps_before = decision.reps = exercise.reps;
    decision.load = newest->load;
    decision.reason = "from the earlier sets";
    const auto cap = opened->client
                         ? cap_of(opened->client->caps, exercise.exercise_id, newest->coordinate)
                         : std::nullopt;
    if (cap && decision.load > *cap) {
      decision.capped = true;
      decision.reason = fmt::format("from the earlier sets, {:g} lowered to the therapist's limit",
                                    decision.load);
      decision.load = *cap;
    }
    decision.decided_by = person.name.empty() ? "local" : person.name;
    decision.change = change_of(decision);
    exercise.load = decision.load;
    day.decisions.push_back(std::move(decision));
  }
  return keep(desk, std::move(*opened), std::move(day), now_unix_ns);
}

}  // namespace medius::station
