// Eccentric emphasis: F = F0 while lifting and holding, F0 x ratio while lowering, blended.
#include "controller/base/det_math.hpp"
#include "plugins/sdk/profile.hpp"

namespace {

// Critically damped: a 24 N step takes 0.3 s. Faster blends disturb the turn (5.9 N
// at 12 rad/s, 8.1 N at 25, 16 N at 100).
constexpr double kBlendRadps = 12.0;
// Back to the lifting force at the bottom, slower: an extra load that goes away faster than a
// person can answer (about 0.35 s) throws the resting leg up. In simulation an 18 N release at 12
// rad/s lifted it by 57 mm and was taken for a repetition.
constexpr double kReleaseRadps = 6.0;
// Standing: the force may not rise on somebody who does not move. m/s | rad/s.
constexpr double kStanding = 0.02;

// The fastest the blend can go between the ends of the ratio's range, 1/s: a saved state beyond is
// damaged.
constexpr double kGainRateMax = 2.0 * kBlendRadps;

struct EccentricEmphasis {
  static constexpr medius_descriptor_t kDescriptor = {
      MEDIUS_ABI_VERSION,
      1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER,
      "eccentric-emphasis",
      "Eccentric emphasis",
      "Medius",
      "1.0.0",
      "More (or less) force while lowering than while lifting."};
  static constexpr std::array<medius_param_info_t, 1> kParameters = {
      {{1, MEDIUS_PARAM_SLEW | MEDIUS_PARAM_THERAPIST, "eccentric_ratio", "1",
        "Force while lowering over force while lifting.", 0.5, 2.0, 1.2, 1.5, 0.5}}};

  struct Setup {
    double dt_s = 0.0;
    double decay = 0.0;          // of the blend in one tick
    double release_decay = 0.0;  // of the way back
    double velocity_max = 0.0;
  };
  struct State {
    double gain = 1.0;       // of the base force
    double gain_rate = 0.0;  // 1/s
    std::uint64_t overspeed =
        0;  // this lowering went beyond velocity_max: no emphasis until the next
  };

  static bool activate(const medius_activation_t& activation, Setup& setup) noexcept {
    setup.dt_s = activation.dt_s;
    setup.decay = medius::det::exp(-kBlendRadps * activation.dt_s);
    setup.release_decay = medius::det::exp(-kReleaseRadps * activation.dt_s);
    setup.velocity_max = activation.velocity_max;
    return true;
  }

  static bool valid(const State& state) noexcept {
    return state.gain >= 0.0 && state.gain <= kParameters[0].max &&
           state.gain_rate >= -kGainRateMax && state.gain_rate <= kGainRateMax &&
           state.overspeed <= 1;
  }

  static double step(const Setup& setup, const std::array<double, 1>& values, State& state,
                     const medius_step_in_t& in) noexcept {
    const bool lowering = in.phase == MEDIUS_PHASE_ECCENTRIC;
    if (!lowering) state.overspeed = 0;
    if (lowering && !(in.velocity >= -setup.velocity_max)) state.overspeed = 1;
    const double target = lowering && state.overspeed == 0 ? values[0] : 1.0;

    // Exact solution of the critically damped blend over one tick.
    const double blend_radps = lowering ? kBlendRadps : kReleaseRadps;
    const double decay = lowering ? setup.decay : setup.release_decay;
    const double error = state.gain - target;
    const double slope = state.gain_rate + blend_radps * error;
    const double rest = (error + slope * setup.dt_s) * decay;
    double gain = target + rest;
    double gain_rate = (state.gain_rate - blend_radps * slope * setup.dt_s) * decay;
    if (rest * error < 0.0) {  // a change of bandwidth or ratio on the way could carry it past
      gain = target;
      gain_rate = 0.0;
    }

    const bool standing = in.velocity < kStanding && in.velocity > -kStanding;
    if (standing && gain > state.gain) {
      state.gain_rate = 0.0;
    } else {
      state.gain = gain;
      state.gain_rate = gain_rate;
    }
    return in.base_force * state.gain;
  }
};

}  // namespace

MEDIUS_PROFILE(EccentricEmphasis);
