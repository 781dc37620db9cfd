#include "client/live_view.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "client/text.hpp"
#include "client/wording.hpp"

namespace medius::client {
namespace {

constexpr std::size_t kLabel = 10;    // columns of a label in front of a bar
constexpr std::size_t kReading = 28;  // columns of the numbers behind it
constexpr std::size_t kTraceRows = 4;

double seconds_of(const google::protobuf::Duration& duration) {
  return static_cast<double>(duration.seconds()) + 1e-9 * static_cast<double>(duration.nanos());
}

double load_of(const v1::Load& load) {
  return load.value_case() == v1::Load::kLoadNm ? load.load_nm() : load.load_n();
}

double prescribed_s(const v1::Tempo& tempo, v1::Phase phase) {
  switch (phase) {
    case v1::PHASE_CONCENTRIC:
      return tempo.concentric_s();
    case v1::PHASE_HOLD:
      return tempo.hold_s();
    case v1::PHASE_ECCENTRIC:
      return tempo.eccentric_s();
    case v1::PHASE_BOTTOM:
      return tempo.bottom_s();
    default:
      return 0.0;
  }
}

// The end of the range bar: the person's range, the prescription's, or what was reached.
double range_of(const v1::Station& station, const v1::AxisState& axis) {
  if (axis.range_reference() > 0.0) return axis.range_reference();
  return station.prescription().range_target();
}

Color state_color(const v1::Station& station) {
  switch (station.state()) {
    case v1::STATION_STATE_WORKING:
      return station.paused() ? Color::kYellow : Color::kGreen;
    case v1::STATION_STATE_FAULT:
      return Color::kRed;
    case v1::STATION_STATE_IDLE:
      return Color::kDim;
    default:
      return Color::kCyan;
  }
}

class Lines {
 public:
  explicit Lines(const Screen& screen) : screen_(screen) {}
  void add(const std::string& line) {
    if (lines_.size() < screen_.rows) lines_.push_back(clip(line, screen_.columns));
  }
  [[nodiscard]] std::string paint(std::string_view text, Color color) const {
    return client::paint(text, color, screen_.color);
  }
  [[nodiscard]] std::size_t bar_columns() const {
    return screen_.columns > kLabel + kReading + 10 ? screen_.columns - kLabel - kReading : 10;
  }
  [[nodiscard]] std::size_t columns() const { return screen_.columns; }
  [[nodiscard]] std::size_t room() const { return screen_.rows - lines_.size(); }
  std::vector<std::string> take() { return std::move(lines_); }

 private:
  const Screen screen_;
  std::vector<std::string> lines_;
};

void add_header(const LiveModel& model, Lines& lines) {
  const v1::Station& station = model.station;
  std::string title = lines.paint("Medius", Color::kBold) + "  " + station.machine();
  if (!station.program().empty()) title += "  " + short_name(station.program());
  if (!model.connected) title += lines.paint("  no connection", Color::kRed);
  lines.add(title);

  std::string state = word(station.state());
  if (station.paused()) state += ", paused";
  std::string line = lines.paint(state, state_color(station));
  if (station.state() == v1::STATION_STATE_RESTING) {
    line += fmt::format(", next set in {:.0f} s", std::ceil(seconds_of(station.rest_remaining())));
  }
  if (!station.state_reason().empty())
    line += "  " + lines.paint(station.state_reason(), Color::kDim);
  lines.add(line);
}

void add_set(const v1::Station& station, Lines& lines) {
  if (!station.has_set()) return;
  const v1::Set& set = station.set();
  const Units units = units_of(set.coordinate());
  const std::uint32_t total = std::max(station.sets_total(), set.index());
  std::string progress;
  for (std::uint32_t i = 1; i <= std::min(total, 24u); ++i) {
    const bool done = i < set.index() || (i == set.index() && set.end() != v1::SET_END_OPEN);
    progress += done ? "■" : i == set.index() ? "◧" : "□";
  }
  std::string parameters;
  for (const auto& [name, value] : set.profile().parameters()) {
    parameters += fmt::format(", {} {:g}", name, value);
  }
  lines.add(fmt::format(
      "set {} of {} {}  {}  {:g} {}  {}, {}{}", set.index(), total, progress,
      lines.paint(station.has_other_set() ? "both" : word(set.side()), Color::kBold),
      load_of(set.load_start()), units.force, set.exercise(), set.profile().profile(), parameters));
}

// Without the machine: where the pace is, never what was done.
void add_guided(const v1::Station& station, Lines& lines) {
  if (!station.has_guided()) return;
  const v1::GuidedExercise& guided = station.guided();
  const std::uint32_t total = std::max(station.sets_total(), guided.index());
  std::string line = fmt::format("exercise {} of {}  {}  {}  {} asked", guided.index(), total,
                                 lines.paint(word(guided.side()), Color::kBold), guided.exercise(),
                                 guided.reps_asked());
  if (seconds_of(guided.hold()) > 0.0)
    line += fmt::format(", hold {:g} s", seconds_of(guided.hold()));
  if (seconds_of(guided.duration()) > 0.0) {
    line += fmt::format(", within {:g} s", seconds_of(guided.duration()));
  }
  if (guided.end() != v1::GUIDED_END_OPEN) line += "  " + word(guided.end());
  lines.add(line);
  if (!station.prescription().cue().empty() && station.prescription().guided()) {
    lines.add(pad("how", kLabel) + station.prescription().cue());
  }
  if (!station.has_pace()) return;
  const v1::Pace& pace = station.pace();
  const double total_s = seconds_of(pace.phase_duration());
  const double elapsed_s = seconds_of(pace.phase_elapsed());
  std::string now = pad("pace", kLabel) + lines.paint(word(pace.phase()), Color::kBold);
  if (pace.repetition() > 0)
    now += fmt::format("  {} of {}", pace.repetition(), guided.reps_asked());
  if (total_s > 0.0) now += fmt::format("  {:.1f} of {:.1f} s", elapsed_s, total_s);
  lines.add(now);
  if (total_s > 0.0) {
    lines.add(pad("", kLabel) +
              lines.paint(bar(elapsed_s, total_s, -1.0, lines.bar_columns()), Color::kCyan) +
              fmt::format(" {:.0f} s left", seconds_of(pace.remaining())));
  }
  lines.add(pad("done?", kLabel) +
            "press the reset button at the panel, or 'medius confirm'; 'medius confirm --skip "
            "REASON' leaves it out");
}

void add_phase(const v1::Station& station, const v1::AxisState& axis, Lines& lines) {
  const double elapsed = seconds_of(axis.phase_elapsed());
  const double prescribed = prescribed_s(station.prescription().tempo(), axis.phase());
  std::string line = pad(word(axis.phase()), kLabel);
  line += lines.paint(
      fmt::format("repetition {} of {}", axis.reps_counted(), station.set().reps_target()),
      Color::kBold);
  if (axis.reps_partial() > 0) line += fmt::format(" (+{} partial)", axis.reps_partial());
  if (station.has_other_set()) {
    line += fmt::format(", {} {}", word(station.other_set().side()),
                        station.other_set().reps_counted());
  }
  if (prescribed > 0.0) line += fmt::format("   {:.1f} of {:.1f} s", elapsed, prescribed);
  const std::string advice = pace_advice(station);
  if (!advice.empty()) {
    const bool good = advice == "on pace";
    line += "   " + lines.paint(advice, good ? Color::kGreen : Color::kYellow);
  }
  lines.add(line);
}

void add_bars(const v1::Station& station, const v1::AxisState& axis, Lines& lines) {
  const Units units = units_of(axis.coordinate());
  const double prescribed = load_of(station.prescription().load());
  // Room above the eccentric force, so that bars do not change scale within a set.
  const double scale =
      std::max({1.6 * prescribed, 1.1 * axis.force_target(), 1.1 * axis.load_requested(), 10.0});
  const std::size_t columns = lines.bar_columns();
  lines.add(
      pad("force", kLabel) +
      lines.paint(bar(axis.force_measured(), scale, axis.force_target(), columns), Color::kGreen) +
      fmt::format(" {:6.1f} {}", axis.force_measured(), units.force));
  lines.add(pad("target", kLabel) +
            lines.paint(bar(axis.force_target(), scale, -1.0, columns), Color::kBlue) +
            fmt::format(" {:6.1f} {}", axis.force_target(), units.force));
  const double range = range_of(station, axis);
  const double full = range > 0.0 ? 1.2 * range : std::max(0.4, 1.1 * axis.position());
  std::string reading =
      fmt::format(" {:6.0f} {}", axis.position() * units.range_factor, units.range);
  reading +=
      range > 0.0 ? fmt::format(" of {:.0f}", range * units.range_factor) : " range not known";
  lines.add(
      pad("position", kLabel) +
      lines.paint(bar(axis.position(), full, range > 0.0 ? range : -1.0, columns), Color::kCyan) +
      reading);
  std::string load = fmt::format("{:.1f} {} in force", axis.load_applied(), units.force);
  if (std::abs(axis.load_requested() - axis.load_applied()) > 0.05 &&
      station.state() == v1::STATION_STATE_WORKING) {
    load += fmt::format(", {:.1f} {} asked for", axis.load_requested(), units.force);
  }
  if (axis.increases_frozen()) load += ", " + lines.paint("increases frozen", Color::kYellow);
  lines.add(pad("load", kLabel) + load);
}

// The other arm of a set of both.
void add_other_side(const v1::Station& station, Lines& lines) {
  if (!station.has_other_set()) return;
  for (const v1::AxisState& axis : station.axes()) {
    if (axis.axis() != station.other_set().axis()) continue;
    const Units units = units_of(axis.coordinate());
    lines.add(pad(word(station.other_set().side()), kLabel) +
              fmt::format("{:.1f} {}, target {:.1f} {}, {:.0f} {}", axis.force_measured(),
                          units.force, axis.force_target(), units.force,
                          axis.position() * units.range_factor, units.range));
  }
}

void add_trace(const LiveModel& model, Lines& lines) {
  if (lines.room() < kTraceRows + 3 || model.trace.empty()) return;
  std::vector<std::vector<double>> series(2);
  double max = 10.0;
  for (const ForcePoint& point : model.trace) {
    series[0].push_back(point.measured);
    series[1].push_back(point.target);
    max = std::max({max, point.measured, point.target});
  }
  const std::size_t columns = lines.columns() > kLabel ? lines.columns() - kLabel : 0;
  const auto plot = braille_plot(series, 1.1 * max, columns, kTraceRows);
  for (std::size_t i = 0; i < plot.size(); ++i) {
    const std::string label = i == 0                 ? fmt::format("{:.0f}", 1.1 * max)
                              : i + 1 == plot.size() ? "0"
                                                     : "";
    lines.add(pad(label, kLabel) + lines.paint(plot[i], Color::kGreen));
  }
}

void add_health(const v1::Station& station, const v1::AxisState* axis, Lines& lines) {
  const v1::LoopHealth& loop = station.loop();
  std::string line = loop.link_fresh() ? lines.paint("link fresh", Color::kGreen)
                                       : lines.paint("link not fresh", Color::kRed);
  if (axis != nullptr && loop.link_fresh()) {
    line += fmt::format(", data {:.1f} ms old", 1e3 * seconds_of(axis->data_age()));
  }
  line += fmt::format("   loop {:.2f} ms late, {} periods missed", 1e3 * seconds_of(loop.late()),
                      loop.missed_total());
  if (loop.samples_dropped() > 0) {
    line += lines.paint(fmt::format(", {} samples lost", loop.samples_dropped()), Color::kRed);
  }
  lines.add(lines.paint(pad("health", kLabel), Color::kDim) + line);
}

void add_troubles(const LiveModel& model, const v1::AxisState* axis, Lines& lines) {
  const v1::Station& station = model.station;
  if (station.has_fault()) {
    lines.add(lines.paint("fault " + station.fault().name(), Color::kRed) + ": " +
              station.fault().next_step());
  }
  if (axis != nullptr && axis->profile_latched_off()) {
    lines.add(lines.paint("profile switched off", Color::kYellow) +
              ": it misbehaved, the base load stands in for it");
  }
  for (const std::string& warning : station.warnings()) {
    lines.add(lines.paint("warning", Color::kYellow) + ": " + warning);
  }
  if (!model.notice.empty()) lines.add(lines.paint(model.notice, Color::kBold));
}

}  // namespace

const v1::AxisState* axis_of(const v1::Station& station) {
  for (const v1::AxisState& axis : station.axes()) {
    if (!station.has_set() || axis.axis() == station.set().axis()) return &axis;
  }
  return station.axes().empty() ? nullptr : &station.axes(0);
}

std::string pace_advice(const v1::Station& station) {
  const v1::AxisState* axis = axis_of(station);
  if (axis == nullptr || station.state() != v1::STATION_STATE_WORKING || station.paused())
    return "";
  const double prescribed = prescribed_s(station.prescription().tempo(), axis->phase());
  if (!(prescribed > 0.0)) return "";
  const double elapsed = seconds_of(axis->phase_elapsed());
  if (axis->phase() == v1::PHASE_HOLD || axis->phase() == v1::PHASE_BOTTOM) {
    return elapsed < prescribed ? fmt::format("hold {:.1f} s", prescribed - elapsed) : "go on";
  }
  // Half the tolerance at which a repetition is flagged: advice comes before the flag does.
  constexpr double kTolerance = 0.17;
  const double range = range_of(station, *axis);
  const double due = elapsed / prescribed;
  if (due > 1.0 + kTolerance) return "faster";
  if (!(range > 0.0)) return "";
  const double way = axis->position() / range;
  const double done = axis->phase() == v1::PHASE_CONCENTRIC ? way : 1.0 - way;
  if (done > due + kTolerance) return "slower";
  if (done < due - kTolerance) return "faster";
  return "on pace";
}

std::vector<std::string> live_lines(const LiveModel& model, const Screen& screen) {
  Lines lines(screen);
  const v1::Station& station = model.station;
  const v1::AxisState* axis = axis_of(station);
  add_header(model, lines);
  add_guided(station, lines);
  add_set(station, lines);
  if (axis != nullptr && station.state() != v1::STATION_STATE_GUIDED) {
    add_phase(station, *axis, lines);
    add_bars(station, *axis, lines);
    add_other_side(station, lines);
    add_trace(model, lines);
  }
  add_health(station, axis, lines);
  add_troubles(model, axis, lines);
  return lines.take();
}

}  // namespace medius::client
