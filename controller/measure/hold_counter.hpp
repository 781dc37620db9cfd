// Counts the holds of an isometric set: pulls that lasted as long as was asked for.
#pragma once

#include <cstdint>

namespace medius::measure {

struct HoldCounterConfig {
  double hold_s = 0.0;        // 0 = the set has repetitions, no holds
  double pull_force = 20.0;   // N | Nm above which somebody pulls ...
  double slack_force = 16.0;  // ... and below which they have stopped
  double stop_s = 0.2;        // for so long: the hold is over
  double full_share = 0.9;    // a hold of this share of hold_s counts: people count seconds badly
  double dt_s = 1e-3;
};

struct HoldCounterState {
  double pulled_s = 0.0;  // of the hold under way; 0 = none
  double slack_s = 0.0;
  std::uint32_t counted = 0;
  std::uint32_t partial = 0;  // let go too early
};

// [rt] One tick. A hold counts when it ends, so that nobody is unloaded in the middle of a pull.
inline void count_hold(const HoldCounterConfig& config, double force, bool counting,
                       HoldCounterState& state) noexcept {
  const bool under_way = state.pulled_s > 0.0;
  if (!counting && !under_way) return;
  const bool pulls = force > (under_way ? config.slack_force : config.pull_force);
  if (pulls && counting) {
    state.pulled_s += state.slack_s + config.dt_s;
    state.slack_s = 0.0;
    return;
  }
  if (!under_way) return;
  state.slack_s += config.dt_s;
  if (counting && state.slack_s < config.stop_s) return;
  ++(state.pulled_s >= config.full_share * config.hold_s ? state.counted : state.partial);
  state.pulled_s = state.slack_s = 0.0;
}

}  // namespace medius::measure
