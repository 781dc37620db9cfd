// From stored sets and samples to the metrics' inputs, live and again later: what a set's row says
// of how it was trained, the set's own metrics, and recomputation with today's definitions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "controller/measure/metrics.hpp"
#include "controller/record/set_record.hpp"

namespace medius::record {

// "2-1-3-0", as the store keeps it; what cannot be read stays 0 (not prescribed).
[[nodiscard]] measure::Tempo tempo_of(const std::string& text);

// Fills in what the row knows: the kind of the axis, and the mass that the profile adds in both
// directions.
void describe(const SetRecord& set, measure::MetricConfig& config);

[[nodiscard]] measure::MetricSample metric_sample(const rt::SampleRecord& sample);

// The set's own metrics from its repetitions, and from all its samples those of an isometric test
// (a profile whose id starts with "isometric").
[[nodiscard]] std::vector<measure::MetricValue> set_metrics_of(
    const SetRecord& set, std::span<const measure::MetricSample> samples);

// The longest set, in samples, whose own metrics rest on all of it when it closes: two minutes.
inline constexpr std::size_t kClosingSamplesMax = 120'000;

// As set_metrics_of(), when a set closes: from the last of its samples, at most kClosingSamplesMax,
// and marked where that is not all `recorded` of them; recomputation has it all.
[[nodiscard]] std::vector<measure::MetricValue> closing_metrics(
    const SetRecord& set, std::span<const measure::MetricSample> last, std::uint64_t recorded);

// The set measured anew from its samples with today's definitions. Repetitions, their boundaries,
// kinds and ranges are the tracker's and stay, as do the flags that rest on a prescribed range and
// the angle of a hip whose geometry only the station knew.
[[nodiscard]] SetRecord recompute(const SetRecord& set, std::span<const rt::SampleRecord> samples);

struct MetricChange {
  std::uint32_t ordinal = 0;    // of the repetition in the set, from 1; 0: of the set
  measure::MetricValue before;  // version 0: there was none
  measure::MetricValue after;
};

// Values, flags or versions that differ, in the order of the repetitions and of the table.
[[nodiscard]] std::vector<MetricChange> changes(const SetRecord& before, const SetRecord& after);

}  // namespace medius::record
