// The figures of the motion stage to the last digit: what a person would feel a tenth of.
#include <cmath>

#include <gtest/gtest.h>

#include "controller/safety/motion/motion.hpp"
#include "tests/safety/pull.hpp"

namespace medius::safety {
namespace {

using test::kDt;
using test::kNan;
using test::kTiny;
using test::Pull;

constexpr double kPadLever = 0.38;  // the seated machine's pad on its arm

TEST(MotionExact, TheBoundsOfBothMachinesAreTheWrittenOnes) {
  const MotionBounds cable = motion_bounds(hal::CoordinateKind::kCable);
  EXPECT_DOUBLE_EQ(cable.outward_speed_max, 0.8);
  EXPECT_DOUBLE_EQ(cable.inward_speed_max, 0.5);
  EXPECT_DOUBLE_EQ(cable.acceleration, 4.0);
  EXPECT_DOUBLE_EQ(cable.deceleration, 8.0);
  EXPECT_DOUBLE_EQ(cable.travel_max, 1.2);
  EXPECT_DOUBLE_EQ(cable.taut_force, 20.0);
  EXPECT_DOUBLE_EQ(cable.slack_force, 8.0);
  const MotionBounds lever = motion_bounds(hal::CoordinateKind::kLever);
  EXPECT_DOUBLE_EQ(lever.outward_speed_max, 0.8 / kPadLever);
  EXPECT_DOUBLE_EQ(lever.inward_speed_max, 0.5 / kPadLever);
  EXPECT_DOUBLE_EQ(lever.acceleration, 4.0 / kPadLever);
  EXPECT_DOUBLE_EQ(lever.deceleration, 8.0 / kPadLever);
  EXPECT_DOUBLE_EQ(lever.travel_max, 1.05);
  EXPECT_DOUBLE_EQ(lever.taut_force, 20.0 * kPadLever);
  EXPECT_DOUBLE_EQ(lever.slack_force, 8.0 * kPadLever);
}

// ---- who pulls ------------------------------------------------------------------------------
TEST(MotionExact, SomebodyPullsFromAboveTwentyNewtonsOrHalfAgainThePretension) {
  struct Case {
    double pretension, force;
    bool pulls;
  };
  for (const Case& c : {Case{10.0, 20.0, false}, Case{10.0, 20.01, true}, Case{20.0, 29.9, false},
                        Case{20.0, 30.0, false}, Case{20.0, 30.01, true}, Case{1e9, 44.9, false},
                        Case{1e9, 45.1, true}, Case{kNan, 20.01, true}}) {
    Pull rig;
    rig.input.pretension = c.pretension;
    rig.input.measured_force = c.force;
    EXPECT_EQ(rig.tick().force_max == 150.0, c.pulls) << c.force << " N on " << c.pretension;
  }
}

TEST(MotionExact, NobodyIsTakenToPullBeforeALoadIsOn) {
  Pull rig;
  rig.input.load_state = LoadState::kTakeUp;
  EXPECT_DOUBLE_EQ(rig.tick().force_max, 10.0);
  EXPECT_FALSE(rig.state.taut);
}

TEST(MotionExact, TheSetPointGoesOnFromTheSpeedThatIsThereAndNeverInward) {
  struct Case {
    double speed, first;  // the hand's; what is set after the tick in which the pull begins
  };
  for (const Case& c : {Case{0.5, 0.492}, Case{0.01, 0.004}, Case{-0.3, 0.004}, Case{9.0, 0.792}}) {
    Pull rig;
    rig.state.velocity = -0.15;  // was reeling in
    rig.input.velocity = c.speed;
    rig.input.wish_velocity = 0.004;
    EXPECT_NEAR(rig.speed(), c.first, kTiny) << c.speed;
  }
}

// Tension that is there again for a tick begins the count anew.
TEST(MotionExact, AReleaseIsThreeSlackTicksInARow) {
  Pull rig;
  rig.inward(0.4);
  for (int i = 0; i < 20; ++i) {
    rig.input.measured_force = i % 3 == 2 ? 60.0 : 2.0;
    EXPECT_EQ(rig.tick().fault, FaultCode::kNone) << i;
    EXPECT_TRUE(rig.state.taut);
  }
  rig.input.measured_force = 60.0;
  rig.tick();
  rig.input.measured_force = 2.0;
  EXPECT_EQ(rig.tick(2).fault, FaultCode::kNone);
  EXPECT_EQ(rig.tick().fault, FaultCode::kHandleReleased);
  EXPECT_NEAR(rig.out.velocity.value(), -4.0 * kDt, kTiny) << "stopped at once, then reels in";
}

TEST(MotionExact, ACountOfSlackTicksBeforeThePullIsForgotten) {
  Pull rig;
  rig.input.measured_force = 2.0;
  rig.tick(100);
  rig.input.measured_force = 60.0;
  rig.tick();
  EXPECT_EQ(rig.state.slack_ticks, 0);
  rig.input.measured_force = 2.0;
  rig.tick(2);
  EXPECT_TRUE(rig.state.taut);
}

TEST(MotionExact, LettingGoOfASlowPullInwardIsNoFault) {
  for (const double speed : {0.14, 0.15, 0.16}) {
    Pull rig;
    rig.inward(speed);
    rig.state.velocity = -speed;
    rig.input.measured_force = 2.0;
    const FaultCode expected = speed > 0.15 ? FaultCode::kHandleReleased : FaultCode::kNone;
    EXPECT_EQ(rig.tick(3).fault, expected) << speed;
    EXPECT_FALSE(rig.state.taut);
  }
}

TEST(MotionExact, LettingGoOnTheWayOutStopsFromTheSpeedThatWas) {
  Pull rig;
  rig.input.wish_velocity = 0.4;
  rig.tick(300);
  rig.input.measured_force = 2.0;
  EXPECT_NEAR(rig.speed(3), 0.4 - 8.0 * kDt, kTiny) << "a set point does not jump to zero";
  EXPECT_EQ(rig.out.fault, FaultCode::kNone);
}

TEST(MotionExact, AReleaseStandsUntilTensionIsBackForFiftyTicks) {
  Pull rig;
  rig.inward(0.4);
  rig.input.measured_force = 2.0;
  rig.tick(3);
  rig.input.measured_force = 15.0;  // not slack, but nobody pulls yet
  EXPECT_EQ(rig.tick(49).fault, FaultCode::kHandleReleased);
  rig.input.measured_force = 2.0;
  EXPECT_EQ(rig.tick().fault, FaultCode::kHandleReleased);
  rig.input.measured_force = 15.0;
  EXPECT_EQ(rig.tick(49).fault, FaultCode::kHandleReleased) << "counted anew";
  EXPECT_EQ(rig.tick().fault, FaultCode::kNone);
}

TEST(MotionExact, ASecondLossOfTensionDoesNotExcuseTheRelease) {
  Pull rig;
  rig.inward(0.4);
  rig.input.measured_force = 2.0;
  rig.tick(3);
  rig.input.measured_force = 60.0;  // taken up again, at rest
  EXPECT_EQ(rig.tick(10).fault, FaultCode::kHandleReleased);
  rig.input.measured_force = 2.0;
  EXPECT_EQ(rig.tick(3).fault, FaultCode::kHandleReleased);
}

TEST(MotionExact, TheLawMayRaiseTheForceOfSlackUpToThatOfAPull) {
  struct Case {
    double wish_n, slack_n;
  };
  for (const Case& c :
       {Case{0.0, 8.0}, Case{-5.0, 8.0}, Case{kNan, 8.0}, Case{15.0, 15.0}, Case{100.0, 20.0}}) {
    Pull rig;
    rig.input.wish_force_min = c.wish_n;
    rig.tick();
    rig.input.measured_force = c.slack_n;
    rig.tick(10);
    EXPECT_TRUE(rig.state.taut) << c.wish_n;
    rig.input.measured_force = c.slack_n - 0.01;
    rig.tick(10);
    EXPECT_FALSE(rig.state.taut) << c.wish_n;
  }
}

// ---- where the set point goes ---------------------------------------------------------------
TEST(MotionExact, ItLeavesRestAtFourAndReturnsAtEightMetresPerSecondSquared) {
  Pull rig;
  rig.input.dead_man_held = true;
  rig.input.wish_velocity = 0.3;
  EXPECT_NEAR(rig.speed(), 0.004, kTiny);
  EXPECT_NE(rig.out.limits & kLimitSlew, 0u);
  EXPECT_NEAR(rig.speed(100), 0.3, kTiny);
  EXPECT_EQ(rig.out.limits & kLimitSlew, 0u);
  rig.input.wish_velocity = 0.1;
  EXPECT_NEAR(rig.speed(), 0.292, kTiny);
  rig.speed(100);
  rig.input.wish_velocity = -0.3;  // through zero: braking counts until rest
  EXPECT_NEAR(rig.speed(), 0.092, kTiny);
  rig.state.velocity = -0.1;
  EXPECT_NEAR(rig.speed(), -0.104, kTiny);
  rig.input.wish_velocity = -0.05;
  EXPECT_NEAR(rig.speed(), -0.096, kTiny);
}

TEST(MotionExact, NeitherAStateThatIsNoNumberNorAnAbsurdOneIsFollowed) {
  Pull rig;
  rig.tick();
  rig.input.wish_velocity = 0.0;
  rig.state.velocity = kNan;
  EXPECT_NEAR(rig.speed(), 0.0, 0.008 + kTiny);
  rig.state.velocity = 7.0;
  EXPECT_NEAR(rig.speed(), 0.792, kTiny);
  rig.input.dead_man_held = true;
  rig.state.velocity = -7.0;
  EXPECT_NEAR(rig.speed(), -0.492, kTiny);
}

TEST(MotionExact, FrozenMeansNoFasterInEitherDirectionButSlowerAtOnce) {
  Pull rig;
  rig.inward(0.2);
  rig.input.reaction = Reaction::kFreezeIncreases;
  rig.input.wish_velocity = -0.4;
  EXPECT_NEAR(rig.speed(100), -0.2, kTiny);
  rig.input.wish_velocity = -0.1;
  EXPECT_NEAR(rig.speed(100), -0.1, kTiny);
  rig.input.wish_velocity = 0.4;
  EXPECT_NEAR(rig.speed(100), 0.0, 0.004 + kTiny) << "nor away from rest the other way";
}

// v = sqrt(2 a s): from there it can still be stopped within the way that is left.
TEST(MotionExact, TheSpeedFallsWithTheRootOfTheWayThatIsLeft) {
  for (const double left_m : {0.0025, 0.01}) {
    Pull rig;
    rig.input.start = 0.1;
    rig.input.position = 0.1 + 1.2 - left_m;
    rig.input.wish_velocity = 0.8;
    EXPECT_NEAR(rig.speed(300), std::sqrt(16.0 * left_m), kTiny);
    rig.input.position = 0.1 + left_m;
    rig.input.dead_man_held = true;
    rig.input.wish_velocity = -0.5;
    EXPECT_NEAR(rig.speed(500), -std::sqrt(16.0 * left_m), kTiny);
  }
  Pull beyond;
  beyond.input.dead_man_held = true;
  beyond.input.position = 1.3;
  beyond.input.wish_velocity = 0.8;
  EXPECT_DOUBLE_EQ(beyond.speed(300), 0.0);
  beyond.input.position = -0.1;
  beyond.input.wish_velocity = -0.5;
  EXPECT_DOUBLE_EQ(beyond.speed(300), 0.0);
}

TEST(MotionExact, ItPullsInwardUpToTheCeilingAndNotAboveIt) {
  Pull rig;
  rig.inward(0.3);
  rig.input.measured_force = 150.0;
  EXPECT_NEAR(rig.speed(100), -0.3, kTiny);
  rig.input.measured_force = 150.01;
  EXPECT_NEAR(rig.speed(100), 0.0, kTiny);
}

TEST(MotionExact, AWishThatIsNotValidOrNoNumberStands) {
  Pull rig;
  rig.input.wish_velocity = 0.4;
  rig.input.wish_valid = false;
  EXPECT_DOUBLE_EQ(rig.speed(100), 0.0);
  rig.input.wish_valid = true;
  rig.input.wish_velocity = kNan;
  EXPECT_DOUBLE_EQ(rig.speed(100), 0.0);
  rig.input.dead_man_held = true;  // nor is it a wish to be pulled in
  EXPECT_DOUBLE_EQ(rig.speed(100), 0.0);
  rig.input.wish_velocity = 0.1;
  EXPECT_NEAR(rig.speed(100), 0.1, kTiny);
}

TEST(MotionExact, ADeadManThatIsLostIsForgottenOnlyByTakingUpAnew) {
  Pull rig;
  rig.inward(0.3);
  rig.input.dead_man_held = false;
  EXPECT_EQ(rig.tick().fault, FaultCode::kDeadManReleased);
  rig.input.wish_velocity = 0.3;
  rig.input.dead_man_held = true;
  EXPECT_DOUBLE_EQ(rig.speed(200), 0.0) << "not outward either";
  rig.input.load_state = LoadState::kTakeUp;
  EXPECT_EQ(rig.tick().fault, FaultCode::kNone);
}

TEST(MotionExact, TheDeadManIsAskedForOnlyWhilePulledInwardUnderForce) {
  Pull outward;
  outward.input.wish_velocity = 0.3;
  EXPECT_EQ(outward.tick(200).fault, FaultCode::kNone);
  Pull at_rest;
  at_rest.input.wish_velocity = -0.3;
  EXPECT_EQ(at_rest.tick(200).fault, FaultCode::kNone);
  Pull unloading;
  unloading.inward(0.3);
  unloading.input.reaction = Reaction::kSoftUnload;
  unloading.input.dead_man_held = false;
  EXPECT_EQ(unloading.tick(10).fault, FaultCode::kNone);
  Pull reeling;
  reeling.input.measured_force = 2.0;
  EXPECT_EQ(reeling.tick(200).fault, FaultCode::kNone);
}

TEST(MotionExact, NothingIsReeledInAgainstSomebodyWhoseForceIsBeingTakenAway) {
  Pull rig;
  rig.tick(10);
  rig.input.load_state = LoadState::kUnloading;
  rig.input.measured_force = 2.0;  // lets go while 22 N are still granted
  rig.tick(4);
  ASSERT_FALSE(rig.state.taut);
  ASSERT_GT(rig.out.force_max, 10.0);
  EXPECT_DOUBLE_EQ(rig.out.velocity.value(), 0.0);
  for (int i = 0; i < 500 && rig.out.force_max > 10.0; ++i) {
    EXPECT_DOUBLE_EQ(rig.out.velocity.value(), 0.0);
    rig.tick();
  }
  EXPECT_NEAR(rig.speed(100), -0.15, kTiny) << "with pretension it is";
}

}  // namespace
}  // namespace medius::safety
