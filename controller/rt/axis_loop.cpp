#include "controller/rt/axis_loop.hpp"

#include "controller/base/clamp.hpp"
#include "controller/safety/limits.hpp"

namespace medius::rt {

using safety::FaultCode;
using safety::LoadState;
using safety::Reaction;

namespace {

// Stage 1 needs at most 500 ms to slack tension (R2); the rest is for the last step of its ramp.
constexpr int kUnloadTicksMax = 550;
// Felt force counts as slack tension this close to it, N | Nm.
constexpr double kSlackTensionMargin = 0.5;
// Rounding in a profile's own filters is no fault; stage 1 clips it.
constexpr double kWishTolerance = 1.0;  // N | Nm
// What people see and phases are timed by comes from the position alone: where friction turns, the
// disturbance observer's speed is off by 3 (dd/dt) / (m w^2) = 0.013 m/s, which is 35 ms of a slow
// start. 200 rad/s follows an explosive start within 0.02 m/s; an encoder of 1 um leaves it quiet.
constexpr double kMotionRadps = 200.0;
constexpr double kAccelerationMax = 1000.0;  // m/s^2 | rad/s^2; beyond any handle's
constexpr double kHoldOver = 0.8;            // of the force that begins a hold; pretension is below
// Inward at more than 0.06 m/s while at the bottom: a leg that a raised load pulls in (0.13 m/s at
// 25 N a second); a stance that sways or creeps is slower.
constexpr double kYieldsOverMoving = 3.0;
constexpr double kLoadReached = 1e-6;  // N | Nm

// Friction that grows with the load: gear 3-5 % and two sheaves of 2 % each.
constexpr double kFrictionOverLoad = 0.10;
// No machine of ours is a thousand kilometres long: beyond this a value is as little a measurement
// as NaN is, and would overflow what is computed from it.
constexpr double kMeasurable = 1e6;

// Ten samples of a pelvis sensor: an older tilt says nothing of this moment.
constexpr std::int64_t kPelvisAgeNs = 100'000'000;

// Of a pad's torque; the cell's rail is 760 Nm.
std::int32_t milli(double torque_nm) noexcept {
  return static_cast<std::int32_t>(clamped(torque_nm, -2e6, 2e6) * 1e3);
}

double measured_or(double x, double last, bool& finite) noexcept {
  if (absolute(x) <= kMeasurable) return x;
  finite = false;
  return last;
}

}  // namespace

bool AxisLoop::Seen::update(const hal::Freshness& freshness) noexcept {
  if (!freshness.valid) return false;
  const bool fresh = !any || freshness.sequence != sequence || freshness.epoch != epoch;
  sequence = freshness.sequence;
  epoch = freshness.epoch;
  any = true;
  return fresh;
}

void AxisLoop::configure(const AxisConfig& config, std::uint8_t axis, Outbox& outbox,
                         ProfileGuard* guard) {
  config_ = config;
  motion_bounds_ = safety::motion_bounds(config.coordinate);
  hold_config_.pull_force = motion_bounds_.taut_force;
  hold_config_.slack_force = kHoldOver * motion_bounds_.taut_force;
  axis_ = axis;
  outbox_ = &outbox;
  guard_ = guard;
  signal_limits_ = diagnosis::signal_limits(config.coordinate);
  signal_limits_.bus_voltage_min_v = config.bus_voltage_min_v;
  signal_limits_.bus_voltage_max_v = config.bus_voltage_max_v;
  signal_limits_.temperature_max_c = config.temperature_max_c;
  const ForceControlConfig& control = config.control;
  drive_config_ = drive_model(control.dead_time_s, control.drive_lag_s, kTickPeriodS);
  // The disturbance cannot honestly exceed what the machine can pull.
  observer_config_ = observer_config(control.observer_radps, control.reflected_mass, kTickPeriodS,
                                     config.bounds.force_max);
  // A mass of 1 and no forces leave the motion alone: position, velocity, acceleration.
  motion_config_ = observer_config(kMotionRadps, 1.0, kTickPeriodS, kAccelerationMax);
  derivative_gain_ = low_pass_gain(control.derivative_filter_radps, kTickPeriodS);
  tracker_.start_set(config.tracker, 0.0);
  tracker_.end_set();
  config_copy_.take(config_);
  user_copy_.take(user_);
}

void AxisLoop::sense(const LoopState& loop) noexcept {
  const hal::MachineInput& machine = *loop.machine;
  const hal::AxisInput& input = machine.axis[axis_];
  ages_.drive_ns = hal::age_ns(loop.tick, input.drive.freshness);
  ages_.load_cell_ns = hal::age_ns(loop.tick, input.load_cell.freshness);
  ages_.panel_ns = hal::age_ns(loop.tick, machine.panel.freshness);
  ages_.safety_ns = hal::age_ns(loop.tick, machine.safety.freshness);

  sensed_.finite = true;
  sensed_.reconnected = drive_seen_.any && input.drive.freshness.epoch != drive_seen_.epoch;
  const double position = measured_or(input.drive.position, sensed_.position, sensed_.finite);
  const bool position_new = drive_seen_.update(input.drive.freshness) && sensed_.finite;
  sensed_.velocity = measured_or(input.drive.velocity, sensed_.velocity, sensed_.finite);
  sensed_.drive_force = measured_or(input.drive.force, sensed_.drive_force, sensed_.finite);
  // In velocity mode the drive's limit is the pull granted just now, and it is read slowly.
  if (stage_ == DriveStage::kTorque && stage_ticks_ >= kModeTicksMax) {
    sensed_.drive_force_limit = at_least(input.drive.force_limit, 0.0);
  }
  bool tension_finite = true;
  const double tension = measured_or(input.load_cell.force, sensed_.tension, tension_finite);
  const bool tension_new = load_cell_seen_.update(input.load_cell.freshness) && tension_finite;
  sensed_.finite = sensed_.finite && tension_finite;
  diagnose(loop, position, position_new, tension, tension_new);
  if (config_.linked_arms) diagnose_pads(input);
  drive_state_ = input.drive.state;
  mode_display_ = input.drive.mode_display;
  drive_active_ =
      input.drive.state == hal::DriveState::kOperationEnabled && !input.drive.sto_active;
  if (drive_state_ != hal::DriveState::kFault &&
      drive_state_ != hal::DriveState::kFaultReactionActive) {
    clear_drive_fault_ = false;
  }
}

// Holds what is not believed.
void AxisLoop::diagnose(const LoopState& loop, double position, bool position_new, double tension,
                        bool tension_new) noexcept {
  const hal::DriveInput& drive = loop.machine->axis[axis_].drive;
  diagnosis::SignalInput input;
  input.position = position;
  input.tension = tension;
  input.position_fresh = position_new;
  input.tension_fresh = tension_new;
  input.reconnected = sensed_.reconnected;
  input.missed_ticks = loop.tick.missed;
  input.velocity = motion_.velocity;
  input.drive_force = sensed_.drive_force;
  input.expected_force = drive_model_.force;
  input.bus_voltage_v = drive.bus_voltage_v;
  input.temperature_c = drive.temperature_c;
  input.load_state = load_state_;
  input.reaction = loop.reaction;
  input.dt_s = kTickPeriodS;
  input.slack = torque_.slack_servo;
  const diagnosis::SignalOutput checked = diagnosis::check_signals(signal_limits_, input, signals_);
  signal_cause_ = checked.cause;
  sensed_.position_fresh = checked.use_position;
  sensed_.tension_fresh = checked.use_tension;
  if (checked.use_position) sensed_.position = position;
  if (checked.use_tension) sensed_.tension = tension;
}

// What the sum of the pads hides. A number that cannot be is a fault of the sum already.
void AxisLoop::diagnose_pads(const hal::AxisInput& input) noexcept {
  diagnosis::PadInput pads;
  for (std::size_t pad = 0; pad < input.pad.size(); ++pad) {
    pads.force[pad] = input.pad[pad].force;
    pads.fresh[pad] =
        pad_seen_[pad].update(input.pad[pad].freshness) && is_finite(input.pad[pad].force);
  }
  pads.felt_force = felt_force_;
  pads.load_state = load_state_;
  const diagnosis::PadOutput checked = diagnosis::check_pads(signal_limits_, pads, pads_);
  one_leg_ = checked.one_leg;
  if (checked.cause.reaction > signal_cause_.reaction) signal_cause_ = checked.cause;
}

safety::SuperviseInput AxisLoop::supervise_input(const LoopState& loop) const noexcept {
  safety::SuperviseInput input;
  input.machine = loop.machine;
  input.axis = axis_;
  input.drive_age_ns = ages_.drive_ns;
  input.load_cell_age_ns = ages_.load_cell_ns;
  input.panel_age_ns = ages_.panel_ns;
  input.safety_age_ns = ages_.safety_ns;
  input.missed_ticks = loop.tick.missed;
  input.load_state = load_state_;
  // What accelerates the drive's own mass is no mismatch; at an explosive tempo it is 30 N.
  // In velocity mode nobody but the drive knows its torque: then its own feedback is checked.
  const bool regulates_speed = stage_ == DriveStage::kVelocity;
  const double drive_force = regulates_speed ? sensed_.drive_force : drive_model_.force;
  const double set_force =
      regulates_speed ? at_least(sensed_.drive_force, felt_force_) : felt_force_;
  input.expected_drive_force = drive_force + observer_config_.mass * observer_.acceleration;
  input.friction_allowance =
      at_most(config_.bounds.correction_floor + kFrictionOverLoad * set_force,
              config_.control.observer_limit);
  input.set_force = set_force;
  input.modes_allowed = modes_allowed();
  return input;
}

safety::SuperviseOutput AxisLoop::supervise(const LoopState& loop) noexcept {
  // Limits that changed by themselves limit nothing.
  if (!config_copy_.agrees(config_) || !user_copy_.agrees(user_)) {
    return safety::caused_by(FaultCode::kLimitsCorrupt);
  }
  safety::SuperviseOutput output =
      safety::supervise(config_.bounds, supervise_input(loop), supervision_);
  if (!sensed_.finite && load_state_ != LoadState::kOff) {
    const safety::SuperviseOutput broken = safety::caused_by(FaultCode::kNotFinite);
    if (broken.reaction > output.reaction) output = broken;
  }
  if (signal_cause_.reaction > output.reaction) output = signal_cause_;
  return output;
}

void AxisLoop::estimate(const LoopState& loop) noexcept {
  // The drive kept the last word through every missed period.
  const double word = drive_active_ ? output_force_ : 0.0;
  const std::uint32_t repeats = loop.tick.missed < kMaxDeadTicks ? loop.tick.missed : kMaxDeadTicks;
  for (std::uint32_t i = 0; i <= repeats; ++i) {
    push_word(drive_model_, word);
    advance_drive(drive_config_, drive_model_);
  }
  if (sensed_.reconnected) {  // the position may have been re-referenced
    observer_.running = false;
    motion_.running = false;
  }
  ObserverInput input;
  input.position = sensed_.position;
  input.fresh = sensed_.position_fresh;
  input.tension = sensed_.tension;
  input.drive_force = drive_model_.force;
  input.missed = loop.tick.missed;
  observe(observer_config_, input, observer_);
  input.tension = 0.0;
  input.drive_force = 0.0;
  observe(motion_config_, input, motion_);
  sensed_.handle_force = handle_force(config_.control, sensed_.tension, motion_.velocity);
}

void AxisLoop::track(const LoopState& loop) noexcept {
  measure::TrackerInput input;
  input.tick = loop.tick.index;
  input.position = sensed_.position;
  input.velocity = motion_.velocity;
  input.force = sensed_.handle_force;
  input.force_reference = felt_force_;
  input.relocated = sensed_.reconnected;
  const bool loaded = set_.serial != 0 && load_state_ == LoadState::kLoaded;
  const bool holds = hold_config_.hold_s > 0.0;
  if (holds) measure::count_hold(hold_config_, sensed_.tension, loaded, holds_);
  input.counting = loaded && !holds;
  counting_ = input.counting;
  tracked_ = tracker_.update(input);

  Event event;
  event.axis = axis_;
  event.tick = loop.tick.index;
  event.phase = tracked_.phase;
  if (tracked_.phase_changed) {
    event.kind = EventKind::kPhaseChanged;
    outbox_->push(event);
  }
  if (tracked_.direction_changed) {
    event.kind = EventKind::kDirectionChanged;
    outbox_->push(event);
  }
  if (tracked_.rep_closed) {
    event.kind = EventKind::kRepClosed;
    event.rep = tracked_.rep;
    outbox_->push(event);
  }
}

medius_step_in_t AxisLoop::step_input(const LoopState& loop) const noexcept {
  medius_step_in_t input{};
  input.size = sizeof input;
  input.phase = tracked_.phase == measure::Phase::kSlack
                    ? static_cast<std::uint32_t>(MEDIUS_PHASE_REST)
                    : static_cast<std::uint32_t>(tracked_.phase);
  input.tick = loop.tick.index;
  input.dt_s = kTickPeriodS;
  input.base_force = gate_.applied;
  input.position = motion_.position - tracker_.bottom_position();
  input.velocity = motion_.velocity;
  input.acceleration = observer_.acceleration;
  input.force = sensed_.handle_force;
  input.range = tracker_.range_reference();
  input.repetition = tracker_.reps_counted();
  return input;
}

FaultCode AxisLoop::call_profile(const LoopState& loop) noexcept {
  const medius_step_in_t input = step_input(loop);
  ProfileOutput output;
  GuardVerdict verdict = GuardVerdict::kReturned;
  if (guard_ != nullptr) {
    verdict = guard_->call(*set_.profile, input, output);
  } else {
    output = set_.profile->step(input);
  }
  if (verdict != GuardVerdict::kReturned) return fault_of(verdict);
  if (!output.ok) return FaultCode::kPluginError;
  if (!is_finite(output.force)) return FaultCode::kPluginNotFinite;
  if (!is_finite(output.velocity) || !is_finite(output.force_min)) {
    return FaultCode::kPluginNotFinite;
  }
  if (!(output.force >= -kWishTolerance &&
        output.force <= config_.bounds.force_max + kWishTolerance)) {
    return FaultCode::kPluginOutOfRange;
  }
  if (diagnosis::wish_oscillates(output.force, gate_.applied, signal_limits_.wish_swing,
                                 wish_watch_)) {
    return FaultCode::kPluginOscillates;
  }
  wish_ = output.force;
  // Nobody may get with one leg what was set for two.
  if (one_leg_) wish_ = at_most(0.5 * wish_, config_.one_leg_force_max);
  wish_valid_ = true;
  wish_velocity_ = output.velocity;
  wish_force_max_ = wish_;
  wish_force_min_ = output.force_min;
  return FaultCode::kNone;
}

void AxisLoop::gate_base_load(const LoopState& loop) noexcept {
  const bool frozen = increases_frozen_ || loop.reaction >= safety::Reaction::kFreezeIncreases;
  if (set_.motion) {
    // A ceiling, no load: nobody feels it until they pull so hard.
    if (!frozen || set_.requested < gate_.applied) gate_.applied = set_.requested;
  } else {
    safety::LoadGateInput gate;
    gate.requested = set_.requested;
    gate.phase = tracked_.phase;
    // Who gives way to a raised load is not given more of it. Under the first of a set the leg only
    // settles: stopping its ramp brought it in jerks, and the leg turned twice more.
    // As long as a turn takes to be believed, for a position that jumps shows a speed for a tick.
    const bool yields = motion_.velocity < -kYieldsOverMoving * config_.tracker.moving_velocity;
    if (set_.yield_ticks > 0) --set_.yield_ticks;
    if (set_.load_stood && yields) set_.yield_ticks = config_.tracker.dwell_ticks;
    // A drive that counts from elsewhere leaves nobody knowing whether a resting leg is at the
    // bottom.
    if (tracked_.phase == measure::Phase::kBottom) set_.bottom_lost = false;
    if (sensed_.reconnected) set_.bottom_lost = set_.load_stood;
    gate.increases_frozen = frozen || set_.yield_ticks > 0 || set_.bottom_lost;
    gate.ramp_per_s = config_.load_ramp_per_s;
    gate.dt_s = kTickPeriodS;
    const double before = gate_.applied;
    if (!(safety::gate_load(gate, gate_) > before) && before > 0.0) set_.load_stood = true;
  }
  report_applied_load(loop);
}

safety::SuperviseOutput AxisLoop::wish(const LoopState& loop) noexcept {
  wish_ = 0.0;
  wish_valid_ = false;
  if (set_.serial == 0) return {};
  if (load_state_ == LoadState::kLoaded) gate_base_load(loop);
  if (set_.profile_fault != FaultCode::kNone) return {};
  set_.profile_fault = call_profile(loop);
  if (set_.profile_fault != FaultCode::kNone) return safety::caused_by(set_.profile_fault);
  return set_.motion && !config_.drive_velocity_mode ? servo_wish(loop) : safety::SuperviseOutput{};
}

void AxisLoop::report_applied_load(const LoopState& loop) noexcept {
  if (set_.engage_id == 0 && set_.load_id == 0) return;
  if (!(absolute(gate_.applied - set_.requested) <= kLoadReached)) return;
  if (set_.engage_id != 0) {
    emit(loop, EventKind::kLoadApplied, set_.engage_id, gate_.applied);
  }
  if (set_.load_id != 0) {
    emit(loop, EventKind::kLoadApplied, set_.load_id, gate_.applied);
    load_command_id_ = set_.load_id;
  }
  load_applied_tick_ = loop.tick.index;
  set_.engage_id = 0;
  set_.load_id = 0;
}

void AxisLoop::react(const LoopState& loop) noexcept {
  const bool loaded = load_state_ == LoadState::kLoaded || load_state_ == LoadState::kUnloading;
  if (loop.reaction >= Reaction::kTorqueOff) {
    load_state_ = LoadState::kOff;
    enabled_ = false;
    off_when_unloaded_ = false;
    gate_ = safety::LoadGateState{};
    if (loaded) emit(loop, EventKind::kUnloaded, 0, 0.0);
  } else if (loop.reaction == Reaction::kFastUnload) {
    if (load_state_ == LoadState::kOff) {
      enabled_ = false;
      return;
    }
    off_when_unloaded_ = true;
    if (load_state_ != LoadState::kUnloading) {
      load_state_ = LoadState::kUnloading;
      unloading_ticks_ = 0;
    }
  } else if (loop.reaction == Reaction::kSoftUnload) {
    unload();
  }
}

safety::SuperviseOutput AxisLoop::limit_felt(const LoopState& loop) noexcept {
  safety::FeltInput input;
  input.wish = wish_;
  input.wish_valid = wish_valid_;
  input.base_force = gate_.applied;
  input.velocity = motion_.velocity;
  input.range = tracker_.range_reference();
  // What an earlier repetition has left in the tank is not for rocking a standing person: an excess
  // may then fade, as at the bottom, and not rise.
  const bool sways = tracked_.phase == measure::Phase::kEccentric && !tracker_.excess_earned();
  input.phase = sways ? measure::Phase::kBottom : tracked_.phase;
  input.concentric_validated = tracked_.concentric_validated;
  input.load_state = torque_load_state();
  input.pretension = pretension_;
  input.reaction = loop.reaction;
  input.dt_s = kTickPeriodS;
  const safety::FeltOutput output = safety::limit_felt_force(config_.bounds, user_, input, felt_);
  felt_force_ = output.force;
  limits_ = output.limits;
  return output.fault == FaultCode::kNone ? safety::SuperviseOutput{}
                                          : safety::caused_by(output.fault);
}

safety::SuperviseOutput AxisLoop::command_torque(const LoopState& loop,
                                                 hal::AxisOutput& output) noexcept {
  advance_stage();
  request(output);
  if (stage_ == DriveStage::kVelocity) return command_velocity(loop, output);
  ForceControlInput control;
  control.felt_force = felt_force_;
  control.tension = sensed_.tension;
  control.tension_fresh = sensed_.tension_fresh;
  control.velocity = observer_.velocity;
  control.disturbance = observer_.disturbance;
  control.missed = loop.tick.missed;

  safety::TorqueInput input;
  input.torque = control_force(config_.control, derivative_gain_, kTickPeriodS, control, control_);
  if (control_.oscillation.latched) limits_ |= kLimitOscillation;
  if (torque_load_state() == LoadState::kTakeUp) {
    const double limit = config_.control.use_observer ? config_.control.observer_limit : 0.0;
    const TakeUpInput take_up_input{input.torque, felt_force_, sensed_.tension, observer_.velocity,
                                    clamped(observer_.disturbance, -limit, limit)};
    input.torque = take_up(config_.bounds, take_up_input);
  }
  input.felt_force = felt_force_;
  input.velocity = observer_.velocity;
  input.measured_force = sensed_.tension;
  input.dt_s = kTickPeriodS;
  input.load_state = torque_load_state();
  input.reaction = loop.reaction;
  input.drive_age_ns = ages_.drive_ns;
  input.load_cell_age_ns = ages_.load_cell_ns;
  const safety::TorqueOutput limited = safety::limit_torque(config_.bounds, input, torque_);
  limits_ |= limited.limits;
  output_force_ = limited.word.value();

  output.force = output_force_;
  if (stage_ == DriveStage::kEntering) {  // a drive already in velocity mode stands still
    output.mode = hal::DriveMode::kVelocity;
    output.force_limit = pretension_;
    output.brake_limit = config_.bounds.brake_force_max;
  }
  return limited.fault == FaultCode::kNone ? safety::SuperviseOutput{}
                                           : safety::caused_by(limited.fault);
}

// What goes to the drive in every mode.
void AxisLoop::request(hal::AxisOutput& output) const noexcept {
  output.mode = hal::DriveMode::kTorque;
  output.velocity = 0.0;
  output.brake_limit = 0.0;
  // Never below what stage 2 may ask for, but for braking where force_max is below it: the drive's
  // limit is a second net, not a second controller.
  output.force_limit = at_most(
      at_least(user_.force_max + config_.bounds.correction_max, config_.bounds.brake_force_max),
      config_.bounds.force_max);
  output.speed_limit = config_.drive_speed_limit;
  output.request = hal::DriveRequest::kDisable;
  if (enabled_) {
    const bool faulted = drive_state_ == hal::DriveState::kFault;
    output.request =
        faulted && clear_drive_fault_ ? hal::DriveRequest::kResetFault : hal::DriveRequest::kEnable;
  }
}

// Unloading ends at slack tension; then take-up again, or off.
void AxisLoop::finish(const LoopState& loop) noexcept {
  if (retiring_ != nullptr) retire_profile();
  if (load_state_ != LoadState::kUnloading) return;
  const double slack = off_when_unloaded_ ? 0.0 : pretension_;
  ++unloading_ticks_;
  const double force = stage_ == DriveStage::kVelocity ? motion_limits_.ceiling : felt_force_;
  const bool done = force <= slack + kSlackTensionMargin ||
                    (off_when_unloaded_ && loop.reaction < Reaction::kFastUnload &&
                     force <= pretension_ + kSlackTensionMargin) ||
                    unloading_ticks_ >= kUnloadTicksMax;
  if (!done) return;
  gate_ = safety::LoadGateState{};
  load_state_ = LoadState::kTakeUp;
  if (off_when_unloaded_) {
    load_state_ = LoadState::kOff;
    enabled_ = false;
    off_when_unloaded_ = false;
  }
  emit(loop, EventKind::kUnloaded, 0, force);
}

void AxisLoop::retire_profile() noexcept {
  Event event;
  event.kind = EventKind::kProfileRetired;
  event.axis = axis_;
  event.profile = retiring_;
  const bool ended = retiring_fault_ == FaultCode::kPluginOverBudget ||
                     retiring_fault_ == FaultCode::kPluginCrashed;
  event.fault = ended ? retiring_fault_ : FaultCode::kNone;
  // A lost event here would leak the instance, so it waits for room.
  if (outbox_->push_or_retry(event)) retiring_ = nullptr;
}

void AxisLoop::emit(const LoopState& loop, EventKind kind, std::uint64_t command_id,
                    double value) noexcept {
  Event event;
  event.kind = kind;
  event.axis = axis_;
  event.tick = loop.tick.index;
  event.command_id = command_id;
  event.phase = tracked_.phase;
  event.value = value;
  outbox_->push(event);
}

bool AxisLoop::fresh() const noexcept {
  const safety::AxisBounds& bounds = config_.bounds;
  return safety::within(ages_.drive_ns, bounds.freeze_age_ns) &&
         safety::within(ages_.load_cell_ns, bounds.freeze_age_ns) &&
         safety::within(ages_.panel_ns, bounds.panel_age_ns) &&
         safety::within(ages_.safety_ns, bounds.panel_age_ns);
}

void AxisLoop::fill(AxisStatus& status) const noexcept {
  status.coordinate = config_.coordinate;
  status.load_state = load_state_;
  status.phase = tracked_.phase;
  status.drive_state = drive_state_;
  status.drive_in_velocity_mode = stage_ == DriveStage::kVelocity;
  status.velocity_target = velocity_target_;
  status.increases_frozen = increases_frozen_;
  status.profile_latched_off = set_.profile_fault != FaultCode::kNone;
  status.set_serial = set_.serial;
  status.limits = limits_;
  const bool holds = hold_config_.hold_s > 0.0;
  status.reps_counted = holds ? holds_.counted : tracker_.reps_counted();
  status.reps_partial = holds ? holds_.partial : tracker_.reps_partial();
  status.direction_changes = tracker_.direction_changes();
  status.position = motion_.position - tracker_.bottom_position();
  status.position_absolute = sensed_.position;
  status.velocity = motion_.velocity;
  status.force_measured = sensed_.handle_force;
  status.force_target = felt_force_;
  status.force_output = output_force_;
  status.drive_force_readback = sensed_.drive_force;
  status.drive_force_limit = sensed_.drive_force_limit;
  status.load_requested = set_.requested;
  status.load_applied = gate_.applied;
  status.range_reference = tracker_.range_reference();
  status.pretension = pretension_;
  status.linked_arms = config_.linked_arms;
  status.pad_force = pads_.force;
  status.drive_age_ns = ages_.drive_ns;
  status.load_command_id = load_command_id_;
  status.load_applied_tick = load_applied_tick_;
}

void AxisLoop::fill(const LoopState& loop, SampleRecord& sample) const noexcept {
  sample.tick = loop.tick.index;
  sample.position = sensed_.position;
  sample.velocity = motion_.velocity;
  sample.force_measured = sensed_.handle_force;
  sample.force_wish = wish_;
  sample.force_target = felt_force_;
  sample.force_output = output_force_;
  sample.base_load = gate_.applied;
  sample.disturbance = observer_.disturbance;
  sample.drive_age_ns = ages_.drive_ns;
  sample.late_ns = loop.tick.late_ns;
  sample.limits = limits_;
  sample.fault = static_cast<std::uint16_t>(loop.fault);
  sample.axis = axis_;
  sample.phase = static_cast<std::uint8_t>(tracked_.phase);
  sample.load_state = static_cast<std::uint8_t>(load_state_);
  sample.reaction = static_cast<std::uint8_t>(loop.reaction);
  sample.set_serial = set_.serial;
  sample.missed = loop.tick.missed;
  const hal::PelvisInput& pelvis = loop.machine->pelvis;
  if (pelvis.present && is_finite(pelvis.tilt_rad) &&
      safety::within(hal::age_ns(loop.tick, pelvis.freshness), kPelvisAgeNs)) {
    sample.pelvis_tilt_urad = static_cast<std::int32_t>(clamped(pelvis.tilt_rad, -3.2, 3.2) * 1e6);
    sample.pelvis_seen = 1;
  }
  sample.detector = kDetectorKnown;
  if (counting_) sample.detector |= kDetectorCounting;
  if (sensed_.reconnected) sample.detector |= kDetectorRelocated;
  if (config_.linked_arms) {
    sample.pad_left_mnm = milli(pads_.force[0]);
    sample.pad_right_mnm = milli(pads_.force[1]);
  }
}

}  // namespace medius::rt
