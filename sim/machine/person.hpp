// What the person on the machine means to do, told only by what they feel: light tension -> they
// stand; the load has come up and is steady -> they lift; tension gone -> they relax and change
// sides.
#pragma once

#include <array>
#include <cstddef>

#include "sim/lifter/lifter.hpp"
#include "sim/machine/set_truth_tracker.hpp"
#include "sim/machine/simulated_station.hpp"

namespace medius::sim {

class Person {
 public:
  explicit Person(const PersonConfig& config);

  // One tick of intentions and nerves.
  void tick(const CableTruth& truth, SetTruthTracker& sets);
  // Hip torque of the leg in the cuff for one plant step.
  [[nodiscard]] double torque_nm(double hip_angle_rad, double hip_velocity_radps) noexcept {
    return lifters_[side_].torque_nm(hip_angle_rad, hip_velocity_radps);
  }
  // Which leg is in the cuff: 0 left, 1 right.
  [[nodiscard]] std::size_t side() const noexcept { return side_; }
  [[nodiscard]] const LifterTruth& lifter_truth() const noexcept { return lifters_[side_].truth(); }
  void let_go(SetTruthTracker& sets);  // drops whatever they were doing

 private:
  enum class Stage { kWaiting, kStanding, kLifting, kDone };

  void wait(double tension_n);
  void stand(double tension_n, SetTruthTracker& sets);
  void lift(double tension_n);
  void rest_after_set(double tension_n, SetTruthTracker& sets);
  void finish_set(SetTruthTracker& sets);
  [[nodiscard]] const PlannedSet* planned() const noexcept;
  [[nodiscard]] double slack_n() const noexcept;  // below it the load of the set has gone out
  [[nodiscard]] bool steady_for(double seconds, double tension_n) noexcept;
  [[nodiscard]] bool held(bool condition, double seconds) noexcept;

  PersonConfig config_;
  std::array<Lifter, 2> lifters_;
  std::size_t side_ = 0;
  std::size_t next_set_ = 0;
  Stage stage_ = Stage::kWaiting;
  int held_ticks_ = 0;      // how long the condition looked at has held
  int reaction_ticks_ = 0;  // left until a decision is carried out
  bool moving_ = false;     // the cuff, faster than standing allows
  int steady_ticks_ = 0;
  double steady_tension_n_ = 0.0;
  int reps_before_pause_ = 0;
  bool set_begun_ = false;
};

}  // namespace medius::sim
