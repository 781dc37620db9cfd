// From hip angle to cable, frontal plane, closed form (reference of the formulas: a cable from a
// pulley on the other leg's side to a cuff that moves on a circle about the hip).
#pragma once

#include <cmath>

#include "controller/base/det_math.hpp"

namespace medius::sim {

struct CableGeometry {
  double hip_height_m = 0.93;
  double pulley_height_m = 0.15;
  double pulley_distance_m = 0.9;  // lateral, hip of the working leg to pulley
  double cuff_radius_m = 0.80;     // hip to cuff
};

struct CableAtAngle {
  double length_m = 0.0;      // pulley to cuff
  double moment_arm_m = 0.0;  // d length / d angle: torque = tension * moment arm
};

// [any] From sine and cosine of the abduction angle. The squares of the two legs of the triangle
// share the term in angle, so one root and one division are all it takes.
[[nodiscard]] inline CableAtAngle cable_at(const CableGeometry& geometry, double sine,
                                           double cosine) noexcept {
  const double r = geometry.cuff_radius_m;
  const double d = geometry.pulley_distance_m;
  const double h = geometry.hip_height_m - geometry.pulley_height_m;
  const double square = r * r + d * d + h * h + 2.0 * r * (d * sine - h * cosine);
  const double length =
      std::sqrt(square);  // IEEE 754 rounds it correctly: the same bits everywhere
  return {length, r * (d * cosine + h * sine) / length};
}

[[nodiscard]] inline CableAtAngle cable_at(const CableGeometry& geometry,
                                           double angle_rad) noexcept {
  const det::SinCos at = det::sin_cos(angle_rad);
  return cable_at(geometry, at.sin, at.cos);
}

}  // namespace medius::sim
