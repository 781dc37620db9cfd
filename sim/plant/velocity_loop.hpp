// A drive's own velocity loop: PI over the moving mass, every plant step, between two torque
// limits. Set points arrive late as forces do; the loop itself knows no bus delay. Speeds and
// forces are a cable's; of a lever arm they are rad/s and Nm.
#pragma once

#include <array>
#include <cstdint>

#include "controller/base/clamp.hpp"
#include "controller/base/trace_hash.hpp"

namespace medius::sim {

// What a drive in velocity mode is told.
struct VelocityCommand {
  double velocity_mps = 0.0;  // > 0 outward
  double pull_max_n = 0.0;    // most inward force
  double brake_max_n = 0.0;   // most outward force
};

// A servo of this size is tuned to 40-60 Hz with an integral time of about 10 ms (assumption).
struct VelocityLoopConfig {
  double loop_radps = 300.0;
  double integral_radps = 100.0;
};

class VelocityLoop {
 public:
  VelocityLoop(const VelocityLoopConfig& config, double mass) noexcept
      : gain_(mass * config.loop_radps), integral_gain_(gain_ * config.integral_radps) {}

  [[nodiscard]] bool on() const noexcept { return on_; }
  void off() noexcept { on_ = false; }
  // From `force_n` that the motor makes now: no jump when the mode changes.
  void command(const VelocityCommand& command, double force_n) noexcept {
    if (!on_) {
      sent_.fill(command);
      integral_n_ = force_n;
    }
    on_ = true;
    command_ = command;
  }
  // One plant step; returns the force wanted of the motor, > 0 inward.
  double step(std::uint32_t slot, std::uint32_t dead_steps, double velocity_mps,
              double dt_s) noexcept {
    sent_[slot % kSlots] = command_;
    const VelocityCommand& wanted = sent_[(slot - dead_steps) % kSlots];
    const double error = velocity_mps - wanted.velocity_mps;
    // What cannot act must not wind up.
    integral_n_ = clamped(integral_n_ + integral_gain_ * error * dt_s, -wanted.brake_max_n,
                          wanted.pull_max_n);
    return clamped(gain_ * error + integral_n_, -wanted.brake_max_n, wanted.pull_max_n);
  }
  void add_to(TraceHash& hash) const noexcept {
    if (!on_) return;
    hash.add(integral_n_);
    for (const VelocityCommand& sent : sent_) hash.add(sent.velocity_mps);
  }

 private:
  static constexpr std::uint32_t kSlots = 256;  // as many as the plants delay a force by

  double gain_, integral_gain_;
  bool on_ = false;
  double integral_n_ = 0.0;
  VelocityCommand command_;
  std::array<VelocityCommand, kSlots> sent_{};
};

}  // namespace medius::sim
