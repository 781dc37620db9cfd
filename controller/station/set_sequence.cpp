// A set: the load comes in, repetitions, the load goes out, the store takes it.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "controller/base/clamp.hpp"
#include "controller/base/tick.hpp"
#include "controller/station/order_limits.hpp"
#include "controller/station/station_impl.hpp"

namespace medius::station {
namespace {

double seconds(std::uint64_t ticks) {
  return static_cast<double>(ticks) * kTickPeriodS;
}

const char* side_word(record::Side side) {
  switch (side) {
    case record::Side::kLeft:
      return "left";
    case record::Side::kRight:
      return "right";
    case record::Side::kBoth:
      return "both";
    case record::Side::kNone:
      break;
  }
  return "none";
}

const char* end_word(record::SetEnd end) {
  switch (end) {
    case record::SetEnd::kOpen:
      return "open";
    case record::SetEnd::kCount:
      return "count";
    case record::SetEnd::kStopped:
      return "stopped";
    case record::SetEnd::kStoodStill:
      return "stood still";
    case record::SetEnd::kFault:
      return "fault";
    case record::SetEnd::kInterrupted:
      return "interrupted";
  }
  return "unknown";
}

}  // namespace

Outcome<ActiveSet> Station::Impl::prepare(const Session& session, std::size_t index) {
  const PlannedSet& planned = session.plan[index];
  ActiveSet next;
  next.block = session.program.blocks[planned.block];
  const auto adjusted = session.adjusted.find({planned.block, planned.side});
  if (adjusted != session.adjusted.end()) next.block.load = adjusted->second;
  if (auto wrong = check_block(config.machine, plugins, next.block)) {
    return tl::make_unexpected(*wrong);
  }
  next.axis = static_cast<std::uint8_t>(
      axis_for(config.machine, next.block.coordinate, planned.side).value_or(0));
  const AxisMachineConfig& axis = config.machine.axes[next.axis];
  const ProfileInfo& profile = plugins.profiles().at(next.block.profile.id);
  next.ratio = eccentric_ratio(profile, next.block.profile);
  medius_activation_t activation{};
  activation.size = sizeof activation;
  activation.coordinate = static_cast<std::uint32_t>(next.block.coordinate);
  activation.dt_s = kTickPeriodS;
  activation.force_max = axis.engine.bounds.force_max;
  activation.velocity_max = axis.engine.bounds.overspeed_trip;
  auto instance = plugins.create(next.block.profile.id, next.block.profile.parameters, activation);
  if (!instance) {
    return tl::make_unexpected(Refusal{RefusalCode::kInvalid, instance.error().message});
  }
  next.profile = std::move(*instance);
  next.load_in_force = next.load_ordered = next.block.load;

  record::SetRecord& record = next.record;
  record.id = runtime.new_id();
  record.session_id = session.record.id;
  record.index = static_cast<std::uint32_t>(index + 1);
  record.exercise_id = next.block.exercise_id;
  record.profile_id = profile.id;
  for (const ParameterInfo& parameter : profile.parameters) {
    const auto chosen = next.block.profile.parameters.find(parameter.name);
    const bool given = chosen != next.block.profile.parameters.end();
    record.parameters.emplace_back(parameter.name,
                                   given ? chosen->second : parameter.default_value);
  }
  record.side = planned.side;
  record.axis = next.axis;
  record.coordinate = next.block.coordinate;
  const measure::Tempo& tempo = next.block.tempo;
  record.tempo = fmt::format("{:g}-{:g}-{:g}-{:g}", tempo.concentric_s, tempo.hold_s,
                             tempo.eccentric_s, tempo.bottom_s);
  record.load_start = next.block.load;
  record.load_end = next.block.load;
  record.reps_target = next.block.reps;
  return next;
}

void Station::Impl::step_ready() {
  if (set->start_id == 0) {
    rt::Command start{.axis = set->axis};
    start.value = set->block.load;
    start.value2 = set->block.range_target;
    set->start_id = loop.send_start(start, std::move(set->profile));
    set->engage_id = loop.send({.kind = rt::CommandKind::kEngage, .axis = set->axis});
    return;
  }
  begin_recording();
  if (set->recording && set->engaged) {
    set->anchor = axis_status().position_absolute;
    set->moved_tick = loop.status().tick;
    enter(StationState::kWorking, "");
    return;
  }
  if (!set->refusal && in_state_s() <= kEngageTimeoutS) return;
  const std::string because =
      set->refusal ? fmt::format("the loop refused the start of the set ({}); start anew",
                                 safety::fault_info(*set->refusal).name)
                   : "the loop did not start the set within 1 s; start anew";
  session_ends_after_set = true;
  if (set->taken) {
    end_set(record::SetEnd::kInterrupted, because);
  } else {
    abandon_set(because);
  }
}

void Station::Impl::begin_recording() {
  const rt::Status& status = loop.status();
  const rt::AxisStatus& axis = axis_status();
  if (!set->taken || set->recording || status.tick < set->record.start_tick ||
      axis.set_serial == 0) {
    return;
  }
  set->serial = axis.set_serial;
  set->recording = true;
  measure::MetricConfig metrics;
  metrics.tempo = set->block.tempo;
  metrics.range_reference = set->block.range_target;
  records.open_set(set->record, set->serial, metrics);
  phase_tick = set->record.start_tick;
  audit->info("set {} starts: {} {}, {} reps at {}, profile {}", set->record.id,
              set->record.exercise_id, side_word(set->record.side), set->record.reps_target,
              set->record.load_start, set->record.profile_id);
}

void Station::Impl::step_working() {
  const rt::Status& status = loop.status();
  const rt::AxisStatus& axis = axis_status();
  if (axis.set_serial == set->serial && axis.reps_counted >= set->block.reps) {
    end_set(record::SetEnd::kCount, "all repetitions are done");
    return;
  }
  // Reactions that are not latched unload by themselves; latched ones never get here.
  if (!paused && loop.passed(set->engage_id) && axis.load_state != safety::LoadState::kLoaded) {
    paused = true;
    set->paused_tick = status.tick;
    enter(StationState::kWorking,
          set->pause_reason.empty() ? "the loop has taken the load off" : set->pause_reason);
    return;
  }
  watch_standing();
}

// Less than the smallest rise that can be a repetition is sway; a prescribed hold or bottom is not
// standing still.
void Station::Impl::watch_standing() {
  const std::uint64_t tick = loop.status().tick;
  const AxisMachineConfig& machine = config.machine.axes[set->axis];
  if (paused) {
    if (seconds(tick - set->paused_tick) > kPauseTimeoutS) {
      end_set(record::SetEnd::kStoodStill,
              fmt::format("nobody resumed within {:.0f} s", kPauseTimeoutS));
    }
    return;
  }
  const rt::AxisStatus& axis = axis_status();
  if (absolute(axis.position_absolute - set->anchor) > machine.engine.tracker.rise_floor) {
    set->anchor = axis.position_absolute;
    set->moved_tick = tick;
    set->prescribed_still_s = 0.0;
    return;
  }
  const measure::Tempo& tempo = set->block.tempo;
  const double prescribed_s = axis.phase == measure::Phase::kHold ? tempo.hold_s : tempo.bottom_s;
  // The longest since the last movement: a hold is still allowed for while the return begins.
  if (prescribed_s > set->prescribed_still_s) set->prescribed_still_s = prescribed_s;
  const double limit_s = machine.standing_timeout_s + set->prescribed_still_s;
  if (seconds(tick - set->moved_tick) > limit_s) {
    end_set(record::SetEnd::kStoodStill,
            fmt::format("stood still for {:.0f} s", seconds(tick - set->moved_tick)));
  }
}

void Station::Impl::settle_counts(record::SetEnd why) {
  const rt::AxisStatus& axis = axis_status();
  set->ending = true;
  set->record.end = why;
  set->record.load_end = set->load_in_force;
  if (set->serial == 0 || axis.set_serial != set->serial) return;
  set->record.reps_counted = axis.reps_counted;
  set->record.reps_partial = axis.reps_partial;
  set->record.direction_changes = axis.direction_changes;
}

void Station::Impl::end_set(record::SetEnd why, const std::string& because) {
  begin_recording();
  settle_counts(why);
  audit->info("set {} ends ({}): {}", set->record.id, end_word(why), because);
  set->unload_id = loop.send({.kind = rt::CommandKind::kUnload, .axis = set->axis});
  unload_stage = UnloadStage::kRamp;
  stage_tick = loop.status().tick;
  paused = false;
  if (session_ends_after_set && end_reason.empty()) end_reason = because;
  enter(StationState::kUnloading, because);
}

void Station::Impl::step_unloading() {
  const rt::Status& status = loop.status();
  const double in_stage_s = seconds(status.tick - stage_tick);
  if (unload_stage == UnloadStage::kRamp) {
    begin_recording();
    const safety::LoadState load = axis_status().load_state;
    const bool slack = loop.passed(set->unload_id) && load != safety::LoadState::kLoaded &&
                       load != safety::LoadState::kUnloading;
    if (!slack && in_stage_s <= kUnloadTimeoutS) return;
    if (!slack) {
      audit->error("set {} did not unload within {} s; drives go off", set->record.id,
                   kUnloadTimeoutS);
      session_ends_after_set = true;
      drives_off();
    }
    set->end_id = loop.send({.kind = rt::CommandKind::kEndSet, .axis = set->axis});
    unload_stage = UnloadStage::kEndSet;
    stage_tick = status.tick;
  } else if (unload_stage == UnloadStage::kEndSet) {
    if (!loop.passed(set->end_id) && in_stage_s <= kEndSetTimeoutS) return;
    close_set(status.tick);
    after_set();
  } else if (records.unacknowledged() == 0 || records.in_trouble() || in_stage_s > kStoreWaitS) {
    end_session(end_reason.empty() ? "all sets are done" : end_reason);
  }
}

void Station::Impl::close_set(std::uint64_t end_tick) {
  set->record.end_tick = end_tick;
  set->record.end_unix_ns = runtime.wall_unix_ns();
  if (set->recording) {
    records.close_set(set->record);
    last_set = set->record;
  }
  set.reset();
}

void Station::Impl::after_set() {
  drives_off();  // hands are at the cuff between sets: no torque
  const double rest_s = session_->program.blocks[session_->plan[session_->next].block].rest_s;
  ++session_->next;
  if (session_ends_after_set || session_->next >= session_->plan.size()) {
    unload_stage = UnloadStage::kStore;
    stage_tick = loop.status().tick;
    enter(StationState::kUnloading, "the set is being stored");
    return;
  }
  resumed_rest = false;
  rest_end_tick = loop.status().tick + static_cast<std::uint64_t>(rest_s / kTickPeriodS + 0.5);
  enter(StationState::kResting,
        fmt::format("rest, then the {} side", side_word(session_->plan[session_->next].side)));
}

void Station::Impl::on_rep(const std::string& set_id, const measure::RepMetrics& rep) {
  if (set && set->record.id == set_id) {
    set->record.reps.push_back(rep);
  } else if (last_set && last_set->id == set_id) {
    last_set->reps.push_back(rep);
  }
  publish_now = true;
}

void Station::Impl::on_stored(const record::StoredSet& stored) {
  audit->info("set {} is stored as number {}", stored.set.id, stored.sequence);
  if (last_set && last_set->id == stored.set.id) last_set = stored.set;
  if (stored.set.session_id == shown_session_id) stored_set_ids.push_back(stored.set.id);
  publish_now = true;
}

void Station::Impl::on_store_trouble(const std::string& message) {
  if (message == store_trouble) return;
  store_trouble = message;
  if (message.empty()) {
    audit->info("the store works again");
  } else {
    audit->error("store: {}", message);
  }
  publish_now = true;
}

}  // namespace medius::station
