// Whole sessions on the seated hip-abduction machine, on simulated time: two lever arms, a person
// with a leg against each pad.
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/world/live_world.hpp"

namespace {

using namespace medius;
using station::StationState;

constexpr const char* kProgram = "seated-short";
constexpr double kHalfADegree = 0.0087266;

sim::WorldOptions world_options(std::uint64_t seed = 1) {
  return test::world_options("seated-hip-abduction-sim", seed);
}

sim::SessionResult play(const sim::WorldOptions& world) {
  return test::play(world, kProgram);
}

TEST(SeatedSession, CountsEveryRepetitionOfBothLegsEachByItself) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const auto result = play(world_options(seed));
    ASSERT_TRUE(result.completed) << result.reason << ", seed " << seed;
    ASSERT_EQ(result.sets.size(), 4u);  // two sets, a record a leg
    for (std::size_t i = 0; i < result.sets.size(); ++i) {
      const sim::SimulatedSet& set = result.sets[i];
      EXPECT_EQ(set.stored.index, i / 2 + 1);
      EXPECT_EQ(set.stored.axis, i % 2);
      EXPECT_EQ(set.stored.side, i % 2 == 0 ? record::Side::kLeft : record::Side::kRight);
      EXPECT_EQ(set.stored.coordinate, hal::CoordinateKind::kLever);
      EXPECT_EQ(set.stored.reps_counted, 6u) << "seed " << seed << ", record " << i;
      EXPECT_EQ(set.stored.direction_changes, 12u) << "seed " << seed << ", record " << i;
      EXPECT_EQ(set.stored.end, record::SetEnd::kCount);
      EXPECT_EQ(set.stored.samples_dropped, 0u);
      EXPECT_EQ(set.truth.reps, 6) << "seed " << seed << ", record " << i;
      EXPECT_EQ(set.truth.side, static_cast<int>(set.stored.side));
      EXPECT_EQ(set.truth.number, static_cast<int>(set.stored.index));
    }
  }
}

TEST(SeatedSession, MeasuresTheRangeOfEachArmAsThePlantSawIt) {
  int repetitions = 0;
  int beyond_20ms = 0;
  const auto time = [&](double measured_s, double truth_s) {
    if (std::abs(measured_s - truth_s) > 0.020) ++beyond_20ms;
  };
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    for (const sim::SimulatedSet& set : play(world_options(seed)).sets) {
      ASSERT_EQ(set.stored.reps.size(), set.truth.range_m.size()) << "seed " << seed;
      for (std::size_t i = 0; i < set.stored.reps.size(); ++i, ++repetitions) {
        EXPECT_NEAR(set.stored.reps[i].range, set.truth.range_m[i] / set.metres_per_unit,
                    kHalfADegree)
            << "seed " << seed;
        time(set.stored.reps[i].concentric.duration_s, set.truth.concentric_s[i]);
        time(set.stored.reps[i].eccentric.duration_s, set.truth.eccentric_s[i]);
      }
    }
  }
  EXPECT_LE(beyond_20ms, 1);
  EXPECT_EQ(repetitions, 120);
}

TEST(SeatedSession, RendersTheSetRatioAtEachPad) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    for (const sim::SimulatedSet& set : play(world_options(seed)).sets) {
      EXPECT_NEAR(set.rendered_ratio_truth, 1.30, 0.05) << "seed " << seed;
      EXPECT_LT(set.force_error_percent, 5.0) << "seed " << seed;
      EXPECT_GT(set.force_error_percent, 0.1) << "an error that cannot be is none measured";
    }
  }
}

// Each arm carries its own leg: a weak right one gives up, the left one's figures stay its own.
TEST(SeatedSession, AWeakLegShowsOnItsOwnSide) {
  sim::WorldOptions options = world_options();
  options.station.person.lifter[1].isometric_torque_nm = 34.0;
  const auto result = play(options);
  ASSERT_GE(result.sets.size(), 2u);
  EXPECT_EQ(result.sets[0].stored.reps_counted, 6u);
  EXPECT_LT(result.sets[1].stored.reps_counted, 6u);
  // The truth's repetitions need no range: those that fell short are partial.
  const record::SetRecord& weak = result.sets[1].stored;
  EXPECT_EQ(static_cast<int>(weak.reps_counted + weak.reps_partial), result.sets[1].truth.reps);
  EXPECT_EQ(result.sets[0].stored.end, result.sets[1].stored.end);
}

TEST(SeatedSession, IsTheSameForASeedAndAnotherForAnother) {
  const auto first = play(world_options(11));
  EXPECT_EQ(play(world_options(11)).trace_hash, first.trace_hash);
  EXPECT_NE(play(world_options(12)).trace_hash, first.trace_hash);
}

class SeatedRun : public test::LiveWorld {
 protected:
  void SetUp() override { begin(world_options(), kProgram); }
  Result start() { return LiveWorld::start(kProgram); }
  bool reach_rep(std::uint32_t reps) {
    return world_->run_until(
        [&] {
          return now().state == StationState::kWorking && axis(0).reps_counted >= reps &&
                 axis(1).reps_counted >= reps;
        },
        90.0);
  }
  bool reach_phase(measure::Phase phase) {
    return world_->run_until([&] { return axis(0).phase == phase && axis(1).phase == phase; },
                             20.0);
  }
  // Torque at both pads on its way out within the half second that unloading may take.
  void expect_both_unloaded() {
    EXPECT_TRUE(world_->run_until(
        [&] {
          return axis(0).load_state != safety::LoadState::kLoaded &&
                 axis(1).load_state != safety::LoadState::kLoaded && axis(0).force_target < 11.4 &&
                 axis(1).force_target < 11.4;
        },
        0.55));
  }
};

TEST_F(SeatedRun, BothLoadsComeInTogetherAndTheSnapshotShowsBothSides) {
  ASSERT_TRUE(start());
  ASSERT_TRUE(world_->run_until([&] { return axis(0).load_applied > 0.0; }, 30.0));
  EXPECT_GT(axis(1).load_applied, 0.0);
  ASSERT_TRUE(reach_rep(2));
  world_->run_for(0.2);
  const station::Snapshot snapshot = now();
  ASSERT_TRUE(snapshot.set);
  ASSERT_TRUE(snapshot.other_set);
  EXPECT_EQ(snapshot.set->side, record::Side::kLeft);
  EXPECT_EQ(snapshot.other_set->side, record::Side::kRight);
  EXPECT_GE(snapshot.set->reps_counted, 2u);
  EXPECT_GE(snapshot.other_set->reps_counted, 2u);
  EXPECT_NE(snapshot.set->id, snapshot.other_set->id);
}

TEST_F(SeatedRun, AnOrderForOneArmChangesTheLoadOfBoth) {
  ASSERT_TRUE(start());
  ASSERT_TRUE(reach_rep(1));
  station::AdjustLoadOrder order;
  order.header.request_id = "less";
  order.load = 25.0;
  order.coordinate = hal::CoordinateKind::kLever;
  order.axis = 1;
  ASSERT_TRUE(give([&](auto answer) { world_->station().adjust_load(order, answer); }));
  EXPECT_TRUE(world_->run_until(
      [&] { return axis(0).load_applied == 25.0 && axis(1).load_applied == 25.0; }, 2.0));
  order.header.request_id = "newtons";
  order.coordinate = hal::CoordinateKind::kCable;
  EXPECT_FALSE(give([&](auto answer) { world_->station().adjust_load(order, answer); }));
}

TEST_F(SeatedRun, AFaultOfOneDriveUnloadsBothArms) {
  for (const std::size_t broken : {0u, 1u}) {
    SetUp();
    ASSERT_TRUE(start());
    ASSERT_TRUE(reach_rep(1));
    ASSERT_TRUE(reach_phase(measure::Phase::kConcentric));
    world_->machine().fail_drive(broken);
    expect_both_unloaded();
    EXPECT_TRUE(world_->run_until([&] { return now().state == StationState::kFault; }, 1.0));
    EXPECT_TRUE(world_->run_until(
        [&] { return axis(0).force_output == 0.0 && axis(1).force_output == 0.0; }, 1.0));
    EXPECT_LT(world_->machine().handle(1 - broken).motor_force, 3.0);
    // What was done until then is kept, for both legs.
    world_->run_for(0.5);
    const auto sets = world_->store().sets_of(world_->store().sessions(1, "").front().id);
    ASSERT_EQ(sets.size(), 2u);
    for (const record::SetRecord& set : sets) {
      EXPECT_EQ(set.end, record::SetEnd::kFault);
      EXPECT_EQ(set.reps_counted, 1u);
    }
  }
}

TEST_F(SeatedRun, ALegThatLeavesItsPadUnloadsBothArmsSlowly) {
  for (const std::size_t released : {0u, 1u}) {
    for (const measure::Phase phase : {measure::Phase::kConcentric, measure::Phase::kEccentric}) {
      SetUp();
      ASSERT_TRUE(start());
      ASSERT_TRUE(reach_rep(1));
      ASSERT_TRUE(reach_phase(phase));
      world_->run_for(0.8);
      const double from_rad = world_->machine().handle(released).position;
      world_->machine().release_handle(released);
      double fastest_mps = 0.0, travel_50ms_m = 0.0;
      for (int tick = 0; tick < 550; ++tick) {
        world_->tick();
        const sim::HandleTruth pad = world_->machine().handle(released);
        fastest_mps = std::max(fastest_mps, -pad.velocity * pad.metres_per_unit);
        if (tick == 49) travel_50ms_m = (from_rad - pad.position) * pad.metres_per_unit;
      }
      EXPECT_LE(fastest_mps, 1.2);
      EXPECT_LE(travel_50ms_m, 0.030);
      expect_both_unloaded();
      world_->run_for(0.1);
      EXPECT_TRUE(now().paused || now().state != StationState::kWorking);
    }
  }
}

// One leg at a time: only its arm works, the other's drive stays off.
TEST_F(SeatedRun, TheRightLegAloneUsesTheRightArmAlone) {
  sim::PlannedSet planned;
  planned.side = 2;
  planned.load_n = 30.0;
  planned.intent.reps = 3;
  begin(world_options(), std::vector<sim::PlannedSet>{planned});
  station::StartSetOrder order;
  order.header.request_id = "right";
  order.block.exercise_id = "seated-abduction";
  order.block.coordinate = hal::CoordinateKind::kLever;
  order.block.sides = {record::Side::kRight};
  order.block.reps = 3;
  order.block.load = 30.0;
  order.block.profile.id = "constant-tension";
  ASSERT_TRUE(give([&](auto answer) { world_->station().start_set(order, answer); }));
  double left_most_nm = 0.0;
  ASSERT_TRUE(world_->run_until(
      [&] {
        left_most_nm = std::max(left_most_nm, std::abs(axis(0).force_output));
        return now().state == StationState::kIdle;
      },
      90.0));
  world_->run_for(0.2);
  EXPECT_EQ(left_most_nm, 0.0);
  const auto sets = world_->store().sets_of(world_->store().sessions(1, "").front().id);
  ASSERT_EQ(sets.size(), 1u);
  EXPECT_EQ(sets[0].side, record::Side::kRight);
  EXPECT_EQ(sets[0].axis, 1);
  EXPECT_EQ(sets[0].reps_counted, 3u);
  EXPECT_EQ(world_->machine().set_truth(1).front().reps, 3);
  EXPECT_TRUE(world_->machine().set_truth(0).empty());
}

}  // namespace
