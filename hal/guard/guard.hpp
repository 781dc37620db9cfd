// The guard's decision: whether the safe-state output may be held. A pure state machine; whoever
// runs it brings the heartbeat and a clock. The same class runs in medius-guard and in the
// simulated world.
#pragma once

#include <cstdint>

#include "hal/guard/heartbeat.hpp"

namespace medius::guard {

struct GuardConfig {
  // A beat older than this is no beat. Two missed ticks happen and only freeze increases; after
  // five the loop would unload anyway. Half a period before that, so that with a look every half
  // period the output is starved within 5 ms of the last tick.
  std::int64_t stopped_ns = 4'500'000;
  // A tick wakes up after its nominal time, never before: half a period ahead is another clock.
  std::int64_t ahead_ns = 500'000;
};

// With a simulated machine in lockstep the beats and the guard count the machine's own time from
// different beginnings; a look may see a beat and its successor as one.
inline constexpr std::int64_t kLockstepAheadNs = 2'500'000;

struct GuardInput {
  bool readable = false;  // the page is there and was read whole
  Beat beat;
  // The guard's own clock, read before and after the beat: a stall in between then neither makes
  // the beat look late nor early.
  std::int64_t before_ns = 0;
  std::int64_t after_ns = 0;
};

struct GuardState {
  Phase phase = Phase::kWaiting;
  Doubt doubt = Doubt::kNoDaemon;
  Doubt latched_for = Doubt::kNone;
  std::uint64_t starves = 0;      // how often a doubt has latched
  std::uint64_t epoch = 0;        // watched now or last
  std::uint64_t refused = 0;      // latched against: does not come back
  std::uint64_t candidate = 0;    // epoch that has not yet been seen to move
  std::uint64_t first_index = 0;  // of the candidate
  std::uint64_t index = 0;        // last beat
  std::int64_t nominal_ns = 0;    // last beat
  std::int64_t moved_ns = 0;      // own clock when the last new beat was seen
  std::int64_t offset_ns = 0;     // lockstep: beat's time minus own time, when watching began
  std::int64_t clock_ns = 0;      // last look
  std::uint32_t resets_base = 0;  // a local reset counts from here on
  bool looked = false;
  bool held = false;  // the output, at some time in this epoch
};

// [any] One look. True: hold the output. False: starve it.
//
// After a doubt the guard holds again only when another epoch beats (the daemon was started anew)
// and a local reset was seen in it. A guard that has just started asks for a local reset too. A
// daemon that falters before the output was ever held is only waited for: nothing was at stake.
[[nodiscard]] bool look(const GuardConfig& config, GuardState& state,
                        const GuardInput& input) noexcept;

// [any] Starves, also for a reason outside the heartbeat, e.g. the output device.
void give_up(GuardState& state, Doubt doubt) noexcept;

}  // namespace medius::guard
