#include "sim/swarm/campaign.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace medius::sim {
namespace {

nlohmann::json line_of(const Scenario& scenario, const Verdict& verdict) {
  constexpr std::size_t kViolationsTold = 4;  // a line must fit a pipe's atomic write
  nlohmann::json events = nlohmann::json::array(), violations = nlohmann::json::array();
  for (const EventOutcome& e : verdict.events) {
    events.push_back({e.row, static_cast<int>(e.phase), e.noticed, e.superseded, e.took_ms, e.as,
                      e.in_action, e.exposed_ms, e.load_n, e.servo_ms, e.pulled_ms});
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
          {"seen", {verdict.states, verdict.reactions, verdict.refusals, verdict.storage}},
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
    outcome.in_action = e[6];
    outcome.exposed_ms = e[7];
    outcome.load_n = e[8];
    outcome.servo_ms = e[9];
    outcome.pulled_ms = e[10];
    verdict.events.push_back(outcome);
  }
  for (const nlohmann::json& v : line["violations"]) verdict.violations.push_back({v[0], v[1]});
  verdict.nuisance = line["nuisance"];
  verdict.simulated_s = line["simulated_s"];
  verdict.true_reps = line["true_reps"];
  verdict.phantom_reps = line["phantom_reps"];
  verdict.states = line["seen"][0];
  verdict.reactions = line["seen"][1];
  verdict.refusals = line["seen"][2];
  verdict.storage = line["seen"][3];
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

// Of workers that have ended, and of theirs.
double processor_of_children_s() {
  rusage usage{};
  if (::getrusage(RUSAGE_CHILDREN, &usage) != 0) return 0.0;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
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
  const double processor_before_s = processor_of_children_s();
  result.draw = options.draw;
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
    add_run(result, expand(line["seed"], options.draw), verdict_of(line));
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
  result.processor_s = processor_of_children_s() - processor_before_s;
  return result;
}

}  // namespace medius::sim
