#include "sim/machine/set_truth_tracker.hpp"

#include "controller/base/clamp.hpp"

namespace medius::sim {
namespace {

constexpr double kMovingMps = 0.02;      // slower is standing
constexpr double kPauseS = 0.1;          // slower for so long: the interval of motion has ended
constexpr double kLeastStrokeM = 0.012;  // as the counter's own least reversal
// Settling between repetitions, as the load eases off, is no stroke: less than this x the range of
// the repetition before.
constexpr double kSettlingFraction = 0.10;
constexpr double kLeastRepM = 0.03;
constexpr double kReturnedFraction = 0.6;
constexpr double kLeastRepFraction = 0.25;
constexpr double kStanceS = 0.6;
constexpr double kStanceCreepMps = 0.005;
constexpr double kStanceShiftM = 0.012;
constexpr double kMergeFraction = 0.5;  // turning back after less than this x the range: a bounce
constexpr double kPlantTickS = 1e-3;

}  // namespace

void SetTruthTracker::begin(int side, int planned_reps, int number) {
  end();
  SetTruth set;
  set.number = number;
  set.side = side;
  set.range_m.reserve(64);
  set.concentric_s.reserve(64);
  set.hold_s.reserve(64);
  set.eccentric_s.reserve(64);
  sets_.push_back(std::move(set));
  active_ = true;
  planned_reps_ = planned_reps;
  interval_ = out_ = back_ = Stroke{};
  last_direction_ = 0;
  bounced_ = false;
  counted_ = undecided_ = false;
  lowest_m_ = 1e9;
  highest_m_ = -1e9;
}

void SetTruthTracker::resume(int planned_reps) {
  if (sets_.empty()) return;
  active_ = true;
  planned_reps_ = sets_.back().reps + planned_reps;
}

void SetTruthTracker::take_hold(double seconds) {
  if (!active_) return;
  ++sets_.back().reps;
  sets_.back().hold_s.push_back(seconds);
}

void SetTruthTracker::end() {
  if (!active_) return;
  close_interval();
  active_ = false;
}

// The middle of the window, and the mean speed over it.
bool SetTruthTracker::centred(double time_s, double position_m, Motion& motion) {
  window_[window_next_] = {time_s, position_m, 0.0};
  const Motion& newest = window_[window_next_];
  window_next_ = (window_next_ + 1) % kWindow;
  window_filled_ = window_filled_ < kWindow ? window_filled_ + 1 : kWindow;
  if (window_filled_ < kWindow) return false;
  const Motion& oldest = window_[window_next_];
  motion = window_[(window_next_ + kWindow / 2) % kWindow];
  motion.velocity_mps = (newest.position_m - oldest.position_m) / (newest.time_s - oldest.time_s);
  return true;
}

void SetTruthTracker::step(double now_s, double now_m) {
  Motion motion;
  if (!centred(now_s, now_m, motion) || !active_) return;
  const double time_s = motion.time_s, position_m = motion.position_m;
  const double velocity_mps = motion.velocity_mps;
  position_m_ = position_m;
  // The bottom is where the ring last stood still; a drift of the stance is no range.
  still_s_ = absolute(velocity_mps) < kMovingMps ? still_s_ + kPlantTickS : 0.0;
  const bool stance = still_s_ > kStanceS && velocity_mps < kStanceCreepMps &&
                      position_m - lowest_m_ < kStanceShiftM;
  lowest_m_ = stance ? position_m : at_most(position_m, lowest_m_);
  highest_m_ = at_least(position_m, highest_m_);
  const int direction = velocity_mps > kMovingMps ? 1 : velocity_mps < -kMovingMps ? -1 : 0;
  if (interval_.direction != 0 && direction != interval_.direction &&
      (direction == -interval_.direction || time_s - interval_.end_s > kPauseS)) {
    close_interval();
  }
  if (direction == 0) return;
  if (interval_.direction == 0) interval_ = {direction, time_s, time_s, position_m, position_m};
  interval_.end_s = time_s;
  interval_.end_m = position_m;
}

void SetTruthTracker::close_interval() {
  const Stroke part = interval_;
  interval_ = Stroke{};
  const SetTruth& set = sets_.back();
  const double settling_m = set.range_m.empty() ? 0.0 : kSettlingFraction * set.range_m.back();
  if (part.direction == 0 ||
      absolute(part.end_m - part.start_m) < at_least(settling_m, kLeastStrokeM)) {
    return;
  }
  take_stroke(part);
}

void SetTruthTracker::take_stroke(const Stroke& part) {
  SetTruth& set = sets_.back();
  const bool turned = part.direction != last_direction_;
  if (turned && part.direction > 0 && planned_reps_ > 0 && set.reps >= planned_reps_) {
    active_ = false;  // the leg follows the load that goes out
    return;
  }
  if (turned) ++set.direction_changes;
  last_direction_ = part.direction;
  Stroke& stroke = part.direction > 0 ? out_ : back_;
  if (turned && part.direction > 0) {
    const double range_m = peak_m_ - valley_m_;
    const double dip_m = peak_m_ - part.start_m;
    // Not down yet, and out again by too little to be a repetition.
    const bool stopped = dip_m < kReturnedFraction * range_m &&
                         part.end_m - part.start_m < kLeastRepFraction * range_m;
    bounced_ = !counted_ && out_.direction != 0 && back_.direction != 0 &&
               (dip_m < kMergeFraction * range_m || stopped);
  }
  // Out again after a bounce, but not as high as before: the way back goes on.
  const bool lower = bounced_ && highest_m_ <= peak_m_;
  if (turned && !lower && !(bounced_ && part.direction > 0)) {
    stroke = part;
  } else if (!(lower && part.direction > 0)) {  // it only paused on the way
    stroke.end_s = part.end_s;
    stroke.end_m = part.end_m;
  }
  if (part.direction > 0) {
    if (turned && !bounced_) valley_m_ = lowest_m_;
    counted_ = counted_ && !turned;
    undecided_ = undecided_ && (!turned || bounced_);
    return;
  }
  if (turned) peak_m_ = bounced_ ? at_least(highest_m_, peak_m_) : highest_m_;
  complete_rep();
  // The next repetition's extremes are looked for from here.
  lowest_m_ = highest_m_ = position_m_;
}

void SetTruthTracker::complete_rep() {
  SetTruth& set = sets_.back();
  if (out_.direction == 0) return;
  const double range_m = peak_m_ - valley_m_;
  if (counted_) {  // a pause on the way back: the eccentric went on
    set.eccentric_s.back() = back_.end_s - back_.start_s;
    return;
  }
  const double missing_m = kReturnedFraction * range_m - (peak_m_ - back_.end_m);
  const bool undecided = missing_m > 0.0 && missing_m < kRangeAccuracyM;
  if (range_m < kLeastRepM || (missing_m > 0.0 && !undecided)) return;
  if (undecided != undecided_) set.undecided += undecided ? 1 : -1;
  undecided_ = undecided;
  if (undecided) return;
  ++set.reps;
  counted_ = true;
  set.range_m.push_back(range_m);
  set.concentric_s.push_back(out_.end_s - out_.start_s);
  set.hold_s.push_back(back_.start_s - out_.end_s);
  set.eccentric_s.push_back(back_.end_s - back_.start_s);
}

}  // namespace medius::sim
