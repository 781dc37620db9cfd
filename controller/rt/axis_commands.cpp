// What control may ask of an axis, and when the loop refuses.
#include "controller/base/clamp.hpp"
#include "controller/rt/axis_loop.hpp"

namespace medius::rt {

using safety::FaultCode;
using safety::LoadState;

void AxisLoop::take(const Command& command, LoopState& loop) noexcept {
  double accepted = command.value;
  const FaultCode refusal = carry_out(command, loop, accepted);
  Event event;
  event.kind = refusal == FaultCode::kNone ? EventKind::kCommandTaken : EventKind::kCommandRefused;
  event.axis = axis_;
  event.tick = loop.tick.index;
  event.command_id = command.command_id;
  event.fault = refusal;
  event.value = accepted;
  if (refusal != FaultCode::kNone) event.profile = command.profile;
  outbox_->push(event);
  if (command.kind == CommandKind::kStartSet && refusal == FaultCode::kNone) {
    emit(loop, EventKind::kSetStarted, command.command_id, command.value);
  }
}

FaultCode AxisLoop::carry_out(const Command& command, LoopState& loop, double& accepted) noexcept {
  if (!is_finite(command.value) || !is_finite(command.value2)) {
    accepted = 0.0;
    return FaultCode::kCommandInvalid;
  }
  switch (command.kind) {
    case CommandKind::kEnable:
      return enable(loop);
    case CommandKind::kDisable:
      disable();
      return FaultCode::kNone;
    case CommandKind::kTakeUp:
      return start_take_up(command, loop);
    case CommandKind::kStartSet:
      return start_set(command, loop);
    case CommandKind::kEngage:
      accepted = set_.requested;
      return engage(command, loop);
    case CommandKind::kSetLoad:
      return set_load(command);
    case CommandKind::kSetParameter:
      return set_parameter(command);
    case CommandKind::kFreezeIncreases:
      increases_frozen_ = command.value > 0.5;
      return FaultCode::kNone;
    case CommandKind::kUnload:
      unload();
      if (load_state_ != LoadState::kUnloading) emit(loop, EventKind::kUnloaded, 0, felt_force_);
      return FaultCode::kNone;
    case CommandKind::kEndSet:
      return end_set();
    case CommandKind::kSetUserLimits:
      return set_user_limits(command);
    case CommandKind::kSetHold:
      if (!(command.value >= 0.0) || set_.serial != 0) return FaultCode::kCommandInvalid;
      next_hold_s_ = command.value;
      return FaultCode::kNone;
    case CommandKind::kNone:
      break;
  }
  return FaultCode::kCommandInvalid;
}

// Why force may not be asked for now: what is latched, or is present.
FaultCode AxisLoop::blocked(const LoopState& loop) const noexcept {
  if (loop.reaction < safety::Reaction::kSoftUnload) return FaultCode::kNone;
  // Power-up is latched without a cause.
  return loop.fault != FaultCode::kNone ? loop.fault : FaultCode::kCommandInvalid;
}

FaultCode AxisLoop::enable(const LoopState& loop) noexcept {
  if (const FaultCode fault = blocked(loop); fault != FaultCode::kNone) return fault;
  enabled_ = true;
  clear_drive_fault_ = true;
  off_when_unloaded_ = false;
  return FaultCode::kNone;
}

void AxisLoop::disable() noexcept {
  if (load_state_ == LoadState::kLoaded || load_state_ == LoadState::kUnloading) {
    unload();
    off_when_unloaded_ = true;
    return;
  }
  load_state_ = LoadState::kOff;
  enabled_ = false;
}

FaultCode AxisLoop::start_take_up(const Command& command, const LoopState& loop) noexcept {
  if (const FaultCode fault = blocked(loop); fault != FaultCode::kNone) return fault;
  if (!(command.value >= 0.0 && command.value <= config_.bounds.pretension_max)) {
    return FaultCode::kCommandInvalid;
  }
  if (load_state_ != LoadState::kOff && load_state_ != LoadState::kTakeUp) {
    return FaultCode::kCommandInvalid;
  }
  if (!enabled_) return FaultCode::kDriveNotEnabled;
  const FaultCode fault = safety::force_blocked_by(config_.bounds, supervise_input(loop));
  if (fault != FaultCode::kNone) return fault;
  pretension_ = command.value;
  load_state_ = LoadState::kTakeUp;
  return FaultCode::kNone;
}

bool AxisLoop::acceptable_load(double load) const noexcept {
  return load >= 0.0 && load <= user_.force_max && load <= config_.bounds.force_max;
}

FaultCode AxisLoop::start_set(const Command& command, LoopState& loop) noexcept {
  if (const FaultCode fault = blocked(loop); fault != FaultCode::kNone) return fault;
  const bool ready = load_state_ == LoadState::kTakeUp && set_.serial == 0 && retiring_ == nullptr;
  if (!ready || command.profile == nullptr || !acceptable_load(command.value) ||
      !(command.value2 >= 0.0)) {
    return FaultCode::kCommandInvalid;
  }
  if (const FaultCode fault = reset_profile(*command.profile); fault != FaultCode::kNone) {
    return fault;
  }
  if (++loop.sets_started == 0) ++loop.sets_started;
  set_ = SetState{};
  set_.profile = command.profile;
  set_.motion = command.profile->commands_motion();
  hold_config_.hold_s = next_hold_s_;
  holds_ = measure::HoldCounterState{};
  next_hold_s_ = 0.0;
  servo_integral_ = 0.0;
  motion_limits_ = safety::MotionState{};
  motion_start_ = motion_.position;
  set_.serial = loop.sets_started;
  set_.requested = command.value;
  gate_ = safety::LoadGateState{};
  control_.oscillation = OscillationState{};
  tracker_.start_set(config_.tracker, command.value2);
  wish_watch_ = diagnosis::WishWatchState{};
  return FaultCode::kNone;
}

// A profile that does not survive its reset never gets as far as a set.
FaultCode AxisLoop::reset_profile(ProfileInstance& profile) noexcept {
  if (guard_ == nullptr) {
    profile.reset();
    return FaultCode::kNone;
  }
  return fault_of(guard_->reset(profile));
}

FaultCode AxisLoop::engage(const Command& command, const LoopState& loop) noexcept {
  if (const FaultCode fault = blocked(loop); fault != FaultCode::kNone) return fault;
  if (set_.serial == 0 || load_state_ != LoadState::kTakeUp || increases_frozen_) {
    return FaultCode::kCommandInvalid;
  }
  if (set_.profile_fault != FaultCode::kNone) return set_.profile_fault;
  // The base load takes over from the tension that is already there: no dip, no jump.
  gate_.applied = at_most(felt_force_, set_.requested);
  gate_.requested = gate_.applied;
  gate_.target = gate_.applied;
  set_.engage_id = command.command_id;
  load_state_ = LoadState::kLoaded;
  return FaultCode::kNone;
}

FaultCode AxisLoop::set_load(const Command& command) noexcept {
  if (set_.serial == 0 || !acceptable_load(command.value)) return FaultCode::kCommandInvalid;
  if (increases_frozen_ && command.value > set_.requested) return FaultCode::kCommandInvalid;
  set_.requested = command.value;
  set_.load_id = command.command_id;
  return FaultCode::kNone;
}

FaultCode AxisLoop::set_user_limits(const Command& command) noexcept {
  if (!(command.value >= 0.0) || !(command.value2 >= 0.0)) return FaultCode::kCommandInvalid;
  user_.force_max = at_most(command.value, config_.bounds.force_max);
  user_.eccentric_ratio_max = at_most(command.value2, config_.bounds.eccentric_ratio_max);
  user_copy_.take(user_);
  set_.requested = at_most(set_.requested, user_.force_max);
  return FaultCode::kNone;
}

FaultCode AxisLoop::set_parameter(const Command& command) noexcept {
  if (set_.profile == nullptr) return FaultCode::kCommandInvalid;
  if (set_.profile_fault != FaultCode::kNone) return set_.profile_fault;
  return set_.profile->queue_parameter(command.parameter_id, command.value)
             ? FaultCode::kNone
             : FaultCode::kCommandInvalid;
}

void AxisLoop::unload() noexcept {
  if (load_state_ != LoadState::kLoaded) return;
  load_state_ = LoadState::kUnloading;
  unloading_ticks_ = 0;
}

FaultCode AxisLoop::end_set() noexcept {
  if (set_.serial == 0 || load_state_ == LoadState::kLoaded) return FaultCode::kCommandInvalid;
  tracker_.end_set();
  retiring_ = set_.profile;
  retiring_fault_ = set_.profile_fault;
  set_ = SetState{};
  gate_ = safety::LoadGateState{};
  retire_profile();
  return FaultCode::kNone;
}

}  // namespace medius::rt
