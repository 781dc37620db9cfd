#include <algorithm>
#include <ostream>
#include <utility>

#include <nlohmann/json.hpp>

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"
#include "controller/measure/set_metrics.hpp"
#include "controller/record/export.hpp"
#include "controller/record/export_words.hpp"

namespace medius::record {
namespace {

using Json = nlohmann::ordered_json;
using hal::CoordinateKind;
using measure::MetricId;
using measure::MetricValue;
using measure::PhaseMetrics;
using measure::RepMetrics;

constexpr int kFormatVersion = 1;

Json real(double value) {
  return is_finite(value) ? Json(value) : Json(nullptr);
}

Json time(std::int64_t unix_ns) {
  return unix_ns == 0 ? Json(nullptr) : Json(iso_time(unix_ns));
}

Json phase_json(const PhaseMetrics& phase) {
  return {{"duration_s", real(phase.duration_s)},
          {"force_mean_time", real(phase.force_mean_time)},
          {"force_mean_distance", real(phase.force_mean_distance)},
          {"force_peak", real(phase.force_peak)},
          {"impulse", real(phase.impulse)},
          {"work_j", real(phase.work_j)},
          {"power_mean_w", real(phase.power_mean_w)},
          {"power_peak_w", real(phase.power_peak_w)},
          {"velocity_mean", real(phase.velocity_mean)},
          {"velocity_peak", real(phase.velocity_peak)},
          {"force_error_rms", real(phase.force_error_rms)}};
}

// {key: {"value", "uncertainty", "unit", "flags", "version"}}
Json metrics_json(std::span<const MetricValue> values, const Units& units) {
  Json out = Json::object();
  for (const MetricValue& value : values) {
    const measure::MetricDefinition* metric = measure::find_metric(value.id);
    if (metric == nullptr) continue;
    out[metric->key] = {{"value", real(plain(&value))},
                        {"uncertainty", real(uncertainty(&value))},
                        {"unit", unit_of(metric->unit, units)},
                        {"flags", value_flag_names(value.flags)},
                        {"version", value.version}};
  }
  return out;
}

Json rep_json(const RepMetrics& rep, const Units& units) {
  return {{"index", rep.index},
          {"kind", to_string(rep.kind)},
          {"rejection", to_string(rep.rejection)},
          {"quality", quality_names(rep.quality)},
          {"definition_version", rep.definition_version},
          {"start_tick", rep.start_tick},
          {"peak_start_tick", rep.peak_start_tick},
          {"peak_end_tick", rep.peak_end_tick},
          {"end_tick", rep.end_tick},
          {"range", real(rep.range)},
          {"hold_s", real(rep.hold_s)},
          {"bottom_s", real(rep.bottom_s)},
          {"time_under_tension_s", real(rep.time_under_tension_s)},
          {"rendered_ratio", real(rep.rendered_ratio)},
          {"tempo_error_percent", real(rep.tempo_error_percent)},
          {"concentric", phase_json(rep.concentric)},
          {"eccentric", phase_json(rep.eccentric)},
          {"metrics", metrics_json(rep.values, units)}};
}

Json set_json(const SetRecord& set) {
  const Units units = units_of(set.coordinate);
  Json parameters = Json::object();
  for (const auto& [name, value] : set.parameters) parameters[name] = real(value);
  Json reps = Json::array();
  for (const RepMetrics& rep : set.reps) reps.push_back(rep_json(rep, units));
  return {{"id", set.id},
          {"index", set.index},
          {"exercise_id", set.exercise_id},
          {"profile_id", set.profile_id},
          {"parameters", std::move(parameters)},
          {"side", to_string(set.side)},
          {"axis", set.axis},
          {"coordinate", set.coordinate == CoordinateKind::kLever ? "lever" : "cable"},
          {"units",
           {{"force", units.force},
            {"position", units.position},
            {"velocity", units.velocity},
            {"impulse", units.impulse}}},
          {"tempo", set.tempo},
          {"load_start", real(set.load_start)},
          {"load_end", real(set.load_end)},
          {"reps_target", set.reps_target},
          {"reps_counted", set.reps_counted},
          {"reps_partial", set.reps_partial},
          {"direction_changes", set.direction_changes},
          {"end", to_string(set.end)},
          {"fault_code", set.fault},
          {"start", time(set.start_unix_ns)},
          {"end_time", time(set.end_unix_ns)},
          {"start_tick", set.start_tick},
          {"end_tick", set.end_tick},
          {"samples", set.samples},
          {"samples_dropped", set.samples_dropped},
          {"reps", std::move(reps)},
          {"metrics", metrics_json(set.metrics, units)}};
}

// Full repetitions of all sets of an exercise on one side.
std::vector<double> side_values(std::span<const SetRecord> sets, const std::string& exercise,
                                Side side, MetricId id) {
  std::vector<double> values;
  for (const SetRecord& set : sets) {
    if (set.side != side || set.exercise_id != exercise) continue;
    for (const RepMetrics& rep : set.reps) {
      const double value = plain(find_value(rep.values, id));
      if (rep.kind == measure::RepKind::kFull && is_finite(value)) values.push_back(value);
    }
  }
  return values;
}

// One set of both legs on linked arms, a metric of each pad.
struct PadPair {
  MetricId metric, left, right;
};
constexpr PadPair kPadPairs[] = {
    {MetricId::kForceMeanTime, MetricId::kLeftForceMean, MetricId::kRightForceMean},
    {MetricId::kForcePeak, MetricId::kLeftForcePeak, MetricId::kRightForcePeak},
    {MetricId::kWork, MetricId::kLeftWork, MetricId::kRightWork}};

// [{"exercise_id", "metric", "metrics": METRICS}] for every exercise that both sides did, each
// with its own arm or both on linked ones.
Json symmetry_json(std::span<const SetRecord> sets) {
  constexpr MetricId kCompared[] = {MetricId::kForceMeanTime, MetricId::kForcePeak,
                                    MetricId::kWork,          MetricId::kPowerMean,
                                    MetricId::kVelocityMean,  MetricId::kRange};
  Json out = Json::array();
  std::vector<std::string> done;
  const auto compare = [&out](const SetRecord& set, MetricId id, std::span<const double> left,
                              std::span<const double> right) {
    const measure::Symmetry symmetry = measure::symmetry(left, right);
    const MetricValue values[] = {symmetry.index, symmetry.limb_index, symmetry.change};
    out.push_back({{"exercise_id", set.exercise_id},
                   {"metric", measure::find_metric(id)->key},
                   {"metrics", metrics_json(values, units_of(set.coordinate))}});
  };
  for (const SetRecord& set : sets) {
    if (std::find(done.begin(), done.end(), set.exercise_id) != done.end()) continue;
    done.push_back(set.exercise_id);
    for (const MetricId id : kCompared) {
      const auto left = side_values(sets, set.exercise_id, Side::kLeft, id);
      const auto right = side_values(sets, set.exercise_id, Side::kRight, id);
      if (left.empty() || right.empty()) continue;
      compare(set, id, left, right);
    }
    for (const PadPair& pair : kPadPairs) {
      const auto left = side_values(sets, set.exercise_id, Side::kBoth, pair.left);
      const auto right = side_values(sets, set.exercise_id, Side::kBoth, pair.right);
      if (!left.empty() && !right.empty()) compare(set, pair.metric, left, right);
    }
  }
  return out;
}

Json guided_json(const GuidedRecord& guided) {
  constexpr double kDegrees = 180.0 / det::kPi;
  Json stance(nullptr);
  if (guided.stance) {
    stance = {{"measured", guided.stance->measured},
              {"held", guided.stance->held},
              {"dropped", guided.stance->dropped},
              {"drop_deg", real(guided.stance->drop_rad * kDegrees)},
              {"mean_deg", real(guided.stance->mean_rad * kDegrees)},
              {"stood_s", real(guided.stance->stood_s)},
              {"until_drop_s", real(guided.stance->until_drop_s)}};
  }
  return {{"id", guided.id},
          {"index", guided.index},
          {"exercise_id", guided.exercise_id},
          {"side", to_string(guided.side)},
          {"warm_up", guided.warm_up},
          {"reps_asked", guided.reps_asked},
          {"tempo", guided.tempo},
          {"hold_s", real(guided.hold_s)},
          {"duration_s", real(guided.duration_s)},
          {"end", to_string(guided.end)},
          {"confirmed_from", to_string(guided.from)},
          {"confirmed_by", guided.confirmed_by},
          {"reps_confirmed", guided.reps_confirmed},
          {"reason", guided.reason},
          {"start", time(guided.start_unix_ns)},
          {"end_time", time(guided.end_unix_ns)},
          {"stance", std::move(stance)}};
}

}  // namespace

void write_session_json(std::ostream& out, const SessionRecord& session,
                        std::span<const SetRecord> sets, std::span<const GuidedRecord> guided) {
  Json without_machine = Json::array();
  for (const GuidedRecord& one : guided) without_machine.push_back(guided_json(one));
  Json list = Json::array();
  for (const SetRecord& set : sets) list.push_back(set_json(set));
  const Json document = {{"format", "medius.session"},
                         {"format_version", kFormatVersion},
                         {"session",
                          {{"id", session.id},
                           {"program_id", session.program_id},
                           {"client_id", session.client_id},
                           {"start", time(session.start_unix_ns)},
                           {"end", time(session.end_unix_ns)}}},
                         {"sets", std::move(list)},
                         {"symmetry", symmetry_json(sets)},
                         {"guided", std::move(without_machine)}};
  // Text that is not UTF-8 is replaced, so that the file is always readable.
  out << document.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

}  // namespace medius::record
