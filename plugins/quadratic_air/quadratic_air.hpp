// Quadratic air: F = F0 + c v^2 while the handle moves out, F0 otherwise.
#pragma once

#include "plugins/sdk/impedance.hpp"
#include "plugins/sdk/motion.hpp"
#include "plugins/sdk/profile.hpp"

namespace medius::profiles {

struct QuadraticAir {
  static constexpr medius_descriptor_t kDescriptor = {
      MEDIUS_ABI_VERSION,
      1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER,
      "quadratic-air",
      "Air",
      "Medius",
      "1.0.0",
      "The set load and a resistance with the square of the lifting speed, like a fan."};
  // Lever: 200 N s2/m2 at a pad of 0.38 m are 200 x 0.38^3 = 11 Nm s2/rad2.
  static constexpr std::array<medius_param_info_t, 2> kParameters = {{
      {1, MEDIUS_PARAM_NEEDS_RESTART, "drag_ns2_per_m2", "N.s2/m2",
       "Force added at 1 m/s outward (cable axes).", 0.0, 200.0, 150.0, 200.0, 0.0},
      {2, MEDIUS_PARAM_NEEDS_RESTART, "drag_nms2_per_rad2", "N.m.s2/rad2",
       "Torque added at 1 rad/s outward (lever axes).", 0.0, 11.0, 8.0, 11.0, 0.0},
  }};

  struct Setup {
    double drag = 0.0;
    double knee = 0.0;  // m/s | rad/s: from here on straight, as steep as the damping limit
    double damping = 0.0;
    double velocity_max = 0.0;
  };
  struct State {
    std::uint64_t unused = 0;
  };

  static bool activate(const medius_activation_t& activation, const std::array<double, 2>& values,
                       Setup& setup) noexcept {
    setup.drag = sdk::is_lever(activation.coordinate) ? values[1] : values[0];
    setup.damping = sdk::impedance_limits(activation.coordinate).damping;
    setup.velocity_max = activation.velocity_max;
    setup.knee = activation.velocity_max;
    if (2.0 * setup.drag * setup.knee > setup.damping) {
      setup.knee = setup.damping / (2.0 * setup.drag);
    }
    return true;
  }
  static bool valid(const State&) noexcept { return true; }
  static double step(const Setup& setup, const std::array<double, 2>&, State&,
                     const medius_step_in_t& in) noexcept {
    const double speed = clamped(in.velocity, 0.0, setup.velocity_max);
    const double below = at_most(speed, setup.knee);
    return in.base_force + setup.drag * below * below + setup.damping * (speed - below);
  }
};

}  // namespace medius::profiles
