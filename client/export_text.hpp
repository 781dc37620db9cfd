// Stored sets as CSV and JSON: units in every name, '.' as the decimal sign, ISO times. Pure
// functions.
#pragma once

#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "controller/record/set_record.hpp"
#include "medius/v1/station.pb.h"

namespace medius::client {

// One line a repetition, a heading line first.
[[nodiscard]] std::string repetitions_csv(std::span<const record::SetRecord> sets);
[[nodiscard]] nlohmann::ordered_json repetitions_json(std::span<const record::SetRecord> sets);

// One line a sample; `heading` only in front of the first set.
[[nodiscard]] std::string samples_csv(const record::SetRecord& set,
                                      const v1::RecordedSamples& samples, bool heading);
[[nodiscard]] nlohmann::ordered_json samples_json(const record::SetRecord& set,
                                                  const v1::RecordedSamples& samples);

// "2026-05-01T09:30:00.125Z"; empty for 0.
[[nodiscard]] std::string iso_time(std::int64_t unix_ns);

}  // namespace medius::client
