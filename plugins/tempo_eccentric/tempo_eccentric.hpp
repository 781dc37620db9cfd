// Tempo eccentric: the force while lowering is trimmed a little so that the lowering takes the
// prescribed time: more for somebody who lags behind, less for somebody who hurries.
#pragma once

#include "controller/base/clamp.hpp"
#include "plugins/sdk/blend.hpp"
#include "plugins/sdk/impedance.hpp"
#include "plugins/sdk/motion.hpp"
#include "plugins/sdk/profile.hpp"

namespace medius::profiles {

struct TempoEccentric {
  static constexpr medius_descriptor_t kDescriptor = {
      MEDIUS_ABI_VERSION,
      1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER,
      "tempo-eccentric",
      "Tempo-held eccentric",
      "Medius",
      "1.0.0",
      "The set load, trimmed while lowering so that it takes the prescribed time."};
  enum Parameter { kTime, kTrim, kCount };
  static constexpr std::array<medius_param_info_t, kCount> kParameters = {{
      {1, MEDIUS_PARAM_NEEDS_RESTART, "eccentric_time_s", "s", "How long the lowering should take.",
       1.0, 10.0, 3.0, 10.0, 0.0},
      {2, MEDIUS_PARAM_NEEDS_RESTART, "trim_max", "1",
       "The force changes by at most this share of the set load.", 0.05, 0.3, 0.15, 0.3, 0.0},
  }};
  static constexpr double kBlendRadps = 12.0;    // as the eccentric emphasis, for the same reasons
  static constexpr double kReleaseRadps = 6.0;   // too
  static constexpr double kFullTrimError = 0.2;  // of the way: so far off the plan all trim is used
  // The host is sure of a lowering about 0.2 s after it began (195 ms at 2-1-3 over 0.4 m).
  static constexpr double kPhaseDelayS = 0.2;
  static constexpr double kLeastWay = 0.05;  // m | rad: shorter lowerings are left alone
  static constexpr double kGainMax = 2.0;    // of a saved state; no trim is larger than 0.3

  struct Setup {
    double dt_s = 0.0;
    sdk::BlendSpeed blend{};
    sdk::BlendSpeed release{};
    double velocity_max = 0.0;
    double stiffness_max = 0.0;
  };
  struct State {
    double gain = 1.0;
    double gain_rate = 0.0;
    double peak = 0.0;       // highest position of the repetition
    double elapsed_s = 0.0;  // of the lowering
    std::uint64_t overspeed = 0;
  };

  static bool activate(const medius_activation_t& activation, const std::array<double, kCount>&,
                       Setup& setup) noexcept {
    setup = {activation.dt_s, sdk::blend_speed(kBlendRadps, activation.dt_s),
             sdk::blend_speed(kReleaseRadps, activation.dt_s), activation.velocity_max,
             sdk::impedance_limits(activation.coordinate).stiffness};
    return true;
  }
  static bool valid(const State& state) noexcept {
    return state.gain >= 0.0 && state.gain <= kGainMax && absolute(state.gain_rate) <= 100.0 &&
           state.peak >= 0.0 && state.peak <= 10.0 && state.elapsed_s >= 0.0 &&
           state.elapsed_s <= kGainMax * kParameters[kTime].max && state.overspeed <= 1;
  }
  static double step(const Setup& setup, const std::array<double, kCount>& values, State& state,
                     const medius_step_in_t& in) noexcept {
    const double x = sdk::travel(in);
    const bool lowering = in.phase == MEDIUS_PHASE_ECCENTRIC;
    double target = 1.0;
    if (lowering) {
      state.peak = at_least(x, state.peak);
      state.elapsed_s = at_most(state.elapsed_s + setup.dt_s, values[kTime]);
      if (!(in.velocity >= -setup.velocity_max)) state.overspeed = 1;
      target += trim(setup, values, state, in.base_force, x);
    } else {
      state.peak = sdk::at_the_bottom(in) ? x : at_least(x, state.peak);
      state.elapsed_s = kPhaseDelayS;
      state.overspeed = 0;
    }
    const sdk::Blend from{state.gain, state.gain_rate};
    const sdk::Blend next = sdk::no_rise_standing(
        in, sdk::blended(lowering ? setup.blend : setup.release, target, from), from);
    state.gain = next.value;
    state.gain_rate = next.rate;
    return in.base_force * state.gain;
  }

 private:
  // In proportion to how far the handle is above (+) or below (-) a minimum-jerk lowering.
  static double trim(const Setup& setup, const std::array<double, kCount>& values,
                     const State& state, double base, double x) noexcept {
    if (!(state.peak >= kLeastWay)) return 0.0;
    const double t = clamped(state.elapsed_s / values[kTime], 0.0, 1.0);
    const double gone = t * t * t * (10.0 + t * (6.0 * t - 15.0));
    const double error = x / state.peak - (1.0 - gone);
    // The spring to the plan must not be stiffer than the loop bears.
    const double slope = at_most(values[kTrim] / kFullTrimError,
                                 setup.stiffness_max * state.peak / at_least(base, 1.0));
    const double most = state.overspeed != 0 ? 0.0 : values[kTrim];
    return clamped(slope * error, -values[kTrim], most);
  }
};

}  // namespace medius::profiles
