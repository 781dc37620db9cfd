// Position, speed and disturbance of one axis from its encoder and load cell ): an
// extended state observer that keeps the nominal inertia, so that what it calls disturbance is
// friction, torque error and ripple, and not the person.
//
//   a  = (T - F_applied + d) / m          F_applied: the drive model's delayed, lagged torque word
//   x += Ts v + Ts^2 a / 2,  v += Ts a,  e = measured - x
//   x += l1 e,  v += l2 e,  d += m l3 e
#pragma once

#include <array>
#include <cstdint>

namespace medius::rt {

struct ObserverGains {
  double position = 0.0;            // l1
  double velocity_per_s = 0.0;      // l2
  double disturbance_per_s2 = 0.0;  // l3
};

// [any] Triple pole at b = exp(-bandwidth x interval).
[[nodiscard]] ObserverGains observer_gains(double bandwidth_radps, double interval_s) noexcept;

// ---- drive model ---------------------------------------------------------------------------
// Dead times to 20 ms are swept; a configuration beyond the ring is held at its end.
inline constexpr int kMaxDeadTicks = 31;

struct DriveModelConfig {
  int dead_ticks = 2;     // command -> torque, whole ticks, at least 1
  double lag_gain = 1.0;  // share of the way to the word that the torque goes in one tick
};

struct DriveModelState {
  std::array<double, kMaxDeadTicks + 1> words{};
  std::uint32_t next = 0;
  double force = 0.0;  // N | Nm that the drive is expected to make now
};

[[nodiscard]] DriveModelConfig drive_model(double dead_time_s, double lag_s, double dt_s) noexcept;
// [rt] The word sent at the end of the last tick; a missed tick repeats it.
void push_word(DriveModelState& state, double word) noexcept;
// [rt] One tick on; returns the force the drive is expected to make.
double advance_drive(const DriveModelConfig& config, DriveModelState& state) noexcept;

// ---- observer ------------------------------------------------------------------------------
// A gap in the samples is bridged by prediction this long, as long as the loop keeps force on stale
// data; after it the next sample starts the observer afresh.
inline constexpr int kMaxCoastTicks = 20;

struct ObserverConfig {
  // By ticks since the last sample: a bus slower than the loop gives a sample every few ticks.
  std::array<ObserverGains, kMaxCoastTicks + 1> gains{};
  double mass = 0.0;  // kg | kg m^2; 0: the tension says nothing about the motion
  double dt_s = 1e-3;
  double disturbance_max = 0.0;  // bound of the state itself, N | Nm
};

struct ObserverState {
  double position = 0.0;
  double velocity = 0.0;
  double acceleration = 0.0;
  double disturbance = 0.0;
  int ticks_since_sample = 0;
  bool running = false;
};

struct ObserverInput {
  double position = 0.0;     // finite
  bool fresh = false;        // `position` is a new sample
  double tension = 0.0;      // finite
  double drive_force = 0.0;  // finite, from the drive model
  std::uint32_t missed = 0;  // periods skipped just before this tick
};

[[nodiscard]] ObserverConfig observer_config(double bandwidth_radps, double mass, double dt_s,
                                             double disturbance_max) noexcept;
// [rt] One tick.
void observe(const ObserverConfig& config, const ObserverInput& input,
             ObserverState& state) noexcept;

}  // namespace medius::rt
