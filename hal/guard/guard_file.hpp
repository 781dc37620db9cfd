// The [guard] table of a machine file: which safe-state output the guard drives.
//
//   [guard]
//   name = "cable-1"          # of the shared memory; letters, digits, '-' and '_'
//   output = "serial"         # gpio | serial | simulated | none
//   device = "/dev/ttyS1"     # serial line or gpio chip; 127.0.0.1:PORT of medius-sim's relay
//   line = 17                 # gpio only
#pragma once

#include <cstdint>
#include <string>

#include <tl/expected.hpp>

namespace medius::guard {

enum class OutputKind : std::uint8_t { kNone = 0, kGpio, kSerial, kSimulated };
[[nodiscard]] const char* to_string(OutputKind kind) noexcept;

struct GuardFile {
  bool wanted = false;     // there is a [guard] table
  bool simulated = false;  // [machine] simulated: only then may the output be no real one
  std::string name;
  OutputKind output = OutputKind::kNone;
  std::string device;
  int line = -1;
};

// A machine file without the table is a GuardFile that is not wanted. The error is one sentence.
[[nodiscard]] tl::expected<GuardFile, std::string> load_guard_file(const std::string& path);
[[nodiscard]] tl::expected<OutputKind, std::string> parse_output_kind(const std::string& word);
// What a machine of this kind may not have: nothing that is only simulated holds a real machine.
[[nodiscard]] tl::expected<void, std::string> check_output(const GuardFile& guard);

}  // namespace medius::guard
