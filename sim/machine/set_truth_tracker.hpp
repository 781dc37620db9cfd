// Truth of a set from noise-free motion of the cuff ring or of a pad, by the definitions at
// SetTruth.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "sim/machine/simulated_station.hpp"

namespace medius::sim {

class SetTruthTracker {
 public:
  SetTruthTracker() { sets_.reserve(64); }

  // `planned_reps`: a stroke out after that many repetitions is not the set's any more; 0 = no
  // plan.
  void begin(int side, int planned_reps, int number = 0);
  // After a pause: so many repetitions are still to come.
  void resume(int planned_reps);
  // A hold at a handle that stands still has ended: a repetition without a stroke.
  void take_hold(double seconds);
  void step(double time_s, double position_m);  // once a tick
  void step(const CableTruth& truth) { step(truth.time_s, truth.ring_position_m); }
  void end();  // closes the stroke under way; without a set nothing happens
  [[nodiscard]] bool still() const noexcept { return interval_.direction == 0; }
  // A stroke out whose way back is still to come.
  [[nodiscard]] bool under_way() const noexcept { return out_.direction != 0 && !counted_; }
  [[nodiscard]] bool active() const noexcept { return active_; }
  [[nodiscard]] const std::vector<SetTruth>& sets() const noexcept { return sets_; }

 private:
  struct Stroke {
    int direction = 0;  // +1 out, -1 back
    double start_s = 0.0, end_s = 0.0;
    double start_m = 0.0, end_m = 0.0;
  };

  // Centred mean over one period of the 9 Hz tremor; its ends are 111 ms apart.
  static constexpr std::size_t kWindow = 112;
  struct Motion {
    double time_s = 0.0, position_m = 0.0, velocity_mps = 0.0;
  };

  [[nodiscard]] bool centred(double time_s, double position_m, Motion& motion);
  void close_interval();
  void take_stroke(const Stroke& part);
  void complete_rep();

  std::vector<SetTruth> sets_;
  std::array<Motion, kWindow> window_{};
  std::size_t window_next_ = 0, window_filled_ = 0;
  bool active_ = false;
  int planned_reps_ = 0;
  Stroke interval_;    // motion under way; direction 0 = none
  Stroke out_, back_;  // of the repetition under way
  int last_direction_ = 0;
  bool bounced_ = false;    // the repetition under way turned back before it was down
  bool counted_ = false;    // the repetition under way is in the list already
  bool undecided_ = false;  // ... or among the undecided ones
  double position_m_ = 0.0;
  double still_s_ = 0.0;                     // slower than moving for so long
  double lowest_m_ = 0.0, highest_m_ = 0.0;  // since the last stroke back
  double valley_m_ = 0.0, peak_m_ = 0.0;     // of the repetition under way
};

}  // namespace medius::sim
