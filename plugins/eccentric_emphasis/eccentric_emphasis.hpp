// Eccentric emphasis: F = F0 while lifting and holding, F0 x ratio while lowering, ramped.
#pragma once

#include "plugins/sdk/blend.hpp"
#include "plugins/sdk/impedance.hpp"
#include "plugins/sdk/motion.hpp"
#include "plugins/sdk/profile.hpp"

namespace medius::profiles {

// The gain on the base force, for every law that has one: a ramp that starts with the lowering, its
// corners rounded by a critically damped filter.
struct EccentricGain {
  // The ramp at the turn takes a quarter of a second, longer than a muscle's reflex (60 ms), and is
  // over soon after the first tenth of a lowering of three seconds. A load that was less while
  // lowering comes back as quickly at the start of the lift.
  static constexpr double kTurnS = 0.25;
  // Back to the lifting force at the bottom, slower: an extra load that goes away faster than a
  // person can answer (about 0.35 s) throws the resting leg up. In simulation 18 N within 0.5 s
  // made up to 12 false turns in a set of 8 repetitions, within 0.8 s none.
  // A limb's stiffness rises with the force it bears and its period falls with the root of that, so
  // heavier loads may go sooner.
  static constexpr double kReleaseS = 0.8;
  static constexpr double kReleaseLeastS = 0.35;
  static constexpr double kReleaseLoadN = 60.0;
  // Corners. The simulated person meets an extra load without bouncing up to 16 rad/s, not at 20; a
  // load that goes away with the way or comes back with the lift may do so faster.
  static constexpr double kCornerRadps = 16.0;
  static constexpr double kUnloadRadps = 30.0;
  static constexpr double kReleaseRadps = 12.0;
  // No ramp asks for more than the kernel's 500 N/s of rise.
  static constexpr double kRiseNps = 480.0;
  static constexpr double kFallNps = 400.0;
  // A load that goes away at the turn goes with the way: the more the limb springs back, the slower
  // it goes. By time alone the limb goes up again and the lowering is taken for a lift.
  static constexpr double kFallNpm = 8000.0;
  // A ratio that is ramped by the host to 1 still takes what is left of the emphasis away.
  static constexpr double kLeastChange = 0.2;
  // The lowering after a hold begins before the host's latch says so (6 mm, 60 ms): 2 mm back at
  // more than standing speed for 20 ms. A tremor of 9 Hz reaches that only with 0.4 mm and a sway.
  static constexpr double kRetreatM = 0.002;
  static constexpr double kRegainM = 0.006;  // ... and is none any more when it goes up again
  static constexpr double kDwellS = 0.020;
  static constexpr double kLiftingMps = 0.04;  // twice as fast as standing
  // It ends where the last tenth of the range is reached and the movement dies away, some 0.3 s
  // before the host can tell that it has stopped; or, for a large excess, which needs longer to go
  // and throws the leg further up, when so much time is left: three times the way left over the
  // speed (minimum jerk). At ratio 1.3 more than 0.15 s made the simulated person bounce.
  static constexpr double kBottomFraction = 0.1;
  static constexpr double kEndingMps = 0.04;
  static constexpr double kEndingS = 0.45;  // ... times the excess over the base force
  static constexpr double kLeverArmM = 0.38;
  static constexpr double kFar = 10.0;  // m | rad: no machine of ours reaches so far
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
  // The fastest the filter can follow a step over the whole range of the ratio, 1/s: a saved state
  // beyond is damaged.
  static constexpr double kRateMax = kUnloadRadps * (kRatioMax - kRatioMin);

  struct Setup {
    sdk::BlendSpeed corner{};
    sdk::BlendSpeed unload{};
    sdk::BlendSpeed release{};
    double dt_s = 0.0;
    double velocity_max = 0.0;
    double arm_m = 1.0;  // of a newton at the handle
  };
  struct State {
    double gain = 1.0;            // of the base force
    double gain_rate = 0.0;       // 1/s
    double ramp = 1.0;            // what the gain follows
    double extremum = 0.0;        // highest of a hold, then the lowest of a lowering out of it
    double height = 0.0;          // where the lowering began
    double dwell_s = 0.0;         // how long a hold has been going back, or a lowering ending
    std::uint64_t lowering = 0;   // so says the phase, or the motion out of a hold
    std::uint64_t ended = 0;      // this lowering has come to its bottom
    std::uint64_t overspeed = 0;  // this lowering was faster than velocity_max: none until the next
  };

  static Setup prepare(const medius_activation_t& activation) noexcept {
    return {sdk::blend_speed(kCornerRadps, activation.dt_s),
            sdk::blend_speed(kUnloadRadps, activation.dt_s),
            sdk::blend_speed(kReleaseRadps, activation.dt_s),
            activation.dt_s,
            activation.velocity_max,
            sdk::is_lever(activation.coordinate) ? kLeverArmM : 1.0};
  }

  static bool valid(const State& state) noexcept {
    return state.gain >= 0.0 && state.gain <= kRatioMax && state.gain_rate >= -kRateMax &&
           state.gain_rate <= kRateMax && state.ramp >= 0.0 && state.ramp <= kRatioMax &&
           absolute(state.extremum) <= kFar && absolute(state.height) <= kFar &&
           state.dwell_s >= 0.0 && state.dwell_s <= kDwellS && state.lowering <= 1 &&
           state.ended <= 1 && state.overspeed <= 1;
  }

  static double step(const Setup& setup, double ratio, State& state,
                     const medius_step_in_t& in) noexcept {
    follow_direction(setup, ratio, state, in);
    if (state.lowering == 0) state.overspeed = 0;
    if (state.lowering != 0 && !(in.velocity >= -setup.velocity_max)) state.overspeed = 1;
    // An extra load leaves when the movement ends; one that was less stays until the next lift.
    const bool turning = state.lowering != 0 && !(state.ended != 0 && ratio > 1.0);
    const bool emphasis = turning && state.overspeed == 0;
    const double target = emphasis ? ratio : 1.0;
    const bool rises = target > state.ramp;
    const double time_s = turning || rises ? kTurnS : release_s(setup, in.base_force);
    double rate = at_least(absolute(ratio - 1.0), kLeastChange) / time_s;
    double force_rate = (rises ? kRiseNps : kFallNps) * setup.arm_m;
    if (emphasis && !rises) {
      const double way = kFallNpm * setup.arm_m * setup.arm_m * at_least(-in.velocity, 0.0);
      force_rate = at_most(way, force_rate);
    }
    if (rate * in.base_force > force_rate) rate = force_rate / in.base_force;
    // What was less comes back with a lift.
    const double share = ratio < 1.0 ? lifting(setup, in) : sdk::standing(in) ? 0.0 : 1.0;
    const double ramp = sdk::approach(state.ramp, target, rate * setup.dt_s);
    state.ramp = ratio < 1.0 && rises ? state.ramp + share * (ramp - state.ramp) : ramp;
    // A ramp must not run ahead of a gain that waits for the person to move.
    if (sdk::standing(in) && rises && ratio >= 1.0) state.ramp = at_most(state.ramp, state.gain);
    const sdk::BlendSpeed& corner = ratio < 1.0 ? setup.unload
                                    : turning   ? setup.corner
                                                : setup.release;
    const sdk::Blend from{state.gain, state.gain_rate};
    sdk::Blend next = sdk::blended(corner, state.ramp, from);
    if (next.value > from.value) {
      // No steeper than its ramp, although it may have waited while the ramp went on.
      const double most = at_most(at_least(absolute(ratio - 1.0), kLeastChange) / kTurnS,
                                  kRiseNps * setup.arm_m / at_least(in.base_force, setup.arm_m));
      const double kept = ratio < 1.0 ? corner.decay + share * (1.0 - corner.decay) : share;
      next = {from.value + share * at_most(next.value - from.value, most * setup.dt_s),
              kept * at_most(next.rate, most)};
    }
    state.gain = next.value;
    state.gain_rate = next.rate;
    return state.gain;
  }

 private:
  // 0 while the person stands or sinks, 1 from kLiftingMps outward: a slow lift that nearly stops
  // does not switch the load on and off.
  static double lifting(const Setup& setup, const medius_step_in_t& in) noexcept {
    const double whole = kLiftingMps / setup.arm_m - sdk::kStanding;
    return clamped((in.velocity - sdk::kStanding) / whole, 0.0, 1.0);
  }

  static double release_s(const Setup& setup, double base_force) noexcept {
    const double load_n = at_least(base_force, 1.0) / setup.arm_m;
    return clamped(kReleaseS * det::sqrt(kReleaseLoadN / load_n), kReleaseLeastS, kReleaseS);
  }

  static void follow_direction(const Setup& setup, double ratio, State& state,
                               const medius_step_in_t& in) noexcept {
    const double position = clamped(in.position, -kFar, kFar);
    if (in.phase == MEDIUS_PHASE_HOLD) {
      leave_hold(setup, state, in, position);
      return;
    }
    const std::uint64_t lowering = in.phase == MEDIUS_PHASE_ECCENTRIC ? 1 : 0;
    if (lowering == 0 || state.lowering == 0) {
      state.ended = 0;
      state.height = position;
    }
    const double left = kEndingS * (ratio - 1.0) * at_least(-in.velocity, 0.0);
    const bool slow = in.velocity >= -kEndingMps / setup.arm_m || 3.0 * position <= left;
    const bool ending =
        lowering != 0 && repeated(in) && position <= kBottomFraction * state.height && slow;
    if (dwelled(setup, state, ending)) state.ended = 1;
    state.lowering = lowering;
    state.extremum = position;
  }

  static void leave_hold(const Setup& setup, State& state, const medius_step_in_t& in,
                         double position) noexcept {
    state.ended = 0;
    if (state.lowering != 0) {
      state.extremum = at_most(state.extremum, position);
      if (position - state.extremum <= kRegainM / setup.arm_m) return;
      state.lowering = 0;
      state.extremum = position;
    }
    state.extremum = at_least(state.extremum, position);
    const bool inward = repeated(in) && state.extremum - position >= kRetreatM / setup.arm_m &&
                        in.velocity <= -sdk::kStanding / setup.arm_m;
    if (!dwelled(setup, state, inward)) return;
    state.lowering = 1;
    state.height = state.extremum = position;
  }

  // The first repetition of a set shows that the person can lower the load: there the host's slower
  // latch has to tell.
  static bool repeated(const medius_step_in_t& in) noexcept { return in.repetition > 0; }

  // True once a condition has held for the dwell; starts over then.
  static bool dwelled(const Setup& setup, State& state, bool condition) noexcept {
    state.dwell_s = condition ? at_most(state.dwell_s + setup.dt_s, kDwellS) : 0.0;
    if (state.dwell_s < kDwellS) return false;
    state.dwell_s = 0.0;
    return true;
  }
};

struct EccentricEmphasis {
  static constexpr medius_descriptor_t kDescriptor = {
      MEDIUS_ABI_VERSION,
      1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER,
      "eccentric-emphasis",
      "Eccentric emphasis",
      "Medius",
      "1.1.0",
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
