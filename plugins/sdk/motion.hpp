// What several laws ask about the motion: is the person standing, how far is the range, how fast
// was the last lift.
#pragma once

#include <cstdint>

#include "controller/base/clamp.hpp"
#include "plugins/abi/medius/plugin.h"
#include "plugins/sdk/blend.hpp"

namespace medius::sdk {

// Slower than this is standing, m/s | rad/s: the force may not rise on somebody who does not move.
// An unknown speed counts as standing.
inline constexpr double kStanding = 0.02;

[[nodiscard]] constexpr bool standing(const medius_step_in_t& in) noexcept {
  return !(absolute(in.velocity) >= kStanding);
}

// A blend's next step, that may fall and never rises while the person stands.
[[nodiscard]] constexpr Blend no_rise_standing(const medius_step_in_t& in, Blend next,
                                               Blend from) noexcept {
  return standing(in) && next.value > from.value ? Blend{from.value, 0.0} : next;
}

[[nodiscard]] constexpr bool at_the_bottom(const medius_step_in_t& in) noexcept {
  return in.phase == MEDIUS_PHASE_REST || in.phase == MEDIUS_PHASE_BOTTOM;
}

// Position with a number in it, 0 below the bottom. Beyond 10 no machine of ours can be.
[[nodiscard]] constexpr double travel(const medius_step_in_t& in) noexcept {
  return clamped(in.position, 0.0, 10.0);
}

// ---- range of motion -----------------------------------------------------------------------
// The host's reference range moves from repetition to repetition and may come late. A law over the
// range uses this follower: it moves only while the person does, so that nothing rises on somebody
// who stands.
struct FollowedRange {
  double range = 0.0;   // m | rad; 0 = never known
  double weight = 0.0;  // 0: the range is not known, be plain; 1: it is
};

inline constexpr double kRangeRate = 0.1;        // of itself, per s
inline constexpr double kRangeWeightRate = 1.0;  // per s
inline constexpr double kRangeLeast = 0.01;      // m | rad: less is no range of motion

inline void follow_range(const medius_step_in_t& in, double dt_s, FollowedRange& state) noexcept {
  if (standing(in)) return;
  const bool known = in.range >= kRangeLeast && is_finite(in.range);
  if (known && !(state.weight > 0.0)) state.range = in.range;
  if (known) state.range = approach(state.range, in.range, kRangeRate * state.range * dt_s);
  state.weight = approach(state.weight, known ? 1.0 : 0.0, kRangeWeightRate * dt_s);
}

[[nodiscard]] constexpr bool valid(const FollowedRange& state) noexcept {
  return state.range >= 0.0 && is_finite(state.range) && state.weight >= 0.0 &&
         state.weight <= 1.0 && (state.weight == 0.0 || state.range >= kRangeLeast);
}

// ---- speed of the lifts --------------------------------------------------------------------
// Mean concentric speed of each repetition: rise over time in the concentric phase. A pause at the
// peak does not count, one on the way does.
struct LiftMeter {
  double start = 0.0;  // position where the lift began
  double rise = 0.0;   // highest since
  double time_s = 0.0;
  double speed = 0.0;  // of the last lift that ended; 0 = none, or it was a partial one
  std::uint64_t lifting = 0;
};

inline constexpr double kFullLift = 0.7;      // of the range: less is a partial repetition
inline constexpr double kLeastLift = 0.05;    // m | rad, while the range is not known
inline constexpr double kLongestLift = 60.0;  // s

inline void measure_lift(const medius_step_in_t& in, double dt_s, LiftMeter& meter) noexcept {
  const double position = clamped(in.position, -10.0, 10.0);
  if (in.phase == MEDIUS_PHASE_CONCENTRIC) {
    if (meter.lifting == 0) meter = {position, 0.0, 0.0, meter.speed, 1};
    meter.time_s = at_most(meter.time_s + dt_s, kLongestLift);
    meter.rise = at_least(position - meter.start, meter.rise);
  } else if (meter.lifting != 0 && in.phase != MEDIUS_PHASE_HOLD) {
    const double least = in.range > 0.0 ? at_most(kFullLift * in.range, 10.0) : kLeastLift;
    meter.lifting = 0;
    meter.speed = meter.rise >= least && meter.time_s > 0.0 ? meter.rise / meter.time_s : 0.0;
  }
}

[[nodiscard]] constexpr bool valid(const LiftMeter& meter) noexcept {
  return absolute(meter.start) <= 10.0 && meter.rise >= 0.0 && meter.rise <= 20.0 &&
         meter.time_s >= 0.0 && meter.time_s <= kLongestLift && meter.speed >= 0.0 &&
         meter.speed <= 1e6 && meter.lifting <= 1;
}

}  // namespace medius::sdk
