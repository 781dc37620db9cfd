// Elastic band: F = F0 + K x (linear), or the curve of rubber, steep first and flatter later.
#pragma once

#include "plugins/sdk/impedance.hpp"
#include "plugins/sdk/motion.hpp"
#include "plugins/sdk/profile.hpp"

namespace medius::profiles {

struct Band {
  static constexpr medius_descriptor_t kDescriptor = {
      MEDIUS_ABI_VERSION,
      1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER,
      "band",
      "Elastic band",
      "Medius",
      "1.0.0",
      "The set load at the bottom and an elastic band from there on."};
  enum Parameter { kKind, kStiffnessCable, kStiffnessLever, kLengthCable, kLengthLever, kCount };
  static constexpr std::array<medius_param_info_t, kCount> kParameters = {{
      {1, MEDIUS_PARAM_NEEDS_RESTART | MEDIUS_PARAM_STEPPED, "kind", "1",
       "0: linear spring, 1: rubber.", 0.0, 1.0, 1.0, 1.0, 0.0},
      {2, MEDIUS_PARAM_NEEDS_RESTART, "stiffness_n_per_m", "N/m",
       "Stiffness of the band at the bottom (cable axes).", 50.0, 600.0, 100.0, 600.0, 0.0},
      {3, MEDIUS_PARAM_NEEDS_RESTART, "stiffness_nm_per_rad", "N.m/rad",
       "Stiffness of the band at the bottom (lever axes).", 5.0, 80.0, 15.0, 80.0, 0.0},
      {4, MEDIUS_PARAM_NEEDS_RESTART, "rest_length_m", "m",
       "Length of the rubber at the bottom (cable axes).", 0.2, 3.0, 0.5, 3.0, 0.0},
      {5, MEDIUS_PARAM_NEEDS_RESTART, "rest_length_rad", "rad",
       "Length of the rubber at the bottom (lever axes).", 0.2, 3.0, 0.8, 3.0, 0.0},
  }};
  static_assert(kParameters[kStiffnessCable].max <= sdk::kStiffnessMaxNpm);
  static_assert(kParameters[kStiffnessLever].max <= sdk::kStiffnessMaxNmprad);

  struct Setup {
    bool rubber = false;
    double stiffness = 0.0;
    double rest_length = 1.0;
  };
  struct State {
    std::uint64_t unused = 0;
  };

  static bool activate(const medius_activation_t& activation,
                       const std::array<double, kCount>& values, Setup& setup) noexcept {
    const bool lever = sdk::is_lever(activation.coordinate);
    setup.rubber = values[kKind] >= 0.5;
    setup.stiffness = values[lever ? kStiffnessLever : kStiffnessCable];
    setup.rest_length = values[lever ? kLengthLever : kLengthCable];
    return true;
  }
  static bool valid(const State&) noexcept { return true; }
  static double step(const Setup& setup, const std::array<double, kCount>&, State&,
                     const medius_step_in_t& in) noexcept {
    const double x = sdk::travel(in);
    return in.base_force + at_most(tension(setup, x), (sdk::kForceRatioMax - 1.0) * in.base_force);
  }

  // Neo-Hookean rubber, A (s - 1/s^2) with the stretch s = 1 + x / L; its slope at the bottom, 3 A
  // / L, is the band's stiffness, and nowhere is it steeper.
  static double tension(const Setup& setup, double x) noexcept {
    if (!setup.rubber) return setup.stiffness * x;
    const double stretch = 1.0 + x / setup.rest_length;
    return setup.stiffness * setup.rest_length / 3.0 * (stretch - 1.0 / (stretch * stretch));
  }
};

}  // namespace medius::profiles
