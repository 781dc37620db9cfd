#include "bench/fidelity/aims.hpp"

#include <cmath>
#include <cstdio>
#include <functional>

namespace medius::bench {
namespace {

// From here on errors count in per cent, below in newton.
constexpr double kHeavyN = 80.0, kHeavyPadN = 150.0;
constexpr double kRmsPercent = 3.0;
constexpr double kRmsN = 2.0, kRmsPadN = 5.0;
constexpr double kFrictionN = 1.0;
constexpr double kTurnPercent = 10.0;
constexpr double kTurnN = 5.0;  // less is none, whatever its share
constexpr double kRatio = 0.03;
constexpr double kRatioToN = 260.0;  // the aim's loads end here

double off_ratio(const Row& row, double ratio) {
  return std::fabs(ratio - *row.what.set_ratio);
}

bool has_ratio(const Row& row) {
  return row.what.set_ratio && row.what.load_n <= kRatioToN;
}

using Figure = std::function<std::optional<double>(const Row&)>;

Aim judge(const std::vector<Row>& rows, const char* name, double limit, const Figure& figure) {
  Aim aim{.name = name, .limit = limit};
  for (const Row& row : rows) {
    if (!row.what.aim || row.refused) continue;
    const std::optional<double> value = figure(row);
    if (!value) continue;
    ++aim.rows;
    // A run that ended in a fault reaches nothing.
    if (!(*value <= limit) || !row.fault.empty()) ++aim.rows_missed;
    if (aim.rows == 1 || !(*value <= aim.worst)) {
      aim.worst = *value;
      aim.worst_row = name_of(row.what);
    }
  }
  return aim;
}

}  // namespace

std::string name_of(const Case& what) {
  char buffer[160];
  std::snprintf(buffer, sizeof buffer, "%s %.0f N %s, %.1f ms, %.1f kg", what.law.c_str(),
                what.load_n, what.tempo_name.c_str(), 1e3 * what.io_delay_s, what.drive_kg);
  std::string name = buffer;
  if (what.machine != "cable") name = what.machine + " " + name;
  if (what.lifter != "rig") name += ", " + what.lifter;
  return name;
}

std::vector<Aim> judge_aims(const std::vector<Row>& rows) {
  using Value = std::optional<double>;
  const auto rms = [&rows](const char* name, double limit, const char* machine, bool heavy) {
    return judge(rows, name, limit, [machine, heavy](const Row& row) {
      const double from_n = row.what.machine == "cable" ? kHeavyN : kHeavyPadN;
      if (row.what.machine != machine || (row.what.load_n >= from_n) != heavy) return Value();
      return Value(heavy ? row.force.rms_percent : row.force.rms_n);
    });
  };
  return {
      rms("cable: rms_percent from 80 N", kRmsPercent, "cable", true),
      rms("cable: rms_n below 80 N", kRmsN, "cable", false),
      rms("seated: rms_percent from 150 N", kRmsPercent, "seated", true),
      rms("seated: rms_n below 150 N", kRmsPadN, "seated", false),
      rms("seated-linked: rms_percent from 150 N", kRmsPercent, "seated-linked", true),
      rms("seated-linked: rms_n below 150 N", kRmsPadN, "seated-linked", false),
      judge(rows, "friction_felt_n", kFrictionN,
            [](const Row& row) { return Value(std::fabs(row.force.friction_felt_n)); }),
      judge(rows, "turn_worst_percent unless below 5 N", kTurnPercent,
            [](const Row& row) {
              return Value(row.force.turn_worst_n > kTurnN ? row.force.turn_worst_percent : 0.0);
            }),
      judge(rows, "steps_over_3_percent and 2 N in 10 ms", 0.0,
            [](const Row& row) { return Value(row.force.steps); }),
      judge(rows, "rendered_ratio off the set one, 30-260 N", kRatio,
            [](const Row& row) {
              return has_ratio(row) ? Value(off_ratio(row, row.force.rendered_ratio)) : Value();
            }),
      judge(rows, "the same over the middle of the way", kRatio,
            [](const Row& row) {
              return has_ratio(row) ? Value(off_ratio(row, row.force.travel_ratio)) : Value();
            }),
  };
}

nlohmann::ordered_json to_json(const std::vector<Aim>& aims) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const Aim& aim : aims) {
    // Without a row nothing is known.
    const nlohmann::ordered_json reached =
        aim.rows == 0 ? nlohmann::ordered_json() : nlohmann::ordered_json(aim.reached());
    out.push_back({{"aim", aim.name},
                   {"limit", aim.limit},
                   {"reached", reached},
                   {"rows", aim.rows},
                   {"rows_missed", aim.rows_missed},
                   {"worst", std::round(aim.worst * 1e4) / 1e4},
                   {"worst_row", aim.worst_row}});
  }
  return out;
}

}  // namespace medius::bench
