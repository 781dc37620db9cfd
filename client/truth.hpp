// The truth file of medius-sim (sim/station/README.md) joined with what the controller recorded. A
// row of truth carries the low 16 bits of the loop tick whose command the plant had at that moment.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "client/report.hpp"
#include "controller/record/set_record.hpp"
#include "medius/v1/station.pb.h"

namespace medius::client {

// Of a lever's pad: its travel in metres, and the torque in Nm.
struct TruthRow {
  std::uint16_t command_sequence = 0;
  double ring_position_m = 0.0;
  double ring_velocity_mps = 0.0;
  double cuff_tension_n = 0.0;
};

struct TruthSet {
  std::string side;  // "left", "right"
  int reps = 0;
  int direction_changes = 0;
  std::vector<double> range_m;
  int number = 0;  // of the person's plan, from 1
};

struct Truth {
  std::vector<TruthSet> sets;        // in the order in which the person did them, side after side
  std::vector<TruthRow> rows;        // one a plant tick, in time order; of two arms the left one's
  std::vector<TruthRow> right_rows;  // of two arms
  double metres_per_unit = 1.0;      // of position: 1 for a cable, the pad's lever for an arm
};

[[nodiscard]] tl::expected<Truth, std::string> load_truth(const std::string& path);

// Rows matched with the recorded samples of a set: what the person felt beside what was meant.
struct JoinedRow {
  TruthRow truth;
  double target_n = 0.0;
  double measured_n = 0.0;
};
// The sequence repeats every 65.536 s; of the possible alignments the one whose cuff tension fits
// the recorded load cell best is taken. Empty when nothing fits.
[[nodiscard]] std::vector<JoinedRow> join(const std::vector<TruthRow>& rows,
                                          const v1::RecordedSamples& samples);

[[nodiscard]] SetTruthFigures judge_set(const Truth& truth, const record::SetRecord& set,
                                        const v1::RecordedSamples& samples);

}  // namespace medius::client
