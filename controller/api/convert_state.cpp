#include <algorithm>
#include <array>
#include <utility>

#include "controller/api/convert.hpp"
#include "controller/safety/faults.hpp"

namespace medius::api {
namespace {

void ns_to_pb(std::int64_t ns, google::protobuf::Duration* out) {
  out->set_seconds(ns / 1'000'000'000);
  out->set_nanos(static_cast<std::int32_t>(ns % 1'000'000'000));
}

v1::StationState state_to_pb(station::StationState state) {
  using station::StationState;
  switch (state) {
    case StationState::kIdle:
      return v1::STATION_STATE_IDLE;
    case StationState::kArming:
      return v1::STATION_STATE_ARMING;
    case StationState::kPretension:
      return v1::STATION_STATE_PRETENSION;
    case StationState::kReady:
      return v1::STATION_STATE_READY;
    case StationState::kWorking:
      return v1::STATION_STATE_WORKING;
    case StationState::kUnloading:
      return v1::STATION_STATE_UNLOADING;
    case StationState::kResting:
      return v1::STATION_STATE_RESTING;
    case StationState::kGuided:
      return v1::STATION_STATE_GUIDED;
    case StationState::kFault:
      return v1::STATION_STATE_FAULT;
  }
  return v1::STATION_STATE_UNSPECIFIED;
}

constexpr std::array<std::pair<std::uint32_t, const char*>, 10> kLimitNames{{
    {safety::kLimitForce, "force-limit"},
    {safety::kLimitSlew, "felt-slew"},
    {safety::kLimitTank, "energy-tank"},
    {safety::kLimitPhaseGate, "phase-gate"},
    {safety::kLimitCorrection, "correction-limit"},
    {safety::kLimitGovernor, "speed-governor"},
    {safety::kLimitTorqueSlew, "torque-slew"},
    {safety::kLimitAge, "data-age"},
    {safety::kLimitWish, "wish-refused"},
    {safety::kLimitSlackServo, "slack-servo"},
}};

void axis_to_pb(const rt::AxisStatus& axis, v1::AxisState* out) {
  out->set_coordinate(coordinate_to_pb(axis.coordinate));
  out->set_load_state(load_state_to_pb(axis.load_state));
  out->set_phase(phase_to_pb(axis.phase));
  out->set_position(axis.position);
  out->set_velocity(axis.velocity);
  out->set_force_measured(axis.force_measured);
  out->set_force_target(axis.force_target);
  out->set_force_output(axis.force_output);
  out->set_force_readback(axis.drive_force_readback);
  out->set_load_requested(axis.load_requested);
  out->set_load_applied(axis.load_applied);
  out->set_load_applied_tick(axis.load_applied_tick);
  out->set_range_reference(axis.range_reference);
  out->set_reps_counted(axis.reps_counted);
  out->set_reps_partial(axis.reps_partial);
  out->set_direction_changes(axis.direction_changes);
  out->set_increases_frozen(axis.increases_frozen);
  out->set_profile_latched_off(axis.profile_latched_off);
  ns_to_pb(axis.drive_age_ns, out->mutable_data_age());
  for (const auto& [flag, name] : kLimitNames) {
    if ((axis.limits & flag) != 0) out->add_limits(name);
  }
}

v1::PacePhase pace_phase_to_pb(station::PacePhase phase) {
  using station::PacePhase;
  switch (phase) {
    case PacePhase::kGetReady:
      return v1::PACE_PHASE_GET_READY;
    case PacePhase::kLift:
      return v1::PACE_PHASE_LIFT;
    case PacePhase::kHold:
      return v1::PACE_PHASE_HOLD;
    case PacePhase::kLower:
      return v1::PACE_PHASE_LOWER;
    case PacePhase::kPause:
      return v1::PACE_PHASE_PAUSE;
    case PacePhase::kMove:
      return v1::PACE_PHASE_MOVE;
    case PacePhase::kFree:
      return v1::PACE_PHASE_FREE;
    case PacePhase::kOver:
      return v1::PACE_PHASE_OVER;
  }
  return v1::PACE_PHASE_UNSPECIFIED;
}

void pace_to_pb(const station::Pace& pace, v1::Pace* out) {
  out->set_phase(pace_phase_to_pb(pace.phase));
  out->set_repetition(pace.repetition);
  seconds_to_pb(pace.phase_elapsed_s, out->mutable_phase_elapsed());
  seconds_to_pb(pace.phase_s, out->mutable_phase_duration());
  seconds_to_pb(pace.remaining_s, out->mutable_remaining());
}

void loop_to_pb(const rt::Status& status, v1::Station* out) {
  out->set_tick(status.tick);
  v1::LoopHealth* loop = out->mutable_loop();
  ns_to_pb(status.late_ns, loop->mutable_late());
  loop->set_missed_total(status.missed_total);
  loop->set_samples_dropped(status.samples_dropped);
  loop->set_events_dropped(status.events_dropped);
  loop->set_link_fresh(status.link_fresh);
  v1::Panel* panel = out->mutable_panel();
  panel->set_reset_pressed(status.reset_pressed);
  panel->set_key_on(status.key_on);
  panel->set_dead_man_held(status.dead_man_held);
  panel->set_stop_pressed(status.stop_pressed);
  panel->set_estop_released(status.estop_released);
  panel->set_relay_closed(status.relay_closed);
}

void report_to_pb(const station::LoadReport& report, v1::LoadReport* out) {
  out->set_applied(report.applied);
  out->set_applied_tick(report.applied_tick);
  out->set_readback(report.readback);
  out->set_readback_tick(report.readback_tick);
}

void load_change_to_pb(const station::LoadChange& change, v1::LoadChange* out) {
  out->set_request_id(change.request_id);
  out->set_client_name(change.client_name);
  out->set_axis(change.axis);
  out->set_requested(change.requested);
  out->set_accepted(change.accepted);
  out->set_accepted_tick(change.accepted_tick);
  out->set_applied(change.applied);
  report_to_pb(change.report, out->mutable_report());
}

}  // namespace

void seconds_to_pb(double seconds, google::protobuf::Duration* out) {
  // Rounded: 0.3 s is 300 ms on the wire too.
  ns_to_pb(static_cast<std::int64_t>(seconds * 1e9 + 0.5), out);
}

v1::LoadState load_state_to_pb(safety::LoadState state) {
  switch (state) {
    case safety::LoadState::kOff:
      return v1::LOAD_STATE_OFF;
    case safety::LoadState::kTakeUp:
      return v1::LOAD_STATE_TAKE_UP;
    case safety::LoadState::kLoaded:
      return v1::LOAD_STATE_LOADED;
    case safety::LoadState::kUnloading:
      return v1::LOAD_STATE_UNLOADING;
  }
  return v1::LOAD_STATE_UNSPECIFIED;
}

v1::Reaction reaction_to_pb(safety::Reaction reaction) {
  switch (reaction) {
    case safety::Reaction::kNone:
      return v1::REACTION_NONE;
    case safety::Reaction::kFreezeIncreases:
      return v1::REACTION_FREEZE_INCREASES;
    case safety::Reaction::kSoftUnload:
      return v1::REACTION_SOFT_UNLOAD;
    case safety::Reaction::kFastUnload:
      return v1::REACTION_FAST_UNLOAD;
    case safety::Reaction::kTorqueOff:
      return v1::REACTION_TORQUE_OFF;
  }
  return v1::REACTION_UNSPECIFIED;
}

v1::Coordinate coordinate_to_pb(hal::CoordinateKind kind) {
  return kind == hal::CoordinateKind::kCable ? v1::COORDINATE_CABLE : v1::COORDINATE_LEVER;
}

v1::Phase phase_to_pb(measure::Phase phase) {
  switch (phase) {
    case measure::Phase::kRest:
      return v1::PHASE_REST;
    case measure::Phase::kConcentric:
      return v1::PHASE_CONCENTRIC;
    case measure::Phase::kHold:
      return v1::PHASE_HOLD;
    case measure::Phase::kEccentric:
      return v1::PHASE_ECCENTRIC;
    case measure::Phase::kBottom:
      return v1::PHASE_BOTTOM;
    case measure::Phase::kSlack:
      return v1::PHASE_SLACK;
  }
  return v1::PHASE_UNSPECIFIED;
}

void fault_to_pb(safety::FaultCode code, v1::Fault* out) {
  const safety::FaultInfo& info = safety::fault_info(code);
  out->set_code(static_cast<std::uint32_t>(code));
  out->set_name(info.name);
  out->set_reaction(reaction_to_pb(info.reaction));
  out->set_latched(info.latched);
  out->set_next_step(info.next_step);
}

void station_to_pb(const station::Snapshot& snapshot, const StationNames& names, v1::Station* out) {
  out->set_name(names.station);
  out->set_store(names.store);
  out->set_version(snapshot.version);
  out->set_sequence(snapshot.sequence);
  out->set_state(state_to_pb(snapshot.state));
  out->set_paused(snapshot.paused);
  out->set_state_reason(snapshot.state_reason);
  out->set_machine(snapshot.machine_name);
  out->set_simulated(snapshot.simulated);
  out->set_realtime(snapshot.realtime);
  loop_to_pb(snapshot.loop, out);
  const int axes = std::min<int>(snapshot.loop.axis_count, hal::kMaxAxes);
  for (int i = 0; i < axes; ++i) {
    v1::AxisState* axis = out->add_axes();
    axis->set_axis(static_cast<std::uint32_t>(i));
    axis_to_pb(snapshot.loop.axis[static_cast<std::size_t>(i)], axis);
    if (!snapshot.set || snapshot.set->axis == i) {
      seconds_to_pb(snapshot.phase_elapsed_s, axis->mutable_phase_elapsed());
    }
  }
  if (snapshot.loop.fault != safety::FaultCode::kNone) {
    fault_to_pb(snapshot.loop.fault, out->mutable_fault());
    out->mutable_fault()->set_reaction(reaction_to_pb(snapshot.loop.reaction));
  }
  if (!snapshot.session_id.empty()) out->set_session("sessions/" + snapshot.session_id);
  if (!snapshot.program_id.empty()) out->set_program("programs/" + snapshot.program_id);
  out->set_client(snapshot.client_id);
  if (!snapshot.plan_id.empty()) out->set_plan("plans/" + snapshot.plan_id);
  if (snapshot.set) set_to_pb(*snapshot.set, kStationReps, out->mutable_set());
  if (snapshot.other_set) set_to_pb(*snapshot.other_set, kStationReps, out->mutable_other_set());
  out->set_sets_total(snapshot.sets_total);
  seconds_to_pb(snapshot.rest_remaining_s, out->mutable_rest_remaining());
  if (snapshot.set || snapshot.guided) {
    prescription_to_pb(snapshot.block, out->mutable_prescription());
  }
  if (snapshot.guided) {
    guided_to_pb(snapshot.guided->record, out->mutable_guided());
    if (snapshot.state == station::StationState::kGuided) {
      pace_to_pb(snapshot.guided->pace, out->mutable_pace());
    }
  }
  if (snapshot.lease) {
    lease_to_pb(*snapshot.lease, snapshot.lease_remaining_s, out->mutable_lease());
  }
  out->set_increases_frozen(snapshot.increases_frozen);
  if (snapshot.load_change) load_change_to_pb(*snapshot.load_change, out->mutable_load_change());
  for (const std::string& warning : snapshot.warnings) out->add_warnings(warning);
  for (const std::string& set : snapshot.stored_set_ids) {
    out->add_stored_sets("sessions/" + snapshot.stored_session_id + "/sets/" + set);
  }
}

void lease_to_pb(const station::Lease& lease, double remaining_s, v1::Lease* out) {
  out->set_holder(lease.holder);
  out->set_epoch(lease.epoch);
  seconds_to_pb(remaining_s, out->mutable_remaining());
}

void receipt_to_pb(const station::Receipt& receipt, v1::Receipt* out) {
  out->set_request_id(receipt.request_id);
  out->set_version(receipt.version);
  out->set_tick(receipt.tick);
  switch (receipt.effect) {
    case station::Effect::kApplied:
      out->set_effect(v1::EFFECT_APPLIED);
      break;
    case station::Effect::kRamping:
      out->set_effect(v1::EFFECT_RAMPING);
      break;
    case station::Effect::kAtBottom:
      out->set_effect(v1::EFFECT_AT_BOTTOM);
      break;
    case station::Effect::kScheduled:
      out->set_effect(v1::EFFECT_SCHEDULED);
      break;
  }
  out->set_requested(receipt.requested);
  out->set_accepted(receipt.accepted);
  out->set_duplicate(receipt.duplicate);
  if (receipt.report.readback_tick != 0) report_to_pb(receipt.report, out->mutable_report());
  if (!receipt.session_id.empty()) {
    out->set_session("sessions/" + receipt.session_id);
    if (!receipt.set_id.empty()) out->set_set(out->session() + "/sets/" + receipt.set_id);
  }
}

grpc::Status status_of(const station::Refusal& refusal) {
  using station::RefusalCode;
  grpc::StatusCode code = grpc::StatusCode::INTERNAL;
  switch (refusal.code) {
    case RefusalCode::kInvalid:
      code = grpc::StatusCode::INVALID_ARGUMENT;
      break;
    case RefusalCode::kNotFound:
      code = grpc::StatusCode::NOT_FOUND;
      break;
    case RefusalCode::kWrongState:
      code = grpc::StatusCode::FAILED_PRECONDITION;
      break;
    case RefusalCode::kVersionConflict:
      code = grpc::StatusCode::ABORTED;
      break;
    case RefusalCode::kOverLimit:
      code = grpc::StatusCode::OUT_OF_RANGE;
      break;
    case RefusalCode::kExpired:
      code = grpc::StatusCode::DEADLINE_EXCEEDED;
      break;
    case RefusalCode::kBusy:
      code = grpc::StatusCode::RESOURCE_EXHAUSTED;
      break;
    case RefusalCode::kUnavailable:
      code = grpc::StatusCode::UNAVAILABLE;
      break;
    case RefusalCode::kNotAllowed:
      code = grpc::StatusCode::PERMISSION_DENIED;
      break;
    case RefusalCode::kNoLease:
      code = grpc::StatusCode::FAILED_PRECONDITION;
      break;
    case RefusalCode::kStaleLease:
      code = grpc::StatusCode::ABORTED;
      break;
  }
  return {code, refusal.message};
}

}  // namespace medius::api
