// Seated hip-abduction machine: two lever arms, each with a motor, and a person with a leg against
// each pad.
#pragma once

#include <array>

#include "sim/machine/mechanics.hpp"
#include "sim/machine/person.hpp"

namespace medius::sim {

class SeatedMachine final : public Mechanics {
 public:
  explicit SeatedMachine(const SimulatedStationConfig& config);

  void step_tick(std::span<const SimulatedDrive> drives) override;
  [[nodiscard]] AxisReading reading(std::size_t axis) const override;
  [[nodiscard]] HandleTruth handle(std::size_t axis) const override;
  [[nodiscard]] const LifterTruth& lifter(std::size_t axis) const override {
    return person_.lifter_truth(axis);
  }
  [[nodiscard]] const SetTruthTracker& sets(std::size_t axis) const override { return sets_[axis]; }
  void release(std::size_t axis) override;
  void grip(std::size_t axis) override;
  [[nodiscard]] bool held(std::size_t axis) const override;
  [[nodiscard]] std::uint64_t state_hash() const override;

  [[nodiscard]] const LeverTruth& truth(std::size_t axis) const { return plants_[axis].truth(); }

 private:
  [[nodiscard]] LegTruths set_truths() { return {&sets_[0], &sets_[1]}; }

  double pad_lever_m_;
  std::array<LeverPlant, 2> plants_;  // left, right
  Person person_;
  std::array<bool, 2> released_{};
  std::array<SetTruthTracker, 2> sets_;
};

}  // namespace medius::sim
