// One script of link faults against the real bus thread and the real loop, and what came of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/proxy/fault.hpp"

namespace medius::sim::proxy {

struct RunOptions {
  Wire wire = Wire::kTcp;
  bool sequence_echo = true;  // false: the same drive without an echo, as most that people buy
  int stall_ms = 0;  // so long the loop stands still before each 50th tick, and the bus only reads
};

struct RunResult {
  Wire wire = Wire::kTcp;
  std::uint64_t seed = 0;
  std::string faults;             // of the script, in words
  std::uint64_t faults_done = 0;  // frames that a fault was done to
  std::uint64_t samples = 0;      // accepted and judged
  std::uint64_t stale = 0;        // accepted though the client had asked again since it was made
  std::uint64_t repeated = 0;     // accepted twice, or older than the one before
  double claim_ms_max = 0.0;      // by how much a sample was older than its stamp says
  double rtt_ms_max = 0.0;        // slowest accepted exchange, by the bus thread itself
  // Longest time without a transaction while the link was up, less what the host stood still.
  int quiet_ticks_max = 0;
  int quiet_ticks_bound = 0;
  int connecting_ticks_max = 0;
  int heal_ticks = -1;  // from the end of the last fault until the loop had ten new samples
  std::uint64_t heal_connects = 0;  // connections made in that time (TCP)
  bool latched = false;             // force was taken away until a local reset
  bool came_back_by_itself = false;
  std::vector<std::string> problems;  // empty: as it must be
};

// A second of the loop is a thousand ticks that it has really made: a host that stalls holds up
// the loop and what it watches alike.
[[nodiscard]] RunResult run_script(const Script& script, const RunOptions& options);
// What the campaign plays for a seed.
[[nodiscard]] Script campaign_script(std::uint64_t seed, const RunOptions& options);

}  // namespace medius::sim::proxy
