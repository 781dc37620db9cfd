// Which scenarios a campaign runs: a seed expands to one. What it must strike is dealt out like
// cards, so that any row of seeds meets every cell and pair as evenly as it can; the rest is drawn.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sim/swarm/scenario.hpp"

namespace medius::sim {

// A fault in a phase of a machine.
struct Cell {
  int row = 0;
  FaultPhase phase = FaultPhase::kIdle;
  bool seated = false;
  auto operator<=>(const Cell&) const = default;
};

// What a campaign breaks: every row of the failure table that can be injected, and somebody who
// presses the emergency stop.
[[nodiscard]] const std::vector<const FaultRow*>& drawn_rows();

// What a campaign draws from.
struct Draw {
  int row = 0;  // > 0: every scenario has this fault alone
  bool faults = true;
  int machine = 0;  // 0 both, 1 cable, 2 seated
};

// A third without faults, a third with one, a third with two to four. The same seed and draw give
// the same scenario.
[[nodiscard]] Scenario expand(std::uint64_t seed, const Draw& draw = {});

// Every cell that the table lets a fault strike in.
[[nodiscard]] const std::vector<Cell>& reachable_cells();

// Two faults that can act together, the one that may strike first before the other.
using Pair = std::pair<int, int>;
[[nodiscard]] const std::vector<Pair>& reachable_pairs();
// Two that cannot, and why.
struct UnreachablePair {
  Pair rows;
  std::string because;
};
[[nodiscard]] const std::vector<UnreachablePair>& unreachable_pairs();

}  // namespace medius::sim
