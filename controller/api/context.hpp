// What the three services share.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include "controller/api/admission.hpp"
#include "controller/api/control_call.hpp"
#include "controller/api/convert.hpp"
#include "controller/api/presence.hpp"
#include "controller/api/remote_door.hpp"
#include "controller/api/server.hpp"
#include "controller/api/snapshot_hub.hpp"

namespace medius::api {

struct ApiContext {
  ApiContext(ServerParts server_parts, StationNames station_names,
             std::shared_ptr<access::Doorkeeper> keeper)
      : parts(server_parts),
        names(std::move(station_names)),
        presence(server_parts.runtime, server_parts.station),
        doorkeeper(std::move(keeper)) {}

  ServerParts parts;
  StationNames names;
  SnapshotHub hub;
  Presence presence;
  std::shared_ptr<access::Doorkeeper> doorkeeper;  // null: nobody from elsewhere is served
  Gate watches{kMaxWatches};
  Gate sample_streams{kMaxSampleStreams};
  Gate reads{kMaxReads};
  Gate unary{kMaxUnary};
  std::atomic<bool> orders_refused{false};
  std::atomic<bool> stopping{false};

  // [grpc] When to stop waiting for control or record: the call's deadline, at most 10 s from now.
  [[nodiscard]] static std::chrono::steady_clock::time_point wait_until(
      const grpc::ServerContext& call) {
    constexpr std::chrono::seconds kLongest{10};
    const auto left = call.deadline() - std::chrono::system_clock::now();
    return std::chrono::steady_clock::now() + std::min<std::chrono::nanoseconds>(left, kLongest);
  }

  // [grpc] Whether nobody wants the answer any more.
  [[nodiscard]] std::function<bool()> give_up(const grpc::ServerContext& call) const {
    return [this, &call] { return stopping.load() || call.IsCancelled(); };
  }

  // [grpc] What a peer is called in the audit: as its certificate says, or as it says itself.
  [[nodiscard]] static std::string name_of(const grpc::ServerContext& call, std::string said) {
    const auto certificate = peer_certificate(call);
    if (!certificate) return said;
    return peer_name(call);
  }

  // [grpc] The role of the peer's certificate, for the audit; "local" without one.
  [[nodiscard]] static std::string role_of(const grpc::ServerContext& call) {
    const auto certificate = access::certificate_from_pem(peer_certificate(call).value_or(""));
    if (!certificate) return "local";
    const auto peer = access::peer_of(**certificate);
    return peer ? std::string(access::to_string(peer->role)) : "unknown";
  }

  // [grpc] Into the audit, with who called. `said`: how they are called without a certificate.
  void note(const grpc::ServerContext& call, record::AuditEvent event,
            const std::string& said = "") const {
    if (parts.audit == nullptr) return;
    event.who = name_of(call, said);
    event.role = role_of(call);
    parts.audit->record(std::move(event));
  }

  // [grpc] A therapist's certificate raises parameters beyond what a user may have.
  [[nodiscard]] static station::ParameterAuthority authority_of(const grpc::ServerContext& call) {
    const auto pem = peer_certificate(call);
    const auto certificate = access::certificate_from_pem(pem.value_or(""));
    if (!certificate) return station::ParameterAuthority::kUser;
    const auto peer = access::peer_of(**certificate);
    return peer && peer->role == access::Role::kTherapist ? station::ParameterAuthority::kTherapist
                                                          : station::ParameterAuthority::kUser;
  }

  // [grpc] For calls that last: not OK once the peer's certificate has ended or was revoked.
  [[nodiscard]] grpc::Status still_welcome(const grpc::ServerContext& call) const {
    const auto certificate = peer_certificate(call);
    if (!certificate || !doorkeeper) return grpc::Status::OK;
    const auto peer = doorkeeper->still_valid(*certificate, unix_s(parts.runtime));
    if (peer) return grpc::Status::OK;
    return {grpc::StatusCode::UNAUTHENTICATED, peer.error()};
  }

  // [grpc] Every request that names a station must mean this one.
  [[nodiscard]] grpc::Status check_station(const std::string& name) const {
    if (name.empty() || name == "stations/-" || name == names.station) return grpc::Status::OK;
    return {grpc::StatusCode::NOT_FOUND, "station '" + name.substr(0, kMaxName) +
                                             "' is not here; this is " + names.station +
                                             ", stations/- means it too"};
  }
};

[[nodiscard]] inline grpc::Status invalid(const std::string& message) {
  return {grpc::StatusCode::INVALID_ARGUMENT, message};
}

[[nodiscard]] inline grpc::Status too_many(const char* what, const Gate& gate) {
  return {grpc::StatusCode::RESOURCE_EXHAUSTED,
          std::string(what) + ": " + std::to_string(gate.places()) +
              " are under way, which is the limit; end one or try again"};
}

[[nodiscard]] inline grpc::Status no_answer(const ApiContext& context) {
  if (context.stopping) {
    return {grpc::StatusCode::UNAVAILABLE, "the controller is shutting down; start it again"};
  }
  return {grpc::StatusCode::DEADLINE_EXCEEDED,
          "the controller did not answer in time; ask again, an order with the same request_id"};
}

}  // namespace medius::api
