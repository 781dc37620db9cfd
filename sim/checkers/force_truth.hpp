// What the person really felt, judged from the plant's truth. Shares no code with the controller:
// its own definitions of repetition, phase and steady part.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace medius::sim {

struct ForceTruthSample {
  double ring_position_m = 0.0;
  double ring_velocity_mps = 0.0;
  double cuff_tension_n = 0.0;
  double target_n = 0.0;  // what the controller meant the person to feel at this tick
};

struct ForceTruthConfig {
  double dt_s = 1e-3;
  double turn_travel_m = 0.02;  // an extremum counts after a retreat of this
  double rep_travel_m = 0.03;   // a stroke shorter than this is no phase ...
  double rep_fraction = 0.25;   // ... nor one shorter than this x the longest: settling, a shift
  double moving_velocity_mps = 0.02;  // mean over mean_s around the moment ...
  double mean_s = 0.111;              // ... one period of a 9 Hz tremor
  double pause_s = 0.1;               // slower than moving for so long: the phase has ended
  double steady_fraction = 0.8;       // middle part of a phase, by time
};

struct ForceTruth {
  int strokes_out = 0;             // concentric phases
  int strokes_in = 0;              // eccentric phases
  double concentric_mean_n = 0.0;  // steady part
  double eccentric_mean_n = 0.0;
  double rendered_ratio = 0.0;  // eccentric over concentric mean
  double rms_n = 0.0;           // tension minus target, steady part of both phases
  double rms_percent = 0.0;     // of the mean target there
  double bias_concentric_n = 0.0;
  double bias_eccentric_n = 0.0;
  double turn_worst_n = 0.0;         // worst |tension - target| within 0.4 s around a reversal
  std::vector<double> range_m;       // travel of each outward stroke
  std::vector<double> concentric_s;  // moving time of each outward stroke
  std::vector<double> eccentric_s;   // moving time of each inward stroke
};

[[nodiscard]] ForceTruth judge_force(std::span<const ForceTruthSample> samples,
                                     const ForceTruthConfig& config = {});

}  // namespace medius::sim
