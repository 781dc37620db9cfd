// Sessions: from the start order through arming, pretension and rest to the end, and the fault
// state.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "controller/base/clamp.hpp"
#include "controller/base/tick.hpp"
#include "controller/station/order_limits.hpp"
#include "controller/station/station_impl.hpp"

namespace medius::station {
namespace {

std::uint64_t ticks(double seconds) {
  return static_cast<std::uint64_t>(seconds / kTickPeriodS + 0.5);
}

const char* drive_word(hal::DriveState state) {
  switch (state) {
    case hal::DriveState::kUnknown:
      return "not heard of";
    case hal::DriveState::kNotReadyToSwitchOn:
      return "not ready to switch on";
    case hal::DriveState::kSwitchOnDisabled:
      return "switch-on disabled";
    case hal::DriveState::kReadyToSwitchOn:
      return "ready to switch on";
    case hal::DriveState::kSwitchedOn:
      return "switched on";
    case hal::DriveState::kOperationEnabled:
      return "enabled";
    case hal::DriveState::kQuickStopActive:
      return "in quick stop";
    case hal::DriveState::kFaultReactionActive:
      return "reacting to a fault";
    case hal::DriveState::kFault:
      return "in fault";
  }
  return "unknown";
}

std::string pretension_advice(const ActiveSet& set) {
  const bool right = set.first().record.side == record::Side::kRight;
  if (set.block.coordinate == hal::CoordinateKind::kCable) {
    return fmt::format("put the cuff on the {} side and stand still", right ? "right" : "left");
  }
  if (set.sides.size() > 1 || set.first().record.side == record::Side::kBoth) {
    return "put both legs against the pads and sit still";
  }
  return fmt::format("put the {} leg against its pad and sit still", right ? "right" : "left");
}

// Power-up is latched without a cause.
bool is_latched(const rt::Status& status) {
  return status.reaction >= safety::Reaction::kSoftUnload &&
         (status.fault == safety::FaultCode::kNone || safety::fault_info(status.fault).latched);
}

std::string fault_sentence(safety::FaultCode code) {
  if (code == safety::FaultCode::kNone) {
    return "power-up: press the reset button at the operator panel";
  }
  const safety::FaultInfo& info = safety::fault_info(code);
  return fmt::format("{}: {}", info.name, info.next_step);
}

}  // namespace

void Station::Impl::enter(StationState next, std::string why) {
  if (next != state) {
    audit->info("state {} -> {}{}{}", to_string(state), to_string(next), why.empty() ? "" : ": ",
                why);
  }
  state = next;
  reason = std::move(why);
  state_tick = loop.status().tick;
  still_since_tick = state_tick;
  changed();
}

// The first set is prepared already; its order waits for `enable_id`.
void Station::Impl::begin_session(Session next) {
  session_ = std::move(next);
  session_ends_after_set = false;
  end_reason.clear();
  paused = false;
  starter_gone_ = went_away(session_->client_name);
  lease_ran_out_of_.clear();
  client_lost_ = starter_gone_;
  load_change.reset();
  shown_session_id = session_->record.id;
  stored_set_ids.clear();
  last_set.clear();
  last_guided.reset();
  audit->info("session {} starts: program '{}', {} sets, client '{}'", session_->record.id,
              session_->program.id, session_->plan.size(), session_->client_name);
  for (const std::string& note : session_->trainee.notes) audit->warn("session: {}", note);
  note_session("session_started", session_->record, session_->client_name, "");
  records.put_session(session_->record);
  if (!session_->record.plan_id.empty()) {
    plans.begun(session_->record.plan_id, session_->record.id);
  }
}

void Station::Impl::arm() {
  freeze_increases(client_lost_);
  for (SetSide& side : set->sides) {
    loop.send({.kind = rt::CommandKind::kSetUserLimits,
               .axis = side.axis,
               .value = config.machine.axes[side.axis].user_force_max,
               .value2 = kUserEccentricRatioMax});
    side.enable_id = loop.send({.kind = rt::CommandKind::kEnable, .axis = side.axis});
  }
  enter(StationState::kArming, "drives come up");
}

void Station::Impl::step_arming() {
  if (set->refusal) {
    abandon_set("the loop refused to enable the drive: " + fault_sentence(*set->refusal));
    return;
  }
  const auto is_up = [this](const SetSide& side) {
    return loop.passed(side.enable_id) &&
           status_of(side).drive_state == hal::DriveState::kOperationEnabled;
  };
  if (set->all(is_up) && loop.status().link_fresh) {
    if (const auto wrong = check_drive_limit(set->load_ordered, set->ratio)) {
      abandon_set(wrong->message);
      return;
    }
    for (SetSide& side : set->sides) {
      side.take_up_id = loop.send({.kind = rt::CommandKind::kTakeUp,
                                   .axis = side.axis,
                                   .value = config.machine.axes[side.axis].pretension});
    }
    enter(StationState::kPretension, pretension_advice(*set));
    return;
  }
  if (in_state_s() > kArmTimeoutS) {
    const auto down = std::find_if_not(set->sides.begin(), set->sides.end(), is_up);
    const SetSide& side = down == set->sides.end() ? set->first() : *down;
    abandon_set(
        fmt::format("drive of axis '{}' did not come up within {} s (it is {}); look at the "
                    "drive and start anew",
                    config.machine.axes[side.axis].name, kArmTimeoutS,
                    drive_word(status_of(side).drive_state)));
  }
}

bool Station::Impl::cuff_is_on() const {
  return set->all([this](const SetSide& side) {
    const double pretension = config.machine.axes[side.axis].pretension;
    const double tension = at_most(kReadyTension, kReadyTensionFraction * pretension);
    return status_of(side).force_measured > tension;
  });
}

void Station::Impl::step_pretension() {
  if (set->refusal) {
    abandon_set("the loop refused the pretension: " + fault_sentence(*set->refusal));
    return;
  }
  const std::uint64_t tick = loop.status().tick;
  const auto is_still = [this](const SetSide& side) {
    const rt::AxisStatus& axis = status_of(side);
    return axis.load_state == safety::LoadState::kTakeUp &&
           absolute(axis.velocity) < config.machine.axes[side.axis].ready_speed;
  };
  if (!set->all(is_still) || !cuff_is_on()) still_since_tick = tick;
  const double hold_s = config.machine.axes[set->first().axis].ready_hold_s;
  if (tick - still_since_tick >= ticks(hold_s) && !held_by_lost_client()) {
    enter(StationState::kReady, "held still; the load comes in");
    return;
  }
  if (in_state_s() > kPretensionTimeoutS) {
    abandon_set(fmt::format("nobody held the {} still within {:.0f} s; start anew",
                            set->block.coordinate == hal::CoordinateKind::kLever ? "pads" : "cuff",
                            kPretensionTimeoutS));
  }
}

void Station::Impl::step_resting() {
  const std::uint64_t tick = loop.status().tick;
  const bool over = tick >= rest_end_tick && (config.autostart_next_set || resumed_rest);
  if (paused || !over || held_by_lost_client()) {
    const std::uint64_t waits_since = rest_end_tick > state_tick ? rest_end_tick : state_tick;
    if (tick > waits_since + ticks(kPauseTimeoutS)) {
      end_session(fmt::format("nobody went on within {:.0f} s after the rest", kPauseTimeoutS));
    }
    return;
  }
  if (records.unstored_sets() >= kUnstoredSetsMax) {
    end_session(fmt::format("{} sets wait for the store ({}); mend the store first",
                            records.unstored_sets(), store_trouble));
    return;
  }
  begin_next_set();
}

void Station::Impl::begin_next_set() {
  if (next_is_guided(*session_)) {
    begin_guided();
    return;
  }
  auto next = prepare(*session_, session_->next);
  if (!next) {
    end_session("the next set cannot start: " + next.error().message);
    return;
  }
  set = std::move(*next);
  last_guided.reset();
  paused = false;
  arm();
}

// A set that the loop has not taken: nothing to record.
void Station::Impl::abandon_set(const std::string& because) {
  audit->warn("set {} is given up: {}", set->first().record.id, because);
  set.reset();
  end_session(because);
}

void Station::Impl::close_session(const std::string& because) {
  last_sets_total = static_cast<std::uint32_t>(session_->plan.size());
  session_->record.end_unix_ns = runtime.wall_unix_ns();
  records.put_session(session_->record);
  if (!session_->record.plan_id.empty()) plans.ended(session_->record.id);
  audit->info("session {} ends: {}", session_->record.id, because);
  note_session("session_ended", session_->record, "", because);
  session_.reset();
  paused = false;
  session_ends_after_set = false;
  if (client_lost_) freeze_increases(false);
  client_lost_ = starter_gone_ = false;
  lease_ran_out_of_.clear();
}

void Station::Impl::end_session(const std::string& because) {
  close_session(because);
  drives_off();
  enter(StationState::kIdle, because);
}

void Station::Impl::drives_off() {
  for (std::size_t axis = 0; axis < config.machine.axes.size(); ++axis) {
    loop.send({.kind = rt::CommandKind::kDisable, .axis = static_cast<std::uint8_t>(axis)});
  }
}

void Station::Impl::watch_fault() {
  const rt::Status& status = loop.status();
  if (status.tick == 0 || state == StationState::kFault) return;
  if (is_latched(status)) {
    enter_fault(status.fault);
  } else if (state == StationState::kIdle && reason == kWaitingForLoop) {
    enter(StationState::kIdle, "");
  }
}

void Station::Impl::enter_fault(safety::FaultCode code) {
  audit->error("fault: {}", fault_sentence(code));
  note_fault("fault_latched", fault_sentence(code), loop.status().tick);
  // The loop may have taken a set of which it has not told yet.
  if (set && set->any([](const SetSide& side) { return side.start_id != 0; })) {
    send_to_sides({.kind = rt::CommandKind::kEndSet});
  }
  if (set && set->any([](const SetSide& side) { return side.taken; })) {
    begin_recording();
    if (!set->ending) settle_counts(record::SetEnd::kFault);
    for (SetSide& side : set->sides) side.record.fault = static_cast<std::uint16_t>(code);
    close_set(loop.status().tick);
  }
  set.reset();
  drives_off();  // not even pretension stays on
  const std::string sentence = fault_sentence(code);
  if (guided) {
    guided->watches_pelvis = false;  // what was seen up to here is no stance
    end_guided_now(record::GuidedEnd::kFault, sentence);
  }
  if (session_) close_session(sentence);
  fault_shown = code;
  enter(StationState::kFault, sentence);
}

// Force returns only after the local reset; the session is not resumed.
void Station::Impl::step_fault() {
  const rt::Status& status = loop.status();
  if (status.reaction < safety::Reaction::kSoftUnload) {
    drives_off();
    enter(StationState::kIdle, "reset at the operator panel");
    return;
  }
  if (status.fault == fault_shown) return;
  fault_shown = status.fault;
  enter(StationState::kFault, fault_sentence(status.fault));
}

void Station::Impl::on_event(const rt::Event& event) {
  using rt::EventKind;
  SetSide* const side = set ? set->on_axis(event.axis) : nullptr;
  const bool own = side != nullptr && event.command_id != 0 &&
                   (event.command_id == side->enable_id || event.command_id == side->take_up_id ||
                    event.command_id == side->start_id || event.command_id == side->engage_id);
  switch (event.kind) {
    case EventKind::kCommandTaken:
      if (own && event.command_id == side->start_id) {
        side->taken = true;
        side->record.start_tick = event.tick;
        side->record.start_unix_ns = runtime.wall_unix_ns();
      }
      if (own && event.command_id == side->engage_id) side->engaged = true;
      keep_given(event);
      settle_orders(event);
      break;
    case EventKind::kCommandRefused:
      if (own) set->refusal = event.fault;
      settle_orders(event);
      break;
    case EventKind::kLoadApplied:
      if (side != nullptr && !set->ending) {
        // An event from before a decrease must not count as the load in force.
        side->load_in_force =
            set->load_ordered - event.value > kLoadRounding ? event.value : set->load_ordered;
        side->record.load_end = side->load_in_force;
        add_given(side->record, {event.tick, record::GivenKind::kLoadApplied, "", event.value});
        note_load_applied(*side, event);
        publish_now = true;
      }
      break;
    case EventKind::kPhaseChanged:
      // Both sides are paced by the first.
      if (!set || side == &set->first()) phase_tick = event.tick;
      break;
    case EventKind::kRepClosed:
      if (side != nullptr && side->recording) records.rep_closed(side->serial, event.rep);
      publish_now = true;
      break;
    case EventKind::kFault:
      if (set) set->pause_reason = "paused by " + fault_sentence(event.fault);
      audit->error("tick {}: axis {}: {}", event.tick, event.axis, fault_sentence(event.fault));
      note_fault("fault", fault_sentence(event.fault), event.tick);
      break;
    case EventKind::kFaultCleared:
      audit->info("tick {}: reset at the operator panel", event.tick);
      note_fault("fault_cleared", "reset at the operator panel", event.tick);
      break;
    case EventKind::kNone:
    case EventKind::kDirectionChanged:
    case EventKind::kSetStarted:
    case EventKind::kUnloaded:
    case EventKind::kProfileRetired:
      break;
  }
}

}  // namespace medius::station
