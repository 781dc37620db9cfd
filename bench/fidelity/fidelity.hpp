// medius-bench fidelity: the table, its aims, the stability sweep.
#pragma once

#include "bench/fidelity/bench.hpp"

namespace medius::bench {

// Prints the report. 0 unless a run could not be made: whether an aim is reached is a figure.
int run_fidelity(const BenchOptions& options);

}  // namespace medius::bench
