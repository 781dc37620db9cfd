// Plays random link-fault scripts against the real bus thread and loop, over TCP and over a serial
// line, and prints what came of each. Ends with 1 when one was not as it must be.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/links/link_run.hpp"
#include "tests/links/process_counts.hpp"

namespace medius::sim::proxy {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  int scripts = 100;
  std::uint64_t first = 1;
  std::string wire = "both";
  int at_once = 4;
  bool json = false;
  bool quiet = false;
};

struct Job {
  RunOptions options;
  std::uint64_t seed;
};

// Every second script of the line is for a drive that echoes no sequence number, as most do not.
std::vector<Job> jobs_of(const Options& options) {
  std::vector<Job> jobs;
  for (const Wire wire : {Wire::kTcp, Wire::kRtu}) {
    if (options.wire != "both" && (options.wire == "tcp") != (wire == Wire::kTcp)) continue;
    for (int i = 0; i < options.scripts; ++i) {
      const std::uint64_t seed = options.first + static_cast<std::uint64_t>(i);
      jobs.push_back({{wire, wire == Wire::kTcp || seed % 2 == 1}, seed});
    }
  }
  return jobs;
}

const char* wire_name(const RunResult& result) {
  return result.wire == Wire::kTcp ? "tcp" : "rtu";
}

Json to_json(const RunResult& r) {
  return {{"transport", wire_name(r)},
          {"seed", r.seed},
          {"faults", r.faults},
          {"faults_done", r.faults_done},
          {"samples", r.samples},
          {"stale", r.stale},
          {"repeated", r.repeated},
          {"claim_ms_max", r.claim_ms_max},
          {"rtt_ms_max", r.rtt_ms_max},
          {"quiet_ticks_max", r.quiet_ticks_max},
          {"quiet_ticks_bound", r.quiet_ticks_bound},
          {"connecting_ticks_max", r.connecting_ticks_max},
          {"heal_ticks", r.heal_ticks},
          {"heal_connects", r.heal_connects},
          {"latched", r.latched},
          {"problems", r.problems}};
}

void print_line(const RunResult& r) {
  fmt::print("{:<4}{:>5} {:>8} {:>8} {:>6} {:>9.2f} {:>8.2f} {:>7} {:>7} {:>8}  {}\n", wire_name(r),
             r.seed, r.faults_done, r.samples, r.stale + r.repeated, r.claim_ms_max, r.rtt_ms_max,
             r.quiet_ticks_max, r.heal_ticks, r.latched ? "latched" : "-", r.faults);
  for (const std::string& problem : r.problems) fmt::print("     WRONG: {}\n", problem);
  std::fflush(stdout);
}

struct Sums {
  int scripts = 0, wrong = 0, latched = 0, by_itself = 0, heal_max = 0, quiet_max = 0;
  std::uint64_t samples = 0, stale = 0, faults = 0;
};

Sums sums_of(const std::vector<RunResult>& results, Wire wire) {
  Sums sums;
  for (const RunResult& r : results) {
    if (r.wire != wire) continue;
    ++sums.scripts;
    sums.wrong += r.problems.empty() ? 0 : 1;
    sums.latched += r.latched ? 1 : 0;
    sums.by_itself += r.came_back_by_itself ? 1 : 0;
    sums.heal_max = std::max(sums.heal_max, r.heal_ticks);
    sums.quiet_max = std::max(sums.quiet_max, r.quiet_ticks_max);
    sums.samples += r.samples;
    sums.stale += r.stale + r.repeated;
    sums.faults += r.faults_done;
  }
  return sums;
}

Json summary(const std::vector<RunResult>& results, const ProcessCounts& before,
             const ProcessCounts& after) {
  Json json;
  for (const Wire wire : {Wire::kTcp, Wire::kRtu}) {
    const Sums sums = sums_of(results, wire);
    if (sums.scripts == 0) continue;
    json[wire == Wire::kTcp ? "tcp" : "rtu"] = {{"scripts", sums.scripts},
                                                {"wrong", sums.wrong},
                                                {"faults_done", sums.faults},
                                                {"samples", sums.samples},
                                                {"stale_accepted", sums.stale},
                                                {"latched", sums.latched},
                                                {"force_without_reset", sums.by_itself},
                                                {"heal_ticks_max", sums.heal_max},
                                                {"quiet_ticks_max", sums.quiet_max}};
  }
  json["leaked_files"] = after.files - before.files;
  json["leaked_threads"] = after.threads - before.threads;
  return json;
}

std::vector<RunResult> play(const std::vector<Job>& jobs, const Options& options) {
  std::vector<RunResult> results(jobs.size());
  std::atomic<std::size_t> next{0};
  std::mutex printing;
  const auto work = [&] {
    for (std::size_t i; (i = next++) < jobs.size();) {
      results[i] = run_script(campaign_script(jobs[i].seed, jobs[i].options), jobs[i].options);
      const std::lock_guard lock(printing);
      const bool wrong = !results[i].problems.empty();
      if (!options.json && (!options.quiet || wrong)) print_line(results[i]);
    }
  };
  std::vector<std::thread> workers;
  for (int i = 0; i < options.at_once; ++i) workers.emplace_back(work);
  for (std::thread& worker : workers) worker.join();
  return results;
}

int run(const Options& options) {
  const std::vector<Job> jobs = jobs_of(options);
  if (!options.json && !options.quiet) {
    fmt::print("{:<4}{:>5} {:>8} {:>8} {:>6} {:>9} {:>8} {:>7} {:>7} {:>8}  faults\n", "wire",
               "seed", "acted", "samples", "stale", "claim ms", "rtt ms", "quiet", "heal", "force");
  }
  const ProcessCounts before = process_counts();
  const std::vector<RunResult> results = play(jobs, options);
  const ProcessCounts after = settled_counts(before);
  const Json sums = summary(results, before, after);
  if (options.json) {
    Json all{{"summary", sums}, {"runs", Json::array()}};
    for (const RunResult& result : results) all["runs"].push_back(to_json(result));
    fmt::print("{}\n", all.dump(1));
  } else {
    fmt::print("{}\n", sums.dump());
  }
  const bool wrong = std::any_of(results.begin(), results.end(),
                                 [](const RunResult& r) { return !r.problems.empty(); });
  return wrong || after != before ? 1 : 0;
}

}  // namespace
}  // namespace medius::sim::proxy

int main(int argc, char** argv) {
  using namespace medius::sim::proxy;
  Options options;
  CLI::App app{"link_campaign: random link-fault scripts against the bus thread and the loop"};
  app.add_option("--scripts", options.scripts, "for each transport")->capture_default_str();
  app.add_option("--first", options.first, "first seed")->capture_default_str();
  app.add_option("--wire", options.wire)->check(CLI::IsMember({"tcp", "rtu", "both"}));
  app.add_option("--at-once", options.at_once, "scripts that run beside each other")
      ->check(CLI::Range(1, 32))
      ->capture_default_str();
  app.add_flag("--json", options.json, "one JSON document instead of the table");
  app.add_flag("--quiet", options.quiet, "only what was wrong, and the sums");
  CLI11_PARSE(app, argc, argv);
  return run(options);
}
