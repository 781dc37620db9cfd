#include "client/export_text.hpp"

#include <array>
#include <functional>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/records.hpp"
#include "client/wording.hpp"

namespace medius::client {
namespace {

using Json = nlohmann::ordered_json;
using Set = record::SetRecord;
using Rep = measure::RepMetrics;

// A column of the repetition export: its name (without the unit of force or length, which depends
// on the axis) and its value.
struct RepColumn {
  const char* name;
  std::function<Json(const Set&, const Rep&)> value;
};

const std::vector<RepColumn>& rep_columns() {
  static const std::vector<RepColumn> columns = {
      {"session", [](const Set& s, const Rep&) { return Json(s.session_id); }},
      {"set", [](const Set& s, const Rep&) { return Json(s.id); }},
      {"set_index", [](const Set& s, const Rep&) { return Json(s.index); }},
      {"set_start_utc", [](const Set& s, const Rep&) { return Json(iso_time(s.start_unix_ns)); }},
      {"exercise", [](const Set& s, const Rep&) { return Json(s.exercise_id); }},
      {"side", [](const Set& s, const Rep&) { return Json(word(s.side)); }},
      {"profile", [](const Set& s, const Rep&) { return Json(s.profile_id); }},
      {"load_start_{F}", [](const Set& s, const Rep&) { return Json(s.load_start); }},
      {"tempo_s", [](const Set& s, const Rep&) { return Json(s.tempo); }},
      {"rep", [](const Set&, const Rep& r) { return Json(r.index); }},
      {"kind", [](const Set&, const Rep& r) { return Json(word(r.kind)); }},
      {"rejection", [](const Set&, const Rep& r) { return Json(word(r.rejection)); }},
      {"quality", [](const Set&, const Rep& r) { return Json(quality_words(r.quality)); }},
      {"range_{L}", [](const Set&, const Rep& r) { return Json(r.range); }},
      {"concentric_s", [](const Set&, const Rep& r) { return Json(r.concentric.duration_s); }},
      {"hold_s", [](const Set&, const Rep& r) { return Json(r.hold_s); }},
      {"eccentric_s", [](const Set&, const Rep& r) { return Json(r.eccentric.duration_s); }},
      {"bottom_s", [](const Set&, const Rep& r) { return Json(r.bottom_s); }},
      {"time_under_tension_s",
       [](const Set&, const Rep& r) { return Json(r.time_under_tension_s); }},
      {"tempo_error_percent", [](const Set&, const Rep& r) { return Json(r.tempo_error_percent); }},
      {"concentric_force_mean_{F}",
       [](const Set&, const Rep& r) { return Json(r.concentric.force_mean_time); }},
      {"concentric_force_peak_{F}",
       [](const Set&, const Rep& r) { return Json(r.concentric.force_peak); }},
      {"eccentric_force_mean_{F}",
       [](const Set&, const Rep& r) { return Json(r.eccentric.force_mean_time); }},
      {"eccentric_force_peak_{F}",
       [](const Set&, const Rep& r) { return Json(r.eccentric.force_peak); }},
      {"rendered_ratio", [](const Set&, const Rep& r) { return Json(r.rendered_ratio); }},
      {"concentric_work_j", [](const Set&, const Rep& r) { return Json(r.concentric.work_j); }},
      {"eccentric_work_j", [](const Set&, const Rep& r) { return Json(r.eccentric.work_j); }},
      {"concentric_power_mean_w",
       [](const Set&, const Rep& r) { return Json(r.concentric.power_mean_w); }},
      {"concentric_power_peak_w",
       [](const Set&, const Rep& r) { return Json(r.concentric.power_peak_w); }},
      {"concentric_velocity_mean_{L}ps",
       [](const Set&, const Rep& r) { return Json(r.concentric.velocity_mean); }},
      {"concentric_velocity_peak_{L}ps",
       [](const Set&, const Rep& r) { return Json(r.concentric.velocity_peak); }},
      {"eccentric_velocity_peak_{L}ps",
       [](const Set&, const Rep& r) { return Json(r.eccentric.velocity_peak); }},
      {"concentric_force_error_rms_{F}",
       [](const Set&, const Rep& r) { return Json(r.concentric.force_error_rms); }},
      {"eccentric_force_error_rms_{F}",
       [](const Set&, const Rep& r) { return Json(r.eccentric.force_error_rms); }},
      {"start_tick", [](const Set&, const Rep& r) { return Json(r.start_tick); }},
      {"end_tick", [](const Set&, const Rep& r) { return Json(r.end_tick); }},
      {"definition_version", [](const Set&, const Rep& r) { return Json(r.definition_version); }},
  };
  return columns;
}

std::string with_units(std::string name, hal::CoordinateKind kind) {
  const bool cable = kind == hal::CoordinateKind::kCable;
  for (const auto& [mark, unit] :
       {std::pair{"{F}", cable ? "n" : "nm"}, std::pair{"{L}", cable ? "m" : "rad"}}) {
    const std::size_t at = name.find(mark);
    if (at != std::string::npos) name.replace(at, 3, unit);
  }
  return name;
}

hal::CoordinateKind kind_of(std::span<const Set> sets) {
  return sets.empty() ? hal::CoordinateKind::kCable : sets.front().coordinate;
}

std::string csv_field(const Json& value) {
  if (value.is_number_float()) return fmt::format("{:.6g}", value.get<double>());
  if (!value.is_string()) return value.dump();
  const std::string& text = value.get_ref<const std::string&>();
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

// Name and content of each column of recorded samples.
template <typename Visit>
void for_each_sample_column(const v1::RecordedSamples& samples, hal::CoordinateKind kind,
                            Visit visit) {
  const auto name = [kind](const char* text) { return with_units(text, kind); };
  visit(name("tick"), samples.tick());
  visit(name("position_{L}"), samples.position());
  visit(name("velocity_{L}ps"), samples.velocity());
  visit(name("force_measured_{F}"), samples.force_measured());
  visit(name("force_wish_{F}"), samples.force_wish());
  visit(name("force_target_{F}"), samples.force_target());
  visit(name("force_output_{F}"), samples.force_output());
  visit(name("base_load_{F}"), samples.base_load());
  visit(name("disturbance_{F}"), samples.disturbance());
  visit(name("drive_age_ns"), samples.drive_age_ns());
  visit(name("late_ns"), samples.late_ns());
  visit(name("missed"), samples.missed());
  visit(name("fault"), samples.fault());
}

}  // namespace

std::string iso_time(std::int64_t unix_ns) {
  if (unix_ns == 0) return {};
  const std::time_t seconds = unix_ns / 1'000'000'000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds),
                     unix_ns % 1'000'000'000 / 1'000'000);
}

std::string repetitions_csv(std::span<const Set> sets) {
  std::string out;
  for (const RepColumn& column : rep_columns()) {
    out += (out.empty() ? "" : ",") + with_units(column.name, kind_of(sets));
  }
  out += "\n";
  for (const Set& set : sets) {
    for (const Rep& rep : set.reps) {
      std::string line;
      for (const RepColumn& column : rep_columns()) {
        line += (line.empty() ? "" : ",") + csv_field(column.value(set, rep));
      }
      out += line + "\n";
    }
  }
  return out;
}

Json repetitions_json(std::span<const Set> sets) {
  Json out = Json::array();
  for (const Set& set : sets) {
    for (const Rep& rep : set.reps) {
      Json row;
      for (const RepColumn& column : rep_columns()) {
        row[with_units(column.name, set.coordinate)] = column.value(set, rep);
      }
      out.push_back(std::move(row));
    }
  }
  return out;
}

std::string samples_csv(const Set& set, const v1::RecordedSamples& samples, bool heading) {
  std::string out;
  if (heading) {
    out = "set,side";
    for_each_sample_column(samples, set.coordinate,
                           [&](const std::string& name, const auto&) { out += "," + name; });
    out += ",phase\n";
  }
  const std::string front = set.id + "," + word(set.side);
  for (int i = 0; i < samples.tick_size(); ++i) {
    out += front;
    for_each_sample_column(samples, set.coordinate, [&](const std::string&, const auto& column) {
      out += fmt::format(",{:.9g}", static_cast<double>(column[i]));
    });
    out += "," + word(static_cast<v1::Phase>(samples.phase(i))) + "\n";
  }
  return out;
}

Json samples_json(const Set& set, const v1::RecordedSamples& samples) {
  Json out;
  out["set"] = resource_name(set);
  out["side"] = word(set.side);
  for_each_sample_column(samples, set.coordinate, [&](const std::string& name, const auto& column) {
    Json values = Json::array();
    for (const auto value : column) values.push_back(value);
    out[name] = std::move(values);
  });
  Json phases = Json::array();
  for (const auto phase : samples.phase()) phases.push_back(word(static_cast<v1::Phase>(phase)));
  out["phase"] = std::move(phases);
  return out;
}

}  // namespace medius::client
