// Constant tension: F = F0 at every position, speed and phase.
#pragma once

#include "plugins/sdk/profile.hpp"

namespace medius::profiles {

struct ConstantTension {
  static constexpr medius_descriptor_t kDescriptor = {
      MEDIUS_ABI_VERSION,
      1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER,
      "constant-tension",
      "Constant tension",
      "Medius",
      "1.0.0",
      "The set load at every position and speed."};
  static constexpr std::array<medius_param_info_t, 0> kParameters = {};
  struct Setup {};
  struct State {
    std::uint64_t unused = 0;
  };

  static bool activate(const medius_activation_t&, Setup&) noexcept { return true; }
  static bool valid(const State&) noexcept { return true; }
  static double step(const Setup&, const std::array<double, 0>&, State&,
                     const medius_step_in_t& in) noexcept {
    return in.base_force;
  }
};

}  // namespace medius::profiles
