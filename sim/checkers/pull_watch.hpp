// What truly pulls at a person, against what was ordered for them: judged each millisecond from the
// plant's truth, also where the loop has missed its ticks. One watch an axis.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/checkers/invariant_watch.hpp"

namespace medius::sim {

// One millisecond of one axis; forces in the axis' unit (N | Nm), speeds at the handle in m/s.
struct PullSample {
  // What was ordered: the highest load accepted for this set, and what its profile may make of it.
  double ordered_max = 0.0;
  double profile_ratio = 1.0;
  bool stopped = false;  // somebody's accepted stop takes the load away
  // What the controller says.
  double base_load = 0.0, felt_target = 0.0;
  int reaction = 0;  // 0 none, 1 freeze, 2 soft unload, 3 fast unload, 4 torque off
  // The plant's truth.
  double motor_force = 0.0, handle_force = 0.0;
  double handle_mps = 0.0, drum_mps = 0.0;  // > 0 outward
  bool high = false;                        // in the upper half of this set's strokes
  bool held = true;
  bool cable_whole = true;
  // What is broken: signals that lie to the controller, a profile that fails, a drive that does as
  // it likes, bearings that rub.
  bool told_truth = true, profile_sound = true, obeyed = true, smooth = true;
  bool powered = true;      // the relay is closed and somebody minds the drive
  bool makes_more = false;  // the drive makes a multiple of its order
  bool faultless = false;   // nothing has been broken at all
  bool slack_said = false;  // the controller says that the cable was slack, and gives back by way
};

class PullWatch {
 public:
  // `force_unit`: of a newton at the handle: 1, or the pad's lever in m.
  explicit PullWatch(double force_unit) : unit_(force_unit) {}
  void feed(std::uint64_t tick, const PullSample& sample);
  // At most the first ten are kept.
  [[nodiscard]] const std::vector<Violation>& violations() const { return violations_; }

 private:
  void report(std::uint64_t tick, const char* what, double value, double limit);
  void check_order(std::uint64_t tick, const PullSample& sample);
  void check_rise(std::uint64_t tick, const PullSample& sample);
  void check_felt(std::uint64_t tick, const PullSample& sample);
  void check_gone(std::uint64_t tick, const PullSample& sample);
  void check_slack(std::uint64_t tick, const PullSample& sample);

  double unit_;
  std::vector<Violation> violations_;
  struct Moment {
    double felt = 0.0, target = 0.0;
  };
  std::vector<Moment> window_;  // a ring
  std::size_t at_ = 0;
  double last_base_ = 0.0;
  int level_ticks_ = 0;
  double felt_sum_ = 0.0, target_sum_ = 0.0;
  int truthful_ticks_ = 0, taut_ticks_ = 0;
  int soft_ticks_ = 0, fast_ticks_ = 0, stopped_ticks_ = 0, slack_ticks_ = 0;
};

}  // namespace medius::sim
