#include "bench/fidelity/rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "bench/fidelity/plots.hpp"

namespace medius::bench {

using sim::LawKind;
using sim::LawTruth;

namespace {

constexpr double kLoadsN[] = {30.0, 60.0, 80.0, 120.0, 200.0, 260.0};
constexpr double kRatios[] = {0.5, 1.0, 1.2, 1.3, 1.5, 2.0};
constexpr double kDelaysS[] = {0.0005, 0.002, 0.005, 0.012};
constexpr int kPersonReps = 6;  // fewer than tire a person
constexpr double kHeavyDrivesKg[] = {5.0, 8.0};

std::string text(const char* format, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

}  // namespace

Case constant_case(double load_n) {
  Case c;
  c.law = c.profile = "constant-tension";
  c.load_n = load_n;
  c.truth = LawTruth{LawKind::kConstant, load_n, 0.0};
  c.set_ratio = 1.0;
  return c;
}

Case eccentric_case(double load_n, double ratio) {
  Case c;
  c.profile = "eccentric-emphasis";
  c.law = c.profile + text(" %.2f", ratio);
  c.parameters = {{"eccentric_ratio", ratio}};
  c.load_n = load_n;
  c.truth = LawTruth{LawKind::kEccentric, load_n, ratio};
  c.set_ratio = ratio;
  return c;
}

Case law_case(const std::string& name, const std::string& profile,
              std::map<std::string, double> parameters, std::optional<LawTruth> truth) {
  Case c;
  c.law = name;
  c.profile = profile;
  c.parameters = std::move(parameters);
  c.truth = truth;
  return c;
}

namespace {

// Every law that is shipped, at 80 N.
std::vector<Case> shipped() {
  const double load_n = 80.0;
  std::vector<Case> all = {
      constant_case(load_n),
      eccentric_case(load_n, 1.2),
      law_case("chains", "chains", {{"stiffness_n_per_m", 60.0}},
               LawTruth{LawKind::kChains, load_n, 60.0}),
      law_case("inverse-chains", "inverse-chains", {{"stiffness_n_per_m", 60.0}},
               LawTruth{LawKind::kInverseChains, load_n, 60.0}),
      law_case("band linear", "band", {{"kind", 0.0}, {"stiffness_n_per_m", 100.0}},
               LawTruth{LawKind::kLinearBand, load_n, 100.0}),
      law_case("band rubber", "band",
               {{"kind", 1.0}, {"stiffness_n_per_m", 100.0}, {"rest_length_m", 0.5}},
               LawTruth{LawKind::kRubberBand, load_n, 100.0, 0.5}),
      law_case("viscous", "viscous", {{"damping_ns_per_m", 100.0}},
               LawTruth{LawKind::kViscous, load_n, 100.0}),
      law_case("quadratic-air", "quadratic-air", {{"drag_ns2_per_m2", 150.0}},
               LawTruth{LawKind::kAir, load_n, 150.0}),
      law_case("constant-hip-torque", "constant-hip-torque",
               {{"attachment_m", 0.80}, {"leg_moment_kg_m", 5.23}}),
  };
  for (const char* id : {"custom-curve", "drop-set", "flywheel", "spotter", "stack",
                         "tempo-eccentric", "weight-stack"}) {
    all.push_back(law_case(id, id));
  }
  return all;
}

void aim_rows(std::vector<Case>& all, bool quick) {
  for (Case c : shipped()) {
    c.aim = true;
    all.push_back(c);
  }
  for (const double load_n : kLoadsN) {
    if (load_n != 80.0 && (!quick || load_n == 30.0 || load_n == 200.0)) {
      all.push_back(constant_case(load_n));
      all.back().aim = true;
    }
    for (const double ratio : kRatios) {
      const bool shown_already = load_n == 80.0 && ratio == 1.2;
      const bool short_table =
          ratio == 1.3 ? load_n != 120.0 && load_n != 260.0 : load_n == 80.0 && ratio != 1.5;
      if (shown_already || (quick && !short_table)) continue;
      all.push_back(eccentric_case(load_n, ratio));
      all.back().aim = true;
    }
  }
}

// The rows that stand beside the aims: faster, slower links, heavier drives.
void side_rows(std::vector<Case>& all, bool quick) {
  const auto both = [&all](double load_n, const auto& change) {
    for (Case c : {constant_case(load_n), eccentric_case(load_n, 1.3)}) {
      change(c);
      all.push_back(c);
    }
  };
  const auto tempo = [&](double load_n, measure::Tempo at, const char* name, bool aim) {
    both(load_n, [&](Case& c) {
      c.tempo = at;
      c.tempo_name = name;
      c.aim = aim;
    });
  };
  tempo(80.0, {1.0, 0.0, 1.0, 0.0}, "1-0-1", false);
  if (quick) return;
  tempo(80.0, {4.0, 1.0, 6.0, 0.0}, "4-1-6", true);
  tempo(30.0, {1.0, 0.0, 1.0, 0.0}, "1-0-1", false);
  tempo(80.0, {0.5, 0.0, 0.5, 0.0}, "0.5-0-0.5", false);
  tempo(30.0, {0.5, 0.0, 0.5, 0.0}, "0.5-0-0.5", false);
  for (const double load_n : {30.0, 80.0, 200.0}) {
    for (const double delay_s : kDelaysS) {
      both(load_n, [&](Case& c) {
        c.io_delay_s = delay_s;
        c.aim = delay_s <= 0.002;
      });
    }
    for (const double kg : kHeavyDrivesKg) {
      both(load_n, [&](Case& c) { c.drive_kg = kg; });
    }
  }
}

bool passes(const nlohmann::ordered_json& row, const std::vector<std::string>& filters) {
  return std::all_of(filters.begin(), filters.end(), [&](const std::string& filter) {
    const std::size_t at = filter.find('=');
    if (at == std::string::npos || !row.contains(filter.substr(0, at))) return false;
    const std::string column = filter.substr(0, at);
    const nlohmann::ordered_json& value = row[column];
    const std::string wanted = filter.substr(at + 1);
    // A law has its ratio or variant behind its name.
    if (column == "law") return value.get<std::string>().starts_with(wanted);
    if (value.is_string()) return value.get<std::string>() == wanted;
    return value.is_number() && value.get<double>() == std::strtod(wanted.c_str(), nullptr);
  });
}

nlohmann::ordered_json identity(const Case& c) {
  return {{"machine", c.machine},  {"law", c.law},       {"load_n", c.load_n},
          {"tempo", c.tempo_name}, {"lifter", c.lifter}, {"io_delay_ms", 1e3 * c.io_delay_s},
          {"drive_kg", c.drive_kg}};
}

// A person of common build who does the rig's repetitions at its tempo, if they can.
sim::RigBenchOptions::Lifting lifting(const sim::RigBenchOptions& rig, const Case& what) {
  const sim::LifterConfig person = sim::preset_lifter(what.lifter).value_or(sim::LifterConfig{});
  sim::RigBenchOptions::Lifting lifting;
  lifting.person = {person, person};
  lifting.set.load_n = rig.load_n * (what.machine == "cable" ? 1.0 : rig.lever.pad_lever_m);
  lifting.set.intent.tempo = rig.rig.tempo;
  lifting.set.intent.bottom_s = rig.rig.bottom_s;
  lifting.set.intent.reps = rig.rig.reps;
  return lifting;
}

double rounded(double value) {
  return std::round(value * 1e4) / 1e4;
}

}  // namespace

sim::RigBenchOptions rig_options(const BenchOptions& options) {
  sim::RigBenchOptions rig;
  rig.machine_file = options.machine_file;
  rig.plugin_directory = options.plugin_directory;
  rig.seed = options.seed;
  switch (options.control) {
    case Control::kMachineFile:
      break;
    case Control::kMotorTorqueOnly:
      rig.use_observer = false;
      break;
    case Control::kC0:
      rig.kp = rig.kd_s = 0.0;
      break;
    case Control::kD8:
      rig.kp = 0.08;
      rig.kd_s = 0.0005;
      break;
    case Control::kD25:
      rig.kp = 0.25;
      rig.kd_s = 0.00125;
      break;
  }
  return rig;
}

std::vector<Case> cases(const BenchOptions& options) {
  std::vector<Case> all;
  aim_rows(all, options.quick);
  side_rows(all, options.quick);
  add_seated_rows(all, options.quick);
  add_lifter_rows(all, options.quick);
  std::erase_if(all, [&](const Case& c) { return !passes(identity(c), options.filters); });
  return all;
}

bool beyond_limit(const Case& what) {
  const double felt_n = what.load_n * std::max(what.set_ratio.value_or(1.0), 1.0);
  return felt_n > (what.machine == "seated" ? kFeltMaxPadN : kFeltMaxCableN);
}

tl::expected<Row, std::string> run_case(const BenchOptions& options, const Case& what) {
  if (beyond_limit(what)) {
    Row row;
    row.what = what;
    row.refused = true;
    return row;
  }
  sim::RigBenchOptions rig = rig_options(options);
  rig.profile = what.profile;
  rig.parameters = what.parameters;
  rig.load_n = what.load_n;
  rig.rig.tempo = what.tempo;
  rig.rig.reps = options.quick ? 4 : 12;
  // Another drive is identified anew; its link is not.
  if (what.machine == "seated") {
    rig.machine_file = options.seated_machine_file;
    rig.rig.travel_m = kPadTravelM;
    rig.lever.drive_dead_time_s = what.io_delay_s;
    rig.mass_ratio = what.drive_kg / kArmKg;
    rig.lever.arm_inertia_kgm2 *= rig.mass_ratio;
  } else if (what.machine == "seated-linked") {
    rig.machine_file = options.linked_machine_file;
    rig.rig.travel_m = kPadTravelM;
    rig.lever.drive_dead_time_s = what.io_delay_s;
  } else {
    rig.plant.drive_dead_time_s = what.io_delay_s;
    rig.plant.reflected_mass_kg = what.drive_kg;
    rig.mass_ratio = what.drive_kg / kDriveKg;
  }
  if (what.lifter != "rig") {
    rig.rig.reps = std::min(rig.rig.reps, kPersonReps);
    rig.lifting = lifting(rig, what);
  }
  auto result = sim::run_rig(rig);
  if (!result) return tl::make_unexpected(what.law + ": " + result.error());
  Row row;
  const std::size_t ticks = result->samples.size();
  row.what = what;
  row.against_target = result->force;
  row.force = result->force;
  if (what.truth) {
    sim::fill_law_targets(*what.truth, result->samples);
    row.force = sim::judge_force(result->samples);
  }
  if (!options.plot_directory.empty() && plotted(what)) row.samples = std::move(result->samples);
  row.clipped_ticks = result->clipped_ticks;
  row.clipped_by_tank = result->clipped_by_tank;
  row.clipped_by_phase = result->clipped_by_phase;
  row.clipped_by_slew = result->clipped_by_slew;
  row.ticks = ticks;
  row.oscillated = result->oscillated;
  row.fault = result->fault;
  row.direction_changes = result->direction_changes;
  row.lifted = result->lifted;
  row.planned = rig.rig.reps;
  row.cannot_lift = result->cannot_lift;
  return row;
}

nlohmann::ordered_json columns(const Row& row) {
  nlohmann::ordered_json out = identity(row.what);
  const sim::ForceTruth& force = row.force;
  if (!row.done()) {
    for (const char* column : {"rms_n", "rms_percent", "turn_worst_percent", "rendered_ratio",
                               "friction_felt_n", "apparent_mass_kg", "steps_over_3_percent"}) {
      out[column] = nullptr;
    }
    return out;
  }
  out["rms_n"] = rounded(force.rms_n);
  out["rms_percent"] = rounded(force.rms_percent);
  out["turn_worst_percent"] = rounded(force.turn_worst_percent);
  out["rendered_ratio"] = rounded(force.rendered_ratio);
  out["friction_felt_n"] = rounded(force.friction_felt_n);
  out["apparent_mass_kg"] = rounded(force.apparent_mass_kg);
  out["steps_over_3_percent"] = force.steps;
  return out;
}

}  // namespace medius::bench
