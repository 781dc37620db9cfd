// Sessions of stored people: what the next one is made of, and what it leaves of the plan.
#include <algorithm>

#include <fmt/format.h>

#include "controller/station/people.hpp"
#include "controller/station/plan_tests.hpp"

namespace medius::station {
namespace {

using record::PlanDayRecord;
using record::PlanDecision;
using record::PlanRecord;

tl::unexpected<Refusal> no(RefusalCode code, std::string message) {
  return tl::unexpected(Refusal{code, std::move(message)});
}

// The plan's program with the plan's own calendar; nothing: not at this station any more.
std::optional<Program> program_of(const PeopleDesk& desk, const PlanRecord& plan) {
  const auto found = desk.programs.programs.find(plan.program_id);
  if (found == desk.programs.programs.end()) return std::nullopt;
  Program program = found->second;
  program.plan.weeks = plan.weeks;
  program.plan.days_per_week = plan.days_per_week;
  program.plan.test_weeks = plan.test_weeks;
  return program;
}

// What other strength plans of the same person have done counts for the rest as well.
std::int64_t last_strength_day(const PeopleDesk& desk, const PlanRecord& plan) {
  std::int64_t last = plan.last_start_unix_ns;
  for (const PlanRecord& other : desk.store.plans(100, "", plan.client_id)) {
    if (other.strength) last = std::max(last, other.last_start_unix_ns);
  }
  return last;
}

std::optional<std::string> rest_note(const PeopleDesk& desk, const PlanRecord& plan,
                                     std::int64_t now_unix_ns) {
  const std::int64_t last = plan.strength ? last_strength_day(desk, plan) : 0;
  return last == 0 ? std::nullopt : too_soon(last, now_unix_ns);
}

std::vector<DueTest> due_tests(const PeopleDesk& desk, const PlanRecord& plan,
                               const Program& program) {
  std::vector<DueTest> due;
  // The newest test week that has been reached; what an older one missed cannot be made up for.
  std::optional<std::uint32_t> week;
  for (const std::uint32_t candidate : plan.test_weeks) {
    if (candidate * plan.days_per_week <= plan.days_done) week = candidate;
  }
  // A test day that was passed over by a week is not made up for.
  if (!week || plan.days_done >= (*week + 1) * plan.days_per_week) return due;
  for (const std::string& id : program.plan.tests) {
    const bool done = std::any_of(plan.tests.begin(), plan.tests.end(), [&](const auto& test) {
      return test.program_id == id && test.days_done >= *week * plan.days_per_week;
    });
    if (done) continue;
    DueTest test{id, *week, ""};
    const auto found = desk.programs.programs.find(id);
    if (found == desk.programs.programs.end()) {
      test.note = "it is not among the programs of this station";
    } else if (found->second.test == TestKind::kPelvicDrop && !desk.machine.pelvis_sensor) {
      test.note = pelvis_not_seen().note;
    } else if (const MachineShare share = share_of(found->second, desk.machine);
               share.program.blocks.empty() && !share.skipped.empty()) {
      test.note = share.skipped.front();
    }
    due.push_back(std::move(test));
  }
  return due;
}

record::PlanSet set_of(const SetFigures& figures) {
  return {figures.side,         figures.load,  figures.reps_asked,      figures.reps_full,
          figures.reps_partial, figures.range, figures.tempo_off_share, figures.momentum_share};
}

PlanDecision decision_of(const ExerciseDecision& exercise) {
  const Decision& from = exercise.decision;
  PlanDecision to;
  to.exercise_id = exercise.exercise_id;
  to.change = static_cast<record::PlanChange>(from.change);
  to.load_before = from.load_before;
  to.load = from.load;
  to.reps_before = from.reps_before;
  to.reps = from.reps;
  to.refused = from.refused;
  to.applied = from.applied;
  to.capped = from.capped;
  to.reason = from.reason;
  for (const SetFigures& set : exercise.day.sets) to.sets.push_back(set_of(set));
  if (const auto asymmetry = asymmetry_of(exercise.day)) {
    to.asymmetry_percent = asymmetry->percent;
    to.asymmetry_error_percent = asymmetry->minimal_detectable_change;
  }
  return to;
}

void keep_state(const PlanState& state, PlanRecord& plan) {
  plan.days_done = state.days_done;
  plan.last_start_unix_ns = state.last_start_unix_ns;
  for (record::PlanExercise& exercise : plan.exercises) {
    const auto known = state.exercises.find(exercise.exercise_id);
    if (known == state.exercises.end()) continue;
    exercise.load = known->second.load;
    exercise.reps = known->second.reps;
    exercise.surplus_days = known->second.surplus_days;
    exercise.short_days = known->second.short_days;
    exercise.asymmetry_reference = known->second.asymmetry_reference;
    std::copy(std::begin(known->second.range_reference), std::end(known->second.range_reference),
              std::begin(exercise.range_reference));
  }
}

void keep_proposals(const std::vector<PlanDecision>& decisions, PlanRecord& plan) {
  for (const PlanDecision& decision : decisions) {
    for (record::PlanExercise& exercise : plan.exercises) {
      if (exercise.exercise_id != decision.exercise_id) continue;
      const bool fell = decision.refused || decision.change == record::PlanChange::kLessLoad;
      if (!decision.applied) {
        exercise.proposal = {decision.load, decision.reps, decision.reason};
      } else if (fell) {
        exercise.proposal.reset();  // the day took back what an earlier one had proposed
      }
    }
  }
}

// The sets of the day, decided for; the plan moves on when there was any work.
PlanDayRecord settle_day(const PeopleDesk& desk, const record::SessionRecord& session,
                         const Program& program, PlanRecord& plan) {
  PlanDayRecord day;
  day.plan_id = plan.id;
  day.session_id = session.id;
  day.days_done = plan.days_done;
  day.unix_ns = session.start_unix_ns;
  const auto client = desk.store.client(plan.client_id);
  PlanState state = state_of(plan, client ? &*client : nullptr, program);
  if (const auto soon = rest_note(desk, plan, session.start_unix_ns)) day.notes.push_back(*soon);
  const MachineShare done = share_of(next_session(program, state), desk.machine);
  day.notes.insert(day.notes.end(), done.skipped.begin(), done.skipped.end());
  const auto sets = desk.store.sets_of(session.id);
  const auto guided = desk.store.guided_of(session.id);
  std::map<std::string, DayFigures> figures;
  for (const auto& [id, exercise] : state.exercises) {
    DayFigures of_day = day_figures(done.program, sets, id);
    const DayFigures told = guided_figures(done.program, guided, id);
    of_day.sets.insert(of_day.sets.end(), told.sets.begin(), told.sets.end());
    of_day.sets_missing += told.sets_missing;
    if (!of_day.sets.empty()) day.counted = true;
    figures[id] = std::move(of_day);
  }
  if (state.exercises.empty()) day.counted = !sets.empty() || !guided.empty();
  if (!day.counted) {
    day.notes.push_back("no working set was done: the day is to come");
    return day;
  }
  // What belongs to another machine is not decided here.
  const Program own = share_of(program, desk.machine).program;
  for (const ExerciseDecision& one : finish_day(own, state, session.start_unix_ns, figures)) {
    day.decisions.push_back(decision_of(one));
  }
  keep_state(state, plan);
  keep_proposals(day.decisions, plan);
  return day;
}

}  // namespace

PlanState state_of(const PlanRecord& plan, const record::ClientRecord* client,
                   const Program& program) {
  PlanState state;
  state.program_id = plan.program_id;
  state.days_done = plan.days_done;
  state.last_start_unix_ns = plan.last_start_unix_ns;
  for (const record::PlanExercise& stored : plan.exercises) {
    ExerciseState exercise;
    exercise.load = stored.load;
    exercise.reps = stored.reps;
    exercise.surplus_days = stored.surplus_days;
    exercise.short_days = stored.short_days;
    exercise.asymmetry_reference = stored.asymmetry_reference;
    std::copy(std::begin(stored.range_reference), std::end(stored.range_reference),
              std::begin(exercise.range_reference));
    if (client != nullptr) {
      exercise.proposals_only = client->in_therapy;
      for (const ProgramBlock& block : program.blocks) {
        if (block.guided || block.exercise_id != stored.exercise_id) continue;
        exercise.load_cap = cap_of(client->caps, stored.exercise_id, block.coordinate);
      }
    }
    state.exercises.emplace(stored.exercise_id, exercise);
  }
  return state;
}

PeopleAnswer<PlannedSession> planned_session(const PeopleDesk& desk, const SessionWish& wish,
                                             std::int64_t now_unix_ns) {
  PlannedSession planned;
  planned.trainee.client_id = wish.client_id;
  std::optional<PlanRecord> plan;
  if (!wish.plan_id.empty()) {
    plan = desk.store.plan(wish.plan_id);
    if (!plan) {
      return no(RefusalCode::kNotFound,
                fmt::format("plan '{:.64}' is not in the store; 'medius plan list' names them",
                            wish.plan_id));
    }
    if (!wish.client_id.empty() && wish.client_id != plan->client_id) {
      return no(RefusalCode::kInvalid, fmt::format("plan {} is of client '{}', not of '{:.64}'",
                                                   plan->id, plan->client_id, wish.client_id));
    }
    planned.trainee.client_id = plan->client_id;
    planned.trainee.plan_id = plan->id;
  }
  const auto client = desk.store.client(planned.trainee.client_id);
  if (client) planned.trainee.caps = client->caps;
  if (!client && wish.client_is_stored) {
    return no(RefusalCode::kNotFound,
              fmt::format("client '{:.64}' is not in the store; 'medius client list' names who is",
                          wish.client_id));
  }
  const std::string program_id =
      wish.program_id.empty() && plan ? plan->program_id : wish.program_id;
  const auto found = desk.programs.programs.find(program_id);
  if (found == desk.programs.programs.end()) {
    return no(
        RefusalCode::kNotFound,
        fmt::format("program '{:.64}' is not known; 'medius programs' lists them", program_id));
  }
  planned.program = found->second;
  if (!plan) return planned;
  const Program program = program_of(desk, *plan).value_or(found->second);
  const PlanState state = state_of(*plan, client ? &*client : nullptr, program);
  if (found->second.test != TestKind::kNone) {
    planned.program = for_person(found->second, state);
  } else if (program_id != plan->program_id) {
    return no(RefusalCode::kInvalid,
              fmt::format("program '{}' is neither the program of plan {} nor a test; leave it out "
                          "for the plan's next session",
                          program_id, plan->id));
  } else if (!day_of(program.plan, plan->days_done)) {
    return no(
        RefusalCode::kWrongState,
        fmt::format("plan {} is over: all {} days are done; begin a new one with 'medius plan "
                    "new'",
                    plan->id, plan->days_done));
  } else {
    planned.program = next_session(program, state);
    if (const auto soon = rest_note(desk, *plan, now_unix_ns)) {
      planned.trainee.notes.push_back(*soon);
    }
    for (const DueTest& test : due_tests(desk, *plan, program)) {
      if (!test.note.empty()) continue;
      planned.trainee.notes.push_back(
          fmt::format("{} is due (week {}) and not done yet", test.program_id, test.week));
    }
  }
  for (std::string& note : lower_to_caps(planned.trainee.caps, planned.program)) {
    planned.trainee.notes.push_back(std::move(note));
  }
  return planned;
}

PeopleAnswer<NextOfPlan> next_of_plan(const PeopleDesk& desk, const std::string& plan_id,
                                      std::int64_t now_unix_ns) {
  auto plan = desk.store.plan(plan_id);
  if (!plan) {
    return no(
        RefusalCode::kNotFound,
        fmt::format("plan '{:.64}' is not in the store; 'medius plan list' names them", plan_id));
  }
  const auto program = program_of(desk, *plan);
  if (!program) {
    return no(RefusalCode::kWrongState,
              fmt::format("program '{}' of plan {} is not at this station any more; put its file "
                          "back",
                          plan->program_id, plan->id));
  }
  NextOfPlan next;
  next.tests = due_tests(desk, *plan, *program);
  next.day = day_of(program->plan, plan->days_done);
  if (next.day) {
    auto planned = planned_session(desk, {plan_id, "", ""}, now_unix_ns);
    if (!planned) return tl::unexpected(planned.error());
    MachineShare share = share_of(planned->program, desk.machine);
    planned->program = std::move(share.program);
    next.skipped = std::move(share.skipped);
    next.session = std::move(*planned);
  }
  next.plan = std::move(*plan);
  return next;
}

tl::expected<void, record::StoreError> note_session(const PeopleDesk& desk,
                                                    const std::string& plan_id,
                                                    const std::string& session_id) {
  auto plan = desk.store.plan(plan_id);
  if (!plan) return {};
  plan->session_id = session_id;
  return desk.store.put_plan(*plan);
}

tl::expected<std::optional<SettledSession>, record::StoreError> settle_session(
    const PeopleDesk& desk, const std::string& session_id, std::int64_t now_unix_ns) {
  const auto session = desk.store.session(session_id);
  if (!session || session->plan_id.empty()) return std::nullopt;
  auto plan = desk.store.plan(session->plan_id);
  if (!plan) return std::nullopt;
  const auto days = desk.store.plan_days(plan->id);
  const auto has_it = [&](const auto& entry) { return entry.session_id == session_id; };
  if (std::any_of(days.begin(), days.end(), has_it) ||
      std::any_of(plan->tests.begin(), plan->tests.end(), has_it)) {
    return std::nullopt;
  }
  SettledSession settled;
  const auto program = program_of(desk, *plan);
  const auto test = desk.programs.programs.find(session->program_id);
  const bool is_test = test != desk.programs.programs.end() && test->second.test != TestKind::kNone;
  if (is_test) {
    const bool tried =
        !desk.store.sets_of(session_id).empty() || !desk.store.guided_of(session_id).empty();
    if (tried && plan->tests.size() < record::kPlanTestsMax) {
      plan->tests.push_back(
          {session->program_id, session_id, plan->days_done, session->start_unix_ns});
    }
  } else if (program) {
    settled.day = settle_day(desk, *session, *program, *plan);
    settled.day->ordinal = days.empty() ? 1 : days.back().ordinal + 1;
  }
  plan->session_id.clear();
  ++plan->revision;
  plan->update_unix_ns = now_unix_ns;
  const PlanDayRecord* day = settled.day ? &*settled.day : nullptr;
  if (auto put = desk.store.put_plan(*plan, day); !put) return tl::unexpected(put.error());
  settled.plan = std::move(*plan);
  return settled;
}

tl::expected<std::vector<SettledSession>, record::StoreError> settle_left_over(
    const PeopleDesk& desk, std::int64_t now_unix_ns) {
  std::vector<SettledSession> all;
  constexpr std::size_t kPage = 100;
  std::string after;
  while (true) {
    const auto page = desk.store.plans(kPage, after);
    for (const PlanRecord& plan : page) {
      if (plan.session_id.empty()) continue;
      auto settled = settle_session(desk, plan.session_id, now_unix_ns);
      if (!settled) return tl::unexpected(settled.error());
      if (*settled) {
        all.push_back(std::move(**settled));
        continue;
      }
      // The session itself was lost, or settled before: nobody is at the machine any more.
      PlanRecord freed = plan;
      freed.session_id.clear();
      if (auto put = desk.store.put_plan(freed); !put) return tl::unexpected(put.error());
    }
    if (page.size() < kPage) return all;
    after = page.back().id;
  }
}

std::string decision_text(const PlanDecision& decision) {
  const char* how = decision.refused ? " (refused)" : !decision.applied ? " (proposed)" : "";
  return fmt::format("{}{}: {}", record::to_string(decision.change), how, decision.reason);
}

}  // namespace medius::station
