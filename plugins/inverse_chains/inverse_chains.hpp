// Inverse chains: F = F0 - K x, lighter on the way up, at least F0 / 2.
#pragma once

#include "plugins/sdk/impedance.hpp"
#include "plugins/sdk/motion.hpp"
#include "plugins/sdk/profile.hpp"

namespace medius::profiles {

struct InverseChains {
  // Less than half of the set load is no training load, and a slack cable is near.
  static constexpr double kRatioMin = 0.5;

  static constexpr medius_descriptor_t kDescriptor = {
      MEDIUS_ABI_VERSION,
      1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER,
      "inverse-chains",
      "Inverse chains",
      "Medius",
      "1.0.0",
      "The set load at the bottom, falling in proportion to the way up."};
  // As chains: the same masses a metre, taken away instead of added.
  static constexpr std::array<medius_param_info_t, 2> kParameters = {{
      {1, MEDIUS_PARAM_NEEDS_RESTART, "stiffness_n_per_m", "N/m",
       "Force taken away for each metre above the bottom (cable axes).", 0.0, 300.0, 60.0, 300.0,
       0.0},
      {2, MEDIUS_PARAM_NEEDS_RESTART, "stiffness_nm_per_rad", "N.m/rad",
       "Torque taken away for each radian above the bottom (lever axes).", 0.0, 40.0, 8.0, 40.0,
       0.0},
  }};
  static_assert(kParameters[0].max <= sdk::kStiffnessMaxNpm);
  static_assert(kParameters[1].max <= sdk::kStiffnessMaxNmprad);

  struct Setup {
    double stiffness = 0.0;
  };
  struct State {
    std::uint64_t unused = 0;
  };

  static bool activate(const medius_activation_t& activation, const std::array<double, 2>& values,
                       Setup& setup) noexcept {
    setup.stiffness = sdk::is_lever(activation.coordinate) ? values[1] : values[0];
    return true;
  }
  static bool valid(const State&) noexcept { return true; }
  static double step(const Setup& setup, const std::array<double, 2>&, State&,
                     const medius_step_in_t& in) noexcept {
    const double taken = setup.stiffness * sdk::travel(in);
    return in.base_force - at_most(taken, (1.0 - kRatioMin) * in.base_force);
  }
};

}  // namespace medius::profiles
