// Reading stored sessions over the API, whole.
#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "client/connection.hpp"
#include "controller/record/guided_record.hpp"
#include "controller/record/set_record.hpp"

namespace medius::client {

struct StoredSession {
  v1::Session session;
  std::vector<record::SetRecord> sets;  // with repetitions
  std::vector<record::GuidedRecord> guided;
};

template <typename T>
using Fetched = tl::expected<T, grpc::Status>;

[[nodiscard]] Fetched<StoredSession> fetch_session(const Connection& connection,
                                                   const std::string& name);
[[nodiscard]] Fetched<record::SetRecord> fetch_set(const Connection& connection,
                                                   const std::string& name);
// "sessions/S", "sessions/S/sets/T" or a bare session id: its set or sets.
[[nodiscard]] Fetched<std::vector<record::SetRecord>> fetch_sets(const Connection& connection,
                                                                 const std::string& name);

// All recorded samples of a set as columns.
[[nodiscard]] Fetched<v1::RecordedSamples> fetch_samples(const Connection& connection,
                                                         const record::SetRecord& set,
                                                         std::uint32_t divider);

[[nodiscard]] std::string resource_name(const record::SetRecord& set);

}  // namespace medius::client
