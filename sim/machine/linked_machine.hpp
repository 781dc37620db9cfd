// Seated hip-abduction machine with one motor: its arms are linked, and a person has a leg against
// each of its two pads.
#pragma once

#include <array>

#include "sim/machine/mechanics.hpp"
#include "sim/machine/person.hpp"

namespace medius::sim {

// One axis; what is asked of legs is asked by leg, 0 left and 1 right.
class LinkedMachine final : public Mechanics {
 public:
  explicit LinkedMachine(const SimulatedStationConfig& config);

  void step_tick(std::span<const SimulatedDrive> drives) override;
  [[nodiscard]] AxisReading reading(std::size_t axis) const override;
  [[nodiscard]] HandleTruth handle(std::size_t axis) const override;
  [[nodiscard]] const LifterTruth& lifter(std::size_t leg) const override {
    return person_.lifter_truth(leg);
  }
  [[nodiscard]] const SetTruthTracker& sets(std::size_t leg) const override { return sets_[leg]; }
  [[nodiscard]] bool rest(double seconds) override { return person_.rest(seconds); }
  void release(std::size_t leg) override;
  void grip(std::size_t leg) override;
  [[nodiscard]] bool held(std::size_t leg) const override { return !released_[leg]; }
  [[nodiscard]] std::uint64_t state_hash() const override;

  [[nodiscard]] const MotionRig& rig() const { return rig_; }
  void start_rig();
  [[nodiscard]] const LeverTruth& truth() const { return plant_.truth(); }

 private:
  [[nodiscard]] LegTruths set_truths() { return {&sets_[0], &sets_[1]}; }
  [[nodiscard]] double hip_torque_nm(std::size_t leg) noexcept;
  [[nodiscard]] LegSenses senses() const noexcept;

  double pad_lever_m_;
  bool use_rig_;
  RigConfig rig_config_;
  double rig_offset_m_;
  MotionRig rig_;
  bool rig_started_ = false;
  std::array<double, kMostLegs> share_;            // of the load that each leg means to carry
  std::array<double, kMostLegs> rig_share_scale_;  // of the rig's impedance
  LeverPlant plant_;
  Person person_;
  std::array<bool, kMostLegs> released_{};
  std::array<SetTruthTracker, kMostLegs> sets_;
};

}  // namespace medius::sim
