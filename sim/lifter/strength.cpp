#include "sim/lifter/strength.hpp"

#include <array>
#include <cstddef>

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"

namespace medius::sim {
namespace {

constexpr double kDegreesPerRad = 180.0 / det::kPi;

struct Point {
  double degrees, factor;
};
// Sum of the abductors' active torque at full activation over its value at 0 degrees (148.8 Nm).
constexpr std::array<Point, 8> kModelCurve{{{-20.0, 118.7 / 148.8},
                                            {-10.0, 138.2 / 148.8},
                                            {0.0, 1.0},
                                            {10.0, 148.1 / 148.8},
                                            {15.0, 143.5 / 148.8},
                                            {20.0, 136.3 / 148.8},
                                            {30.0, 118.6 / 148.8},
                                            {40.0, 105.3 / 148.8}}};

// Speed at which half of the eccentric gain is reached.
constexpr double kEccentricHalfRadps = 0.5;
// Below this share of capacity the muscle is at rest.
constexpr double kRestTarget = 0.02;
// Rate of recruitment and release of the fatigue model.
constexpr double kRecruitmentPerS = 10.0;

}  // namespace

double angle_factor(AngleCurve curve, double angle_rad) noexcept {
  const double degrees =
      clamped(angle_rad * kDegreesPerRad, kModelCurve.front().degrees, kModelCurve.back().degrees);
  if (curve == AngleCurve::kSteep) return 1.0 - 0.010 * (degrees + 10.0);
  std::size_t i = 1;
  while (i + 1 < kModelCurve.size() && degrees > kModelCurve[i].degrees) ++i;
  const Point& a = kModelCurve[i - 1];
  const Point& b = kModelCurve[i];
  return a.factor + (b.factor - a.factor) * (degrees - a.degrees) / (b.degrees - a.degrees);
}

double velocity_factor(const VelocityCurve& curve, double velocity_radps) noexcept {
  if (velocity_radps >= 0.0) {
    const double w = velocity_radps / curve.max_velocity_radps;
    return w < 1.0 ? (1.0 - w) / (1.0 + w / curve.hill_k) : 0.0;
  }
  return 1.0 +
         (curve.eccentric_plateau - 1.0) * velocity_radps / (velocity_radps - kEccentricHalfRadps);
}

double passive_stretch_nm(double angle_rad) noexcept {
  return 1.5 * det::exp((at_most(angle_rad * kDegreesPerRad, 90.0) - 35.0) / 6.0);
}

void step_fatigue(const FatigueConfig& config, FatigueState& state, double target,
                  double dt_s) noexcept {
  double recruit;
  if (state.active < target && state.resting <= target - state.active) {
    recruit = kRecruitmentPerS * state.resting;
  } else {
    recruit = kRecruitmentPerS * (target - state.active);
  }
  const double recovery =
      target < kRestTarget ? config.rest_factor * config.recovery_per_s : config.recovery_per_s;
  const double tire = config.fatigue_per_s * state.active;
  const double recover = recovery * state.fatigued;
  state.active += dt_s * (recruit - tire);
  state.fatigued += dt_s * (tire - recover);
  state.resting += dt_s * (recover - recruit);
}

}  // namespace medius::sim
