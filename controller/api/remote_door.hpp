// The port for peers from elsewhere: mutual TLS, and a doorkeeper asked before every call, those of
// health and reflection included.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_context.h>
#include <tl/expected.hpp>

#include "controller/api/server.hpp"

namespace medius::api {

struct RemoteDoor {
  std::shared_ptr<access::Doorkeeper> doorkeeper;
  std::shared_ptr<grpc::ServerCredentials> credentials;
};

// [main] Reads the authority's folder, or says in a sentence what is missing. Clocks and audit
// outlive the server; denied calls are written into the audit, which may be null.
[[nodiscard]] tl::expected<RemoteDoor, std::string> open_remote_door(const RemoteOptions& options,
                                                                     const station::Runtime& clocks,
                                                                     record::AuditSink* audit);

// [grpc] Seconds, as certificates are dated.
[[nodiscard]] inline std::int64_t unix_s(const station::Runtime& clocks) {
  return clocks.wall_unix_ns() / 1'000'000'000;
}

// [grpc] The peer's certificate in PEM form; empty for a peer of the local port.
[[nodiscard]] std::optional<std::string> peer_certificate(const grpc::ServerContext& call);
// [grpc] The name in it.
[[nodiscard]] std::string peer_name(const grpc::ServerContext& call);

}  // namespace medius::api
