// Where decays end. What approaches zero by the same share each step never arrives: it becomes
// subnormal, and a processor takes up to a hundred cycles for every operation on a subnormal
// number. A machine at rest would be simulated at half the speed of one that moves.
#pragma once

#include "controller/base/clamp.hpp"

namespace medius::sim {

// Next to anything a plant or a person holds, this is nothing; its square is still a normal number,
// and at the plant's rates a millisecond takes no value from here to the subnormal ones.
inline constexpr double kSettled = 1e-100;

// [any] x, or zero when it is next to zero.
[[nodiscard]] inline double settled(double x) noexcept {
  return absolute(x) < kSettled ? 0.0 : x;
}

}  // namespace medius::sim
