// Parts of a recording, shared by the metrics. Not for others.
#pragma once

#include <cstdint>
#include <span>

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"
#include "controller/measure/metrics.hpp"

namespace medius::measure {

using Samples = std::span<const MetricSample>;

// Of the first-order low-pass before the peak of the power: faster than a person's power changes,
// slow enough to take the ripple of the force out.
inline constexpr double kPowerCutOffHz = 20.0;

// [any] The samples with from <= tick <= to.
[[nodiscard]] inline Samples between(Samples samples, std::uint64_t from, std::uint64_t to) {
  std::size_t first = 0;
  while (first < samples.size() && samples[first].tick < from) ++first;
  std::size_t last = first;
  while (last < samples.size() && samples[last].tick <= to) ++last;
  return samples.subspan(first, last - first);
}

// [any] Without the first and the last tenth of the time.
[[nodiscard]] inline Samples middle(Samples samples) {
  if (samples.empty()) return samples;
  const std::uint64_t from = samples.front().tick;
  const std::uint64_t length = samples.back().tick - from;
  return between(samples, from + length / 10, from + length - length / 10);
}

// [any]
[[nodiscard]] inline double seconds(std::uint64_t from, std::uint64_t to, double dt_s) {
  return to > from ? static_cast<double>(to - from) * dt_s : 0.0;
}

// [any] Standard deviation of the white part of a signal: second differences of what moves slowly
// leave noise of six times its variance. Smoothed noise is underestimated by it.
template <typename Get>
[[nodiscard]] double noise_of(Samples samples, Get get) {
  double sum = 0.0;
  std::size_t count = 0;
  for (std::size_t i = 2; i < samples.size(); ++i) {
    if (samples[i].tick - samples[i - 2].tick != 2) continue;
    const double d = get(samples[i]) - 2.0 * get(samples[i - 1]) + get(samples[i - 2]);
    sum += d * d;
    ++count;
  }
  return count > 0 ? det::sqrt(sum / (6.0 * static_cast<double>(count))) : 0.0;
}

// [any] Two independent errors together.
[[nodiscard]] inline double hypotenuse(double a, double b) noexcept {
  return det::sqrt(a * a + b * b);
}

}  // namespace medius::measure
