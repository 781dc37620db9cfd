#include "client/replay_text.hpp"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/records.hpp"
#include "client/wording.hpp"
#include "controller/base/tick.hpp"

namespace medius::client {
namespace {

using Json = nlohmann::ordered_json;

// Named one by one; --json has all of them.
constexpr std::size_t kDifferencesShown = 10;

// The API's phases begin one higher: 0 is "unspecified".
std::string phase_word(measure::Phase phase) {
  return word(static_cast<v1::Phase>(static_cast<int>(phase) + 1));
}

double seconds(const record::SetRecord& set, std::uint64_t tick) {
  return tick < set.start_tick ? 0.0 : static_cast<double>(tick - set.start_tick) * kTickPeriodS;
}

const char* word_of(ParameterSource source) {
  switch (source) {
    case ParameterSource::kRecorded:
      return "recorded";
    case ParameterSource::kOrdered:
      return "ordered";
    case ParameterSource::kAsked:
      return "asked";
    case ParameterSource::kDefault:
      return "default";
  }
  return "default";
}

const char* sentence_of(ParameterSource source) {
  switch (source) {
    case ParameterSource::kRecorded:
      return "as the set began";
    case ParameterSource::kOrdered:
      return "as ordered during the set";
    case ParameterSource::kAsked:
      return "by --params";
    case ParameterSource::kDefault:
      return "the profile's default";
  }
  return "the profile's default";
}

const char* word_of(record::GivenKind kind) {
  switch (kind) {
    case record::GivenKind::kParameter:
      return "parameter";
    case record::GivenKind::kLoadRequested:
      return "load_requested";
    case record::GivenKind::kLoadApplied:
      return "load_applied";
    case record::GivenKind::kEngaged:
      return "engaged";
    case record::GivenKind::kUnloaded:
      return "unloaded";
  }
  return "unknown";
}

std::string when(const record::SetRecord& set, std::uint64_t tick) {
  return tick <= set.start_tick ? std::string("from the start")
                                : fmt::format("from {:.3f} s", seconds(set, tick));
}

void add_parameters(const ReplayedText& text, std::vector<std::string>& lines) {
  if (text.parameters.empty()) {
    lines.push_back("parameters  " + text.profile + " has none");
    return;
  }
  lines.push_back("parameters of " + text.profile);
  for (const ParameterUse& one : text.parameters) {
    lines.push_back(one.unused.empty()
                        ? fmt::format("  {:<16} {} {:g}, {}", when(text.set, one.tick), one.name,
                                      one.value, sentence_of(one.source))
                        : fmt::format("  not used         {} {:g}, ordered {}: {}", one.name,
                                      one.value, when(text.set, one.tick), one.unused));
  }
}

// Loads and pauses: they are in the samples, and here is why.
void add_orders(const ReplayedText& text, std::vector<std::string>& lines) {
  const char* unit = units_of(text.set.coordinate).force;
  std::vector<std::string> orders;
  for (const record::GivenChange& change : text.set.given.changes) {
    const double at = seconds(text.set, change.tick);
    switch (change.kind) {
      case record::GivenKind::kParameter:
        break;
      case record::GivenKind::kLoadRequested:
        orders.push_back(
            fmt::format("  {:>9.3f} s      load {:g} {} asked for", at, change.value, unit));
        break;
      case record::GivenKind::kLoadApplied:
        orders.push_back(
            fmt::format("  {:>9.3f} s      load {:g} {} in force", at, change.value, unit));
        break;
      case record::GivenKind::kEngaged:
        orders.push_back(fmt::format("  {:>9.3f} s      the load comes in", at));
        break;
      case record::GivenKind::kUnloaded:
        orders.push_back(fmt::format("  {:>9.3f} s      the load goes out", at));
        break;
    }
  }
  if (orders.empty()) return;
  lines.emplace_back("orders that the loop took");
  lines.insert(lines.end(), orders.begin(), orders.end());
}

void add_detector(const ReplayedText& text, std::vector<std::string>& lines) {
  const Replay& replay = text.replay;
  const record::SetRecord& set = text.set;
  const std::uint16_t recorded = set.given.detector_version;
  lines.push_back(fmt::format(
      "detector    version {}, recorded by {}: {} repetitions (recorded {}), {} direction changes "
      "(recorded {})",
      measure::kDetectorVersion,
      recorded == 0 ? std::string("an unknown one") : fmt::format("{}", recorded),
      replay.detector.reps.size(), set.reps.size(), replay.detector.direction_changes,
      set.direction_changes));
  if (replay.differences.empty()) {
    lines.emplace_back(
        "            every repetition, boundary, count and metric the same, bit for bit");
  } else {
    lines.push_back(
        fmt::format("            {} of {} repetitions with the same boundaries, the largest "
                    "difference {} ticks",
                    replay.same_reps, set.reps.size(), replay.boundary_ticks_max));
  }
  for (std::size_t i = 0; i < std::min(kDifferencesShown, replay.differences.size()); ++i) {
    lines.push_back("            differs: " + replay.differences[i]);
  }
  if (replay.differences.size() > kDifferencesShown) {
    lines.push_back(fmt::format("            and {} more; --json names them",
                                replay.differences.size() - kDifferencesShown));
  }
  if (!replay.differences.empty() && recorded != 0 && recorded != measure::kDetectorVersion) {
    lines.emplace_back("            another version of the detector may see it otherwise");
  }
  for (const std::string& one : replay.lacking) lines.push_back("            lacks: " + one);
}

void add_wish(const ReplayedText& text, std::vector<std::string>& lines) {
  const char* unit = units_of(text.set.coordinate).force;
  const WishReplay& wish = text.replay.wish;
  lines.push_back(fmt::format(
      "profile     {} asked at {} ticks under load: {} the same as recorded bit for bit, "
      "difference rms {:.3f} {}, largest {:.3f} {}",
      text.profile, wish.ticks, wish.same_bits, wish.difference_rms, unit, wish.difference_max,
      unit));
  lines.emplace_back();
  lines.push_back(fmt::format(
      "{:<12} {:>8} {:>16} {:>16} {:>16}", "phase", "seconds", fmt::format("measured {}", unit),
      fmt::format("recorded wish {}", unit), fmt::format("this wish {}", unit)));
  for (const auto& [phase, mean] : wish.phases) {
    lines.push_back(fmt::format("{:<12} {:>8.2f} {:>16.2f} {:>16.2f} {:>16.2f}", phase_word(phase),
                                static_cast<double>(mean.ticks) * kTickPeriodS, mean.measured,
                                mean.recorded_wish, mean.wish));
  }
  lines.emplace_back();
  lines.push_back(
      fmt::format("This is what {} wishes over the motion that was recorded, not how the person "
                  "would have moved with it.",
                  text.profile));
  lines.emplace_back(
      "Given to it: position, velocity, force, load, range and count at every tick. The loop's own "
      "acceleration is not recorded: it is taken from the velocity.");
}

Json json_of(const WishReplay& wish) {
  Json phases = Json::object();
  for (const auto& [phase, mean] : wish.phases) {
    phases[phase_word(phase)] = {{"ticks", mean.ticks},
                                 {"measured_mean", mean.measured},
                                 {"recorded_wish_mean", mean.recorded_wish},
                                 {"wish_mean", mean.wish}};
  }
  return {{"ticks", wish.ticks},
          {"ticks_same_bits", wish.same_bits},
          {"difference_rms", wish.difference_rms},
          {"difference_max", wish.difference_max},
          {"phases", std::move(phases)}};
}

Json parameters_json(const ReplayedText& text) {
  Json out = Json::array();
  for (const ParameterUse& one : text.parameters) {
    Json row = {{"name", one.name},
                {"value", one.value},
                {"from_tick", one.tick},
                {"from_s", seconds(text.set, one.tick)},
                {"source", word_of(one.source)},
                {"used", one.unused.empty()}};
    if (!one.unused.empty()) row["why_not"] = one.unused;
    out.push_back(std::move(row));
  }
  return out;
}

Json orders_json(const ReplayedText& text) {
  Json out = Json::array();
  for (const record::GivenChange& change : text.set.given.changes) {
    Json row = {{"tick", change.tick},
                {"time_s", seconds(text.set, change.tick)},
                {"kind", word_of(change.kind)}};
    if (!change.name.empty()) row["name"] = change.name;
    const bool valued =
        change.kind != record::GivenKind::kEngaged && change.kind != record::GivenKind::kUnloaded;
    if (valued) row["value"] = change.value;
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace

std::vector<std::string> replay_lines(const ReplayedText& text) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("{}: {} samples, {} repetitions, recorded with {}",
                              resource_name(text.set), text.samples.size(), text.set.reps.size(),
                              text.set.profile_id));
  lines.push_back(
      "metrics     measured again over the stored boundaries: " +
      (text.metric_changes == 0
           ? std::string("every value the same, bit for bit")
           : fmt::format("{} values differ; 'medius recompute' names them", text.metric_changes)));
  add_detector(text, lines);
  add_parameters(text, lines);
  add_orders(text, lines);
  add_wish(text, lines);
  return lines;
}

std::string replay_json(const ReplayedText& text) {
  const Replay& replay = text.replay;
  const Json document = {{"set", resource_name(text.set)},
                         {"recorded_profile", text.set.profile_id},
                         {"profile", text.profile},
                         {"force_unit", units_of(text.set.coordinate).force},
                         {"samples", text.samples.size()},
                         {"metric_changes", text.metric_changes},
                         {"detector",
                          {{"version_recorded", text.set.given.detector_version},
                           {"version", measure::kDetectorVersion},
                           {"exact", replay.differences.empty()},
                           {"differences", replay.differences},
                           {"lacking", replay.lacking},
                           {"reps_recorded", text.set.reps.size()},
                           {"reps_replayed", replay.detector.reps.size()},
                           {"reps_same", replay.same_reps},
                           {"boundary_difference_ticks_max", replay.boundary_ticks_max},
                           {"direction_changes_recorded", text.set.direction_changes},
                           {"direction_changes_replayed", replay.detector.direction_changes}}},
                         {"parameters", parameters_json(text)},
                         {"orders", orders_json(text)},
                         {"wish", json_of(replay.wish)}};
  return document.dump(2);
}

SvgPlot replay_plot(const ReplayedText& text) {
  const record::SetRecord& set = text.set;
  SvgPlot plot;
  const Units units = units_of(set.coordinate);
  plot.title = set.exercise_id + ", " + word(set.side) + ": recorded force and what " +
               text.profile + " wishes over the same motion";
  plot.x_label = "time in s";
  plot.y_label = std::string("force in ") + units.force;
  SvgSeries measured{"measured", "#2b6cb0", {}, {}, false};
  SvgSeries before{"wish as recorded", "#718096", {}, {}, true};
  SvgSeries now{"wish of " + text.profile, "#c05621", {}, {}, false};
  const std::vector<double>& wish = text.replay.wish.wish;
  for (std::size_t i = 0; i < text.samples.size(); ++i) {
    const rt::SampleRecord& sample = text.samples[i];
    const double t = seconds(set, sample.tick);
    for (SvgSeries* series : {&measured, &before, &now}) series->x.push_back(t);
    measured.y.push_back(sample.force_measured);
    before.y.push_back(std::isfinite(wish[i]) ? sample.force_wish : wish[i]);
    now.y.push_back(wish[i]);
  }
  plot.series = {measured, before, now};
  for (const measure::RepMetrics& rep : set.reps) {
    plot.bands.push_back({seconds(set, rep.start_tick), seconds(set, rep.end_tick)});
  }
  return plot;
}

std::string replay_csv(const ReplayedText& text) {
  const char* unit = units_of(text.set.coordinate).force;
  std::string out = fmt::format(
      "tick,time [s],force_measured [{0}],force_wish_recorded [{0}],force_wish_replayed [{0}]\n",
      unit);
  for (std::size_t i = 0; i < text.samples.size(); ++i) {
    const rt::SampleRecord& sample = text.samples[i];
    const double wish = text.replay.wish.wish[i];
    out += fmt::format("{},{},{},{},{}\n", sample.tick, seconds(text.set, sample.tick),
                       sample.force_measured, sample.force_wish,
                       std::isfinite(wish) ? fmt::format("{}", wish) : "");
  }
  return out;
}

}  // namespace medius::client
