// Random mixed sets of movement for the motion rig: full and partial repetitions, pauses, double
// bounces, tugs while setting up, momentum, early reversals, failures and releases.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/lifter/lifter.hpp"
#include "sim/world/rig_bench.hpp"

namespace medius::bench {

// A movement as it was meant. What it is for the counter follows from its rise over the range.
enum class Meant : std::uint8_t { kFull, kPartial, kNone };

// Which movement: the motion rig's usual one, its explosive one (lifting up to 2 m/s, lowering to
// 1.5 m/s, bounces that slacken a light load), or a person's, by exercise and preset.
enum class Corpus : std::uint8_t { kRig = 0, kExplosive };

struct CorpusSet {
  std::vector<sim::RigMove> script;
  std::vector<Meant> meant;   // in order, repetitions and what is none
  double range_m = 0.0;       // the person's own
  double told_range_m = 0.0;  // what the tracker is told; 0 = nothing
  double load_n = 40.0;
  double eccentric_ratio = 1.0;
  double sway_m = 0.0, tremor_m = 0.0, sway_phase_rad = 0.0;
  double release_after_s = -1.0;  // < 0: never
  bool clean = false;             // full repetitions only
  [[nodiscard]] int count(Meant kind) const;
};

[[nodiscard]] CorpusSet random_set(std::uint64_t seed, Corpus corpus = Corpus::kRig);

// A person's random set: with events for every third repetition, or clean.
struct LifterSet {
  sim::RigBenchOptions::Lifting lifting;
  double range_m = 0.0;       // of the ring, as intended
  double told_range_m = 0.0;  // as in CorpusSet
  double load_n = 30.0;
  bool clean = false;
};
[[nodiscard]] LifterSet random_lifter_set(sim::Exercise exercise, sim::Preset preset,
                                          std::uint64_t seed);

}  // namespace medius::bench
