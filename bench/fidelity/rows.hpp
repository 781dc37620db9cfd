// The rows of the fidelity table: which law, load, tempo, link and drive, and what came out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "bench/fidelity/bench.hpp"
#include "sim/checkers/law_truth.hpp"

namespace medius::bench {

// One run on the motion rig, or with a person.
struct Case {
  std::string machine = "cable";
  std::string lifter = "rig";  // or the preset of a person
  std::string law;             // as the row calls it: the profile, and what distinguishes it
  std::string profile;         // id of the plugin
  std::map<std::string, double> parameters;
  std::optional<sim::LawTruth> truth;  // independent reference; none: what the controller aimed at
  double load_n = 80.0;
  measure::Tempo tempo{2.0, 1.0, 3.0, 0.0};
  std::string tempo_name = "2-1-3";
  double io_delay_s = kCanonicalDelayS;
  double drive_kg = kDriveKg;       // reflected; seated: at the pad
  std::optional<double> set_ratio;  // eccentric ratio that is to be rendered
  bool aim = false;                 // the aims hold for this row
};

struct Row {
  Case what;
  sim::ForceTruth force;           // against the reference above
  sim::ForceTruth against_target;  // against what the controller aimed at
  // Ticks in which stage 1 let something else be felt than the law wished, and by what.
  std::uint64_t clipped_ticks = 0, clipped_by_tank = 0, clipped_by_phase = 0, clipped_by_slew = 0;
  std::uint64_t ticks = 0;
  bool oscillated = false;
  std::string fault;
  int lifted = 0, planned = 0;  // repetitions of a person
  bool cannot_lift = false;
  bool refused = false;  // the machine does not take the order; nothing ran
  // A set that was refused or that a person cannot do makes no force figures: the columns are null.
  [[nodiscard]] bool done() const {
    return !refused && (what.lifter == "rig" || lifted == planned);
  }
  std::uint32_t direction_changes = 0;
  std::vector<sim::ForceTruthSample> samples;  // only of a run whose plots are wanted
};

// The most that may be felt: a station refuses an order whose load times ratio is beyond its
// limit. 400 N is the heaviest load of a pad, 600 N what the cable is built for.
inline constexpr double kFeltMaxPadN = 400.0, kFeltMaxCableN = 600.0;
[[nodiscard]] bool beyond_limit(const Case& what);

// [any] The whole table, or the short one of a quick run, after the filters.
[[nodiscard]] std::vector<Case> cases(const BenchOptions& options);
[[nodiscard]] tl::expected<Row, std::string> run_case(const BenchOptions& options,
                                                      const Case& what);

// The rows of the seated machine and of persons. Loads, forces and masses are at the pad.
void add_seated_rows(std::vector<Case>& all, bool quick);
void add_lifter_rows(std::vector<Case>& all, bool quick);

// Cases that several tables share.
[[nodiscard]] Case constant_case(double load_n);
[[nodiscard]] Case eccentric_case(double load_n, double ratio);
[[nodiscard]] Case law_case(const std::string& name, const std::string& profile,
                            std::map<std::string, double> parameters = {},
                            std::optional<sim::LawTruth> truth = {});

// Columns as the table and the JSON have them.
[[nodiscard]] nlohmann::ordered_json columns(const Row& row);

}  // namespace medius::bench
