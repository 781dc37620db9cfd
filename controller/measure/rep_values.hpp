// The table's metrics of a repetition: the plain fields with flags and uncertainty, and the metrics
// that have no plain field. Called by analyze_rep(). Not for others.
#pragma once

#include <span>
#include <vector>

#include "controller/measure/metrics.hpp"

namespace medius::measure {

// [any] `samples` are those of the repetition, `plain` its fields.
[[nodiscard]] std::vector<MetricValue> rep_values(std::span<const MetricSample> samples,
                                                  const RepBoundary& boundary,
                                                  const MetricConfig& config,
                                                  const RepMetrics& plain);

}  // namespace medius::measure
