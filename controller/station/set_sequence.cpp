// A set: the load comes in, repetitions, the load goes out, the store takes it.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "controller/base/clamp.hpp"
#include "controller/base/tick.hpp"
#include "controller/record/export.hpp"
#include "controller/station/order_limits.hpp"
#include "controller/station/station_impl.hpp"

namespace medius::station {
namespace {

double seconds(std::uint64_t ticks) {
  return static_cast<double>(ticks) * kTickPeriodS;
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
  const ProfileInfo& profile = plugins.profiles().at(next.block.profile.id);
  next.ratio = eccentric_ratio(profile, next.block.profile);
  next.load_ordered = next.block.load;
  const auto axes = axes_for(config.machine, next.block.coordinate, planned.side);
  for (const std::size_t axis : axes) {
    auto side = prepare_side(session, index, next.block, static_cast<std::uint8_t>(axis));
    if (!side) return tl::make_unexpected(side.error());
    // Each arm of two measures its own leg; the first lever axis is the left one.
    if (axes.size() > 1) {
      side->record.side = next.sides.empty() ? record::Side::kLeft : record::Side::kRight;
    }
    next.sides.push_back(std::move(*side));
  }
  return next;
}

Outcome<SetSide> Station::Impl::prepare_side(const Session& session, std::size_t index,
                                             const ProgramBlock& block, std::uint8_t axis_index) {
  const AxisMachineConfig& axis = config.machine.axes[axis_index];
  const ProfileInfo& profile = plugins.profiles().at(block.profile.id);
  medius_activation_t activation{};
  activation.size = sizeof activation;
  activation.coordinate = static_cast<std::uint32_t>(block.coordinate);
  activation.dt_s = kTickPeriodS;
  activation.force_max = axis.engine.bounds.force_max;
  activation.velocity_max = axis.engine.bounds.overspeed_trip;
  auto instance = plugins.create(block.profile.id, block.profile.parameters, activation);
  if (!instance) {
    return tl::make_unexpected(Refusal{RefusalCode::kInvalid, instance.error().message});
  }
  SetSide side;
  side.axis = axis_index;
  side.profile = std::move(*instance);
  side.load_in_force = block.load;

  record::SetRecord& record = side.record;
  record.id = runtime.new_id();
  record.session_id = session.record.id;
  record.index = static_cast<std::uint32_t>(index + 1);
  record.exercise_id = block.exercise_id;
  record.profile_id = profile.id;
  for (const ParameterInfo& parameter : profile.parameters) {
    const auto chosen = block.profile.parameters.find(parameter.name);
    const bool given = chosen != block.profile.parameters.end();
    record.parameters.emplace_back(parameter.name,
                                   given ? chosen->second : parameter.default_value);
  }
  record.side = session.plan[index].side;
  record.axis = axis_index;
  record.coordinate = block.coordinate;
  const measure::Tempo& tempo = block.tempo;
  record.tempo = fmt::format("{:g}-{:g}-{:g}-{:g}", tempo.concentric_s, tempo.hold_s,
                             tempo.eccentric_s, tempo.bottom_s);
  record.load_start = block.load;
  record.load_end = block.load;
  record.reps_target = block.reps;
  record::SetGiven& given = record.given;
  given.detector_version = measure::kDetectorVersion;
  given.tracker = axis.engine.tracker;
  given.tempo = block.tempo;
  given.range_target = block.range_target;
  given.hold_s = block.hold_s;
  given.force_max = activation.force_max;
  given.velocity_max = activation.velocity_max;
  return side;
}

void Station::Impl::add_given(record::SetRecord& set, record::GivenChange change) {
  record::SetGiven& given = set.given;
  // The first load and a change of it that come into force together are one.
  const bool again = !given.changes.empty() && given.changes.back().tick == change.tick &&
                     given.changes.back().kind == change.kind &&
                     change.kind == record::GivenKind::kLoadApplied;
  if (again) return;
  if (given.changes.size() >= record::kGivenChangesMax) {
    given.changes_lost = true;
    return;
  }
  given.changes.push_back(std::move(change));
}

// Whatever was taken, and by whoever it was sent: the recording must tell when it came into force.
void Station::Impl::keep_given(const rt::Event& event) {
  const auto command = loop.answered(event.command_id);
  SetSide* const side = set ? set->on_axis(event.axis) : nullptr;
  if (!command || side == nullptr || !side->taken) return;
  record::GivenChange change{event.tick, record::GivenKind::kUnloaded, "", 0.0};
  if (command->kind == rt::CommandKind::kEngage) change.kind = record::GivenKind::kEngaged;
  if (command->kind == rt::CommandKind::kSetLoad) {
    change.kind = record::GivenKind::kLoadRequested;
    change.value = command->value;
  }
  if (command->kind == rt::CommandKind::kSetParameter) {
    change.kind = record::GivenKind::kParameter;
    change.value = command->value;
    const ProfileInfo& profile = plugins.profiles().at(side->record.profile_id);
    for (const ParameterInfo& parameter : profile.parameters) {
      if (parameter.id == command->parameter_id) change.name = parameter.name;
    }
  }
  add_given(side->record, std::move(change));
}

void Station::Impl::step_ready() {
  if (!set->started()) {
    // All are started before any is loaded: the loads come in at the same tick.
    for (SetSide& side : set->sides) {
      if (set->block.hold_s > 0.0) {
        loop.send(
            {.kind = rt::CommandKind::kSetHold, .axis = side.axis, .value = set->block.hold_s});
      }
      rt::Command start{.axis = side.axis};
      start.value = set->block.load;
      start.value2 = set->block.range_target;
      side.start_id = loop.send_start(start, std::move(side.profile));
    }
    for (SetSide& side : set->sides) {
      side.engage_id = loop.send({.kind = rt::CommandKind::kEngage, .axis = side.axis});
    }
    return;
  }
  begin_recording();
  if (set->all([](const SetSide& side) { return side.recording && side.engaged; })) {
    for (SetSide& side : set->sides) side.anchor = status_of(side).position_absolute;
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
  if (set->any([](const SetSide& side) { return side.taken; })) {
    end_set(record::SetEnd::kInterrupted, because);
  } else {
    abandon_set(because);
  }
}

void Station::Impl::begin_recording() {
  const rt::Status& status = loop.status();
  for (SetSide& side : set->sides) {
    const rt::AxisStatus& axis = status_of(side);
    if (!side.taken || side.recording || status.tick < side.record.start_tick ||
        axis.set_serial == 0) {
      continue;
    }
    side.serial = axis.set_serial;
    side.recording = true;
    records.open_set(side.record, side.serial, record::metric_config(side.record.given));
    phase_tick = side.record.start_tick;
    audit->info("set {} starts: {} {}, {} reps at {}, profile {}", side.record.id,
                side.record.exercise_id, record::to_string(side.record.side),
                side.record.reps_target, side.record.load_start, side.record.profile_id);
    note_set("set_started", side.record, "");
  }
}

void Station::Impl::step_working() {
  const auto done = [this](const SetSide& side) {
    const rt::AxisStatus& axis = status_of(side);
    return axis.set_serial == side.serial && axis.reps_counted >= set->block.reps;
  };
  if (set->all(done)) {
    end_set(record::SetEnd::kCount, "all repetitions are done");
    return;
  }
  // Reactions that are not latched unload by themselves; latched ones never get here.
  const auto unloaded = [this](const SetSide& side) {
    return loop.passed(side.engage_id) && status_of(side).load_state != safety::LoadState::kLoaded;
  };
  if (!paused && set->any(unloaded)) {
    // One arm alone must not stay loaded.
    if (set->sides.size() > 1) send_to_sides({.kind = rt::CommandKind::kUnload});
    paused = true;
    set->paused_tick = loop.status().tick;
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
  if (paused) {
    if (seconds(tick - set->paused_tick) > kPauseTimeoutS) {
      end_set(record::SetEnd::kStoodStill,
              fmt::format("nobody resumed within {:.0f} s", kPauseTimeoutS));
    }
    return;
  }
  bool moved = false;
  for (SetSide& side : set->sides) {
    const double position = status_of(side).position_absolute;
    const double floor = config.machine.axes[side.axis].engine.tracker.rise_floor;
    // Whoever holds is not standing about, however still.
    const bool holds = set->block.hold_s > 0.0 &&
                       status_of(side).force_measured > 2.0 * status_of(side).pretension;
    // A hip hike moves by less than the floor, and its repetitions are counted all the same.
    const std::uint32_t reps = status_of(side).reps_counted + status_of(side).reps_partial;
    const bool repeats = reps != side.reps_seen;
    side.reps_seen = reps;
    if (!holds && !repeats && !(absolute(position - side.anchor) > floor)) continue;
    side.anchor = position;
    moved = true;
  }
  if (moved) {
    set->moved_tick = tick;
    set->prescribed_still_s = 0.0;
    return;
  }
  const measure::Tempo& tempo = set->block.tempo;
  const double prescribed_s =
      axis_status().phase == measure::Phase::kHold ? tempo.hold_s : tempo.bottom_s;
  // The longest since the last movement: a hold is still allowed for while the return begins.
  if (prescribed_s > set->prescribed_still_s) set->prescribed_still_s = prescribed_s;
  const double limit_s =
      config.machine.axes[set->first().axis].standing_timeout_s + set->prescribed_still_s;
  if (seconds(tick - set->moved_tick) > limit_s) {
    end_set(record::SetEnd::kStoodStill,
            fmt::format("stood still for {:.0f} s", seconds(tick - set->moved_tick)));
  }
}

void Station::Impl::settle_counts(record::SetEnd why) {
  set->ending = true;
  for (SetSide& side : set->sides) {
    side.record.end = why;
    side.record.load_end = side.load_in_force;
    take_counts(side);
  }
}

void Station::Impl::take_counts(SetSide& side) const {
  const rt::AxisStatus& axis = status_of(side);
  if (side.serial == 0 || axis.set_serial != side.serial) return;
  side.record.reps_counted = axis.reps_counted;
  side.record.reps_partial = axis.reps_partial;
  side.record.direction_changes = axis.direction_changes;
}

void Station::Impl::end_set(record::SetEnd why, const std::string& because) {
  begin_recording();
  settle_counts(why);
  audit->info("set {} ends ({}): {}", set->first().record.id, end_word(why), because);
  for (const SetSide& side : set->sides) note_set("set_ended", side.record, because);
  set->unload_id = send_to_sides({.kind = rt::CommandKind::kUnload});
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
    const auto is_slack = [this](const SetSide& side) {
      const safety::LoadState load = status_of(side).load_state;
      return load != safety::LoadState::kLoaded && load != safety::LoadState::kUnloading;
    };
    const bool slack = loop.passed(set->unload_id) && set->all(is_slack);
    if (!slack && in_stage_s <= kUnloadTimeoutS) return;
    if (!slack) {
      audit->error("set {} did not unload within {} s; drives go off", set->first().record.id,
                   kUnloadTimeoutS);
      session_ends_after_set = true;
      drives_off();
    }
    // Until the load went out the loop has counted on: its last word is what the repetitions say.
    for (SetSide& side : set->sides) take_counts(side);
    set->end_id = send_to_sides({.kind = rt::CommandKind::kEndSet});
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
  std::vector<record::SetRecord> closed;
  for (SetSide& side : set->sides) {
    side.record.end_tick = end_tick;
    side.record.end_unix_ns = runtime.wall_unix_ns();
    if (!side.recording) continue;
    records.close_set(side.record);
    closed.push_back(side.record);
  }
  if (!closed.empty()) last_set = std::move(closed);
  set.reset();
}

void Station::Impl::after_set() {
  drives_off();  // hands are at the cuff between sets: no torque
  const double rest_s = session_->program.blocks[session_->plan[session_->next].block].rest_s;
  rest_or_finish(rest_s);
}

void Station::Impl::rest_or_finish(double rest_s) {
  ++session_->next;
  if (session_ends_after_set || session_->next >= session_->plan.size()) {
    unload_stage = UnloadStage::kStore;
    stage_tick = loop.status().tick;
    enter(StationState::kUnloading, "what was done is being stored");
    return;
  }
  resumed_rest = false;
  rest_end_tick = loop.status().tick + static_cast<std::uint64_t>(rest_s / kTickPeriodS + 0.5);
  const record::Side side = session_->plan[session_->next].side;
  enter(StationState::kResting,
        fmt::format("rest, then {}", side == record::Side::kBoth
                                         ? std::string("both sides")
                                         : fmt::format("the {} side", record::to_string(side))));
}

void Station::Impl::on_rep(const std::string& set_id, const measure::RepMetrics& rep) {
  const auto take = [&](record::SetRecord& record) {
    if (record.id == set_id) record.reps.push_back(rep);
  };
  if (set) {
    for (SetSide& side : set->sides) take(side.record);
  }
  for (record::SetRecord& record : last_set) take(record);
  publish_now = true;
}

void Station::Impl::on_stored(const record::StoredSet& stored) {
  audit->info("set {} is stored as number {}", stored.set.id, stored.sequence);
  for (record::SetRecord& record : last_set) {
    if (record.id == stored.set.id) record = stored.set;
  }
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
