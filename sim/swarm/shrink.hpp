// The smallest scenario that still breaks in the same way.
#pragma once

#include <string>

#include "sim/swarm/run.hpp"

namespace medius::sim {

struct Shrunk {
  Scenario scenario;
  std::string what;  // what it still does
  int runs = 0;
};

// The invariant's name ("I4", "nuisance", ...) must stay the same. At most `runs_max` runs.
[[nodiscard]] Shrunk shrink(const Scenario& scenario, const RunFiles& files, int runs_max = 60);

// The kind of a verdict's first trouble: the first word of it; empty when all is well.
[[nodiscard]] std::string trouble(const Verdict& verdict);

}  // namespace medius::sim
