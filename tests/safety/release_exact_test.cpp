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

// 0.02 m/s outward asks for the load again; 150 N/s then bring it.
TEST(ReleaseExact, OnlyAHandThatMovesOutTwoCentimetresASecondAsksForItsLoad) {
  Handle rig(40.0);
  rig.slip();
  rig.hold();
  rig.step(10);
  EXPECT_NEAR(rig.out.word.value(), 20.0, 1e-9) << "what the servo pulls with";
  rig.input.velocity = 0.0195;
  EXPECT_NEAR(rig.step(50).word.value(), 20.0, 1e-9);
  rig.input.velocity = 0.0205;
  rig.step();
  const double from = rig.out.word.value();
  EXPECT_NEAR(rig.step(20).word.value(), from + 20 * 0.15, 1e-9);
  EXPECT_NE(rig.out.limits & kLimitSlackServo, 0u);
  EXPECT_NEAR(rig.step(500).word.value(), 40.0, 1e-9);
  EXPECT_EQ(rig.out.limits & kLimitSlackServo, 0u);
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
