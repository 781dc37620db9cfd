#include "sim/checkers/invariant_watch.hpp"

#include <cmath>

namespace medius::sim {
namespace {

constexpr double kBrakeN = 150.0;  // against the normal direction, only to brake
constexpr double kRiseN = 10.0;    // of the word, a tick
constexpr double kFreeN = 5.0;     // less tension than this is no user load
constexpr int kFreeTicks = 100;
// 100 ms until a drive that does not brake is found and switched off; from the 1.4 m/s of its own
// limit 2.6 kg then coast for 350 ms on 5 N and 10 N s/m of friction.
constexpr int kDisobeyedTicks = 500;
constexpr std::size_t kWindow = 250;
constexpr double kTickS = 1e-3;
constexpr double kEccentricMps = 1.5;  // no mode is faster
constexpr double kRounding = 1e-6;
// Friction and inertia that the word may add to what is felt.
constexpr double kCorrectionN = 20.0, kCorrectionShare = 0.4;
// Of the felt force, a tick: 500 N/s up, 4 N down unless something is wrong.
constexpr double kFeltRiseN = 0.5, kFeltFallN = 4.0;
constexpr double kFastFallN = 20.0;  // of the word, a tick, when something is badly wrong
constexpr double kSlackN = 30.5;     // slack tension and the end of its ramp
constexpr int kSoftTicks = 520;      // 500 ms and the ticks that a reaction may take
constexpr int kFastTicks = 2;
constexpr double kInwardMps = 0.08;  // the person goes back ...
constexpr int kSteadyTicks =
    1000;                          // a load that stands still for longer than a stumble has come in
constexpr int kInwardTicks = 150;  // ... for long enough that nobody can take it for a turn

}  // namespace

void InvariantWatch::feed(std::uint64_t tick, const InvariantSample& sample) {
  check_wire(tick, sample);
  check_latch(tick, sample);
  check_reaction(tick, sample);
}

void InvariantWatch::check_wire(std::uint64_t tick, const InvariantSample& sample) {
  const double unit = limits_.force_unit;
  const double word = sample.wire_force;
  if (!std::isfinite(word) || !std::isfinite(sample.felt_target)) {
    violations_.report(tick, "I13 the word is no number", word, 0.0);
    return;
  }
  const double felt_max = std::fmin(limits_.user_max, limits_.machine_max);
  if (sample.felt_target > felt_max + kRounding || sample.felt_target < 0.0) {
    violations_.report(tick, "I1 felt force", sample.felt_target, felt_max);
  }
  const double highest = std::fmin(
      sample.felt_target * (1.0 + kCorrectionShare) + kCorrectionN * unit, limits_.machine_max);
  // On its way down from a higher target the word may still be above it.
  if (word > highest + kRounding && word > last_wire_ + kRounding) {
    violations_.report(tick, "I1 torque word", word, highest);
  }
  if (word < -kBrakeN * unit - kRounding)
    violations_.report(tick, "I1 braking", -word, kBrakeN * unit);
  const double from = std::fmax(last_wire_, 0.0);
  if (word > from + kRiseN * unit + kRounding) {
    violations_.report(tick, "I2 rise of the word in a tick", word - from, kRiseN * unit);
  }
}

// What each reaction promises, and what is promised while there is none.
void InvariantWatch::check_reaction(std::uint64_t tick, const InvariantSample& sample) {
  const double unit = limits_.force_unit;
  const double felt = sample.felt_target;
  standing_ = (standing_ || sample.latched) && !sample.reset_pressed;
  if (standing_ && sample.reaction < 2) {
    violations_.report(tick, "I6 a latched fault is gone without a reset, reaction",
                       sample.reaction, 2);
    standing_ = false;
  }
  const double rise = felt - last_felt_;
  if (rise > kFeltRiseN * unit + kRounding) {
    violations_.report(tick, "I2 rise of the felt force in a tick", rise, kFeltRiseN * unit);
  }
  if (sample.reaction >= 1 && rise > kRounding) {
    violations_.report(tick, "I7 felt force rises although increases are frozen", rise, 0.0);
  }
  // A drive that is switched off loses slack tension at once.
  if (sample.reaction < 2 && last_felt_ > kSlackN * unit && -rise > kFeltFallN * unit + kRounding) {
    violations_.report(tick, "I2 fall of the felt force in a tick", -rise, kFeltFallN * unit);
  }
  soft_ticks_ = sample.reaction >= 2 ? soft_ticks_ + 1 : 0;
  if (soft_ticks_ == kSoftTicks && felt > kSlackN * unit) {
    violations_.report(tick, "I5 felt force 520 ms after a soft unload began", felt,
                       kSlackN * unit);
  }
  fast_ticks_ = sample.reaction >= 3 ? fast_ticks_ + 1 : 0;
  const double slow = std::fmax(last_wire_ - kFastFallN * unit, 0.0);
  if (fast_ticks_ > kFastTicks && sample.wire_force > slow + kRounding) {
    violations_.report(tick, "I5 torque word in a fast unload", sample.wire_force, slow);
  }
  inward_ticks_ = sample.handle_mps < -kInwardMps ? inward_ticks_ + 1 : 0;
  // While the load comes in for the first time the person may well sink.
  steady_ticks_ = sample.base_load <= 0.0          ? 0
                  : sample.base_load == last_base_ ? steady_ticks_ + 1
                  : steady_ticks_ > kSteadyTicks   ? steady_ticks_
                                                   : 0;
  if (steady_ticks_ > kSteadyTicks && inward_ticks_ > kInwardTicks &&
      sample.base_load > last_base_ + kRounding) {
    violations_.report(tick, "I7 the load rises on the way back", sample.base_load, last_base_);
  }
  last_felt_ = felt;
  last_base_ = sample.base_load;
  if (std::isfinite(sample.wire_force)) last_wire_ = sample.wire_force;
}

void InvariantWatch::check_latch(std::uint64_t tick, const InvariantSample& sample) {
  if (sample.latched && was_latched_ && sample.felt_target > latched_target_ + kRounding) {
    violations_.report(tick, "I6 felt force rises under a latched fault", sample.felt_target,
                       latched_target_);
  }
  was_latched_ = sample.latched;
  latched_target_ = sample.felt_target;
  off_ticks_ = sample.torque_off ? off_ticks_ + 1 : 0;
  if (off_ticks_ > 1 && sample.wire_force > kRounding) {
    violations_.report(tick, "I6 torque although it is off", sample.wire_force, 0.0);
  }
  if (off_ticks_ > 1 && sample.relay_held)
    violations_.report(tick, "I6 relay held although torque is off", 1, 0);
}

void InvariantWatch::feed_motion(std::uint64_t tick, const InvariantSample& sample) {
  const double inward = -sample.handle_mps;
  const double newtons = sample.handle_force / limits_.force_unit;
  free_ticks_ = !sample.held && sample.told_truth && newtons < kFreeN ? free_ticks_ + 1 : 0;
  if (!sample.held && inward > limits_.reel_in_max_mps) {
    violations_.report(tick, "I4 reel-in of a released handle, m/s", inward,
                       limits_.reel_in_max_mps);
  }
  // What a hand threw in and flies on by itself on a slack cable is not reeled in.
  const double reeled = std::fmin(inward, -sample.reel_mps);
  const int free_ticks = sample.obeyed ? kFreeTicks : kDisobeyedTicks;
  if (free_ticks_ > free_ticks && reeled > limits_.reel_in_free_mps) {
    violations_.report(tick, "I4 reel-in without user load, m/s", reeled, limits_.reel_in_free_mps);
  }
  const double power = newtons * inward;
  if (power > limits_.power_max_w)
    violations_.report(tick, "I3 power, W", power, limits_.power_max_w);
  // Where signals lie nobody knows that a drive makes more than its order.
  const double pull =
      sample.told_truth ? sample.felt_target : std::fmax(sample.felt_target, sample.motor_force);
  const double most = 1.2 * pull / limits_.force_unit * kEccentricMps;
  if (window_.size() < kWindow) window_.resize(kWindow);
  energy_j_ += (power - window_[at_].power_w) * kTickS;
  energy_most_j_ += (most - window_[at_].most_w) * kTickS;
  window_[at_] = {power, most};
  at_ = (at_ + 1) % kWindow;
  // Each moment by its own force: while a load is taken away the last 250 ms knew a higher one.
  const double allowed = std::fmax(limits_.energy_free_j, energy_most_j_);
  if (energy_j_ > allowed) violations_.report(tick, "I3 energy in 250 ms, J", energy_j_, allowed);
}

}  // namespace medius::sim
