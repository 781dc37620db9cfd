// Writes one register of one device by hand, when nothing can move: every drive of the machine is
// off, nobody else uses its links, and whoever does it has said so.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "hal/commission/machine_plan.hpp"

namespace medius::hal {

struct PokeOptions {
  MachineSource source;
  std::string device;
  std::vector<std::string> values;  // "torque_limit=100" (SI) or "0x0607=1" (raw words: "=1,2")
  bool unloaded = false;            // --i-know-it-is-unloaded
  bool wears_memory = false;        // --i-know-it-may-be-permanent
};

struct PokedValue {
  std::string what;  // name or address
  std::uint16_t address = 0;
  std::vector<std::uint16_t> before, written, after;
  double value_before = 0.0, value_written = 0.0, value_after = 0.0;  // SI, of a named one
  bool named = false;
  bool readable = true;  // false: the device does not show this register
  bool kept = false;     // what was read back is what was written
};

struct PokeRefusal {
  std::string message;  // thing, value, limit, next step
  bool failed = false;  // not a refusal of ours: no connection, an exception of the device
};

// [control] All values are checked before the first is written.
[[nodiscard]] tl::expected<std::vector<PokedValue>, PokeRefusal> poke(const PokeOptions& options);

[[nodiscard]] std::string poke_text(const std::vector<PokedValue>& values);
[[nodiscard]] std::string poke_json(const std::vector<PokedValue>& values);

}  // namespace medius::hal
