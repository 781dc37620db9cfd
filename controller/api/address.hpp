// Where the API listens: loopback TCP or a unix socket, which a stranger cannot reach; or, for
// peers with certificates only, anywhere.
#pragma once

#include <cstdint>
#include <string>

#include <tl/expected.hpp>

namespace medius::api {

struct ListenAddress {
  bool is_unix = false;
  std::string path;        // unix socket
  std::string host;        // literal: "127.0.0.1", "[::1]"
  std::uint16_t port = 0;  // 0 = any free port

  // As gRPC and people write it: "127.0.0.1:50051", "unix:/run/medius/medius.sock".
  [[nodiscard]] std::string text() const;
};

// "127.x.x.x:PORT", "[::1]:PORT", "localhost:PORT" or "unix:PATH"; anything else is refused with a
// sentence that says what is served.
[[nodiscard]] tl::expected<ListenAddress, std::string> parse_listen(const std::string& text);

// Any numeric address and port: "0.0.0.0:50443", "[::]:50443". For mutual TLS only.
[[nodiscard]] tl::expected<ListenAddress, std::string> parse_remote(const std::string& text);

// Why this process could not listen there: in use, not permitted, no such directory. Call it before
// starting (a live unix socket would be taken over silently) and after a failed start.
[[nodiscard]] tl::expected<void, std::string> check_free(const ListenAddress& address);

// A real machine is reached only by who may enter the socket's directory.
[[nodiscard]] tl::expected<void, std::string> check_private(const ListenAddress& address);

}  // namespace medius::api
