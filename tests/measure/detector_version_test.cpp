// Recordings name the version of the detector that counted them. Whoever changes what it makes of
// the same samples has to raise the version, or a replay would call the change a fault.
#include <cstdio>

#include <gtest/gtest.h>

#include "controller/base/random.hpp"
#include "controller/base/trace_hash.hpp"
#include "tests/measure/trace.hpp"

namespace medius::measure {
namespace {

constexpr std::uint16_t kVersion = 4;
constexpr std::uint64_t kOutput = 0x20f106fe3040c4d0;  // of that version; a run prints it

void add(TraceHash& hash, const TrackerOutput& output, const Tracker& tracker) {
  hash.add(static_cast<std::uint64_t>(output.phase));
  hash.add(std::uint64_t{output.direction_changed} |
           std::uint64_t{output.concentric_validated} << 1 | std::uint64_t{output.rep_closed} << 2);
  hash.add(tracker.bottom_position());
  hash.add(tracker.range_reference());
  if (!output.rep_closed) return;
  const RepBoundary& rep = output.rep;
  for (const std::uint64_t word :
       {std::uint64_t{rep.index}, static_cast<std::uint64_t>(rep.kind),
        static_cast<std::uint64_t>(rep.rejection), std::uint64_t{rep.provisional}, rep.start_tick,
        rep.peak_start_tick, rep.peak_end_tick, rep.end_tick}) {
    hash.add(word);
  }
  hash.add(rep.peak_position);
  hash.add(rep.end_position);
}

// Full and partial repetitions, holds, jerks, stances that move, a pause of the count, slack, and a
// drive that is lost, with noise on top.
std::uint64_t output_of(const TrackerConfig& config) {
  TraceHash hash;
  for (std::uint64_t seed = 1; seed <= 16; ++seed) {
    Random random(seed);
    test::Trace trace;
    trace.hold(1.0);
    // The first one ends, or pauses, higher than it began.
    if (seed % 3 == 0) {
      trace.move_to(0.35, 1.0);
      trace.hold(0.3);
      trace.move_to(random.uniform(0.010, 0.050), 0.8);
      trace.hold(random.uniform(0.1, 0.9));
      trace.move_to(random.uniform(-0.01, 0.02), 0.5);
      trace.hold(0.4);
    }
    for (int i = 0; i < 10; ++i) {
      const double rise_m = random.below(4) == 0 ? random.uniform(0.04, 0.2) : 0.4;
      // One after the other: arguments are evaluated in any order.
      const double up_s = random.uniform(0.6, 2.5);
      const double hold_s = random.uniform(0.0, 1.5);
      const double down_s = random.uniform(0.6, 3.0);
      const double bottom_s = random.uniform(0.1, 1.5);
      trace.rep(rise_m, up_s, hold_s, down_s, bottom_s, random.below(3) == 0 ? 0.014 : 0.0);
      // Up again before it is all the way down, and a stance that has moved.
      if (random.below(2) == 0) trace.bump(random.uniform(0.02, 0.3), 1.0);
      if (random.below(3) == 0) trace.move_to(random.uniform(-0.05, 0.12), 0.8);
      // A stop about where a way back is enough for a repetition.
      if (random.below(3) == 0) {
        const double bottom_m = trace.here_m();
        trace.move_to(bottom_m + 0.4, 1.0);
        trace.move_to(bottom_m + 0.4 - random.uniform(0.18, 0.28), 0.8);
        trace.move_to(trace.here_m() + random.uniform(0.03, 0.15), 0.5);
        trace.move_to(bottom_m, 0.8);
      }
    }
    Tracker tracker;
    tracker.start_set(config, seed % 2 == 0 ? 0.4 : 0.0);
    // On the way back the cable may be slack for a stretch.
    const double slack_above_m = seed % 4 == 1 ? random.uniform(0.2, 0.3) : 1.0;
    std::uint64_t tick = 100;
    for (const test::Point& point : trace.points) {
      TrackerInput input;
      input.tick = tick += random.below(2000) == 0 ? 140 : 1;
      input.position = point.position_m + 2e-4 * random.normal();
      input.velocity = point.velocity_mps + 5e-3 * random.normal();
      input.force_reference = seed % 4 == 2 && tick % 50 < 20 ? 13.0 : 60.0;  // may be shaken
      const bool slack = input.velocity < -0.05 && input.position > slack_above_m;
      input.force = tick % 9000 < 400 || slack ? 2.0 : 60.0;
      input.counting = tick % 15'000 > 600;
      input.relocated = tick % 21'000 == 0;
      add(hash, tracker.update(input), tracker);
    }
    tracker.end_set();
    add(hash, tracker.update({}), tracker);
  }
  return hash.value();
}

TEST(DetectorVersion, IsRaisedWithWhateverTheDetectorMakesOfTheSameSamples) {
  const std::uint64_t output = output_of({});
  std::printf("detector version %u: output %016llx\n", unsigned{kDetectorVersion},
              static_cast<unsigned long long>(output));
  EXPECT_EQ(output, kOutput) << "the detector sees the same samples otherwise: raise "
                                "kDetectorVersion, then kVersion and kOutput here";
  EXPECT_EQ(kDetectorVersion, kVersion) << "write down the output of the new version here";
}

TEST(DetectorVersion, WouldBeNoticedToBeDueWhenANumberOfTheDetectorChanged) {
  const std::uint64_t output = output_of({});
  TrackerConfig later;
  later.dwell_ticks += 1;
  EXPECT_NE(output_of(later), output);
  TrackerConfig slower;
  slower.close_confirm_ticks += 1;
  EXPECT_NE(output_of(slower), output);
  TrackerConfig stricter;
  stricter.full_fraction += 0.05;
  EXPECT_NE(output_of(stricter), output);
}

}  // namespace
}  // namespace medius::measure
