#include "bench/fidelity/fidelity.hpp"

#include <cmath>
#include <cstdio>
#include <string>

#include "bench/fidelity/aims.hpp"
#include "bench/fidelity/motion_rows.hpp"
#include "bench/fidelity/plots.hpp"
#include "bench/fidelity/stability.hpp"

namespace medius::bench {
namespace {

using nlohmann::ordered_json;

void print_rows(const std::vector<Row>& rows) {
  std::printf("%-6s %-7s %-24s %6s %-9s %5s %4s  %6s %6s %14s %7s %8s %8s %5s %6s\n", "mach.",
              "lifter", "law", "load N", "tempo", "ms", "kg", "rms N", "rms %", "turn N      %",
              "ratio", "friction", "mass kg", "steps", "clip %");
  for (const Row& row : rows) {
    const sim::ForceTruth& force = row.force;
    std::printf("%-6s %-7s ", row.what.machine.c_str(), row.what.lifter.c_str());
    if (!row.done()) {
      if (row.refused) {
        std::printf("%-24s %6.0f %-9s %5.1f %4.1f  refused: load times ratio is beyond the limit\n",
                    row.what.law.c_str(), row.what.load_n, row.what.tempo_name.c_str(),
                    1e3 * row.what.io_delay_s, row.what.drive_kg);
        continue;
      }
      std::printf("%-24s %6.0f %-9s %5.1f %4.1f  %s: %d of %d repetitions\n", row.what.law.c_str(),
                  row.what.load_n, row.what.tempo_name.c_str(), 1e3 * row.what.io_delay_s,
                  row.what.drive_kg,
                  row.cannot_lift ? "this person cannot lift the load" : "this person fails",
                  row.lifted, row.planned);
      continue;
    }
    std::printf(
        "%-24s %6.0f %-9s %5.1f %4.1f  %6.2f %6.2f %6.2f %6.2f %8.3f %8.2f %8.2f %5d %6.1f%s%s\n",
        row.what.law.c_str(), row.what.load_n, row.what.tempo_name.c_str(),
        1e3 * row.what.io_delay_s, row.what.drive_kg, force.rms_n, force.rms_percent,
        force.turn_worst_n, force.turn_worst_percent, force.rendered_ratio, force.friction_felt_n,
        force.apparent_mass_kg, force.steps,
        100.0 * static_cast<double>(row.clipped_ticks) / static_cast<double>(row.ticks),
        row.oscillated ? "  oscillated" : "", row.fault.empty() ? "" : ("  " + row.fault).c_str());
  }
}

// How far the two references lie apart, and what the kernel cut off: what the figures rest on.
ordered_json references(const std::vector<Row>& rows) {
  ordered_json out = ordered_json::array();
  for (const Row& row : rows) {
    out.push_back(
        {{"row", name_of(row.what)},
         {"reference",
          row.what.truth ? "law computed from the plant's truth" : "force the controller aimed at"},
         {"rms_n_against_controllers_target", std::round(1e4 * row.against_target.rms_n) / 1e4},
         {"ratio_of_the_reference", std::round(1e4 * row.force.target_ratio) / 1e4},
         {"ratio_over_travel", std::round(1e4 * row.force.travel_ratio) / 1e4},
         {"step_worst_n", std::round(1e4 * row.force.step_worst_n) / 1e4},
         {"clipped_ticks", row.clipped_ticks},
         {"clipped_by_tank", row.clipped_by_tank},
         {"clipped_by_phase", row.clipped_by_phase},
         {"clipped_by_slew", row.clipped_by_slew},
         {"ticks", row.ticks},
         {"direction_changes", row.direction_changes},
         {"oscillation_detected", row.oscillated},
         {"refused", row.refused},
         {"lifted", row.what.lifter == "rig" ? ordered_json() : ordered_json(row.lifted)},
         {"cannot_lift", row.what.lifter == "rig" ? ordered_json() : ordered_json(row.cannot_lift)},
         {"fault", row.fault.empty() ? ordered_json() : ordered_json(row.fault)}});
  }
  return out;
}

void print_aims(const std::vector<Aim>& aims) {
  std::printf("\nAims, at 2 s a phase or slower on a link of 0.5-2 ms\n");
  for (const Aim& aim : aims) {
    std::printf("  %-9s %-40s limit %5.2f  worst %7.3f  missed %2d of %2d  %s\n",
                aim.reached() ? "reached" : "missed", aim.name.c_str(), aim.limit, aim.worst,
                aim.rows_missed, aim.rows, aim.worst_row.c_str());
  }
}

// A phase that follows the sign of the estimated speed, as a trembling person would make it.
ordered_json sign_control(const BenchOptions& options) {
  sim::RigBenchOptions rig = rig_options(options);
  rig.rig.tremor_m = 0.2e-3;  // 4 % of the torque at 9 Hz
  auto result = sim::run_rig(rig);
  int changes = 0, sign = -1;
  if (result) {
    for (const double velocity_mps : result->velocity_seen_mps) {
      const int now = velocity_mps > 0.0 ? 1 : -1;
      if (now != sign) ++changes;
      sign = now;
    }
  }
  const auto latched = result ? result->direction_changes : 0u;
  return {
      {"control", "phases by the sign of the speed give more than 24 changes in 12 repetitions"},
      {"fails_as_it_should", changes > 24 && latched == 24},
      {"changes", changes},
      {"changes_latched", latched}};
}

ordered_json torque_only_control(const BenchOptions& options) {
  BenchOptions without = options;
  without.control = Control::kMotorTorqueOnly;
  sim::RigBenchOptions rig = rig_options(without);
  const auto result = sim::run_rig(rig);
  const double ratio = result ? result->force.rendered_ratio : 0.0;
  return {{"control", "motor torque only renders 1.30 as less than 1.05"},
          {"fails_as_it_should", result.has_value() && ratio > 0.5 && ratio < 1.05},
          {"rendered_ratio", std::round(1e4 * ratio) / 1e4}};
}

}  // namespace

int run_fidelity(const BenchOptions& options) {
  const std::vector<Case> table = cases(options);
  if (table.empty()) {
    std::fputs(
        "medius-bench: no row passes the filter; columns are machine, law, load_n, tempo, "
        "lifter, io_delay_ms, drive_kg\n",
        stderr);
    return 2;
  }
  std::vector<Row> rows;
  for (const Case& what : table) {
    std::fprintf(stderr, "fidelity: %zu of %zu: %s\n", rows.size() + 1, table.size(),
                 name_of(what).c_str());
    auto row = run_case(options, what);
    if (!row) {
      std::fprintf(stderr, "medius-bench: %s\n", row.error().c_str());
      return 1;
    }
    rows.push_back(std::move(*row));
  }
  if (!options.plot_directory.empty()) {
    const auto written = write_plots(options.plot_directory, rows);
    if (!written) {
      std::fprintf(stderr, "medius-bench: %s\n", written.error().c_str());
      return 1;
    }
    for (const std::string& path : *written) std::fprintf(stderr, "%s\n", path.c_str());
  }
  const std::vector<Aim> aims = judge_aims(rows);
  ordered_json summary;
  summary["aims"] = to_json(aims);
  summary["seed"] = options.seed;
  summary["references"] = references(rows);
  ordered_json sweep, motion;
  if (options.filters.empty()) {
    motion = motion_rows(options);
    summary["motion"] = motion;
    sweep = sweep_stability(options.quick);
    sweep["negative_controls"].push_back(torque_only_control(options));
    sweep["negative_controls"].push_back(sign_control(options));
    summary["stability"] = sweep;
  }
  if (options.json) {
    ordered_json out;
    out["rows"] = ordered_json::array();
    for (const Row& row : rows) out["rows"].push_back(columns(row));
    out["summary"] = std::move(summary);
    std::printf("%s\n", out.dump(1).c_str());
    return 0;
  }
  print_rows(rows);
  print_aims(aims);
  if (!motion.is_null()) print_motion(motion);
  if (!sweep.is_null()) print_stability(sweep);
  return 0;
}

}  // namespace medius::bench
