// The drive in front of the plant: CiA 402 over a controlword, torque modes, its own limits and its
// communication watchdog. Pure: no I/O, no clock but the tick.
#pragma once

#include <cstdint>

#include "sim/machine/simulated_station.hpp"

namespace medius::sim {

class SimulatedDrive {
 public:
  explicit SimulatedDrive(const SimulatedDriveConfig& config) noexcept;

  // A write telegram: takes effect with the next tick and feeds the watchdog.
  void write(const DriveCommand& command) noexcept;
  // The drive itself breaks down: it unloads and is in fault until a fault reset edge.
  void fail(std::uint16_t error_code) noexcept;
  // One tick; `force_n` is what the motor makes now. Safe torque off takes the torque away at once,
  // whatever the state.
  void step(bool sto_active, double force_n) noexcept;

  [[nodiscard]] hal::DriveState state() const noexcept { return state_; }
  [[nodiscard]] double force_n() const noexcept {
    return force_n_;
  }  // set-point of the current loop
  [[nodiscard]] bool powered() const noexcept { return powered_; }
  // In operation and in a velocity mode: the motor follows this instead of force_n().
  [[nodiscard]] bool velocity_mode() const noexcept { return velocity_mode_; }
  [[nodiscard]] const VelocityCommand& velocity_command() const noexcept { return velocity_; }
  [[nodiscard]] double force_limit_n() const noexcept { return force_limit_n_; }
  [[nodiscard]] double speed_limit_mps() const noexcept { return speed_limit_mps_; }
  [[nodiscard]] double watchdog_s() const noexcept { return watchdog_s_; }
  [[nodiscard]] bool watchdog_tripped() const noexcept { return watchdog_tripped_; }
  [[nodiscard]] bool limit_active() const noexcept { return limit_active_; }
  [[nodiscard]] std::uint16_t error_code() const noexcept { return error_code_; }
  // As displayed: a drive without a velocity mode stays in the mode it had.
  [[nodiscard]] std::int8_t mode() const noexcept { return mode_; }
  [[nodiscard]] std::uint16_t statusword(bool sto_active) const noexcept;

 private:
  [[nodiscard]] hal::DriveState wanted_state() const noexcept;
  void step_state(bool sto_active) noexcept;
  void step_watchdog() noexcept;
  void step_force() noexcept;
  void step_velocity() noexcept;

  SimulatedDriveConfig config_;
  DriveCommand command_;
  hal::DriveState state_ = hal::DriveState::kSwitchOnDisabled;
  hal::DriveState pending_ = hal::DriveState::kSwitchOnDisabled;
  int pending_ticks_ = 0;
  int ticks_since_write_ = 0;
  int fault_level_ = 0;  // bit 7 of the controlword, for its rising edge
  bool fault_reset_edge_ = false;
  bool watchdog_tripped_ = false;
  bool limit_active_ = false;
  bool powered_ = false;
  bool velocity_mode_ = false;
  VelocityCommand velocity_;
  std::int8_t mode_ = 0;
  std::uint16_t error_code_ = 0;
  double force_n_ = 0.0;
  double unload_step_n_ = 0.0;
  double force_limit_n_ = 0.0;
  double speed_limit_mps_;
  double watchdog_s_;
};

}  // namespace medius::sim
