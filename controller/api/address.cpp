#include "controller/api/address.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace medius::api {
namespace {

constexpr const char* kServed =
    "serve on 127.0.0.1:PORT, [::1]:PORT or unix:PATH; reach it from elsewhere through an SSH "
    "tunnel";

class Socket {
 public:
  explicit Socket(int family) : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

tl::expected<std::uint16_t, std::string> parse_port(const std::string& whole,
                                                    const std::string& digits) {
  unsigned port = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, port);
  if (digits.empty() || error != std::errc{} || stop != end || port > 65535) {
    return tl::unexpected("listen address " + whole + ": port '" + digits +
                          "' is not a number from 0 to 65535; write for example 127.0.0.1:50051");
  }
  return static_cast<std::uint16_t>(port);
}

std::string without_brackets(const std::string& host) {
  const bool has = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return has ? host.substr(1, host.size() - 2) : host;
}

bool is_numeric(const std::string& host) {
  in_addr v4{};
  in6_addr v6{};
  if (host.starts_with('[')) return ::inet_pton(AF_INET6, without_brackets(host).c_str(), &v6) == 1;
  return ::inet_pton(AF_INET, host.c_str(), &v4) == 1;
}

bool is_loopback_v4(const std::string& host) {
  in_addr address{};
  if (::inet_pton(AF_INET, host.c_str(), &address) != 1) return false;
  return (ntohl(address.s_addr) >> 24) == 127;
}

tl::expected<ListenAddress, std::string> split_host_port(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) {
    return tl::unexpected("listen address '" + text + "' has no port; " + kServed);
  }
  ListenAddress address;
  address.host = text.substr(0, colon);
  const auto port = parse_port(text, text.substr(colon + 1));
  if (!port) return tl::unexpected(port.error());
  address.port = *port;
  return address;
}

tl::expected<ListenAddress, std::string> parse_unix(const std::string& text) {
  ListenAddress address;
  address.is_unix = true;
  address.path = text.substr(std::strlen("unix:"));
  if (address.path.starts_with("//")) address.path.erase(0, 2);
  constexpr std::size_t kMaxPath = sizeof(sockaddr_un{}.sun_path) - 1;
  if (address.path.empty() || address.path.size() > kMaxPath) {
    return tl::unexpected("listen address " + text + ": the socket path has " +
                          std::to_string(address.path.size()) + " characters, 1 to " +
                          std::to_string(kMaxPath) + " are possible; choose another path");
  }
  return address;
}

// A sockaddr of either family, as bind() and connect() want it.
struct Endpoint {
  sockaddr_storage storage{};
  socklen_t length = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Endpoint endpoint_of(const ListenAddress& address) {
  Endpoint endpoint;
  if (address.is_unix) {
    sockaddr_un un{};
    un.sun_family = AF_UNIX;
    std::strncpy(un.sun_path, address.path.c_str(), sizeof un.sun_path - 1);
    std::memcpy(&endpoint.storage, &un, sizeof un);
    endpoint.length = sizeof un;
  } else if (address.host.starts_with('[')) {
    sockaddr_in6 in6{};
    in6.sin6_family = AF_INET6;
    ::inet_pton(AF_INET6, without_brackets(address.host).c_str(), &in6.sin6_addr);
    in6.sin6_port = htons(address.port);
    std::memcpy(&endpoint.storage, &in6, sizeof in6);
    endpoint.length = sizeof in6;
  } else {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    ::inet_pton(AF_INET, address.host.c_str(), &in.sin_addr);
    in.sin_port = htons(address.port);
    std::memcpy(&endpoint.storage, &in, sizeof in);
    endpoint.length = sizeof in;
  }
  return endpoint;
}

tl::expected<void, std::string> check_unix_free(const ListenAddress& address) {
  const auto directory = std::filesystem::path(address.path).parent_path();
  std::error_code error;
  if (!directory.empty() && !std::filesystem::is_directory(directory, error)) {
    return tl::unexpected("listen address " + address.text() + ": directory " + directory.string() +
                          " does not exist; create it or choose another path");
  }
  struct stat info {};
  if (::lstat(address.path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode)) {
    return tl::unexpected("listen address " + address.text() +
                          ": a file that is not a socket is in the way; remove it or choose "
                          "another path");
  }
  const Socket probe(AF_UNIX);
  const Endpoint endpoint = endpoint_of(address);
  if (::connect(probe.fd(), endpoint.get(), endpoint.length) == 0) {
    return tl::unexpected("listen address " + address.text() +
                          ": another program serves there; stop it or choose another path");
  }
  return {};  // left behind by a process that is gone: gRPC replaces it
}

tl::expected<void, std::string> check_tcp_free(const ListenAddress& address) {
  if (address.port == 0) return {};
  const Socket probe(address.host.starts_with('[') ? AF_INET6 : AF_INET);
  const int on = 1;  // as gRPC does: a port in TIME_WAIT is free
  ::setsockopt(probe.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const Endpoint endpoint = endpoint_of(address);
  if (::bind(probe.fd(), endpoint.get(), endpoint.length) == 0) return {};
  const int cause = errno;
  const std::string remedy = cause == EADDRINUSE
                                 ? "the port is in use; stop the other program or choose another"
                                 : std::string(std::strerror(cause)) + "; choose another port";
  return tl::unexpected("listen address " + address.text() + ": " + remedy);
}

}  // namespace

std::string ListenAddress::text() const {
  return is_unix ? "unix:" + path : host + ":" + std::to_string(port);
}

tl::expected<ListenAddress, std::string> parse_remote(const std::string& text) {
  const auto address = split_host_port(text);
  if (!address) return address;
  if (is_numeric(address->host)) return address;
  return tl::unexpected("remote address " + text + ": '" + address->host +
                        "' is no numeric address; write for example 0.0.0.0:50443 for every "
                        "network card, or the address of one");
}

tl::expected<ListenAddress, std::string> parse_listen(const std::string& text) {
  if (text.starts_with("unix:")) return parse_unix(text);
  auto split = split_host_port(text);
  if (!split) return split;
  ListenAddress& address = *split;
  if (address.host == "localhost") address.host = "127.0.0.1";
  if (address.host != "[::1]" && !is_loopback_v4(address.host)) {
    return tl::unexpected(
        "listen address " + text + ": " + address.host +
        " is not a loopback address, and only those are open without mutual TLS; " + kServed);
  }
  return split;
}

tl::expected<void, std::string> check_free(const ListenAddress& address) {
  return address.is_unix ? check_unix_free(address) : check_tcp_free(address);
}

tl::expected<void, std::string> check_private(const ListenAddress& address) {
  if (!address.is_unix) {
    return tl::unexpected(
        "listen address " + address.text() +
        ": a real machine is served on a unix socket only, because loopback TCP is "
        "open to every local user; use unix:PATH in a directory of mode 0750");
  }
  auto directory = std::filesystem::path(address.path).parent_path();
  if (directory.empty()) directory = ".";
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0) return check_unix_free(address);
  if ((info.st_mode & S_IRWXO) != 0) {
    return tl::unexpected("listen address " + address.text() + ": directory " + directory.string() +
                          " is open to every local user, and a real machine needs a guarded one; "
                          "chmod 0750 it or choose another directory");
  }
  return {};
}

}  // namespace medius::api
