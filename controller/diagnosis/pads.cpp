#include "controller/diagnosis/pads.hpp"

#include <algorithm>

#include "controller/base/clamp.hpp"

namespace medius::diagnosis {

using safety::FaultCode;
using safety::LoadState;

namespace {

constexpr int kStuckTicks = 200;  // an amplifier's noise never repeats so often
constexpr int kPushTicks = 20;
// A pad carries nothing below 3 N (lever_limits: sign_tension) and a twentieth of the load: a leg
// of 30 kg cushioned by its pad swings against it longer than a fortieth of a second.
constexpr double kOffShare = 0.05;
constexpr int kOffTicks = 60;
// A light load is no harm to the other leg, and at pretension two legs are hard to tell from one:
// 27 N at the pads, nine times the least that counts as carrying.
constexpr double kOffLoadOverLeast = 9.0;
// Held again: for as long as a person needs to settle on a pad.
constexpr int kHeldTicks = 200;

bool lasts(bool condition, int ticks, int& counter) noexcept {
  counter = condition ? std::min(counter + 1, ticks) : 0;
  return counter >= ticks;
}

FaultCode check_cell(const SignalLimits& limits, const PadInput& input, std::size_t pad,
                     PadState& state) noexcept {
  if (!input.fresh[pad]) return FaultCode::kNone;
  const double force = input.force[pad];
  const bool same = force == state.force[pad] && force > limits.sign_tension;
  state.force[pad] = force;
  if (lasts(same, kStuckTicks, state.same[pad])) return FaultCode::kLoadCellStuck;
  // A pad cannot pull a leg. A value that is no number is none above the limit either.
  if (lasts(!(force >= -limits.push_max), kPushTicks, state.push[pad])) {
    return FaultCode::kLoadCellImplausible;
  }
  return FaultCode::kNone;
}

}  // namespace

PadOutput check_pads(const SignalLimits& limits, const PadInput& input, PadState& state) noexcept {
  PadOutput out;
  if (input.load_state == LoadState::kOff) {
    PadState fresh;
    for (std::size_t pad = 0; pad < input.force.size(); ++pad) {
      fresh.force[pad] = input.fresh[pad] ? input.force[pad] : state.force[pad];
    }
    state = fresh;
    return out;
  }
  FaultCode fault = FaultCode::kNone;
  const double least = limits.sign_tension + kOffShare * at_least(input.felt_force, 0.0);
  const bool loaded = input.load_state == LoadState::kLoaded &&
                      input.felt_force > kOffLoadOverLeast * limits.sign_tension;
  bool both_held = true;
  for (std::size_t pad = 0; pad < input.force.size(); ++pad) {
    const FaultCode cell = check_cell(limits, input, pad, state);
    if (cell != FaultCode::kNone) fault = cell;
  }
  for (std::size_t pad = 0; pad < input.force.size(); ++pad) {
    const bool empty = !(state.force[pad] > least);
    const bool other_full = state.force[1 - pad] > least;
    out.one_leg = out.one_leg || (loaded && empty && other_full);
    if (lasts(loaded && empty && other_full, kOffTicks, state.off[pad])) state.leg_off = true;
    both_held = both_held && state.force[pad] > limits.sign_tension;
  }
  if (lasts(both_held, kHeldTicks, state.held)) state.leg_off = false;
  // A broken cell has to be looked at; a leg only has to come back.
  if (fault == FaultCode::kNone && state.leg_off) fault = FaultCode::kLegOffPad;
  out.cause = safety::caused_by(fault);
  return out;
}

}  // namespace medius::diagnosis
