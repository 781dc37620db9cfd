// A smooth curve through points that never overshoots them: monotone piecewise cubic interpolation
// (Fritsch and Carlson, SIAM Journal on Numerical Analysis 17(2), 1980).
#pragma once

#include <array>
#include <cstddef>

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"
#include "plugins/sdk/blend.hpp"
#include "plugins/sdk/motion.hpp"

namespace medius::profiles {

struct MonotoneCurve {
  static constexpr std::size_t kMost = 7;
  // Closer points make a cliff rather than a curve.
  static constexpr double kGapMin = 0.05;

  std::array<double, kMost> x{}, y{}, slope{};
  std::size_t count = 0;
  double steepest = 0.0;  // |dy/dx| at the most

  // False, and a flat curve of 1, if the points do not ascend by kGapMin or are too few or many.
  [[nodiscard]] static bool make(const double* x, const double* y, std::size_t count,
                                 MonotoneCurve& out) noexcept {
    out = {};
    if (count < 2 || count > kMost) return false;
    for (std::size_t i = 0; i + 1 < count; ++i) {
      if (!(x[i + 1] - x[i] >= kGapMin - 1e-9)) return false;
    }
    out.count = count;
    for (std::size_t i = 0; i < count; ++i) {
      out.x[i] = x[i];
      out.y[i] = y[i];
    }
    out.find_slopes();
    out.find_steepest();
    return true;
  }

  // Flat before the first and after the last point.
  [[nodiscard]] double at(double where) const noexcept {
    if (count < 2) return 1.0;
    if (!(where > x[0])) return y[0];
    if (where >= x[count - 1]) return y[count - 1];
    std::size_t i = 0;
    while (i + 2 < count && where >= x[i + 1]) ++i;
    const double width = x[i + 1] - x[i];
    const double t = (where - x[i]) / width;
    const double u = 1.0 - t;
    return y[i] * (1.0 + 2.0 * t) * u * u + slope[i] * width * t * u * u +
           y[i + 1] * t * t * (3.0 - 2.0 * t) - slope[i + 1] * width * t * t * u;
  }

 private:
  [[nodiscard]] double secant(std::size_t i) const noexcept {
    return (y[i + 1] - y[i]) / (x[i + 1] - x[i]);
  }

  void find_slopes() noexcept {
    slope[0] = secant(0);
    slope[count - 1] = secant(count - 2);
    for (std::size_t i = 1; i + 1 < count; ++i) {
      const double before = secant(i - 1);
      const double after = secant(i);
      slope[i] = before * after > 0.0 ? 0.5 * (before + after) : 0.0;
    }
    for (std::size_t i = 0; i + 1 < count; ++i) {
      const double d = secant(i);
      if (d == 0.0) {
        slope[i] = slope[i + 1] = 0.0;
        continue;
      }
      const double a = slope[i] / d;
      const double b = slope[i + 1] / d;
      const double length = det::sqrt(a * a + b * b);
      if (length > 3.0) {
        slope[i] = 3.0 / length * a * d;
        slope[i + 1] = 3.0 / length * b * d;
      }
    }
  }

  // The derivative is a parabola in each piece: its ends and its vertex.
  void find_steepest() noexcept {
    for (std::size_t i = 0; i + 1 < count; ++i) {
      const double d = secant(i);
      const double c2 = 3.0 * (slope[i] + slope[i + 1] - 2.0 * d);
      const double c1 = 2.0 * (3.0 * d - 2.0 * slope[i] - slope[i + 1]);
      steepest = at_least(absolute(slope[i]), steepest);
      steepest = at_least(absolute(slope[i + 1]), steepest);
      const double vertex = c2 == 0.0 ? 0.0 : -c1 / (2.0 * c2);
      if (vertex > 0.0 && vertex < 1.0) {
        steepest = at_least(absolute(slope[i] + 0.5 * c1 * vertex), steepest);
      }
    }
  }
};

// The gain of a curve over the range of motion: plain while the range is not known, and flattened
// where `base` would make it stiffer than `stiffness_max`.
[[nodiscard]] inline double curve_gain(const MonotoneCurve& curve, double stiffness_max,
                                       double base, const sdk::FollowedRange& range,
                                       const medius_step_in_t& in) noexcept {
  if (!(range.weight > 0.0)) return 1.0;
  const double factor = curve.at(sdk::travel(in) / range.range);
  const double steepest = curve.steepest * base / range.range;
  const double kept = steepest > stiffness_max ? stiffness_max / steepest : 1.0;
  return 1.0 + range.weight * kept * (factor - 1.0);
}

}  // namespace medius::profiles
