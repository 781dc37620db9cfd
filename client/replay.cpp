#include "client/replay.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include "controller/base/tick.hpp"
#include "medius/v1/station.pb.h"

namespace medius::client {
namespace {

// On the wire 0 is "unspecified": the recorded states begin one lower.
constexpr std::uint8_t kLoaded = v1::LOAD_STATE_LOADED - 1;

std::uint64_t distance(std::uint64_t a, std::uint64_t b) {
  return a > b ? a - b : b - a;
}

// Repetitions in order; a rejected one has an ordinal too.
void compare(const record::SetRecord& set, DetectorReplay& out) {
  const std::size_t count = std::min(set.reps.size(), out.reps.size());
  for (std::size_t i = 0; i < count; ++i) {
    const measure::RepMetrics& stored = set.reps[i];
    const measure::RepBoundary& again = out.reps[i];
    std::uint64_t off = 0;
    for (const auto& [a, b] : {std::pair{stored.start_tick, again.start_tick},
                               std::pair{stored.peak_start_tick, again.peak_start_tick},
                               std::pair{stored.peak_end_tick, again.peak_end_tick},
                               std::pair{stored.end_tick, again.end_tick}}) {
      off = std::max(off, distance(a, b));
    }
    out.boundary_ticks_max = std::max(out.boundary_ticks_max, off);
    if (off <= 1) ++out.same_reps;
  }
}

std::uint32_t phase_for_profile(measure::Phase phase) {
  return phase == measure::Phase::kSlack ? static_cast<std::uint32_t>(MEDIUS_PHASE_REST)
                                         : static_cast<std::uint32_t>(phase);
}

void take(const rt::SampleRecord& sample, double wish, WishReplay& out) {
  ++out.ticks;
  if (std::bit_cast<std::uint64_t>(wish) == std::bit_cast<std::uint64_t>(sample.force_wish)) {
    ++out.same_bits;
  }
  const double difference = wish - sample.force_wish;
  out.difference_rms += difference * difference;
  out.difference_max = std::max(out.difference_max, std::abs(difference));
  WishReplay::Mean& mean = out.phases[static_cast<measure::Phase>(sample.phase)];
  ++mean.ticks;
  mean.recorded_wish += sample.force_wish;
  mean.wish += wish;
  mean.measured += sample.force_measured;
}

void finish(WishReplay& out) {
  if (out.ticks > 0) {
    out.difference_rms = std::sqrt(out.difference_rms / static_cast<double>(out.ticks));
  }
  for (auto& [phase, mean] : out.phases) {
    const auto ticks = static_cast<double>(mean.ticks);
    mean.recorded_wish /= ticks;
    mean.wish /= ticks;
    mean.measured /= ticks;
  }
}

}  // namespace

Replay replay_set(const record::SetRecord& set, std::span<const rt::SampleRecord> samples,
                  const ReplayConfig& config, rt::ProfileInstance& profile) {
  Replay out;
  measure::Tracker tracker;
  tracker.start_set(config.tracker, 0.0);
  profile.reset();
  const rt::SampleRecord* before = nullptr;
  for (const rt::SampleRecord& sample : samples) {
    const bool loaded = sample.load_state == kLoaded;
    measure::TrackerInput input;
    input.tick = sample.tick;
    input.position = sample.position;
    input.velocity = sample.velocity;
    input.force = sample.force_measured;
    // The loop decides on what was felt a tick ago.
    input.force_reference = before != nullptr ? before->force_target : sample.force_target;
    input.counting = loaded;
    const measure::TrackerOutput tracked = tracker.update(input);
    if (tracked.rep_closed) out.detector.reps.push_back(tracked.rep);
    out.wish.wish.push_back(std::numeric_limits<double>::quiet_NaN());
    if (loaded) {
      medius_step_in_t step{};
      step.size = sizeof step;
      step.phase = phase_for_profile(static_cast<measure::Phase>(sample.phase));
      step.tick = sample.tick;
      step.dt_s = kTickPeriodS;
      step.base_force = sample.base_load;
      step.position = sample.position - tracker.bottom_position();
      step.velocity = sample.velocity;
      step.acceleration =
          before != nullptr ? (sample.velocity - before->velocity) / kTickPeriodS : 0.0;
      step.force = sample.force_measured;
      step.range = tracker.range_reference();
      step.repetition = tracker.reps_counted();
      const rt::ProfileOutput wished = profile.step(step);
      if (wished.ok && std::isfinite(wished.force)) {
        out.wish.wish.back() = wished.force;
        take(sample, wished.force, out.wish);
      }
    }
    before = &sample;
  }
  tracker.end_set();
  if (!samples.empty()) {
    measure::TrackerInput last;
    last.tick = samples.back().tick + 1;
    last.position = samples.back().position;
    const measure::TrackerOutput tracked = tracker.update(last);
    if (tracked.rep_closed) out.detector.reps.push_back(tracked.rep);
  }
  out.detector.direction_changes = tracker.direction_changes();
  compare(set, out.detector);
  finish(out.wish);
  return out;
}

}  // namespace medius::client
