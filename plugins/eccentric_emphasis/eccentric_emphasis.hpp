// Eccentric emphasis: F = F0 while lifting and holding, F0 x ratio while lowering, blended.
#pragma once

#include "plugins/sdk/blend.hpp"
#include "plugins/sdk/motion.hpp"
#include "plugins/sdk/profile.hpp"

namespace medius::profiles {

// The gain on the base force, for every law that has one.
struct EccentricGain {
  // Critically damped: a 24 N step takes 0.3 s. Faster blends disturb the turn (in simulation 5.9 N
  // at 12 rad/s, 8.1 N at 25, 16 N at 100).
  static constexpr double kBlendRadps = 12.0;
  // Back to the lifting force at the bottom, slower: an extra load that goes away faster than a
  // person can answer (about 0.35 s) throws the resting leg up. In simulation an 18 N release at 12
  // rad/s lifted it by 57 mm and was taken for a repetition.
  static constexpr double kReleaseRadps = 6.0;
  static constexpr double kRatioMin = 0.5;
  static constexpr double kRatioMax = 2.0;
  static constexpr medius_param_info_t kParameter = {
      1,
      MEDIUS_PARAM_SLEW | MEDIUS_PARAM_THERAPIST,
      "eccentric_ratio",
      "1",
      "Force while lowering over force while lifting.",
      kRatioMin,
      kRatioMax,
      1.2,
      1.5,
      0.5};
  // The fastest the blend can go between the ends of the ratio's range, 1/s: a saved state beyond
  // is damaged.
  static constexpr double kRateMax = 2.0 * kBlendRadps;

  struct Setup {
    sdk::BlendSpeed blend{};
    sdk::BlendSpeed release{};
    double velocity_max = 0.0;
  };
  struct State {
    double gain = 1.0;            // of the base force
    double gain_rate = 0.0;       // 1/s
    std::uint64_t overspeed = 0;  // this lowering was faster than velocity_max: none until the next
  };

  static Setup prepare(const medius_activation_t& activation) noexcept {
    return {sdk::blend_speed(kBlendRadps, activation.dt_s),
            sdk::blend_speed(kReleaseRadps, activation.dt_s), activation.velocity_max};
  }

  static bool valid(const State& state) noexcept {
    return state.gain >= 0.0 && state.gain <= kRatioMax && state.gain_rate >= -kRateMax &&
           state.gain_rate <= kRateMax && state.overspeed <= 1;
  }

  static double step(const Setup& setup, double ratio, State& state,
                     const medius_step_in_t& in) noexcept {
    const bool lowering = in.phase == MEDIUS_PHASE_ECCENTRIC;
    if (!lowering) state.overspeed = 0;
    if (lowering && !(in.velocity >= -setup.velocity_max)) state.overspeed = 1;
    const double target = lowering && state.overspeed == 0 ? ratio : 1.0;
    const sdk::Blend from{state.gain, state.gain_rate};
    const sdk::Blend next = sdk::no_rise_standing(
        in, sdk::blended(lowering ? setup.blend : setup.release, target, from), from);
    state.gain = next.value;
    state.gain_rate = next.rate;
    return state.gain;
  }
};

struct EccentricEmphasis {
  static constexpr medius_descriptor_t kDescriptor = {
      MEDIUS_ABI_VERSION,
      1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER,
      "eccentric-emphasis",
      "Eccentric emphasis",
      "Medius",
      "1.0.0",
      "More (or less) force while lowering than while lifting."};
  static constexpr std::array<medius_param_info_t, 1> kParameters = {{EccentricGain::kParameter}};
  using Setup = EccentricGain::Setup;
  using State = EccentricGain::State;

  static bool activate(const medius_activation_t& activation, Setup& setup) noexcept {
    setup = EccentricGain::prepare(activation);
    return true;
  }
  static bool valid(const State& state) noexcept { return EccentricGain::valid(state); }
  static double step(const Setup& setup, const std::array<double, 1>& values, State& state,
                     const medius_step_in_t& in) noexcept {
    return in.base_force * EccentricGain::step(setup, values[0], state, in);
  }
};

}  // namespace medius::profiles
