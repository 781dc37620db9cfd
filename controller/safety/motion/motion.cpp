// The motion stage of the kernel: the only producer of a velocity set point.
#include "controller/safety/motion/motion.hpp"

#include <algorithm>

#include "controller/base/det_math.hpp"
#include "controller/safety/limits.hpp"

namespace medius::safety {

struct VelocityWordMaker {
  static VelocityWord make(double value) noexcept { return VelocityWord(value); }
};

namespace {

constexpr MotionBounds kCableMotion = {
    .outward_speed_max = 0.8,  // 60 deg/s of a hip at 0.8 m
    .inward_speed_max = 0.5,   // 36 deg/s there; well below the speed where the governor brakes
    .acceleration = 4.0,       // 0.2 s to the fastest set point
    .deceleration = 8.0,       // 0.5 m/s inward stop within 63 ms and 16 mm
    .travel_max = 1.2,         // twice the ankle's way from 0 to 45 degrees
    .taut_force = 20.0,        // above pretension and the friction of reeling in
    .slack_force = 8.0,        // below it a cuff hangs
};

constexpr MotionBounds kLeverMotion = {
    .outward_speed_max = kCableMotion.outward_speed_max / kPadLeverM,
    .inward_speed_max = kCableMotion.inward_speed_max / kPadLeverM,
    .acceleration = kCableMotion.acceleration / kPadLeverM,
    .deceleration = kCableMotion.deceleration / kPadLeverM,
    .travel_max = 1.05,  // 60 degrees: more than between the hard stops
    .taut_force = kCableMotion.taut_force * kPadLeverM,
    .slack_force = kCableMotion.slack_force * kPadLeverM,
};

constexpr double kSoftUnloadS = 0.4;  // as stage 1: R2 has 500 ms to the cuff
constexpr int kHeldTicks = 50;        // tension must stay back for so long after a release
// The drive does not obey: that much faster inward than its set point, for so long. A loop of 48 Hz
// settles within a third of it.
constexpr int kRunawayTicks = 30;
// A force that is being taken away starts from what is felt and a little more, not from a ceiling.
constexpr double kUnloadMarginOverSlack = 2.5;

struct Moving {
  double dt_s, ceiling, pretension;
  bool unloading, trusted;
};

// Somebody pulls, or nobody does: decided by the load cell alone, with a wide hysteresis.
void track_tension(const AxisBounds& bounds, const MotionBounds& motion, const MotionInput& input,
                   const Moving& now, MotionState& state) noexcept {
  const double slack = clamped(input.wish_force_min, motion.slack_force, motion.taut_force);
  const double taut = at_least(motion.taut_force, 1.5 * now.pretension);
  if (!state.taut && input.measured_force > taut && input.load_state == LoadState::kLoaded) {
    state.taut = true;
    state.slack_ticks = 0;
    // Bumpless: the set point goes on from the speed that is there.
    state.velocity = clamped(input.velocity, 0.0, motion.outward_speed_max);
  }
  const bool slack_now = input.measured_force < slack;
  const bool pulled_in = state.velocity < -bound(bounds.slack_speed);
  state.slack_ticks = slack_now ? state.slack_ticks + 1 : 0;
  if (state.taut && state.slack_ticks >= bounds.release_confirm_ticks) {
    state.released = state.released || pulled_in;
    state.taut = false;
    state.velocity = at_least(state.velocity, 0.0);
  }
  state.held_ticks = slack_now ? 0 : std::min(state.held_ticks + 1, kHeldTicks);
  if (state.held_ticks >= kHeldTicks) state.released = false;
}

// Where the set point goes.
double target_velocity(const AxisBounds& bounds, const MotionBounds& motion,
                       const MotionInput& input, const Moving& now, MotionState& state) noexcept {
  const bool pulled_in = state.taut && state.velocity < 0.0;
  state.dead_man_lost = (state.dead_man_lost && input.load_state != LoadState::kTakeUp) ||
                        (pulled_in && !input.dead_man_held && !now.unloading);
  if (!now.trusted) return 0.0;
  if (!state.taut) {
    // Against somebody whose force is being taken away nothing is reeled in.
    return now.unloading && state.ceiling > now.pretension ? 0.0 : -bound(bounds.slack_speed);
  }
  if (now.unloading || !input.wish_valid || state.dead_man_lost) return 0.0;
  // What is left of the way, at a speed from which it can still be stopped.
  const double out = at_least(input.start + motion.travel_max - input.position, 0.0);
  const double in = at_least(input.position - input.start, 0.0);
  double lowest = -at_most(motion.inward_speed_max, det::sqrt(2.0 * motion.deceleration * in));
  if (!input.dead_man_held || !(input.measured_force <= now.ceiling)) lowest = 0.0;
  const double highest =
      at_most(motion.outward_speed_max, det::sqrt(2.0 * motion.deceleration * out));
  return clamped(finite_or_zero(input.wish_velocity), lowest, highest);
}

// The torque granted; it grows at once, because what the drive makes of it is what the person
// pulls.
void grant_force(const AxisBounds& bounds, const MotionBounds& motion, const MotionInput& input,
                 const Moving& now, MotionState& state) noexcept {
  const double force =
      input.reaction >= Reaction::kFastUnload || !now.trusted ? 0.0 : now.pretension;
  if (!now.unloading) {
    state.unload_rate = 0.0;
    state.ceiling = state.taut ? now.ceiling : now.pretension;
    return;
  }
  if (now.trusted) {
    const double felt = at_least(input.measured_force, 0.0);
    state.ceiling = at_most(state.ceiling, felt + kUnloadMarginOverSlack * motion.slack_force);
  }
  if (!(state.unload_rate > 0.0)) {
    state.unload_rate = at_least(state.ceiling - force, motion.taut_force) / kSoftUnloadS;
  }
  const double fast = bound(bounds.felt_fall_per_s) * kFastUnloadOverFall;
  const double rate = force > 0.0 ? state.unload_rate : fast;
  state.ceiling = at_least(state.ceiling - rate * now.dt_s, at_most(force, state.ceiling));
  if (!(state.ceiling > now.pretension)) state.taut = false;
}

FaultCode motion_fault(const AxisBounds& bounds, const MotionInput& input, const Moving& now,
                       bool fresh, MotionState& state) noexcept {
  if (!fresh) return FaultCode::kDataStale;
  if (!now.trusted) return FaultCode::kNotFinite;
  const double allowed = at_least(-state.velocity, bound(bounds.slack_speed));
  const bool runs_in = input.velocity < -(allowed + bound(bounds.release_speed));
  state.runaway_ticks = runs_in ? state.runaway_ticks + 1 : 0;
  if (input.velocity < -bound(bounds.overspeed_trip) || state.runaway_ticks >= kRunawayTicks) {
    return FaultCode::kOverspeed;
  }
  if (state.released) return FaultCode::kHandleReleased;
  return state.dead_man_lost ? FaultCode::kDeadManReleased : FaultCode::kNone;
}

}  // namespace

MotionBounds motion_bounds(hal::CoordinateKind kind) noexcept {
  return kind == hal::CoordinateKind::kCable ? kCableMotion : kLeverMotion;
}

TorqueState torque_after_motion(const AxisBounds& bounds, double force) noexcept {
  return {.word = clamped(finite_or_zero(force), 0.0, bound(bounds.pretension_max))};
}

MotionOutput limit_motion(const AxisBounds& bounds, const MotionBounds& motion,
                          const UserLimits& user, const MotionInput& input,
                          MotionState& state) noexcept {
  MotionOutput out;
  if (input.load_state == LoadState::kOff || input.reaction >= Reaction::kTorqueOff) {
    state = MotionState{};
    return out;
  }
  const bool fresh = within(input.drive_age_ns, bounds.unload_age_ns) &&
                     within(input.load_cell_age_ns, bounds.unload_age_ns);
  // A sum is finite only if all its terms are.
  const bool finite =
      is_finite(input.position + input.velocity + input.measured_force + input.start);
  Moving now{};
  now.dt_s = step_time(input.dt_s);
  now.trusted = fresh && finite;
  now.unloading = !now.trusted || input.reaction >= Reaction::kSoftUnload ||
                  input.load_state == LoadState::kUnloading;
  const double limit = smaller(bounds.force_max, user.force_max);
  now.ceiling = clamped(input.wish_force_max, 0.0, limit);
  now.pretension = clamped(input.pretension, 0.0, bound(bounds.pretension_max));
  if (now.trusted) track_tension(bounds, motion, input, now, state);

  double target = target_velocity(bounds, motion, input, now, state);
  if (input.reaction >= Reaction::kFreezeIncreases) {
    target = clamped(target, -absolute(state.velocity), absolute(state.velocity));
  }
  const bool faster = target * state.velocity >= 0.0 && absolute(target) > absolute(state.velocity);
  const double step = (faster ? motion.acceleration : motion.deceleration) * now.dt_s;
  const double last =
      clamped(finite_or_zero(state.velocity), -motion.inward_speed_max, motion.outward_speed_max);
  state.velocity = clamped(target, last - step, last + step);
  if (state.velocity != target) out.limits |= kLimitSlew;
  grant_force(bounds, motion, input, now, state);
  if (state.taut && input.wish_valid && !(input.wish_force_max <= limit)) out.limits |= kLimitForce;
  out.fault = motion_fault(bounds, input, now, fresh, state);
  out.velocity = VelocityWordMaker::make(state.velocity);
  out.force_max = state.ceiling;
  // Outward torque brakes what runs in; it never pays out.
  out.brake_max = state.velocity > 0.0 ? 0.0 : bound(bounds.brake_force_max);
  return out;
}

}  // namespace medius::safety
