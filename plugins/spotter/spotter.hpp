// Spotter: F = F0 until the person is stuck on the way up; then the force sinks until the lift
// goes on, and comes back by halves over the following repetitions.
#pragma once

#include "controller/base/clamp.hpp"
#include "plugins/sdk/impedance.hpp"
#include "plugins/sdk/motion.hpp"
#include "plugins/sdk/profile.hpp"

namespace medius::profiles {

struct Spotter {
  static constexpr medius_descriptor_t kDescriptor = {
      MEDIUS_ABI_VERSION,
      1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER,
      "spotter",
      "Spotter",
      "Medius",
      "1.0.0",
      "The set load, with less of it for somebody who is stuck on the way up."};
  enum Parameter { kStallTime, kLeastLoad, kCount };
  static constexpr std::array<medius_param_info_t, kCount> kParameters = {{
      {1, MEDIUS_PARAM_NEEDS_RESTART, "stall_time_s", "s",
       "How long the lift must be stuck before the spotter helps.", 0.3, 3.0, 0.8, 3.0, 0.0},
      {2, MEDIUS_PARAM_NEEDS_RESTART, "least_load", "1",
       "The spotter leaves at least this share of the set load.", 0.3, 0.9, 0.5, 0.9, 0.0},
  }};
  static constexpr double kStuckMps = 0.03;          // cable; lever: the same at a pad of 0.38 m
  static constexpr double kStuckRadps = 0.08;        //
  static constexpr double kStuckShareOfBest = 0.25;  // of the set's best mean lifting speed
  // Below and above it every lift is slow.
  static constexpr double kZoneFrom = 0.25;  // of the range
  static constexpr double kZoneTo = 0.9;
  // The host calls a stop above 60 % of the range a hold. It is one only for somebody who came this
  // far in the repetition.
  static constexpr double kHoldFrom = 0.8;
  // Without a range nobody knows where the top is: only a long stop above the very bottom counts.
  static constexpr double kZoneFromUnknown = 0.05;  // m | rad
  static constexpr double kTimesLongerUnknown = 2.5;
  static constexpr double kFall = 0.1;      // of F0, per s
  static constexpr double kRestore = 0.2;   // of F0, per s
  static constexpr double kFastRep = 0.7;   // of the best: restores half of what was cut
  static constexpr double kGainMin = 0.25;  // of a saved state: below every least_load

  struct Setup {
    double dt_s = 0.0;
    double stuck = 0.0;
  };
  struct State {
    double gain = 1.0;
    double ceiling = 1.0;  // where the gain may come back to
    double stalled_s = 0.0;
    double highest = 0.0;  // position in this repetition
    double best = 0.0;     // mean lifting speed of the set
    sdk::LiftMeter lift{};
    std::uint64_t helped = 0;  // in this repetition
    std::uint64_t repetition = 0;
  };

  static bool activate(const medius_activation_t& activation, const std::array<double, kCount>&,
                       Setup& setup) noexcept {
    setup.dt_s = activation.dt_s;
    setup.stuck = sdk::is_lever(activation.coordinate) ? kStuckRadps : kStuckMps;
    return true;
  }
  static bool valid(const State& state) noexcept {
    return state.gain >= kGainMin && state.ceiling <= 1.0 && state.gain <= state.ceiling &&
           state.stalled_s >= 0.0 && state.stalled_s <= 1e3 && state.highest >= 0.0 &&
           state.highest <= 10.0 && state.best >= 0.0 && state.best <= 1e6 &&
           sdk::valid(state.lift) && state.helped <= 1 && state.repetition <= UINT32_MAX;
  }
  static double step(const Setup& setup, const std::array<double, kCount>& values, State& state,
                     const medius_step_in_t& in) noexcept {
    sdk::measure_lift(in, setup.dt_s, state.lift);
    const double x = sdk::travel(in);
    state.highest = sdk::at_the_bottom(in) ? 0.0 : at_least(x, state.highest);
    if (in.repetition != state.repetition) close_repetition(state, in.repetition);

    const bool known = in.range >= sdk::kRangeLeast;
    const double patience = values[kStallTime] * (known ? 1.0 : kTimesLongerUnknown);
    state.stalled_s = stuck(setup, state, in, x) ? at_most(state.stalled_s + setup.dt_s, 1e3) : 0.0;
    const bool early = x < (known ? kZoneFrom * in.range : kZoneFromUnknown);
    if (state.stalled_s >= patience) {
      state.helped = 1;
      const double least = at_most(values[kLeastLoad], state.gain);
      state.gain = sdk::approach(state.gain, least, kFall * setup.dt_s);
      state.ceiling = state.gain;
    } else if (in.phase == MEDIUS_PHASE_CONCENTRIC && early && !sdk::standing(in)) {
      state.gain = sdk::approach(state.gain, state.ceiling, kRestore * setup.dt_s);
    }
    return in.base_force * state.gain;
  }

 private:
  static void close_repetition(State& state, std::uint64_t repetition) noexcept {
    if (repetition > state.repetition && state.lift.speed > 0.0) {
      state.best = at_least(state.lift.speed, state.best);
      const bool fast = state.lift.speed > kFastRep * state.best;
      if (fast && state.helped == 0) state.ceiling += 0.5 * (1.0 - state.ceiling);
    }
    state.helped = 0;
    state.repetition = repetition;
  }

  static bool stuck(const Setup& setup, const State& state, const medius_step_in_t& in,
                    double x) noexcept {
    const bool known = in.range >= sdk::kRangeLeast;
    const bool hold_too_low =
        in.phase == MEDIUS_PHASE_HOLD && known && state.highest < kHoldFrom * in.range;
    if (in.phase != MEDIUS_PHASE_CONCENTRIC && !hold_too_low) return false;
    const double slow = at_least(kStuckShareOfBest * state.best, setup.stuck);
    if (!(in.velocity < slow)) return false;
    if (!known) return x > kZoneFromUnknown;
    return x > kZoneFrom * in.range && x < kZoneTo * in.range;
  }
};

}  // namespace medius::profiles
