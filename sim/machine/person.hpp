// What the person on the machine means to do, told only by what they feel: light tension -> they
// stand; the load has come up and is steady -> they lift; tension gone -> they relax and change
// sides. With both legs at once they begin when both feel the load, and the legs wait for each
// other at the bottom.
#pragma once

#include <array>
#include <cstddef>

#include "sim/lifter/lifter.hpp"
#include "sim/machine/set_truth_tracker.hpp"
#include "sim/machine/simulated_station.hpp"

namespace medius::sim {

// What the person feels of one leg.
struct LegSense {
  double angle_rad = 0.0, velocity_radps = 0.0;
  double tension_n = 0.0;  // of the cuff, or force of the pad
  double handle_mps = 0.0;
};
using LegSenses = std::array<LegSense, 2>;          // left, right
using LegTruths = std::array<SetTruthTracker*, 2>;  // where each leg's sets are judged

class Person {
 public:
  explicit Person(const PersonConfig& config);

  // One tick of intentions and nerves. A leg that does nothing feels nothing.
  void tick(const LegSenses& senses, const LegTruths& sets);
  // Hip torque of a leg for one plant step.
  [[nodiscard]] double torque_nm(std::size_t leg, double hip_angle_rad,
                                 double hip_velocity_radps) noexcept {
    HipDrive hip = hip_drive(leg);
    const double torque_nm = hip.next(hip_angle_rad, hip_velocity_radps, kPlantStepS);
    take(leg, hip);
    return torque_nm;
  }
  // What drives a leg's hip for the plant steps of a tick, and how it comes back.
  [[nodiscard]] HipDrive hip_drive(std::size_t leg) const noexcept {
    HipDrive hip = lifters_[leg].hip_drive();
    if (works_[leg]) hip.push_nm = push_n_ * push_arm_m(leg);
    return hip;
  }
  void take(std::size_t leg, const HipDrive& hip) noexcept { lifters_[leg].take(hip); }
  // The leg that works, of both the left one: 0 left, 1 right.
  [[nodiscard]] std::size_t side() const noexcept { return works_[0] ? 0 : 1; }
  // Of the set under way or to come.
  [[nodiscard]] Exercise exercise() const noexcept { return exercise_; }
  [[nodiscard]] const LifterTruth& lifter_truth(std::size_t leg) const noexcept {
    return lifters_[leg].truth();
  }
  void let_go(const LegTruths& sets);  // drops whatever they were doing
  void weaken(std::size_t leg, double strength_left) noexcept {
    lifters_[leg].weaken(strength_left);
  }
  void stop_lifting() noexcept;  // in mid-set or its pause: stands until the load has gone
  // Nobody is busy with anything: the time may be jumped over, and both legs have rested.
  [[nodiscard]] bool rest(double seconds) noexcept;

 private:
  enum class Stage { kWaiting, kStanding, kLifting, kHolding, kDone };

  // Of the legs that work.
  struct Felt {
    double least_n = 0.0, most_n = 0.0;
  };
  [[nodiscard]] Felt feel(const LegSenses& senses) noexcept;
  template <typename Act>
  void each(Act act) {
    for (std::size_t leg = 0; leg < lifters_.size(); ++leg) {
      if (works_[leg]) act(leg);
    }
  }

  void wait(const Felt& felt);
  void stand(const Felt& felt, const LegTruths& sets);
  void lift(const Felt& felt);
  void hold(const Felt& felt, const LegTruths& sets);
  [[nodiscard]] double push_arm_m(std::size_t leg) const noexcept {
    const LifterConfig& lifter = config_.lifter[leg];
    return lifter.pad_lever_m > 0.0 ? lifter.pad_lever_m : lifter.cuff_radius_m;
  }
  void rest_after_set(const Felt& felt, const LegTruths& sets);
  void finish_set(const LegTruths& sets);
  void choose_legs() noexcept;
  void keep_together() noexcept;
  [[nodiscard]] const PlannedSet* planned() const noexcept;
  [[nodiscard]] double slack_n() const noexcept;  // below it the load of the set has gone out
  [[nodiscard]] bool steady_for(double seconds, double tension_n) noexcept;
  [[nodiscard]] bool held(bool condition, double seconds) noexcept;

  PersonConfig config_;
  std::array<Lifter, 2> lifters_;
  std::array<bool, 2> works_{true, false};
  Exercise exercise_ = Exercise::kStandingAbduction;
  std::size_t next_set_ = 0;
  Stage stage_ = Stage::kWaiting;
  int held_ticks_ = 0;      // how long the condition looked at has held
  int reaction_ticks_ = 0;  // left until a decision is carried out
  bool moving_ = false;     // the cuff, faster than standing allows
  int steady_ticks_ = 0;
  double steady_tension_n_ = 0.0;
  int reps_before_pause_ = 0;
  // of a set of holds
  double push_n_ = 0.0;  // what is added to standing, at the cuff or the pad
  int hold_ticks_ = 0;   // of the hold and the rest after it
  int holds_done_ = 0;
  bool set_begun_ = false;
};

}  // namespace medius::sim
