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

#include "sim/swarm/draw.hpp"
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

struct RowResult {
  std::uint64_t fired = 0;
  // Alone in its scenario, its row names a detector, and it was noticed or had its whole budget.
  std::uint64_t judged = 0;
  std::uint64_t in_time = 0;    // noticed within the budget
  std::uint64_t late = 0;       // noticed, too late
  std::uint64_t otherwise = 0;  // another code unloaded the machine first: not in time
  std::uint64_t ended =
      0;  // not judged: nobody had noticed, and the set was over before the budget
  double slowest_ms = 0.0;
};

// Detected in time over injected, with what the true share is at least (95 %, one-sided, exact:
// Clopper and Pearson 1934; with no miss it is the rule of three).
struct Coverage {
  std::uint64_t judged = 0, in_time = 0;
  [[nodiscard]] double percent() const;
  [[nodiscard]] double lower_percent() const;
};

struct Failure {
  Scenario scenario;
  std::string what;
};

// A fault alone in its scenario that was noticed late, as something else, or not at all.
struct Unseen {
  Scenario scenario;
  std::string what;
};

// Seeds that a campaign has run, some of them perhaps not.
struct SeedRange {
  std::uint64_t first = 0, last = 0;
  Draw draw;
};

struct CampaignResult {
  std::uint64_t seeds = 0, fault_free_seeds = 0;
  double simulated_s = 0.0, fault_free_s = 0.0, wall_s = 0.0;
  double processor_s = 0.0;  // of the workers
  int workers = 1;
  std::uint64_t violations = 0, nuisance_stops = 0, phantom_reps = 0, true_reps = 0;
  std::map<Cell, std::uint64_t> cells;
  std::map<Pair, std::uint64_t> pairs;  // as reachable_pairs() writes them
  std::map<int, RowResult> rows;
  // In how many runs it was seen: station states, reactions, refusals, fault codes. Those that were
  // not are there with 0.
  std::map<std::string, std::uint64_t> sometimes;
  Draw draw;
  std::vector<SeedRange> seed_ranges;
  std::uint64_t trace_hash = 0;   // of all runs, whatever their order
  std::vector<Failure> failures;  // the first 100
  std::vector<Unseen> unseen;     // the first 100
  std::string error;              // a file that cannot be used
};

[[nodiscard]] CampaignResult run_campaign(const CampaignOptions& options);

// One run's verdict on top.
void add_run(CampaignResult& result, const Scenario& scenario, const Verdict& verdict);

// Of one row, or pooled over those that raise force and over those that do not.
[[nodiscard]] Coverage coverage_of(const RowResult& row);
[[nodiscard]] Coverage pooled_coverage(const CampaignResult& result, bool raising);

// Adds what another campaign has found, as its --json has it. Errors: it is no such file, or it
// has run some of the same seeds.
[[nodiscard]] tl::expected<void, std::string> add_json(CampaignResult& result,
                                                       const nlohmann::json& json);

// Keys as the tool prints them with --json.
[[nodiscard]] nlohmann::json campaign_json(const CampaignResult& result);
// For people.
[[nodiscard]] std::string campaign_text(const CampaignResult& result);

}  // namespace medius::sim
