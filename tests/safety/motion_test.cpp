// The kernel's motion stage.
#include "controller/safety/motion/motion.hpp"

#include <cmath>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "controller/base/clamp.hpp"
#include "tests/safety/pull.hpp"

namespace medius::safety {
namespace {

using test::kNan;
using Rig = test::Pull;

TEST(Motion, FollowsAWishedSpeedOutwardWithinItsAccelerationAndTheMachinesSpeed) {
  Rig rig;
  rig.input.wish_velocity = 5.0;
  double last = 0.0;
  for (int i = 0; i < 400; ++i) {
    const double now = rig.tick().velocity.value();
    EXPECT_LE(now - last, rig.motion.acceleration * 0.001 + 1e-12);
    last = now;
  }
  EXPECT_DOUBLE_EQ(last, rig.motion.outward_speed_max);
  EXPECT_DOUBLE_EQ(rig.out.brake_max, 0.0) << "the drive must not pay out";
}

TEST(Motion, PullsInwardAtForceOnlyWhileTheDeadManIsHeld) {
  Rig rig;
  rig.input.wish_velocity = -0.3;
  EXPECT_DOUBLE_EQ(rig.tick(500).velocity.value(), 0.0);
  rig.input.dead_man_held = true;
  EXPECT_DOUBLE_EQ(rig.tick(500).velocity.value(), -0.3);
  EXPECT_EQ(rig.out.fault, FaultCode::kNone);
  rig.input.dead_man_held = false;
  EXPECT_EQ(rig.tick().fault, FaultCode::kDeadManReleased);
  EXPECT_DOUBLE_EQ(rig.tick(63).velocity.value(), 0.0);
  rig.input.dead_man_held = true;  // taking it again does not go on with it
  EXPECT_DOUBLE_EQ(rig.tick(500).velocity.value(), 0.0);
  EXPECT_EQ(rig.out.fault, FaultCode::kDeadManReleased);
}

TEST(Motion, ReelsInNoFasterThanTheSlackSpeedAndWithPretensionWhileNobodyPulls) {
  Rig rig;
  rig.input.measured_force = 3.0;
  rig.input.wish_velocity = -0.5;
  rig.input.dead_man_held = true;
  EXPECT_DOUBLE_EQ(rig.tick(500).velocity.value(), -rig.bounds.slack_speed);
  EXPECT_DOUBLE_EQ(rig.out.force_max, 10.0);
  rig.input.wish_velocity = 0.5;  // nobody pulls: nothing is paid out either
  EXPECT_DOUBLE_EQ(rig.tick(500).velocity.value(), -rig.bounds.slack_speed);
}

TEST(Motion, ALostPullInTheEccentricEndsThePullAndIsAReleasedHandle) {
  Rig rig;
  rig.input.wish_velocity = -0.4;
  rig.input.dead_man_held = true;
  rig.tick(500);
  rig.input.measured_force = 2.0;
  EXPECT_EQ(rig.tick(rig.bounds.release_confirm_ticks).fault, FaultCode::kHandleReleased);
  EXPECT_GE(rig.out.velocity.value(), -rig.bounds.slack_speed);
  EXPECT_DOUBLE_EQ(rig.out.force_max, 10.0);
  rig.input.measured_force = 30.0;
  EXPECT_EQ(rig.tick(60).fault, FaultCode::kNone);
}

TEST(Motion, GrantsNoMoreThanTheUserTheMachineAndTheWishAllow) {
  Rig rig;
  EXPECT_DOUBLE_EQ(rig.tick(5).force_max, 150.0);
  rig.input.wish_force_max = 1e9;
  EXPECT_DOUBLE_EQ(rig.tick().force_max, 200.0);
  rig.user.force_max = 1e9;
  EXPECT_DOUBLE_EQ(rig.tick().force_max, rig.bounds.force_max);
  rig.user.force_max = kNan;
  EXPECT_DOUBLE_EQ(rig.tick().force_max, 0.0);
}

TEST(Motion, DoesNotPullAgainstMoreThanTheCeiling) {
  Rig rig;
  rig.input.wish_velocity = -0.3;
  rig.input.dead_man_held = true;
  rig.tick(300);
  rig.input.measured_force = 151.0;
  EXPECT_DOUBLE_EQ(rig.tick(100).velocity.value(), 0.0);
}

TEST(Motion, StopsAtTheStartAndAtTheEndOfTheWay) {
  Rig rig;
  rig.input.dead_man_held = true;
  rig.input.wish_velocity = -0.5;
  for (int i = 0; i < 5000; ++i) {
    rig.input.position += rig.tick().velocity.value() * 0.001;
    ASSERT_GE(rig.input.position, -0.001);
  }
  EXPECT_NEAR(rig.input.position, 0.0, 0.002);
  rig.input.wish_velocity = 0.8;
  for (int i = 0; i < 5000; ++i) rig.input.position += rig.tick().velocity.value() * 0.001;
  EXPECT_NEAR(rig.input.position, rig.motion.travel_max, 0.002);
}

TEST(Motion, StaleDataStopAndUnloadAtOnce) {
  Rig rig;
  rig.input.wish_velocity = 0.5;
  rig.tick(300);
  rig.input.drive_age_ns = rig.bounds.unload_age_ns + 1;
  EXPECT_EQ(rig.tick().fault, FaultCode::kDataStale);
  EXPECT_DOUBLE_EQ(rig.tick(63).velocity.value(), 0.0);
  EXPECT_DOUBLE_EQ(rig.out.force_max, 0.0);
}

TEST(Motion, AReactionUnloadsWithinItsTime) {
  for (const Reaction reaction : {Reaction::kSoftUnload, Reaction::kFastUnload}) {
    Rig rig;
    rig.input.wish_velocity = 0.4;
    rig.tick(300);
    rig.input.reaction = reaction;
    const bool fast = reaction == Reaction::kFastUnload;
    rig.tick(fast ? 45 : 420);
    EXPECT_LE(rig.out.force_max, fast ? 0.0 : 10.0);
  }
}

TEST(Motion, WithoutForceThereIsNoMotion) {
  Rig rig;
  rig.input.wish_velocity = 0.4;
  rig.tick(300);
  rig.input.reaction = Reaction::kTorqueOff;
  EXPECT_DOUBLE_EQ(rig.tick().velocity.value(), 0.0);
  EXPECT_DOUBLE_EQ(rig.out.force_max, 0.0);
  EXPECT_DOUBLE_EQ(rig.out.brake_max, 0.0);
}

TEST(Motion, ADriveThatRunsInFasterThanItsSetPointTrips) {
  Rig rig;
  rig.tick(10);
  rig.input.velocity = -0.5;
  EXPECT_EQ(rig.tick(10).fault, FaultCode::kNone);
  EXPECT_EQ(rig.tick(30).fault, FaultCode::kOverspeed);
}

TEST(Motion, IncreasesAreFrozenWhileDataAreLate) {
  Rig rig;
  rig.input.wish_velocity = 0.2;
  rig.tick(300);
  rig.input.reaction = Reaction::kFreezeIncreases;
  rig.input.wish_velocity = 0.6;
  EXPECT_DOUBLE_EQ(rig.tick(300).velocity.value(), 0.2);
  rig.input.wish_velocity = 0.1;
  EXPECT_DOUBLE_EQ(rig.tick(300).velocity.value(), 0.1);
}

double wild() {
  const int pick = *rc::gen::inRange(0, 8);
  if (pick == 0) return kNan;
  if (pick == 1) return std::numeric_limits<double>::infinity();
  if (pick == 2) return -std::numeric_limits<double>::infinity();
  if (pick == 3) return 1e300;
  return 0.01 * *rc::gen::inRange(-30000, 30000);
}

RC_GTEST_PROP(Motion, StaysWithinEveryBoundWhateverComesIn, ()) {
  Rig rig;
  if (*rc::gen::arbitrary<bool>()) rig.motion = motion_bounds(hal::CoordinateKind::kLever);
  if (*rc::gen::arbitrary<bool>()) rig.bounds = machine_bounds(hal::CoordinateKind::kLever);
  rig.user.force_max = wild();
  const int ticks = *rc::gen::inRange(1, 60);
  for (int i = 0; i < ticks; ++i) {
    rig.input.wish_velocity = wild();
    rig.input.wish_force_max = wild();
    rig.input.wish_force_min = wild();
    rig.input.wish_valid = *rc::gen::arbitrary<bool>();
    rig.input.dead_man_held = *rc::gen::arbitrary<bool>();
    rig.input.pretension = wild();
    rig.input.position = wild();
    rig.input.velocity = wild();
    rig.input.measured_force = wild();
    rig.input.start = wild();
    rig.input.dt_s = wild();
    rig.input.load_state = static_cast<LoadState>(*rc::gen::inRange(0, 4));
    rig.input.reaction = static_cast<Reaction>(*rc::gen::inRange(0, 5));
    rig.input.drive_age_ns = *rc::gen::inRange(0, 40) * 1'000'000;
    const double before = rig.state.velocity;
    const MotionOutput& out = rig.tick();
    const double v = out.velocity.value();
    RC_ASSERT(is_finite(v) && is_finite(out.force_max) && is_finite(out.brake_max));
    RC_ASSERT(v <= rig.motion.outward_speed_max && v >= -rig.motion.inward_speed_max);
    RC_ASSERT(out.force_max >= 0.0 && out.force_max <= rig.bounds.force_max);
    RC_ASSERT(out.force_max <= at_least(at_most(rig.user.force_max, rig.bounds.force_max),
                                        rig.bounds.pretension_max));
    RC_ASSERT(v >= at_most(before, -rig.bounds.slack_speed) || rig.input.dead_man_held);
    RC_ASSERT(!(v > 0.0) || out.brake_max == 0.0);
  }
}

}  // namespace
}  // namespace medius::safety
