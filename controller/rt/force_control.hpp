// Force control: the torque that makes the felt force felt (feed-forward, observed disturbance, a
// little force feedback).
//
//   F_d = F_felt (1 - mu s) - c s, s = sat(v / v_b)   un-sensed pulley loss, drum-side cell only
//   u   = F_d + clamp(d, +-limit) + Kp (F_d - T) - Kd LP(dT/dt)
//
// No sign(), no integrator, no friction feed-forward, no inertia compensation: each was unstable or
// hunted somewhere. The kernel's stage 2 bounds whatever comes out of here.
#pragma once

#include <cstdint>

#include "controller/rt/engine_config.hpp"
#include "controller/safety/kernel.hpp"

namespace medius::rt {

// Oscillation detector: 6-40 Hz band of the tension above ForceControlConfig::oscillation_rms for
// 150 ms.
struct OscillationState {
  double tension = 0.0;   // last input
  double high_pass[2]{};  // two first-order stages: training at 1 Hz must stay below the threshold
  double low_pass = 0.0;
  double mean_square = 0.0;
  int ticks_above = 0;
  bool primed = false;
  bool latched = false;  // until the next set starts
};

// [rt] One tick; returns `latched`.
bool detect_oscillation(double tension, double rms_max, OscillationState& state) noexcept;

struct ForceControlState {
  double tension = 0.0;       // at the last sample
  double tension_rate = 0.0;  // low-passed, per s
  int ticks_since_sample = 0;
  bool primed = false;
  OscillationState oscillation;
};

struct ForceControlInput {
  double felt_force = 0.0;  // stage 1
  double tension = 0.0;     // measured, finite
  bool tension_fresh = false;
  double velocity = 0.0;     // observer
  double disturbance = 0.0;  // observer
  std::uint32_t missed = 0;
};

// [rt] One tick; returns the torque wanted. A latched oscillation takes the feedback away.
double control_force(const ForceControlConfig& config, double derivative_gain, double dt_s,
                     const ForceControlInput& input, ForceControlState& state) noexcept;

// [rt] The force at the handle, from a cell at the drum: the inverse of the un-sensed pulley loss
// above. Without a loss it is the cell's own word.
[[nodiscard]] double handle_force(const ForceControlConfig& config, double tension,
                                  double velocity) noexcept;

// [any] Filter gain of a first-order low-pass.
[[nodiscard]] double low_pass_gain(double cutoff_radps, double dt_s) noexcept;

struct TakeUpInput {
  double torque = 0.0;  // control_force()'s word for the pretension
  double pretension = 0.0;
  double tension = 0.0;
  double velocity = 0.0;
  double disturbance = 0.0;  // observer, already bounded
};

// [rt] Pretension while the cable is taut; a slack cable is reeled in no faster than the kernel's
// slack speed, with no jump between the two.
double take_up(const safety::AxisBounds& bounds, const TakeUpInput& input) noexcept;

}  // namespace medius::rt
