// How each cable exercise moves the cuff: by the leg, by the whole body, or by both in turn.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "controller/base/clamp.hpp"

namespace medius::sim {

enum class Exercise : std::uint8_t {
  kStandingAbduction = 0,
  kSideLyingAbduction,  // the leg lies level: gravity acts across it
  kStepUpAbduction,     // the body rises onto the step, then the trailing leg abducts
  kHipHike,             // the pelvis lifts the straight leg by a few centimetres
  kLateralWalk,         // a step to the side and back; the body carries the cuff
  kSplitSquat,          // from the low position up and down again
};
inline constexpr std::array kExercises = {
    Exercise::kStandingAbduction, Exercise::kSideLyingAbduction, Exercise::kStepUpAbduction,
    Exercise::kHipHike,           Exercise::kLateralWalk,        Exercise::kSplitSquat};

struct ExerciseMotion {
  std::string_view id;  // as the exercise catalogue has it
  // The first share of a repetition's height is the body's, the rest the leg's.
  double body_share = 0.0;
  double body_travel_m = 0.0;      // cable that the body pays out
  double gravity_turn_rad = 0.0;   // of the leg at rest against the vertical
  double hip_over_pulley_m = 0.0;  // along the body and across it; 0 = as the person stands
  double hip_beside_pulley_m = 0.0;
  double range_rad = 0.0;  // intended abduction at the peak; 0 = the person's
};

// [any] Lengths: a 20 cm step pulls 60 mm of cable out of a low pulley 0.9 m away and behind; a
// pelvis rises by 3-7 cm; a side step is half a leg; a split squat's hip travels a quarter of the
// height. Lying on the side at the low pulley, the upper hip is 0.25 m above it and the pulley
// 1.35 m down the body; to about 45 degrees.
[[nodiscard]] constexpr ExerciseMotion motion_of(Exercise exercise) noexcept {
  constexpr double kQuarterTurn = 1.5707963267948966;
  switch (exercise) {
    case Exercise::kStandingAbduction:
      return {"cable-standing-abduction", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
    case Exercise::kSideLyingAbduction:
      return {"cable-side-lying-abduction", 0.0, 0.0, kQuarterTurn, 1.35, 0.25, 0.70};
    case Exercise::kStepUpAbduction:
      return {"cable-step-up-abduction", 0.35, 0.06, 0.0, 0.0, 0.0, 0.0};
    case Exercise::kHipHike:
      return {"cable-hip-hike", 1.0, 0.05, 0.0, 0.0, 0.0, 0.0};
    case Exercise::kLateralWalk:
      return {"cable-lateral-walk", 1.0, 0.40, 0.0, 0.0, 0.0, 0.0};
    case Exercise::kSplitSquat:
      return {"split-squat", 1.0, 0.35, 0.0, 0.0, 0.0, 0.0};
  }
  return {};
}

// [any] By its id in the exercise catalogue; what has no motion of its own is a standing abduction.
[[nodiscard]] constexpr Exercise exercise_named(std::string_view id) noexcept {
  for (const Exercise exercise : kExercises) {
    if (motion_of(exercise).id == id) return exercise;
  }
  return Exercise::kStandingAbduction;
}

// Where leg and body are at a height of the repetition: 0 bottom, 1 intended peak.
struct BodyPlace {
  double angle_rad = 0.0;
  double body_m = 0.0;
};
// [any] Below the bottom there is room until the leg meets the other one.
[[nodiscard]] constexpr BodyPlace place_at(const ExerciseMotion& motion, double start_rad,
                                           double range_rad, double height) noexcept {
  const double share = motion.body_share;
  BodyPlace place{start_rad, 0.0};
  if (share < 1.0) {
    const double leg = (height - share) / (1.0 - share);
    place.angle_rad =
        start_rad + (range_rad - start_rad) * (share > 0.0 ? at_least(leg, 0.0) : leg);
    place.angle_rad = at_least(place.angle_rad, 0.0);
  }
  if (share > 0.0) {
    const double body = at_least(height / share, 0.0);
    place.body_m = motion.body_travel_m * (share < 1.0 ? at_most(body, 1.0) : body);
  }
  return place;
}

}  // namespace medius::sim
