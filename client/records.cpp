#include "client/records.hpp"

#include "client/wire.hpp"

namespace medius::client {

std::string resource_name(const record::SetRecord& set) {
  return "sessions/" + set.session_id + "/sets/" + set.id;
}

Fetched<record::SetRecord> fetch_set(const Connection& connection, const std::string& name) {
  v1::GetSetRequest request;
  request.set_name(name);
  v1::Set set;
  const auto context = call_context();
  const grpc::Status status = connection.sessions().GetSet(context.get(), request, &set);
  if (!status.ok()) return tl::unexpected(status);
  return set_from_pb(set);
}

Fetched<StoredSession> fetch_session(const Connection& connection, const std::string& name) {
  v1::GetSessionRequest request;
  request.set_name(name.find('/') == std::string::npos ? "sessions/" + name : name);
  StoredSession out;
  const auto context = call_context();
  const grpc::Status status =
      connection.sessions().GetSession(context.get(), request, &out.session);
  if (!status.ok()) return tl::unexpected(status);
  for (const v1::Set& set : out.session.sets()) {
    auto whole = fetch_set(connection, set.name());
    if (!whole) return tl::unexpected(whole.error());
    out.sets.push_back(std::move(*whole));
  }
  for (const v1::GuidedExercise& guided : out.session.guided()) {
    out.guided.push_back(guided_from_pb(guided));
  }
  return out;
}

Fetched<std::vector<record::SetRecord>> fetch_sets(const Connection& connection,
                                                   const std::string& name) {
  if (name.find("/sets/") != std::string::npos) {
    auto set = fetch_set(connection, name);
    if (!set) return tl::unexpected(set.error());
    return std::vector<record::SetRecord>{std::move(*set)};
  }
  auto session = fetch_session(connection, name);
  if (!session) return tl::unexpected(session.error());
  return std::move(session->sets);
}

Fetched<v1::RecordedSamples> fetch_samples(const Connection& connection,
                                           const record::SetRecord& set, std::uint32_t divider) {
  v1::ReadSamplesRequest request;
  request.set_name(resource_name(set));
  request.set_divider(divider);
  constexpr double kLongest = 60.0;
  const auto context = call_context(kLongest);
  const auto reader = connection.sessions().ReadSamples(context.get(), request);
  v1::RecordedSamples all;
  v1::RecordedSamples part;
  while (reader->Read(&part)) all.MergeFrom(part);
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return tl::unexpected(status);
  return all;
}

}  // namespace medius::client
