#include "client/progress.hpp"

#include <cmath>

#include <fmt/format.h>

#include "client/live_view.hpp"
#include "client/wording.hpp"

namespace medius::client {

std::vector<std::string> Progress::update(const v1::Station& station) {
  std::vector<std::string> lines;
  say_troubles(station, lines);
  say_repetitions(station, lines);
  say_state(station, lines);
  say_guided(station, lines);
  say_load(station, lines);
  return lines;
}

void Progress::say_state(const v1::Station& station, std::vector<std::string>& lines) {
  std::string state = word(station.state());
  if (station.paused()) state += ", paused";
  if (state == state_) return;
  state_ = state;
  std::string line = state;
  if (station.has_guided() && station.state() == v1::STATION_STATE_GUIDED) {
    line += fmt::format(", {} of {}", station.guided().index(), station.sets_total());
  }
  if (station.has_set() && station.state() != v1::STATION_STATE_IDLE) {
    line += fmt::format(", set {} of {}, {}", station.set().index(), station.sets_total(),
                        station.has_other_set() ? "both" : word(station.set().side()));
  }
  if (!station.state_reason().empty()) line += ": " + station.state_reason();
  lines.push_back(line);
}

void Progress::say_guided(const v1::Station& station, std::vector<std::string>& lines) {
  if (!station.has_guided()) return;
  const v1::GuidedExercise& guided = station.guided();
  const bool over = guided.end() != v1::GUIDED_END_OPEN;
  if (over && guided_said_ != guided.name()) {
    guided_said_ = guided.name();
    std::string line =
        fmt::format("{} {} {}", guided.exercise(), word(guided.side()), word(guided.end()));
    if (guided.end() == v1::GUIDED_END_CONFIRMED) {
      line += fmt::format(": {} of {} asked, by {}", guided.reps_confirmed(), guided.reps_asked(),
                          guided.confirmed_by());
    } else if (!guided.reason().empty()) {
      line += ": " + guided.reason();
    }
    lines.push_back(line);
  }
  if (!station.has_pace() || station.pace().phase() != v1::PACE_PHASE_OVER) return;
  if (guided_over_said_ == guided.name()) return;
  guided_over_said_ = guided.name();
  lines.push_back("its time is over: press the reset button at the panel, or 'medius confirm'");
}

void Progress::say_repetitions(const v1::Station& station, std::vector<std::string>& lines) {
  if (station.has_set()) say_side(station, station.set(), first_, lines);
  if (station.has_other_set()) say_side(station, station.other_set(), other_, lines);
}

void Progress::say_side(const v1::Station& station, const v1::Set& set, Followed& followed,
                        std::vector<std::string>& lines) {
  if (set.name() != followed.set) {
    // A set that had ended before the first look is history.
    const bool history = state_.empty() && set.end() != v1::SET_END_OPEN;
    followed = {set.name(), history ? UINT32_MAX : 0, history};
    load_requested_ = load_applied_ = -1.0;
  }
  const Units units = units_of(set.coordinate());
  for (const v1::Repetition& rep : set.repetitions()) {
    if (rep.index() <= followed.repetition) continue;
    followed.repetition = rep.index();
    std::string flags;
    for (const std::string& flag : rep.quality()) flags += " " + flag;
    if (rep.kind() != v1::REP_KIND_FULL) {
      flags += rep.kind() == v1::REP_KIND_PARTIAL ? " partial" : " rejected " + rep.rejection();
    }
    lines.push_back(fmt::format(
        "{} repetition {} of {}: concentric {:.1f} {}, eccentric {:.1f} {}, ratio {:.2f}, range "
        "{:.0f} {}, "
        "{:.1f}-{:.1f}-{:.1f} s{}",
        word(set.side()), rep.index(), set.reps_target(), rep.concentric().force_mean_time(),
        units.force, rep.eccentric().force_mean_time(), units.force, rep.rendered_ratio(),
        rep.range() * units.range_factor, units.range, rep.concentric().duration_s(), rep.hold_s(),
        rep.eccentric().duration_s(), flags));
  }
  // The figures of the last repetition come a moment after its count.
  const bool complete =
      followed.repetition >= set.reps_counted() || (station.state() != v1::STATION_STATE_WORKING &&
                                                    station.state() != v1::STATION_STATE_UNLOADING);
  if (set.end() != v1::SET_END_OPEN && complete && !followed.end_said) {
    followed.end_said = true;
    lines.push_back(fmt::format("set {} {} ended, {}: {} repetitions", set.index(),
                                word(set.side()), word(set.end()), set.reps_counted()));
  }
}

void Progress::say_load(const v1::Station& station, std::vector<std::string>& lines) {
  const v1::AxisState* axis = axis_of(station);
  if (axis == nullptr || station.state() != v1::STATION_STATE_WORKING) return;
  const Units units = units_of(axis->coordinate());
  const bool in_force = std::abs(axis->load_applied() - axis->load_requested()) < 0.05;
  if (std::abs(axis->load_requested() - load_requested_) > 0.05) {
    load_requested_ = axis->load_requested();
    if (!in_force) {
      lines.push_back(fmt::format("load {:.1f} {} asked for", load_requested_, units.force));
    }
  }
  if (in_force && std::abs(axis->load_applied() - load_applied_) > 0.05) {
    load_applied_ = axis->load_applied();
    lines.push_back(fmt::format("load {:.1f} {} in force", load_applied_, units.force));
  }
  if (axis->increases_frozen() != frozen_) {
    frozen_ = axis->increases_frozen();
    lines.push_back(frozen_ ? "load increases are frozen" : "load increases are free again");
  }
}

void Progress::say_troubles(const v1::Station& station, std::vector<std::string>& lines) {
  const std::string fault = station.has_fault() ? station.fault().name() : std::string();
  if (fault != fault_) {
    fault_ = fault;
    lines.push_back(fault.empty() ? "fault cleared"
                                  : "fault " + fault + ": " + station.fault().next_step());
  }
  for (const std::string& warning : station.warnings()) {
    if (warnings_.insert(warning).second) lines.push_back("warning: " + warning);
  }
}

}  // namespace medius::client
