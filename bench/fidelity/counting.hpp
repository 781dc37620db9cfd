// medius-bench counting: random mixed repetitions through plant and engine.
#pragma once

#include "bench/fidelity/bench.hpp"

namespace medius::bench {

// Prints the report. 0 unless a run could not be made.
int run_counting(const BenchOptions& options);

}  // namespace medius::bench
