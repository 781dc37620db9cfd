// Mass, friction and dead time of an axis from a record of its motion: pure arithmetic.
//
//   m a = T(t) - F(t - tau) - Fc sgn(v) - B v - c
//
// T: measured tension (outward), F: commanded force (inward), tau: dead time of the whole chain
// from the command in the loop to the force at the motor, its lag included. Acceleration is never
// computed: the equation is multiplied with a window that is zero with its slope at both ends and
// integrated by parts (modulating functions; Shinbrot 1957), which leaves only positions. What
// remains is linear in m, B, Fc and c; tau is found by trying all of them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace medius::hal {

// A value with its standard uncertainty (k = 1): of the scatter between parts of the record, not of
// what the model leaves out.
struct Estimate {
  double value = 0.0;
  double sigma = 0.0;
};

struct MotionSample {
  double time_s = 0.0;  // when the drive measured it
  double position = 0.0;
  double tension = 0.0;  // load cell without its zero
};
struct CommandStep {
  double time_s = 0.0;  // when the loop gave it; holds until the next
  double force = 0.0;   // inward
};

struct FitOptions {
  // Long enough for a dozen millimetres of the slowest stroke: cogging averages out within it.
  double window_s = 0.20;
  double speed_min = 0.025;  // slower: stiction and Stribeck's drop, which the model leaves out
  double dead_time_max_s = 0.06;
};

struct ModelFit {
  Estimate mass;              // kg | kg m2
  Estimate coulomb;           // N | Nm
  Estimate viscous;           // N s/m | Nm s/rad
  Estimate bias;              // N | Nm: what pulls inward all the time
  Estimate dead_time_s;       // lag included
  double residual_rms = 0.0;  // N | Nm, of the windows
  std::size_t windows = 0;
  double speed_lowest = 0.0, speed_highest = 0.0;  // of the windows that were used
};

// [any] Nothing when the record cannot tell: too short, or only one direction or speed.
[[nodiscard]] std::optional<ModelFit> fit_model(std::span<const MotionSample> motion,
                                                std::span<const CommandStep> commands,
                                                const FitOptions& options);

}  // namespace medius::hal
