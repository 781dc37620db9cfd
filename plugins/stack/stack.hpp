// Stack: a profile made of others, F = F0 x curve x eccentric gain + damper.
#pragma once

#include "plugins/custom_curve/custom_curve.hpp"
#include "plugins/eccentric_emphasis/eccentric_emphasis.hpp"
#include "plugins/viscous/viscous.hpp"

namespace medius::profiles {

// Another law's parameter under an id and with a default of our own.
[[nodiscard]] constexpr medius_param_info_t borrowed(medius_param_info_t info, std::uint32_t id,
                                                     double default_value) noexcept {
  info.id = id;
  info.default_value = default_value;
  return info;
}

struct Stack {
  static constexpr medius_descriptor_t kDescriptor = {
      MEDIUS_ABI_VERSION,
      1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER,
      "stack",
      "Stack",
      "Medius",
      "1.0.0",
      "The set load times a curve over the range, with eccentric emphasis and a damper."};
  static constexpr std::size_t kPoints = 5;
  enum Parameter { kRatio, kFactor, kDampingCable = kFactor + kPoints, kDampingLever, kCount };
  static constexpr std::array<medius_param_info_t, kCount> kParameters = {{
      EccentricGain::kParameter,  // id 1
      curve_factor(2, "factor_bottom", 0.9),
      curve_factor(3, "factor_quarter", 1.0),
      curve_factor(4, "factor_half", 1.0),
      curve_factor(5, "factor_three_quarters", 0.95),
      curve_factor(6, "factor_top", 0.85),
      borrowed(Viscous::kParameters[0], 7, 20.0),
      borrowed(Viscous::kParameters[1], 8, 3.0),
  }};

  struct Setup {
    double dt_s = 0.0;
    double stiffness_max = 0.0;
    double damping = 0.0;
    double velocity_max = 0.0;
    MonotoneCurve curve{};
    EccentricGain::Setup eccentric{};
  };
  struct State {
    sdk::FollowedRange range{};
    EccentricGain::State eccentric{};
  };

  static bool activate(const medius_activation_t& activation,
                       const std::array<double, kCount>& values, Setup& setup) noexcept {
    setup.dt_s = activation.dt_s;
    setup.stiffness_max = sdk::impedance_limits(activation.coordinate).stiffness;
    setup.damping = values[sdk::is_lever(activation.coordinate) ? kDampingLever : kDampingCable];
    setup.velocity_max = activation.velocity_max;
    setup.eccentric = EccentricGain::prepare(activation);
    constexpr std::array<double, kPoints> kFractions = {0.0, 0.25, 0.5, 0.75, 1.0};
    return MonotoneCurve::make(kFractions.data(), &values[kFactor], kPoints, setup.curve);
  }
  static bool valid(const State& state) noexcept {
    return sdk::valid(state.range) && EccentricGain::valid(state.eccentric);
  }
  static double step(const Setup& setup, const std::array<double, kCount>& values, State& state,
                     const medius_step_in_t& in) noexcept {
    sdk::follow_range(in, setup.dt_s, state.range);
    const double eccentric =
        EccentricGain::step(setup.eccentric, values[kRatio], state.eccentric, in);
    // The whole is limited like its parts: the curve's stiffness counts with the gain on it, and
    // the product stays within what the parts may reach alone.
    const double curve = curve_gain(setup.curve, setup.stiffness_max,
                                    in.base_force * at_least(eccentric, 1.0), state.range, in);
    const double most = at_least(eccentric, sdk::kForceRatioMax);
    return in.base_force * clamped(curve * eccentric, kCurveFactorMin, most) +
           damper(setup.damping, setup.velocity_max, in);
  }
};

}  // namespace medius::profiles
