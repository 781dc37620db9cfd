// The figures of release and slack servo to the last digit, where the closed loop of
// release_test.cpp would not tell a tenth.
#include <gtest/gtest.h>

#include "controller/base/tick.hpp"
#include "controller/safety/kernel.hpp"

namespace medius::safety {
namespace {

constexpr std::int64_t kMs = 1'000'000;

struct Handle {
  AxisBounds bounds = machine_bounds(hal::CoordinateKind::kCable);
  TorqueState state;
  TorqueInput input{.dt_s = kTickPeriodS,
                    .load_state = LoadState::kLoaded,
                    .drive_age_ns = kMs,
                    .load_cell_age_ns = kMs};
  TorqueOutput out;

  explicit Handle(double force) {
    input.torque = input.felt_force = input.measured_force = force;
    step(200);
  }
  TorqueOutput& step(int ticks = 1) {
    for (int i = 0; i < ticks; ++i) out = limit_torque(bounds, input, state);
    return out;
  }
  // Tension goes while the cable runs in.
  void slip() {
    input.measured_force = 0.0;
    input.velocity = -0.3;
    step(3);
    EXPECT_TRUE(state.slack_servo);
  }
  // Held again at slack tension for as long as it must be, at rest.
  void hold() {
    input.measured_force = 12.0;
    input.velocity = 0.0;
    step(50);
    EXPECT_FALSE(state.slack_servo);
  }
};

// Half of the 150 N that brake: below, a brisk hand may have outrun the load.
TEST(ReleaseExact, ALoadBelowSeventyFiveNewtonsIsGivenThreeSeconds) {
  Handle light(74.0);
  light.slip();
  EXPECT_EQ(light.out.fault, FaultCode::kNone);
  Handle heavy(76.0);
  heavy.slip();
  EXPECT_EQ(heavy.out.fault, FaultCode::kHandleReleased);
}

TEST(ReleaseExact, TheBlameComesAfterThreeThousandTicksAndNotBefore) {
  Handle rig(40.0);
  rig.slip();
  EXPECT_EQ(rig.step(2999).fault, FaultCode::kNone);
  EXPECT_EQ(rig.step().fault, FaultCode::kHandleReleased);
}

TEST(ReleaseExact, SlackDuringTakeUpIsNobodysUntilALoadIsOn) {
  Handle rig(40.0);
  rig.input.load_state = LoadState::kTakeUp;
  rig.slip();
  EXPECT_EQ(rig.step(5000).fault, FaultCode::kNone);
  rig.input.load_state = LoadState::kLoaded;
  EXPECT_EQ(rig.step(3000).fault, FaultCode::kNone);
  EXPECT_EQ(rig.step().fault, FaultCode::kHandleReleased);
}

// 10 mm from the innermost on a newton comes back with each millimetre.
TEST(ReleaseExact, OnlyAHandThatMovesOutTenMillimetresAsksForItsLoad) {
  Handle rig(60.0);
  rig.slip();
  rig.hold();
  rig.step(10);
  EXPECT_NEAR(rig.out.word.value(), 20.0, 1e-9) << "what the servo pulls with";
  rig.input.velocity = 0.1;
  rig.step(90);
  rig.input.velocity = -0.1;
  rig.step(500);
  rig.input.velocity = 0.02;
  EXPECT_NEAR(rig.step(499).word.value(), 20.0, 1e-9) << "9.98 mm";
  EXPECT_NEAR(rig.step(501).word.value(), 30.0, 1e-6) << "20 mm";
  EXPECT_NE(rig.out.limits & kLimitSlackServo, 0u);
  rig.input.velocity = -0.02;
  EXPECT_NEAR(rig.step(500).word.value(), 30.0, 1e-6) << "kept on the way back";
  rig.input.velocity = 0.02;
  EXPECT_NEAR(rig.step(500).word.value(), 30.0, 1e-6) << "no new way";
  EXPECT_NEAR(rig.step(1600).word.value(), 60.0, 1e-9);
  rig.step(398);
  EXPECT_NE(rig.out.limits & kLimitSlackServo, 0u) << "59.96 mm";
  EXPECT_NEAR(rig.step(4).word.value(), 60.0, 1e-9);
  EXPECT_EQ(rig.out.limits & kLimitSlackServo, 0u) << "60.04 mm: a hand, whatever its load";
}

TEST(ReleaseExact, ItsLoadComesNoFasterThanAnyInARepetition) {
  Handle rig(60.0);
  rig.slip();
  rig.hold();
  rig.input.velocity = 2.0;
  rig.step(6);
  const double from = rig.out.word.value();
  EXPECT_NEAR(rig.step(20).word.value(), from + 20 * 0.5, 1e-9);
}

// A handle that rebounds at a post would swing up on quick steps.
TEST(ReleaseExact, UnaskedTheWordClimbsAHundredAndFiftyNewtonsASecond) {
  Handle rig(40.0);
  rig.slip();
  rig.hold();
  rig.input.felt_force = 30.0;  // force control may go down to 0 N beside it
  rig.input.torque = 0.0;
  EXPECT_EQ(rig.step(10).word.value(), 0.0);
  rig.input.torque = 40.0;
  EXPECT_NEAR(rig.step().word.value(), 0.15, 1e-9);
  EXPECT_NEAR(rig.step(100).word.value(), 101 * 0.15, 1e-9);
  EXPECT_NEAR(rig.step(100).word.value(), 20.0, 1e-9);
  // To a hand that has asked it does not climb, it is there.
  rig.input.felt_force = 40.0;
  rig.input.velocity = 0.1;
  rig.input.torque = 5.0;
  EXPECT_NEAR(rig.step(150).word.value(), 5.0, 1e-9);
  rig.input.torque = 40.0;
  EXPECT_NEAR(rig.step().word.value(), 15.0, 1e-9) << "10 N a tick";
}

TEST(ReleaseExact, ARiseThatIsNoPositiveNumberBringsNothingBackAndTakesNothingAway) {
  Handle rig(40.0);
  rig.slip();
  rig.hold();
  const double held = rig.step(100).word.value();
  rig.bounds.felt_rise_per_s = -500.0;
  rig.input.velocity = 0.1;
  EXPECT_EQ(rig.step(300).word.value(), held);
}

// Force control may want less for a moment: what the hand has asked for by then stays the ceiling.
TEST(ReleaseExact, WantingLessForAMomentBringsNoMoreBack) {
  Handle rig(40.0);
  rig.slip();
  rig.hold();
  rig.input.velocity = 0.1;
  rig.step(150);
  rig.input.velocity = 0.0;
  const double asked = rig.step(200).word.value();
  EXPECT_NEAR(asked, 25.0, 1e-6);
  rig.input.torque = 5.0;
  rig.step(50);
  rig.input.torque = 40.0;
  EXPECT_NEAR(rig.step(500).word.value(), asked, 1e-9);
}

// The flag names what held the word back: age only where a sample was late and more was asked for.
TEST(ReleaseExact, AgeIsReportedOnlyWhereItHeldTheWordBack) {
  Handle rig(40.0);
  rig.input.torque = rig.input.felt_force = rig.input.measured_force = 80.0;
  rig.step();
  EXPECT_NE(rig.out.limits & kLimitTorqueSlew, 0u) << "40 N in one tick are too fast";
  EXPECT_EQ(rig.out.limits & kLimitAge, 0u);
  rig.step(100);
  rig.input.drive_age_ns = rig.bounds.freeze_age_ns + 1;
  rig.input.torque = 70.0;
  EXPECT_EQ(rig.step().limits & kLimitAge, 0u) << "less is not held back";
  rig.input.torque = 75.0;
  EXPECT_NE(rig.step().limits & kLimitAge, 0u);
  EXPECT_NEAR(rig.out.word.value(), 70.0, 1e-9);
}

}  // namespace
}  // namespace medius::safety
