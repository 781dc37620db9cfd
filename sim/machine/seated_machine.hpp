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
  [[nodiscard]] bool rest(double seconds) override { return person_.rest(seconds); }
  void release(std::size_t axis) override;
  void grip(std::size_t axis) override;
  [[nodiscard]] bool held(std::size_t axis) const override;
  bool suffer(Mishap mishap, std::size_t axis, double amount) override;
  [[nodiscard]] std::uint64_t state_hash() const override;

  [[nodiscard]] const MotionRig& rig() const { return rig_; }
  void start_rig();
  [[nodiscard]] const LeverTruth& truth(std::size_t axis) const { return plants_[axis].truth(); }

 private:
  [[nodiscard]] LegTruths set_truths() { return {&sets_[0], &sets_[1]}; }

  void step_rig() noexcept;
  void step_person() noexcept;
  // Torque of a hip that follows the rig's path with its impedance.
  [[nodiscard]] double rig_torque_nm(const LeverTruth::Leg& leg) const noexcept;

  double pad_lever_m_;
  bool use_rig_;
  RigConfig rig_config_;
  double rig_offset_m_;
  MotionRig rig_;
  bool rig_started_ = false;
  std::array<LeverPlant, 2> plants_;  // left, right
  Person person_;
  std::array<bool, 2> released_{};
  std::array<SetTruthTracker, 2> sets_;
};

}  // namespace medius::sim
