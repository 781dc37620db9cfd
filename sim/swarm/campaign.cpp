#include "sim/swarm/campaign.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

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
  result.trace_hash += splitmix64(mixed);  // a sum, because workers finish as they like
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

namespace {

nlohmann::json line_of(const Scenario& scenario, const Verdict& verdict) {
  constexpr std::size_t kViolationsTold = 4;  // a line must fit a pipe's atomic write
  nlohmann::json events = nlohmann::json::array(), violations = nlohmann::json::array();
  for (const EventOutcome& e : verdict.events) {
    events.push_back({e.row, static_cast<int>(e.phase), e.noticed, e.superseded, e.took_ms, e.as});
  }
  for (const Violation& violation : verdict.violations) {
    if (violations.size() < kViolationsTold) violations.push_back({violation.tick, violation.what});
  }
  return {{"seed", scenario.seed},
          {"events", events},
          {"violations", violations},
          {"nuisance", verdict.nuisance},
          {"simulated_s", verdict.simulated_s},
          {"true_reps", verdict.true_reps},
          {"phantom_reps", verdict.phantom_reps},
          {"trace_hash", verdict.trace_hash}};
}

Verdict verdict_of(const nlohmann::json& line) {
  Verdict verdict;
  for (const nlohmann::json& e : line["events"]) {
    EventOutcome outcome;
    outcome.fired = true;
    outcome.row = e[0];
    outcome.phase = static_cast<FaultPhase>(e[1].get<int>());
    outcome.noticed = e[2];
    outcome.superseded = e[3];
    outcome.took_ms = e[4];
    outcome.as = e[5];
    verdict.events.push_back(outcome);
  }
  for (const nlohmann::json& v : line["violations"]) verdict.violations.push_back({v[0], v[1]});
  verdict.nuisance = line["nuisance"];
  verdict.simulated_s = line["simulated_s"];
  verdict.true_reps = line["true_reps"];
  verdict.phantom_reps = line["phantom_reps"];
  verdict.trace_hash = line["trace_hash"];
  return verdict;
}

bool tell(int pipe, const nlohmann::json& json) {
  const std::string line = json.dump() + "\n";
  return ::write(pipe, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

// A profile that hung or crashed is never given back, so a process ends after so many scenarios;
// the smallest pool of instances is larger.
constexpr std::uint64_t kScenariosOfAProcess = 4;

// Some scenarios from `i` on; adds up what was simulated. False: stop.
bool work_a_while(const CampaignOptions& options, std::uint64_t i, std::uint64_t stride, int pipe,
                  double& simulated_s) {
  for (std::uint64_t n = 0; n < kScenariosOfAProcess; ++n, i += stride) {
    if (options.seeds > 0 && i >= options.seeds) return true;
    const Scenario scenario = expand(options.first_seed + i, options.draw);
    const auto verdict = run_scenario(scenario, options.files);
    if (!verdict) {
      tell(pipe, {{"error", verdict.error()}});
      return false;
    }
    simulated_s += verdict->simulated_s;
    if (!tell(pipe, line_of(scenario, *verdict))) return false;
  }
  return true;
}

// Every n-th seed. A profile's instances belong to one control thread of one process.
bool work(const CampaignOptions& options, int worker, int workers, int pipe) {
  const auto stride = static_cast<std::uint64_t>(workers);
  const double hours = options.hours / static_cast<double>(workers);
  void* const shared =
      ::mmap(nullptr, sizeof(double), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return false;
  double& simulated_s = *static_cast<double*>(shared);
  for (auto i = static_cast<std::uint64_t>(worker);; i += stride * kScenariosOfAProcess) {
    if (options.seeds > 0 ? i >= options.seeds : simulated_s >= hours * 3600.0) return true;
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work_a_while(options, i, stride, pipe, simulated_s) ? 0 : 1);
    int status = 1;
    if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) return false;
  }
}

}  // namespace

CampaignResult run_campaign(const CampaignOptions& options) {
  CampaignResult result;
  result.workers = options.workers > 0
                       ? options.workers
                       : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const auto begin = std::chrono::steady_clock::now();
  int ends[2];
  if (::pipe(ends) != 0) {
    result.error = "no pipe to the workers";
    return result;
  }
  std::vector<pid_t> workers;
  for (int worker = 0; worker < result.workers; ++worker) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      ::_exit(work(options, worker, result.workers, ends[1]) ? 0 : 1);
    }
    if (child > 0) workers.push_back(child);
  }
  ::close(ends[1]);
  std::FILE* lines = ::fdopen(ends[0], "r");
  char* text = nullptr;
  std::size_t size = 0;
  while (lines != nullptr && ::getline(&text, &size, lines) > 0) {
    const auto line = nlohmann::json::parse(text, nullptr, false);
    if (line.is_discarded() || line.contains("error")) {
      result.error = line.is_discarded() ? "a worker spoke in tongues" : line["error"];
      continue;
    }
    add(result, expand(line["seed"], options.draw), verdict_of(line));
    if (options.progress) {
      options.progress(result.seeds, result.simulated_s / 3600.0, result.failures.size());
    }
  }
  std::free(text);
  if (lines != nullptr) std::fclose(lines);
  for (const pid_t worker : workers) {
    int status = 0;
    ::waitpid(worker, &status, 0);
    if (status != 0 && result.error.empty()) result.error = "a worker died; look for its crash";
  }
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  result.wall_s = wall.count();
  return result;
}

}  // namespace medius::sim
