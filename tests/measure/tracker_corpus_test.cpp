// The counter over many random sets, and the direction latch over its dwell: the figures behind the
// constants of TrackerConfig.
#include <algorithm>
#include <array>
#include <cstdio>

#include <gtest/gtest.h>

#include "tests/measure/trace.hpp"

namespace medius {
namespace {

using measure::RepKind;
using measure::TrackerConfig;
using test::Disturbance;
using test::Trace;

struct RandomSet {
  Trace trace;
  double range_m = 0.0;      // the person's own
  double reference_m = 0.0;  // what the counter is told; 0 = nothing
  std::uint32_t full = 0, partial = 0;
};

// Up or down in two pieces with a pause between them.
void move_with_pause(Trace& trace, double distance_m, double seconds, Random& random) {
  const double part = random.uniform(0.25, 0.75);
  trace.move_to(trace.here_m() + part * distance_m, std::max(0.3, part * seconds));
  trace.hold(random.uniform(0.5, 2.0));
  trace.move_to(trace.here_m() + (1.0 - part) * distance_m, std::max(0.3, (1.0 - part) * seconds));
}

void random_rep(RandomSet& set, double range_m, double slowness, Random& random) {
  Trace& trace = set.trace;
  const auto time_s = [&](double seconds) {
    return std::max(0.3, seconds * (1.0 + 0.08 * random.normal()));
  };
  double rise_m = range_m * std::max(0.85, 1.0 + 0.04 * random.normal());
  const bool partial = random.chance(0.08);
  if (partial) rise_m = set.range_m * random.uniform(0.30, 0.55);  // of the rested range
  ++(partial ? set.partial : set.full);
  const double up_s = slowness * time_s(2.0);
  if (random.chance(0.08)) {
    move_with_pause(trace, rise_m, up_s, random);
  } else {
    trace.move_to(trace.here_m() + rise_m, up_s);
  }
  trace.hold(random.chance(0.1) ? random.uniform(0.0, 4.0) : time_s(1.0));
  if (random.chance(0.06)) {  // one more pulse at the top
    const double dip_m = rise_m * random.uniform(0.10, 0.35);
    trace.move_to(trace.here_m() - dip_m, 0.5);
    trace.move_to(trace.here_m() + dip_m, 0.5);
  }
  const double rest_m = range_m * 0.01 * random.normal();  // not quite the same bottom
  if (random.chance(0.08)) {
    move_with_pause(trace, -trace.here_m() + rest_m, time_s(3.0), random);
  } else {
    trace.move_to(rest_m, random.chance(0.04) ? 0.5 : time_s(3.0));
  }
  if (random.chance(0.06)) {  // bounces on the cable
    trace.hold(0.1);
    trace.bump(0.12 * range_m, 0.3);
    trace.bump(0.06 * range_m, 0.3);
  }
  trace.hold(random.chance(0.1) ? random.uniform(1.0, 4.0) : time_s(0.4));
}

RandomSet random_set(std::uint64_t seed) {
  Random random(seed);
  RandomSet set;
  set.range_m = random.uniform(0.20, 0.50);
  if (random.chance(0.75)) {
    set.reference_m = set.range_m * std::clamp(1.0 + 0.05 * random.normal(), 0.88, 1.12);
  }
  set.trace.hold(random.uniform(0.5, 3.0));
  if (random.chance(0.5)) {  // setting up: a tug on the cable
    set.trace.bump(set.range_m * random.uniform(0.05, 0.15), random.uniform(0.4, 1.0));
    set.trace.hold(random.uniform(0.3, 1.5));
  }
  const int reps = 6 + static_cast<int>(random.below(10));
  const double tiring = random.uniform(0.0, 0.03);
  for (int i = 0; i < reps; ++i) {
    random_rep(set, set.range_m * (1.0 - tiring * i), 1.0 + 2.0 * tiring / 0.03 * i / reps, random);
    if (random.chance(0.04)) set.trace.bump(random.uniform(-0.02, 0.02), 0.16);  // a jerk
  }
  if (random.chance(0.15)) {  // the last one fails: up, stuck, sinks
    set.trace.move_to(set.trace.here_m() + set.range_m * random.uniform(0.35, 0.50), 2.0);
    set.trace.hold(random.uniform(0.2, 1.0));
    set.trace.move_to(0.0, 2.0);
    ++set.partial;
  }
  set.trace.hold(2.0);
  const Disturbance with{0.004, random.uniform(0.0, 0.04), 0.002, 0.0};
  test::disturb(set.trace.points, with, random);
  return set;
}

TEST(RepetitionCounter, CountsFifteenHundredRandomSets) {
  constexpr int kSets = 1500;
  int exact_full = 0;
  int exact_partial = 0;
  std::uint32_t full = 0;
  std::uint32_t wrong = 0;
  for (int seed = 1; seed <= kSets; ++seed) {
    const RandomSet set = random_set(static_cast<std::uint64_t>(seed));
    const auto result = test::track(set.trace.points, set.reference_m);
    const std::uint32_t counted = result.tracker.reps_counted();
    full += set.full;
    wrong += counted > set.full ? counted - set.full : set.full - counted;
    if (counted == set.full) ++exact_full;
    if (result.tracker.reps_partial() == set.partial) ++exact_partial;
  }
  const double sets_percent = 100.0 * exact_full / kSets;
  const double reps_percent = 100.0 * wrong / full;
  const double partial_percent = 100.0 * exact_partial / kSets;
  std::printf(
      "%d sets, %u full repetitions: full count exact in %.2f %% of the sets, wrong by "
      "%.3f %% of the repetitions; partial count exact in %.2f %%\n",
      kSets, full, sets_percent, reps_percent, partial_percent);
  RecordProperty("exact_full_percent", std::to_string(sets_percent));
  EXPECT_GE(sets_percent, 99.0);
  EXPECT_LE(reps_percent, 0.2);
  EXPECT_GE(partial_percent, 98.0);
}

struct DwellRow {
  int exact = 0;           // sets with exactly 24 changes
  int most = 0;            // changes in the worst set
  double latency_s = 0.0;  // mean, from the true crossing of 0.02 m/s inward to the latch
};

// 12 repetitions 2-1-3 with tremor and sway, and a jerk of up to 14 mm in some of the holds.
DwellRow dwell_row(int dwell_ticks, int sets, double tremor_fraction, bool jerks) {
  DwellRow row;
  int changes = 0;
  TrackerConfig config;
  config.dwell_ticks = dwell_ticks;
  for (int seed = 1; seed <= sets; ++seed) {
    Random random(static_cast<std::uint64_t>(seed), 7);
    Trace trace;
    trace.hold(1.0);
    for (int i = 0; i < 12; ++i) {
      const bool jerk = jerks && random.chance(0.3);
      trace.rep(0.40, 2.0, 1.0, 3.0, 0.4, jerk ? random.uniform(-0.014, 0.014) : 0.0);
    }
    trace.hold(1.0);
    test::disturb(trace.points, {0.004, tremor_fraction, 0.003, 2e-5}, random);
    const auto result = test::track(trace.points, 0.40, config);
    const int count = static_cast<int>(result.tracker.direction_changes());
    if (count == 24) ++row.exact;
    row.most = std::max(row.most, count);
    for (std::size_t i = 0; count == 24 && i < 12; ++i) {
      row.latency_s += 1e-3 * (static_cast<double>(result.direction_ticks[2 * i + 1]) -
                               static_cast<double>(trace.reps[i].peak_end_tick));
      ++changes;
    }
  }
  if (changes > 0) row.latency_s /= changes;
  return row;
}

// The dwell costs its own length in the eccentric switch and is what keeps a jerk from being a
// phase.
TEST(DirectionLatch, NeedsItsDwellAgainstJerksAndPaysForItInLatency) {
  constexpr int kSets = 40;
  std::printf("dwell  tremor 12 %%: exact 24  worst   with jerks: exact 24  worst   latency\n");
  for (const int dwell : {0, 20, 30, 40, 60}) {
    const DwellRow calm = dwell_row(dwell, kSets, 0.12, false);
    const DwellRow jerky = dwell_row(dwell, kSets, 0.04, true);
    std::printf("%3d ms %15d/%d %6d %17d/%d %6d %8.0f ms\n", dwell, calm.exact, kSets, calm.most,
                jerky.exact, kSets, jerky.most, 1e3 * calm.latency_s);
    if (dwell == TrackerConfig{}.dwell_ticks) {
      EXPECT_EQ(calm.exact, kSets);
      EXPECT_EQ(jerky.exact, kSets);
      EXPECT_LT(calm.latency_s, 0.20);
    }
    if (dwell == 0) {
      EXPECT_LT(jerky.exact, kSets) << "the dwell would not be needed";
    }
  }
}

}  // namespace
}  // namespace medius
