// Sine and cosine at ten thousand steps a second without computing them ten thousand times.
#pragma once

#include "controller/base/det_math.hpp"

namespace medius::sim {

// Sine and cosine of a slowly turning angle: rotated by each step's small angle (series exact to
// 1e-15 for the leg, 1e-9 for the ripple) and set afresh once a millisecond, instead of computed
// each step.
struct Phasor {
  double sin = 0.0, cos = 1.0;

  void rotate(double angle) noexcept {
    const double square = angle * angle;
    const double s = angle * (1.0 - square * (1.0 / 6.0) * (1.0 - square * (1.0 / 20.0)));
    const double c = 1.0 - square * 0.5 * (1.0 - square * (1.0 / 12.0));
    const double old_sin = sin;
    sin = old_sin * c + cos * s;
    cos = cos * c - old_sin * s;
  }
  void set(double angle) noexcept {
    const det::SinCos at = det::sin_cos(angle);
    sin = at.sin;
    cos = at.cos;
  }
};
inline constexpr double kRotationMax = 0.3;  // rad a step; beyond it the phasor is computed

}  // namespace medius::sim
