// What may never happen, whatever fails: judged from what went out on the wire and from the plant's
// truth, with numbers and definitions of its own. One watch an axis.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/checkers/violations.hpp"

namespace medius::sim {

// The numbers a station promises, in the axis' unit (N | Nm); speeds at the handle in m/s.
struct InvariantLimits {
  double force_unit = 1.0;     // of a newton at the handle: 1, or the pad's lever in m
  double machine_max = 600.0;  // compiled in
  double user_max = 200.0;     // of this machine's users
  double reel_in_free_mps =
      0.32;                       // without user load, from 100 ms on: 0.3 and the encoder's ripple
  double reel_in_max_mps = 1.55;  // 1.5 and the overshoot of the drive's own limiter
  double power_max_w = 1500.0;
  double energy_free_j = 15.0;  // into whatever hangs on the cable, in any 250 ms
};

// One tick of one axis.
struct InvariantSample {
  double wire_force = 0.0;   // the torque word
  double felt_target = 0.0;  // what the controller says that the person should feel
  bool latched = false;      // a fault waits for the panel's reset
  bool torque_off = false;   // the gravest reaction: no torque, relay open
  bool relay_held = true;
  int reaction = 0;            // 0 none, 1 freeze, 2 soft unload, 3 fast unload, 4 torque off
  bool reset_pressed = false;  // by the panel's button, as the person did it
  double base_load = 0.0;      // what the controller says that the set's load is
  double motor_force = 0.0;    // truth: what the drive makes of its orders
  double handle_force = 0.0;   // truth: what pulls at the person
  double handle_mps = 0.0;     // truth: > 0 outward
  double reel_mps = 0.0;       // truth: of the drum or arm that pulls it, > 0 outward
  bool held = true;            // truth: a person holds it
  // False: its signals lie to the controller. Of a handle that is let go in that very moment only
  // the drive's own speed limit is left.
  bool told_truth = true;
  // False: the drive does as it likes. Whoever is let go of is then pulled until that is found and
  // the relay is open, and coasts.
  bool obeyed = true;
};

class InvariantWatch {
 public:
  explicit InvariantWatch(const InvariantLimits& limits) : limits_(limits) {}
  // A tick of the loop: what it says and what it orders.
  void feed(std::uint64_t tick, const InvariantSample& sample);
  // A millisecond of the machine, also one that the loop has missed: how it moves.
  void feed_motion(std::uint64_t tick, const InvariantSample& sample);
  [[nodiscard]] const std::vector<Violation>& violations() const { return violations_.found(); }

 private:
  void check_wire(std::uint64_t tick, const InvariantSample& sample);
  void check_latch(std::uint64_t tick, const InvariantSample& sample);
  void check_reaction(std::uint64_t tick, const InvariantSample& sample);

  InvariantLimits limits_;
  Violations violations_;
  double last_wire_ = 0.0;
  double latched_target_ = 0.0;
  bool was_latched_ = false;
  int free_ticks_ = 0;
  int off_ticks_ = 0;
  bool standing_ = false;  // a latched fault that nobody has reset
  double last_felt_ = 0.0, last_base_ = 0.0;
  int soft_ticks_ = 0, fast_ticks_ = 0, inward_ticks_ = 0, steady_ticks_ = 0;
  struct Power {
    double power_w = 0.0, most_w = 0.0;
  };
  std::vector<Power> window_;  // the last 250 ms, a ring
  std::size_t at_ = 0;
  double energy_j_ = 0.0, energy_most_j_ = 0.0;
};

}  // namespace medius::sim
