// Flywheel: F = F0 + M a, a mass that has to be brought to speed. By force alone, so only as much
// mass as a delayed loop bears.
#pragma once

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"
#include "plugins/sdk/impedance.hpp"
#include "plugins/sdk/motion.hpp"
#include "plugins/sdk/profile.hpp"

namespace medius::profiles {

// M a from a filtered acceleration, for every law that has a mass.
struct VirtualMass {
  // Above a person's voluntary movement, below the strap's 9.5 Hz resonance and the observer's
  // noise.
  static constexpr double kFilterRadps = 2.0 * det::kPi * 8.0;
  static constexpr double kAccelerationMax = 100.0;  // m/s2 | rad/s2
  static constexpr double kShareMax = 0.5;  // of F0: the mass neither slackens nor doubles it

  struct State {
    double acceleration = 0.0;
  };
  [[nodiscard]] static double filter_gain(double dt_s) noexcept {
    return 1.0 - det::exp(-kFilterRadps * dt_s);
  }
  [[nodiscard]] static bool valid(const State& state) noexcept {
    return absolute(state.acceleration) <= kAccelerationMax;
  }
  static double filtered(double gain, State& state, const medius_step_in_t& in) noexcept {
    const double raw = is_finite(in.acceleration) ? in.acceleration : 0.0;
    state.acceleration +=
        gain * (clamped(raw, -kAccelerationMax, kAccelerationMax) - state.acceleration);
    return state.acceleration;
  }
  [[nodiscard]] static double bounded(double force, double base) noexcept {
    return clamped(force, -kShareMax * base, kShareMax * base);
  }
};

struct Flywheel {
  static constexpr medius_descriptor_t kDescriptor = {
      MEDIUS_ABI_VERSION,
      1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER,
      "flywheel",
      "Flywheel",
      "Medius",
      "1.0.0",
      "The set load and a mass that has to be brought to speed."};
  enum Parameter { kMass, kInertia, kNoFlyingWeight, kEnergy, kCount };
  static constexpr std::array<medius_param_info_t, kCount> kParameters = {{
      {1, MEDIUS_PARAM_NEEDS_RESTART, "mass_kg", "kg", "Added mass (cable axes).", 0.0, 1.8, 1.5,
       1.8, 0.0},
      {2, MEDIUS_PARAM_NEEDS_RESTART, "inertia_kg_m2", "kg.m2",
       "Added moment of inertia (lever axes).", 0.0, 0.2, 0.15, 0.2, 0.0},
      {3, MEDIUS_PARAM_NEEDS_RESTART | MEDIUS_PARAM_STEPPED, "no_flying_weight", "1",
       "1: the mass resists speeding up only; 0: it also pulls on when slowing down.", 0.0, 1.0,
       1.0, 1.0, 0.0},
      {4, MEDIUS_PARAM_NEEDS_RESTART, "energy_max_j", "J",
       "No more energy is stored than this; faster, the mass no longer resists.", 0.5, 60.0, 5.0,
       60.0, 0.0},
  }};
  static_assert(kParameters[kMass].max <= sdk::kInertiaMaxKg);
  static_assert(kParameters[kInertia].max <= sdk::kInertiaMaxKgm2);
  // Whether the person speeds up or slows down is known only while something moves; the option
  // fades in up to this speed, m/s | rad/s.
  static constexpr double kDirectionWidth = 0.05;
  static constexpr double kFadeFrom = 0.9;  // of the speed of the largest energy

  struct Setup {
    double filter_gain = 0.0;
    double mass = 0.0;
    bool no_flying_weight = true;
    double speed_max = 0.0;  // where the largest energy is stored
  };
  using State = VirtualMass::State;

  static bool activate(const medius_activation_t& activation,
                       const std::array<double, kCount>& values, Setup& setup) noexcept {
    setup.filter_gain = VirtualMass::filter_gain(activation.dt_s);
    setup.mass = values[sdk::is_lever(activation.coordinate) ? kInertia : kMass];
    setup.no_flying_weight = values[kNoFlyingWeight] >= 0.5;
    // A mass of a milligram reaches any speed with that energy; 0 must not divide.
    setup.speed_max = det::sqrt(2.0 * values[kEnergy] / at_least(setup.mass, 1e-6));
    return true;
  }
  static bool valid(const State& state) noexcept { return VirtualMass::valid(state); }
  static double step(const Setup& setup, const std::array<double, kCount>&, State& state,
                     const medius_step_in_t& in) noexcept {
    const double acceleration = VirtualMass::filtered(setup.filter_gain, state, in);
    const double share = acceleration >= 0.0 ? resisted(setup, in.velocity)    // outward
                                             : resisted(setup, -in.velocity);  // inward
    return in.base_force + VirtualMass::bounded(setup.mass * acceleration * share, in.base_force);
  }

 private:
  // How much of the mass is felt by an acceleration along `speed` (> 0 speeding up).
  static double resisted(const Setup& setup, double speed) noexcept {
    const double from = kFadeFrom * setup.speed_max;
    const double full = 1.0 - sdk::smoothstep((speed - from) / (setup.speed_max - from));
    return setup.no_flying_weight ? full * sdk::smoothstep(speed / kDirectionWidth) : full;
  }
};

}  // namespace medius::profiles
