// Many scenarios on all cores: what broke, what was hit, how fast.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "sim/swarm/run.hpp"

namespace medius::sim {

struct CampaignOptions {
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 0;  // 0: until `hours` are simulated
  double hours = 0.0;
  int workers = 0;  // processes; 0: as many as there are cores
  Draw draw;
  RunFiles files;
  std::function<void(std::uint64_t seeds, double hours, std::size_t failures)> progress;
};

// How often a fault struck in a phase of a machine, and what came of it.
struct Cell {
  int row = 0;
  FaultPhase phase = FaultPhase::kIdle;
  bool seated = false;
  auto operator<=>(const Cell&) const = default;
};

struct RowResult {
  std::uint64_t fired = 0;
  std::uint64_t judged = 0;   // its row names a detector and nothing else came first
  std::uint64_t in_time = 0;  // noticed within the budget
  std::uint64_t late = 0;     // noticed, too late
  double slowest_ms = 0.0;
};

struct Failure {
  Scenario scenario;
  std::string what;
};

struct CampaignResult {
  std::uint64_t seeds = 0, fault_free_seeds = 0;
  double simulated_s = 0.0, fault_free_s = 0.0, wall_s = 0.0;
  int workers = 1;
  std::uint64_t violations = 0, nuisance_stops = 0, phantom_reps = 0, true_reps = 0;
  std::map<Cell, std::uint64_t> cells;
  std::map<std::pair<int, int>, std::uint64_t> pairs;
  std::map<int, RowResult> rows;
  std::map<std::string, std::uint64_t> sometimes;  // reactions by name: each must be seen
  std::uint64_t trace_hash = 0;                    // of all runs, whatever their order
  std::vector<Failure> failures;                   // the first 100
  std::string error;                               // a file that cannot be used
};

[[nodiscard]] CampaignResult run_campaign(const CampaignOptions& options);

// Keys as the tool prints them with --json.
[[nodiscard]] nlohmann::json campaign_json(const CampaignResult& result);
// For people.
[[nodiscard]] std::string campaign_text(const CampaignResult& result);

}  // namespace medius::sim
