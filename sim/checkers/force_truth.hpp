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
  double turn_s = 0.4;                // a turn reaches so far on both sides of standing still
  // A step: the error changes within step_s by more than both.
  double step_s = 0.010;
  double step_fraction = 0.03;  // of the target
  double step_n = 2.0;
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
  double target_mean_n = 0.0;  // steady part of both phases
  double travel_ratio = 0.0;   // as rendered_ratio, over the middle of the travel, not the time
  double target_ratio = 0.0;   // what the target itself gives by the definition of rendered_ratio
  double turn_worst_n = 0.0;   // worst |tension - target| within turn_s of where a stroke of a
                               // repetition starts or stops moving
  double turn_worst_percent = 0.0;  // worst of that over the mean target
  // Least squares over all that moves: tension - target = c + friction sgn(v) + mass a.
  double friction_felt_n = 0.0;   // half of the hysteresis
  double apparent_mass_kg = 0.0;  // felt beyond what the law asks for
  int steps = 0;                  // of the error, see ForceTruthConfig
  double step_worst_n = 0.0;
  std::vector<double> range_m;       // travel of each outward stroke
  std::vector<double> concentric_s;  // moving time of each outward stroke
  std::vector<double> eccentric_s;   // moving time of each inward stroke
};

[[nodiscard]] ForceTruth judge_force(std::span<const ForceTruthSample> samples,
                                     const ForceTruthConfig& config = {});

}  // namespace medius::sim
