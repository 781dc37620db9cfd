// Figures of the kernel to the last digit: a limit that is a tenth off must be noticed.
#include <cmath>

#include <gtest/gtest.h>

#include "controller/safety/kernel.hpp"
#include "tests/safety/hostile.hpp"

namespace medius::safety {
namespace {

using measure::Phase;
constexpr std::int64_t kMs = 1'000'000;

AxisBounds cable() {
  return machine_bounds(hal::CoordinateKind::kCable);
}

TEST(Exact, ThePanelMayBeSixtyMillisecondsOld) {
  EXPECT_EQ(cable().panel_age_ns, 60 * kMs);
}

TEST(Exact, EachAgeFollowsItsOwnConfiguration) {
  AxisBounds configured = cable();
  configured.freeze_age_ns = 5 * kMs;
  configured.unload_age_ns = 15 * kMs;
  configured.panel_age_ns = 40 * kMs;
  const AxisBounds b = tightened(cable(), configured);
  EXPECT_EQ(b.freeze_age_ns, 5 * kMs);
  EXPECT_EQ(b.unload_age_ns, 15 * kMs);
  EXPECT_EQ(b.panel_age_ns, 40 * kMs);
  configured.freeze_age_ns = configured.unload_age_ns = configured.panel_age_ns = 0;
  const AxisBounds none = tightened(cable(), configured);
  EXPECT_EQ(none.freeze_age_ns + none.unload_age_ns + none.panel_age_ns, 0);
}

TEST(Exact, ASoftUnloadFromJustAboveSlackTensionFallsFiftyNewtonsASecond) {
  FeltState state;
  state.force = 20.0;
  FeltInput input;
  input.load_state = LoadState::kUnloading;
  input.pretension = 15.0;
  input.dt_s = 1e-3;
  EXPECT_DOUBLE_EQ(limit_felt_force(cable(), {.force_max = 200.0}, input, state).force, 19.95);
}

TEST(Exact, ADecreaseWithoutARampFallsFiftyNewtonsASecond) {
  LoadGateState state{.applied = 40.0, .requested = 40.0, .target = 40.0};
  LoadGateInput input;
  input.requested = 10.0;
  input.dt_s = 1e-3;
  EXPECT_DOUBLE_EQ(gate_load(input, state), 39.95);
}

// E = excess^2 |v| / 2r with r = 100 N/s; below 0.1 m/s the speed counts as 0.1 m/s.
TEST(Exact, TheExcessIsWhatTheTankCanFadeOut) {
  const double energy = 0.5;
  for (const double inward : {0.5, 0.01}) {
    FeltState state;
    state.tank_energy = energy;
    const double expected = 80.0 + std::sqrt(2.0 * 100.0 * energy / std::fmax(inward, 0.1));
    state.force = expected + 0.3;
    FeltInput input;
    input.wish = 119.0;
    input.base_force = 80.0;
    input.wish_valid = true;
    input.velocity = -inward;
    input.phase = Phase::kEccentric;
    input.load_state = LoadState::kLoaded;
    input.dt_s = 1e-3;
    const UserLimits user{.force_max = 200.0, .eccentric_ratio_max = 1.5};
    EXPECT_NEAR(limit_felt_force(cable(), user, input, state).force, expected, 1e-9) << inward;
  }
}

TEST(Exact, AFullTankDoesNotLiftTheRatioOnTheWayBack) {
  FeltState state;
  state.tank_energy = 100.0;
  state.force = 120.0;
  FeltInput input;
  input.wish = 200.0;
  input.base_force = 80.0;
  input.wish_valid = true;
  input.velocity = -0.1;
  input.range = 100.0;
  input.phase = Phase::kEccentric;
  input.load_state = LoadState::kLoaded;
  input.dt_s = 1e-3;
  const UserLimits user{.force_max = 300.0, .eccentric_ratio_max = 1.5};
  EXPECT_DOUBLE_EQ(limit_felt_force(cable(), user, input, state).force, 120.0);
}

class ExactSupervision : public ::testing::Test {
 protected:
  ExactSupervision() {
    machine_.axis[0].drive.freshness.valid = machine_.axis[0].load_cell.freshness.valid = true;
    machine_.panel.freshness.valid = machine_.safety.freshness.valid = true;
    machine_.safety.estop_released = machine_.safety.relay_closed = true;
    machine_.axis[0].drive.state = hal::DriveState::kOperationEnabled;
    machine_.axis[0].drive.mode_display = 10;
    machine_.axis[0].drive.sto_active = machine_.axis[0].drive.watchdog_tripped = false;
    machine_.axis[0].load_cell.force = 50.0;
    input_.machine = &machine_;
    input_.drive_age_ns = input_.load_cell_age_ns = input_.panel_age_ns = input_.safety_age_ns = 0;
    input_.load_state = LoadState::kLoaded;
    input_.expected_drive_force = 50.0;
    input_.set_force = 50.0;
  }
  SuperviseOutput tick() { return supervise(bounds_, input_, state_); }

  AxisBounds bounds_ = cable();
  hal::MachineInput machine_;
  SuperviseInput input_;
  SuperviseState state_;
};

TEST_F(ExactSupervision, ADriveFaultIsSeenAsLongAsTheDriveIsHeardOf) {
  machine_.axis[0].drive.state = hal::DriveState::kFault;
  input_.drive_age_ns = 15 * kMs;
  EXPECT_EQ(tick().fault, FaultCode::kDriveFault);
}

TEST_F(ExactSupervision, OneMissedTickAfterACalmOneFreezesNothing) {
  EXPECT_EQ(tick().reaction, Reaction::kNone);
  input_.missed_ticks = 1;
  EXPECT_EQ(tick().reaction, Reaction::kNone);
  EXPECT_EQ(tick().reaction, Reaction::kFreezeIncreases);
}

TEST_F(ExactSupervision, AStampAheadByTheAgeLimitIsStillFresh) {
  input_.drive_age_ns = -bounds_.freeze_age_ns;
  EXPECT_EQ(tick().reaction, Reaction::kNone);
  input_.drive_age_ns = -bounds_.freeze_age_ns - 1;
  EXPECT_EQ(tick().reaction, Reaction::kFreezeIncreases);
}

TEST_F(ExactSupervision, TwentyFiveNewtonsOfDifferenceAreAllowedAndNoMore) {
  machine_.axis[0].load_cell.force = 75.0;
  for (int i = 0; i < 30; ++i) ASSERT_EQ(tick().fault, FaultCode::kNone);
  machine_.axis[0].load_cell.force = 75.001;
  for (int i = 0; i < 19; ++i) ASSERT_EQ(tick().fault, FaultCode::kNone);
  EXPECT_EQ(tick().fault, FaultCode::kForceImplausible);
}

TEST_F(ExactSupervision, ABrokenBoundDoesNotSwitchThePlausibilityOff) {
  machine_.axis[0].load_cell.force = 300.0;
  for (const double broken : {test::kNaN, test::kInf}) {
    bounds_.brake_force_max = broken;
    state_ = {};
    FaultCode fault = FaultCode::kNone;
    for (int i = 0; i < 20; ++i) fault = tick().fault;
    EXPECT_EQ(fault, FaultCode::kForceImplausible) << broken;
  }
}

TEST(Exact, AFeltForceOutsideTheMachinesBoundsCountsAsItsNearestOne) {
  const auto word = [](double felt, double torque) {
    TorqueState state;
    state.word = torque;
    TorqueInput input;
    input.torque = torque;
    input.felt_force = felt;
    input.measured_force = 600.0;
    input.load_state = LoadState::kLoaded;
    input.drive_age_ns = input.load_cell_age_ns = 0;
    input.dt_s = 1e-3;
    return limit_torque(cable(), input, state).word.value();
  };
  EXPECT_EQ(word(-100.0, 15.0), word(0.0, 15.0));
  EXPECT_EQ(word(2000.0, 595.0), word(600.0, 595.0));
}

}  // namespace
}  // namespace medius::safety
