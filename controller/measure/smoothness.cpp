#include "controller/measure/smoothness.hpp"

#include <array>

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"

namespace medius::measure {
namespace {

constexpr double kThreshold = 0.05;
constexpr double kFrequencyMaxHz = 10.0;
constexpr int kPadLevel = 4;
// Noise from above 115 Hz folds into the arc's 10 Hz, at less than a tenth of its size.
constexpr std::size_t kBlock = 8;
constexpr std::size_t kHalfWindow = 50;
constexpr std::size_t kSlopeTicks = 5;

std::vector<double> block_sums(std::span<const double> speed) {
  std::vector<double> sums((speed.size() + kBlock - 1) / kBlock);
  for (std::size_t i = 0; i < speed.size(); ++i) sums[i / kBlock] += speed[i];
  return sums;
}

// |V| at the frequencies k x step, k = 0 .. count - 1, in radians a tick. Goertzel's recurrence for
// all frequencies side by side, so that the compiler can do several at once.
std::vector<double> spectrum(std::span<const double> speed, double step, std::size_t count) {
  std::vector<double> turn(count), older(count), newer(count), magnitude(count);
  for (std::size_t k = 0; k < count; ++k) {
    turn[k] = 2.0 * det::cos(static_cast<double>(kBlock * k) * step);
  }
  for (const double value : block_sums(speed)) {
    for (std::size_t k = 0; k < count; ++k) {
      const double next = value + turn[k] * newer[k] - older[k];
      older[k] = newer[k];
      newer[k] = next;
    }
  }
  for (std::size_t k = 0; k < count; ++k) {
    const double square = newer[k] * newer[k] + older[k] * older[k] - turn[k] * newer[k] * older[k];
    const double half = 0.5 * static_cast<double>(k) * step;
    const double droop =
        k == 0 ? 1.0 : det::sin(static_cast<double>(kBlock) * half) / (kBlock * det::sin(half));
    magnitude[k] = det::sqrt(square) / droop;
  }
  return magnitude;
}

// What a sample k ticks beside the middle weighs in the second derivative of the fitted parabola.
constexpr std::array<double, kHalfWindow + 1> curvature_weights() {
  constexpr double kHalf = kHalfWindow;
  constexpr double kMeanSquare = kHalf * (kHalf + 1.0) / 3.0;
  // Sum of (k^2 - mean)^2 over the window.
  constexpr double kNorm = (2.0 * kHalf + 1.0) * kHalf * (kHalf + 1.0) *
                           (4.0 * kHalf * kHalf + 4.0 * kHalf - 3.0) / 45.0;
  std::array<double, kHalfWindow + 1> weights{};
  for (std::size_t k = 0; k <= kHalfWindow; ++k) {
    const auto offset = static_cast<double>(k);
    weights[k] = 2.0 * (offset * offset - kMeanSquare) / kNorm;
  }
  return weights;
}
constexpr auto kCurvatureWeights = curvature_weights();

// Second derivative of the parabola fitted around `at`, in units a tick squared.
double curvature(std::span<const double> speed, std::size_t at) {
  // Two sums side by side: one alone would wait for its own last addition.
  static_assert(kHalfWindow % 2 == 0);
  double odd = kCurvatureWeights[0] * speed[at];
  double even = 0.0;
  for (std::size_t k = 1; k < kHalfWindow; k += 2) {
    odd += kCurvatureWeights[k] * (speed[at - k] + speed[at + k]);
    even += kCurvatureWeights[k + 1] * (speed[at - k - 1] + speed[at + k + 1]);
  }
  return odd + even;
}

// Integral of the square of a straight line from a to b.
double line_square(double a, double b, double length) {
  return (a * a + a * b + b * b) / 3.0 * length;
}

// Over the ends, where no whole window fits, the curvature is drawn on straight.
double curvature_square_integral(std::span<const double> speed) {
  const std::size_t last = speed.size() - 1 - kHalfWindow;
  constexpr double kReach = static_cast<double>(kHalfWindow) / static_cast<double>(kSlopeTicks);
  double before = curvature(speed, kHalfWindow);
  const double lead = kReach * (curvature(speed, kHalfWindow + kSlopeTicks) - before);
  double sum = line_square(before - lead, before, kHalfWindow);
  for (std::size_t at = kHalfWindow + 1; at <= last; ++at) {
    const double here = curvature(speed, at);
    sum += line_square(before, here, 1.0);
    before = here;
  }
  const double tail = kReach * (before - curvature(speed, last - kSlopeTicks));
  return sum + line_square(before, before + tail, kHalfWindow);
}

}  // namespace

std::vector<double> uniform_speed(std::span<const MetricSample> samples, double direction) {
  if (samples.size() < 2) return {};
  const std::uint64_t ticks = samples.back().tick - samples.front().tick;
  if (ticks >= kSmoothnessTicksMax) return {};
  std::vector<double> speed;
  speed.reserve(ticks + 1);
  speed.push_back(direction * samples[0].velocity);
  for (std::size_t i = 1; i < samples.size(); ++i) {
    const std::uint64_t step = samples[i].tick - samples[i - 1].tick;
    const double from = direction * samples[i - 1].velocity;
    const double rise = direction * samples[i].velocity - from;
    for (std::uint64_t k = 1; k <= step; ++k) {
      speed.push_back(from + rise * static_cast<double>(k) / static_cast<double>(step));
    }
  }
  return speed;
}

Smoothness sparc(std::span<const double> speed, double dt_s, double noise) {
  if (speed.size() < kSmoothnessTicksMin || !(dt_s > 0.0)) return {};
  std::size_t padded = 1;
  while (padded < speed.size()) padded *= 2;
  padded <<= kPadLevel;
  const double step_hz = 1.0 / (static_cast<double>(padded) * dt_s);
  const double step = 2.0 * det::kPi / static_cast<double>(padded);
  const auto count = static_cast<std::size_t>(kFrequencyMaxHz / step_hz) + 1;
  const std::vector<double> magnitude = spectrum(speed, step, count);
  const double scale = magnitude[0];
  if (!(scale > 0.0) || !is_finite(scale)) return {};
  std::size_t last = count - 1;
  while (last > 0 && !(magnitude[last] >= kThreshold * scale)) --last;
  if (last == 0) return {};
  const double run = 1.0 / static_cast<double>(last);
  double arc = 0.0;
  for (std::size_t k = 1; k <= last; ++k) {
    const double rise = (magnitude[k] - magnitude[k - 1]) / scale;
    arc += det::sqrt(run * run + rise * rise);
  }
  // Frequencies further apart than one over the duration carry noise of their own.
  const double duration_s = static_cast<double>(speed.size()) * dt_s;
  const double independent = 1.0 + static_cast<double>(last) * step_hz * duration_s;
  const double relative = noise * det::sqrt(static_cast<double>(speed.size())) / scale;
  const double from_noise = relative * det::sqrt(independent);
  const double from_step = arc * 0.5 * run / det::sqrt(3.0);
  return {true, -arc, det::sqrt(from_noise * from_noise + from_step * from_step)};
}

Smoothness log_dimensionless_jerk(std::span<const double> speed, double dt_s, double noise) {
  if (speed.size() < kSmoothnessTicksMin || !(dt_s > 0.0)) return {};
  double peak = 0.0;
  for (const double value : speed) peak = at_least(value, peak);
  const auto ticks = static_cast<double>(speed.size() - 1);
  const double integral = curvature_square_integral(speed);
  // Duration and derivatives both in ticks: the step cancels.
  const double jerk = ticks * ticks * ticks / (peak * peak) * integral;
  if (!(peak > 0.0) || !(jerk > 0.0) || !is_finite(jerk)) return {};
  // Variance of a fitted second derivative: 720 noise^2 / n^5 over n ticks.
  constexpr double kWindow = 2.0 * kHalfWindow + 1.0;
  const double variance = 720.0 * noise * noise / (kWindow * kWindow * kWindow * kWindow * kWindow);
  return {true, -det::log(jerk), variance * ticks / integral};
}

}  // namespace medius::measure
