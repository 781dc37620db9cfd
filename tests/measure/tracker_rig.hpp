// A tracker that is fed tick by tick with positions and speeds that belong together or do not, for
// tests that know to the tick what must happen.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "controller/measure/tracker.hpp"

namespace medius::test {

struct TrackerRig {
  explicit TrackerRig(double range_m = 0.0, const measure::TrackerConfig& config = {}) {
    tracker.start_set(config, range_m);
  }

  const measure::TrackerOutput& feed(double position_m, double velocity_mps) {
    const measure::TrackerInput in{tick, position_m, velocity_mps, force_n, reference_n, counting};
    out = tracker.update(in);
    if (out.rep_closed) {
      reps.push_back(out.rep);
      closed_at.push_back(tick);
    }
    if (out.direction_changed) turned_at.push_back(tick);
    if (out.concentric_validated) validated_at.push_back(tick);
    velocities.push_back(velocity_mps);
    here_m = position_m;
    ++tick;
    return out;
  }
  void stay(int ticks, double velocity_mps = 0.0) {
    for (int i = 0; i < ticks; ++i) feed(here_m, velocity_mps);
  }
  // At a constant speed from the first tick to the last; `claimed_mps` is what the tracker is told
  // when that is something else.
  void walk(double to_m, double mps, double claimed_mps = std::nan("")) {
    const double from_m = here_m, way_m = to_m - from_m;
    const double velocity_mps = std::copysign(mps, way_m);
    const int ticks = static_cast<int>(std::lround(std::fabs(way_m) / (1e-3 * mps)));
    for (int i = 1; i <= ticks; ++i) {
      feed(from_m + way_m * i / ticks, std::isnan(claimed_mps) ? velocity_mps : claimed_mps);
    }
  }
  void rep(double top_m, double mps = 0.25, double bottom_m = 0.0) {
    walk(top_m, mps);
    stay(300);
    walk(bottom_m, mps);
    stay(300);
  }
  // Ticks of this sample until `phase` is spoken; 0: not within `most`.
  int until(measure::Phase phase, int most, double velocity_mps = 0.0) {
    for (int i = 1; i <= most; ++i) {
      if (feed(here_m, velocity_mps).phase == phase) return i;
    }
    return 0;
  }

  measure::Tracker tracker;
  measure::TrackerOutput out;
  std::uint64_t tick = 0;
  double here_m = 0.0, force_n = 60.0, reference_n = 60.0;
  bool counting = true;
  std::vector<measure::RepBoundary> reps;
  std::vector<std::uint64_t> closed_at, turned_at, validated_at;
  std::vector<double> velocities;
};

// The ticks at which the mean velocity of the 111 ticks around them comes to 0.02 m/s outward or
// inward, or falls below it again: begin and end of every movement by the written definition.
struct Crossings {
  std::vector<std::uint64_t> out_begin, out_end, in_begin, in_end;

  explicit Crossings(const std::vector<double>& velocities, std::size_t from = 0) {
    double before = 0.0;
    for (std::size_t i = from + 55; i + 55 < velocities.size(); ++i) {
      double sum = 0.0;
      for (std::size_t k = i - 55; k <= i + 55; ++k) sum += velocities[k];
      const double mean = sum / 111.0;
      if (mean >= 0.02 && before < 0.02) out_begin.push_back(i);
      if (mean < 0.02 && before >= 0.02) out_end.push_back(i);
      if (mean <= -0.02 && before > -0.02) in_begin.push_back(i);
      if (mean > -0.02 && before <= -0.02) in_end.push_back(i);
      before = mean;
    }
  }
};

}  // namespace medius::test
