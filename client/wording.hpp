// The API's enums as words for people.
#pragma once

#include <string>

#include "controller/record/guided_record.hpp"
#include "controller/record/set_record.hpp"
#include "medius/v1/station.pb.h"

namespace medius::client {

[[nodiscard]] std::string word(v1::StationState state);
[[nodiscard]] std::string word(v1::Phase phase);
[[nodiscard]] std::string word(v1::PacePhase phase);
[[nodiscard]] std::string word(v1::GuidedEnd end);
[[nodiscard]] std::string word(v1::Side side);
[[nodiscard]] std::string word(v1::SetEnd end);
[[nodiscard]] std::string word(v1::Effect effect);
[[nodiscard]] std::string word(record::Side side);
[[nodiscard]] std::string word(record::SetEnd end);
[[nodiscard]] std::string word(record::GuidedEnd end);
[[nodiscard]] std::string word(measure::RepKind kind);
[[nodiscard]] std::string word(measure::RepRejection rejection);
// "tempo-fast range-short"; empty when all is well.
[[nodiscard]] std::string quality_words(std::uint32_t quality);

// Units of an axis.
struct Units {
  const char* force;    // "N" | "Nm"
  const char* length;   // "m" | "rad"
  const char* range;    // how a range is shown: "mm" | "deg"
  double range_factor;  // from length to range
};
[[nodiscard]] Units units_of(v1::Coordinate coordinate);
[[nodiscard]] Units units_of(hal::CoordinateKind coordinate);

// "sessions/0123" -> "0123"; a bare id stays.
[[nodiscard]] std::string short_name(const std::string& resource);

}  // namespace medius::client
