#include "tests/station/fake_loop.hpp"

#include <algorithm>
#include <cmath>

namespace medius::station::test {

using rt::CommandKind;
using rt::EventKind;
using safety::FaultCode;
using safety::LoadState;

namespace {

constexpr double kRampPerTick = 0.06;   // 60 N/s
constexpr double kUnloadPerTick = 0.4;  // 200 N in 500 ms
constexpr double kRangeM = 0.4;

rt::Event event_of(EventKind kind) {
  rt::Event event;
  event.kind = kind;
  return event;
}

}  // namespace

void FakeLoop::push(rt::Event event) {
  event.tick = tick_;
  channels_.events.push(event);
}

int FakeLoop::count(CommandKind kind) const {
  return static_cast<int>(std::count_if(
      commands_.begin(), commands_.end(),
      [&](const Taken& taken) { return taken.command.kind == kind && !taken.refused; }));
}

void FakeLoop::latch(FaultCode code, safety::Reaction reaction) {
  fault_ = code;
  reaction_ = reaction;
  rt::Event event;
  event.kind = EventKind::kFault;
  event.fault = code;
  event.reaction = reaction;
  push(event);
  enabled_ = false;
  axis_.load_state = LoadState::kOff;
  axis_.force_target = axis_.load_applied = 0.0;
}

void FakeLoop::reset_panel() {
  fault_ = FaultCode::kNone;
  reaction_ = safety::Reaction::kNone;
  push(event_of(EventKind::kFaultCleared));
}

void FakeLoop::release_handle() {
  rt::Event event;
  event.kind = EventKind::kFault;
  event.fault = FaultCode::kHandleReleased;
  event.reaction = safety::Reaction::kSoftUnload;
  push(event);
  if (axis_.load_state == LoadState::kLoaded) axis_.load_state = LoadState::kUnloading;
}

void FakeLoop::take(const rt::Command& command) {
  double accepted = command.value;
  FaultCode refusal = carry_out(command, accepted);
  if (refuse == command.kind) {
    refuse.reset();
    refusal = FaultCode::kCommandInvalid;
  }
  rt::Event event;
  event.kind = refusal == FaultCode::kNone ? EventKind::kCommandTaken : EventKind::kCommandRefused;
  event.command_id = command.command_id;
  event.fault = refusal;
  event.value = accepted;
  push(event);
  last_command_id_ = command.command_id;
  commands_.push_back({command, tick_, refusal != FaultCode::kNone});
}

FaultCode FakeLoop::carry_out(const rt::Command& command, double& accepted) {
  if (refuse == command.kind) return FaultCode::kCommandInvalid;
  const bool blocked = reaction_ >= safety::Reaction::kSoftUnload;
  const FaultCode why = fault_ == FaultCode::kNone ? FaultCode::kCommandInvalid : fault_;
  switch (command.kind) {
    case CommandKind::kEnable:
      if (blocked) return why;
      enabled_ = true;
      return FaultCode::kNone;
    case CommandKind::kDisable:
      enabled_ = false;
      axis_.load_state = LoadState::kOff;
      axis_.force_target = 0.0;
      return FaultCode::kNone;
    case CommandKind::kTakeUp:
      if (blocked) return why;
      axis_.pretension = command.value;
      axis_.load_state = LoadState::kTakeUp;
      axis_.force_target = command.value;
      return FaultCode::kNone;
    case CommandKind::kStartSet:
      return blocked ? why : start_set(command);
    case CommandKind::kEngage:
      if (blocked) return why;
      if (profile_ == nullptr || axis_.load_state != LoadState::kTakeUp || axis_.increases_frozen) {
        return FaultCode::kCommandInvalid;
      }
      axis_.load_state = LoadState::kLoaded;
      axis_.load_applied = axis_.pretension;
      engage_id_ = command.command_id;
      accepted = axis_.load_requested;
      return FaultCode::kNone;
    case CommandKind::kSetLoad:
      if (profile_ == nullptr) return FaultCode::kCommandInvalid;
      if (axis_.increases_frozen && command.value > axis_.load_requested) {
        return FaultCode::kCommandInvalid;
      }
      axis_.load_requested = command.value;
      load_id_ = command.command_id;
      return FaultCode::kNone;
    case CommandKind::kSetParameter:
      return profile_ == nullptr ? FaultCode::kCommandInvalid : FaultCode::kNone;
    case CommandKind::kFreezeIncreases:
      axis_.increases_frozen = command.value > 0.5;
      return FaultCode::kNone;
    case CommandKind::kUnload:
      if (axis_.load_state == LoadState::kLoaded) axis_.load_state = LoadState::kUnloading;
      return FaultCode::kNone;
    case CommandKind::kEndSet:
      return end_set();
    case CommandKind::kSetUserLimits:
    case CommandKind::kSetHold:
      return FaultCode::kNone;
    case CommandKind::kNone:
      break;
  }
  return FaultCode::kCommandInvalid;
}

FaultCode FakeLoop::start_set(const rt::Command& command) {
  if (axis_.load_state != LoadState::kTakeUp || profile_ != nullptr) {
    return FaultCode::kCommandInvalid;
  }
  profile_ = command.profile;
  ++profiles_out_;
  axis_.set_serial = ++sets_;
  axis_.reps_counted = axis_.reps_partial = axis_.direction_changes = 0;
  axis_.load_requested = command.value;
  motion_ = reps_done_ = bottom_left_ = 0;
  load_id_ = 0;
  return FaultCode::kNone;
}

FaultCode FakeLoop::end_set() {
  if (profile_ == nullptr || axis_.load_state == LoadState::kLoaded) {
    return FaultCode::kCommandInvalid;
  }
  rt::Event retired = event_of(EventKind::kProfileRetired);
  retired.profile = profile_;
  push(retired);
  profile_ = nullptr;
  --profiles_out_;
  axis_.set_serial = 0;
  return FaultCode::kNone;
}

void FakeLoop::set_phase(measure::Phase phase) {
  if (phase == axis_.phase) return;
  axis_.phase = phase;
  rt::Event event;
  event.kind = EventKind::kPhaseChanged;
  event.phase = phase;
  push(event);
}

// An increase only at rest or at the bottom, a decrease at once.
void FakeLoop::gate_load() {
  if (axis_.load_state != LoadState::kLoaded) return;
  const bool at_bottom =
      axis_.phase == measure::Phase::kRest || axis_.phase == measure::Phase::kBottom;
  double& applied = axis_.load_applied;
  if (applied > axis_.load_requested) {
    applied = std::max(axis_.load_requested, applied - kRampPerTick);
  } else if (applied < axis_.load_requested && at_bottom && !axis_.increases_frozen) {
    applied = std::min(axis_.load_requested, applied + kRampPerTick);
  }
  axis_.force_target = applied;
  if (std::abs(applied - axis_.load_requested) > 1e-9) return;
  for (std::uint64_t* id : {&engage_id_, &load_id_}) {
    if (*id == 0) continue;
    rt::Event event;
    event.kind = EventKind::kLoadApplied;
    event.command_id = *id;
    event.value = applied;
    push(event);
    if (id == &load_id_) axis_.load_command_id = *id;
    axis_.load_applied_tick = tick_;
    *id = 0;
  }
}

void FakeLoop::unload_step() {
  if (axis_.load_state != LoadState::kUnloading || !unloads) return;
  axis_.force_target = std::max(axis_.pretension, axis_.force_target - kUnloadPerTick);
  set_phase(measure::Phase::kRest);
  if (axis_.force_target > axis_.pretension + 0.5) return;
  axis_.load_state = LoadState::kTakeUp;
  axis_.load_applied = 0.0;
  motion_ = 0;
  push(event_of(EventKind::kUnloaded));
}

void FakeLoop::close_rep() {
  ++reps_done_;
  bottom_left_ = bottom_ticks;
  ++axis_.reps_counted;
  rt::Event event;
  event.kind = EventKind::kRepClosed;
  event.rep.index = static_cast<std::uint32_t>(reps_done_);
  event.rep.start_tick = rep_start_;
  event.rep.peak_start_tick = rep_start_ + static_cast<std::uint64_t>(ticks_a_phase);
  event.rep.peak_end_tick = event.rep.peak_start_tick + static_cast<std::uint64_t>(hold_ticks);
  event.rep.end_tick = tick_;
  event.rep.peak_position = kRangeM;
  push(event);
  set_phase(measure::Phase::kBottom);
}

// Out in a straight line, a hold, back again; then at the bottom until the load is as ordered.
void FakeLoop::move() {
  axis_.velocity = moving_about && axis_.load_state == LoadState::kTakeUp ? 0.3 : 0.0;
  if (axis_.load_state != LoadState::kLoaded || !lifts) return;
  if (motion_ == 0) {
    const bool load_is_in = axis_.load_applied >= axis_.load_requested;
    if (!load_is_in || reps_done_ >= rep_limit || bottom_left_-- > 0) return;
    rep_start_ = tick_;
    ++axis_.direction_changes;
    set_phase(measure::Phase::kConcentric);
  }
  ++motion_;
  const double speed = kRangeM / ticks_a_phase;
  if (motion_ <= ticks_a_phase) {
    axis_.position_absolute = speed * motion_;
    axis_.velocity = speed * 1000.0;
  } else if (motion_ <= ticks_a_phase + hold_ticks) {
    set_phase(measure::Phase::kHold);
  } else {
    if (motion_ == ticks_a_phase + hold_ticks + 1) ++axis_.direction_changes;
    set_phase(measure::Phase::kEccentric);
    axis_.position_absolute = kRangeM - speed * (motion_ - ticks_a_phase - hold_ticks);
    axis_.velocity = -speed * 1000.0;
    if (motion_ == 2 * ticks_a_phase + hold_ticks) {
      motion_ = 0;
      close_rep();
    }
  }
}

void FakeLoop::publish() {
  axis_.drive_state = enabled_ && drive_comes_up ? hal::DriveState::kOperationEnabled
                                                 : hal::DriveState::kSwitchOnDisabled;
  axis_.force_measured = cuff_on ? axis_.force_target : 0.0;
  rt::Status status;
  status.tick = tick_;
  status.last_command_id = last_command_id_;
  status.reaction = reaction_;
  status.fault = fault_;
  status.axis_count = 1;
  status.link_fresh = link_fresh;
  status.reset_pressed = reset_pressed;
  status.axis[0] = axis_;
  channels_.status.store(status);

  rt::SampleRecord sample;
  sample.tick = tick_;
  sample.position = axis_.position_absolute;
  sample.velocity = axis_.velocity;
  sample.force_measured = axis_.force_measured;
  sample.force_target = axis_.force_target;
  sample.phase = static_cast<std::uint8_t>(axis_.phase);
  sample.set_serial = axis_.set_serial;
  channels_.samples.push(sample);
}

void FakeLoop::tick() {
  if (!running) return;
  ++tick_;
  rt::Command command;
  for (int i = 0; takes_commands && i < 32 && channels_.commands.pop(command); ++i) take(command);
  gate_load();
  unload_step();
  move();
  publish();
}

}  // namespace medius::station::test
