// Stored sets as text: the exports of controller/record, fed from the wire.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/record/guided_record.hpp"
#include "controller/record/set_record.hpp"
#include "medius/v1/station.pb.h"

namespace medius::client {

// One line a repetition, a heading line first; an error for sets of different kinds of axes.
[[nodiscard]] tl::expected<std::string, std::string> repetitions_csv(
    std::span<const record::SetRecord> sets);
[[nodiscard]] std::string session_json(const record::SessionRecord& session,
                                       std::span<const record::SetRecord> sets,
                                       std::span<const record::GuidedRecord> guided = {});
// One line an exercise without the machine, a heading line first.
[[nodiscard]] std::string guided_csv(std::span<const record::GuidedRecord> guided);

[[nodiscard]] std::string samples_csv(const record::SetRecord& set,
                                      const v1::RecordedSamples& samples);
// One object of columns.
[[nodiscard]] std::string samples_json(const record::SetRecord& set,
                                       const v1::RecordedSamples& samples);

}  // namespace medius::client
