// Rows of the laws that command motion: speed, hold, fallback, release, dead-man.
#pragma once

#include <nlohmann/json.hpp>

#include "bench/fidelity/bench.hpp"

namespace medius::bench {

// One row each: name, figure, limit, unit, reached; a negative control's limit is one it must miss.
[[nodiscard]] nlohmann::ordered_json motion_rows(const BenchOptions& options);
void print_motion(const nlohmann::ordered_json& rows);

}  // namespace medius::bench
