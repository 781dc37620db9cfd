// The person's own count of repetitions.
#pragma once

namespace medius::sim {

// Counts repetitions by velocity crossings, by written definitions on noise-free motion (travel of
// the cuff or of the pad).
struct RepCounter {
  static constexpr double kMovingMps = 0.02;
  static constexpr double kFullShare = 0.70;
  static constexpr double kReturnShare = 0.50;

  enum class Motion { kStill, kUp, kDown } motion = Motion::kStill;
  double valley_m = 0.0, peak_m = 0.0;

  // True when a full repetition has just ended.
  bool step(double position_m, double velocity_mps, double full_rise_m) noexcept {
    switch (motion) {
      case Motion::kStill:
        if (velocity_mps > kMovingMps) {
          motion = Motion::kUp;
          valley_m = peak_m = position_m;
        }
        return false;
      case Motion::kUp:
        if (position_m > peak_m) peak_m = position_m;
        if (velocity_mps < -kMovingMps) motion = Motion::kDown;
        return false;
      case Motion::kDown:
        if (velocity_mps < -kMovingMps) return false;
        // A pause before half of the return belongs to the same repetition.
        if (peak_m - position_m < kReturnShare * (peak_m - valley_m)) {
          if (velocity_mps > kMovingMps) motion = Motion::kUp;
          return false;
        }
        motion = Motion::kStill;
        return peak_m - valley_m >= full_rise_m;
    }
    return false;
  }
};

}  // namespace medius::sim
