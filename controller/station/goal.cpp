#include "controller/station/goal.hpp"

#include <array>

namespace medius::station {
namespace {

// Loads and rests: American College of Sports Medicine, position stand on progression models in
// resistance training (Med Sci Sports Exerc 2009;41:687-708): strength from 60-70 % of the maximum
// and up with 2-3 min between sets, hypertrophy 70-85 % (isolation work lighter), local endurance
// 40-60 % with 1 min or less. Repetitions and the slow return: guides of hip-abductor training.
constexpr std::array<GoalPreset, 5> kPresets{{
    {Goal::kStrength, "strength", 5, 8, 0.70, 0.90, {2.0, 1.0, 3.0, 0.0}, 120.0},
    {Goal::kEndurance, "endurance", 10, 15, 0.40, 0.65, {2.0, 1.0, 2.0, 0.0}, 60.0},
    {Goal::kHypertrophy, "hypertrophy", 10, 20, 0.50, 0.80, {2.0, 1.0, 3.0, 0.0}, 75.0},
    {Goal::kCompound, "compound", 8, 12, 0.65, 0.85, {2.0, 1.0, 2.0, 0.0}, 90.0},
    {Goal::kActivation, "activation", 10, 15, 0.10, 0.30, {2.0, 1.0, 2.0, 0.0}, 30.0},
}};

}  // namespace

std::span<const GoalPreset> goal_presets() noexcept {
  return kPresets;
}

const GoalPreset* find_goal(const std::string& id) noexcept {
  for (const GoalPreset& preset : kPresets) {
    if (id == preset.id) return &preset;
  }
  return nullptr;
}

const GoalPreset* find_goal(Goal goal) noexcept {
  for (const GoalPreset& preset : kPresets) {
    if (goal == preset.goal) return &preset;
  }
  return nullptr;
}

std::string list_goals() {
  std::string ids;
  for (const GoalPreset& preset : kPresets) {
    if (!ids.empty()) ids += ", ";
    ids += preset.id;
  }
  return ids;
}

}  // namespace medius::station
