// A simulated plan as tables for a terminal, and as JSON.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "sim/world/simulate_plan.hpp"

namespace medius::client {

[[nodiscard]] std::vector<std::string> plan_lines(const sim::PlanResult& result);
[[nodiscard]] nlohmann::json plan_json(const sim::PlanResult& result);

}  // namespace medius::client
