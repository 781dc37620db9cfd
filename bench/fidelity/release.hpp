// The handle let go: how fast and how far the machine then runs in, and with what energy.
#pragma once

#include "bench/fidelity/bench.hpp"

namespace medius::bench {

[[nodiscard]] int run_release(const BenchOptions& options);

}  // namespace medius::bench
