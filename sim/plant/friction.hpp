// LuGre friction: presliding bristles, Coulomb and load-dependent level, Stribeck drop, viscous
// part.
//
//   g(v,T) = (Fc + mu T)(1 + (s-1) e^-(v/vs)^2)        steady friction g sgn(v) + B v
//   dz/dt  = v - sigma0 |v| z / g                      force = sigma0 z + sigma1 dz/dt e^-(v/vs)^2
//   + B v
#pragma once

#include <bit>
#include <cstdint>

#include "controller/base/clamp.hpp"

namespace medius::sim {

// Coulomb + load-dependent + Stribeck + viscous friction with LuGre presliding.
struct FrictionConfig {
  double coulomb_n = 0.0;
  double load_fraction = 0.0;  // of the tension
  double viscous_nspm = 0.0;
  double stribeck_ratio = 1.0;  // breakaway over Coulomb
  double stribeck_velocity_mps = 0.02;
  double bristle_stiffness_npm = 1e5;
  double bristle_damping_nspm = 0.0;
};

// Constants derived once from the configuration.
struct FrictionModel {
  explicit FrictionModel(const FrictionConfig& from) noexcept
      : config(from), inverse_stribeck_velocity(1.0 / from.stribeck_velocity_mps) {}
  FrictionConfig config;
  double inverse_stribeck_velocity;
};

struct FrictionState {
  double bristle_m = 0.0;
};

struct FrictionForce {
  double force_n = 0.0;
  double bristle_rate_mps = 0.0;
  double stribeck = 0.0;  // e^-(v/vs)^2
};

// [any] e^-u for 0 <= u < 60, error below 1e-13. The step waits for this number; det::exp's
// polynomial is one long chain, this one is a tree of a third of its depth.
[[nodiscard]] inline double decay(double u) noexcept {
  constexpr double kLn2High = 0x1.62e42feep-1;
  constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  const auto halvings = static_cast<std::int64_t>(u * 1.44269504088896340736 + 0.5);
  const auto n = static_cast<double>(halvings);
  const double r = (n * kLn2High - u) + n * kLn2Low;  // within +-ln(2)/2
  const double r2 = r * r;
  const double r4 = r2 * r2;
  const double low = (1.0 + r) + (1.0 / 2.0 + r * (1.0 / 6.0)) * r2;
  const double middle = (1.0 / 24.0 + r * (1.0 / 120.0)) + (1.0 / 720.0 + r * (1.0 / 5040.0)) * r2;
  const double high =
      (1.0 / 40320.0 + r * (1.0 / 362880.0)) + (1.0 / 3628800.0 + r * (1.0 / 39916800.0)) * r2;
  const auto bits = static_cast<std::uint64_t>(1023 - halvings) << 52;
  return (low + middle * r4 + high * (r4 * r4)) * std::bit_cast<double>(bits);
}

// Beyond 6.1 times the Stribeck velocity the exponential is below half a unit in the last place
// of 1.
inline constexpr double kStribeckGone = 37.5;

// [any] One step of `dt_s`. The bristle is updated implicitly, which is stable at any stiffness and
// speed.
[[nodiscard]] inline FrictionForce friction_force(const FrictionModel& model, FrictionState& state,
                                                  double velocity_mps, double tension_n,
                                                  double dt_s) noexcept {
  const FrictionConfig& c = model.config;
  const double ratio = velocity_mps * model.inverse_stribeck_velocity;
  const double square = ratio * ratio;
  FrictionForce result;
  result.stribeck = square < kStribeckGone ? decay(square) : 0.0;
  // The least level keeps a frictionless configuration from dividing zero by zero.
  constexpr double kLeastLevel = 1e-12;
  const double level = kLeastLevel + (c.coulomb_n + c.load_fraction * tension_n) *
                                         (1.0 + (c.stribeck_ratio - 1.0) * result.stribeck);
  const double before = state.bristle_m;
  state.bristle_m = (before + dt_s * velocity_mps) * level /
                    (level + dt_s * c.bristle_stiffness_npm * absolute(velocity_mps));
  result.bristle_rate_mps = (state.bristle_m - before) * (1.0 / dt_s);
  result.force_n = c.bristle_stiffness_npm * state.bristle_m +
                   c.bristle_damping_nspm * result.bristle_rate_mps * result.stribeck +
                   c.viscous_nspm * velocity_mps;
  return result;
}

}  // namespace medius::sim
