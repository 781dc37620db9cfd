// Elementary functions that give the same bits on every CPU, compiler and optimisation level: glibc
// picks FMA variants at run time, so no libm transcendental is allowed in the loop, the
// measurements or the simulator. Built from +, -, *, / and sqrt only. tests/base holds each to its
// bound below against libm's long double functions.
#pragma once

namespace medius::det {

inline constexpr double kPi = 3.14159265358979323846;

// [any] Error below 5e-16, |x| <= 1e6 rad; beyond that, and for NaN, NaN.
[[nodiscard]] double sin(double x) noexcept;
[[nodiscard]] double cos(double x) noexcept;
// [any] Both at once.
struct SinCos {
  double sin, cos;
};
[[nodiscard]] SinCos sin_cos(double x) noexcept;
// [any] Relative error below 5e-16 where the result is normal (x >= -708), absolute error of one
// denormal below. Saturates to 0 below -745 and to the largest double above 709; NaN gives NaN.
[[nodiscard]] double exp(double x) noexcept;
// [any] Relative error below 5e-16 for normal x > 0. x <= 0 gives -max double, NaN gives NaN;
// a denormal gives about the logarithm of the smallest normal number.
[[nodiscard]] double log(double x) noexcept;
// [any] x > 0; as exp(y log(x)): relative error below 5e-16 x (2 + |y log(x)|). x <= 0 counts as 0.
[[nodiscard]] double pow(double x, double y) noexcept;
// [any] Relative error below 1e-15; NaN gives NaN.
[[nodiscard]] double atan(double x) noexcept;
// [any] Angle of (x, y) in [-pi, pi], absolute error below 2e-15. The sign of a zero is ignored;
// (0, 0) gives 0, NaN gives NaN.
[[nodiscard]] double atan2(double y, double x) noexcept;
// [any] Square root, correctly rounded by IEEE 754; negative and NaN give 0.
[[nodiscard]] double sqrt(double x) noexcept;

}  // namespace medius::det
