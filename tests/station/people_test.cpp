// People and plans at a station: what only a therapist may do, what a session means for a plan, and
// that nothing is applied by half.
#include "controller/station/people.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/station/people_progress.hpp"
#include "tests/station/station_bench.hpp"

namespace medius::station::test {
namespace {

using record::Side;
using testing::Each;
using testing::HasSubstr;

constexpr std::int64_t kDayNs = 24LL * 3600 * 1'000'000'000;
constexpr std::int64_t kMonday = 1'767'614'400'000'000'000;
constexpr const char* kKey = "cable-standing-abduction";

class Desk : public testing::Test {
 protected:
  Desk() : store(std::move(record::Store::open_in_memory().value())) {
    library = load_programs(source_path("programs"));
    machine = load_machine(source_path("hal/machines/cable-station-sim.toml")).value();
  }

  void add_client(const std::string& id, bool therapy = false, double cap_n = 0.0) {
    record::ClientRecord client;
    client.id = id;
    client.goal = "strength";
    client.in_therapy = therapy;
    if (cap_n > 0.0) client.caps.push_back({"", hal::CoordinateKind::kCable, cap_n});
    ASSERT_TRUE(create_client(desk, client, kMonday));
  }

  std::string add_plan(const std::string& client) {
    const auto plan = create_plan(desk, {client, "glute-med-strength", 0, 0}, kMonday);
    EXPECT_TRUE(plan) << plan.error().message;
    return plan ? plan->id : "";
  }

  // A session of the plan as the station would have stored it: each working set with so many
  // repetitions more than asked, at a range; the first `sets` of them.
  std::string train(const std::string& plan_id, std::int64_t day_ns, int extra = 0,
                    double range = 0.4, std::size_t sets = SIZE_MAX) {
    const auto planned = planned_session(desk, {plan_id, "", "", false}, day_ns);
    EXPECT_TRUE(planned) << planned.error().message;
    record::SessionRecord session;
    session.id = store->next_id().value();
    session.client_id = planned->trainee.client_id;
    session.plan_id = plan_id;
    session.program_id = planned->program.id;
    session.start_unix_ns = day_ns;
    EXPECT_TRUE(note_session(desk, plan_id, session.id));
    EXPECT_TRUE(store->put_session(session));
    const Program done = share_of(planned->program, machine).program;
    std::uint32_t index = 0;
    for (const ProgramBlock& block : done.blocks) {
      for (std::uint32_t i = 0; i < block.sets * block.sides.size(); ++i) {
        ++index;
        if (sets == 0) continue;
        --sets;
        put_set(session, block, block.sides[i % block.sides.size()], index, extra, range);
      }
    }
    return session.id;
  }

  void put_set(const record::SessionRecord& session, const ProgramBlock& block, Side side,
               std::uint32_t index, int extra, double range) {
    record::SetRecord set;
    set.id = store->next_id().value();
    set.session_id = session.id;
    set.index = index;
    set.exercise_id = block.exercise_id;
    set.side = side;
    set.load_start = set.load_end = block.load;
    set.reps_target = block.reps;
    set.end = record::SetEnd::kCount;
    for (int i = 0; i < static_cast<int>(block.reps) + extra; ++i) {
      measure::RepMetrics rep;
      rep.kind = measure::RepKind::kFull;
      rep.range = range;
      rep.concentric.work_j = 20.0 + 0.1 * (i % 3);
      set.reps.push_back(rep);
    }
    set.reps_counted = static_cast<std::uint32_t>(set.reps.size());
    EXPECT_TRUE(store->open_set(set));
    EXPECT_TRUE(store->close_set(set));
  }

  SettledSession settle(const std::string& session_id) {
    auto settled = settle_session(desk, session_id, kMonday);
    EXPECT_TRUE(settled && *settled);
    return settled && *settled ? std::move(**settled) : SettledSession{};
  }

  const record::PlanDecision& decision(const SettledSession& settled, const std::string& id) {
    for (const auto& one : settled.day->decisions) {
      if (one.exercise_id == id) return one;
    }
    ADD_FAILURE() << "no decision for " << id;
    static const record::PlanDecision none;
    return none;
  }

  std::unique_ptr<record::Store> store;
  ProgramLibrary library;
  MachineConfig machine;
  PeopleDesk desk{*store, library, machine};
};

TEST_F(Desk, RefusesWhatIsNoPersonWithTheLimitAndTheNextStep) {
  const auto refused = [&](const std::function<void(record::ClientRecord&)>& spoil,
                           const char* words) {
    record::ClientRecord client;
    client.id = "ada";
    spoil(client);
    const auto made = create_client(desk, client, kMonday);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, RefusalCode::kInvalid);
    EXPECT_THAT(made.error().message, HasSubstr(words));
  };
  refused([](auto& c) { c.id = "Ada Lovelace"; }, "pseudonym");
  refused([](auto& c) { c.goal = "beauty"; }, "choose one of");
  refused([](auto& c) { c.body_mass_kg = 700.0; }, "20 to 300");
  refused([](auto& c) { c.height_m = 180.0; }, "look at the unit");
  refused([](auto& c) { c.body_mass_kg = std::numeric_limits<double>::quiet_NaN(); }, "nan");
  refused([](auto& c) { c.caps.push_back({"", hal::CoordinateKind::kCable, 0.0}); }, "above 0");
  refused([](auto& c) { c.caps.push_back({"", hal::CoordinateKind::kLever, 300.0}); }, "250");
  add_client("ada");
  record::ClientRecord twice;
  twice.id = "ada";
  EXPECT_EQ(create_client(desk, twice, kMonday).error().code, RefusalCode::kWrongState);
  record::ClientRecord nameless;
  const auto chosen = create_client(desk, nameless, kMonday);
  ASSERT_TRUE(chosen);
  EXPECT_TRUE(record::is_pseudonym(chosen->id)) << chosen->id;
}

TEST_F(Desk, OnlyATherapistRaisesALimitOrEndsATherapy) {
  add_client("ada", true, 60.0);
  const auto set_cap = [&](double cap, bool therapist) {
    return update_client(desk, "ada", std::nullopt, {"x", therapist}, kMonday,
                         [&](record::ClientRecord& client) -> std::optional<Refusal> {
                           client.caps.clear();
                           if (cap > 0.0) {
                             client.caps.push_back({"", hal::CoordinateKind::kCable, cap});
                           }
                           return std::nullopt;
                         });
  };
  EXPECT_TRUE(set_cap(55.0, false));  // everybody may be more careful
  const auto raised = set_cap(60.0, false);
  ASSERT_FALSE(raised);
  EXPECT_EQ(raised.error().code, RefusalCode::kNotAllowed);
  EXPECT_THAT(raised.error().message, HasSubstr("55 to 60 N"));
  EXPECT_EQ(set_cap(0.0, false).error().code, RefusalCode::kNotAllowed);
  EXPECT_EQ(store->client("ada")->caps.front().load, 55.0);
  EXPECT_TRUE(set_cap(60.0, true));
  const auto end_therapy = [](record::ClientRecord& client) -> std::optional<Refusal> {
    client.in_therapy = false;
    return std::nullopt;
  };
  EXPECT_EQ(
      update_client(desk, "ada", std::nullopt, {"x", false}, kMonday, end_therapy).error().code,
      RefusalCode::kNotAllowed);
  EXPECT_TRUE(update_client(desk, "ada", std::nullopt, {"x", true}, kMonday, end_therapy));
}

TEST_F(Desk, AChangeMadeForAnOlderRevisionIsRefused) {
  add_client("ada");
  const auto note = [](record::ClientRecord& client) -> std::optional<Refusal> {
    client.notes += "x";
    return std::nullopt;
  };
  EXPECT_TRUE(update_client(desk, "ada", 1, {}, kMonday, note));
  const auto late = update_client(desk, "ada", 1, {}, kMonday, note);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, RefusalCode::kVersionConflict);
  EXPECT_EQ(store->client("ada")->notes, "x");
}

TEST_F(Desk, APlanBeginsWithTheGoalsProgramAtLoadsWithinTheLimit) {
  add_client("ada", false, 50.0);
  const auto plan = create_plan(desk, {"ada", "", 0, 0}, kMonday);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(library.programs.at(plan->program_id).plan.weeks, plan->weeks);
  const std::string id = add_plan("ada");
  const record::PlanRecord begun = store->plan(id).value();
  for (const auto& exercise : begun.exercises) {
    if (exercise.exercise_id == kKey) {
      EXPECT_EQ(exercise.load, 50.0);
    }
  }
  EXPECT_EQ(create_plan(desk, {"nobody", "", 0, 0}, kMonday).error().code, RefusalCode::kNotFound);
  EXPECT_THAT(create_plan(desk, {"ada", "glute-med-short", 0, 0}, kMonday).error().message,
              HasSubstr("single session"));
  EXPECT_THAT(create_plan(desk, {"ada", "glute-med-strength", 0, 5}, kMonday).error().message,
              HasSubstr("48 h"));
}

TEST_F(Desk, TwoDaysWithTwoExtraRepetitionsAddLoadAndTheLimitStopsIt) {
  add_client("ada", false, 61.0);
  const std::string plan = add_plan("ada");
  std::vector<record::PlanDecision> decided;
  for (int day = 0; day < 4; ++day) {
    const auto settled = settle(train(plan, kMonday + 2 * day * kDayNs, 2));
    EXPECT_TRUE(settled.day->counted);
    decided.push_back(decision(settled, kKey));
  }
  EXPECT_EQ(decided[0].change, record::PlanChange::kHold);
  EXPECT_EQ(decided[1].change, record::PlanChange::kMoreLoad);
  EXPECT_EQ(decided[1].load, 61.0);  // 63 without the limit
  EXPECT_TRUE(decided[1].capped);
  EXPECT_TRUE(decided[3].refused);
  EXPECT_TRUE(decided[3].capped);
  EXPECT_THAT(decided[3].reason, HasSubstr("only a therapist raises it"));
  EXPECT_EQ(store->plan(plan)->days_done, 4u);
}

TEST_F(Desk, LostRangeRefusesTheIncreaseWithItsReason) {
  add_client("ada");
  const std::string plan = add_plan("ada");
  settle(train(plan, kMonday, 2, 0.40));
  const auto settled = settle(train(plan, kMonday + 2 * kDayNs, 2, 0.34));
  EXPECT_TRUE(decision(settled, kKey).refused);
  EXPECT_THAT(decision(settled, kKey).reason, HasSubstr("range fell by 15 %"));
  EXPECT_EQ(store->plan(plan)->exercises.front().load,
            decision(settled, store->plan(plan)->exercises.front().exercise_id).load);
}

TEST_F(Desk, AHalfDoneSessionNeverAddsAnything) {
  add_client("ada");
  const std::string plan = add_plan("ada");
  // Two warm-ups and the first working set of each side; all with more repetitions than asked.
  for (int day = 0; day < 3; ++day) {
    const auto settled = settle(train(plan, kMonday + 2 * day * kDayNs, 2, 0.4, 4));
    EXPECT_TRUE(settled.day->counted);
    EXPECT_EQ(decision(settled, kKey).change, record::PlanChange::kHold);
    EXPECT_THAT(decision(settled, kKey).reason, HasSubstr("were not begun"));
  }
}

TEST_F(Desk, WarmUpsAloneAreNoDay) {
  add_client("ada");
  const std::string plan = add_plan("ada");
  const auto settled = settle(train(plan, kMonday, 0, 0.4, 2));
  EXPECT_FALSE(settled.day->counted);
  EXPECT_THAT(settled.day->notes, testing::Contains(HasSubstr("the day is to come")));
  EXPECT_EQ(store->plan(plan)->days_done, 0u);
}

TEST_F(Desk, SettlingTwiceChangesNothingAndACrashIsMadeUpFor) {
  add_client("ada");
  const std::string plan = add_plan("ada");
  const std::string session = train(plan, kMonday, 0);
  // As if the process had ended here.
  const auto left = settle_left_over(desk, kMonday);
  ASSERT_TRUE(left);
  ASSERT_EQ(left->size(), 1u);
  EXPECT_EQ(store->plan(plan)->days_done, 1u);
  EXPECT_TRUE(store->plan(plan)->session_id.empty());
  const auto again = settle_session(desk, session, kMonday);
  ASSERT_TRUE(again);
  EXPECT_FALSE(*again);
  EXPECT_EQ(store->plan(plan)->days_done, 1u);
  EXPECT_EQ(store->plan_days(plan).size(), 1u);
  EXPECT_TRUE(settle_left_over(desk, kMonday)->empty());
}

TEST_F(Desk, ALostSessionDoesNotHoldThePlanForEver) {
  add_client("ada");
  const std::string plan = add_plan("ada");
  ASSERT_TRUE(note_session(desk, plan, "00000000000000aa"));
  EXPECT_EQ(delete_plan(desk, plan, std::nullopt).error().code, RefusalCode::kWrongState);
  ASSERT_TRUE(settle_left_over(desk, kMonday));
  EXPECT_TRUE(delete_plan(desk, plan, std::nullopt));
}

TEST_F(Desk, InTherapyChangesWaitForATherapistsWord) {
  add_client("ada", true);
  const std::string plan = add_plan("ada");
  settle(train(plan, kMonday, 2));
  const auto settled = settle(train(plan, kMonday + 2 * kDayNs, 2));
  EXPECT_FALSE(decision(settled, kKey).applied);
  const auto stored = [&] {
    const record::PlanRecord kept = store->plan(plan).value();
    for (const auto& exercise : kept.exercises) {
      if (exercise.exercise_id == kKey) return exercise;
    }
    return record::PlanExercise{};
  };
  EXPECT_EQ(stored().load, 60.0);
  ASSERT_TRUE(stored().proposal);
  EXPECT_EQ(stored().proposal->load, 63.0);
  ExerciseChange accept;
  accept.exercise_id = kKey;
  accept.kind = ExerciseChange::Kind::kAccept;
  const auto trainer = change_exercise(desk, plan, std::nullopt, accept, {"t", false}, kMonday);
  EXPECT_EQ(trainer.error().code, RefusalCode::kNotAllowed);
  EXPECT_EQ(stored().load, 60.0);
  const auto therapist = change_exercise(desk, plan, std::nullopt, accept, {"dr", true}, kMonday);
  ASSERT_TRUE(therapist) << therapist.error().message;
  EXPECT_EQ(stored().load, 63.0);
  EXPECT_FALSE(stored().proposal);
  EXPECT_EQ(store->plan_days(plan).back().decisions.front().decided_by, "dr");
  EXPECT_EQ(change_exercise(desk, plan, std::nullopt, accept, {"dr", true}, kMonday).error().code,
            RefusalCode::kWrongState);  // nothing is proposed any more
}

TEST_F(Desk, AHandCannotPrescribeBeyondTheLimit) {
  add_client("ada", false, 60.0);
  const std::string plan = add_plan("ada");
  ExerciseChange change;
  change.exercise_id = kKey;
  change.load = 61.0;
  const auto over = change_exercise(desk, plan, std::nullopt, change, {"t", true}, kMonday);
  EXPECT_EQ(over.error().code, RefusalCode::kOverLimit);
  change.load = 59.0;
  EXPECT_TRUE(change_exercise(desk, plan, std::nullopt, change, {"t", false}, kMonday));
}

TEST_F(Desk, ALoweredLimitLowersTheNextSessionToo) {
  add_client("ada");
  const std::string plan = add_plan("ada");
  ASSERT_TRUE(update_client(desk, "ada", std::nullopt, {}, kMonday,
                            [](record::ClientRecord& client) -> std::optional<Refusal> {
                              client.caps.push_back({kKey, hal::CoordinateKind::kCable, 40.0});
                              return std::nullopt;
                            }));
  const auto planned = planned_session(desk, {plan, "", "", false}, kMonday);
  ASSERT_TRUE(planned);
  for (const ProgramBlock& block : planned->program.blocks) {
    if (block.exercise_id == kKey) {
      EXPECT_LE(block.load, 40.0);
    }
  }
  EXPECT_THAT(planned->trainee.notes, testing::Contains(HasSubstr("the therapist's limit")));
}

TEST_F(Desk, StrengthDaysWithin48HoursAreWarnedOfAlsoOverTwoPlans) {
  add_client("ada");
  const std::string first = add_plan("ada"), second = add_plan("ada");
  settle(train(first, kMonday));
  const auto soon = planned_session(desk, {second, "", "", false}, kMonday + kDayNs);
  ASSERT_TRUE(soon);
  EXPECT_THAT(soon->trainee.notes, testing::Contains(HasSubstr("48 h are advised")));
  const auto later = planned_session(desk, {second, "", "", false}, kMonday + 2 * kDayNs);
  EXPECT_THAT(later->trainee.notes, Each(testing::Not(HasSubstr("48 h"))));
}

TEST_F(Desk, TestsAreDueAtWeeks0And4And8UntilTheyAreDone) {
  add_client("ada");
  const std::string id = add_plan("ada");
  EXPECT_EQ(next_of_plan(desk, id, kMonday)->tests.size(), 4u);
  auto plan = store->plan(id).value();
  plan.tests.push_back({"test-isometric-abduction", "x", 0, kMonday});
  ASSERT_TRUE(store->put_plan(plan));
  EXPECT_EQ(next_of_plan(desk, id, kMonday)->tests.size(), 3u);
  plan.days_done = 3;  // week 0 is over
  ASSERT_TRUE(store->put_plan(plan));
  EXPECT_TRUE(next_of_plan(desk, id, kMonday)->tests.empty());
  plan.days_done = 12;
  ASSERT_TRUE(store->put_plan(plan));
  EXPECT_EQ(next_of_plan(desk, id, kMonday)->tests.size(), 4u);
  plan.days_done = 24;
  ASSERT_TRUE(store->put_plan(plan));
  const auto over = next_of_plan(desk, id, kMonday);
  EXPECT_FALSE(over->day);
  EXPECT_EQ(over->tests.size(), 4u);
  EXPECT_EQ(planned_session(desk, {id, "", "", false}, kMonday).error().code,
            RefusalCode::kWrongState);
  EXPECT_TRUE(planned_session(desk, {id, "test-left-right", "", false}, kMonday));
}

TEST_F(Desk, EarlierLoadsAreTakenAsAWholeOrNotAtAll) {
  add_client("ada", false, 70.0);
  const std::string plan = add_plan("ada");
  std::vector<record::EarlierSet> rows{
      {kMonday - 9 * kDayNs, kKey, Side::kLeft, hal::CoordinateKind::kCable, 90.0, 8},
      {kMonday - 5 * kDayNs, kKey, Side::kLeft, hal::CoordinateKind::kCable, 55.0, 8},
      {kMonday - 5 * kDayNs, kKey, Side::kRight, hal::CoordinateKind::kCable, 57.5, 8},
      {kMonday - 5 * kDayNs, "cable-step-up-abduction", Side::kLeft, hal::CoordinateKind::kCable,
       75.0, 10}};
  auto spoiled = rows;
  spoiled[2].coordinate = hal::CoordinateKind::kLever;
  const auto refused = import_loads(desk, plan, std::nullopt, spoiled, {}, kMonday);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("row 3"));
  EXPECT_TRUE(store->plan(plan)->earlier.empty());
  EXPECT_TRUE(store->plan_days(plan).empty());
  const auto taken = import_loads(desk, plan, std::nullopt, rows, {}, kMonday);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken->plan.earlier.size(), 4u);
  for (const auto& exercise : taken->plan.exercises) {
    if (exercise.exercise_id == kKey) {
      EXPECT_EQ(exercise.load, 57.5);  // the newest day's
    }
    if (exercise.exercise_id == "cable-step-up-abduction") {
      EXPECT_EQ(exercise.load, 70.0);
    }
  }
}

TEST_F(Desk, SomebodyUnknownTrainsWithoutLimitsUnlessTheyAreSaidToBeStored) {
  EXPECT_TRUE(planned_session(desk, {"", "glute-med-short", "ada", false}, kMonday));
  EXPECT_EQ(planned_session(desk, {"", "glute-med-short", "ada", true}, kMonday).error().code,
            RefusalCode::kNotFound);
  add_client("ada", false, 40.0);
  const auto planned = planned_session(desk, {"", "glute-med-short", "ada", false}, kMonday);
  ASSERT_TRUE(planned);
  EXPECT_EQ(planned->trainee.caps.size(), 1u);
}

TEST_F(Desk, ProgressTellsLoadsAndSidesOverTheWeeksAndNeverDiagnoses) {
  add_client("ada");
  const std::string plan = add_plan("ada");
  for (int day = 0; day < 3; ++day) settle(train(plan, kMonday + 2 * day * kDayNs, 2));
  const auto progress = progress_of(desk, "ada");
  ASSERT_TRUE(progress);
  ASSERT_FALSE(progress->loads.empty());
  EXPECT_EQ(progress->loads.front().points.size(), 3u);
  ASSERT_FALSE(progress->symmetry.empty());
  EXPECT_FALSE(progress->symmetry.front().beyond_error);  // both sides did the same
  for (const SymmetryPoint& point : progress->symmetry) {
    for (const char* word : {"weak", "injur", "patholog", "deficit", "abnormal"}) {
      EXPECT_THAT(point.words, testing::Not(HasSubstr(word)));
    }
  }
  EXPECT_EQ(progress_of(desk, "nobody").error().code, RefusalCode::kNotFound);
}

// ---- through the station itself ---------------------------------------------------------------

TEST(PlanAtTheStation, ASessionOfAPlanMovesItOnAndTheLimitHoldsDuringTheSet) {
  StationBench bench;
  record::ClientRecord client;
  client.id = "ada";
  client.caps.push_back({"", hal::CoordinateKind::kCable, 60.0});
  ASSERT_TRUE(bench.store->put_client(client));
  record::PlanRecord plan;
  plan.id = bench.store->next_id().value();
  plan.client_id = "ada";
  plan.program_id = "two-sides";
  plan.weeks = 1;
  plan.days_per_week = 2;
  ASSERT_TRUE(bench.store->put_plan(plan));
  const PeopleDesk desk = bench.station->people();
  const auto planned = planned_session(desk, {plan.id, "", "", false}, 0);
  ASSERT_TRUE(planned) << planned.error().message;
  StartSessionOrder order;
  order.header = bench.header();
  order.planned = *planned;
  const auto started = bench.wait(
      [&](Station::Answer<Receipt> answer) { bench.station->start_session(order, answer); });
  ASSERT_TRUE(started) << started.error().message;
  EXPECT_EQ(bench.now().client_id, "ada");
  EXPECT_EQ(bench.now().plan_id, plan.id);
  ASSERT_TRUE(bench.run_to(StationState::kWorking));
  const auto over = bench.adjust(61.0);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, RefusalCode::kOverLimit);
  EXPECT_THAT(over.error().message, HasSubstr("therapist's limit"));
  EXPECT_TRUE(bench.adjust(59.0));
  ASSERT_TRUE(bench.stop());
  ASSERT_TRUE(bench.run_to(StationState::kIdle));
  ASSERT_TRUE(bench.run_until([&] { return bench.store->plan(plan.id)->revision > 0; }));
  EXPECT_TRUE(bench.store->plan(plan.id)->session_id.empty());
  ASSERT_EQ(bench.store->plan_days(plan.id).size(), 1u);
  EXPECT_EQ(bench.store->session(started->session_id)->plan_id, plan.id);
  EXPECT_EQ(bench.store->session(started->session_id)->client_id, "ada");
}

TEST(PlanAtTheStation, AProgramAboveSomebodysLimitIsRefusedBeforeAnybodyIsAtTheMachine) {
  StationBench bench;
  StartSessionOrder order;
  order.header = bench.header();
  order.planned = PlannedSession{bench.station->programs().programs.at("two-sides"),
                                 {"ada", "", {{"", hal::CoordinateKind::kCable, 40.0}}, {}}};
  const auto refused = bench.wait(
      [&](Station::Answer<Receipt> answer) { bench.station->start_session(order, answer); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, RefusalCode::kOverLimit);
  EXPECT_EQ(bench.now().state, StationState::kIdle);
}

}  // namespace
}  // namespace medius::station::test
