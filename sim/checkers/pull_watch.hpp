// What truly pulls at a person, against what was ordered for them: judged each millisecond from the
// plant's truth, also where the loop has missed its ticks. One watch an axis.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/checkers/invariant_watch.hpp"

namespace medius::sim {

// One millisecond of one axis: what the first watch is told, and what was ordered and is broken.
struct PullSample : InvariantSample {
  double ordered_max = 0.0;    // the highest load accepted for this set
  double profile_ratio = 1.0;  // what its profile may make of it
  bool stopped = false;        // somebody's accepted stop takes the load away
  bool high = false;           // in the upper half of this set's strokes
  bool slack_said = false;  // the controller says that the cable was slack, and gives back by way
  bool cable_whole = true;
  bool profile_sound = true;  // false: it lies to the controller, or fails
  bool smooth = true;         // false: bearings rub
  bool powered = true;        // the relay is closed and somebody minds the drive
  bool makes_more = false;    // the drive makes a multiple of its order
  bool faultless = false;     // nothing has been broken at all
};

class PullWatch {
 public:
  // `force_unit`: of a newton at the handle: 1, or the pad's lever in m.
  explicit PullWatch(double force_unit) : unit_(force_unit) {}
  void feed(std::uint64_t tick, const PullSample& sample);
  [[nodiscard]] const std::vector<Violation>& violations() const { return violations_.found(); }

 private:
  void check_order(std::uint64_t tick, const PullSample& sample);
  void check_rise(std::uint64_t tick, const PullSample& sample);
  void check_felt(std::uint64_t tick, const PullSample& sample);
  void check_gone(std::uint64_t tick, const PullSample& sample);
  void check_slack(std::uint64_t tick, const PullSample& sample);

  double unit_;
  Violations violations_;
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
