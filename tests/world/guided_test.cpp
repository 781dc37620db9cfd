// Whole programs with what needs no machine, and the single-leg stance in front of the sensor.
#include <gtest/gtest.h>

#include "controller/station/exercise_catalogue.hpp"
#include "controller/station/plan_tests.hpp"
#include "sim/world/simulate_plan.hpp"
#include "tests/world/live_world.hpp"

namespace {

using namespace medius;

sim::SimulateOptions options_for(const std::string& machine, const std::string& program) {
  sim::SimulateOptions options;
  options.world = test::world_options(machine);
  options.program_id = program;
  options.jump_rests = true;
  return options;
}

double degrees(double radians) {
  return radians * 180.0 / det::kPi;
}

TEST(GuidedProgram, IsRunWholeAndConfirmedAtThePanel) {
  const auto result = sim::simulate_session(options_for("cable-station-sim", "activation-warm-up"));
  ASSERT_TRUE(result) << result.error();
  EXPECT_TRUE(result->completed) << result->reason;
  EXPECT_TRUE(result->skipped.empty());
  EXPECT_EQ(result->sets.size(), 2u);
  ASSERT_EQ(result->guided.size(), 4u);
  std::uint32_t index = 3;
  for (const record::GuidedRecord& guided : result->guided) {
    EXPECT_EQ(guided.index, index++);
    EXPECT_EQ(guided.end, record::GuidedEnd::kConfirmed);
    EXPECT_EQ(guided.from, record::ConfirmedFrom::kPanel);
    EXPECT_EQ(guided.reps_confirmed, guided.reps_asked);
    EXPECT_TRUE(guided.warm_up);
    EXPECT_FALSE(guided.stance);
  }
}

TEST(GuidedProgram, RunsEveryRowOfTheCatalogueOnOneOfTheTwoMachines) {
  const auto cable = sim::simulate_session(options_for("cable-station-sim", "every-exercise"));
  const auto seated =
      sim::simulate_session(options_for("seated-hip-abduction-sim", "every-exercise"));
  ASSERT_TRUE(cable && seated);
  EXPECT_TRUE(cable->completed) << cable->reason;
  EXPECT_TRUE(seated->completed) << seated->reason;
  std::map<std::string, int> done;
  for (const auto* result : {&*cable, &*seated}) {
    for (const sim::SimulatedSet& set : result->sets) {
      EXPECT_EQ(set.stored.end, record::SetEnd::kCount) << set.stored.exercise_id;
      EXPECT_EQ(set.stored.reps_counted, set.stored.reps_target) << set.stored.exercise_id;
      ++done[set.stored.exercise_id];
    }
    for (const record::GuidedRecord& guided : result->guided) ++done[guided.exercise_id];
  }
  const auto catalogue =
      station::load_exercises(std::string(MEDIUS_SOURCE_DIR) + "/programs/exercises.toml");
  ASSERT_TRUE(catalogue);
  for (const auto& [id, exercise] : *catalogue)
    EXPECT_EQ(done[id], exercise.both_sides && id != "seated-abduction" ? 1 : 2) << id;
}

TEST(SingleLegStance, IsMeasuredOnEachLegInFrontOfTheSensor) {
  const auto result =
      sim::simulate_session(options_for("cable-station-pelvis-sim", "test-single-leg-stance"));
  ASSERT_TRUE(result) << result.error();
  ASSERT_TRUE(result->completed) << result->reason;
  ASSERT_EQ(result->guided.size(), 2u);
  for (const record::GuidedRecord& guided : result->guided) {
    ASSERT_TRUE(guided.stance && guided.stance->measured);
    EXPECT_TRUE(guided.stance->held);
    EXPECT_NEAR(guided.stance->stood_s, 30.0, 0.01);
    // 65 Nm at the standing hip of this person tilt a sound pelvis by 1.6 degrees, sway adds 0.3.
    EXPECT_NEAR(degrees(guided.stance->mean_rad), 1.64, 0.25);
    EXPECT_LT(degrees(guided.stance->drop_rad), 2.5);
  }
  const auto verdict = station::test_result(station::TestKind::kPelvicDrop, {}, result->guided);
  ASSERT_EQ(verdict.sides.size(), 2u);
  EXPECT_TRUE(verdict.note.empty()) << verdict.note;
  EXPECT_EQ(verdict.sides[0].value.count, 1u);
}

TEST(SingleLegStance, OfAWeakLegDropsAndTheOtherDoesNot) {
  auto options = options_for("cable-station-pelvis-sim", "test-single-leg-stance");
  options.strength = {1.0, 0.55};
  options.world.station.person.lifter[1].pelvic_drop_max_rad = 0.14;
  const auto result = sim::simulate_session(options);
  ASSERT_TRUE(result) << result.error();
  ASSERT_EQ(result->guided.size(), 2u);
  EXPECT_TRUE(result->guided[0].stance->held);
  EXPECT_FALSE(result->guided[1].stance->held);
  EXPECT_TRUE(result->guided[1].stance->dropped);
  EXPECT_LT(result->guided[1].stance->until_drop_s, 29.0);
  EXPECT_GT(result->guided[1].stance->drop_rad, measure::kPelvicDropMaxRad);
}

TEST(SingleLegStance, IsLeftOutWithoutASensorAndThatIsSaid) {
  const auto result =
      sim::simulate_session(options_for("cable-station-sim", "test-single-leg-stance"));
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().find("cannot see the pelvis"), std::string::npos) << result.error();
}

TEST(SingleLegStance, IsAmongTheTestsOfAPlanWithTheSensorAndSaidToBeMissingWithout) {
  for (const bool sensor : {true, false}) {
    sim::PlanOptions options;
    options.session.world =
        test::world_options(sensor ? "cable-station-pelvis-sim" : "cable-station-sim");
    options.seated_machine_file = test::world_options("seated-hip-abduction-sim").machine_file;
    options.program_id = "runner-hip-stability";
    options.weeks = 1;
    const auto plan = sim::simulate_plan(options);
    ASSERT_TRUE(plan) << plan.error();
    ASSERT_EQ(plan->tests.size(), 2u);
    const station::TestResult& stance = plan->tests[0].results.back();
    ASSERT_EQ(stance.kind, station::TestKind::kPelvicDrop);
    EXPECT_EQ(stance.sides.size(), sensor ? 2u : 0u);
    EXPECT_EQ(stance.note.empty(), sensor) << stance.note;
    ASSERT_FALSE(plan->sessions.empty());
    EXPECT_EQ(plan->sessions[0].guided, 4u) << "single-leg squats, two rounds on each side";
    EXPECT_EQ(plan->sessions[0].decisions.size(), 3u);
  }
}

}  // namespace
