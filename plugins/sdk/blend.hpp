// How a law goes from one value to another without a step: critically damped, or at a fixed rate.
#pragma once

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"

namespace medius::sdk {

// One bandwidth of a critically damped blend y'' = w^2 (target - y) - 2 w y', solved exactly for
// one period.
struct BlendSpeed {
  double radps = 0.0;
  double dt_s = 0.0;
  double decay = 0.0;  // in one tick
};

[[nodiscard]] inline BlendSpeed blend_speed(double radps, double dt_s) noexcept {
  return {radps, dt_s, det::exp(-radps * dt_s)};
}

struct Blend {
  double value = 0.0;
  double rate = 0.0;  // per s
};

// One tick towards the target. It never passes it, also not when the bandwidth or the target
// changes on the way.
[[nodiscard]] constexpr Blend blended(const BlendSpeed& speed, double target, Blend from) noexcept {
  const double error = from.value - target;
  const double slope = from.rate + speed.radps * error;
  const double rest = (error + slope * speed.dt_s) * speed.decay;
  if (rest * error < 0.0) return {target, 0.0};
  return {target + rest, (from.rate - speed.radps * slope * speed.dt_s) * speed.decay};
}

// `value`, at most `step` nearer to `target`. NaN targets keep the value.
[[nodiscard]] constexpr double approach(double value, double target, double step) noexcept {
  if (target > value) return target - value > step ? value + step : target;
  if (target < value) return value - target > step ? value - step : target;
  return value;
}

// 3 z^2 - 2 z^3 on 0..1, flat outside; NaN gives 0.
[[nodiscard]] constexpr double smoothstep(double z) noexcept {
  z = clamped(z, 0.0, 1.0);
  return z * z * (3.0 - 2.0 * z);
}

}  // namespace medius::sdk
