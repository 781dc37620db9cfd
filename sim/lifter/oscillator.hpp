// A sine of fixed frequency advanced by a rotation a tick: tremor and sway without a sine a tick.
#pragma once

#include "controller/base/det_math.hpp"

namespace medius::sim {

class Oscillator {
 public:
  Oscillator(double frequency_hz, double phase_rad, double dt_s) noexcept
      : turn_(det::sin_cos(2.0 * det::kPi * frequency_hz * dt_s)), at_(det::sin_cos(phase_rad)) {}

  // The rotation keeps the amplitude to rounding: 1e-13 after an hour at 1 kHz.
  double next() noexcept {
    const double sine = at_.sin * turn_.cos + at_.cos * turn_.sin;
    at_.cos = at_.cos * turn_.cos - at_.sin * turn_.sin;
    at_.sin = sine;
    return sine;
  }

 private:
  det::SinCos turn_, at_;
};

}  // namespace medius::sim
