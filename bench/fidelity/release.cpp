#include "bench/fidelity/release.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "controller/base/tick.hpp"
#include "sim/world/motion_bench.hpp"

namespace medius::bench {
namespace {

using nlohmann::ordered_json;

// To 200 N the controller catches the handle; above, and when it is frozen, the drive's own limit
// must.
constexpr double kControllerForceN = 200.0;
constexpr double kControllerMps = 1.2, kControllerTravelMm = 30.0, kLateMps = 0.3;
constexpr double kDriveMps = 1.5, kDriveJ = 15.0;
constexpr double kNoSpeedLimitMps = 100.0;  // faster than anything in the plant
// What a speed read off a plant with dampers is worth.
constexpr double kRoundingMps = 0.005;

// Seconds from the beginning of the second of two repetitions at 2-1-3 with 0.4 s at the bottom.
struct Moment {
  const char* phase;
  double after_s;
  bool quick;
};
constexpr Moment kMoments[] = {{"early lift", 0.35, false},    {"mid lift", 1.0, true},
                               {"late lift", 1.7, false},      {"top", 2.5, true},
                               {"early lowering", 3.5, false}, {"mid lowering", 4.5, true},
                               {"late lowering", 5.5, false},  {"bottom", 6.2, true}};
constexpr double kRepS = 6.4;
constexpr double kHandYieldM = 0.05;

struct ReleaseRow {
  std::string machine, law, phase;
  double load_n = 0.0;
  bool frozen = false;
  double force_n = 0.0;     // at the handle as it is let go
  double before_mps = 0.0;  // > 0 outward, just before
  double peak_mps = 0.0, travel_mm = 0.0, late_mps = 0.0, energy_j = 0.0;  // reel-in: the drum's
  double handle_mps = 0.0;  // the light loose end, which the stretched cable flings
  bool reached = true;
  std::string missed;  // which limits
};

// Inward motion after the release. Reel-in is the drum's; the energy counts the loose end, too.
struct Watch {
  double mass_kg, path_kg;
  std::size_t ticks = 0;
  double travel_m = 0.0;

  void add(double ring_mps, double drive_mps, ReleaseRow& row) {
    const double ring_in = std::max(-ring_mps, 0.0), drive_in = std::max(-drive_mps, 0.0);
    row.peak_mps = std::max(row.peak_mps, drive_in);
    row.handle_mps = std::max(row.handle_mps, ring_in);
    row.energy_j =
        std::max(row.energy_j, 0.5 * (mass_kg * drive_in * drive_in + path_kg * ring_in * ring_in));
    travel_m -= drive_mps * kTickPeriodS;
    if (ticks < 50) row.travel_mm = std::max(row.travel_mm, 1e3 * travel_m);
    if (ticks >= 100) row.late_mps = std::max(row.late_mps, drive_in);
    ++ticks;
  }
};

void judge(ReleaseRow& row) {
  const auto check = [&](const char* what, double value, double limit) {
    if (value <= limit) return;
    row.reached = false;
    row.missed += row.missed.empty() ? what : std::string(", ") + what;
  };
  const bool controller = !row.frozen && row.force_n <= kControllerForceN;
  check("speed", row.peak_mps, (controller ? kControllerMps : kDriveMps) + kRoundingMps);
  if (controller) check("travel", row.travel_mm, kControllerTravelMm);
  if (!row.frozen) check("late speed", row.late_mps, kLateMps);
  check("energy", row.energy_j, kDriveJ);
}

struct Law {
  const char* name;
  const char* profile;
  std::map<std::string, double> parameters;
  std::vector<double> loads_n;
};

tl::expected<ReleaseRow, std::string> force_row(const BenchOptions& options, bool seated,
                                                const Law& law, double load_n, const Moment& moment,
                                                bool frozen, double speed_limit_mps) {
  sim::RigBenchOptions rig = rig_options(options);
  if (seated) {
    rig.machine_file = options.seated_machine_file;
    rig.rig.travel_m = kPadTravelM;
  }
  rig.profile = law.profile;
  rig.parameters = law.parameters;
  rig.load_n = load_n;
  rig.rig.reps = 3;
  // A hand that yields 50 mm to the load: the machine ends a set that pulls a limb in by 0.20 m.
  const double stiffer = std::max(1.0, load_n / (kHandYieldM * rig.rig.stiffness_npm));
  rig.rig.stiffness_npm *= stiffer;
  rig.rig.damping_nspm *= std::sqrt(stiffer);
  rig.release_after_s = kRepS + moment.after_s;
  rig.freeze_at_release = frozen;
  rig.drive_speed_limit_mps = speed_limit_mps;
  const auto result = sim::run_rig(rig);
  if (!result) return tl::make_unexpected(result.error());
  ReleaseRow row;
  row.machine = seated ? "seated" : "cable";
  row.law = law.name;
  row.phase = moment.phase;
  row.load_n = load_n;
  row.frozen = frozen;
  if (!result->fault.empty() && result->fault_sample < result->moved) {
    return tl::make_unexpected(std::string(law.name) + ": " + result->fault +
                               " before the release");
  }
  const std::size_t let_go = result->moved;
  row.force_n = result->samples[let_go - 1].cuff_tension_n;
  row.before_mps = result->samples[let_go - 1].ring_velocity_mps;
  Watch watch{seated ? kArmKg : kDriveKg, seated ? 0.0 : rig.plant.path_mass_kg};
  for (std::size_t i = let_go; i < result->samples.size(); ++i) {
    const sim::ForceTruthSample& now = result->samples[i];
    watch.add(now.ring_velocity_mps, result->drive_mps[i], row);
  }
  judge(row);
  return row;
}

// A law that commands motion: the drive regulates speed by itself.
struct MotionCase {
  const char* law;
  const char* phase;
  double load_n, release_s;
};

sim::MotionBenchOptions motion_options(const BenchOptions& options, const MotionCase& what) {
  sim::MotionBenchOptions run;
  run.machine_file = options.machine_file;
  run.plugin_directory = options.plugin_directory;
  run.profile = what.law;
  run.seed = options.seed;
  run.load_n = what.load_n;
  run.release_after_s = what.release_s;
  run.run_s = what.release_s + 2.0;
  if (run.profile == "isometric") {
    const double out_m = what.load_n / run.rig.stiffness_npm;
    run.load_n = 600.0;
    run.rig.script = {{out_m, 0.3}, {out_m, 4.0}};
    return run;
  }
  run.rig.stiffness_npm = 600.0;  // a leg that pulls ahead of the handle: about 90 N/s
  run.rig.damping_nspm = 60.0;
  run.parameters = {{"way", 3.0}, {"concentric_speed_mps", 0.3}, {"eccentric_speed_mps", 0.2}};
  run.dead_man = true;
  run.rig.script = {{0.5, 2.2}, {0.5, 0.8}, {0.62, 0.4}, {0.2, 2.3}, {0.0, 1.0}};
  return run;
}

tl::expected<ReleaseRow, std::string> motion_row(const BenchOptions& options,
                                                 const MotionCase& what, bool frozen) {
  sim::MotionBenchOptions run = motion_options(options, what);
  run.freeze_at_release = frozen;
  const auto result = sim::run_motion(run);
  if (!result) return tl::make_unexpected(result.error());
  ReleaseRow row;
  row.machine = "cable";
  row.law = what.law;
  row.phase = what.phase;
  row.load_n = what.load_n;
  row.frozen = frozen;
  Watch watch{kDriveKg, run.plant.path_mass_kg};
  for (const sim::MotionSample& now : result->samples) {
    if (now.time_s < what.release_s) {
      row.force_n = now.felt_n;
      row.before_mps = now.ring_mps;
    } else {
      watch.add(now.ring_mps, now.drum_mps, row);
    }
  }
  judge(row);
  return row;
}

std::vector<Law> cable_laws(bool quick) {
  if (quick) {
    return {{"constant-tension", "constant-tension", {}, {30.0, 200.0, 600.0}},
            {"eccentric-emphasis 1.50", "eccentric-emphasis", {{"eccentric_ratio", 1.5}}, {130.0}}};
  }
  return {{"constant-tension",
           "constant-tension",
           {},
           {10.0, 20.0, 40.0, 80.0, 120.0, 200.0, 300.0, 450.0, 600.0}},
          {"eccentric-emphasis 1.50",
           "eccentric-emphasis",
           {{"eccentric_ratio", 1.5}},
           {20.0, 60.0, 130.0, 260.0}},
          {"flywheel", "flywheel", {}, {40.0, 120.0, 195.0}}};
}

std::vector<Law> seated_laws(bool quick) {
  if (quick) return {{"constant-tension", "constant-tension", {}, {80.0, 600.0}}};
  return {{"constant-tension", "constant-tension", {}, {30.0, 80.0, 150.0, 200.0, 400.0, 650.0}},
          {"eccentric-emphasis 1.50",
           "eccentric-emphasis",
           {{"eccentric_ratio", 1.5}},
           {60.0, 130.0, 260.0}},
          {"flywheel", "flywheel", {}, {120.0}}};
}

constexpr MotionCase kMotionCases[] = {
    {"isokinetic", "mid lift", 200.0, 1.0},     {"isokinetic", "late lift", 200.0, 1.5},
    {"isokinetic", "top", 200.0, 2.6},          {"isokinetic", "early lowering", 200.0, 3.2},
    {"isokinetic", "mid lowering", 200.0, 3.8}, {"isometric", "hold", 60.0, 2.0},
    {"isometric", "hold", 120.0, 2.0},          {"isometric", "hold", 195.0, 2.0},
    {"isometric", "hold", 400.0, 2.0},          {"isometric", "hold", 580.0, 2.0}};

bool run_all(const BenchOptions& options, std::vector<ReleaseRow>& rows) {
  const auto keep = [&rows](tl::expected<ReleaseRow, std::string> row) {
    if (!row) {
      std::fprintf(stderr, "medius-bench: %s\n", row.error().c_str());
      return false;
    }
    rows.push_back(std::move(*row));
    return true;
  };
  for (const bool seated : {false, true}) {
    for (const Law& law : seated ? seated_laws(options.quick) : cable_laws(options.quick)) {
      for (const double load_n : law.loads_n) {
        for (const Moment& moment : kMoments) {
          if (options.quick && !moment.quick) continue;
          for (const bool frozen : {false, true}) {
            if (!keep(force_row(options, seated, law, load_n, moment, frozen, kDriveMps))) {
              return false;
            }
          }
        }
      }
    }
  }
  for (const MotionCase& what : kMotionCases) {
    for (const bool frozen : {false, true}) {
      if (!keep(motion_row(options, what, frozen))) return false;
    }
  }
  return true;
}

double rounded(double value) {
  return std::round(value * 1e4) / 1e4;
}

ordered_json to_json(const ReleaseRow& row) {
  return {{"machine", row.machine},
          {"law", row.law},
          {"load_n", row.load_n},
          {"phase", row.phase},
          {"daemon", row.frozen ? "frozen" : "alive"},
          {"force_n", rounded(row.force_n)},
          {"before_mps", rounded(row.before_mps)},
          {"reel_in_mps", rounded(row.peak_mps)},
          {"travel_50ms_mm", rounded(row.travel_mm)},
          {"speed_after_100ms_mps", rounded(row.late_mps)},
          {"energy_j", rounded(row.energy_j)},
          {"handle_mps", rounded(row.handle_mps)},
          {"reached", row.reached},
          {"missed", row.missed}};
}

// The worst row of a kind by one figure.
ordered_json worst_of(const std::vector<ReleaseRow>& rows, double ReleaseRow::*figure,
                      bool controller) {
  const ReleaseRow* worst = nullptr;
  for (const ReleaseRow& row : rows) {
    if ((!row.frozen && row.force_n <= kControllerForceN) != controller) continue;
    if (worst == nullptr || row.*figure > worst->*figure) worst = &row;
  }
  return worst == nullptr ? ordered_json() : to_json(*worst);
}

ordered_json summary_of(const std::vector<ReleaseRow>& rows, const ordered_json& control) {
  int missed = 0;
  for (const ReleaseRow& row : rows) missed += row.reached ? 0 : 1;
  ordered_json out;
  out["rows"] = rows.size();
  out["missed"] = missed;
  out["limits"] = {{"controller_mps", kControllerMps},
                   {"controller_travel_50ms_mm", kControllerTravelMm},
                   {"speed_after_100ms_mps", kLateMps},
                   {"drive_mps", kDriveMps},
                   {"drive_j", kDriveJ}};
  out["worst_by_the_controller"] = {{"speed", worst_of(rows, &ReleaseRow::peak_mps, true)},
                                    {"travel", worst_of(rows, &ReleaseRow::travel_mm, true)},
                                    {"late_speed", worst_of(rows, &ReleaseRow::late_mps, true)}};
  out["worst_by_the_drive"] = {{"speed", worst_of(rows, &ReleaseRow::peak_mps, false)},
                               {"energy", worst_of(rows, &ReleaseRow::energy_j, false)}};
  out["negative_controls"] = ordered_json::array({control});
  return out;
}

void print_row(const ordered_json& row) {
  std::printf(
      "%-7s %-24s %6.0f %-15s %-7s %8.1f %7.2f %8.3f %9.1f %9.3f %8.2f %8.2f  %s\n",
      row["machine"].get<std::string>().c_str(), row["law"].get<std::string>().c_str(),
      row["load_n"].get<double>(), row["phase"].get<std::string>().c_str(),
      row["daemon"].get<std::string>().c_str(), row["force_n"].get<double>(),
      row["before_mps"].get<double>(), row["reel_in_mps"].get<double>(),
      row["travel_50ms_mm"].get<double>(), row["speed_after_100ms_mps"].get<double>(),
      row["energy_j"].get<double>(), row["handle_mps"].get<double>(),
      row["reached"].get<bool>() ? "" : ("missed: " + row["missed"].get<std::string>()).c_str());
}

void print(const std::vector<ReleaseRow>& rows, const ordered_json& summary) {
  std::printf("%-7s %-24s %6s %-15s %-7s %8s %7s %8s %9s %9s %8s %8s\n", "mach.", "law", "load N",
              "let go", "daemon", "force N", "before", "peak m/s", "50 ms, mm", "100 ms on",
              "energy J", "end m/s");
  for (const ReleaseRow& row : rows) print_row(to_json(row));
  std::printf(
      "\n%zu rows, %d missed\nworst by the controller (speed, travel, late speed), then by "
      "the drive (speed, energy)\n",
      rows.size(), summary["missed"].get<int>());
  for (const char* part : {"worst_by_the_controller", "worst_by_the_drive"}) {
    for (const auto& [figure, row] : summary[part].items()) {
      if (!row.is_null()) print_row(row);
    }
  }
  for (const ordered_json& control : summary["negative_controls"]) {
    std::printf("%s: %s\n", control["control"].get<std::string>().c_str(),
                control["fails_as_it_should"].get<bool>() ? "fails as it should" : "DOES NOT FAIL");
  }
}

}  // namespace

int run_release(const BenchOptions& options) {
  std::vector<ReleaseRow> rows;
  if (!run_all(options, rows)) return 1;
  const Law heavy{"constant-tension", "constant-tension", {}, {600.0}};
  const auto without = force_row(options, false, heavy, 600.0, kMoments[3], true, kNoSpeedLimitMps);
  if (!without) {
    std::fprintf(stderr, "medius-bench: %s\n", without.error().c_str());
    return 1;
  }
  ordered_json control = {{"control", "no speed limit in the drive, 600 N, daemon frozen"},
                          {"fails_as_it_should", !without->reached}};
  control["row"] = to_json(*without);
  const ordered_json summary = summary_of(rows, control);
  if (options.json) {
    ordered_json out;
    out["rows"] = ordered_json::array();
    for (const ReleaseRow& row : rows) out["rows"].push_back(to_json(row));
    out["summary"] = summary;
    std::printf("%s\n", out.dump(1).c_str());
  } else {
    print(rows, summary);
  }
  return 0;
}

}  // namespace medius::bench
