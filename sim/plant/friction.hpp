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
      : config(from),
        halving_per_mps(1.20112240878644982 / from.stribeck_velocity_mps),
        breakaway(from.stribeck_ratio - 1.0) {}
  FrictionConfig config;
  double halving_per_mps;  // sqrt(log2(e)) / vs: e^-(v/vs)^2 = 2^-(halving_per_mps v)^2
  double breakaway;        // s - 1
};

struct FrictionState {
  double bristle_m = 0.0;
};

struct FrictionForce {
  double force_n = 0.0;
  double bristle_rate_mps = 0.0;
  double stribeck = 0.0;  // e^-(v/vs)^2
};

// [any] 2^-x for 0 <= x < 90, relative error below 1e-13. The plant's step waits for this number
// and for the division after it, so both are written as the shortest chain of operations: a tree
// instead of Horner's scheme, and the nearest integer by adding a number whose last place is 1.
[[nodiscard]] inline double halved(double x) noexcept {
  constexpr double kInteger = 0x1.8p52;
  const double shifted = x + kInteger;
  const double r = (shifted - kInteger) - x;  // within +-1/2
  const double r2 = r * r;
  const double r4 = r2 * r2;
  // ln(2)^k / k!
  const double low =
      (1.0 + r * 0x1.62e42fefa39efp-1) + (0x1.ebfbdff82c58fp-3 + r * 0x1.c6b08d704a0c0p-5) * r2;
  const double middle = (0x1.3b2ab6fba4e77p-7 + r * 0x1.5d87fe78a6731p-10) +
                        (0x1.430912f86c787p-13 + r * 0x1.ffcbfc588b0c7p-17) * r2;
  const double high = (0x1.62c0223a5c824p-20 + r * 0x1.b5253d395e7c4p-24) +
                      (0x1.e4cf5158b8ecap-28 + r * 0x1.e8cac7351bb25p-32) * r2;
  // The integer stands in the last bits; what else is there leaves at the top.
  const std::uint64_t exponent = (1023 - std::bit_cast<std::uint64_t>(shifted)) << 52;
  return (low + (middle * r4 + high * (r4 * r4))) * std::bit_cast<double>(exponent);
}

// Beyond 6.1 times the Stribeck velocity the exponential is below half a unit in the last place
// of 1.
inline constexpr double kStribeckGone = 54.0;  // halvings

// [any] One step of `dt_s`. The bristle is updated implicitly, which is stable at any stiffness and
// speed.
[[nodiscard]] inline FrictionForce friction_force(const FrictionModel& model, FrictionState& state,
                                                  double velocity_mps, double tension_n,
                                                  double dt_s) noexcept {
  const FrictionConfig& c = model.config;
  const double root = velocity_mps * model.halving_per_mps;
  const double halvings = root * root;
  FrictionForce result;
  result.stribeck = halvings < kStribeckGone ? halved(halvings) : 0.0;
  // The least level keeps a frictionless configuration from dividing zero by zero.
  constexpr double kLeastLevel = 1e-12;
  const double sliding_n = c.coulomb_n + c.load_fraction * tension_n;
  const double level = (kLeastLevel + sliding_n) + (sliding_n * model.breakaway) * result.stribeck;
  const double before = state.bristle_m;
  state.bristle_m = (before + dt_s * velocity_mps) * level /
                    (level + (dt_s * c.bristle_stiffness_npm) * absolute(velocity_mps));
  const double stretched = state.bristle_m - before;
  result.bristle_rate_mps = stretched * (1.0 / dt_s);
  result.force_n = (c.bristle_stiffness_npm * state.bristle_m + c.viscous_nspm * velocity_mps) +
                   (c.bristle_damping_nspm * (1.0 / dt_s) * result.stribeck) * stretched;
  return result;
}

}  // namespace medius::sim
