// What can be done to the frames and connections of a link, as data and as one line of text:
//   delay ms=20 jitter=5 way=replies unit=1 chance=0.5 count=3 for=400
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "controller/base/random.hpp"
#include "sim/proxy/frame.hpp"

namespace medius::sim::proxy {

enum class FaultKind : std::uint8_t {
  kDelay,      // ms, jitter: later by ms and up to jitter more
  kDrop,       // swallowed; with unit=: one device of several is gone
  kDuplicate,  // sent twice
  kReorder,    // held back until the next frame of its direction has passed
  kTruncate,   // bytes: only so many are sent (0: half)
  kCorrupt,    // bits: so many bits are turned, on TCP in the MBAP header and the function code
  kTrickle,    // gap_us: byte by byte
  kStale,      // by: the answer of so many transactions ago under this transaction's number
  kThrottle,   // baud: as long as the wire would take
  kReset,      // TCP reset instead of the frame; a line is unplugged for 20 ms
  kHalfClose,  // TCP: no more is sent to the client; a line is unplugged for 20 ms
  kRefuse,     // while it stands: no connection at all; a line is unplugged
  kBlackHole,  // while it stands: connections are taken and nothing passes, in either direction
};
inline constexpr int kFaultKinds = 13;

struct FaultSpec {
  FaultKind kind = FaultKind::kDelay;
  bool requests = false;
  bool replies = true;
  int unit = -1;        // -1: every unit
  double chance = 1.0;  // of each frame
  int count = 0;        // so many frames, then it ends; 0: until it is removed
  int for_ms = 0;       // 0: until it is removed
  int delay_ms = 0;
  int jitter_ms = 0;
  int bytes = 0;
  int bits = 1;
  int gap_us = 2000;
  int stale_by = 1;
  int baud = 9600;
};

struct FaultError {
  std::string message;  // the thing, the value, the limit, the next step
};

[[nodiscard]] const char* name(FaultKind kind) noexcept;
// [any] One fault from its line of text.
[[nodiscard]] tl::expected<FaultSpec, FaultError> parse_fault(std::string_view text);
// [any] The line that parse_fault reads.
[[nodiscard]] std::string to_text(const FaultSpec& fault);
// [any] A paragraph a fault, for --help.
[[nodiscard]] std::string fault_help();

// A fault with the time at which it begins.
struct ScriptStep {
  int at_ms = 0;
  FaultSpec fault;
};
struct Script {
  std::string title;
  std::uint64_t seed = 1;  // of chances, jitter and turned bits
  std::vector<ScriptStep> steps;

  // When the last fault has ended by itself; -1: one stands until it is removed.
  [[nodiscard]] int end_ms() const noexcept;
};

// [any] A script from TOML: title, seed, [[step]] with at_ms and fault = "...".
[[nodiscard]] tl::expected<Script, FaultError> parse_script(std::string_view toml,
                                                            const std::string& source);
[[nodiscard]] tl::expected<Script, FaultError> load_script(const std::string& path);
[[nodiscard]] std::string to_toml(const Script& script);

struct RandomScriptOptions {
  Wire wire = Wire::kTcp;
  int length_ms = 1500;  // every fault has ended by then
  int most_delay_ms = 80;
  int units = 2;  // faults may single out one of the units 1 .. units
  // A serial frame carries nothing that tells a late answer from a fresh one: a device without a
  // sequence echo is only told apart within its declared turnaround. False: nothing arrives later
  // than most_delay_ms, and no other transaction's answer is given.
  bool stale = true;
};
// [any] One to four faults, the same ones for a seed everywhere.
[[nodiscard]] Script random_script(std::uint64_t seed, const RandomScriptOptions& options);

}  // namespace medius::sim::proxy
