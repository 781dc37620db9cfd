// Metrics over the repetitions of a set, and of one side against the other. Not on the loop.
#pragma once

#include <span>
#include <vector>

#include "controller/measure/metrics.hpp"

namespace medius::measure {

struct SetMetricsInput {
  std::span<const RepMetrics> reps;
  // The set ended at its prescribed count: more might have been possible, so that an estimated
  // maximum is a lower bound.
  bool ended_by_count = false;
};

// [any] Set-level metrics of the table but those of an isometric test; those that the repetitions
// cannot say are missing.
[[nodiscard]] std::vector<MetricValue> set_metrics(const SetMetricsInput& input);

// The formulas of the estimated maximum hold for this many repetitions.
inline constexpr std::size_t kOneRmRepsMax = 10;

// A difference below this is never remarked on, however little the repetitions scatter: the ratio
// of the sides is poorly repeatable in hip abduction (ICC 0.11 to 0.64, Gerodimos 2015).
inline constexpr double kSymmetryFloorPercent = 15.0;

struct Symmetry {
  MetricValue index;       // kSymmetryIndex; kValueWithinChange: not told apart from none
  MetricValue limb_index;  // kLimbSymmetryIndex
  MetricValue change;      // kMinimalDetectableChange
};

// [any] Of a metric's values over the full repetitions of each side; two a side at least, else
// missing.
[[nodiscard]] Symmetry symmetry(std::span<const double> left, std::span<const double> right);

}  // namespace medius::measure
