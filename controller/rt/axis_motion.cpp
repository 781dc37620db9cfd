// What an axis does in a set whose profile commands motion: the drive goes over to its own velocity
// mode at rest, follows the kernel's set point there, and comes back at rest. A drive without such
// a mode gets a velocity servo in force mode, which is soft; see servo_compliance().
#include "controller/base/clamp.hpp"
#include "controller/rt/axis_loop.hpp"

namespace medius::rt {

using safety::FaultCode;
using safety::LoadState;

namespace {

constexpr std::uint32_t shown(std::int8_t mode) noexcept {
  return mode >= 0 && mode < 32 ? 1u << mode : 0u;
}

}  // namespace

// What the torque stages are told: while the drive regulates speed, or is about to, they hold
// pretension.
LoadState AxisLoop::torque_load_state() const noexcept {
  const bool moves = set_.motion && config_.drive_velocity_mode;
  return (moves || stage_ != DriveStage::kTorque) && load_state_ == LoadState::kLoaded
             ? LoadState::kTakeUp
             : load_state_;
}

std::uint32_t AxisLoop::modes_allowed() const noexcept {
  const bool changing = stage_ticks_ < kModeTicksMax;
  switch (stage_) {
    case DriveStage::kEntering:
      return changing ? safety::kTorqueModes | safety::kVelocityModes : safety::kVelocityModes;
    case DriveStage::kVelocity:
      return safety::kVelocityModes;
    case DriveStage::kLeaving:
      return changing ? safety::kTorqueModes | safety::kVelocityModes : safety::kTorqueModes;
    case DriveStage::kTorque:
      break;
  }
  return safety::kTorqueModes;
}

void AxisLoop::enter(DriveStage stage) noexcept {
  stage_ = stage;
  stage_ticks_ = 0;
}

// The drive's mode changes only while the handle rests, and a set point counts only once the drive
// shows the mode it is for.
void AxisLoop::advance_stage() noexcept {
  if (stage_ticks_ < kModeTicksMax) ++stage_ticks_;
  if (load_state_ == LoadState::kOff) {
    if (stage_ != DriveStage::kTorque) enter(DriveStage::kTorque);
    motion_limits_ = safety::MotionState{};
    return;
  }
  const std::uint32_t mode = shown(mode_display_);
  const bool rests = absolute(motion_.velocity) < config_.tracker.moving_velocity;
  const bool wanted =
      set_.motion && config_.drive_velocity_mode && load_state_ == LoadState::kLoaded;
  switch (stage_) {
    case DriveStage::kTorque:
      if (wanted && rests && tracked_.phase == measure::Phase::kRest) enter(DriveStage::kEntering);
      return;
    case DriveStage::kEntering:
      if (!wanted) {
        enter(DriveStage::kLeaving);
      } else if ((mode & safety::kVelocityModes) != 0) {
        enter(DriveStage::kVelocity);
        motion_limits_ = safety::MotionState{};
        motion_start_ = motion_.position;
      }
      return;
    case DriveStage::kVelocity:
      if (load_state_ == LoadState::kTakeUp && rests && !motion_limits_.released) {
        enter(DriveStage::kLeaving);
        torque_ = safety::torque_after_motion(config_.bounds, sensed_.drive_force);
        control_.primed = false;
      }
      return;
    case DriveStage::kLeaving:
      if ((mode & safety::kTorqueModes) != 0) enter(DriveStage::kTorque);
      return;
  }
}

safety::MotionOutput AxisLoop::limit_wished_motion(const LoopState& loop) noexcept {
  safety::MotionInput input;
  input.wish_velocity = wish_velocity_;
  input.wish_force_max = wish_force_max_;
  input.wish_force_min = wish_force_min_;
  input.wish_valid = wish_valid_ && set_.motion;
  input.dead_man_held = loop.panel_fresh && loop.machine->panel.dead_man_held;
  input.pretension = pretension_;
  input.position = motion_.position;
  input.velocity = motion_.velocity;
  input.measured_force = sensed_.tension;
  input.start = motion_start_;
  input.dt_s = kTickPeriodS;
  input.load_state = load_state_;
  input.reaction = loop.reaction;
  input.drive_age_ns = ages_.drive_ns;
  input.load_cell_age_ns = ages_.load_cell_ns;
  const safety::MotionOutput limited =
      safety::limit_motion(config_.bounds, motion_bounds_, user_, input, motion_limits_);
  limits_ |= limited.limits;
  velocity_target_ = limited.velocity.value();
  return limited;
}

safety::SuperviseOutput AxisLoop::command_velocity(const LoopState& loop,
                                                   hal::AxisOutput& output) noexcept {
  const safety::MotionOutput limited = limit_wished_motion(loop);
  output.mode = hal::DriveMode::kVelocity;
  output.velocity = limited.velocity.value();
  output.force = 0.0;
  output.force_limit = limited.force_max;
  output.brake_limit = limited.brake_max;
  output_force_ = sensed_.drive_force;  // what the observer's drive model goes on from
  return limited.fault == FaultCode::kNone ? safety::SuperviseOutput{}
                                           : safety::caused_by(limited.fault);
}

// The fallback: what a person should feel so that the handle keeps the kernel's set point.
safety::SuperviseOutput AxisLoop::servo_wish(const LoopState& loop) noexcept {
  const safety::MotionOutput limited = limit_wished_motion(loop);
  const double gain = kServoRadps * config_.control.reflected_mass;
  const double error = motion_.velocity - limited.velocity.value();
  servo_integral_ = clamped(servo_integral_ + gain * kServoIntegralRadps * error * kTickPeriodS,
                            0.0, limited.force_max);
  wish_ = clamped(gain * error + servo_integral_, 0.0, limited.force_max);
  return limited.fault == FaultCode::kNone ? safety::SuperviseOutput{}
                                           : safety::caused_by(limited.fault);
}

}  // namespace medius::rt
