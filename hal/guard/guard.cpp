#include "hal/guard/guard.hpp"

namespace medius::guard {
namespace {

void begin_watching(GuardState& state, const GuardInput& input) noexcept {
  const Beat& beat = input.beat;
  // Nobody watched this epoch's beginning when the guard is new: only a reset from now on counts.
  const bool first = state.epoch == 0;
  if (beat.epoch != state.epoch) {
    state.resets_base = first ? beat.resets : 0;
    state.held = false;
  }
  state.phase = Phase::kWatching;
  state.epoch = beat.epoch;
  state.index = beat.index;
  state.nominal_ns = beat.nominal_ns;
  state.moved_ns = input.after_ns;
  state.offset_ns = beat.nominal_ns - input.before_ns;
}

// A dead daemon's page still shows its last beat: only one that moves is alive.
void wait_for_daemon(GuardState& state, const GuardInput& input) noexcept {
  if (!input.readable || input.beat.epoch == 0) return;
  // What was latched against does not come back.
  if (input.beat.epoch == state.refused) return;
  if (input.beat.epoch != state.candidate) {
    state.candidate = input.beat.epoch;
    state.first_index = input.beat.index;
    return;
  }
  if (input.beat.index > state.first_index) begin_watching(state, input);
}

Doubt judge(const GuardConfig& config, GuardState& state, const GuardInput& input) noexcept {
  const Beat& beat = input.beat;
  const bool lockstep = beat.lockstep != 0;
  if (input.readable) {
    if (beat.epoch != state.epoch) return Doubt::kEpoch;
    if (beat.index < state.index) return Doubt::kBackwards;
    const auto steps = static_cast<std::int64_t>(beat.index - state.index);
    if (beat.nominal_ns - state.nominal_ns != steps * kTickPeriodNs) return Doubt::kBackwards;
    const std::int64_t ahead_max_ns = lockstep ? kLockstepAheadNs : config.ahead_ns;
    const std::int64_t offset_ns = lockstep ? state.offset_ns : 0;
    if (beat.nominal_ns - offset_ns - input.after_ns > ahead_max_ns) return Doubt::kAhead;
    if (steps > 0) {
      state.index = beat.index;
      state.nominal_ns = beat.nominal_ns;
      state.moved_ns = input.after_ns;
    }
  }
  const std::int64_t last_ns = lockstep ? state.moved_ns : state.nominal_ns;
  if (input.before_ns - last_ns >= config.stopped_ns) return Doubt::kStopped;
  return Doubt::kNone;
}

}  // namespace

const char* to_string(Doubt doubt) noexcept {
  switch (doubt) {
    case Doubt::kNone:
      return "none";
    case Doubt::kNoDaemon:
      return "no daemon beats";
    case Doubt::kNoReset:
      return "a local reset is missing";
    case Doubt::kNotHeld:
      return "the loop wants no torque";
    case Doubt::kProof:
      return "proof test";
    case Doubt::kStopped:
      return "heartbeat stopped";
    case Doubt::kAhead:
      return "tick index ahead of the clock";
    case Doubt::kBackwards:
      return "tick index does not follow the last one";
    case Doubt::kClock:
      return "the guard's clock went back";
    case Doubt::kEpoch:
      return "another daemon beats";
    case Doubt::kOutput:
      break;
  }
  return "the output failed";
}

void give_up(GuardState& state, Doubt doubt) noexcept {
  state.doubt = doubt;
  state.candidate = 0;
  if (!state.held) {
    state.phase = Phase::kWaiting;
    return;
  }
  state.phase = Phase::kLatched;
  state.latched_for = doubt;
  state.refused = state.epoch;
  ++state.starves;
}

bool look(const GuardConfig& config, GuardState& state, const GuardInput& input) noexcept {
  const bool clock_back =
      input.after_ns < input.before_ns || (state.looked && input.before_ns < state.clock_ns);
  state.clock_ns = input.after_ns;
  state.looked = true;
  if (state.phase == Phase::kWatching) {
    const Doubt doubt = clock_back ? Doubt::kClock : judge(config, state, input);
    if (doubt != Doubt::kNone) give_up(state, doubt);
  } else {
    wait_for_daemon(state, input);
  }
  if (state.phase != Phase::kWatching) {
    if (state.phase == Phase::kWaiting) state.doubt = Doubt::kNoDaemon;
    return false;
  }
  const Beat& beat = input.beat;
  if (!input.readable) return state.doubt == Doubt::kNone;  // a write was under way: as before
  state.doubt = beat.prove                         ? Doubt::kProof
                : beat.resets <= state.resets_base ? Doubt::kNoReset
                : !beat.hold_relay                 ? Doubt::kNotHeld
                                                   : Doubt::kNone;
  if (state.doubt != Doubt::kNone) return false;
  state.latched_for = Doubt::kNone;
  state.held = true;
  return true;
}

}  // namespace medius::guard
