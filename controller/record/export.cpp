#include "controller/record/export.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <functional>
#include <ostream>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/base/clamp.hpp"
#include "controller/record/rows.hpp"

namespace medius::record {
namespace {

using Json = nlohmann::ordered_json;
using hal::CoordinateKind;
using measure::PhaseMetrics;
using measure::RepMetrics;

constexpr int kFormatVersion = 1;

struct Units {
  const char* force;
  const char* position;
  const char* velocity;
  const char* impulse;
};

Units units_of(CoordinateKind kind) {
  if (kind == CoordinateKind::kLever) return {"Nm", "rad", "rad/s", "Nm s"};
  return {"N", "m", "m/s", "N s"};
}

const char* to_string(measure::RepKind kind) {
  constexpr std::array<const char*, 3> kNames{"full", "partial", "rejected"};
  return kNames[static_cast<std::size_t>(kind)];
}

const char* to_string(measure::RepRejection rejection) {
  constexpr std::array<const char*, 5> kNames{"none", "too_short", "slack", "unfinished",
                                              "link_lost"};
  return kNames[static_cast<std::size_t>(rejection)];
}

constexpr std::array<std::pair<measure::QualityFlag, const char*>, 7> kQualityNames{{
    {measure::kQualityRangeShort, "range_short"},
    {measure::kQualityTempoFast, "tempo_fast"},
    {measure::kQualityTempoSlow, "tempo_slow"},
    {measure::kQualityHoldShort, "hold_short"},
    {measure::kQualityMomentum, "momentum"},
    {measure::kQualitySamplesMissing, "samples_missing"},
    {measure::kQualityProvisional, "provisional"},
}};

std::vector<std::string> quality_names(std::uint32_t quality) {
  std::vector<std::string> names;
  for (const auto& [flag, name] : kQualityNames) {
    if ((quality & flag) != 0) names.emplace_back(name);
  }
  return names;
}

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

std::string with_unit(const std::string& name, const std::string& unit) {
  return name + " [" + unit + "]";
}

void reps_header(std::ostream& out, CoordinateKind kind) {
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
  row.text("definition_version").end(out);
}

void reps_row(std::ostream& out, const SetRecord& set, const RepMetrics& rep) {
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
  row.integer(rep.definition_version).end(out);
}

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

Json rep_json(const RepMetrics& rep) {
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
          {"eccentric", phase_json(rep.eccentric)}};
}

Json set_json(const SetRecord& set) {
  const Units units = units_of(set.coordinate);
  Json parameters = Json::object();
  for (const auto& [name, value] : set.parameters) parameters[name] = real(value);
  Json reps = Json::array();
  for (const RepMetrics& rep : set.reps) reps.push_back(rep_json(rep));
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
          {"reps", std::move(reps)}};
}

}  // namespace

const char* to_string(Side side) noexcept {
  constexpr std::array<const char*, 4> kNames{"none", "left", "right", "both"};
  const auto index = static_cast<std::size_t>(side);
  return index < kNames.size() ? kNames[index] : "unknown";
}

const char* to_string(SetEnd end) noexcept {
  constexpr std::array<const char*, 6> kNames{"open",        "count", "stopped",
                                              "stood_still", "fault", "interrupted"};
  const auto index = static_cast<std::size_t>(end);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::string iso_time(std::int64_t unix_ns) {
  if (unix_ns == 0) return {};
  using std::chrono::days;
  using std::chrono::floor;
  using std::chrono::milliseconds;
  const std::chrono::sys_time<milliseconds> time(
      floor<milliseconds>(std::chrono::nanoseconds(unix_ns)));
  const auto day = floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<milliseconds> clock(time - day);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return text.data();
}

tl::expected<void, ExportError> write_reps_csv(std::ostream& out, std::span<const SetRecord> sets) {
  const CoordinateKind kind = sets.empty() ? CoordinateKind::kCable : sets.front().coordinate;
  for (const SetRecord& set : sets) {
    if (set.coordinate == kind) continue;
    return tl::unexpected(ExportError{
        "set " + set.id + ": in " + units_of(set.coordinate).force + ", the sets before it in " +
        units_of(kind).force +
        "; a column has one unit, export cable and lever sets into tables of their own"});
  }
  reps_header(out, kind);
  for (const SetRecord& set : sets) {
    for (const RepMetrics& rep : set.reps) reps_row(out, set, rep);
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
  row.end(out);
  for (const rt::SampleRecord& sample : samples) {
    const auto ticks = static_cast<std::int64_t>(sample.tick - set.start_tick);
    row.integer(sample.tick).real(static_cast<double>(ticks) / 1000.0).integer(sample.axis);
    row.real(sample.position).real(sample.velocity).real(sample.force_measured);
    row.real(sample.force_wish).real(sample.force_target).real(sample.force_output);
    row.real(sample.base_load).real(sample.disturbance).integer(sample.phase);
    row.integer(sample.load_state).integer(sample.reaction).integer(sample.limits);
    row.integer(sample.fault).integer(sample.drive_age_ns).integer(sample.late_ns);
    row.integer(sample.missed).end(out);
  }
}

void write_session_json(std::ostream& out, const SessionRecord& session,
                        std::span<const SetRecord> sets) {
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
                         {"sets", std::move(list)}};
  // Text that is not UTF-8 is replaced, so that the file is always readable.
  out << document.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

}  // namespace medius::record
