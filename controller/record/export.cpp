#include "controller/record/export.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <limits>
#include <ostream>
#include <string_view>
#include <vector>

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"
#include "controller/record/export_words.hpp"
#include "controller/record/rows.hpp"

namespace medius::record {
namespace {

using hal::CoordinateKind;
using measure::MetricId;
using measure::MetricScope;
using measure::MetricValue;
using measure::PhaseMetrics;
using measure::RepMetrics;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();  // an empty field
constexpr double kDegrees = 180.0 / det::kPi;

std::string number(double value) {
  if (!is_finite(value)) return {};
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return std::string(text.data(), end);
}

// RFC 4180: quoted when it must be.
std::string field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

class CsvRow {
 public:
  CsvRow& text(std::string_view value) { return raw(field(value)); }
  CsvRow& real(double value) { return raw(number(value)); }
  CsvRow& integer(auto value) { return raw(std::to_string(value)); }
  void end(std::ostream& out) {
    out << line_ << '\n';
    line_.clear();
    first_ = true;
  }

 private:
  CsvRow& raw(const std::string& value) {
    if (!first_) line_ += ',';
    first_ = false;
    line_ += value;
    return *this;
  }

  std::string line_;
  bool first_ = true;
};

// A metric of a phase: its name, its unit for a kind of machine, where it is.
struct PhaseColumn {
  const char* name;
  std::function<std::string(const Units&)> unit;
  double PhaseMetrics::*member;
};

const std::vector<PhaseColumn>& phase_columns() {
  static const auto force = [](const Units& units) { return std::string(units.force); };
  static const auto velocity = [](const Units& units) { return std::string(units.velocity); };
  static const auto fixed = [](const char* unit) {
    return [unit](const Units&) { return std::string(unit); };
  };
  static const std::vector<PhaseColumn> columns{
      {"duration", fixed("s"), &PhaseMetrics::duration_s},
      {"force_mean_time", force, &PhaseMetrics::force_mean_time},
      {"force_mean_distance", force, &PhaseMetrics::force_mean_distance},
      {"force_peak", force, &PhaseMetrics::force_peak},
      {"impulse", [](const Units& units) { return std::string(units.impulse); },
       &PhaseMetrics::impulse},
      {"work", fixed("J"), &PhaseMetrics::work_j},
      {"power_mean", fixed("W"), &PhaseMetrics::power_mean_w},
      {"power_peak", fixed("W"), &PhaseMetrics::power_peak_w},
      {"velocity_mean", velocity, &PhaseMetrics::velocity_mean},
      {"velocity_peak", velocity, &PhaseMetrics::velocity_peak},
      {"force_error_rms", force, &PhaseMetrics::force_error_rms},
  };
  return columns;
}

// Metrics of a repetition or a set that have no older column: those get one here. The order is the
// table's.
bool has_column(const measure::MetricDefinition& definition, MetricScope scope) {
  constexpr MetricId kAdded[] = {MetricId::kRangeHip,
                                 MetricId::kVelocityPropulsive,
                                 MetricId::kEccentricControl,
                                 MetricId::kPelvicDrop,
                                 MetricId::kSparc,
                                 MetricId::kLdlj,
                                 eccentric(MetricId::kSparc),
                                 eccentric(MetricId::kLdlj)};
  if (definition.scope != scope) return false;
  return scope != MetricScope::kRepetition ||
         std::find(std::begin(kAdded), std::end(kAdded), definition.id) != std::end(kAdded);
}

std::string set_column(const measure::MetricDefinition& definition) {
  return std::string("set_") + definition.key;
}

std::string with_unit(const std::string& name, const std::string& unit) {
  return name + " [" + unit + "]";
}

// Only tables with sets of linked arms have columns for each pad, after all others.
bool has_pads(std::span<const SetRecord> sets) {
  return std::any_of(sets.begin(), sets.end(), [](const SetRecord& set) {
    return find_value(set.metrics, MetricId::kSetLeftWork) != nullptr;
  });
}

void pads_header(CsvRow& row, const Units& units) {
  for (const measure::MetricDefinition& metric : measure::metric_definitions()) {
    const std::string unit = unit_of(metric.unit, units);
    if (metric.scope == MetricScope::kPads) {
      row.text(with_unit(metric.key, unit));
      row.text(with_unit(std::string(metric.key) + "_uncertainty", unit));
    } else if (metric.scope == MetricScope::kPadsSet) {
      row.text(with_unit(metric.key, unit));
    } else if (metric.scope == MetricScope::kSides) {
      row.text(with_unit(set_column(metric), unit));
    }
  }
}

void pads_cells(CsvRow& row, const SetRecord& set, const RepMetrics& rep) {
  for (const measure::MetricDefinition& metric : measure::metric_definitions()) {
    if (metric.scope == MetricScope::kPads) {
      const MetricValue* value = find_value(rep.values, metric.id);
      row.real(plain(value)).real(uncertainty(value));
    } else if (metric.scope == MetricScope::kPadsSet || metric.scope == MetricScope::kSides) {
      row.real(plain(find_value(set.metrics, metric.id)));
    }
  }
}

void reps_header(std::ostream& out, CoordinateKind kind, bool pads) {
  const Units units = units_of(kind);
  CsvRow row;
  for (const char* name : {"session_id", "set_id", "set_index", "set_start", "exercise_id",
                           "profile_id", "side", "axis", "tempo"}) {
    row.text(name);
  }
  row.text(with_unit("load_start", units.force)).text(with_unit("load_end", units.force));
  for (const char* name : {"set_end", "rep", "kind", "rejection", "quality", "rep_start"}) {
    row.text(name);
  }
  row.text(with_unit("range", units.position));
  for (const char* name : {"hold [s]", "bottom [s]", "time_under_tension [s]", "rendered_ratio [1]",
                           "tempo_error [%]"}) {
    row.text(name);
  }
  for (const char* phase : {"concentric_", "eccentric_"}) {
    for (const PhaseColumn& column : phase_columns()) {
      row.text(with_unit(std::string(phase) + column.name, column.unit(units)));
    }
  }
  row.text("definition_version");
  for (const measure::MetricDefinition& metric : measure::metric_definitions()) {
    if (has_column(metric, MetricScope::kRepetition)) {
      row.text(with_unit(metric.key, unit_of(metric.unit, units)));
    }
  }
  for (const measure::MetricDefinition& metric : measure::metric_definitions()) {
    if (metric.scope == MetricScope::kRepetition) {
      row.text(with_unit(std::string(metric.key) + "_uncertainty", unit_of(metric.unit, units)));
    }
  }
  row.text("metric_flags").text("metric_versions");
  for (const measure::MetricDefinition& metric : measure::metric_definitions()) {
    if (has_column(metric, MetricScope::kSet)) {
      row.text(with_unit(set_column(metric), unit_of(metric.unit, units)));
    }
  }
  row.text("set_metric_flags").text("set_metric_versions");
  if (pads) pads_header(row, units);
  row.end(out);
}

// "sparc:too_short,missing ldlj:uncertain"; a CSV field of its own.
std::string flags_text(std::span<const MetricValue> values) {
  std::string text;
  for (const MetricValue& value : values) {
    const measure::MetricDefinition* metric = measure::find_metric(value.id);
    if (metric == nullptr || value.flags == 0) continue;
    std::string names;
    for (const std::string& name : value_flag_names(value.flags)) {
      names += (names.empty() ? "" : ",") + name;
    }
    text += (text.empty() ? "" : " ") + std::string(metric->key) + ":" + names;
  }
  return text;
}

std::string versions_text(std::span<const MetricValue> values) {
  std::string text;
  for (const MetricValue& value : values) {
    const measure::MetricDefinition* metric = measure::find_metric(value.id);
    if (metric == nullptr) continue;
    text +=
        (text.empty() ? "" : " ") + std::string(metric->key) + "=" + std::to_string(value.version);
  }
  return text;
}

void metric_cells(CsvRow& row, const SetRecord& set, const RepMetrics& rep) {
  for (const measure::MetricDefinition& metric : measure::metric_definitions()) {
    if (has_column(metric, MetricScope::kRepetition)) {
      row.real(plain(find_value(rep.values, metric.id)));
    }
  }
  for (const measure::MetricDefinition& metric : measure::metric_definitions()) {
    if (metric.scope == MetricScope::kRepetition) {
      row.real(uncertainty(find_value(rep.values, metric.id)));
    }
  }
  row.text(flags_text(rep.values)).text(versions_text(rep.values));
  for (const measure::MetricDefinition& metric : measure::metric_definitions()) {
    if (has_column(metric, MetricScope::kSet)) {
      row.real(plain(find_value(set.metrics, metric.id)));
    }
  }
  row.text(flags_text(set.metrics)).text(versions_text(set.metrics));
}

void reps_row(std::ostream& out, const SetRecord& set, const RepMetrics& rep, bool pads) {
  std::string quality;
  for (const std::string& name : quality_names(rep.quality)) {
    quality += (quality.empty() ? "" : " ") + name;
  }
  CsvRow row;
  row.text(set.session_id).text(set.id).integer(set.index).text(iso_time(set.start_unix_ns));
  row.text(set.exercise_id).text(set.profile_id).text(to_string(set.side)).integer(set.axis);
  row.text(set.tempo).real(set.load_start).real(set.load_end).text(to_string(set.end));
  row.integer(rep.index).text(to_string(rep.kind)).text(to_string(rep.rejection)).text(quality);
  row.text(set.start_unix_ns == 0 ? "" : iso_time(unix_ns_at(set, rep.start_tick)));
  row.real(rep.range).real(rep.hold_s).real(rep.bottom_s).real(rep.time_under_tension_s);
  row.real(rep.rendered_ratio).real(rep.tempo_error_percent);
  for (const PhaseMetrics* phase : {&rep.concentric, &rep.eccentric}) {
    for (const PhaseColumn& column : phase_columns()) row.real(phase->*column.member);
  }
  row.integer(rep.definition_version);
  metric_cells(row, set, rep);
  if (pads) pads_cells(row, set, rep);
  row.end(out);
}

}  // namespace

tl::expected<void, ExportError> write_reps_csv(std::ostream& out, std::span<const SetRecord> sets) {
  const CoordinateKind kind = sets.empty() ? CoordinateKind::kCable : sets.front().coordinate;
  for (const SetRecord& set : sets) {
    if (set.coordinate == kind) continue;
    return tl::unexpected(ExportError{
        "set " + set.id + ": in " + units_of(set.coordinate).force + ", the sets before it in " +
        units_of(kind).force +
        "; a column has one unit, export cable and lever sets into tables of their own"});
  }
  const bool pads = has_pads(sets);
  reps_header(out, kind, pads);
  for (const SetRecord& set : sets) {
    for (const RepMetrics& rep : set.reps) reps_row(out, set, rep, pads);
  }
  return {};
}

void write_samples_csv(std::ostream& out, const SetRecord& set,
                       std::span<const rt::SampleRecord> samples) {
  const Units units = units_of(set.coordinate);
  CsvRow row;
  row.text("tick").text("time [s]").text("axis").text(with_unit("position", units.position));
  row.text(with_unit("velocity", units.velocity));
  for (const char* name : {"force_measured", "force_wish", "force_target", "force_output",
                           "base_load", "disturbance"}) {
    row.text(with_unit(name, units.force));
  }
  for (const char* name : {"phase", "load_state", "reaction", "limits", "fault", "drive_age [ns]",
                           "late [ns]", "missed [ticks]"}) {
    row.text(name);
  }
  const bool pads = std::any_of(samples.begin(), samples.end(), [](const rt::SampleRecord& s) {
    return s.pad_left_mnm != 0 || s.pad_right_mnm != 0;
  });
  if (pads) row.text("pad_left [Nm]").text("pad_right [Nm]");
  row.end(out);
  for (const rt::SampleRecord& sample : samples) {
    const auto ticks = static_cast<std::int64_t>(sample.tick - set.start_tick);
    row.integer(sample.tick).real(static_cast<double>(ticks) / 1000.0).integer(sample.axis);
    row.real(sample.position).real(sample.velocity).real(sample.force_measured);
    row.real(sample.force_wish).real(sample.force_target).real(sample.force_output);
    row.real(sample.base_load).real(sample.disturbance).integer(sample.phase);
    row.integer(sample.load_state).integer(sample.reaction).integer(sample.limits);
    row.integer(sample.fault).integer(sample.drive_age_ns).integer(sample.late_ns);
    row.integer(sample.missed);
    if (pads) row.real(1e-3 * sample.pad_left_mnm).real(1e-3 * sample.pad_right_mnm);
    row.end(out);
  }
}

void write_guided_csv(std::ostream& out, std::span<const GuidedRecord> guided) {
  CsvRow row;
  for (const char* name : {"session_id",
                           "guided_id",
                           "index",
                           "exercise_id",
                           "side",
                           "warm_up",
                           "reps_asked",
                           "tempo",
                           "hold [s]",
                           "duration [s]",
                           "end",
                           "confirmed_from",
                           "confirmed_by",
                           "reps_confirmed",
                           "reason",
                           "start",
                           "end_time",
                           "stance_stood [s]",
                           "stance_until_drop [s]",
                           "pelvic_drop [deg]",
                           "pelvic_drop_mean [deg]"}) {
    row.text(name);
  }
  row.end(out);
  for (const GuidedRecord& one : guided) {
    row.text(one.session_id).text(one.id).integer(one.index).text(one.exercise_id);
    row.text(to_string(one.side)).integer(one.warm_up ? 1 : 0).integer(one.reps_asked);
    row.text(one.tempo).real(one.hold_s).real(one.duration_s).text(to_string(one.end));
    row.text(to_string(one.from)).text(one.confirmed_by).integer(one.reps_confirmed);
    row.text(one.reason).text(iso_time(one.start_unix_ns)).text(iso_time(one.end_unix_ns));
    const bool measured = one.stance && one.stance->measured;
    for (const double value :
         {measured ? one.stance->stood_s : kNone, measured ? one.stance->until_drop_s : kNone,
          measured ? one.stance->drop_rad * kDegrees : kNone,
          measured ? one.stance->mean_rad * kDegrees : kNone}) {
      row.real(value);
    }
    row.end(out);
  }
}

}  // namespace medius::record
