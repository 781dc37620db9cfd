// Units and words that CSV and JSON share. Not for others.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/measure/metric_table.hpp"
#include "controller/record/set_record.hpp"

namespace medius::record {

struct Units {
  const char* force;
  const char* position;
  const char* velocity;
  const char* impulse;
  const char* force_rate;
};

[[nodiscard]] Units units_of(hal::CoordinateKind kind);
[[nodiscard]] const char* unit_of(measure::MetricUnit unit, const Units& units);
[[nodiscard]] const char* to_string(measure::RepKind kind);
[[nodiscard]] const char* to_string(measure::RepRejection rejection);
[[nodiscard]] std::vector<std::string> quality_names(std::uint32_t quality);
// Not a number where there is no value.
[[nodiscard]] double plain(const measure::MetricValue* value);
[[nodiscard]] double uncertainty(const measure::MetricValue* value);

}  // namespace medius::record
