// Who answers on a network or a serial line, and which of our descriptors fits. Only reads: a scan
// never changes anything in a device.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "hal/modbus/bus_plan.hpp"

namespace medius::hal {

struct ScanOptions {
  // "192.168.10.10", "192.168.10.10-20", "192.168.10.0/24", each with ":502" or ":502-510" behind
  // it; host names; "/dev/ttyUSB0".
  std::vector<std::string> targets;
  std::string units;                    // "1-10,255"; empty: what is usual on the transport
  std::vector<int> bauds;               // of lines; empty: all usual ones
  std::vector<std::string> parities;    // none, even, odd; empty: none and even
  int timeout_ms = 100;                 // of an answer
  int connect_timeout_ms = 300;         // of a TCP connection
  std::string devices = "hal/devices";  // directory of the descriptors to compare with
};

// How far a descriptor explains what was found.
enum class Certainty : std::uint8_t {
  kPossible,  // its registers are all there, which may be so of others too
  kLikely,    // and what they say makes sense, and no other descriptor fits as well
  kSure,      // an identity register says so
};

struct Recognised {
  std::string id;  // of the descriptor
  std::string title;
  Certainty certainty = Certainty::kPossible;
  std::string why;
};

struct FoundUnit {
  int unit = 0;
  std::string answer;            // to the first question: "a value", "exception 2 (...)"
  std::vector<Recognised> fits;  // best first
};

struct FoundLink {
  std::string address;   // "192.168.10.10:502", "/dev/ttyUSB0"
  std::string settings;  // of a line: "115200 baud, parity none"
  std::vector<FoundUnit> units;
};

struct ScanResult {
  std::vector<FoundLink> links;
  std::vector<std::string> notes;  // lines in use, connections refused by the limit of the device
  std::size_t addresses_tried = 0;
};

// Called now and then: what is being done, and which share of it is done. Returning false ends the
// scan with what was found.
using ScanProgress = std::function<bool(const std::string& what, double share)>;

// [control] The error is a sentence.
[[nodiscard]] tl::expected<ScanResult, std::string> scan(const ScanOptions& options,
                                                         const ScanProgress& progress);

// --- parts of it, for tests ---

struct ScanTarget {
  bool serial = false;
  std::string where;  // numeric IP or device
  int port = 0;
};
// At most this many addresses in one scan: a /22 on one port.
inline constexpr std::size_t kMaxScanAddresses = 1024;
[[nodiscard]] tl::expected<std::vector<ScanTarget>, std::string> scan_targets(
    const std::vector<std::string>& texts);
[[nodiscard]] tl::expected<std::vector<int>, std::string> number_list(const std::string& text,
                                                                      int least, int most);
[[nodiscard]] const char* to_string(Certainty certainty) noexcept;
[[nodiscard]] std::string scan_text(const ScanResult& result);
[[nodiscard]] std::string scan_json(const ScanResult& result);

}  // namespace medius::hal
