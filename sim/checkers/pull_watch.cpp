#include "sim/checkers/pull_watch.hpp"

#include <cmath>

namespace medius::sim {
namespace {

constexpr double kRounding = 1e-6;
constexpr double kPretensionN = 20.0;  // the most that holds a cable taut before any load
// What a person feels over half a second: friction that the cell's tension does not show, the
// pulleys' and what the force loop has not yet taken back, and 2.6 kg that gain 0.4 m/s.
constexpr int kWindow = 500;
constexpr double kFeltShare = 0.10, kFeltN = 8.0;
constexpr double kKeptShare = 0.9;
// The force has gone when no more than slack tension and friction is left.
constexpr double kGoneN = 50.0;
// Of a drive that makes up to three times its order: the least that a person's face stands (ISO/TS
// 15066, quasi-static).
constexpr double kGoneOfMoreN = 65.0;
constexpr int kSoftTicks = 600;  // 500 ms of ramp, the reaction's ticks and the drive's lag
constexpr int kFastTicks = 150;  // 45 ms, and the drive's own time to let go
constexpr double kSlackTensionN = 5.0, kReelInMps = 0.32;
constexpr int kSlackTicks = 100;
// Longer than a stumble, or than the turn at which a ramp may pause.
constexpr int kLevelTicks = 1000;

}  // namespace

void PullWatch::feed(std::uint64_t tick, const PullSample& sample) {
  check_order(tick, sample);
  check_rise(tick, sample);
  check_felt(tick, sample);
  check_gone(tick, sample);
  check_slack(tick, sample);
}

void PullWatch::check_order(std::uint64_t tick, const PullSample& sample) {
  if (sample.base_load > sample.ordered_max + kRounding) {
    violations_.report(tick, "P1 the set's load against what was ordered", sample.base_load,
                       sample.ordered_max);
  }
  const double most = std::fmax(sample.ordered_max * sample.profile_ratio, kPretensionN * unit_);
  if (sample.profile_sound && sample.felt_target > most + kRounding) {
    violations_.report(tick, "P1 felt force against what was ordered", sample.felt_target, most);
  }
}

// A load that was raised waits for the bottom; once it has begun to rise there it may end higher
// up.
void PullWatch::check_rise(std::uint64_t tick, const PullSample& sample) {
  const bool rises = sample.base_load > last_base_ + kRounding;
  if (rises && level_ticks_ > kLevelTicks && sample.high && sample.told_truth) {
    violations_.report(tick, "P6 the load begins to rise in the upper half", sample.base_load,
                       last_base_);
  }
  level_ticks_ = rises || sample.base_load <= 0.0 ? 0 : level_ticks_ + 1;
  last_base_ = sample.base_load;
}

// On the average of half a second: what starts and stops a leg is not the machine's.
void PullWatch::check_felt(std::uint64_t tick, const PullSample& sample) {
  window_.resize(kWindow);
  felt_sum_ += sample.handle_force - window_[at_].felt;
  target_sum_ += sample.felt_target - window_[at_].target;
  window_[at_] = {sample.handle_force, sample.felt_target};
  at_ = (at_ + 1) % kWindow;
  const bool truthful =
      sample.held && sample.told_truth && sample.obeyed && sample.smooth && sample.reaction < 2;
  truthful_ticks_ = truthful ? truthful_ticks_ + 1 : 0;
  taut_ticks_ = truthful && sample.faultless && !sample.slack_said ? taut_ticks_ + 1 : 0;
  const double felt = felt_sum_ / kWindow, target = target_sum_ / kWindow;
  const double most = std::fmax(target, kPretensionN * unit_) * (1.0 + kFeltShare) + kFeltN * unit_;
  // A leg that shoots out of a load that is taken away feels the machine's own mass and friction.
  const bool kept = sample.base_load > 0.0 && sample.felt_target > kKeptShare * target;
  if (truthful_ticks_ > kWindow && kept && felt > most) {
    violations_.report(tick, "P2 felt over half a second", felt, most);
    truthful_ticks_ = 0;
  }
  const double least = target * (1.0 - kFeltShare) - kFeltN * unit_;
  if (taut_ticks_ > kWindow && felt < least) {
    violations_.report(tick, "P2 less felt over half a second, missing", least - felt, 0.0);
    taut_ticks_ = 0;
  }
}

void PullWatch::check_gone(std::uint64_t tick, const PullSample& sample) {
  soft_ticks_ = sample.reaction >= 2 ? soft_ticks_ + 1 : 0;
  fast_ticks_ = sample.reaction >= 3 ? fast_ticks_ + 1 : 0;
  stopped_ticks_ = sample.stopped ? stopped_ticks_ + 1 : 0;
  const int fast = sample.obeyed ? kFastTicks : kSoftTicks;
  const double most = (sample.makes_more ? kGoneOfMoreN : kGoneN) * unit_;
  if ((soft_ticks_ >= kSoftTicks || fast_ticks_ >= fast) && sample.motor_force > most) {
    violations_.report(tick, "P3 the drive still pulls after the reaction", sample.motor_force,
                       most);
    soft_ticks_ = fast_ticks_ = 0;
  }
  if (stopped_ticks_ == kSoftTicks && sample.obeyed && sample.motor_force > most) {
    violations_.report(tick, "P4 the drive still pulls after a stop", sample.motor_force, most);
  }
}

// Without tension on it the drum may run no faster than the slack servo, beyond the hand's own way
// in.
void PullWatch::check_slack(std::uint64_t tick, const PullSample& sample) {
  const bool slack = !sample.cable_whole || sample.handle_force < kSlackTensionN * unit_;
  // A drum whose drive is off coasts; the rest of a broken cable that rubs somewhere has tension.
  const bool minded = sample.powered && sample.reaction < 3 && sample.obeyed;
  slack_ticks_ = slack && minded && sample.told_truth && sample.smooth ? slack_ticks_ + 1 : 0;
  const double hand = sample.cable_whole ? std::fmax(-sample.handle_mps, 0.0) : 0.0;
  const double reeled = -sample.reel_mps - (sample.held ? hand : 0.0);
  if (slack_ticks_ > kSlackTicks && reeled > kReelInMps) {
    violations_.report(tick, "P5 reel-in of a slack cable, m/s", reeled, kReelInMps);
    slack_ticks_ = 0;
  }
}

}  // namespace medius::sim
