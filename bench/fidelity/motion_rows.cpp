#include "bench/fidelity/motion_rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "sim/world/motion_bench.hpp"

namespace medius::bench {
namespace {

using nlohmann::ordered_json;
using Result = sim::MotionBenchResult;

constexpr std::size_t kSpeedWindow = 111;  // ms: a speed is a mean over so long, as in SetTruth
constexpr std::size_t kSettled = 50;       // ms after the set point has reached the set speed
constexpr double kPulledN = 30.0;

sim::MotionBenchOptions motion(const BenchOptions& options, const char* profile) {
  sim::MotionBenchOptions out;
  out.machine_file = options.machine_file;
  out.plugin_directory = options.plugin_directory;
  out.profile = profile;
  out.seed = options.seed;
  out.rig.stiffness_npm = 600.0;  // a leg that pulls ahead of the handle: about 90 N/s
  out.rig.damping_nspm = 60.0;
  return out;
}

sim::MotionBenchOptions out_at(const BenchOptions& options, double speed_mps) {
  sim::MotionBenchOptions run = motion(options, "isokinetic");
  run.parameters = {{"concentric_speed_mps", speed_mps}};
  run.rig.script = {{0.6, 1.875 * 0.6 / (1.5 * speed_mps)}};
  return run;
}

sim::MotionBenchOptions out_and_back(const BenchOptions& options) {
  sim::MotionBenchOptions run = motion(options, "isokinetic");
  run.parameters = {{"way", 3.0}, {"concentric_speed_mps", 0.3}, {"eccentric_speed_mps", 0.2}};
  run.dead_man = true;
  run.rig.script = {{0.5, 2.2}, {0.5, 0.8}, {0.62, 0.4}, {0.2, 2.3}, {0.0, 1.0}};
  return run;
}

sim::MotionBenchOptions held(const BenchOptions& options, double force_n) {
  sim::MotionBenchOptions run = motion(options, "isometric");
  run.load_n = 300.0;
  run.rig.stiffness_npm = 4000.0;
  run.rig.damping_nspm = 120.0;
  run.rig.sway_m = 0.002;
  run.rig.script = {{force_n / 4000.0, 0.3}, {force_n / 4000.0, 4.0}};
  return run;
}

double speed_error(const Result& result, double set_mps) {
  double worst = -1.0;
  std::size_t steady = 0;
  for (std::size_t i = 0; i < result.samples.size(); ++i) {
    const sim::MotionSample& now = result.samples[i];
    const bool there = std::abs(now.target_mps - set_mps) < 1e-9 && now.felt_n > kPulledN;
    steady = there ? steady + 1 : 0;
    if (steady < kSettled + kSpeedWindow) continue;
    const double mean =
        (now.drum_m - result.samples[i - kSpeedWindow].drum_m) / (1e-3 * kSpeedWindow);
    worst = std::max(worst, std::abs(mean - set_mps));
  }
  return worst < 0.0 ? 1e9 : worst;  // never there: no pass
}

double fastest_out(const Result& result) {
  double fastest = 0.0;
  for (const sim::MotionSample& now : result.samples) fastest = std::max(fastest, now.drum_mps);
  return fastest;
}

// Drum travel between two moments, from its least to its most.
double travel(const Result& result, double from_s, double to_s) {
  double least = 1e9, most = -1e9;
  for (const sim::MotionSample& now : result.samples) {
    if (now.time_s < from_s || now.time_s > to_s) continue;
    least = std::min(least, now.drum_m);
    most = std::max(most, now.drum_m);
  }
  return most - least;
}

struct Release {
  double peak_mps = 0.0, in_50_ms_m = 0.0, late_mps = 0.0;
};

void let_go(sim::MotionBenchOptions run, double at_s, Release& worst) {
  run.release_after_s = at_s;
  run.run_s = at_s + 2.0;
  const auto result = sim::run_motion(run);
  if (!result) {
    worst.peak_mps = 1e9;
    return;
  }
  double start_m = 0.0;
  for (const sim::MotionSample& now : result->samples) {
    if (now.time_s < at_s) {
      start_m = now.drum_m;
      continue;
    }
    worst.peak_mps = std::max(worst.peak_mps, -now.drum_mps);
    if (now.time_s < at_s + 0.05) {
      worst.in_50_ms_m = std::max(worst.in_50_ms_m, start_m - now.drum_m);
    }
    if (now.time_s > at_s + 0.1) worst.late_mps = std::max(worst.late_mps, -now.drum_mps);
  }
}

class Rows {
 public:
  void add(const std::string& name, double figure, double limit, const char* unit,
           bool negative_control = false) {
    const double rounded = std::round(1e4 * figure) / 1e4;
    const bool within = figure <= limit;
    rows_.push_back({{"row", name},
                     {"figure", rounded},
                     {"limit", limit},
                     {"unit", unit},
                     {"negative_control", negative_control},
                     {"reached", negative_control ? !within : within}});
  }
  ordered_json take() { return std::move(rows_); }

 private:
  ordered_json rows_ = ordered_json::array();
};

void add_dead_man(const BenchOptions& options, Rows& rows) {
  sim::MotionBenchOptions run = out_and_back(options);
  run.dead_man_until_s = 3.8;
  const auto result = sim::run_motion(run);
  double stopped_s = 0.0, slack_s = 0.0;
  if (result) {
    for (const sim::MotionSample& now : result->samples) {
      if (now.time_s < 3.8 || now.time_s > 4.8) continue;
      if (now.drum_mps < -0.02 && now.motor_n > 30.0) stopped_s = now.time_s - 3.8;
      if (now.felt_n > 30.0) slack_s = now.time_s - 3.8;
    }
  }
  const bool ran = result && result->fault == "dead-man-released";
  rows.add("dead-man let go on the way back: stopped after", ran ? 1e3 * stopped_s : 1e9, 100.0,
           "ms");
  rows.add("dead-man let go on the way back: slack after", ran ? 1e3 * slack_s : 1e9, 500.0, "ms");
}

}  // namespace

ordered_json motion_rows(const BenchOptions& options) {
  Rows rows;
  for (const double speed : {0.1, 0.3, 0.6}) {
    const auto result = sim::run_motion(out_at(options, speed));
    char name[64];
    std::snprintf(name, sizeof name, "isokinetic out at %.1f m/s: error", speed);
    rows.add(name, result ? 1e3 * speed_error(*result, speed) : 1e9, std::max(10.0 * speed, 2.0),
             "mm/s");
  }
  const auto back = sim::run_motion(out_and_back(options));
  rows.add("isokinetic back at 0.2 m/s: error", back ? 1e3 * speed_error(*back, -0.2) : 1e9, 2.0,
           "mm/s");
  for (const double force : {60.0, 100.0, 200.0}) {
    const auto result = sim::run_motion(held(options, force));
    char name[64];
    std::snprintf(name, sizeof name, "isometric pulled with %.0f N: creep in 3.4 s", force);
    rows.add(name, result ? 1e3 * travel(*result, 0.8, 4.2) : 1e9, 1.0, "mm");
  }
  Release release;
  for (const double at_s : {1.0, 1.5, 3.2, 3.8}) let_go(out_and_back(options), at_s, release);
  for (const double force : {60.0, 120.0, 200.0}) let_go(held(options, force), 2.0, release);
  rows.add("released: peak reel-in", release.peak_mps, 1.2, "m/s");
  rows.add("released: way in 50 ms", 1e3 * release.in_50_ms_m, 30.0, "mm");
  rows.add("released: reel-in after 100 ms", release.late_mps, 0.3, "m/s");
  add_dead_man(options, rows);

  sim::MotionBenchOptions plain = out_at(options, 0.3);
  plain.profile = "constant-tension";
  plain.parameters.clear();
  plain.load_n = 60.0;
  const auto load = sim::run_motion(plain);
  rows.add("control: a plain load at 0.3 m/s: error", load ? 1e3 * (fastest_out(*load) - 0.3) : 0.0,
           3.0, "mm/s", true);
  sim::MotionBenchOptions soft = held(options, 100.0);
  soft.drive_velocity_mode = false;
  soft.rig.script = {{0.1, 0.5}, {0.1, 4.0}};
  const auto servo = sim::run_motion(soft);
  rows.add("control: servo in force mode: way at about 100 N",
           servo ? 1e3 * travel(*servo, 0.0, 4.2) : 0.0, 1.0, "mm", true);
  rows.add("servo in force mode: published way for 100 N",
           servo ? 1e5 * servo->compliance_m_per_n : 1e9, 64.0, "mm");
  return rows.take();
}

void print_motion(const ordered_json& rows) {
  std::printf("\nLaws that command motion\n");
  for (const auto& row : rows) {
    std::printf("  %-9s %-52s %9.3f %-5s limit %7.1f%s\n",
                row["reached"].get<bool>() ? "reached" : "missed",
                row["row"].get<std::string>().c_str(), row["figure"].get<double>(),
                row["unit"].get<std::string>().c_str(), row["limit"].get<double>(),
                row["negative_control"].get<bool>() ? " (must miss it)" : "");
  }
}

}  // namespace medius::bench
