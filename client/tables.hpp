// What a trainer reads after a set and after a session. Pure functions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "controller/record/guided_record.hpp"
#include "controller/record/set_record.hpp"

namespace medius::client {

// A table of the repetitions of one set, with its heading.
[[nodiscard]] std::vector<std::string> repetition_table(const record::SetRecord& set, bool color);

// What was done without the machine: asked, and told by whom. Nothing when there is none.
[[nodiscard]] std::vector<std::string> guided_table(std::span<const record::GuidedRecord> guided,
                                                    bool color);

// "held 30.0 of 30 s, the pelvis dropped by 2.1 deg at most, by 1.4 deg on average".
[[nodiscard]] std::string stance_text(const measure::StanceResult& stance, double asked_s);

// Mean and scatter of one figure over the counted repetitions of a side.
struct Figure {
  double mean = 0.0;
  double standard_error = 0.0;
  std::size_t count = 0;
};

struct SideFigures {
  record::Side side = record::Side::kNone;
  std::size_t sets = 0;
  std::size_t reps = 0;  // full repetitions
  Figure force_concentric, force_eccentric, ratio, range, work_j, tempo_s, velocity_peak;
};
[[nodiscard]] SideFigures side_figures(std::span<const record::SetRecord> sets, record::Side side);

// Left against right: the difference in percent of the greater one and the half-width of its 95 %
// interval from the scatter of the repetitions.
struct Difference {
  double percent = 0.0;  // > 0: left is greater
  double half_width_percent = 0.0;
  bool beyond_scatter = false;  // |percent| > half width
};
[[nodiscard]] Difference difference(const Figure& left, const Figure& right);

// Per side and left/right, in words that describe and do not diagnose.
[[nodiscard]] std::vector<std::string> session_summary(std::span<const record::SetRecord> sets,
                                                       bool color);

}  // namespace medius::client
