#include "sim/checkers/invariant_watch.hpp"

#include <cmath>
#include <cstdio>

namespace medius::sim {
namespace {

constexpr double kBrakeN = 150.0;  // against the normal direction, only to brake
constexpr double kRiseN = 10.0;    // of the word, a tick
constexpr double kFreeN = 5.0;     // less tension than this is no user load
constexpr int kFreeTicks = 100;
constexpr std::size_t kWindow = 250;
constexpr double kTickS = 1e-3;
constexpr double kEccentricMps = 1.5;  // no mode is faster
constexpr double kRounding = 1e-6;
// Friction and inertia that the word may add to what is felt.
constexpr double kCorrectionN = 20.0, kCorrectionShare = 0.4;
constexpr std::size_t kKept = 10;

}  // namespace

void InvariantWatch::report(std::uint64_t tick, const char* what, double value, double limit) {
  if (violations_.size() >= kKept) return;
  char text[160];
  std::snprintf(text, sizeof text, "%s: %.4g, at most %.4g", what, value, limit);
  violations_.push_back({tick, text});
}

void InvariantWatch::feed(std::uint64_t tick, const InvariantSample& sample) {
  check_wire(tick, sample);
  check_latch(tick, sample);
  check_motion(tick, sample);
}

void InvariantWatch::check_wire(std::uint64_t tick, const InvariantSample& sample) {
  const double unit = limits_.force_unit;
  const double word = sample.wire_force;
  if (!std::isfinite(word) || !std::isfinite(sample.felt_target)) {
    report(tick, "I13 the word is no number", word, 0.0);
    return;
  }
  const double felt_max = std::fmin(limits_.user_max, limits_.machine_max);
  if (sample.felt_target > felt_max + kRounding || sample.felt_target < 0.0) {
    report(tick, "I1 felt force", sample.felt_target, felt_max);
  }
  const double highest = std::fmin(
      sample.felt_target * (1.0 + kCorrectionShare) + kCorrectionN * unit, limits_.machine_max);
  // On its way down from a higher target the word may still be above it.
  if (word > highest + kRounding && word > last_wire_ + kRounding) {
    report(tick, "I1 torque word", word, highest);
  }
  if (word < -kBrakeN * unit - kRounding) report(tick, "I1 braking", -word, kBrakeN * unit);
  const double from = std::fmax(last_wire_, 0.0);
  if (word > from + kRiseN * unit + kRounding) {
    report(tick, "I2 rise of the word in a tick", word - from, kRiseN * unit);
  }
  last_wire_ = word;
}

void InvariantWatch::check_latch(std::uint64_t tick, const InvariantSample& sample) {
  if (sample.latched && was_latched_ && sample.felt_target > latched_target_ + kRounding) {
    report(tick, "I6 felt force rises under a latched fault", sample.felt_target, latched_target_);
  }
  was_latched_ = sample.latched;
  latched_target_ = sample.felt_target;
  off_ticks_ = sample.torque_off ? off_ticks_ + 1 : 0;
  if (off_ticks_ > 1 && sample.wire_force > kRounding) {
    report(tick, "I6 torque although it is off", sample.wire_force, 0.0);
  }
  if (off_ticks_ > 1 && sample.relay_held)
    report(tick, "I6 relay held although torque is off", 1, 0);
}

void InvariantWatch::check_motion(std::uint64_t tick, const InvariantSample& sample) {
  const double inward = -sample.handle_mps;
  const double newtons = sample.handle_force / limits_.force_unit;
  free_ticks_ = !sample.held && newtons < kFreeN ? free_ticks_ + 1 : 0;
  if (!sample.held && inward > limits_.reel_in_max_mps) {
    report(tick, "I4 reel-in of a released handle, m/s", inward, limits_.reel_in_max_mps);
  }
  if (free_ticks_ > kFreeTicks && inward > limits_.reel_in_free_mps) {
    report(tick, "I4 reel-in without user load, m/s", inward, limits_.reel_in_free_mps);
  }
  const double power = newtons * inward;
  if (power > limits_.power_max_w) report(tick, "I3 power, W", power, limits_.power_max_w);
  if (power_w_.size() < kWindow) power_w_.resize(kWindow, 0.0);
  energy_j_ += (power - power_w_[at_]) * kTickS;
  power_w_[at_] = power;
  at_ = (at_ + 1) % kWindow;
  const double target_n = sample.felt_target / limits_.force_unit;
  const double allowed = std::fmax(
      limits_.energy_free_j, 1.2 * std::fmax(target_n, newtons) * kEccentricMps * kWindow * kTickS);
  if (energy_j_ > allowed) report(tick, "I3 energy in 250 ms, J", energy_j_, allowed);
}

}  // namespace medius::sim
