// Somebody who stands on one leg: what the standing hip has to carry tilts the pelvis, more as it
// tires. Deterministic; the sway is two sines.
#pragma once

#include "sim/lifter/lifter.hpp"
#include "sim/lifter/oscillator.hpp"
#include "sim/lifter/strength.hpp"

namespace medius::sim {

class SingleLegStance {
 public:
  explicit SingleLegStance(const LifterConfig& leg);
  // One tick. Off the ground: on both feet, the pelvis comes back level.
  void tick(bool on_one_leg) noexcept;
  // Positive: down on the side that does not stand.
  [[nodiscard]] double tilt_rad() const noexcept { return tilt_rad_; }

 private:
  LifterConfig leg_;
  FatigueConfig fatigue_rates_;
  FatigueState fatigue_;
  Oscillator sway_[2];
  double tilt_rad_ = 0.0;
};

}  // namespace medius::sim
