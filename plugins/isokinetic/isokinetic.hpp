// Isokinetic: the handle moves no faster than a set speed, however hard somebody pulls; on request
// the machine pulls it back at a set speed against them.
#pragma once

#include "controller/base/clamp.hpp"
#include "plugins/sdk/impedance.hpp"
#include "plugins/sdk/motion.hpp"
#include "plugins/sdk/profile.hpp"

namespace medius::profiles {

struct Isokinetic {
  static constexpr medius_descriptor_t kDescriptor = {
      MEDIUS_ABI_VERSION,
      1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER,
      "isokinetic",
      "Isokinetic",
      "Medius",
      "1.0.0",
      "A set speed, however hard somebody pulls; the set load is the most it resists with."};
  enum Parameter { kWay, kConcentricMps, kEccentricMps, kConcentricRadps, kEccentricRadps, kCount };
  static constexpr std::array<medius_param_info_t, kCount> kParameters = {{
      {1, MEDIUS_PARAM_NEEDS_RESTART | MEDIUS_PARAM_STEPPED, "way", "1",
       "1 resists the way out, 2 pulls the way back, 3 both; 2 and 3 need the dead-man switch.",
       1.0, 3.0, 1.0, 3.0, 0.0},
      {2, MEDIUS_PARAM_NEEDS_RESTART, "concentric_speed_mps", "m/s",
       "Speed of the way out (cable axes).", 0.1, 0.8, 0.3, 0.8, 0.0},
      {3, MEDIUS_PARAM_NEEDS_RESTART, "eccentric_speed_mps", "m/s",
       "Speed of the way back (cable axes).", 0.1, 0.5, 0.2, 0.5, 0.0},
      {4, MEDIUS_PARAM_NEEDS_RESTART, "concentric_speed_radps", "rad/s",
       "Speed of the way out (lever axes).", 0.17, 2.1, 0.52, 2.1, 0.0},
      {5, MEDIUS_PARAM_NEEDS_RESTART, "eccentric_speed_radps", "rad/s",
       "Speed of the way back (lever axes).", 0.17, 1.3, 0.52, 1.3, 0.0},
  }};
  static constexpr double kRampS = 0.25;      // to the set speed; its samples are no test
  static constexpr double kPadM = 0.38;       // lever: the figures below at the pad
  static constexpr double kTautN = 20.0;      // somebody pulls
  static constexpr double kSlackN = 8.0;      // nobody does: no pulling back
  static constexpr double kLeastRiseM = 0.1;  // less is no way out
  static constexpr double kTurnM = 0.01;      // back from the furthest point
  static constexpr double kHomeM = 0.02;      // near the start the way back ends
  static constexpr double kStillS = 0.3;      // at the end of the way out, before the way back

  struct Setup {
    double dt_s = 0.0;
    double out = 0.0, back = 0.0;  // speeds, > 0; back 0: the person brings the handle back
    double metre = 1.0, newton = 1.0;
  };
  struct State {
    double ramp = 0.0;      // the speed wished
    double furthest = 0.0;  // of this way
    double still_s = 0.0;
    std::uint64_t coming_back = 0;
  };

  static bool activate(const medius_activation_t& activation,
                       const std::array<double, kCount>& values, Setup& setup) noexcept {
    const bool lever = sdk::is_lever(activation.coordinate);
    setup.dt_s = activation.dt_s;
    setup.metre = lever ? 1.0 / kPadM : 1.0;
    setup.newton = lever ? kPadM : 1.0;
    // A way out that is not to be resisted is one at the fastest speed there is.
    const Parameter out = lever ? kConcentricRadps : kConcentricMps;
    const bool resists_out = values[kWay] != 2.0;
    setup.out = resists_out ? values[out] : kParameters[out].max;
    setup.back = values[kWay] == 1.0 ? 0.0 : values[lever ? kEccentricRadps : kEccentricMps];
    return true;
  }
  static bool valid(const State& state) noexcept {
    return absolute(state.ramp) <= 10.0 && absolute(state.furthest) <= 10.0 &&
           state.still_s >= 0.0 && state.still_s <= 1.0 && state.coming_back <= 1;
  }

  static void turn(const Setup& setup, State& state, const medius_step_in_t& in) noexcept {
    const double position = clamped(in.position, -10.0, 10.0);
    state.still_s = sdk::standing(in) ? at_most(state.still_s + setup.dt_s, 1.0) : 0.0;
    if (state.coming_back == 0) {
      state.furthest = at_least(position, state.furthest);
      const bool rose = state.furthest > kLeastRiseM * setup.metre;
      const bool turned = position < state.furthest - kTurnM * setup.metre;
      if (!(setup.back > 0.0) || !rose || !(turned || state.still_s >= kStillS)) return;
      state = {0.0, position, 0.0, 1};
    } else {
      state.furthest = at_most(position, state.furthest);
      const bool home = position < kHomeM * setup.metre;
      const bool out_again = position > state.furthest + 0.5 * kLeastRiseM * setup.metre;
      if (home || out_again) state = {0.0, position, 0.0, 0};
    }
  }

  static sdk::Motion step(const Setup& setup, const std::array<double, kCount>&, State& state,
                          const medius_step_in_t& in) noexcept {
    turn(setup, state, in);
    const bool back = state.coming_back != 0;
    const double speed = back ? -setup.back : setup.out;
    const double step = absolute(speed) / kRampS * setup.dt_s;
    const bool pulled_back = back && state.ramp < 0.0;
    const bool taut = in.force > (pulled_back ? kSlackN : kTautN) * setup.newton;
    // From the speed that is there, so that the ramp is felt as neither a push nor a wall.
    if (!taut) state.ramp = back ? 0.0 : clamped(in.velocity, 0.0, setup.out);
    if (taut) state.ramp = sdk::approach(state.ramp, speed, step);
    return {state.ramp, in.base_force, kSlackN * setup.newton};
  }
};

}  // namespace medius::profiles
