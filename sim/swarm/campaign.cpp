#include "sim/swarm/campaign.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include <nlohmann/json.hpp>

#include "controller/base/random.hpp"

namespace medius::sim {
namespace {

constexpr std::size_t kFailuresKept = 100;

void add_events(CampaignResult& result, const Scenario& scenario, const Verdict& verdict) {
  for (const EventOutcome& event : verdict.events) {
    ++result.cells[{event.row, event.phase, scenario.seated}];
    RowResult& row = result.rows[event.row];
    ++row.fired;
    if (!event.as.empty()) ++result.sometimes[event.as];
    for (const EventOutcome& other : verdict.events) {
      if (other.row > event.row) ++result.pairs[{event.row, other.row}];
    }
    const FaultRow* data = find_fault(event.row);
    const bool has_detector =
        data->expected.front() != safety::FaultCode::kNone && scenario.load_n >= data->least_load_n;
    // Beside other faults somebody else may have been first, or the set was over.
    if (!has_detector || (!event.noticed && (event.superseded || verdict.events.size() > 1)))
      continue;
    ++row.judged;
    if (!event.noticed) continue;
    if (event.took_ms <= data->budget_ms) {
      ++row.in_time;
    } else {
      ++row.late;
    }
    if (event.took_ms > row.slowest_ms) row.slowest_ms = event.took_ms;
  }
}

void add(CampaignResult& result, const Scenario& scenario, const Verdict& verdict) {
  ++result.seeds;
  result.simulated_s += verdict.simulated_s;
  result.true_reps += static_cast<std::uint64_t>(verdict.true_reps);
  result.phantom_reps += static_cast<std::uint64_t>(verdict.phantom_reps);
  if (scenario.faults.empty()) {
    ++result.fault_free_seeds;
    result.fault_free_s += verdict.simulated_s;
  }
  if (!verdict.nuisance.empty()) ++result.nuisance_stops;
  result.violations += verdict.violations.size();
  std::uint64_t mixed = verdict.trace_hash ^ scenario.seed;
  result.trace_hash += splitmix64(mixed);  // a sum, because threads finish as they like
  add_events(result, scenario, verdict);
  if (verdict.ok() || result.failures.size() >= kFailuresKept) return;
  std::string what = verdict.nuisance.empty() ? "" : "nuisance: " + verdict.nuisance;
  for (const Violation& violation : verdict.violations) {
    what += (what.empty() ? "" : "; ") + violation.what + " (tick " +
            std::to_string(violation.tick) + ")";
  }
  result.failures.push_back({scenario, what});
}

}  // namespace

CampaignResult run_campaign(const CampaignOptions& options) {
  CampaignResult result;
  result.threads = options.threads > 0
                       ? options.threads
                       : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const auto begin = std::chrono::steady_clock::now();
  std::mutex mutex;
  std::uint64_t next = options.first_seed;
  const auto work = [&] {
    for (;;) {
      std::uint64_t seed = 0;
      {
        const std::lock_guard lock(mutex);
        const bool enough = options.seeds > 0 ? next - options.first_seed >= options.seeds
                                              : result.simulated_s >= options.hours * 3600.0;
        if (enough || !result.error.empty()) return;
        seed = next++;
      }
      const Scenario scenario = expand(seed, options.draw);
      const auto verdict = run_scenario(scenario, options.files);
      const std::lock_guard lock(mutex);
      if (!verdict) {
        result.error = verdict.error();
        return;
      }
      add(result, scenario, *verdict);
      if (options.progress) {
        options.progress(result.seeds, result.simulated_s / 3600.0, result.failures.size());
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < result.threads; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  result.wall_s = wall.count();
  return result;
}

}  // namespace medius::sim
