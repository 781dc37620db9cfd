#include "client/session_report.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/export_text.hpp"
#include "client/page.hpp"
#include "client/svg.hpp"
#include "client/wording.hpp"
#include "controller/base/tick.hpp"
#include "controller/record/export.hpp"

namespace medius::client {
namespace {

using Json = nlohmann::json;

double seconds(const record::SetRecord& set, std::uint64_t tick) {
  return tick < set.start_tick ? 0.0 : static_cast<double>(tick - set.start_tick) * kTickPeriodS;
}

std::vector<SvgBand> bands_of(const record::SetRecord& set) {
  std::vector<SvgBand> bands;
  for (const measure::RepMetrics& rep : set.reps) {
    if (rep.kind == measure::RepKind::kRejected) continue;
    bands.push_back({seconds(set, rep.start_tick), seconds(set, rep.end_tick)});
  }
  return bands;
}

// Force and position over the whole set; the shaded stretches are the repetitions.
std::string set_plots(const ReportedSet& reported) {
  const record::SetRecord& set = reported.set;
  if (reported.samples.empty()) return "<p class='note'>No samples were recorded.</p>";
  const Units units = units_of(set.coordinate);
  SvgSeries measured{"measured", "#2b6cb0", {}, {}, false};
  SvgSeries target{"target", "#c05621", {}, {}, true};
  SvgSeries position{"position", "#2f855a", {}, {}, false};
  const double bottom =
      std::min_element(reported.samples.begin(), reported.samples.end(),
                       [](const auto& a, const auto& b) { return a.position < b.position; })
          ->position;
  for (const rt::SampleRecord& sample : reported.samples) {
    const double t = seconds(set, sample.tick);
    for (SvgSeries* series : {&measured, &target, &position}) series->x.push_back(t);
    measured.y.push_back(sample.force_measured);
    target.y.push_back(sample.force_target);
    position.y.push_back((sample.position - bottom) * units.range_factor);
  }
  SvgPlot force;
  force.title = "Force at the handle";
  force.x_label = "time in s (shaded: repetitions)";
  force.y_label = std::string("force in ") + units.force;
  force.series = {std::move(measured), std::move(target)};
  force.bands = bands_of(set);
  SvgPlot moved;
  moved.title = "Position from the lowest point";
  moved.x_label = force.x_label;
  moved.y_label = std::string("position in ") + units.range;
  moved.height = 200;
  moved.series = {std::move(position)};
  moved.bands = force.bands;
  return svg_plot(force) + svg_plot(moved);
}

std::string repetition_rows(const record::SetRecord& set) {
  const Units units = units_of(set.coordinate);
  const std::string force = units.force;
  std::string out =
      "<table>" +
      page_header_row({"repetition", "kind", std::string("range ") + units.range, "lift s",
                       "hold s", "lower s", "lift mean " + force, "lift peak " + force,
                       "lower mean " + force, "lower/lift", "work J", "remarks"}) +
      "<tbody>";
  for (const measure::RepMetrics& rep : set.reps) {
    out += "<tr>" + page_cell(rep.index == 0 ? "–" : std::to_string(rep.index)) +
           page_cell(word(rep.kind), true) +
           page_cell(page_number(rep.range * units.range_factor, 0)) +
           page_cell(page_number(rep.concentric.duration_s, 2)) +
           page_cell(page_number(rep.hold_s, 2)) +
           page_cell(page_number(rep.eccentric.duration_s, 2)) +
           page_cell(page_number(rep.concentric.force_mean_time, 1)) +
           page_cell(page_number(rep.concentric.force_peak, 1)) +
           page_cell(page_number(rep.eccentric.force_mean_time, 1)) +
           page_cell(page_number(rep.rendered_ratio, 2)) +
           page_cell(page_number(rep.concentric.work_j, 1)) +
           page_cell(quality_words(rep.quality), true) + "</tr>";
  }
  return out + "</tbody></table>";
}

std::string set_section(const ReportedSet& reported) {
  const record::SetRecord& set = reported.set;
  const char* unit = units_of(set.coordinate).force;
  return fmt::format(
      "<section><h2>Set {}: {}, {}</h2><p class='facts'>{} · tempo {} · load {:g} {} at the start, "
      "{:g} {} at the end · {} of {} repetitions{} · ended: {}</p>{}{}</section>",
      set.index, escaped(set.exercise_id), escaped(word(set.side)), escaped(set.profile_id),
      escaped(set.tempo), set.load_start, unit, set.load_end, unit, set.reps_counted,
      set.reps_target, set.reps_partial > 0 ? fmt::format(", {} partial", set.reps_partial) : "",
      escaped(word(set.end)), set_plots(reported), repetition_rows(set));
}

// One point a set, so that the course of the loads is seen at a glance.
std::string loads_plot(std::span<const ReportedSet> sets) {
  SvgPlot plot;
  plot.title = "Loads of the session";
  plot.x_label = "set";
  plot.height = 180;
  SvgSeries left{"left", "#2b6cb0", {}, {}, false};
  SvgSeries right{"right", "#c05621", {}, {}, false};
  SvgSeries both{"both", "#2f855a", {}, {}, false};
  const char* unit = nullptr;
  for (const ReportedSet& reported : sets) {
    const record::SetRecord& set = reported.set;
    const char* own = units_of(set.coordinate).force;
    if (unit != nullptr && std::string_view(unit) != own) return "";
    unit = own;
    SvgSeries& series = set.side == record::Side::kLeft    ? left
                        : set.side == record::Side::kRight ? right
                                                           : both;
    for (const auto& [x, load] :
         {std::pair{set.index - 0.4, set.load_start}, std::pair{set.index + 0.4, set.load_end}}) {
      series.x.push_back(x);
      series.y.push_back(load);
    }
    series.x.push_back(std::nan(""));  // the next set begins a line of its own
    series.y.push_back(std::nan(""));
  }
  if (unit == nullptr) return "";
  plot.y_label = std::string("load in ") + unit;
  for (const SvgSeries* series : {&left, &right, &both}) {
    if (!series->x.empty()) plot.series.push_back(*series);
  }
  return svg_plot(plot);
}

std::string value_text(const Json& metrics, const char* key) {
  const auto found = metrics.find(key);
  if (found == metrics.end() || !(*found)["value"].is_number()) return "–";
  const double value = (*found)["value"].get<double>();
  const Json& sigma = (*found)["uncertainty"];
  const std::string unit = (*found)["unit"].get<std::string>();
  const std::string plus = sigma.is_number() && sigma.get<double>() > 0.0
                               ? fmt::format(" ± {:.1f}", sigma.get<double>())
                               : "";
  return fmt::format("{:.1f}{} {}", value, plus, unit == "1" ? "" : unit);
}

bool within_change(const Json& metrics) {
  for (const auto& [key, value] : metrics.items()) {
    for (const Json& flag : value["flags"]) {
      if (flag == "within_change") return true;
    }
  }
  return false;
}

// The comparison of the sides is the export's own, so that page and file never disagree.
std::string symmetry_section(const record::SessionRecord& session,
                             std::span<const ReportedSet> sets) {
  std::vector<record::SetRecord> records;
  for (const ReportedSet& reported : sets) records.push_back(reported.set);
  const Json document = Json::parse(session_json(session, records, {}));
  if (document["symmetry"].empty()) return "";
  std::string out = "<section><h2>Left and right</h2><table>" +
                    page_header_row({"exercise", "measure", "difference", "weaker/stronger",
                                     "least change that can be "
                                     "told apart",
                                     "reading"}) +
                    "<tbody>";
  for (const Json& entry : document["symmetry"]) {
    const Json& metrics = entry["metrics"];
    out += "<tr>" + page_cell(entry["exercise_id"].get<std::string>(), true) +
           page_cell(entry["metric"].get<std::string>(), true) +
           page_cell(value_text(metrics, "symmetry_index")) +
           page_cell(value_text(metrics, "limb_symmetry_index")) +
           page_cell(value_text(metrics, "minimal_detectable_change")) +
           page_cell(within_change(metrics) ? "within what repetitions differ by anyway"
                                            : "larger than what repetitions differ by",
                     true) +
           "</tr>";
  }
  return out +
         "</tbody></table><p class='note'>Differences are of this session's full repetitions. ± is "
         "one standard deviation. A difference within the least change that can be told apart may "
         "be "
         "chance; one beyond it says that the two sides did differently here, and not why.</p>"
         "</section>";
}

std::string guided_section(std::span<const record::GuidedRecord> guided) {
  if (guided.empty()) return "";
  std::string out =
      "<section><h2>Without the machine</h2><table>" +
      page_header_row({"exercise", "side", "asked", "told", "ended", "confirmed by"}) + "<tbody>";
  for (const record::GuidedRecord& one : guided) {
    out += "<tr>" + page_cell(one.exercise_id, true) + page_cell(word(one.side), true) +
           page_cell(std::to_string(one.reps_asked)) +
           page_cell(std::to_string(one.reps_confirmed)) + page_cell(word(one.end), true) +
           page_cell(one.confirmed_by, true) + "</tr>";
  }
  return out +
         "</tbody></table><p class='note'>Nothing here was counted or measured by the machine: "
         "it is what somebody said.</p></section>";
}

}  // namespace

std::string session_report_html(const record::SessionRecord& session,
                                std::span<const ReportedSet> sets,
                                std::span<const record::GuidedRecord> guided) {
  const std::string program = session.program_id.empty() ? "free set" : session.program_id;
  std::string out = page_head("Session " + session.id);
  out += fmt::format(
      "<h1>{}</h1><p class='facts'>{}{} to {} · session {} · {} sets</p>", escaped(program),
      session.client_id.empty() ? "" : escaped(session.client_id) + " · ",
      escaped(record::iso_time(session.start_unix_ns)),
      session.end_unix_ns == 0 ? "(open)" : escaped(record::iso_time(session.end_unix_ns)),
      escaped(session.id), sets.size());
  out += loads_plot(sets);
  out += symmetry_section(session, sets);
  for (const ReportedSet& reported : sets) out += set_section(reported);
  out += guided_section(guided);
  return out + page_end();
}

}  // namespace medius::client
