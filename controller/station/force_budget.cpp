#include "controller/station/force_budget.hpp"

#include <fmt/format.h>

#include "controller/safety/kernel.hpp"
#include "controller/station/strict_toml.hpp"

namespace medius::station {
namespace {

const char* place_words(LoadCellPlace place) noexcept {
  switch (place) {
    case LoadCellPlace::kDrum:
      return "at the drum";
    case LoadCellPlace::kPad:
      return "at the pad";
    default:
      return "at the handle";
  }
}

}  // namespace

ForceBudget force_budget(const AxisMachineConfig& axis, double force) noexcept {
  ForceBudget budget;
  budget.force = force;
  budget.offset = axis.load_cell.offset;
  budget.gain = axis.load_cell.gain * force;
  budget.resolution = axis.load_cell.resolution;
  if (axis.load_cell.place == LoadCellPlace::kDrum) {
    const rt::ForceControlConfig& control = axis.engine.control;
    budget.friction_not_seen = control.pulley_loss * force + control.pulley_friction;
  }
  return budget;
}

std::string budget_sentence(const AxisMachineConfig& axis) {
  std::string sentence =
      fmt::format("axis '{}': load cell {}", axis.name, place_words(axis.load_cell.place));
  if (!axis.load_cell.errors_known) {
    return sentence +
           "; what it may be wrong by is not in the machine file: write offset, gain and "
           "resolution into [axis.load_cell_error]";
  }
  const double lever_m = safety::metres_per_unit(axis.engine.coordinate);
  const std::string unit = unit_name(Dimension::kForce, axis.engine.coordinate);
  sentence += ", wrong by at most";
  for (const double force_n : kBudgetForcesN) {
    const ForceBudget budget = force_budget(axis, force_n * lever_m);
    sentence += fmt::format(
        "{} {:.2f} {} at {:.4g} {} (offset {:.2f}, gain {:.2f}, friction not "
        "seen {:.2f}, resolution {:.3f})",
        force_n == kBudgetForcesN.front() ? "" : ";", budget.total(), unit, budget.force, unit,
        budget.offset, budget.gain, budget.friction_not_seen, budget.resolution);
  }
  return sentence;
}

}  // namespace medius::station
