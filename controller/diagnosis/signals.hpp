// Signals that lie: an encoder or load cell that sticks, jumps or has its sign wrong, a drive that
// does not obey, a supply or temperature out of range, a limb pulled beyond its start. Pure
// functions; what they find can only take force away.
//
// Positions m | rad, forces N | Nm by the axis' coordinate kind; the pad of a lever sits 0.38 m
// from its axis, where the same forces and speeds are meant.
#pragma once

#include <array>
#include <cstdint>

#include "controller/safety/kernel.hpp"
#include "hal/image/machine_image.hpp"

namespace medius::diagnosis {

// When a signal is not believed. Compiled in, see signal_limits(); zero switches the supply's and
// the temperature's off, for drives that do not report them.
struct SignalLimits {
  double speed_max = 0.0;         // 4 m/s: a faster position is a lost or invented count
  double tension_step_max = 0.0;  // 400 N a tick: cuff and cable are softer
  double mirror_speed = 0.0;      // 0.08 m/s: from here on no mass turns round in a millisecond
  double stuck_speed = 0.0;       // 0.05 m/s: nobody stops from it within one sample
  double stuck_tension = 0.0;     // 10 N of change that must have moved a handle
  double runaway_force = 0.0;     // 25 N that nobody ordered
  double runaway_speed = 0.0;     // 0.3 m/s inward: faster than anything is ever reeled in
  // 6 N, of a drive that has been told to make none, while an empty handle runs in so fast: 5 N +
  // 10 N s/m of friction need 8 N for that, and a drive that is off shows none.
  double idle_force = 0.0;
  // 0.20 m behind where the load came in: 14 degrees of a hip with the cuff at the ankle, within
  // what a hip gives by itself; a hand of 4 kN/m yields 0.13 m to the largest force of a set.
  double inward_margin = 0.0;
  double sign_speed = 0.0;    // 0.05 m/s outward ...
  double sign_tension = 0.0;  // ... on a cable that pulls less than 3 N ...
  double sign_force = 0.0;    // ... under a word of more than 5 N inward
  double push_max = 0.0;      // 5 N: a cable or a pad cannot push
  double wish_swing = 0.0;    // 5 N: less cannot shake anybody
  double bus_voltage_min_v = 0.0, bus_voltage_max_v = 0.0;
  double temperature_max_c = 0.0;
};

// [any]
[[nodiscard]] SignalLimits signal_limits(hal::CoordinateKind kind) noexcept;

// A sample as it came in, and whether to use it.
struct SignalInput {
  double position = 0.0, tension = 0.0;
  bool position_fresh = false, tension_fresh = false;
  bool reconnected = false;        // the position may have been re-referenced
  std::uint32_t missed_ticks = 0;  // just before this one
  double velocity = 0.0;           // estimated, of the tick before
  double drive_force = 0.0;        // the drive's own word on its torque
  double expected_force = 0.0;     // delayed, lagged torque word
  double bus_voltage_v = 0.0, temperature_c = 0.0;
  safety::LoadState load_state = safety::LoadState::kOff;
  safety::Reaction reaction = safety::Reaction::kNone;  // in force
  double dt_s = 0.0;
  bool slack = false;  // the kernel's slack servo has the word: nobody holds the handle taut
};

struct SignalState {
  double position = 0.0, tension = 0.0;  // last believed
  bool any_position = false, any_tension = false;
  std::uint32_t position_gap = 0, tension_gap = 0;  // ticks since then
  int since_jump = 0, jumps = 0;                    // of the encoder
  int since_spike = 0, spikes = 0;                  // of the load cell
  int same_positions = 0, same_tensions = 0;        // in a row
  std::array<double, 4> steps{};                    // of the position, the newest first
  int steps_known = 0;                              // of consecutive ticks
  int same_unpressed = 0;                           // of those positions, since no stop holds it
  bool was_moving = false;                          // when the position began to repeat
  double tension_low = 0.0, tension_high = 0.0;     // since then
  int runaway_ticks = 0, sign_ticks = 0, supply_ticks = 0, inward_ticks = 0, push_ticks = 0;
  double sign_from = 0.0;  // speed when it began to look wrong
  bool loaded = false;
  double loaded_position = 0.0;  // where the load came in
};

struct SignalOutput {
  bool use_position = false, use_tension = false;  // else hold the last one
  safety::SuperviseOutput cause;
};

// [rt] One tick of one axis, before anything uses the samples. A single jump or spike is held, the
// next one is a fault; in LoadState::kOff only a drive that pulls without an order is.
SignalOutput check_signals(const SignalLimits& limits, const SignalInput& input,
                           SignalState& state) noexcept;

}  // namespace medius::diagnosis
