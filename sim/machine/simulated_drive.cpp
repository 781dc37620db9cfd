#include "sim/machine/simulated_drive.hpp"

#include "controller/base/clamp.hpp"
#include "controller/base/tick.hpp"
#include "hal/modbus/cia402.hpp"

namespace medius::sim {
namespace {

using hal::DriveState;

// Life guard error of the communication profile (CiA 402 603Fh).
constexpr std::uint16_t kErrorCommunication = 0x8130;
constexpr double kLeastWatchdogS = 0.005;
constexpr double kMostWatchdogS = 1.0;

int ticks_of(double seconds) noexcept {
  return static_cast<int>(clamped(seconds / kTickPeriodS, 0.0, 1e6) + 0.5);
}

double towards(double from, double to, double step) noexcept {
  return from + clamped(to - from, -step, step);
}

}  // namespace

SimulatedDrive::SimulatedDrive(const SimulatedDriveConfig& config) noexcept
    : config_(config), speed_limit_mps_(config.speed_limit_mps), watchdog_s_(config.watchdog_s) {}

void SimulatedDrive::write(const DriveCommand& command) noexcept {
  const int level = (command.controlword & hal::kControlFaultReset) != 0 ? 1 : 0;
  if (level > fault_level_) fault_reset_edge_ = true;
  fault_level_ = level;
  command_ = command;
  const bool velocity = hal::is_velocity_mode(command.mode);
  if (!velocity || config_.velocity_mode) mode_ = command.mode;
  ticks_since_write_ = 0;
  // A limit of zero force is honoured; a speed or a time of zero means "as configured".
  force_limit_n_ = clamped(command.force_limit_n, 0.0, config_.force_limit_n);
  speed_limit_mps_ = command.speed_limit_mps > 0.0
                         ? at_most(command.speed_limit_mps, config_.speed_limit_mps)
                         : config_.speed_limit_mps;
  watchdog_s_ = command.watchdog_s > 0.0
                    ? clamped(command.watchdog_s, kLeastWatchdogS, kMostWatchdogS)
                    : config_.watchdog_s;
}

void SimulatedDrive::fail(std::uint16_t error_code) noexcept {
  error_code_ = error_code;
  state_ = DriveState::kFaultReactionActive;
  unload_step_n_ = 0.0;
}

void SimulatedDrive::step(bool sto_active, double force_n) noexcept {
  // Whatever ends velocity mode goes on from the force that its loop made.
  if (velocity_mode_) force_n_ = force_n;
  step_watchdog();
  step_state(sto_active);
  velocity_mode_ = state_ == DriveState::kOperationEnabled && hal::is_velocity_mode(mode_);
  if (velocity_mode_) {
    step_velocity();
  } else {
    step_force();
  }
}

void SimulatedDrive::step_velocity() noexcept {
  powered_ = true;
  unload_step_n_ = 0.0;
  const double wanted = is_finite(command_.velocity_mps) ? command_.velocity_mps : 0.0;
  velocity_.velocity_mps = clamped(wanted, -speed_limit_mps_, speed_limit_mps_);
  velocity_.pull_max_n = force_limit_n_;
  velocity_.brake_max_n = clamped(command_.brake_limit_n, 0.0, config_.force_limit_n);
  limit_active_ = velocity_.velocity_mps != wanted || force_n_ >= force_limit_n_;
}

// CiA 402 transitions by command: disable voltage, quick stop, shutdown, switch on, enable
// operation.
DriveState SimulatedDrive::wanted_state() const noexcept {
  const std::uint16_t word = command_.controlword;
  const bool voltage = (word & 0x02) != 0;
  const bool quick_stop = voltage && (word & 0x04) == 0;
  const bool shutdown = voltage && !quick_stop && (word & 0x01) == 0;
  const bool switch_on = voltage && !quick_stop && !shutdown;
  const bool enable = switch_on && (word & 0x08) != 0;
  switch (state_) {
    case DriveState::kSwitchOnDisabled:
      return shutdown ? DriveState::kReadyToSwitchOn : state_;
    case DriveState::kReadyToSwitchOn:
      if (!voltage || quick_stop) return DriveState::kSwitchOnDisabled;
      return switch_on ? DriveState::kSwitchedOn : state_;
    case DriveState::kSwitchedOn:
      if (!voltage || quick_stop) return DriveState::kSwitchOnDisabled;
      if (shutdown) return DriveState::kReadyToSwitchOn;
      return enable ? DriveState::kOperationEnabled : state_;
    case DriveState::kOperationEnabled:
      if (!voltage) return DriveState::kSwitchOnDisabled;
      if (quick_stop) return DriveState::kQuickStopActive;
      if (shutdown) return DriveState::kReadyToSwitchOn;
      return enable ? state_ : DriveState::kSwitchedOn;
    case DriveState::kQuickStopActive:
      if (!voltage) return DriveState::kSwitchOnDisabled;
      return enable ? DriveState::kOperationEnabled : state_;
    default:
      return state_;
  }
}

void SimulatedDrive::step_state(bool sto_active) noexcept {
  const bool reset_edge = fault_reset_edge_;
  fault_reset_edge_ = false;
  if (state_ == DriveState::kFaultReactionActive) {
    if (force_n_ == 0.0 || sto_active) state_ = DriveState::kFault;
    return;
  }
  if (state_ == DriveState::kFault) {
    if (reset_edge) {
      state_ = DriveState::kSwitchOnDisabled;
      watchdog_tripped_ = false;
      error_code_ = 0;
    }
    return;
  }
  if (sto_active) {
    state_ = pending_ = DriveState::kSwitchOnDisabled;
    return;
  }
  const DriveState wanted = wanted_state();
  if (wanted == state_) {
    pending_ = state_;
    return;
  }
  // Up takes its time, down does not.
  const bool up = wanted > state_ && wanted != DriveState::kQuickStopActive;
  if (pending_ != wanted) {
    pending_ = wanted;
    pending_ticks_ = up ? ticks_of(config_.enable_step_s) : 0;
  }
  if (pending_ticks_-- <= 0) state_ = wanted;
}

void SimulatedDrive::step_watchdog() noexcept {
  if (ticks_since_write_ < 1'000'000) ++ticks_since_write_;
  const bool moving =
      state_ == DriveState::kOperationEnabled || state_ == DriveState::kQuickStopActive;
  if (!moving || ticks_since_write_ <= ticks_of(watchdog_s_)) return;
  watchdog_tripped_ = true;
  error_code_ = kErrorCommunication;
  state_ = DriveState::kFaultReactionActive;
  unload_step_n_ = 0.0;
}

void SimulatedDrive::step_force() noexcept {
  const bool torque_mode = mode_ == hal::kModeCyclicTorque || mode_ == hal::kModeProfileTorque;
  powered_ = state_ == DriveState::kOperationEnabled || state_ == DriveState::kQuickStopActive ||
             state_ == DriveState::kFaultReactionActive;
  limit_active_ = false;
  if (!powered_) {
    force_n_ = 0.0;
    return;
  }
  if (state_ == DriveState::kOperationEnabled) {
    const double wanted = torque_mode && is_finite(command_.force_n) ? command_.force_n : 0.0;
    const double target = clamped(wanted, -force_limit_n_, force_limit_n_);
    limit_active_ = target != wanted;
    unload_step_n_ = 0.0;
    force_n_ = mode_ == hal::kModeProfileTorque && command_.slope_nps > 0.0
                   ? towards(force_n_, target, command_.slope_nps * kTickPeriodS)
                   : target;
    return;
  }
  // Quick stop and fault reaction: a straight ramp to zero from wherever the force is.
  if (unload_step_n_ == 0.0) {
    unload_step_n_ = at_least(
        absolute(force_n_) * kTickPeriodS / at_least(config_.unload_ramp_s, kTickPeriodS), 0.1);
  }
  force_n_ = towards(force_n_, 0.0, unload_step_n_);
}

std::uint16_t SimulatedDrive::statusword(bool sto_active) const noexcept {
  std::uint16_t word = hal::cia402_statusword(state_) | hal::kStatusRemote;
  if (!sto_active) word |= hal::kStatusVoltageEnabled;
  if (limit_active_) word |= hal::kStatusInternalLimit;
  return word;
}

}  // namespace medius::sim
