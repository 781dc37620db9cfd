// Isometric: the handle stands still, however hard somebody pulls.
#pragma once

#include "plugins/sdk/profile.hpp"

namespace medius::profiles {

struct Isometric {
  static constexpr medius_descriptor_t kDescriptor = {
      MEDIUS_ABI_VERSION,
      1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER,
      "isometric",
      "Isometric",
      "Medius",
      "1.0.0",
      "A handle that stands still; above the set load it yields."};
  static constexpr std::array<medius_param_info_t, 1> kParameters = {{
      {1, MEDIUS_PARAM_NEEDS_RESTART, "yield_at", "1",
       "Share of the set load above which the handle yields.", 0.5, 1.0, 1.0, 1.0, 0.0},
  }};

  struct Setup {
    double yield_at = 1.0;
  };
  struct State {
    std::uint64_t unused = 0;
  };

  static bool activate(const medius_activation_t&, const std::array<double, 1>& values,
                       Setup& setup) noexcept {
    setup.yield_at = values[0];
    return true;
  }
  static bool valid(const State&) noexcept { return true; }
  static sdk::Motion step(const Setup& setup, const std::array<double, 1>&, State&,
                          const medius_step_in_t& in) noexcept {
    return {0.0, setup.yield_at * in.base_force, 0.0};
  }
};

}  // namespace medius::profiles
