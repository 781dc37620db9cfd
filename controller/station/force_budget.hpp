// How far the force that an axis shows and controls may be from what the person feels: offset, gain
// and resolution of the load cell, and the friction between it and the person.
#pragma once

#include <array>
#include <string>

#include "controller/station/machine_config.hpp"

namespace medius::station {

// N | Nm, each as a bound on its absolute value at one force.
struct ForceBudget {
  double force = 0.0;
  double offset = 0.0, gain = 0.0;
  // Pulley friction that a cell at the drum does not see. In motion the model takes it off; a
  // person who stands still may be anywhere within it.
  double friction_not_seen = 0.0;
  double resolution = 0.0;
  [[nodiscard]] double total() const noexcept {
    return offset + gain + friction_not_seen + resolution;
  }
};

// [any] Ankle loads are 20-90 N; 200 N is the most that is prescribed on a cable. On a lever these
// are newtons at the pad, hence torques.
inline constexpr std::array<double, 3> kBudgetForcesN{30.0, 80.0, 200.0};

[[nodiscard]] ForceBudget force_budget(const AxisMachineConfig& axis, double force) noexcept;

// One sentence for the log: where the cell sits and the budget at kBudgetForcesN; or that nobody
// wrote down what the cell may be wrong by.
[[nodiscard]] std::string budget_sentence(const AxisMachineConfig& axis);

}  // namespace medius::station
