// The report of a session: what was recorded, per side and set, and beside it the truth where a
// simulator has told it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "controller/record/guided_record.hpp"
#include "controller/record/set_record.hpp"

namespace medius::client {

// What the plant says of one set; each part may be unknown.
struct SetTruthFigures {
  std::optional<int> reps;
  std::optional<int> direction_changes;
  std::optional<double> rendered_ratio;     // felt force, steady parts, down over up
  std::optional<double> rms_error_percent;  // felt force against the target, of the target
  std::optional<double> range_mean;         // m | rad
};

struct ReportInput {
  std::string program;
  std::string session;  // id
  std::string client;
  std::string machine;
  std::string store;
  std::string outcome;  // "completed", "stopped", ...
  std::optional<std::uint64_t> seed;
  std::span<const record::SetRecord> sets;
  std::span<const record::GuidedRecord> guided;
  std::vector<SetTruthFigures> truth;  // beside `sets`; empty = none known
  std::optional<double> pad_lever_m;   // of a lever machine: turns Nm into N at the pad
};

[[nodiscard]] nlohmann::ordered_json report_json(const ReportInput& input);

// Writes DIR/reps.csv and DIR/report.json, creating DIR; false with a sentence on stderr.
[[nodiscard]] bool write_report(const std::string& directory, const ReportInput& input);

}  // namespace medius::client
