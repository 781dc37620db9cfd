// Weight stack: F = M g (1 + a / g), the set load with the inertia of the plates that weigh it, as
// far as force control can render it, and their guide friction as an option.
#pragma once

#include "plugins/flywheel/flywheel.hpp"

namespace medius::profiles {

struct WeightStack {
  static constexpr double kGravity = 9.80665;
  static constexpr double kFrictionVelocity = 0.03;  // m/s | rad/s: full friction from here on
  static constexpr double kFrictionRate = 5.0;       // of the full friction, per s

  static constexpr medius_descriptor_t kDescriptor = {
      MEDIUS_ABI_VERSION,
      1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER,
      "weight-stack",
      "Weight stack",
      "Medius",
      "1.0.0",
      "The set load as plates: their inertia, and on request the friction of their guides."};
  enum Parameter { kHysteresis, kCam, kCount };
  static constexpr std::array<medius_param_info_t, kCount> kParameters = {{
      {1, MEDIUS_PARAM_NEEDS_RESTART, "hysteresis", "1",
       "Friction of the guides over the load; plate machines have 0.03 to 0.1.", 0.0, 0.1, 0.0, 0.1,
       0.0},
      {2, MEDIUS_PARAM_NEEDS_RESTART, "cam_radius_m", "m",
       "Radius of the cam that lifts the plates (lever axes).", 0.05, 0.4, 0.15, 0.4, 0.0},
  }};

  struct Setup {
    double filter_gain = 0.0;
    double mass_per_force = 0.0;  // kg/N | kg m2/(N m)
    double mass_max = 0.0;
    double friction_step = 0.0;
  };
  struct State {
    VirtualMass::State mass{};
    double friction = 0.0;  // -1..1
  };

  static bool activate(const medius_activation_t& activation,
                       const std::array<double, kCount>& values, Setup& setup) noexcept {
    const bool lever = sdk::is_lever(activation.coordinate);
    setup.filter_gain = VirtualMass::filter_gain(activation.dt_s);
    // Plates on a cam of radius r: torque M g r, inertia M r^2.
    setup.mass_per_force = (lever ? values[kCam] : 1.0) / kGravity;
    setup.mass_max = sdk::impedance_limits(activation.coordinate).inertia;
    setup.friction_step = kFrictionRate * activation.dt_s;
    return true;
  }
  static bool valid(const State& state) noexcept {
    return VirtualMass::valid(state.mass) && absolute(state.friction) <= 1.0;
  }
  static double step(const Setup& setup, const std::array<double, kCount>& values, State& state,
                     const medius_step_in_t& in) noexcept {
    const double base = in.base_force;
    const double mass = at_most(setup.mass_per_force * base, setup.mass_max);
    const double acceleration = VirtualMass::filtered(setup.filter_gain, state.mass, in);
    // Friction holds what it has until the handle moves again: no rise on somebody who stands.
    const double friction = sdk::approach(state.friction, saturated(in.velocity, kFrictionVelocity),
                                          setup.friction_step);
    if (!sdk::standing(in) || friction < state.friction) state.friction = friction;
    return base + VirtualMass::bounded(mass * acceleration, base) +
           values[kHysteresis] * base * state.friction;
  }
};

}  // namespace medius::profiles
