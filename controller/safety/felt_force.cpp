// Stage 1 of the kernel: what the person may feel.
#include "controller/base/det_math.hpp"
#include "controller/safety/kernel.hpp"
#include "controller/safety/limits.hpp"

namespace medius::safety {
namespace {

// R2 and a stop have 500 ms to the cuff; the drive, the cable and the person's give take the rest.
constexpr double kSoftUnloadS = 0.4;
// A soft unload from just above slack tension still ends soon: 50 N a second.
constexpr double kSoftUnloadMinOverRise = 0.1;
// An empty tank takes the excess away at 100 N a second, or the whole of a larger one in a second.
constexpr double kTankFadeOverRise = 0.2, kTankFadePerS = 1.0;
constexpr double kTankStoreEfficiency = 0.9;  // of what the person puts in above the base force
constexpr double kTankAllowanceMargin = 1.2;  // a fifth above one repetition's excess
constexpr double kTankSizeOverAllowance = 1.5;
// Rounding in a profile's own filters is clipped; a wish further out than this is a broken profile.
constexpr double kWishTolerance = 1.0;
// No machine of ours moves this fast; keeps a wild but finite speed from overflowing the tank.
constexpr double kSpeedSane = 50.0;
// A decrease must not hang on a configured ramp: any ankle load is off within two seconds.
constexpr double kLoadFallMinPerS = 50.0;

// Where stage 1 stands in one tick, after every input has been made a number.
struct Felt {
  double dt_s, limit, base, velocity, slack_tension, ratio;
  bool velocity_known;
};

Felt sanitised(const AxisBounds& bounds, const UserLimits& user, const FeltInput& input) noexcept {
  Felt f{};
  f.dt_s = step_time(input.dt_s);
  f.limit = smaller(bounds.force_max, user.force_max);
  f.base = clamped(finite_or_zero(input.base_force), 0.0, f.limit);
  f.velocity_known = is_finite(input.velocity);
  f.velocity = clamped(finite_or_zero(input.velocity), -kSpeedSane, kSpeedSane);
  f.slack_tension = clamped(input.pretension, 0.0, smaller(bounds.pretension_max, f.limit));
  f.ratio = at_least(smaller(user.eccentric_ratio_max, bounds.eccentric_ratio_max), 1.0);
  return f;
}

// J for each m | rad of range: what an eccentric phase at the user's ratio may give back.
double allowance_per_travel(const Felt& f) noexcept {
  return (f.ratio - 1.0) * f.base * kTankAllowanceMargin;
}

// Counts the excess over the base force in and out, and refills the tank once a repetition. The
// tracker's word is not enough: the cable must have gone out, and only what went out is credited.
void account_energy(const AxisBounds& bounds, const Felt& f, const FeltInput& input,
                    FeltState& state) noexcept {
  const double moved = f.velocity * f.dt_s;
  const double efficiency = moved > 0.0 ? kTankStoreEfficiency : 1.0;
  const double rise_needed = bound(bounds.refill_rise);
  state.tank_energy = finite_or_zero(state.tank_energy);
  // Pretension is no excess: what it reels in before a set is no debt of the set.
  const double slack = input.load_state == LoadState::kTakeUp ? f.slack_tension : 0.0;
  state.tank_energy += at_least(state.force - at_least(f.base, slack), 0.0) * moved * efficiency;
  state.travel += moved;
  state.low = at_most(state.low, state.travel);
  state.high = at_least(state.high, state.travel);

  const bool edge = input.concentric_validated && !state.was_validated;
  state.was_validated = input.concentric_validated;
  if (edge && !state.refilled && state.travel - state.low >= rise_needed) {
    state.refilled = true;
    state.credited = 0.0;
    state.high = state.travel;
  }
  const double rise = state.high - state.low;
  if (state.refilled && rise > state.credited) {
    state.tank_energy += allowance_per_travel(f) * (rise - state.credited);
    state.credited = rise;
  }
  if (state.refilled && state.travel < state.high - rise_needed) {
    state.refilled = false;
    state.low = state.high = state.travel;
  }
  const double range =
      input.range > 0.0 && is_finite(input.range) ? input.range : at_least(rise, state.credited);
  state.tank_energy =
      at_most(state.tank_energy, kTankSizeOverAllowance * allowance_per_travel(f) * range);
}

// The most that may be felt in this phase, at this speed, with what is left in the tank.
double excess_ceiling(const AxisBounds& bounds, const Felt& f, const FeltInput& input,
                      const FeltState& state, std::uint32_t& cause) noexcept {
  using measure::Phase;
  double ceiling = f.limit;
  const bool effort = input.phase == Phase::kConcentric || input.phase == Phase::kHold;
  if (!effort && input.phase != Phase::kEccentric) {
    // At rest, at the bottom and in slack an excess may fade, never rise; but for a resistance to
    // the person's own way out, which they pay for as they go (excess x velocity > 0: a damper
    // gives no energy), no steeper than the governor's. Standing still, or without a speed, that is
    // nothing.
    const double resisting = bound(bounds.governor_gain) * at_least(f.velocity, 0.0);
    ceiling = at_most(ceiling, at_least(state.force, f.base + resisting));
    if (input.phase == Phase::kSlack) ceiling = at_most(ceiling, bound(bounds.pretension_max));
    cause = kLimitPhaseGate;
  }
  if (!effort && f.ratio * f.base < ceiling) {
    ceiling = f.ratio * f.base;
    cause = kLimitPhaseGate;
  }
  if (f.velocity < 0.0 || state.tank_energy < 0.0 || !f.velocity_known) {
    // The largest excess that can fade out at rate r before the tank is empty: E = excess^2 |v| /
    // 2r.
    const double speed = at_least(absolute(f.velocity), 0.4 * bound(bounds.release_speed));
    const double fade = at_least(bound(bounds.felt_rise_per_s) * kTankFadeOverRise,
                                 kTankFadePerS * (f.ratio - 1.0) * f.base);
    const double energy = f.velocity_known ? at_least(state.tank_energy, 0.0) : 0.0;
    const double excess = speed > 0.0 ? det::sqrt(2.0 * fade * energy / speed) : 0.0;
    if (f.base + excess < ceiling) {
      ceiling = f.base + excess;
      cause = kLimitTank;
    }
  }
  return ceiling;
}

// The wish, made harmless; the base force stands in for one that is refused.
double accepted_wish(const AxisBounds& bounds, const Felt& f, const FeltInput& input,
                     const FeltState& state, FeltOutput& out) noexcept {
  const bool in_range =
      input.wish >= -kWishTolerance && input.wish <= bound(bounds.force_max) + kWishTolerance;
  if (input.wish_valid && !in_range) {
    out.fault = is_finite(input.wish) ? FaultCode::kPluginOutOfRange : FaultCode::kPluginNotFinite;
  }
  const bool accepted = input.wish_valid && in_range;
  if (!accepted) out.limits |= kLimitWish;
  const double wish = accepted ? input.wish : f.base;
  std::uint32_t cause = kLimitForce;
  const double ceiling = excess_ceiling(bounds, f, input, state, cause);
  if (wish > ceiling) out.limits |= cause;
  if (wish < 0.0) out.limits |= kLimitForce;
  return clamped(wish, 0.0, ceiling);
}

}  // namespace

double gate_load(const LoadGateInput& input, LoadGateState& state) noexcept {
  using measure::Phase;
  const double dt_s = step_time(input.dt_s);
  const bool at_bottom = input.phase == Phase::kRest || input.phase == Phase::kBottom;
  state.applied = bound(state.applied);
  state.target = bound(state.target);
  state.requested = bound(state.requested);
  if (is_finite(input.requested)) state.requested = at_least(input.requested, 0.0);
  const bool may_rise = at_bottom && !input.increases_frozen;
  if (may_rise || !(state.requested > state.target)) state.target = state.requested;

  const double ramp = bound(input.ramp_per_s);
  if (state.target < state.applied) {
    state.applied = at_least(state.applied - at_least(ramp, kLoadFallMinPerS) * dt_s, state.target);
  } else if (may_rise || (input.phase == Phase::kConcentric && !input.increases_frozen)) {
    state.applied = at_most(state.applied + ramp * dt_s, state.target);
  }
  return state.applied;
}

FeltOutput limit_felt_force(const AxisBounds& bounds, const UserLimits& user,
                            const FeltInput& input, FeltState& state) noexcept {
  FeltOutput out;
  if (input.load_state == LoadState::kOff || input.reaction >= Reaction::kTorqueOff) {
    state = FeltState{};
    return out;
  }
  const Felt f = sanitised(bounds, user, input);
  if (!f.velocity_known || !is_finite(input.base_force)) out.fault = FaultCode::kNotFinite;
  const double last = clamped(finite_or_zero(state.force), 0.0, f.limit);
  double rise = bound(bounds.felt_rise_per_s) * f.dt_s;
  double fall = bound(bounds.felt_fall_per_s) * f.dt_s;
  double target = 0.0;
  const bool unloading =
      input.reaction >= Reaction::kSoftUnload || input.load_state == LoadState::kUnloading;
  if (input.reaction >= Reaction::kFastUnload) {
    fall *= kFastUnloadOverFall;
  } else if (unloading) {
    target = at_most(f.slack_tension, last);
    const double least = bound(bounds.felt_rise_per_s) * kSoftUnloadMinOverRise;
    const double rate = at_least((last - target) / kSoftUnloadS, least);
    if (!(state.unload_rate > 0.0)) state.unload_rate = rate;
    fall = at_most(state.unload_rate * f.dt_s, fall);
  } else if (input.load_state == LoadState::kTakeUp) {
    target = f.slack_tension;
    rise *= kEngageOverRise;
    state.tank_energy = at_most(state.tank_energy, 0.0);
  } else {
    target = accepted_wish(bounds, f, input, state, out);
  }
  if (!unloading) state.unload_rate = 0.0;

  const bool no_rise = input.reaction >= Reaction::kFreezeIncreases ||
                       !(f.velocity <= bound(bounds.outward_hold_speed)) || !f.velocity_known;
  const double highest = no_rise ? last : last + rise;
  if (target > highest || target < last - fall) out.limits |= kLimitSlew;
  state.force = clamped(clamped(target, last - fall, highest), 0.0, f.limit);
  account_energy(bounds, f, input, state);
  out.force = state.force;
  return out;
}

}  // namespace medius::safety
