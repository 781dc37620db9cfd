// What an intensity means.
#pragma once

#include "controller/base/clamp.hpp"

namespace medius::sim {

// [any] From a mild fault to a severe one.
[[nodiscard]] inline double between(double mild, double severe, double intensity) noexcept {
  return mild + (severe - mild) * clamped(intensity, 0.0, 1.0);
}

// [any] Late frames come in bursts: every 40 ms the samples stay for up to 14 ms.
inline constexpr std::int64_t kLateBurstTicks = 40;
[[nodiscard]] inline bool in_late_burst(std::int64_t ticks, double intensity) noexcept {
  return static_cast<double>(ticks % kLateBurstTicks) < between(5.0, 14.0, intensity);
}
// [any] An intermittent link is silent for 3-30 ms of every 200.
inline constexpr std::int64_t kSilentBurstTicks = 200;
[[nodiscard]] inline bool in_silent_burst(std::int64_t ticks, double intensity) noexcept {
  return static_cast<double>(ticks % kSilentBurstTicks) < between(3.0, 30.0, intensity);
}
// [any] Share of the frames that suffer.
[[nodiscard]] inline double frame_share(double intensity) noexcept {
  return between(0.02, 0.3, intensity);
}

}  // namespace medius::sim
