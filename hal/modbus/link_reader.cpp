#include "hal/modbus/link_reader.hpp"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include "hal/modbus/connection.hpp"

namespace medius::hal::modbus {
namespace {

std::string resolve_ipv4(const TomlReader& where, const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0 || found == nullptr) {
    where.fail(fmt::format("host '{}' has no IPv4 address ({}); correct 'host'", host,
                           ::gai_strerror(error)));
  }
  char text[INET_ADDRSTRLEN] = {};
  sockaddr_in address{};
  std::copy_n(reinterpret_cast<const char*>(found->ai_addr), sizeof address,
              reinterpret_cast<char*>(&address));
  ::freeaddrinfo(found);
  ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
  return text;
}

struct HostPort {
  std::string host;
  int port = 0;
};

HostPort parse_override(const std::string& text, std::string_view address) {
  const std::size_t colon = address.rfind(':');
  HostPort result;
  if (colon != std::string_view::npos) {
    result.host = std::string(address.substr(0, colon));
    const std::string_view port = address.substr(colon + 1);
    const auto parsed = std::from_chars(port.data(), port.data() + port.size(), result.port);
    if (parsed.ec == std::errc() && parsed.ptr == port.data() + port.size() &&
        !result.host.empty() && result.port > 0 && result.port <= 65535) {
      return result;
    }
  }
  throw BusError{
      fmt::format("--link '{}' is not LINK=HOST:PORT; write e.g. machine=127.0.0.1:1502, or "
                  "drive=/dev/ttyUSB0 for a serial line",
                  text)};
}

void read_tcp(const TomlReader& t, LinkPlan& link) {
  for (const char* key : {"device", "baud", "parity", "stop_bits", "gap"}) {
    if (t.has(key)) t.fail(fmt::format("'{}' is for transport = \"rtu\"; remove it", key));
  }
  const std::string host = t.text("host");
  link.port = static_cast<int>(t.integer("port", {1, 65535}));
  link.address = fmt::format("{}:{}", host, link.port);
  link.numeric_ip = resolve_ipv4(t, host);
  // Shorter is more than a loaded host can keep, longer is more than the drive's watchdog waits.
  link.response_timeout_ms = static_cast<int>(t.integer_or("response_timeout_ms", {20, 50}, 30));
}

void read_line(const TomlReader& t, LinkPlan& link) {
  for (const char* key : {"host", "port"}) {
    if (t.has(key)) t.fail(fmt::format("'{}' is for transport = \"tcp\"; remove it", key));
  }
  link.line.device = t.text("device");
  link.line.baud = static_cast<int>(t.integer("baud", {1, 10'000'000}));
  if (!is_sure_baud(link.line.baud)) {
    t.fail(
        fmt::format("'baud' is {}, which libmodbus does not know for sure (some rates silently "
                    "become 9600); use one of {}",
                    link.line.baud, fmt::join(kSureBauds, ", ")));
  }
  constexpr char kParities[] = {'N', 'E', 'O'};
  link.line.parity = kParities[t.choice("parity", {"none", "even", "odd"})];
  link.line.stop_bits = static_cast<int>(t.integer_or("stop_bits", {1, 2}, 1));
  link.line.short_gap = t.has("gap") && t.choice("gap", {"standard", "short"}) == 1;
  link.address = fmt::format("{} at {} baud", link.line.device, link.line.baud);
  // 0: from the longest transaction, once the devices are known.
  link.response_timeout_ms = static_cast<int>(t.integer_or("response_timeout_ms", {5, 1000}, 0));
}

}  // namespace

LinkPlan link_from_toml(const TomlReader& t) {
  t.only({"name", "transport", "host", "port", "device", "baud", "parity", "stop_bits", "gap",
          "response_timeout_ms", "reconnect_min_ms", "reconnect_max_ms"});
  LinkPlan link;
  link.name = t.text("name");
  link.transport = static_cast<Transport>(t.choice("transport", {"tcp", "rtu"}));
  if (link.transport == Transport::kTcp) {
    read_tcp(t, link);
  } else {
    read_line(t, link);
  }
  link.reconnect_min_ms = static_cast<int>(t.integer_or("reconnect_min_ms", {1, 1000}, 10));
  link.reconnect_max_ms = static_cast<int>(t.integer_or("reconnect_max_ms", {10, 10'000}, 1000));
  return link;
}

void override_link(LinkPlan& link, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (link.transport == Transport::kRtu) {
    if (equals == std::string::npos || text.compare(equals + 1, 1, "/") != 0) {
      throw BusError{
          fmt::format("--link '{}': [[link]] '{}' is a serial line; give a device, e.g. "
                      "{}=/dev/ttyUSB0",
                      text, link.name, link.name)};
    }
    link.line.device = text.substr(equals + 1);
    link.address = fmt::format("{} at {} baud", link.line.device, link.line.baud);
    return;
  }
  const HostPort target =
      parse_override(text, equals == std::string::npos ? std::string_view()
                                                       : std::string_view(text).substr(equals + 1));
  const toml::table none;
  link.numeric_ip = resolve_ipv4(TomlReader(none, fmt::format("--link '{}'", text)), target.host);
  link.port = target.port;
  link.address = fmt::format("{}:{}", target.host, target.port);
}

}  // namespace medius::hal::modbus
