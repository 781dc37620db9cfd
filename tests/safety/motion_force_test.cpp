// What the motion stage grants, takes away and calls a fault, to the last digit.
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "controller/safety/motion/motion.hpp"
#include "tests/safety/pull.hpp"

namespace medius::safety {
namespace {

using test::kDt;
using test::kNan;
using test::kTiny;
using test::Pull;

// ---- the force that is granted --------------------------------------------------------------
TEST(MotionForce, TheCeilingIsTheLeastOfWishUserAndMachine) {
  Pull rig;
  EXPECT_DOUBLE_EQ(rig.tick().force_max, 150.0);
  EXPECT_EQ(rig.out.limits & kLimitForce, 0u);
  rig.input.wish_force_max = 200.0;
  EXPECT_DOUBLE_EQ(rig.tick().force_max, 200.0);
  EXPECT_EQ(rig.out.limits & kLimitForce, 0u) << "a wish of what is allowed is not limited";
  rig.input.wish_force_max = 200.1;
  EXPECT_DOUBLE_EQ(rig.tick().force_max, 200.0);
  EXPECT_NE(rig.out.limits & kLimitForce, 0u);
  rig.input.wish_force_max = kNan;
  EXPECT_DOUBLE_EQ(rig.tick().force_max, 0.0);
}

TEST(MotionForce, OnlyAWishThatCountsIsReportedAsLimited) {
  Pull invalid;
  invalid.input.wish_force_max = 900.0;
  invalid.input.wish_valid = false;
  EXPECT_EQ(invalid.tick().limits & kLimitForce, 0u);
  Pull slack;
  slack.input.wish_force_max = 900.0;
  slack.input.measured_force = 2.0;
  EXPECT_EQ(slack.tick().limits & kLimitForce, 0u);
}

TEST(MotionForce, PretensionIsWhatIsConfiguredUpToThirtyNewtons) {
  for (const double pretension : {0.0, 0.5, 12.0, 30.0, 31.0, 1e9}) {
    Pull rig;
    rig.input.measured_force = 2.0;
    rig.input.pretension = pretension;
    EXPECT_DOUBLE_EQ(rig.tick().force_max, pretension < 30.0 ? pretension : 30.0);
  }
  Pull broken;
  broken.input.measured_force = 2.0;
  broken.bounds.pretension_max = kNan;
  EXPECT_DOUBLE_EQ(broken.tick().force_max, 0.0) << "a bound that is no number allows nothing";
}

// 20 N above what is felt, then to pretension in 0.4 s: (80 - 10) / 0.4 = 175 N/s.
TEST(MotionForce, ASoftUnloadStartsFromWhatIsFeltAndLastsFourTenthsOfASecond) {
  for (const bool by_state : {false, true}) {
    Pull rig;
    rig.tick(10);
    if (by_state) {
      rig.input.load_state = LoadState::kUnloading;
    } else {
      rig.input.reaction = Reaction::kSoftUnload;
    }
    EXPECT_NEAR(rig.tick().force_max, 80.0 - 0.175, kTiny);
    EXPECT_NEAR(rig.tick(99).force_max, 80.0 - 17.5, kTiny);
    EXPECT_NEAR(rig.tick(299).force_max, 10.175, 1e-6);
    EXPECT_NEAR(rig.tick(2).force_max, 10.0, kTiny);
    EXPECT_FALSE(rig.state.taut);
    EXPECT_NEAR(rig.tick(100).force_max, 10.0, kTiny);
  }
}

TEST(MotionForce, AnUnloadNeverGivesMoreThanWasGranted) {
  Pull rig;
  rig.tick(10);
  rig.input.reaction = Reaction::kSoftUnload;
  rig.input.measured_force = 500.0;
  EXPECT_NEAR(rig.tick().force_max, 150.0 - 0.35, kTiny);
  Pull pushed;
  pushed.tick(10);
  pushed.input.reaction = Reaction::kSoftUnload;
  pushed.input.measured_force = -40.0;  // below nothing is nothing
  EXPECT_NEAR(pushed.tick().force_max, 20.0 - 0.05, kTiny);
}

TEST(MotionForce, ASmallForceIsTakenAwayAtFiftyNewtonsASecondAtLeast) {
  Pull rig;
  rig.input.wish_force_max = 21.0;
  rig.tick(10);
  rig.input.reaction = Reaction::kSoftUnload;
  EXPECT_NEAR(rig.tick().force_max, 21.0 - 0.05, kTiny);
}

TEST(MotionForce, WithNextToNoPretensionAnUnloadIsAsSoft) {
  Pull rig;
  rig.input.pretension = 0.5;
  rig.tick(10);
  rig.input.reaction = Reaction::kSoftUnload;
  EXPECT_NEAR(rig.tick().force_max, 80.0 - 79.5 / 400.0, kTiny);
}

TEST(MotionForce, APretensionAboveWhatIsGrantedRaisesNothing) {
  Pull rig;
  rig.input.wish_force_max = 6.0;
  rig.tick(10);
  rig.input.reaction = Reaction::kSoftUnload;
  EXPECT_NEAR(rig.tick().force_max, 6.0, kTiny);
}

// R3: 4000 N/s x 25/4, so 25 N a tick, down to nothing.
TEST(MotionForce, AFastUnloadTakesTwentyFiveNewtonsATick) {
  Pull rig;
  rig.tick(10);
  rig.input.reaction = Reaction::kFastUnload;
  EXPECT_NEAR(rig.tick().force_max, 55.0, kTiny);
  EXPECT_NEAR(rig.tick().force_max, 30.0, kTiny);
  EXPECT_NEAR(rig.tick(2).force_max, 0.0, kTiny);
}

TEST(MotionForce, WithoutDataTheForceGoesAsFastWhateverTheLastForceWas) {
  Pull rig;
  rig.tick(10);
  rig.input.load_cell_age_ns = rig.bounds.unload_age_ns + 1;
  EXPECT_NEAR(rig.tick().force_max, 125.0, kTiny);
  EXPECT_NEAR(rig.tick().force_max, 100.0, kTiny);
}

TEST(MotionForce, EachUnloadHasARateOfItsOwn) {
  Pull rig;
  rig.tick(10);
  rig.input.reaction = Reaction::kSoftUnload;
  rig.tick(10);
  rig.input.reaction = Reaction::kNone;
  EXPECT_DOUBLE_EQ(rig.tick().force_max, 150.0);
  rig.input.reaction = Reaction::kSoftUnload;
  rig.input.measured_force = 100.0;
  EXPECT_NEAR(rig.tick().force_max, 120.0 - 0.275, kTiny);
}

TEST(MotionForce, OutwardTorqueBrakesUnlessTheSetPointGoesOutward) {
  Pull rig;
  EXPECT_DOUBLE_EQ(rig.tick().brake_max, 150.0) << "at rest";
  rig.input.wish_velocity = 0.4;
  EXPECT_DOUBLE_EQ(rig.tick(10).brake_max, 0.0);
  Pull slack;
  slack.input.measured_force = 2.0;
  EXPECT_DOUBLE_EQ(slack.tick(10).brake_max, 150.0);
  slack.bounds.brake_force_max = kNan;
  EXPECT_DOUBLE_EQ(slack.tick().brake_max, 0.0);
}

TEST(MotionForce, TorqueModeGoesOnFromTheForceThatIsThereUpToPretension) {
  const AxisBounds bounds = machine_bounds(hal::CoordinateKind::kCable);
  EXPECT_DOUBLE_EQ(torque_after_motion(bounds, 12.0).word, 12.0);
  EXPECT_DOUBLE_EQ(torque_after_motion(bounds, 400.0).word, 30.0);
  EXPECT_DOUBLE_EQ(torque_after_motion(bounds, -5.0).word, 0.0);
  EXPECT_DOUBLE_EQ(torque_after_motion(bounds, kNan).word, 0.0);
  EXPECT_DOUBLE_EQ(torque_after_motion(bounds, std::numeric_limits<double>::infinity()).word, 0.0);
}

// ---- faults ---------------------------------------------------------------------------------
TEST(MotionForce, RunningInMuchFasterThanItsSetPointForThirtyTicksTrips) {
  struct Case {
    double set_point, speed;
    bool trips;
  };
  // 0.25 m/s beyond the set point, or beyond the slack speed where that is faster.
  for (const Case& c : {Case{0.0, -0.40, false}, Case{0.0, -0.41, true}, Case{0.3, -0.54, false},
                        Case{0.3, -0.56, true}}) {
    Pull rig;
    if (c.set_point > 0.0) rig.inward(c.set_point);
    rig.tick();
    rig.input.velocity = c.speed;
    EXPECT_EQ(rig.tick(29).fault, FaultCode::kNone) << c.speed;
    EXPECT_EQ(rig.tick().fault, c.trips ? FaultCode::kOverspeed : FaultCode::kNone) << c.speed;
  }
}

TEST(MotionForce, ATickThatObeysBeginsTheCountAnew) {
  Pull rig;
  rig.tick();
  rig.input.velocity = -0.5;
  rig.tick(29);
  rig.input.velocity = 0.0;
  rig.tick();
  rig.input.velocity = -0.5;
  EXPECT_EQ(rig.tick(29).fault, FaultCode::kNone);
  EXPECT_EQ(rig.tick().fault, FaultCode::kOverspeed);
}

TEST(MotionForce, AMetreAndAHalfASecondInwardTripsAtOnce) {
  Pull rig;
  rig.tick();
  rig.input.velocity = -1.5;
  EXPECT_EQ(rig.tick().fault, FaultCode::kNone);
  rig.input.velocity = -1.51;
  EXPECT_EQ(rig.tick().fault, FaultCode::kOverspeed);
}

TEST(MotionForce, EitherAgeBeyondItsLimitIsStale) {
  for (std::int64_t MotionInput::*age :
       {&MotionInput::drive_age_ns, &MotionInput::load_cell_age_ns}) {
    Pull rig;
    rig.tick();
    rig.input.*age = rig.bounds.unload_age_ns;
    EXPECT_EQ(rig.tick().fault, FaultCode::kNone);
    rig.input.*age = rig.bounds.unload_age_ns + 1;
    EXPECT_EQ(rig.tick().fault, FaultCode::kDataStale);
    EXPECT_DOUBLE_EQ(rig.out.force_max, 125.0);
  }
}

TEST(MotionForce, AnyValueThatIsNoNumberIsAFaultAndMovesNothing) {
  for (double MotionInput::*field : {&MotionInput::position, &MotionInput::velocity,
                                     &MotionInput::measured_force, &MotionInput::start}) {
    Pull rig;
    rig.input.wish_velocity = 0.4;
    rig.tick(200);
    rig.input.*field = kNan;
    EXPECT_EQ(rig.tick().fault, FaultCode::kNotFinite);
    EXPECT_DOUBLE_EQ(rig.tick(100).velocity.value(), 0.0);
    EXPECT_DOUBLE_EQ(rig.out.force_max, 0.0);
  }
}

TEST(MotionForce, WithoutForceNothingIsRemembered) {
  for (const bool off : {false, true}) {
    Pull rig;
    rig.inward(0.3);
    rig.input.dead_man_held = false;
    rig.tick();
    if (off) {
      rig.input.load_state = LoadState::kOff;
    } else {
      rig.input.reaction = Reaction::kTorqueOff;
    }
    rig.tick();
    EXPECT_EQ(rig.out.fault, FaultCode::kNone);
    EXPECT_DOUBLE_EQ(rig.out.force_max + rig.out.brake_max, 0.0);
    EXPECT_DOUBLE_EQ(rig.state.velocity, 0.0);
    EXPECT_FALSE(rig.state.taut || rig.state.dead_man_lost);
  }
}

// Pulls in and out, a release, a runaway and unloads, as the drive is told with these bounds.
std::vector<double> motion_day(const AxisBounds& bounds) {
  std::vector<double> told;
  Pull rig;
  rig.bounds = bounds;
  rig.input.dead_man_held = true;
  for (int i = 0; i < 4000; ++i) {
    const int t = i % 1000;
    rig.input.wish_velocity = t < 400 ? -0.2 : 0.3;
    rig.input.measured_force = t > 200 && t < 300 ? 2.0 : 60.0;
    rig.input.velocity = t > 700 && t < 760 ? -0.6 : (t > 900 && t < 910 ? -1.6 : 0.0);
    rig.input.reaction = t > 800 && t < 850 ? Reaction::kFastUnload : Reaction::kNone;
    rig.tick();
    told.insert(told.end(), {rig.out.velocity.value(), rig.out.force_max, rig.out.brake_max,
                             static_cast<double>(rig.out.fault)});
  }
  told.push_back(torque_after_motion(bounds, 25.0).word);
  return told;
}

TEST(MotionForce, ABrokenBoundIsAMissingOne) {
  for (double AxisBounds::*field :
       {&AxisBounds::force_max, &AxisBounds::slack_speed, &AxisBounds::release_speed,
        &AxisBounds::overspeed_trip, &AxisBounds::felt_fall_per_s, &AxisBounds::pretension_max,
        &AxisBounds::brake_force_max}) {
    AxisBounds missing = machine_bounds(hal::CoordinateKind::kCable);
    missing.*field = 0.0;
    const std::vector<double> expected = motion_day(missing);
    for (const double broken : {kNan, std::numeric_limits<double>::infinity(), -1.0, -600.0}) {
      AxisBounds bounds = missing;
      bounds.*field = broken;
      EXPECT_EQ(motion_day(bounds), expected) << broken;
    }
  }
}

// A step that is too long, negative or no number makes a ramp no steeper.
TEST(MotionForce, ALongTickIsNoLongerStep) {
  for (const double dt_s : {0.001, 0.05}) {
    Pull rig;
    rig.tick();
    rig.input.wish_velocity = 0.4;
    rig.input.dt_s = dt_s;
    EXPECT_NEAR(rig.tick().velocity.value(), 4.0 * kDt, kTiny);
  }
}

}  // namespace
}  // namespace medius::safety
