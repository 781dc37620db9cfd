// Elementary functions that give the same bits on every CPU, compiler and optimisation level: glibc
// picks FMA variants at run time, so no libm transcendental is allowed in the loop, the measurements or
// the simulator. Built from +, -, *, / and sqrt only. Errors below 4e-15 relative (or absolute where the
// result passes through zero) over the documented range.
#pragma once

namespace medius::det {

inline constexpr double kPi = 3.14159265358979323846;

// [any] |x| <= 1e5 rad.
[[nodiscard]] double sin(double x) noexcept;
[[nodiscard]] double cos(double x) noexcept;
// [any] Both at once.
struct SinCos {
  double sin, cos;
};
[[nodiscard]] SinCos sin_cos(double x) noexcept;
// [any] Saturates to 0 below -745 and to the largest double above 709; NaN gives NaN.
[[nodiscard]] double exp(double x) noexcept;
// [any] x > 0, normal; x <= 0 gives -max double, NaN gives NaN.
[[nodiscard]] double log(double x) noexcept;
// [any] x > 0.
[[nodiscard]] double pow(double x, double y) noexcept;
// [any]
[[nodiscard]] double atan(double x) noexcept;
// [any] Angle of (x, y) in (-pi, pi]; (0, 0) gives 0.
[[nodiscard]] double atan2(double y, double x) noexcept;
// [any] Square root, correctly rounded by IEEE 754; negative gives 0.
[[nodiscard]] double sqrt(double x) noexcept;

}  // namespace medius::det
