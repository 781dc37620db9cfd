// Supervision: from what the machine says to graded reactions, and the latch that keeps them.
#include <algorithm>
#include <cstddef>

#include "controller/safety/kernel.hpp"
#include "controller/safety/limits.hpp"

namespace medius::safety {

SuperviseOutput caused_by(FaultCode fault) noexcept {
  return {fault_info(fault).reaction, fault};
}

namespace {

constexpr int kImplausibleTicks = 20;  // longer than a friction reversal shows
// Ankle loads are 20-90 N: 900 N scales are blind. The brake's sixth is 25 N, or 9.5 Nm of a lever.
constexpr double kBrakeOverImplausible = 6.0;
constexpr double kImplausibleFraction = 0.25;
constexpr std::uint32_t kMissedFreeze = 2;  // a miss or two hold the last output: 2 N
constexpr std::uint32_t kMissedUnload = 5;

const hal::AxisInput& axis_input(const SuperviseInput& input) noexcept {
  return input.machine->axis[static_cast<std::size_t>(input.axis)];
}

// What makes torque impossible or forbidden, the most severe first.
FaultCode stop_cause(const AxisBounds& bounds, const SuperviseInput& input, bool loaded) noexcept {
  const hal::MachineInput& machine = *input.machine;
  const hal::DriveInput& drive = axis_input(input).drive;
  const bool known = drive.freshness.valid && within(input.drive_age_ns, bounds.unload_age_ns);
  if (machine.safety.freshness.valid && !machine.safety.estop_released) return FaultCode::kEstop;
  if (loaded && machine.safety.freshness.valid && !machine.safety.relay_closed) {
    return FaultCode::kRelayOpen;
  }
  if (loaded && known) {
    if (drive.state == hal::DriveState::kFault ||
        drive.state == hal::DriveState::kFaultReactionActive) {
      return FaultCode::kDriveFault;
    }
    if (drive.watchdog_tripped) return FaultCode::kDriveWatchdog;
    if (drive.sto_active) return FaultCode::kStoActive;
    if (drive.state != hal::DriveState::kOperationEnabled) return FaultCode::kDriveNotEnabled;
    const bool known_mode = drive.mode_display >= 0 && drive.mode_display < 32;
    const bool allowed = known_mode && (input.modes_allowed >> drive.mode_display & 1u) != 0;
    if (!allowed) return FaultCode::kDriveMode;
  }
  return FaultCode::kNone;
}

// Old, missing or impossible samples. `aging` is set when only increases have to wait (R1).
FaultCode data_cause(const AxisBounds& bounds, const SuperviseInput& input, bool& aging) noexcept {
  const hal::MachineInput& machine = *input.machine;
  const hal::AxisInput& axis = axis_input(input);
  const bool linked = axis.drive.freshness.valid && axis.load_cell.freshness.valid &&
                      machine.panel.freshness.valid && machine.safety.freshness.valid;
  if (!linked) return FaultCode::kLinkLost;
  const bool axis_fresh = within(input.drive_age_ns, bounds.unload_age_ns) &&
                          within(input.load_cell_age_ns, bounds.unload_age_ns);
  const bool panel_fresh = within(input.panel_age_ns, bounds.panel_age_ns) &&
                           within(input.safety_age_ns, bounds.panel_age_ns);
  if (!axis_fresh || !panel_fresh) return FaultCode::kDataStale;
  aging = !within(input.drive_age_ns, bounds.freeze_age_ns) ||
          !within(input.load_cell_age_ns, bounds.freeze_age_ns);
  if (axis.load_cell.saturated) return FaultCode::kLoadCellSaturated;
  // A sum is finite only if all its terms are.
  const bool finite = is_finite(axis.drive.position + axis.drive.velocity + axis.drive.force +
                                axis.load_cell.force);
  return finite ? FaultCode::kNone : FaultCode::kNotFinite;
}

// Load cell against the drive's word: for how many ticks in a row they cannot both be true, capped.
// While the word brakes the cable is slack and says nothing, neither for nor against.
int implausible_ticks(const AxisBounds& bounds, const SuperviseInput& input, int ticks) noexcept {
  const int more = std::min(ticks + 1, kImplausibleTicks);
  if (!is_finite(input.expected_drive_force) || !is_finite(input.set_force)) return more;
  if (input.expected_drive_force < 0.0) return ticks;
  const double least = bound(bounds.brake_force_max) / kBrakeOverImplausible;
  const double allowed = at_least(kImplausibleFraction * input.set_force, least);
  const double gap = absolute(axis_input(input).load_cell.force - input.expected_drive_force);
  return gap > allowed + bound(input.friction_allowance) ? more : 0;
}

}  // namespace

SuperviseOutput supervise(const AxisBounds& bounds, const SuperviseInput& input,
                          SuperviseState& state) noexcept {
  const bool known = input.machine != nullptr && input.axis >= 0 && input.axis < hal::kMaxAxes;
  if (!known) return caused_by(FaultCode::kLinkLost);
  const bool loaded = input.load_state != LoadState::kOff;
  const bool stop_pressed =
      input.machine->panel.freshness.valid && input.machine->panel.stop_pressed;
  const FaultCode stop = stop_cause(bounds, input, loaded);
  if (stop != FaultCode::kNone) return caused_by(stop);
  if (!loaded) {
    state = SuperviseState{};
    return caused_by(stop_pressed ? FaultCode::kPanelStop : FaultCode::kNone);
  }
  bool aging = false;
  const FaultCode data = data_cause(bounds, input, aging);
  if (data != FaultCode::kNone) return caused_by(data);

  state.implausible_ticks = implausible_ticks(bounds, input, state.implausible_ticks);
  if (state.implausible_ticks >= kImplausibleTicks) return caused_by(FaultCode::kForceImplausible);

  // Capped on the way, so that the counter cannot wrap.
  const std::uint32_t missed = std::min(input.missed_ticks, kMissedUnload);
  const std::uint32_t before = std::min(state.consecutive_missed, kMissedUnload);
  state.consecutive_missed = missed == 0 ? 0 : before + missed;
  if (state.consecutive_missed >= kMissedUnload) return caused_by(FaultCode::kTicksMissed);
  if (stop_pressed) return caused_by(FaultCode::kPanelStop);
  const bool freezes = aging || state.consecutive_missed >= kMissedFreeze;
  if (freezes) return {Reaction::kFreezeIncreases, FaultCode::kNone};
  return {};
}

FaultCode force_blocked_by(const AxisBounds& bounds, const SuperviseInput& input) noexcept {
  SuperviseInput probe = input;
  SuperviseState state;
  probe.load_state = LoadState::kTakeUp;
  return supervise(bounds, probe, state).fault;
}

Reaction update_latch(LatchState& state, const SuperviseOutput& worst, bool reset_pressed,
                      bool panel_fresh) noexcept {
  // A stale panel counts as held: the next edge needs a fresh "not pressed" first.
  const bool edge = panel_fresh && reset_pressed && !state.reset_was_pressed;
  state.reset_was_pressed = !panel_fresh || reset_pressed;
  if (edge && worst.reaction < Reaction::kSoftUnload) {
    state.reaction = Reaction::kNone;
    state.code = FaultCode::kNone;
  }
  if (fault_info(worst.fault).latched) {
    if (state.code == FaultCode::kNone || worst.reaction > state.reaction) state.code = worst.fault;
    if (worst.reaction > state.reaction) state.reaction = worst.reaction;
  }
  return worst.reaction > state.reaction ? worst.reaction : state.reaction;
}

}  // namespace medius::safety
