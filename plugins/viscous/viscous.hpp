// Viscous: F = F0 + B v while the handle moves out, F0 otherwise.
#pragma once

#include "plugins/sdk/impedance.hpp"
#include "plugins/sdk/motion.hpp"
#include "plugins/sdk/profile.hpp"

namespace medius::profiles {

// B v outward, nothing inward; for every law that has a damper.
[[nodiscard]] constexpr double damper(double damping, double velocity_max,
                                      const medius_step_in_t& in) noexcept {
  return damping * clamped(in.velocity, 0.0, velocity_max);
}

struct Viscous {
  static constexpr medius_descriptor_t kDescriptor = {
      MEDIUS_ABI_VERSION,
      1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER,
      "viscous",
      "Viscous",
      "Medius",
      "1.0.0",
      "The set load and a resistance in proportion to the lifting speed."};
  static constexpr std::array<medius_param_info_t, 2> kParameters = {{
      {1, MEDIUS_PARAM_NEEDS_RESTART, "damping_ns_per_m", "N.s/m",
       "Force added for each m/s outward (cable axes).", 0.0, 300.0, 100.0, 300.0, 0.0},
      {2, MEDIUS_PARAM_NEEDS_RESTART, "damping_nms_per_rad", "N.m.s/rad",
       "Torque added for each rad/s outward (lever axes).", 0.0, 40.0, 15.0, 40.0, 0.0},
  }};
  static_assert(kParameters[0].max <= sdk::kDampingMaxNspm);
  static_assert(kParameters[1].max <= sdk::kDampingMaxNmsprad);

  struct Setup {
    double damping = 0.0;
    double velocity_max = 0.0;
  };
  struct State {
    std::uint64_t unused = 0;
  };

  static bool activate(const medius_activation_t& activation, const std::array<double, 2>& values,
                       Setup& setup) noexcept {
    setup.damping = sdk::is_lever(activation.coordinate) ? values[1] : values[0];
    setup.velocity_max = activation.velocity_max;
    return true;
  }
  static bool valid(const State&) noexcept { return true; }
  static double step(const Setup& setup, const std::array<double, 2>&, State&,
                     const medius_step_in_t& in) noexcept {
    return in.base_force + damper(setup.damping, setup.velocity_max, in);
  }
};

}  // namespace medius::profiles
