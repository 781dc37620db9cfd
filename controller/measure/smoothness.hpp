// Smoothness of one movement from its speed: spectral arc length and log dimensionless jerk. Not on
// the loop.
#pragma once

#include <span>
#include <vector>

#include "controller/measure/metrics.hpp"

namespace medius::measure {

// A second derivative needs two whole windows of 101 ticks to be drawn on to the ends.
inline constexpr std::size_t kSmoothnessTicksMin = 201;
// 16 s: whoever takes longer does not make one movement, and the spectrum grows with the square.
inline constexpr std::size_t kSmoothnessTicksMax = 16384;

// [any] Speed in the direction of the phase (+1 | -1) at every tick, missing ticks drawn straight.
// Empty when there are fewer than two samples or more than kSmoothnessTicksMax ticks.
[[nodiscard]] std::vector<double> uniform_speed(std::span<const MetricSample> samples,
                                                double direction);

struct Smoothness {
  bool known = false;
  double value = 0.0;
  double uncertainty = 0.0;
};

// [any] Spectral arc length (S. Balasubramanian et al., J NeuroEng Rehabil 2015, 12:112): arc of
// |V(f)| / |V(0)| over f / f_last, negative; 0.05, 10 Hz and padding by four more powers of two as
// in its authors' code. The spectrum is taken from sums over 8 ticks, whose droop is divided out:
// the frequencies are the ones of the whole series, at an eighth of the work. `noise` is the
// standard deviation of a sample of the speed.
[[nodiscard]] Smoothness sparc(std::span<const double> speed, double dt_s, double noise);

// [any] -ln(T^3 / v_peak^2 x integral of v''^2). v'' comes from parabolas fitted over 101 ticks,
// drawn straight on to the ends. A minimum-jerk movement has -ln 204.8 whatever its
// size and duration.
[[nodiscard]] Smoothness log_dimensionless_jerk(std::span<const double> speed, double dt_s,
                                                double noise);

}  // namespace medius::measure
