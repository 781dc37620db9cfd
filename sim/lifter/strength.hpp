// What a hip can do: torque over angle and speed, passive end stop, fatigue (3CC-r), and the path
// people move on (minimum jerk). Pure functions.
#pragma once

#include <cstdint>

namespace medius::sim {

// kModel: computed from a public musculoskeletal model (gait2392), the default. kSteep: falls as
// fast as one measured series suggests; a robustness case.
enum class AngleCurve : std::uint8_t { kModel = 0, kSteep = 1 };

// [any] Isometric torque over the torque at 0; abduction positive; held beyond -20 and 40 degrees.
[[nodiscard]] double angle_factor(AngleCurve curve, double angle_rad) noexcept;

struct VelocityCurve {
  double max_velocity_radps = 9.0;
  double hill_k = 0.85;
  double eccentric_plateau = 1.1;
};

// [any] Torque over isometric torque; positive velocity is concentric. Hill's hyperbola, and a
// saturating rise to the plateau when the muscle is stretched.
[[nodiscard]] double velocity_factor(const VelocityCurve& curve, double velocity_radps) noexcept;

// [any] Torque of the stretched adductors, against abduction; an end stop above 35 degrees.
[[nodiscard]] double passive_stretch_nm(double angle_rad) noexcept;

// Three-compartment fatigue with rest recovery: active, fatigued and resting shares, sum 1.
struct FatigueConfig {
  double fatigue_per_s = 0.00970;
  double recovery_per_s = 0.00091;
  double rest_factor = 15.0;  // recovery is faster by this at rest
};
struct FatigueState {
  double active = 0.0, fatigued = 0.0, resting = 1.0;
};
// [any] `target` is the demanded share of the rested capacity. Explicit Euler, dt <= 50 ms.
void step_fatigue(const FatigueConfig& config, FatigueState& state, double target,
                  double dt_s) noexcept;

// Minimum-jerk path from 0 to 1 over progress 0..1, and its derivatives by progress.
struct MinimumJerk {
  double position, velocity, acceleration;
};
[[nodiscard]] constexpr MinimumJerk minimum_jerk(double s) noexcept {
  const double s2 = s * s;
  return {s2 * s * (10.0 - 15.0 * s + 6.0 * s2), 30.0 * s2 * (1.0 - 2.0 * s + s2),
          60.0 * s * (1.0 - 3.0 * s + 2.0 * s2)};
}

}  // namespace medius::sim
