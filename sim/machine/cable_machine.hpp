// Cable station: one plant, a person or a motion rig at its cuff.
#pragma once

#include "sim/machine/mechanics.hpp"
#include "sim/machine/person.hpp"

namespace medius::sim {

class CableMachine final : public Mechanics {
 public:
  explicit CableMachine(const SimulatedStationConfig& config);

  void step_tick(std::span<const SimulatedDrive> drives) override;
  [[nodiscard]] AxisReading reading(std::size_t axis) const override;
  [[nodiscard]] HandleTruth handle(std::size_t axis) const override;
  [[nodiscard]] const LifterTruth& lifter(std::size_t) const override {
    return person_.lifter_truth(person_.side());
  }
  [[nodiscard]] const SetTruthTracker& sets(std::size_t) const override { return sets_; }
  [[nodiscard]] bool rest(double seconds) override { return !config_.rig && person_.rest(seconds); }
  void release(std::size_t axis) override;
  void grip(std::size_t axis) override;
  [[nodiscard]] bool held(std::size_t axis) const override;
  bool suffer(Mishap mishap, std::size_t axis, double amount) override;
  [[nodiscard]] std::uint64_t state_hash() const override { return plant_.state_hash(); }

  [[nodiscard]] const CableTruth& truth() const { return plant_.truth(); }
  [[nodiscard]] const MotionRig& rig() const { return rig_; }
  void start_rig();

 private:
  void step_plant(const SimulatedDrive& drive);
  void step_rig();
  void follow_person();
  double walk();

  SimulatedStationConfig config_;
  CablePlant plant_;
  Person person_;
  MotionRig rig_;
  bool rig_started_ = false;
  bool released_ = false;
  double walk_to_m_ = 0.0, walked_m_ = 0.0;  // of the person, along the cable
  std::size_t leg_side_ = 0;
  Exercise exercise_ = Exercise::kStandingAbduction;
  SetTruthTracker sets_;
};

}  // namespace medius::sim
