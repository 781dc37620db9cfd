// What a block of a program is trained for, and what follows from it where a program says nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "controller/measure/metrics.hpp"

namespace medius::station {

enum class Goal : std::uint8_t {
  kNone = 0,
  kStrength,
  kEndurance,
  kHypertrophy,
  kCompound,  // hypertrophy of several muscles at once, e.g. a split squat
  kActivation,
};

struct GoalPreset {
  Goal goal = Goal::kNone;
  const char* id = "";
  std::uint32_t reps_min = 0, reps_max = 0;
  double share_min = 0.0, share_max = 0.0;  // of the estimated maximum
  measure::Tempo tempo;
  double rest_s = 0.0;
};

[[nodiscard]] std::span<const GoalPreset> goal_presets() noexcept;
[[nodiscard]] const GoalPreset* find_goal(const std::string& id) noexcept;  // null: not known
[[nodiscard]] const GoalPreset* find_goal(Goal goal) noexcept;              // null: kNone
[[nodiscard]] std::string list_goals();                                     // "a, b, c"

}  // namespace medius::station
