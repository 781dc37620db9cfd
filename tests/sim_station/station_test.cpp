// The simulated station as devices: drive, relay, panel, and the person's script.
#include <gtest/gtest.h>

#include "sim/machine/set_truth_tracker.hpp"
#include "sim/machine/simulated_station.hpp"
#include "tests/sim_station/hand_controller.hpp"

namespace medius::sim {
namespace {

using hal::DriveRequest;
using hal::DriveState;

SimulatedStationConfig quiet_config() {
  SimulatedStationConfig config;
  config.person.plan.clear();
  return config;
}

PlannedSet planned(int side, int reps, double load_n = 60.0) {
  PlannedSet set;
  set.side = side;
  set.load_n = load_n;
  set.intent.reps = reps;
  return set;
}

class Drive : public testing::Test {
 protected:
  SimulatedStation station{quiet_config()};
  HandController hand{station};

  void enable() {
    ASSERT_TRUE(hand.run_until(
        [&] { return station.drive().state == DriveState::kOperationEnabled; }, 0.5));
  }
};

TEST(Pelvis, IsSampledAHundredTimesASecondWhereTheSensorIsWorn) {
  SimulatedStationConfig config = quiet_config();
  SimulatedStation bare(config);
  config.pelvis_sensor = true;
  SimulatedStation worn(config);
  for (int i = 0; i < 1000; ++i) {
    bare.step_tick();
    worn.step_tick();
  }
  EXPECT_FALSE(bare.pelvis().present);
  EXPECT_EQ(bare.pelvis_samples(), 0u);
  EXPECT_TRUE(worn.pelvis().present);
  EXPECT_EQ(worn.pelvis_samples(), 100u);
  EXPECT_EQ(worn.state_hash(), bare.state_hash()) << "a belt changes nothing";
}

TEST_F(Drive, StartsWithoutTorqueAndDisabled) {
  EXPECT_EQ(station.drive().state, DriveState::kSwitchOnDisabled);
  EXPECT_TRUE(station.drive().sto_active);
  EXPECT_FALSE(station.safety().relay_closed);
}

TEST_F(Drive, ClimbsOneCia402StateAfterTheOther) {
  DriveState last = DriveState::kSwitchOnDisabled;
  std::vector<DriveState> seen{last};
  for (int i = 0; i < 100; ++i) {
    hand.tick();
    if (station.drive().state != last) seen.push_back(last = station.drive().state);
  }
  const std::vector<DriveState> expected{DriveState::kSwitchOnDisabled,
                                         DriveState::kReadyToSwitchOn, DriveState::kSwitchedOn,
                                         DriveState::kOperationEnabled};
  EXPECT_EQ(seen, expected);
}

TEST_F(Drive, DoesNotEnableWhileTheRelayIsOpen) {
  hand.hold_relay = false;
  hand.run(0.5);
  EXPECT_EQ(station.drive().state, DriveState::kSwitchOnDisabled);
  EXPECT_TRUE(station.drive().sto_active);
}

TEST_F(Drive, HonoursALimitOfZeroForce) {
  hand.force_limit_n = 0.0;
  hand.force_n = 50.0;
  enable();
  hand.run(1.5);
  EXPECT_LT(station.truth().motor_force_n, 3.0);  // torque ripple at most
  EXPECT_TRUE(station.limit_active());
}

TEST_F(Drive, CutsForceAtItsOwnLimit) {
  hand.force_limit_n = 20.0;
  hand.force_n = 50.0;
  enable();
  hand.run(1.5);
  EXPECT_NEAR(station.truth().motor_force_n, 20.0, 3.0);
}

TEST_F(Drive, UnloadsByItselfWhenTheTelegramsEnd) {
  hand.force_n = 60.0;
  enable();
  hand.run(1.5);
  ASSERT_GT(station.truth().motor_force_n, 50.0);
  hand.talks = false;
  hand.run(0.049);
  EXPECT_GT(station.truth().motor_force_n, 50.0) << "tripped before its time";
  hand.run(0.001 + 0.045 + 0.010);
  EXPECT_LT(station.truth().motor_force_n, 2.0);
  EXPECT_TRUE(station.drive().watchdog_tripped);
  EXPECT_EQ(station.drive().state, DriveState::kFault);
}

TEST_F(Drive, StaysUnloadedAfterTheWatchdogUntilAFaultResetEdge) {
  hand.force_n = 60.0;
  enable();
  hand.run(1.0);
  hand.talks = false;
  hand.run(0.2);
  hand.talks = true;
  hand.run(1.0);
  EXPECT_EQ(station.drive().state, DriveState::kFault);
  EXPECT_LT(station.truth().motor_force_n, 2.0);
  hand.request = DriveRequest::kResetFault;
  ASSERT_TRUE(
      hand.run_until([&] { return station.drive().state == DriveState::kSwitchOnDisabled; }, 0.1));
  EXPECT_FALSE(station.drive().watchdog_tripped);
}

TEST_F(Drive, ABitSevenThatStaysHighIsNoResetEdge) {
  enable();
  hand.talks = false;
  hand.run(0.2);
  DriveCommand high;
  high.controlword = hal::kControlFaultReset;
  station.write_drive(high);
  station.step_tick();
  EXPECT_EQ(station.drive().state, DriveState::kSwitchOnDisabled);  // the edge
  hand.talks = true;
  station.write_drive(high);
  enable();
  // A new fault with bit 7 still high from before is not reset by it.
  DriveCommand command = high;
  command.controlword = hal::kControlEnableOperation | hal::kControlFaultReset;
  command.mode = 10;
  station.write_drive(command);
  hand.talks = false;
  for (int i = 0; i < 200; ++i) {
    station.write_relay(true);
    station.step_tick();
  }
  ASSERT_EQ(station.drive().state, DriveState::kFault);
  station.write_drive(high);
  station.step_tick();
  EXPECT_EQ(station.drive().state, DriveState::kFault);
}

TEST_F(Drive, LosesItsTorqueAtOnceOnEmergencyStop) {
  hand.force_n = 60.0;
  enable();
  hand.run(1.5);
  station.press_estop(true);
  hand.run(0.015);
  EXPECT_LT(station.truth().motor_force_n, 2.0);
  EXPECT_TRUE(station.drive().sto_active);
  EXPECT_FALSE(station.safety().estop_released);
  station.press_estop(false);
  EXPECT_TRUE(hand.run_until([&] { return station.safety().relay_closed; }, 0.1));
}

TEST_F(Drive, TheRelayOpensWhenTheHoldIsNotRepeated) {
  enable();
  ASSERT_TRUE(station.safety().relay_closed);
  hand.talks = false;
  hand.run(0.049);
  EXPECT_TRUE(station.safety().relay_closed);
  hand.run(0.003);
  EXPECT_FALSE(station.safety().relay_closed);
}

TEST_F(Drive, MakesNoForceInAPositionMode) {
  enable();
  for (int i = 0; i < 200; ++i) {
    DriveCommand command;
    command.controlword = hal::kControlEnableOperation;
    command.mode = 1;
    command.force_n = 100.0;
    command.force_limit_n = 600.0;
    station.write_drive(command);
    station.write_relay(true);
    station.step_tick();
  }
  EXPECT_LT(station.truth().motor_force_n, 3.0);
  EXPECT_EQ(station.drive().mode_display, 1);
}

DriveCommand at_speed(double velocity_mps, double pull_max_n) {
  DriveCommand command;
  command.controlword = hal::kControlEnableOperation;
  command.mode = hal::kModeCyclicVelocity;
  command.force_n = 300.0;  // means nothing in this mode
  command.force_limit_n = pull_max_n;
  command.velocity_mps = velocity_mps;
  command.brake_limit_n = 150.0;
  return command;
}

TEST_F(Drive, HoldsASpeedInItsVelocityModeAndPullsNoHarderThanItMay) {
  enable();
  station.release_handle();
  for (int i = 0; i < 1000; ++i) {
    station.write_drive(at_speed(-0.1, 25.0));
    station.write_relay(true);
    station.step_tick();
    ASSERT_LE(station.truth().motor_force_n, 28.0) << i;
    if (i == 300) {
      EXPECT_NEAR(station.truth().drum_velocity_mps, -0.1, 0.005);
    }
  }
  EXPECT_EQ(station.drive().mode_display, 9);
}

TEST_F(Drive, UnloadsByItselfInItsVelocityModeToo) {
  enable();
  for (int i = 0; i < 200; ++i) {
    station.write_drive(at_speed(-0.1, 25.0));
    station.write_relay(true);
    station.step_tick();
  }
  hand.talks = false;
  hand.run(0.05 + 0.045 + 0.010);
  EXPECT_LT(station.truth().motor_force_n, 2.0);
  EXPECT_TRUE(station.drive().watchdog_tripped);
}

TEST(OlderDrive, StaysInTheModeItHasWhenAskedForASpeed) {
  SimulatedStationConfig config = quiet_config();
  config.drive.velocity_mode = false;
  SimulatedStation station(config);
  HandController hand(station);
  hand.run(0.5);
  ASSERT_EQ(station.drive().state, DriveState::kOperationEnabled);
  station.write_drive(at_speed(-0.1, 25.0));
  station.step_tick();
  EXPECT_EQ(station.drive().mode_display, 10);
}

TEST(Panel, ResetIsPressedOnceAControllerTalksAndOnlyThen) {
  SimulatedStation station(quiet_config());
  for (int i = 0; i < 2000; ++i) {
    station.step_tick();
    ASSERT_FALSE(station.panel().reset_pressed);
  }
  HandController hand(station);
  int edges = 0;
  bool before = false;
  for (int i = 0; i < 5000; ++i) {
    hand.tick();
    const bool pressed = station.panel().reset_pressed;
    if (pressed && !before) ++edges;
    before = pressed;
  }
  EXPECT_EQ(edges, 1);
}

TEST(Panel, NobodyPressesResetWhenNobodyIsConfiguredTo) {
  SimulatedStationConfig config = quiet_config();
  config.person.presses_reset_at_start = false;
  SimulatedStation station(config);
  HandController hand(station);
  for (int i = 0; i < 2000; ++i) {
    hand.tick();
    ASSERT_FALSE(station.panel().reset_pressed);
  }
}

// One set as a station would run it: light tension, load, repetitions, unload, off.
void run_set(SimulatedStation& station, HandController& hand, double load_n,
             double limit_s = 120.0) {
  hand.request = DriveRequest::kEnable;
  hand.force_n = 14.0;  // friction takes some of it
  hand.run(2.0);
  hand.force_n = load_n + 8.0;
  const std::size_t before = station.set_truth().size();
  ASSERT_TRUE(hand.run_until([&] { return station.set_truth().size() > before; }, 8.0))
      << "the person did not begin at " << station.truth().cuff_tension_n << " N";
  ASSERT_TRUE(
      hand.run_until([&] { return station.lifter_truth().state == LifterState::kDone; }, limit_s));
  hand.run(0.5);
  hand.force_n = 0.0;
  hand.run(2.0);
  hand.request = DriveRequest::kDisable;
  hand.run(2.5);
}

TEST(Person, DoesTheLeftAndThenTheRightSideAndTheTruthCountsIt) {
  SimulatedStationConfig config;
  config.person.plan = {planned(1, 3), planned(2, 4)};
  SimulatedStation station(config);
  HandController hand(station);
  run_set(station, hand, 60.0);
  run_set(station, hand, 60.0);
  ASSERT_EQ(station.set_truth().size(), 2u);
  const SetTruth& left = station.set_truth()[0];
  const SetTruth& right = station.set_truth()[1];
  EXPECT_EQ(left.side, 1);
  EXPECT_EQ(left.reps, 3);
  EXPECT_EQ(left.direction_changes, 6);
  EXPECT_EQ(right.side, 2);
  EXPECT_EQ(right.reps, 4);
  EXPECT_EQ(right.direction_changes, 8);
  ASSERT_EQ(right.range_m.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_GT(right.range_m[i], 0.2);
    EXPECT_GT(right.concentric_s[i], 0.8);
    EXPECT_LT(right.concentric_s[i], 3.0);
    EXPECT_GT(right.eccentric_s[i], right.concentric_s[i] * 0.9);
  }
}

TEST(Person, StaysSeatedWithoutTension) {
  SimulatedStationConfig config;
  config.person.plan = {planned(1, 3)};
  SimulatedStation station(config);
  HandController hand(station);
  hand.run(5.0);
  EXPECT_EQ(station.lifter_truth().state, LifterState::kRelaxed);
  EXPECT_TRUE(station.set_truth().empty());
}

TEST(Person, DoesNotLiftAgainstPretensionAlone) {
  SimulatedStationConfig config;
  config.person.plan = {planned(1, 3)};
  SimulatedStation station(config);
  HandController hand(station);
  hand.force_n = 14.0;
  hand.run(10.0);
  EXPECT_EQ(station.lifter_truth().state, LifterState::kStanding);
  EXPECT_TRUE(station.set_truth().empty());
}

TEST(Person, GoesOnWithTheRestOfTheSetAfterAPause) {
  SimulatedStationConfig config;
  config.person.plan = {planned(1, 4)};
  SimulatedStation station(config);
  HandController hand(station);
  hand.force_n = 14.0;
  hand.run(2.0);
  hand.force_n = 68.0;
  ASSERT_TRUE(hand.run_until(
      [&] { return !station.set_truth().empty() && station.set_truth()[0].reps == 2; }, 60.0));
  hand.force_n = 14.0;
  hand.ramp_nps = 200.0;
  hand.run(5.0);
  EXPECT_EQ(station.lifter_truth().state, LifterState::kStanding);
  // The repetition that was under way is moved through without the load, and counts as motion.
  const int before = station.set_truth()[0].reps;
  hand.ramp_nps = 60.0;
  hand.force_n = 68.0;
  ASSERT_TRUE(
      hand.run_until([&] { return station.lifter_truth().state == LifterState::kDone; }, 60.0));
  hand.run(1.0);
  EXPECT_EQ(station.set_truth().size(), 1u);
  EXPECT_EQ(station.set_truth()[0].reps - before, 2);
}

TEST(Person, ReleasingTheHandleDropsTheTensionAndGrippingGivesItBack) {
  SimulatedStationConfig config;
  config.person.plan = {planned(1, 8)};
  SimulatedStation station(config);
  HandController hand(station);
  hand.force_n = 14.0;
  hand.run(3.0);
  ASSERT_GT(station.truth().cuff_tension_n, 3.0);
  station.release_handle();
  hand.run(0.05);
  EXPECT_LT(station.truth().cuff_tension_n, 3.0);
  hand.force_n = 0.0;
  hand.run(0.3);
  station.grip();
  hand.force_n = 14.0;
  EXPECT_TRUE(
      hand.run_until([&] { return station.lifter_truth().state == LifterState::kStanding; }, 8.0));
}

// Minimum-jerk pieces of motion for the judge, and the time they move faster than 0.02 m/s.
class Motion {
 public:
  explicit Motion(SetTruthTracker& tracker) : tracker_(tracker) {}

  // Returns the moving time of the piece, s.
  double move(double metres, double seconds) {
    const int ticks = static_cast<int>(seconds * 1000);
    const double from_m = truth_.ring_position_m;
    int moving = 0;
    for (int i = 1; i <= ticks; ++i) {
      const double s = static_cast<double>(i) / ticks;
      truth_.time_s += 1e-3;
      truth_.ring_position_m = from_m + metres * s * s * s * (10.0 + s * (-15.0 + 6.0 * s));
      if (std::abs(metres) / seconds * 30.0 * s * s * (1.0 - s) * (1.0 - s) >= 0.02) ++moving;
      tracker_.step(truth_);
    }
    return 1e-3 * moving;
  }

 private:
  SetTruthTracker& tracker_;
  CableTruth truth_;
};

// The mean over 111 ms crosses 0.02 m/s w^2 / 24 t before a minimum-jerk start whose own crossing
// comes after t, and after its end: 4.5 ms for 0.4 m in 2 s, 12 ms for 0.2 m in 0.5 s.
constexpr double kMeanShiftS = 0.020;

TEST(SetTruth, TheLegFollowingTheLoadThatGoesOutIsNoStrokeOfTheSet) {
  SetTruthTracker tracker;
  tracker.begin(1, 2);
  Motion ring(tracker);
  double out_s = 0.0, back_s = 0.0;
  for (int rep = 0; rep < 2; ++rep) {
    out_s = ring.move(0.4, 2.0);
    ring.move(0.0, 1.0);
    back_s = ring.move(-0.4, 3.0);
    if (rep == 0) ring.move(0.0, 0.4);
  }
  ring.move(0.05, 0.2);  // at once, before anybody could stand still
  ring.move(0.0, 0.5);
  ring.move(-0.05, 0.2);
  ring.move(0.0, 0.5);
  ASSERT_EQ(tracker.sets().size(), 1u);
  const SetTruth& set = tracker.sets()[0];
  EXPECT_EQ(set.reps, 2);
  EXPECT_EQ(set.direction_changes, 4);
  EXPECT_NEAR(set.range_m[1], 0.4, 1e-3);
  EXPECT_NEAR(set.concentric_s[1], out_s, kMeanShiftS);
  EXPECT_NEAR(set.hold_s[1], 1.0 + (2.0 - out_s) / 2.0 + (3.0 - back_s) / 2.0, kMeanShiftS);
  EXPECT_NEAR(set.eccentric_s[1], back_s, kMeanShiftS);
}

// What a person who stops at the top still owes: only the way back ends it.
TEST(SetTruth, ARepetitionIsUnderWayUntilItsWayBack) {
  SetTruthTracker tracker;
  tracker.begin(1, 3);
  Motion ring(tracker);
  EXPECT_FALSE(tracker.under_way());
  ring.move(0.4, 2.0);
  ring.move(0.0, 1.0);
  EXPECT_TRUE(tracker.still());
  EXPECT_TRUE(tracker.under_way());
  ring.move(-0.4, 0.8);
  ring.move(0.0, 0.5);
  EXPECT_FALSE(tracker.under_way());
  EXPECT_EQ(tracker.sets()[0].reps, 1);
}

TEST(SetTruth, APauseOnTheWayIsNoTurn) {
  SetTruthTracker tracker;
  tracker.begin(2, 1);
  Motion ring(tracker);
  const double start_s = 1.0 - ring.move(0.2, 1.0);  // standing time of a piece of 0.2 m in 1 s
  ring.move(0.0, 0.5);
  ring.move(0.2, 1.0);
  const double first_s = 1.5 - ring.move(-0.3, 1.5);
  ring.move(0.0, 0.5);
  const double last_s = 0.5 - ring.move(-0.1, 0.5);
  ring.move(0.0, 0.5);
  tracker.end();
  const SetTruth& set = tracker.sets()[0];
  EXPECT_EQ(set.reps, 1);
  EXPECT_EQ(set.direction_changes, 2);
  EXPECT_NEAR(set.concentric_s[0], 2.5 - start_s, kMeanShiftS);
  EXPECT_NEAR(set.eccentric_s[0], 2.5 - first_s / 2.0 - last_s / 2.0, kMeanShiftS);
}

// A set is one repetition also for a person who turns round before they are down.
TEST(SetTruth, ABounceOnTheWayDownBelongsToTheRepetition) {
  SetTruthTracker tracker;
  tracker.begin(1, 2);
  Motion ring(tracker);
  ring.move(0.4, 2.0);
  ring.move(0.0, 0.3);
  ring.move(-0.15, 1.0);
  ring.move(0.08, 0.8);
  ring.move(-0.33, 2.0);
  ring.move(0.0, 0.8);
  tracker.end();
  const SetTruth& set = tracker.sets()[0];
  EXPECT_EQ(set.reps, 1);
  EXPECT_EQ(set.direction_changes, 4);
  ASSERT_EQ(set.range_m.size(), 1u);
  EXPECT_NEAR(set.range_m[0], 0.4, 1e-3);
  EXPECT_NEAR(set.eccentric_s[0], 3.8, 0.2);  // from the first way down to the end of the second
}

// A stop before 60 % of the way back ends nothing, however little it falls short of that; out again
// for a quarter of the range is the next repetition.
TEST(SetTruth, AShortWayOutBeforeTheLegIsBackBelongsToTheRepetition) {
  const auto reps = [](double dip_m, double again_m) {
    SetTruthTracker tracker;
    tracker.begin(1, 3);
    Motion ring(tracker);
    ring.move(0.4, 2.0);
    ring.move(0.0, 0.3);
    ring.move(-dip_m, 1.0);
    ring.move(again_m, 0.5);
    ring.move(dip_m - again_m - 0.4, 1.0);
    ring.move(0.0, 0.5);
    tracker.end();
    return tracker.sets()[0];
  };
  EXPECT_EQ(reps(0.23, 0.08).reps, 1);
  EXPECT_NEAR(reps(0.23, 0.08).range_m.at(0), 0.4, 1e-3);
  EXPECT_NEAR(reps(0.23, 0.12).range_m.at(0), 0.12, 1e-3);
  EXPECT_EQ(reps(0.26, 0.12).reps, 2);
}

// A counter that measures ranges to 3 mm may call it either way.
TEST(SetTruth, AWayBackThatEndsThreeMillimetresShortOfDoneIsUndecided) {
  const auto set = [](double dip_m, double further_m) {
    SetTruthTracker tracker;
    tracker.begin(1, 3);
    Motion ring(tracker);
    ring.move(0.4, 2.0);
    ring.move(0.0, 0.3);
    ring.move(-dip_m, 1.0);
    ring.move(0.0, 0.5);
    if (further_m > 0.0) ring.move(-further_m, 0.5);
    ring.move(0.0, 0.5);
    tracker.end();
    return tracker.sets()[0];
  };
  EXPECT_EQ(set(0.235, 0.0).undecided, 0);
  EXPECT_EQ(set(0.2385, 0.0).undecided, 1);
  EXPECT_EQ(set(0.2385, 0.0).reps, 0);
  EXPECT_EQ(set(0.242, 0.0).undecided, 0);
  EXPECT_EQ(set(0.242, 0.0).reps, 1);
  EXPECT_EQ(set(0.2385, 0.1).undecided, 0) << "it came down after all";
  EXPECT_EQ(set(0.2385, 0.1).reps, 1);
}

TEST(Rig, TwelveStrokesAreTwentyFourChangesOfDirection) {
  SimulatedStationConfig config = quiet_config();
  config.rig = true;
  SimulatedStation station(config);
  HandController hand(station);
  hand.force_n = 80.0;
  hand.run(2.0);
  station.start_rig();
  ASSERT_TRUE(hand.run_until([&] { return station.rig().done(); }, 120.0));
  hand.run(0.5);
  ASSERT_EQ(station.set_truth().size(), 1u);
  EXPECT_EQ(station.set_truth()[0].side, 0);
  EXPECT_EQ(station.set_truth()[0].reps, 12);
  EXPECT_EQ(station.set_truth()[0].direction_changes, 24);
}

TEST(Determinism, TheSameSeedGivesTheSameBitsAndAnotherDoesNot) {
  const auto hash = [](std::uint64_t seed) {
    SimulatedStationConfig config;
    config.person.plan = {planned(1, 2)};
    config.plant.seed = seed;
    SimulatedStation station(config);
    HandController hand(station);
    hand.force_n = 14.0;
    hand.run(2.0);
    hand.force_n = 68.0;
    hand.run(8.0);
    return station.state_hash();
  };
  EXPECT_EQ(hash(1), hash(1));
  EXPECT_NE(hash(1), hash(2));
}

}  // namespace
}  // namespace medius::sim
