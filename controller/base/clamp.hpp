// Clamps that reject NaN. std::min/std::max pass NaN through or drop the bound; never use them on
// an untrusted number.
#pragma once

#include <bit>
#include <cstdint>

namespace medius {

// [any] True unless x is NaN or infinite. Works on the bits, so that no optimisation can remove it.
[[nodiscard]] constexpr bool is_finite(double x) noexcept {
  return (std::bit_cast<std::uint64_t>(x) & 0x7ff0'0000'0000'0000u) != 0x7ff0'0000'0000'0000u;
}

// [any] x, at most `max`; NaN gives `max`.
[[nodiscard]] constexpr double at_most(double x, double max) noexcept {
  if (!(x <= max)) x = max;
  return x;
}

// [any] x, at least `min`; NaN gives `min`.
[[nodiscard]] constexpr double at_least(double x, double min) noexcept {
  if (!(x >= min)) x = min;
  return x;
}

// [any] x within [min, max]; NaN gives `min`, the side that means less force everywhere it is used.
// The bounds must be numbers: a NaN bound comes out again.
[[nodiscard]] constexpr double clamped(double x, double min, double max) noexcept {
  return at_most(at_least(x, min), max);
}

[[nodiscard]] constexpr double absolute(double x) noexcept {
  return x < 0.0 ? -x : x;
}

// [any] x / width within [-1, 1], width > 0: what stands in for sign(x) wherever force depends on
// direction. NaN gives 0: an unknown direction is none.
[[nodiscard]] constexpr double saturated(double x, double width) noexcept {
  const double ratio = x / width;
  return ratio == ratio ? clamped(ratio, -1.0, 1.0) : 0.0;
}

}  // namespace medius
