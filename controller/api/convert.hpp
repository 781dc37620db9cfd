// Between the station's values and the wire. `*_to_pb` cannot fail; `*_from_pb` checks shape only
// (is it finite, is it there, is it of a sane size) and says in a sentence what is wrong; whether
// the station can do it is the station's to decide.
#pragma once

#include <string>

#include <grpcpp/support/status.h>
#include <tl/expected.hpp>

#include "controller/station/plugin_host.hpp"
#include "controller/station/program.hpp"
#include "controller/station/station.hpp"
#include "medius/v1/station.pb.h"

namespace medius::api {

template <typename T>
using Shape = tl::expected<T, std::string>;

// Longest text a caller may hand over as a name.
inline constexpr std::size_t kMaxName = 64;
// Repetitions of the set under way that a Station message carries.
inline constexpr std::size_t kStationReps = 5;

[[nodiscard]] grpc::Status status_of(const station::Refusal& refusal);

// ---- to the wire ----
struct StationNames {
  std::string station;  // "stations/local"
  std::string store;    // a path, may be empty
};
void station_to_pb(const station::Snapshot& snapshot, const StationNames& names, v1::Station* out);
void lease_to_pb(const station::Lease& lease, double remaining_s, v1::Lease* out);
void receipt_to_pb(const station::Receipt& receipt, v1::Receipt* out);
void program_to_pb(const station::Program& program, v1::Program* out);
void prescription_to_pb(const station::ProgramBlock& block, v1::Prescription* out);
void profile_to_pb(const station::ProfileInfo& profile, v1::Profile* out);
void session_to_pb(const record::SessionRecord& session, v1::Session* out);
void guided_to_pb(const record::GuidedRecord& guided, v1::GuidedExercise* out);
void seconds_to_pb(double seconds, google::protobuf::Duration* out);
// The last `reps_max` repetitions.
void set_to_pb(const record::SetRecord& set, std::size_t reps_max, v1::Set* out);
// To a set that has all its repetitions: their metrics, and what the loop was told.
void metrics_to_pb(const record::SetRecord& set, v1::Set* out);
void value_to_pb(const measure::MetricValue& value, hal::CoordinateKind kind, v1::MetricValue* out);
[[nodiscard]] v1::Coordinate coordinate_to_pb(hal::CoordinateKind kind);
[[nodiscard]] v1::Phase phase_to_pb(measure::Phase phase);
[[nodiscard]] v1::LoadState load_state_to_pb(safety::LoadState state);
[[nodiscard]] v1::Reaction reaction_to_pb(safety::Reaction reaction);
void fault_to_pb(safety::FaultCode code, v1::Fault* out);

// ---- from the wire ----
[[nodiscard]] Shape<station::OrderHeader> header_from_pb(const v1::OrderHeader& header);
// Nanoseconds; 2 s when unset.
[[nodiscard]] Shape<std::int64_t> time_to_live_ns(const v1::OrderHeader& header);
// Of a lease; the station's usual one when unset.
[[nodiscard]] Shape<std::int64_t> lease_duration_ns(bool given,
                                                    const google::protobuf::Duration& duration);
struct LoadValue {
  double value = 0.0;
  hal::CoordinateKind coordinate = hal::CoordinateKind::kCable;
};
[[nodiscard]] Shape<LoadValue> load_from_pb(const v1::Load& load);
[[nodiscard]] Shape<station::ProgramBlock> prescription_from_pb(
    const v1::Prescription& prescription);
// Empty, an id, or "sessions/{session}/guided/{guided}" -> the id.
[[nodiscard]] Shape<std::string> guided_id_from_pb(const std::string& name);
// Free text of a person: at most 200 bytes, nothing that breaks a line of a log.
[[nodiscard]] Shape<std::string> reason_from_pb(const std::string& reason);
[[nodiscard]] Shape<std::uint8_t> axis_from_pb(std::uint32_t axis);
// A person's or a program's name: at most 64 bytes, nothing that breaks a line of a log.
[[nodiscard]] Shape<std::string> name_from_pb(const char* field, const std::string& name);
// "programs/{id}" -> id; ids are file names without their ending.
[[nodiscard]] Shape<std::string> id_from_pb(const char* collection, const std::string& name);
struct SetName {
  std::string session;
  std::string set;
};
[[nodiscard]] Shape<SetName> set_name_from_pb(const std::string& name);
// A number within its limits, the default when 0.
[[nodiscard]] Shape<std::uint32_t> bounded(const char* field, std::uint32_t value,
                                           std::uint32_t min, std::uint32_t max,
                                           std::uint32_t when_zero);

}  // namespace medius::api
