#include <climits>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "controller/safety/kernel.hpp"
#include "tests/safety/hostile.hpp"

namespace medius::safety {
namespace {

using hal::DriveState;
using test::kInf;
using test::kNaN;

constexpr std::int64_t kMs = 1'000'000;

struct Rig {
  AxisBounds bounds = machine_bounds(hal::CoordinateKind::kCable);
  hal::MachineInput machine;
  SuperviseInput input;
  SuperviseState state;

  Rig() {
    auto& axis = machine.axis[0];
    axis.drive.state = DriveState::kOperationEnabled;
    axis.drive.mode_display = 10;
    axis.drive.sto_active = false;
    axis.drive.freshness.valid = axis.load_cell.freshness.valid = true;
    axis.load_cell.force = 60.0;
    machine.panel.freshness.valid = machine.safety.freshness.valid = true;
    machine.safety.estop_released = machine.safety.relay_closed = true;
    input = {.machine = &machine,
             .drive_age_ns = kMs,
             .load_cell_age_ns = kMs,
             .panel_age_ns = kMs,
             .safety_age_ns = kMs,
             .load_state = LoadState::kLoaded,
             .expected_drive_force = 60.0,
             .friction_allowance = 7.0,
             .set_force = 60.0};
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;
  SuperviseOutput step() { return supervise(bounds, input, state); }
  SuperviseOutput run(int ticks) {
    SuperviseOutput out;
    for (int i = 0; i < ticks; ++i) out = step();
    return out;
  }
};

struct Cause {
  FaultCode fault;
  std::function<void(Rig&)> make;
};

// Everything that is a fault under load at once, most severe first.
const std::vector<Cause> kCauses = {
    {FaultCode::kEstop, [](Rig& r) { r.machine.safety.estop_released = false; }},
    {FaultCode::kRelayOpen, [](Rig& r) { r.machine.safety.relay_closed = false; }},
    {FaultCode::kDriveFault, [](Rig& r) { r.machine.axis[0].drive.state = DriveState::kFault; }},
    {FaultCode::kDriveFault,
     [](Rig& r) { r.machine.axis[0].drive.state = DriveState::kFaultReactionActive; }},
    {FaultCode::kDriveWatchdog, [](Rig& r) { r.machine.axis[0].drive.watchdog_tripped = true; }},
    {FaultCode::kStoActive, [](Rig& r) { r.machine.axis[0].drive.sto_active = true; }},
    {FaultCode::kDriveNotEnabled,
     [](Rig& r) { r.machine.axis[0].drive.state = DriveState::kSwitchedOn; }},
    {FaultCode::kDriveMode, [](Rig& r) { r.machine.axis[0].drive.mode_display = 8; }},
    {FaultCode::kLinkLost, [](Rig& r) { r.machine.axis[0].drive.freshness.valid = false; }},
    {FaultCode::kLinkLost, [](Rig& r) { r.machine.axis[0].load_cell.freshness.valid = false; }},
    {FaultCode::kLinkLost, [](Rig& r) { r.machine.panel.freshness.valid = false; }},
    {FaultCode::kLinkLost, [](Rig& r) { r.machine.safety.freshness.valid = false; }},
    {FaultCode::kDataStale, [](Rig& r) { r.input.drive_age_ns = 20 * kMs + 1; }},
    {FaultCode::kDataStale, [](Rig& r) { r.input.load_cell_age_ns = 20 * kMs + 1; }},
    {FaultCode::kDataStale, [](Rig& r) { r.input.panel_age_ns = 60 * kMs + 1; }},
    {FaultCode::kDataStale, [](Rig& r) { r.input.safety_age_ns = 60 * kMs + 1; }},
    {FaultCode::kDataStale, [](Rig& r) { r.input.drive_age_ns = -20 * kMs - 1; }},
    {FaultCode::kLoadCellSaturated, [](Rig& r) { r.machine.axis[0].load_cell.saturated = true; }},
    {FaultCode::kNotFinite, [](Rig& r) { r.machine.axis[0].load_cell.force = kNaN; }},
    {FaultCode::kNotFinite, [](Rig& r) { r.machine.axis[0].drive.position = kInf; }},
    {FaultCode::kNotFinite, [](Rig& r) { r.machine.axis[0].drive.velocity = -kInf; }},
    {FaultCode::kNotFinite, [](Rig& r) { r.machine.axis[0].drive.force = kNaN; }},
    {FaultCode::kTicksMissed, [](Rig& r) { r.input.missed_ticks = 5; }},
    {FaultCode::kPanelStop, [](Rig& r) { r.machine.panel.stop_pressed = true; }},
};

TEST(Supervision, AHealthyMachineUnderLoadHasNoFault) {
  Rig rig;
  const SuperviseOutput out = rig.run(5000);
  EXPECT_EQ(out.fault, FaultCode::kNone);
  EXPECT_EQ(out.reaction, Reaction::kNone);
  rig.machine.axis[0].drive.mode_display = 4;  // profile torque is torque, too
  EXPECT_EQ(rig.step().fault, FaultCode::kNone);
}

// -128..127 is what the object may say; the kernel counts modes by bits and must not wrap.
TEST(Supervision, EveryOtherModeOfTheDriveIsAFault) {
  for (int mode = -128; mode <= 127; ++mode) {
    Rig rig;
    rig.machine.axis[0].drive.mode_display = static_cast<std::int8_t>(mode);
    const bool torque = mode == 4 || mode == 10;
    EXPECT_EQ(rig.step().fault, torque ? FaultCode::kNone : FaultCode::kDriveMode) << mode;
  }
}

TEST(Supervision, AModeThatHasNoBitIsAFaultWhateverIsAllowed) {
  for (int mode = -128; mode <= 127; ++mode) {
    Rig rig;
    rig.input.modes_allowed = ~0u;
    rig.machine.axis[0].drive.mode_display = static_cast<std::int8_t>(mode);
    const bool counted = mode >= 0 && mode < 32;
    EXPECT_EQ(rig.step().fault, counted ? FaultCode::kNone : FaultCode::kDriveMode) << mode;
  }
}

TEST(Supervision, EveryCauseIsSeenInItsFirstTickInEveryStateWithTorque) {
  for (const LoadState load : {LoadState::kTakeUp, LoadState::kLoaded, LoadState::kUnloading}) {
    for (std::size_t i = 0; i < kCauses.size(); ++i) {
      Rig rig;
      rig.input.load_state = load;
      rig.run(10);
      kCauses[i].make(rig);
      const SuperviseOutput out = rig.step();
      EXPECT_EQ(out.fault, kCauses[i].fault) << i;
      EXPECT_EQ(out.reaction, fault_info(kCauses[i].fault).reaction) << i;
      Rig blocked;
      kCauses[i].make(blocked);
      EXPECT_EQ(force_blocked_by(blocked.bounds, blocked.input), kCauses[i].fault) << i;
    }
  }
  Rig rig;
  EXPECT_EQ(force_blocked_by(rig.bounds, rig.input), FaultCode::kNone);
}

TEST(Supervision, OfTwoCausesTheMoreSevereOneIsReported) {
  for (std::size_t i = 0; i < kCauses.size(); ++i) {
    for (std::size_t j = 0; j < kCauses.size(); ++j) {
      Rig rig;
      kCauses[i].make(rig);
      kCauses[j].make(rig);
      const SuperviseOutput out = rig.step();
      // A drive that is not heard of any more cannot be asked for its state.
      const bool unheard =
          kCauses[i].fault == FaultCode::kLinkLost || kCauses[j].fault == FaultCode::kLinkLost ||
          kCauses[i].fault == FaultCode::kDataStale || kCauses[j].fault == FaultCode::kDataStale;
      if (unheard) {
        EXPECT_GE(out.reaction, Reaction::kFastUnload);
        continue;
      }
      EXPECT_GE(out.reaction, fault_info(kCauses[i].fault).reaction) << i << " " << j;
      EXPECT_GE(out.reaction, fault_info(kCauses[j].fault).reaction) << i << " " << j;
    }
  }
}

TEST(Supervision, ADriveThatIsNotHeardOfIsStaleWhateverItSaidLast) {
  for (std::size_t i = 2; i < 8; ++i) {  // the drive's own causes
    Rig rig;
    kCauses[i].make(rig);
    rig.input.drive_age_ns = 20 * kMs + 1;
    EXPECT_EQ(rig.step().fault, FaultCode::kDataStale) << i;
    rig.machine.axis[0].drive.freshness.valid = false;
    EXPECT_EQ(rig.step().fault, FaultCode::kLinkLost) << i;
  }
}

TEST(Supervision, WithoutTorqueOnlyTheStopChainAndTheStopButtonAreFaults) {
  for (std::size_t i = 0; i < kCauses.size(); ++i) {
    Rig rig;
    rig.input.load_state = LoadState::kOff;
    kCauses[i].make(rig);
    const FaultCode fault = rig.run(100).fault;
    const bool stop =
        kCauses[i].fault == FaultCode::kEstop || kCauses[i].fault == FaultCode::kPanelStop;
    EXPECT_EQ(fault, stop ? kCauses[i].fault : FaultCode::kNone) << i;
  }
}

TEST(Supervision, NothingSampledYetIsNoEmergencyStop) {
  hal::MachineInput nothing;
  AxisBounds bounds = machine_bounds(hal::CoordinateKind::kCable);
  SuperviseState state;
  SuperviseInput input{.machine = &nothing};
  EXPECT_EQ(supervise(bounds, input, state).fault, FaultCode::kNone);
  EXPECT_EQ(force_blocked_by(bounds, input), FaultCode::kLinkLost);
}

TEST(Supervision, ACallerThatForgetsAnAgeGetsNoForce) {
  for (int forgotten = 0; forgotten < 4; ++forgotten) {
    Rig rig;
    if (forgotten == 0) rig.input.drive_age_ns = SuperviseInput{}.drive_age_ns;
    if (forgotten == 1) rig.input.load_cell_age_ns = SuperviseInput{}.load_cell_age_ns;
    if (forgotten == 2) rig.input.panel_age_ns = SuperviseInput{}.panel_age_ns;
    if (forgotten == 3) rig.input.safety_age_ns = SuperviseInput{}.safety_age_ns;
    EXPECT_EQ(rig.step().fault, FaultCode::kDataStale);
  }
}

TEST(Supervision, ACallerWithoutAMachineOrAnAxisGetsNoForce) {
  Rig rig;
  rig.input.machine = nullptr;
  EXPECT_EQ(rig.step().fault, FaultCode::kLinkLost);
  // The far ones are addresses that nobody has: what is looked up there does not pass by chance.
  for (const int axis : {-1, hal::kMaxAxes, INT_MIN, INT_MAX}) {
    Rig other;
    other.input.axis = axis;
    EXPECT_EQ(other.step().fault, FaultCode::kLinkLost);
  }
}

TEST(Supervision, EachAxisIsJudgedByItsOwnDrive) {
  Rig rig;
  rig.machine.axis[1] = rig.machine.axis[0];
  rig.input.axis = 1;
  EXPECT_EQ(rig.step().fault, FaultCode::kNone);
  rig.machine.axis[0].drive.state = DriveState::kFault;
  EXPECT_EQ(rig.step().fault, FaultCode::kNone);
  rig.machine.axis[1].drive.state = DriveState::kFault;
  EXPECT_EQ(rig.step().fault, FaultCode::kDriveFault);
}

TEST(Supervision, SuspicionsAreForgottenWhereThereIsNoTorque) {
  Rig rig;
  rig.machine.axis[0].load_cell.force = 0.0;
  rig.input.missed_ticks = 1;
  rig.run(4);
  rig.input.missed_ticks = 0;
  rig.run(15);
  rig.input.load_state = LoadState::kOff;
  rig.input.missed_ticks = 4;
  EXPECT_EQ(rig.step().reaction, Reaction::kNone);
  rig.input.load_state = LoadState::kLoaded;
  rig.input.missed_ticks = 1;
  EXPECT_EQ(rig.step().reaction, Reaction::kNone);
  rig.input.missed_ticks = 0;
  EXPECT_EQ(rig.run(18).fault, FaultCode::kNone);
  EXPECT_EQ(rig.step().fault, FaultCode::kForceImplausible);
}

TEST(Supervision, AgesAtTheirLimitAreFineAndOneNanosecondLaterFreeze) {
  std::int64_t SuperviseInput::*ages[] = {&SuperviseInput::drive_age_ns,
                                          &SuperviseInput::load_cell_age_ns};
  for (const auto age : ages) {
    Rig rig;
    rig.input.*age = 10 * kMs;
    EXPECT_EQ(rig.step().reaction, Reaction::kNone);
    rig.input.*age = 10 * kMs + 1;
    EXPECT_EQ(rig.step().reaction, Reaction::kFreezeIncreases);
    EXPECT_EQ(rig.step().fault, FaultCode::kNone);
    rig.input.*age = 20 * kMs;
    EXPECT_EQ(rig.step().reaction, Reaction::kFreezeIncreases);
  }
}

TEST(Supervision, TwoMissedTicksFreezeAndFiveUnload) {
  for (std::uint32_t missed = 0; missed < 8; ++missed) {
    Rig at_once, one_by_one;
    at_once.input.missed_ticks = missed;
    const Reaction expected = missed >= 5   ? Reaction::kFastUnload
                              : missed >= 2 ? Reaction::kFreezeIncreases
                                            : Reaction::kNone;
    EXPECT_EQ(at_once.step().reaction, expected) << missed;
    one_by_one.input.missed_ticks = 1;
    if (missed > 0) {
      EXPECT_EQ(one_by_one.run(static_cast<int>(missed)).reaction, expected) << missed;
    }
    // A period in time ends the row.
    at_once.input.missed_ticks = 0;
    EXPECT_EQ(at_once.step().reaction, Reaction::kNone);
  }
  Rig rig;
  rig.input.missed_ticks = UINT32_MAX;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(rig.step().fault, FaultCode::kTicksMissed);
}

TEST(Supervision, LoadCellAndDriveMayDifferByTwentyFiveNewtonsOrAQuarterPlusFriction) {
  struct Case {
    double set, allowed;
  };
  for (const Case& c : {Case{60.0, 25.0 + 7.0}, Case{100.0, 25.0 + 7.0}, Case{200.0, 50.0 + 7.0}}) {
    for (const double sign : {-1.0, 1.0}) {
      Rig rig;
      rig.input.set_force = rig.input.expected_drive_force = c.set;
      rig.machine.axis[0].load_cell.force = c.set + sign * (c.allowed - 0.001);
      EXPECT_EQ(rig.run(1000).fault, FaultCode::kNone) << c.set;
      rig.machine.axis[0].load_cell.force = c.set + sign * (c.allowed + 0.001);
      EXPECT_EQ(rig.run(19).fault, FaultCode::kNone) << c.set;
      EXPECT_EQ(rig.step().fault, FaultCode::kForceImplausible) << c.set;
      EXPECT_EQ(rig.run(1000).fault, FaultCode::kForceImplausible) << c.set;
      rig.machine.axis[0].load_cell.force = c.set;  // one good sample ends the row
      EXPECT_EQ(rig.step().fault, FaultCode::kNone);
    }
  }
}

// The pad sits 0.38 m from a lever's axis: 25 N there are 9.5 Nm.
TEST(Supervision, OnALeverTheyMayDifferByTwentyFiveNewtonsAtThePad) {
  for (const double sign : {-1.0, 1.0}) {
    Rig rig;
    rig.bounds = machine_bounds(hal::CoordinateKind::kLever);
    rig.input.set_force = rig.input.expected_drive_force = 30.0;
    rig.input.friction_allowance = 0.0;
    rig.machine.axis[0].load_cell.force = 30.0 + sign * 9.499;
    EXPECT_EQ(rig.run(1000).fault, FaultCode::kNone);
    rig.machine.axis[0].load_cell.force = 30.0 + sign * 9.501;
    EXPECT_EQ(rig.run(20).fault, FaultCode::kForceImplausible);
  }
}

TEST(Supervision, ALoadCellScaledByOnePointThreeIsFoundAtOneHundredAndFiftyNewtonsAndMore) {
  for (const double load : {150.0, 200.0, 300.0}) {
    Rig rig;
    rig.input.set_force = rig.input.expected_drive_force = load;
    rig.machine.axis[0].load_cell.force = 1.3 * load;
    EXPECT_EQ(rig.run(20).fault, FaultCode::kForceImplausible) << load;
  }
}

TEST(Supervision, BrakingSaysNothingAboutTheLoadCell) {
  Rig rig;
  rig.input.expected_drive_force = -100.0;
  rig.machine.axis[0].load_cell.force = 0.0;
  EXPECT_EQ(rig.run(100).fault, FaultCode::kNone);
}

TEST(Supervision, AnExpectationThatIsNoNumberIsImplausible) {
  for (const double value : {kNaN, kInf, -kInf}) {
    Rig rig;
    rig.input.expected_drive_force = value;
    EXPECT_EQ(rig.run(20).fault, FaultCode::kForceImplausible);
    Rig other;
    other.input.set_force = value;
    EXPECT_EQ(other.run(20).fault, FaultCode::kForceImplausible);
    Rig friction;
    friction.input.friction_allowance = value;  // counts as none
    EXPECT_EQ(friction.run(20).fault, FaultCode::kNone);
    friction.machine.axis[0].load_cell.force = 86.0;
    EXPECT_EQ(friction.run(20).fault, FaultCode::kForceImplausible);
  }
}

TEST(Supervision, HostileNumbersNeverHideADriveThatIsOff) {
  Random random(5);
  for (int i = 0; i < 20'000; ++i) {
    Rig rig;
    auto& axis = rig.machine.axis[0];
    axis.drive.position = test::hostile(random, 2.0);
    axis.drive.velocity = test::hostile(random, 2.0);
    axis.drive.force = test::hostile(random, 500.0);
    axis.load_cell.force = test::hostile(random, 500.0);
    rig.input.expected_drive_force = test::hostile(random, 500.0);
    rig.input.friction_allowance = test::hostile(random, 50.0);
    rig.input.set_force = test::hostile(random, 500.0);
    rig.input.load_cell_age_ns = test::hostile_age_ns(random);
    axis.drive.state = DriveState::kSwitchOnDisabled;
    ASSERT_EQ(rig.step().reaction, Reaction::kTorqueOff);
  }
}

}  // namespace
}  // namespace medius::safety
