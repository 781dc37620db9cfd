// Numbers that several parts of the kernel share, and what makes untrusted ones harmless.
#pragma once

#include <cstdint>

#include "controller/base/clamp.hpp"
#include "controller/base/tick.hpp"

namespace medius::safety {

// R3 asks for 20 N a tick; a quarter more, so that rounding and one late tick stay within 45 ms.
inline constexpr double kFastUnloadOverFall = 25.0 / 4.0;
// Pretension and engagement climb at 150 N a second, and after slack what no hand has asked for.
inline constexpr double kEngageOverRise = 0.3;

// A bound that is not a positive number allows nothing.
[[nodiscard]] constexpr double bound(double x) noexcept {
  return is_finite(x) && x > 0.0 ? x : 0.0;
}

[[nodiscard]] constexpr double finite_or_zero(double x) noexcept {
  return is_finite(x) ? x : 0.0;
}

[[nodiscard]] constexpr double smaller(double a, double b) noexcept {
  return at_most(bound(a), bound(b));
}

// dt is a constant of the loop: a longer one must not enlarge a ramp's step.
[[nodiscard]] constexpr double step_time(double dt_s) noexcept {
  return clamped(dt_s, 0.0, kTickPeriodS);
}

// A stamp far in the future is no fresher than an old one: one of the two clocks is wrong.
[[nodiscard]] constexpr bool within(std::int64_t age_ns, std::int64_t limit_ns) noexcept {
  return age_ns <= limit_ns && age_ns >= -limit_ns;
}

}  // namespace medius::safety
