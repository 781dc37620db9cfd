// The kernel's motion stage: for laws that command motion, the speed set point of a drive in
// velocity mode and the torque within which the drive may hold it. A second, separate part of the
// kernel with a length of its own: the torque stages know nothing of it.
//
// What it guarantees, whatever is wished: while nobody pulls (the measured force is low) the drive
// reels in no faster than the slack speed and with no more than pretension; while somebody pulls it
// resists with at most the user's force; it pulls inward against somebody only while the dead-man
// switch is held, never beyond where the motion began, and not at all above the force ceiling.
#pragma once

#include <cstdint>

#include "controller/safety/kernel.hpp"

namespace medius::safety {

// Compiled-in bounds of motion; see motion_bounds(). The figures are those of the cable axis.
struct MotionBounds {
  double outward_speed_max = 0.0;  // 0.8 m/s
  double inward_speed_max = 0.0;   // 0.5 m/s, only with the dead-man
  double acceleration = 0.0;       // of the set point away from zero
  double deceleration = 0.0;       // ... and towards it
  double travel_max = 0.0;         // outward from where the motion began
  double taut_force = 0.0;         // measured force above which somebody pulls ...
  double slack_force = 0.0;        // ... and below which nobody does any more
};

// [any] The compiled-in bounds of a coordinate kind.
[[nodiscard]] MotionBounds motion_bounds(hal::CoordinateKind kind) noexcept;

// A speed set point. Only limit_motion() can make one that is not zero.
class VelocityWord {
 public:
  constexpr VelocityWord() noexcept = default;
  [[nodiscard]] constexpr double value() const noexcept { return value_; }

 private:
  friend struct VelocityWordMaker;
  constexpr explicit VelocityWord(double value) noexcept : value_(value) {}
  double value_ = 0.0;
};

struct MotionState {
  double velocity = 0.0;  // set point, > 0 outward
  double ceiling = 0.0;   // inward torque granted
  double unload_rate = 0.0;
  bool taut = false;      // somebody pulls
  bool released = false;  // let go while being pulled inward: kHandleReleased stands
  bool dead_man_lost = false;
  int slack_ticks = 0, held_ticks = 0, runaway_ticks = 0;
};

struct MotionInput {
  double wish_velocity = 0.0;   // untrusted
  double wish_force_max = 0.0;  // untrusted
  double wish_force_min = 0.0;  // untrusted; only ever raises the bounds' own slack force
  bool wish_valid = false;
  bool dead_man_held = false;  // of a fresh panel
  double pretension = 0.0;
  double position = 0.0, velocity = 0.0;  // > 0 outward
  double measured_force = 0.0;
  double start = 0.0;  // position where velocity mode was entered
  double dt_s = 0.0;
  LoadState load_state = LoadState::kOff;
  Reaction reaction = Reaction::kNone;
  std::int64_t drive_age_ns = INT64_MAX;
  std::int64_t load_cell_age_ns = INT64_MAX;
};

struct MotionOutput {
  VelocityWord velocity;
  double force_max = 0.0;  // inward torque the drive may make
  double brake_max = 0.0;  // outward torque, to brake what runs in
  std::uint32_t limits = 0;
  FaultCode fault = FaultCode::kNone;
};

// [rt] The motion stage: the only producer of a velocity set point.
MotionOutput limit_motion(const AxisBounds& bounds, const MotionBounds& motion,
                          const UserLimits& user, const MotionInput& input,
                          MotionState& state) noexcept;

// [rt] Stage 2's state as the drive goes back to torque mode: on from the force that is there.
[[nodiscard]] TorqueState torque_after_motion(const AxisBounds& bounds, double force) noexcept;

}  // namespace medius::safety
