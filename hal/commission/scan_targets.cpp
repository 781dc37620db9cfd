// Where a scan looks: addresses, ranges, lists of numbers.
#include <algorithm>
#include <charconv>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>

#include "hal/commission/scan.hpp"

namespace medius::hal {
namespace {

using Problem = tl::unexpected<std::string>;

constexpr int kModbusPort = 502;

bool to_number(std::string_view text, int& value) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

struct Span {
  std::uint32_t first = 0, last = 0;  // host byte order
};

bool to_ipv4(const std::string& text, std::uint32_t& address) {
  in_addr parsed{};
  if (::inet_pton(AF_INET, text.c_str(), &parsed) != 1) return false;
  address = ntohl(parsed.s_addr);
  return true;
}

std::string ipv4_text(std::uint32_t address) {
  const in_addr raw{htonl(address)};
  char text[INET_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET, &raw, text, sizeof text);
  return text;
}

tl::expected<Span, std::string> subnet(const std::string& host, std::size_t slash) {
  std::uint32_t address = 0;
  int bits = 0;
  if (!to_ipv4(host.substr(0, slash), address) ||
      !to_number(std::string_view(host).substr(slash + 1), bits) || bits < 16 || bits > 32) {
    return Problem(
        fmt::format("'{}' is no subnet; write e.g. 192.168.10.0/24 (16 to 32 bits)", host));
  }
  if (bits == 32) return Span{address, address};
  const std::uint32_t mask = ~std::uint32_t{0} << (32 - bits);
  // The first and the last of a subnet are nobody's.
  const std::uint32_t inside = bits < 31 ? 1 : 0;
  return Span{(address & mask) + inside, (address | ~mask) - inside};
}

tl::expected<Span, std::string> resolved(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0 || found == nullptr) {
    return Problem(
        fmt::format("'{}' has no IPv4 address ({}); write an address, a range like "
                    "192.168.10.10-20, a subnet like 192.168.10.0/24, or a serial line "
                    "like /dev/ttyUSB0",
                    host, ::gai_strerror(error)));
  }
  const auto* const address = reinterpret_cast<const sockaddr_in*>(found->ai_addr);
  const std::uint32_t value = ntohl(address->sin_addr.s_addr);
  ::freeaddrinfo(found);
  return Span{value, value};
}

tl::expected<Span, std::string> addresses(const std::string& host) {
  if (const std::size_t slash = host.find('/'); slash != std::string::npos) {
    return subnet(host, slash);
  }
  std::uint32_t address = 0;
  if (to_ipv4(host, address)) return Span{address, address};
  const std::size_t dash = host.rfind('-');
  int last = 0;
  if (dash != std::string::npos && to_ipv4(host.substr(0, dash), address) &&
      to_number(std::string_view(host).substr(dash + 1), last)) {
    const auto first = static_cast<int>(address & 0xFF);
    if (last < first || last > 255) {
      return Problem(fmt::format("'{}' ends with {}, must be {} to 255; correct the range", host,
                                 last, first));
    }
    return Span{address, (address & ~std::uint32_t{0xFF}) | static_cast<std::uint32_t>(last)};
  }
  return resolved(host);
}

}  // namespace

tl::expected<std::vector<int>, std::string> number_list(const std::string& text, int least,
                                                        int most) {
  std::vector<int> numbers;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    const std::string part = text.substr(begin, comma - begin);
    const std::size_t dash = part.find('-');
    int first = 0;
    int last = 0;
    const bool good = dash == std::string::npos ? to_number(part, first) && to_number(part, last)
                                                : to_number(part.substr(0, dash), first) &&
                                                      to_number(part.substr(dash + 1), last);
    if (!good || first > last || first < least || last > most) {
      return Problem(fmt::format("'{}' is no list of numbers from {} to {}; write e.g. {}-{},{}",
                                 text, least, most, least, least + 4, most));
    }
    for (int number = first; number <= last; ++number) {
      if (std::find(numbers.begin(), numbers.end(), number) == numbers.end()) {
        numbers.push_back(number);
      }
    }
    begin = comma + 1;
  }
  return numbers;
}

tl::expected<std::vector<ScanTarget>, std::string> scan_targets(
    const std::vector<std::string>& texts) {
  std::vector<ScanTarget> targets;
  for (const std::string& text : texts) {
    if (!text.empty() && text.front() == '/') {
      targets.push_back({true, text, 0});
      continue;
    }
    const std::size_t colon = text.rfind(':');
    std::vector<int> ports{kModbusPort};
    if (colon != std::string::npos) {
      auto listed = number_list(text.substr(colon + 1), 1, 65535);
      if (!listed) return tl::make_unexpected(listed.error());
      ports = std::move(*listed);
    }
    const auto span = addresses(text.substr(0, colon));
    if (!span) return tl::make_unexpected(span.error());
    const std::size_t count = (std::size_t{span->last} - span->first + 1) * ports.size();
    if (targets.size() + count > kMaxScanAddresses) {
      return Problem(
          fmt::format("{} addresses with '{}', {} are the most of one scan; scan in "
                      "parts, or fewer ports",
                      targets.size() + count, text, kMaxScanAddresses));
    }
    for (std::uint32_t address = span->first;; ++address) {
      for (const int port : ports) targets.push_back({false, ipv4_text(address), port});
      if (address == span->last) break;
    }
  }
  return targets;
}

}  // namespace medius::hal
