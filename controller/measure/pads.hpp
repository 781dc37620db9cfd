// What each leg did on linked arms: one angle, one drive, a load cell at each pad. Not on the loop.
#pragma once

#include <span>
#include <vector>

#include "controller/measure/metrics.hpp"
#include "controller/measure/samples.hpp"

namespace medius::measure {

inline constexpr std::size_t kSidesOfPads = 2;

struct PadPhases {
  Samples concentric, eccentric;
  double travel_error = 0.0;  // rad, standard deviation of a difference of two positions
  std::uint32_t flags = 0;    // of every value
};

// [any] The table's metrics of scope kPads of a repetition, in its order; none where the axis has
// one cell.
[[nodiscard]] std::vector<MetricValue> pad_values(const PadPhases& phases);

// [any] The same of a set, with the symmetry of the concentric work of its full repetitions; none
// where the repetitions have none.
[[nodiscard]] std::vector<MetricValue> pad_set_values(std::span<const RepMetrics> reps);

}  // namespace medius::measure
