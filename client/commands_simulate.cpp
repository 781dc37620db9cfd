// medius simulate: the same engine, station and person in this process, on simulated time.
#include <chrono>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "client/commands.hpp"
#include "client/connection.hpp"
#include "client/print.hpp"
#include "client/report.hpp"
#include "client/simulate_plan_text.hpp"
#include "sim/world/freed_memory.hpp"
#include "sim/world/world.hpp"

namespace medius::client {
namespace {

namespace fs = std::filesystem;

// The directory of this executable: profiles are built beside it.
fs::path executable_directory() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

// A machine by its short name, or a machine file.
fs::path machine_file(const SimulateCommand& options, const std::string& machine) {
  const fs::path machines = fs::path(options.programs).parent_path() / "hal/machines";
  if (machine.empty() || machine == "cable") return machines / "cable-station-sim.toml";
  if (machine == "cable-drum") return machines / "cable-station-drum-sim.toml";
  if (machine == "cable-pelvis") return machines / "cable-station-pelvis-sim.toml";
  if (machine == "seated") return machines / "seated-hip-abduction-sim.toml";
  if (machine == "seated-linked") return machines / "seated-linked-sim.toml";
  return machine;
}

sim::SimulateOptions world_options(const SimulateCommand& options) {
  sim::SimulateOptions out;
  out.program_id = options.program;
  out.world.seed = options.seed;
  out.world.station.seed = options.seed;
  out.world.program_directory = options.programs;
  out.world.machine_file = machine_file(options, options.machine).string();
  out.world.plugin_directory = options.plugins.empty()
                                   ? (executable_directory().parent_path() / "plugins.d").string()
                                   : options.plugins;
  out.person = {options.lifter, options.sex, options.body_mass_kg, options.weaker_right};
  return out;
}

ReportInput report_of(const sim::SessionResult& result,
                      const std::vector<record::SetRecord>& sets) {
  ReportInput report;
  report.program = result.program_id;
  report.session = result.session_id;
  report.machine = "simulated";
  report.outcome = result.completed ? "completed" : "incomplete";
  report.seed = result.seed;
  report.sets = sets;
  report.guided = result.guided;
  for (const sim::SimulatedSet& set : result.sets) {
    SetTruthFigures figures;
    figures.reps = set.truth.reps;
    figures.direction_changes = set.truth.direction_changes;
    figures.rendered_ratio = set.rendered_ratio_truth;
    figures.rms_error_percent = set.force_error_percent;
    if (!set.truth.range_m.empty()) {
      double sum = 0.0;
      for (const double range : set.truth.range_m) sum += range;
      figures.range_mean =
          sum / static_cast<double>(set.truth.range_m.size()) / set.metres_per_unit;
    }
    report.truth.push_back(figures);
    report.pad_lever_m = set.metres_per_unit;
  }
  return report;
}

// On a terminal one line that is written over; elsewhere nothing.
void show_progress(std::uint32_t done, std::uint32_t total) {
  constexpr std::uint32_t kWidth = 40;
  const std::uint32_t filled = total > 0 ? kWidth * done / total : kWidth;
  fmt::print(stderr, "\r{}{} {} of {} days{}", std::string(filled, '#'),
             std::string(kWidth - filled, '.'), done, total, done == total ? "\n" : "");
}

int simulate_plan(const CommonOptions& common, const SimulateCommand& command) {
  sim::PlanOptions options;
  options.session = world_options(command);
  options.seated_machine_file = machine_file(command, "seated").string();
  options.program_id = command.program;
  options.weeks = command.weeks;
  options.seed = command.seed;
  options.proposals_only = command.proposals_only;
  options.cable_load_cap_n = command.load_cap_n;
  options.data_directory = command.data;
  if (!common.quiet && ::isatty(STDERR_FILENO) != 0) options.progress = show_progress;
  const auto begin = std::chrono::steady_clock::now();
  const auto result = sim::simulate_plan(options);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  if (!result) return complain(result.error());
  if (common.json) {
    fmt::print("{}\n", plan_json(*result).dump(2));
  } else if (!common.quiet) {
    for (const std::string& line : plan_lines(*result)) fmt::print("{}\n", line);
    fmt::print(
        "\n{:.0f} s on the machines simulated in {:.1f} s, {:.0f} times as fast as life, the days "
        "between jumped; seed {}, trace {:016x}\n",
        result->simulated_s, wall.count(), result->simulated_s / wall.count(), command.seed,
        result->trace_hash);
    if (!command.data.empty()) {
      fmt::print("kept in {} (client '{}', plan {}); look at it with mediusd --data\n",
                 command.data, result->client_id, result->plan_ids);
    }
  }
  return kExitOk;
}

}  // namespace

int simulate(const CommonOptions& common, const SimulateCommand& options) {
  sim::keep_freed_memory();
  if (options.weeks > 0) return simulate_plan(common, options);
  const auto begin = std::chrono::steady_clock::now();
  const auto result = sim::simulate_session(world_options(options));
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  if (!result) return complain(result.error());
  std::vector<record::SetRecord> sets;
  for (const sim::SimulatedSet& set : result->sets) sets.push_back(set.stored);
  const ReportInput report = report_of(*result, sets);
  const std::string hash = fmt::format("{:016x}", result->trace_hash);
  if (common.json) {
    auto json = report_json(report);
    json["skipped"] = result->skipped;
    json["trace_hash"] = hash;
    json["simulated_s"] = result->simulated_s;
    fmt::print("{}\n", json.dump(2));
  } else if (!common.quiet) {
    for (const std::string& skipped : result->skipped) fmt::print("{}\n", skipped);
    print_guided(result->guided, common);
    print_sets(sets, common);
    fmt::print("{}", blind_spots(sets));
    fmt::print(
        "\n{:.1f} s simulated in {:.2f} s, {:.0f} times as fast as life; seed {}, trace {}\n",
        result->simulated_s, wall.count(), result->simulated_s / wall.count(), options.seed, hash);
  }
  if (!options.report.empty() && !write_report(options.report, report)) return kExitFailed;
  if (!result->completed) {
    complain("the simulated session ended early: " + result->reason);
    return kExitIncomplete;
  }
  return kExitOk;
}

}  // namespace medius::client
