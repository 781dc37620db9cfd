// Custom curve: F = F0 f(x / range), f a smooth curve through up to seven points.
#pragma once

#include "plugins/custom_curve/monotone_curve.hpp"
#include "plugins/sdk/impedance.hpp"
#include "plugins/sdk/profile.hpp"

namespace medius::profiles {

// The parameters of a curve's points, for every law that has one.
inline constexpr double kCurveFactorMin = 0.3;

[[nodiscard]] constexpr medius_param_info_t curve_fraction(std::uint32_t id, const char* name,
                                                           double value) noexcept {
  return {id,
          MEDIUS_PARAM_NEEDS_RESTART,
          name,
          "1",
          "Where the point is, as a fraction of the range of motion.",
          0.0,
          1.0,
          value,
          1.0,
          0.0};
}

[[nodiscard]] constexpr medius_param_info_t curve_factor(std::uint32_t id, const char* name,
                                                         double value) noexcept {
  return {id,
          MEDIUS_PARAM_NEEDS_RESTART,
          name,
          "1",
          "Force at the point over the set load.",
          kCurveFactorMin,
          sdk::kForceRatioMax,
          value,
          sdk::kForceRatioMax,
          0.0};
}

struct CustomCurve {
  static constexpr medius_descriptor_t kDescriptor = {
      MEDIUS_ABI_VERSION,
      1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER,
      "custom-curve",
      "Custom curve",
      "Medius",
      "1.0.0",
      "The set load times a curve of your own over the range of motion."};
  static constexpr std::size_t kCount = 1 + 2 * MonotoneCurve::kMost;

  // The default follows what the hip abductors can do from 0 to 30 degrees.
  static constexpr std::array<medius_param_info_t, kCount> kParameters = {{
      {1, MEDIUS_PARAM_NEEDS_RESTART | MEDIUS_PARAM_STEPPED, "points", "1",
       "How many of the points are used, from the first.", 2.0, 7.0, 4.0, 7.0, 0.0},
      curve_fraction(2, "fraction_1", 0.0),
      curve_factor(3, "factor_1", 1.0),
      curve_fraction(4, "fraction_2", 0.33),
      curve_factor(5, "factor_2", 1.0),
      curve_fraction(6, "fraction_3", 0.67),
      curve_factor(7, "factor_3", 0.92),
      curve_fraction(8, "fraction_4", 1.0),
      curve_factor(9, "factor_4", 0.8),
      curve_fraction(10, "fraction_5", 1.0),
      curve_factor(11, "factor_5", 0.8),
      curve_fraction(12, "fraction_6", 1.0),
      curve_factor(13, "factor_6", 0.8),
      curve_fraction(14, "fraction_7", 1.0),
      curve_factor(15, "factor_7", 0.8),
  }};

  struct Setup {
    double dt_s = 0.0;
    double stiffness_max = 0.0;
    MonotoneCurve curve{};
  };
  using State = sdk::FollowedRange;

  // Points that do not ascend give the set load: a curve nobody meant must not be felt.
  static bool activate(const medius_activation_t& activation,
                       const std::array<double, kCount>& values, Setup& setup) noexcept {
    setup.dt_s = activation.dt_s;
    setup.stiffness_max = sdk::impedance_limits(activation.coordinate).stiffness;
    std::array<double, MonotoneCurve::kMost> x{}, y{};
    for (std::size_t i = 0; i < MonotoneCurve::kMost; ++i) {
      x[i] = values[1 + 2 * i];
      y[i] = values[2 + 2 * i];
    }
    const auto points = static_cast<std::size_t>(values[0]);
    (void)MonotoneCurve::make(x.data(), y.data(), points, setup.curve);
    return true;
  }
  static bool valid(const State& state) noexcept { return sdk::valid(state); }
  static double step(const Setup& setup, const std::array<double, kCount>&, State& state,
                     const medius_step_in_t& in) noexcept {
    sdk::follow_range(in, setup.dt_s, state);
    return in.base_force * curve_gain(setup.curve, setup.stiffness_max, in.base_force, state, in);
  }
};

}  // namespace medius::profiles
