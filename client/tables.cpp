#include "client/tables.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "client/text.hpp"
#include "client/wording.hpp"
#include "controller/base/det_math.hpp"

namespace medius::client {
namespace {

struct Column {
  const char* head;
  const char* unit;
  std::size_t width;
};

std::string cells(const std::vector<std::string>& values, std::span<const Column> columns) {
  std::string line;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    line += (i == 0 ? "" : "  ") + pad_left(values[i], columns[i].width);
  }
  return line;
}

std::string kind_and_flags(const measure::RepMetrics& rep) {
  std::string out;
  if (rep.kind != measure::RepKind::kFull) {
    out = word(rep.kind);
    if (rep.rejection != measure::RepRejection::kNone) out += " " + word(rep.rejection);
  }
  const std::string quality = quality_words(rep.quality);
  if (!quality.empty()) out += (out.empty() ? "" : " ") + quality;
  return out;
}

std::string asked_text(const record::GuidedRecord& one) {
  if (one.duration_s > 0.0)
    return fmt::format("{} asked within {:g} s", one.reps_asked, one.duration_s);
  if (one.hold_s > 0.0) return fmt::format("{} x {:g} s asked", one.reps_asked, one.hold_s);
  return fmt::format("{} asked", one.reps_asked);
}

Figure figure_of(const std::vector<double>& values) {
  Figure figure;
  figure.count = values.size();
  if (values.empty()) return figure;
  for (const double value : values) figure.mean += value;
  figure.mean /= static_cast<double>(values.size());
  if (values.size() < 2) return figure;
  double sum = 0.0;
  for (const double value : values) sum += (value - figure.mean) * (value - figure.mean);
  const double n = static_cast<double>(values.size());
  figure.standard_error = std::sqrt(sum / (n - 1.0) / n);
  return figure;
}

// What the set as a whole says beyond its repetitions.
std::string set_figures(std::span<const measure::MetricValue> metrics, const Units& units) {
  const auto known = [&](measure::MetricId id) -> const measure::MetricValue* {
    const measure::MetricValue* value = measure::find_value(metrics, id);
    return value != nullptr && (value->flags & measure::kValueMissing) == 0 ? value : nullptr;
  };
  std::string text;
  if (const auto* loss = known(measure::MetricId::kSetVelocityLoss); loss != nullptr) {
    text += fmt::format("; velocity loss {:.0f} %", loss->value);
  }
  if (const auto* most = known(measure::MetricId::kOneRmEpley); most != nullptr) {
    const bool bound = (most->flags & measure::kValueLowerBound) != 0;
    text += fmt::format("; one-repetition maximum {}{:.0f} {} (Epley)", bound ? "at least " : "",
                        most->value, units.force);
  }
  if (const auto* peak = known(measure::MetricId::kIsometricPeak); peak != nullptr) {
    text += fmt::format("; isometric peak {:.0f} {}", peak->value, units.force);
  }
  return text;
}

// Linked arms: one set, and what each leg did of it.
std::vector<std::string> pad_lines(const record::SetRecord& set, const Units& units) {
  using measure::MetricId;
  const auto get = [](std::span<const measure::MetricValue> values, MetricId id) {
    const measure::MetricValue* value = measure::find_value(values, id);
    return value != nullptr && (value->flags & measure::kValueMissing) == 0 ? value : nullptr;
  };
  const auto number = [&](std::span<const measure::MetricValue> values, MetricId id) {
    const measure::MetricValue* value = get(values, id);
    return value != nullptr ? value->value : 0.0;
  };
  if (measure::find_value(set.metrics, MetricId::kSetLeftWork) == nullptr) return {};
  std::vector<std::string> lines;
  for (const measure::RepMetrics& rep : set.reps) {
    if (get(rep.values, MetricId::kPadSymmetry) == nullptr) continue;
    lines.push_back(fmt::format(
        "{:>3}  left {:.1f} {} (peak {:.1f}), {:.1f} J  right {:.1f} {} (peak {:.1f}), {:.1f} J  "
        "right against left {:+.1f} %",
        rep.index, number(rep.values, MetricId::kLeftForceMean), units.force,
        number(rep.values, MetricId::kLeftForcePeak), number(rep.values, MetricId::kLeftWork),
        number(rep.values, MetricId::kRightForceMean), units.force,
        number(rep.values, MetricId::kRightForcePeak), number(rep.values, MetricId::kRightWork),
        number(rep.values, MetricId::kPadSymmetry)));
  }
  std::string foot = fmt::format(
      "legs: left {:.1f} {}, {:.1f} J in all; right {:.1f} {}, {:.1f} J in all",
      number(set.metrics, MetricId::kSetLeftForce), units.force,
      number(set.metrics, MetricId::kSetLeftWork), number(set.metrics, MetricId::kSetRightForce),
      units.force, number(set.metrics, MetricId::kSetRightWork));
  if (const auto* index = get(set.metrics, MetricId::kSymmetryIndex); index != nullptr) {
    foot += fmt::format(
        "; right against left {:+.1f} % of concentric work, a change counts from "
        "{:.1f} % on{}",
        index->value, number(set.metrics, MetricId::kMinimalDetectableChange),
        (index->flags & measure::kValueWithinChange) != 0 ? ": not told apart from equal" : "");
  }
  lines.push_back(foot);
  return lines;
}

Units units_of_all(std::span<const record::SetRecord> sets) {
  return units_of(sets.empty() ? hal::CoordinateKind::kCable : sets.front().coordinate);
}

std::string compare(const char* what, const Figure& left, const Figure& right) {
  const Difference d = difference(left, right);
  if (!d.beyond_scatter) {
    return fmt::format("{}: no difference beyond the scatter ({:+.1f} % ± {:.1f} %)", what,
                       d.percent, d.half_width_percent);
  }
  return fmt::format("{}: {} {:.1f} % ± {:.1f} % greater", what, d.percent > 0.0 ? "left" : "right",
                     std::abs(d.percent), d.half_width_percent);
}

}  // namespace

std::vector<std::string> repetition_table(const record::SetRecord& set, bool color) {
  const Units units = units_of(set.coordinate);
  const std::vector<Column> columns = {
      {"rep", "", 3},
      {"con mean", units.force, 8},
      {"peak", units.force, 6},
      {"ecc mean", units.force, 8},
      {"peak", units.force, 6},
      {"ratio", "", 5},
      {"range", units.range, 5},
      {"con-hold-ecc", "s", 12},
      {"con work", "J", 8},
      {"speed", set.coordinate == hal::CoordinateKind::kCable ? "m/s" : "rad/s", 5},
  };
  std::vector<std::string> lines;
  lines.push_back(
      paint(fmt::format("set {}  {}  {}, {}, {:g} {}, tempo {}", set.index, word(set.side),
                        set.exercise_id, set.profile_id, set.load_start, units.force, set.tempo),
            Color::kBold, color));
  std::vector<std::string> heads, column_units;
  for (const Column& column : columns) {
    heads.emplace_back(column.head);
    column_units.emplace_back(column.unit);
  }
  lines.push_back(paint(cells(heads, columns), Color::kDim, color));
  lines.push_back(paint(cells(column_units, columns), Color::kDim, color));
  for (const measure::RepMetrics& rep : set.reps) {
    const std::string row = cells(
        {std::to_string(rep.index), fmt::format("{:.1f}", rep.concentric.force_mean_time),
         fmt::format("{:.1f}", rep.concentric.force_peak),
         fmt::format("{:.1f}", rep.eccentric.force_mean_time),
         fmt::format("{:.1f}", rep.eccentric.force_peak), fmt::format("{:.2f}", rep.rendered_ratio),
         fmt::format("{:.0f}", rep.range * units.range_factor),
         fmt::format("{:.1f}-{:.1f}-{:.1f}", rep.concentric.duration_s, rep.hold_s,
                     rep.eccentric.duration_s),
         fmt::format("{:.1f}", rep.concentric.work_j),
         fmt::format("{:.2f}", rep.concentric.velocity_peak)},
        columns);
    const std::string notes = kind_and_flags(rep);
    lines.push_back(notes.empty() ? row : row + "  " + paint(notes, Color::kYellow, color));
  }
  std::string foot = fmt::format("{} of {} repetitions counted", set.reps_counted, set.reps_target);
  if (set.reps_partial > 0) foot += fmt::format(", {} partial", set.reps_partial);
  foot += fmt::format("; ended: {}", word(set.end));
  if (set.fault != 0) {
    foot += fmt::format(" {}", safety::fault_info(static_cast<safety::FaultCode>(set.fault)).name);
  }
  constexpr double kSeen = 0.05;  // N | Nm: what the tables can show
  if (std::abs(set.load_end - set.load_start) > kSeen) {
    foot += fmt::format("; load at the end {:g} {}", set.load_end, units.force);
  }
  foot += set_figures(set.metrics, units);
  if (set.samples_dropped > 0) foot += fmt::format("; {} samples lost", set.samples_dropped);
  lines.push_back(foot);
  for (std::string& line : pad_lines(set, units)) lines.push_back(std::move(line));
  return lines;
}

SideFigures side_figures(std::span<const record::SetRecord> sets, record::Side side) {
  SideFigures out;
  out.side = side;
  std::vector<double> concentric, eccentric, ratio, range, work, tempo, velocity;
  for (const record::SetRecord& set : sets) {
    if (set.side != side) continue;
    ++out.sets;
    for (const measure::RepMetrics& rep : set.reps) {
      if (rep.kind != measure::RepKind::kFull) continue;
      ++out.reps;
      concentric.push_back(rep.concentric.force_mean_time);
      eccentric.push_back(rep.eccentric.force_mean_time);
      ratio.push_back(rep.rendered_ratio);
      range.push_back(rep.range);
      work.push_back(rep.concentric.work_j);
      tempo.push_back(rep.concentric.duration_s + rep.hold_s + rep.eccentric.duration_s);
      velocity.push_back(rep.concentric.velocity_peak);
    }
  }
  out.force_concentric = figure_of(concentric);
  out.force_eccentric = figure_of(eccentric);
  out.ratio = figure_of(ratio);
  out.range = figure_of(range);
  out.work_j = figure_of(work);
  out.tempo_s = figure_of(tempo);
  out.velocity_peak = figure_of(velocity);
  return out;
}

Difference difference(const Figure& left, const Figure& right) {
  Difference out;
  const double greater = std::max(std::abs(left.mean), std::abs(right.mean));
  if (!(greater > 0.0)) return out;
  // 95 % of a normal distribution; the repetitions of a set are few and not independent, so this is
  // a lower bound of the true uncertainty.
  constexpr double kNormal95 = 1.96;
  out.percent = 100.0 * (left.mean - right.mean) / greater;
  out.half_width_percent =
      100.0 * kNormal95 * std::hypot(left.standard_error, right.standard_error) / greater;
  out.beyond_scatter =
      left.count > 1 && right.count > 1 && std::abs(out.percent) > out.half_width_percent;
  return out;
}

std::vector<std::string> session_summary(std::span<const record::SetRecord> sets, bool color) {
  std::vector<std::string> lines;
  const Units units = units_of_all(sets);
  const SideFigures left = side_figures(sets, record::Side::kLeft);
  const SideFigures right = side_figures(sets, record::Side::kRight);
  lines.push_back(paint("summary", Color::kBold, color));
  for (const SideFigures& side : {left, right, side_figures(sets, record::Side::kBoth)}) {
    if (side.sets == 0) continue;
    lines.push_back(fmt::format(
        "{}: {} sets, {} full repetitions; concentric {:.1f} {}, eccentric {:.1f} {}, ratio "
        "{:.2f}; range "
        "{:.0f} "
        "{}; {:.1f} s a repetition; {:.1f} J concentric",
        word(side.side), side.sets, side.reps, side.force_concentric.mean, units.force,
        side.force_eccentric.mean, units.force, side.ratio.mean,
        side.range.mean * units.range_factor, units.range, side.tempo_s.mean, side.work_j.mean));
  }
  if (left.reps > 1 && right.reps > 1) {
    lines.push_back("left and right, each with the 95 % scatter of these repetitions:");
    lines.push_back("  " + compare("range", left.range, right.range));
    lines.push_back("  " + compare("concentric work", left.work_j, right.work_j));
    lines.push_back("  " +
                    compare("concentric peak speed", left.velocity_peak, right.velocity_peak));
    lines.push_back("  " + compare("time a repetition", left.tempo_s, right.tempo_s));
  }
  return lines;
}

std::string stance_text(const measure::StanceResult& stance, double asked_s) {
  constexpr double kDegrees = 180.0 / det::kPi;
  return fmt::format(
      "held {:.1f} of {:g} s{}, the pelvis dropped by {:.1f} deg at most, by {:.1f} deg on average",
      std::min(stance.until_drop_s, stance.stood_s), asked_s,
      stance.dropped ? " before it dropped for good" : "", kDegrees * stance.drop_rad,
      kDegrees * stance.mean_rad);
}

std::vector<std::string> guided_table(std::span<const record::GuidedRecord> guided, bool color) {
  std::vector<std::string> lines;
  if (guided.empty()) return lines;
  lines.push_back(paint("without the machine, as confirmed: nothing counted it, and it is no work",
                        Color::kBold, color));
  for (const record::GuidedRecord& one : guided) {
    std::string line = fmt::format("{:>3}  {}{}  {}  {}", one.index, one.warm_up ? "warm-up: " : "",
                                   one.exercise_id, word(one.side), asked_text(one));
    line += "  " + word(one.end);
    if (one.end == record::GuidedEnd::kConfirmed) {
      line += fmt::format(": {} by {}", one.reps_confirmed,
                          one.confirmed_by.empty() ? "somebody without a name" : one.confirmed_by);
    } else if (!one.reason.empty()) {
      line += ": " + one.reason;
    }
    lines.push_back(line);
    if (!one.stance) continue;
    lines.push_back(one.stance->measured
                        ? "     " + stance_text(*one.stance, one.hold_s)
                        : std::string("     the pelvis-tilt sensor did not see nine tenths of it"));
  }
  return lines;
}

}  // namespace medius::client
