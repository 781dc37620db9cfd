// Plans of weeks on simulated time, and the jumps over what nobody waits for.
#include <gtest/gtest.h>

#include "sim/world/adaptation.hpp"
#include "sim/world/simulate_plan.hpp"
#include "tests/world/live_world.hpp"

namespace {

using namespace medius;

TEST(Rests, AreJumpedOverWithTheSameSetsInALittleOfTheTicks) {
  sim::SimulateOptions options;
  options.world = test::world_options("cable-station-sim");
  options.program_id = "test-left-right";  // a minute of rest between the sides
  const auto lived = sim::simulate_session(options);
  options.jump_rests = true;
  const auto jumped = sim::simulate_session(options);
  ASSERT_TRUE(lived && jumped);
  ASSERT_TRUE(lived->completed && jumped->completed);
  ASSERT_EQ(jumped->sets.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(jumped->sets[i].stored.reps_counted, lived->sets[i].stored.reps_counted);
    EXPECT_EQ(jumped->sets[i].truth.reps, 6);
  }
  // The clock of the records has not been shortened.
  EXPECT_NEAR(jumped->simulated_s, lived->simulated_s, 2.0);
  EXPECT_GT(jumped->sets[1].stored.start_tick, jumped->sets[0].stored.end_tick + 59'000);
}

sim::PlanOptions plan_options() {
  sim::PlanOptions options;
  options.session.world = test::world_options("cable-station-sim");
  options.seated_machine_file = test::world_options("seated-hip-abduction-sim").machine_file;
  options.program_id = "glute-med-strength";
  options.weeks = 1;
  return options;
}

TEST(Plan, TrainsOnBothMachinesTestsAtItsEndsAndRepeatsItselfExactly) {
  const auto once = sim::simulate_plan(plan_options());
  ASSERT_TRUE(once) << once.error();
  ASSERT_EQ(once->sessions.size(), 3u);
  ASSERT_EQ(once->tests.size(), 2u);
  for (const sim::PlanSessionDay& day : once->sessions) {
    ASSERT_EQ(day.decisions.size(), 3u);
    for (const auto& exercise : day.decisions) {
      EXPECT_FALSE(exercise.day.sets.empty()) << exercise.exercise_id;
      EXPECT_FALSE(exercise.decision.reason.empty());
    }
  }
  EXPECT_GT(once->sessions[2].strength[0], 1.0);
  EXPECT_GT(once->tests[0].results.size(), 2u);
  const auto again = sim::simulate_plan(plan_options());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->trace_hash, once->trace_hash);
}

TEST(Plan, OfATherapistsClientOnlyProposes) {
  sim::PlanOptions options = plan_options();
  options.program_id = "runner-hip-stability";
  options.proposals_only = true;
  const auto result = sim::simulate_plan(options);
  ASSERT_TRUE(result) << result.error();
  int proposed = 0;
  for (const sim::PlanSessionDay& day : result->sessions) {
    for (const auto& exercise : day.decisions) proposed += exercise.decision.applied ? 0 : 1;
  }
  EXPECT_GT(proposed, 0);
  EXPECT_EQ(result->sessions[0].decisions[0].decision.load_before,
            result->sessions[1].decisions[0].decision.load_before);
  EXPECT_EQ(result->sessions[0].decisions[0].decision.reps_before,
            result->sessions[1].decisions[0].decision.reps_before);
}

TEST(Plan, NeedsAProgramWithWeeks) {
  sim::PlanOptions options = plan_options();
  options.program_id = "glute-med-short";
  const auto result = sim::simulate_plan(options);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().find("is a single session"), std::string::npos);
}

TEST(Adaptation, GainsThirteenPercentInEighteenFullDaysAndNothingFromLightOnes) {
  const sim::AdaptationConfig config;
  sim::AdaptationState state;
  record::SetRecord set;
  set.side = record::Side::kLeft;
  set.reps_counted = 18;
  set.load_end = 90.0;
  for (int day = 0; day < 18; ++day) sim::train(config, state, {&set, 1}, {128.0, 128.0});
  EXPECT_NEAR(sim::strength_of(config, state)[0], 1.13, 0.005);
  EXPECT_EQ(sim::strength_of(config, state)[1], 1.0);  // the other leg did nothing
  sim::AdaptationState light;
  set.load_end = 20.0;
  for (int day = 0; day < 18; ++day) sim::train(config, light, {&set, 1}, {128.0, 128.0});
  EXPECT_EQ(sim::strength_of(config, light)[0], 1.0);
}

}  // namespace
