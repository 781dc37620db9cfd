#include "client/report.hpp"

#include <cmath>
#include <filesystem>
#include <system_error>

#include <nlohmann/json.hpp>

#include "client/connection.hpp"
#include "client/export_text.hpp"
#include "client/print.hpp"
#include "client/tables.hpp"
#include "client/wording.hpp"
#include "controller/base/det_math.hpp"

namespace medius::client {
namespace {

using Json = nlohmann::ordered_json;

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

bool is_lever(const ReportInput& input) {
  return !input.sets.empty() && input.sets.front().coordinate == hal::CoordinateKind::kLever;
}

// A side's truth over its sets: counts add up, the ratio is averaged, errors add in squares.
// Unknown as soon as one set's is.
struct SideTruth {
  std::optional<int> reps;
  std::optional<double> ratio, rms_percent, range;
};

template <typename Get>
std::optional<double> mean_over(const std::vector<SetTruthFigures>& sets, Get get, bool squares) {
  double sum = 0.0;
  for (const SetTruthFigures& set : sets) {
    const std::optional<double> value = get(set);
    if (!value) return std::nullopt;
    sum += squares ? *value * *value : *value;
  }
  if (sets.empty()) return std::nullopt;
  const double mean = sum / static_cast<double>(sets.size());
  return squares ? std::sqrt(mean) : mean;
}

SideTruth side_truth(const ReportInput& input, record::Side side) {
  std::vector<SetTruthFigures> sets;
  for (std::size_t i = 0; i < input.sets.size() && i < input.truth.size(); ++i) {
    if (input.sets[i].side == side) sets.push_back(input.truth[i]);
  }
  SideTruth out;
  int reps = 0;
  bool known = !sets.empty();
  for (const SetTruthFigures& set : sets) {
    known = known && set.reps.has_value();
    reps += set.reps.value_or(0);
  }
  if (known) out.reps = reps;
  out.ratio = mean_over(
      sets, [](const auto& set) { return set.rendered_ratio; }, false);
  out.rms_percent = mean_over(
      sets, [](const auto& set) { return set.rms_error_percent; }, true);
  out.range = mean_over(
      sets, [](const auto& set) { return set.range_mean; }, false);
  return out;
}

Json side_json(const ReportInput& input, record::Side side) {
  const SideFigures figures = side_figures(input.sets, side);
  const SideTruth truth = side_truth(input, side);
  std::uint32_t counted = 0, partial = 0, changes = 0;
  for (const record::SetRecord& set : input.sets) {
    if (set.side != side) continue;
    counted += set.reps_counted;
    partial += set.reps_partial;
    changes += set.direction_changes;
  }
  Json out;
  out["side"] = word(side);
  out["sets"] = figures.sets;
  out["reps_counted"] = counted;
  out["reps_true"] = or_null(truth.reps);
  out["reps_partial"] = partial;
  out["phase_changes"] = changes;
  out["rendered_ratio"] = or_null(truth.ratio);
  out["rendered_ratio_load_cell"] = figures.ratio.mean;
  out["rms_error_percent"] = or_null(truth.rms_percent);
  out["range_mean"] = figures.range.mean;
  out["range_true_mean"] = or_null(truth.range);
  out["force_concentric_mean"] = figures.force_concentric.mean;
  out["force_eccentric_mean"] = figures.force_eccentric.mean;
  if (is_lever(input) && input.pad_lever_m) {
    out["pad_force_concentric_mean_n"] = figures.force_concentric.mean / *input.pad_lever_m;
    out["pad_force_eccentric_mean_n"] = figures.force_eccentric.mean / *input.pad_lever_m;
  }
  out["work_concentric_mean_j"] = figures.work_j.mean;
  out["time_per_repetition_s"] = figures.tempo_s.mean;
  return out;
}

// Linked arms: what each leg did of the one set.
void add_legs(const record::SetRecord& set, Json& out) {
  using measure::MetricId;
  const auto add = [&](Json& to, const char* key, MetricId id) {
    const measure::MetricValue* value = measure::find_value(set.metrics, id);
    const bool known = value != nullptr && (value->flags & measure::kValueMissing) == 0;
    to[key] = known ? Json(value->value) : Json(nullptr);
  };
  if (measure::find_value(set.metrics, MetricId::kSetLeftWork) == nullptr) return;
  Json& left = out["legs"]["left"];
  add(left, "force_concentric_mean", MetricId::kSetLeftForce);
  add(left, "work_j", MetricId::kSetLeftWork);
  Json& right = out["legs"]["right"];
  add(right, "force_concentric_mean", MetricId::kSetRightForce);
  add(right, "work_j", MetricId::kSetRightWork);
  add(out["legs"], "symmetry_percent", MetricId::kSymmetryIndex);
  add(out["legs"], "minimal_detectable_change_percent", MetricId::kMinimalDetectableChange);
}

Json set_json(const ReportInput& input, std::size_t i) {
  const record::SetRecord& set = input.sets[i];
  const SetTruthFigures truth = i < input.truth.size() ? input.truth[i] : SetTruthFigures{};
  Json out;
  out["set"] = set.id;
  out["index"] = set.index;
  out["side"] = word(set.side);
  out["exercise"] = set.exercise_id;
  out["profile"] = set.profile_id;
  out["load"] = set.load_start;
  out["end"] = word(set.end);
  out["reps_target"] = set.reps_target;
  out["reps_counted"] = set.reps_counted;
  out["reps_true"] = or_null(truth.reps);
  out["phase_changes"] = set.direction_changes;
  out["phase_changes_true"] = or_null(truth.direction_changes);
  out["rendered_ratio"] = or_null(truth.rendered_ratio);
  out["rms_error_percent"] = or_null(truth.rms_error_percent);
  out["samples"] = set.samples;
  out["samples_dropped"] = set.samples_dropped;
  add_legs(set, out);
  return out;
}

Json guided_json(const record::GuidedRecord& guided) {
  constexpr double kDegrees = 180.0 / det::kPi;
  Json out;
  out["index"] = guided.index;
  out["exercise"] = guided.exercise_id;
  out["side"] = word(guided.side);
  out["reps_asked"] = guided.reps_asked;
  out["hold_s"] = guided.hold_s;
  out["duration_s"] = guided.duration_s;
  out["end"] = word(guided.end);
  out["reps_confirmed"] = guided.reps_confirmed;
  out["confirmed_by"] = guided.confirmed_by;
  out["reason"] = guided.reason;
  out["stance"] = nullptr;
  if (guided.stance && guided.stance->measured) {
    out["stance"] = {{"stood_s", guided.stance->stood_s},
                     {"until_drop_s", guided.stance->until_drop_s},
                     {"pelvic_drop_deg", kDegrees * guided.stance->drop_rad},
                     {"pelvic_drop_mean_deg", kDegrees * guided.stance->mean_rad}};
  }
  return out;
}

}  // namespace

Json report_json(const ReportInput& input) {
  Json out;
  out["program"] = input.program;
  out["session"] = input.session;
  out["client"] = input.client;
  out["machine"] = input.machine;
  out["store"] = input.store;
  out["outcome"] = input.outcome;
  if (input.seed) out["seed"] = *input.seed;
  const bool lever = is_lever(input);
  out["units"] = {{"force", lever ? "Nm" : "N"}, {"range", lever ? "rad" : "m"}};
  out["sides"] = Json::array();
  for (const auto side : {record::Side::kLeft, record::Side::kRight, record::Side::kBoth}) {
    if (side_figures(input.sets, side).sets > 0) out["sides"].push_back(side_json(input, side));
  }
  out["sets"] = Json::array();
  for (std::size_t i = 0; i < input.sets.size(); ++i) out["sets"].push_back(set_json(input, i));
  out["guided"] = Json::array();
  for (const record::GuidedRecord& guided : input.guided)
    out["guided"].push_back(guided_json(guided));
  return out;
}

bool write_report(const std::string& directory, const ReportInput& input) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    complain("report directory " + directory + " could not be created (" + error.message() +
             "); choose another with --report");
    return false;
  }
  const auto path = std::filesystem::path(directory);
  const auto csv = repetitions_csv(input.sets);
  if (!csv) {
    complain(csv.error());
    return false;
  }
  return write_file(path / "reps.csv", *csv) &&
         write_file(path / "report.json", report_json(input).dump(2) + "\n");
}

}  // namespace medius::client
