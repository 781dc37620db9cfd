// What the main resistance laws ask for, computed from the plant's truth by their published
// formulas and not by the profiles: so an estimator's error in position, speed or phase counts as
// an error of the force.
//
//   constant        F = F0
//   eccentric       F = F0 y, y'' = w^2 (ramp - y) - 2 w y'; the ramp goes to the ratio in 0.25 s
//                   while lowering (w = 16 rad/s), back to 1 in T (12 rad/s) or up in 0.25 s;
//                   at most 480 N/s up and 400 N/s down, at the turn 8000 N a metre of way; ratios
//                   below 1: w = 30 rad/s, and y and its ramp rise only outward, in full from
//                   0.04 m/s and no steeper than the ramp; y does not rise below 0.02 m/s;
//                   T = 0.8 s sqrt(60 N / F0) within 0.35-0.8 s
//   chains          F = F0 + K x, at most 1.5 F0;  inverse: F = F0 - K x, at least 0.5 F0
//   band            F = F0 + K x, or K L / 3 (s - 1 / s^2) with s = 1 + x / L; at most 1.5 F0
//   viscous         F = F0 + B v outward, F0 inward;  air: c v^2 in place of B v
//
// x counts from the bottom of the repetition. Lowering begins when the handle has come back by 6 mm
// and moved inward at more than 0.03 m/s for 60 ms, or has come back by 30 mm; after the first
// repetition also when it comes back out of a hold by 2 mm at more than 0.02 m/s for 20 ms, and a
// ratio R above 1 then ends where the last tenth of the way goes slower than 0.04 m/s, or has
// 0.45 s (R - 1) left (three times the way left over the speed), for 20 ms.
#pragma once

#include <cstdint>
#include <span>

#include "sim/checkers/force_truth.hpp"

namespace medius::sim {

enum class LawKind : std::uint8_t {
  kConstant,
  kEccentric,
  kChains,
  kInverseChains,
  kLinearBand,
  kRubberBand,
  kViscous,
  kAir,
};

struct LawTruth {
  LawKind kind = LawKind::kConstant;
  double load_n = 0.0;         // F0
  double value = 0.0;          // ratio, K, B or c
  double length_m = 0.5;       // L of a rubber band
  double standing_mps = 0.02;  // slower is standing; 0.02 rad/s of a lever is less at its pad
  double dt_s = 1e-3;
};

// Replaces the target of every sample by what the law asks for there.
void fill_law_targets(const LawTruth& law, std::span<ForceTruthSample> samples);

}  // namespace medius::sim
