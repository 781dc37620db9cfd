// What an engine is made of: per axis the force control, the tracker, the bounds.
#pragma once

#include <array>

#include "controller/measure/tracker.hpp"
#include "controller/safety/kernel.hpp"
#include "hal/image/machine_image.hpp"

namespace medius::rt {

// How force control acts. Kp = Kd = 0 is force control without feedback.
struct ForceControlConfig {
  double observer_radps = 120.0;  // disturbance observer bandwidth
  double kp = 0.10;               // force P
  double kd_s = 0.0005;           // force D
  double derivative_filter_radps = 600.0;
  double reflected_mass = 0.0;  // kg | kg m^2: identified and rounded UP
  double dead_time_s = 0.002;   // command -> torque, whole ticks are modelled
  double drive_lag_s = 0.0008;
  double pulley_loss = 0.0;      // un-sensed loss; only with the cell on the drum side
  double pulley_friction = 0.0;  // N: the part of it that does not grow with the force
  double pulley_blend_velocity = 0.03;
  // |disturbance| that may be corrected, N | Nm. Supervision does not believe in more friction
  // either.
  double observer_limit = 0.0;
  // Tension between 6 and 40 Hz that takes the force feedback away, N | Nm. 3 N is ten times a load
  // cell's noise and a tenth of the lightest load. A lever has the same number: as much torque is
  // 8 N at the pad, and the torque of 3 N there was reached in an ordinary simulated session.
  double oscillation_rms = 3.0;
  bool use_observer = true;  // false: "motor torque only", the negative control
};

// The velocity servo for drives without a velocity mode: PI around the position's own speed. It is
// as stiff as a bus of 1 kHz allows, and that is soft: mass x 60 rad/s and 10 rad/s.
inline constexpr double kServoRadps = 60.0;
inline constexpr double kServoIntegralRadps = 10.0;
// [any] How far a lasting force moves a handle that the servo holds, m/N | rad/Nm.
[[nodiscard]] constexpr double servo_compliance(double reflected_mass) noexcept {
  return reflected_mass > 0.0 ? 1.0 / (reflected_mass * kServoRadps * kServoIntegralRadps) : 0.0;
}

struct AxisConfig {
  hal::CoordinateKind coordinate = hal::CoordinateKind::kCable;
  ForceControlConfig control;
  measure::TrackerConfig tracker;
  safety::AxisBounds bounds;       // already tightened
  double load_ramp_per_s = 60.0;   // base load changes
  double drive_speed_limit = 0.0;  // asked of the drive, m/s | rad/s
  // The drive has a velocity mode of its own; else laws that command motion get a soft servo.
  bool drive_velocity_mode = false;
  // Two arms on one drive, each pad with its own cell. While one pad carries nothing the other leg
  // has the whole load: then at most this is felt, Nm.
  bool linked_arms = false;
  double one_leg_force_max = 0.0;
  // What the drive may report; 0 = not watched, for drives that do not report it.
  double bus_voltage_min_v = 0.0, bus_voltage_max_v = 0.0;
  double temperature_max_c = 0.0;
};

struct EngineConfig {
  int axis_count = 1;
  std::array<AxisConfig, hal::kMaxAxes> axis{};
};

}  // namespace medius::rt
