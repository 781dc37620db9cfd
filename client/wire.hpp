// Stored sets from the wire into the values that tables, exports and reports work on; the simulated
// world gives the same values without a wire.
#pragma once

#include <vector>

#include "controller/record/guided_record.hpp"
#include "controller/record/set_record.hpp"
#include "medius/v1/station.pb.h"

namespace medius::client {

[[nodiscard]] record::SetRecord set_from_pb(const v1::Set& set);
[[nodiscard]] record::GuidedRecord guided_from_pb(const v1::GuidedExercise& guided);
[[nodiscard]] record::SessionRecord session_from_pb(const v1::Session& session);
[[nodiscard]] std::vector<rt::SampleRecord> samples_from_pb(const v1::RecordedSamples& samples);

}  // namespace medius::client
