// Orders that the loop has to take: load, parameter, pause, resume, stop. They are answered when
// the loop has taken them, with the tick at which it did.
#include <limits>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "controller/base/tick.hpp"
#include "controller/station/order_limits.hpp"
#include "controller/station/station_impl.hpp"

namespace medius::station {
namespace {

constexpr std::size_t kStopsWaitingMax = 32;  // one waiting unload command is as good as many

Refusal wrong_state(std::string message) {
  return {RefusalCode::kWrongState, std::move(message)};
}

Refusal queue_full() {
  return {RefusalCode::kBusy, "the loop's command queue is full (256); send it again in a moment"};
}

}  // namespace

std::int64_t Station::Impl::order_timeout_ns() const {
  return config.machine.lockstep ? kLockstepOrderTimeoutNs : kOrderTimeoutNs;
}

// ---- waiting for the loop -----------------------------------------------------------------
void Station::Impl::await(std::uint64_t command_id, const OrderHeader& header, PendingOrder order,
                          const ReceiptAnswer& answer) {
  audit->info("accepted {} '{:.64}' of '{:.64}' as command {}", order.what, header.request_id,
              header.client_name, command_id);
  order.header = header;
  order.waiters.emplace_back(answer, false);
  order.deadline_ns = now_ns + order_timeout_ns();
  order.key = answer_key(header);
  if (!header.request_id.empty()) pending_by_request.emplace(order.key, command_id);
  pending.emplace(command_id, std::move(order));
  if (publish_now) publish();
}

void Station::Impl::settle_orders(const rt::Event& event) {
  if (const auto late = too_late.find(event.command_id); late != too_late.end()) {
    if (event.kind == rt::EventKind::kCommandTaken && late->second) late->second();
    too_late.erase(late);
    return;
  }
  const auto found = pending.find(event.command_id);
  if (found == pending.end()) return;
  PendingOrder order = std::move(found->second);
  pending.erase(found);
  if (event.kind == rt::EventKind::kCommandTaken || order.always_accepted) {
    order.receipt.tick = event.tick;
    loop.refresh(now_ns);
    order.receipt.report = load_report(event.axis);
    if (event.kind == rt::EventKind::kCommandTaken && order.on_taken) {
      order.on_taken(event, order.receipt);
    }
    answer_pending(order, order.receipt);
    return;
  }
  if (order.roll_back) order.roll_back();
  const safety::FaultInfo& info = safety::fault_info(event.fault);
  answer_pending(order, tl::make_unexpected(wrong_state(
                            fmt::format("the loop refused {} at tick {} ({}): {}", order.what,
                                        event.tick, info.name, info.next_step))));
}

void Station::Impl::expire_orders() {
  while (!pending.empty() && pending.begin()->second.deadline_ns <= now_ns) {
    const std::uint64_t id = pending.begin()->first;
    PendingOrder order = std::move(pending.begin()->second);
    pending.erase(pending.begin());
    if (order.roll_back) order.roll_back();
    // A stale increase must not come into force when the loop goes on later.
    too_late.emplace(id, std::move(order.undo));
    if (too_late.size() > kOrdersUnderWayMax) too_late.erase(too_late.begin());
    const char* next_step = order.always_accepted
                                ? "press the emergency stop"
                                : "look at the station's warnings, then order anew";
    answer_pending(
        order,
        tl::make_unexpected(Refusal{
            RefusalCode::kUnavailable,
            fmt::format("the loop has not taken {} within {} ms (last tick {}); {}", order.what,
                        order_timeout_ns() / 1'000'000, loop.status().tick, next_step)}));
  }
}

void Station::Impl::answer_pending(PendingOrder& order, Outcome<Receipt> outcome) {
  const std::string& request_id = order.receipt.request_id;
  pending_by_request.erase(order.key);
  if (outcome) {
    note_accepted(order.header, order.what, *outcome);
  } else {
    audit->warn("not carried out: {} '{:.64}': {}", order.what, request_id,
                outcome.error().message);
    note_refused(order.header, order.what, outcome.error());
  }
  if (!check_request_id(request_id)) {
    if (outcome) {
      remember_accepted(order.key, {order.what, outcome});
    } else {
      refused.remember(order.key, {order.what, outcome});
    }
  }
  for (const auto& [answer, repeated] : order.waiters) {
    Outcome<Receipt> copy = outcome;
    if (copy) copy->duplicate = repeated;
    answer(std::move(copy));
  }
}

LoadReport Station::Impl::load_report(std::uint8_t axis) const {
  const rt::AxisStatus& now = loop.status().axis[axis];
  const std::int64_t age_ns = now.drive_age_ns > 0 ? now.drive_age_ns : 0;
  const auto age = static_cast<std::uint64_t>(age_ns / kTickPeriodNs);
  const std::uint64_t tick = loop.status().tick;
  return {now.load_applied, now.load_applied_tick, now.drive_force_readback,
          tick > age ? tick - age : 0};
}

// Whether the last change of a load has come into force by now.
void Station::Impl::watch_load_change() {
  if (!load_change || load_change_command == 0) return;
  const rt::AxisStatus& axis = loop.status().axis[load_change->axis];
  load_change->report = load_report(load_change->axis);
  if (!set || set->ending) {
    load_change_command = 0;
  } else if (axis.load_command_id >= load_change_command) {
    load_change_command = 0;
    load_change->applied = true;
    publish_now = true;
  }
}

// The first must find room; the others follow it in order, whatever waits.
std::optional<std::uint64_t> Station::Impl::try_send_to_sides(rt::Command command) {
  command.axis = set->first().axis;
  std::optional<std::uint64_t> id = loop.try_send(command);
  for (std::size_t i = 1; id && i < set->sides.size(); ++i) {
    command.axis = set->sides[i].axis;
    id = loop.send(command);
  }
  return id;
}

// What a drive itself grants may be less than the machine file's limits.
std::optional<Refusal> Station::Impl::check_drive_limit(double load, double ratio) const {
  const double felt = load * ratio;
  for (const SetSide& side : set->sides) {
    const double limit = status_of(side).drive_force_limit;
    if (!(limit > 0.0) || felt <= limit) continue;
    const char* unit = set->block.coordinate == hal::CoordinateKind::kCable ? "N" : "Nm";
    return Refusal{RefusalCode::kOverLimit,
                   fmt::format("a load of {} {} times ratio {} is {:.1f} {}, but the drive of axis "
                               "'{}' grants {:.1f} {} (see the daemon's warnings); lower the load",
                               load, unit, ratio, felt, unit, config.machine.axes[side.axis].name,
                               limit, unit)};
  }
  return std::nullopt;
}

// ---- load ---------------------------------------------------------------------------------
std::optional<Refusal> Station::Impl::check_adjust(const AdjustLoadOrder& order) const {
  if (order.axis >= config.machine.axes.size()) {
    return Refusal{RefusalCode::kInvalid, fmt::format("there is no axis {}; this machine has {}",
                                                      order.axis, config.machine.axes.size())};
  }
  LoadCheck load{order.load, order.coordinate, 1.0};
  if (set && !set->ending) load.eccentric_ratio = set->ratio;
  if (auto wrong = check_load(config.machine.axes[order.axis], load)) return wrong;
  if (set && set->on_axis(order.axis) != nullptr) {
    if (auto wrong = check_drive_limit(order.load, set->ratio)) return wrong;
  }
  if (state == StationState::kFault) return wrong_state("the station is in fault; " + reason);
  if (!session_ || state == StationState::kUnloading) {
    return wrong_state(
        fmt::format("no set is under way (the station is {}); start one first", to_string(state)));
  }
  // During a rest the set to come is meant.
  const std::size_t next = session_->next;
  if (!set && next >= session_->plan.size()) return std::nullopt;
  const ProgramBlock& block =
      set ? set->block : session_->program.blocks[session_->plan[next].block];
  const auto over =
      over_cap(session_->trainee, block.exercise_id, block.coordinate, order.load, arms());
  if (over) return Refusal{RefusalCode::kOverLimit, *over};
  return std::nullopt;
}

// The load that the order replaces; infinite where there is none, which the checks refuse.
double Station::Impl::load_before() const {
  if (!session_ || state == StationState::kUnloading) {
    return std::numeric_limits<double>::infinity();
  }
  if (set && set->started()) return set->load_ordered;
  if (session_->next >= session_->plan.size()) return std::numeric_limits<double>::infinity();
  const PlannedSet& planned = session_->plan[session_->next];
  const auto adjusted = session_->adjusted.find({planned.block, planned.side});
  return adjusted == session_->adjusted.end() ? session_->program.blocks[planned.block].load
                                              : adjusted->second;
}

void Station::Impl::adjust_load(const AdjustLoadOrder& order, const ReceiptAnswer& answer) {
  const std::string what =
      fmt::format("adjust_load {} {} on axis {}", order.load,
                  order.coordinate == hal::CoordinateKind::kCable ? "N" : "Nm", order.axis);
  const bool raises = order.load > load_before();
  if (!admit(order.header, what, raises ? LeaseNeed::kWhenHeld : LeaseNeed::kEpochOnly, answer)) {
    return;
  }
  if (auto wrong = check_adjust(order)) {
    refuse(order.header, what, *wrong, answer);
    return;
  }
  if (!set || !set->started()) {
    plan_load(order, what, answer);
    return;
  }
  if (set->on_axis(order.axis) == nullptr) {
    refuse(order.header, what,
           wrong_state(fmt::format("the set under way uses axis {}, not {}", set->first().axis,
                                   order.axis)),
           answer);
    return;
  }
  const bool increase = order.load > set->load_ordered;
  std::optional<Refusal> wrong;
  if (increase && client_lost_) {
    wrong = wrong_state(why_frozen());
  }
  for (const SetSide& side : set->sides) {
    if (!increase || wrong) break;
    wrong = check_load_step(config.machine.axes[side.axis], set->load_in_force(), order.load);
  }
  std::optional<std::uint64_t> id;
  if (!wrong) {
    id = try_send_to_sides({.kind = rt::CommandKind::kSetLoad, .value = order.load});
    if (!id) wrong = queue_full();
  }
  if (wrong) {
    refuse(order.header, what, *wrong, answer);
    return;
  }
  const double before = set->load_ordered;
  const PlannedSet& planned = session_->plan[session_->next];
  const std::pair key{planned.block, planned.side};
  const auto adjusted = session_->adjusted.find(key);
  const std::optional<double> adjusted_before =
      adjusted == session_->adjusted.end() ? std::nullopt : std::optional(adjusted->second);
  set->load_ordered = order.load;
  set->lower_load_in_force(order.load);
  session_->adjusted[key] = order.load;
  changed();
  PendingOrder pending_order;
  pending_order.receipt = receipt_for(order.header);
  pending_order.receipt.requested = order.load;
  pending_order.receipt.effect = increase ? Effect::kAtBottom : Effect::kRamping;
  pending_order.what = what;
  pending_order.on_taken = [this, client = order.header.client_name](const rt::Event& event,
                                                                     Receipt& receipt) {
    receipt.accepted = event.value;
    load_change = LoadChange{receipt.request_id, client,     event.axis, receipt.requested,
                             event.value,        event.tick, false,      receipt.report};
    load_change_command = event.command_id;
    publish_now = true;
  };
  const std::string set_id = set->first().record.id;
  if (increase) {
    const double load = order.load;
    pending_order.undo = [this, before, set_id] {
      if (!set || set->first().record.id != set_id || set->ending) return;
      audit->warn("a load increase was taken too late and is taken back to {}", before);
      send_to_sides({.kind = rt::CommandKind::kSetLoad, .value = before});
    };
    // Unless a later order has come in between: then that one counts.
    pending_order.roll_back = [this, before, load, key, adjusted_before, set_id] {
      if (!set || set->first().record.id != set_id || set->load_ordered != load) return;
      set->load_ordered = before;
      session_->adjusted.erase(key);
      if (adjusted_before) session_->adjusted.emplace(key, *adjusted_before);
      changed();
    };
  }
  await(*id, order.header, std::move(pending_order), answer);
}

// Before a set has begun its load is only a plan.
void Station::Impl::plan_load(const AdjustLoadOrder& order, const std::string& what,
                              const ReceiptAnswer& answer) {
  const PlannedSet& planned = session_->plan[session_->next];
  ProgramBlock block = session_->program.blocks[planned.block];
  const double before = load_before();
  block.load = order.load;
  const auto axes = axes_for(config.machine, block.coordinate, planned.side);
  std::optional<Refusal> wrong;
  if (block.guided) {
    wrong =
        wrong_state(fmt::format("{} needs no machine and has no load; adjust it once the next "
                                "loaded set is up",
                                block.exercise_id));
  }
  if (!wrong) wrong = check_block(config.machine, plugins, block);
  if (!wrong && std::find(axes.begin(), axes.end(), order.axis) == axes.end()) {
    wrong = wrong_state(fmt::format("the next set does not use axis {}", order.axis));
  }
  if (!wrong && order.load > before && client_lost_) {
    wrong = wrong_state(why_frozen());
  }
  for (const std::size_t axis : axes) {
    if (wrong || !(order.load > before)) break;
    wrong = check_load_step(config.machine.axes[axis], before, order.load);
  }
  if (wrong) {
    refuse(order.header, what, *wrong, answer);
    return;
  }
  session_->adjusted[{planned.block, planned.side}] = order.load;
  if (set) {
    set->block.load = set->load_ordered = order.load;
    for (SetSide& side : set->sides) {
      side.load_in_force = side.record.load_start = side.record.load_end = order.load;
    }
  }
  changed();
  Receipt receipt = receipt_for(order.header);
  receipt.effect = Effect::kScheduled;
  receipt.requested = receipt.accepted = order.load;
  accept(order.header, what, std::move(receipt), answer);
}

// ---- parameters ---------------------------------------------------------------------------
std::optional<Refusal> Station::Impl::check_set_parameter(const SetParameterOrder& order) const {
  if (!set || state != StationState::kWorking ||
      std::none_of(set->sides.begin(), set->sides.end(),
                   [&](const SetSide& side) { return side.axis == order.axis; })) {
    return wrong_state(
        fmt::format("no set is under way on axis {} (the station is {}); parameters "
                    "of a set to come belong into its program",
                    order.axis, to_string(state)));
  }
  const ProfileInfo& profile = plugins.profiles().at(set->block.profile.id);
  const ParameterInfo* parameter = find_parameter(profile, order.parameter);
  if (parameter == nullptr) {
    return Refusal{
        RefusalCode::kNotFound,
        fmt::format("profile '{}' has no parameter '{:.64}'; 'medius profiles' lists them",
                    profile.id, order.parameter)};
  }
  if (auto wrong = check_parameter(profile, *parameter, order.value, order.header.authority)) {
    return wrong;
  }
  if ((parameter->flags & MEDIUS_PARAM_NEEDS_RESTART) != 0) {
    return wrong_state(
        fmt::format("{} of profile '{}' cannot change during a set; end the set first",
                    parameter->name, profile.id));
  }
  if (client_lost_) {
    return wrong_state(why_frozen());
  }
  ProfileChoice choice = set->block.profile;
  choice.parameters[parameter->name] = order.value;
  for (const SetSide& side : set->sides) {
    const double load = at_least(set->load_ordered, side.load_in_force);
    if (auto wrong = check_load(config.machine.axes[side.axis],
                                {load, set->block.coordinate, eccentric_ratio(profile, choice)})) {
      return wrong;
    }
  }
  return std::nullopt;
}

void Station::Impl::set_parameter(const SetParameterOrder& order, const ReceiptAnswer& answer) {
  const std::string what =
      fmt::format("set_parameter {:.64} {} on axis {}", order.parameter, order.value, order.axis);
  if (!admit(order.header, what, LeaseNeed::kWhenHeld, answer)) return;
  std::optional<Refusal> wrong = check_set_parameter(order);
  const ParameterInfo* parameter = nullptr;
  std::optional<std::uint64_t> id;
  if (!wrong) {
    parameter = find_parameter(plugins.profiles().at(set->block.profile.id), order.parameter);
    id = try_send_to_sides({.kind = rt::CommandKind::kSetParameter,
                            .parameter_id = parameter->id,
                            .value = order.value});
    if (!id) wrong = queue_full();
  }
  if (wrong) {
    refuse(order.header, what, *wrong, answer);
    return;
  }
  const auto given = set->block.profile.parameters.find(parameter->name);
  const double before =
      given == set->block.profile.parameters.end() ? parameter->default_value : given->second;
  set->block.profile.parameters[parameter->name] = order.value;
  set->ratio = eccentric_ratio(plugins.profiles().at(set->block.profile.id), set->block.profile);
  changed();
  PendingOrder pending_order;
  pending_order.receipt = receipt_for(order.header);
  pending_order.receipt.requested = order.value;
  pending_order.receipt.effect =
      (parameter->flags & MEDIUS_PARAM_SLEW) != 0 ? Effect::kRamping : Effect::kApplied;
  pending_order.what = what;
  pending_order.on_taken = [](const rt::Event& event, Receipt& receipt) {
    receipt.accepted = event.value;
  };
  const std::string set_id = set->first().record.id;
  pending_order.undo = [this, parameter_id = parameter->id, before, set_id] {
    if (!set || set->first().record.id != set_id || set->ending) return;
    audit->warn("a parameter was taken too late and is taken back to {}", before);
    send_to_sides(
        {.kind = rt::CommandKind::kSetParameter, .parameter_id = parameter_id, .value = before});
  };
  pending_order.roll_back = [this, name = parameter->name, value = order.value, before, set_id] {
    if (!set || set->first().record.id != set_id) return;
    ProfileChoice& choice = set->block.profile;
    if (choice.parameters[name] != value) return;
    choice.parameters[name] = before;
    set->ratio = eccentric_ratio(plugins.profiles().at(choice.id), choice);
    changed();
  };
  await(*id, order.header, std::move(pending_order), answer);
}

// ---- pause and resume ---------------------------------------------------------------------
void Station::Impl::pause(const OrderHeader& header, const ReceiptAnswer& answer) {
  constexpr const char* kWhat = "pause";
  if (!admit(header, kWhat, LeaseNeed::kNone, answer)) return;
  const bool guided_pause =
      state == StationState::kGuided && !guided->watches_pelvis && !guided->measuring;
  if (state != StationState::kWorking && state != StationState::kResting && !guided_pause) {
    refuse(header, kWhat,
           wrong_state(fmt::format("nothing to pause (the station is {}); stop always works",
                                   to_string(state))),
           answer);
    return;
  }
  const bool already = paused;
  if (!already) {
    paused = true;
    reason = "paused by the trainer";
    changed();
  }
  Receipt receipt = receipt_for(header);
  if (already || state == StationState::kResting || guided_pause) {
    receipt.effect = already ? Effect::kApplied : Effect::kScheduled;
    accept(header, kWhat, std::move(receipt), answer);
    return;
  }
  set->paused_tick = loop.status().tick;
  PendingOrder order;
  order.receipt = std::move(receipt);
  order.receipt.effect = Effect::kRamping;
  order.what = kWhat;
  order.always_accepted = true;  // nothing to unload is as good as unloaded
  // Not try_send(): taking load off is never refused for a full queue.
  const std::uint64_t id = send_to_sides({.kind = rt::CommandKind::kUnload});
  await(id, header, std::move(order), answer);
}

std::optional<Refusal> Station::Impl::may_resume() const {
  if (client_lost_) {
    return wrong_state(why_frozen());
  }
  if (state == StationState::kResting) return std::nullopt;
  if (state == StationState::kGuided && paused) return std::nullopt;
  if (state != StationState::kWorking || !paused) {
    return wrong_state(fmt::format("nothing is paused (the station is {})", to_string(state)));
  }
  if (loop.status().reaction >= safety::Reaction::kSoftUnload) {
    return wrong_state(
        fmt::format("the machine still holds its load back ({}); resume when it is "
                    "over",
                    safety::fault_info(loop.status().fault).name));
  }
  const auto in_take_up = [this](const SetSide& side) {
    return status_of(side).load_state == safety::LoadState::kTakeUp;
  };
  if (!set->all(in_take_up)) {
    return wrong_state("the load is still going out; resume half a second later");
  }
  if (!cuff_is_on()) {
    const double pretension = config.machine.axes[set->first().axis].pretension;
    if (set->block.coordinate == hal::CoordinateKind::kLever) {
      return wrong_state(
          fmt::format("a leg is not against its pad (pretension is {} Nm); put it "
                      "there, then resume",
                      pretension));
    }
    return wrong_state(
        fmt::format("the cable is slack ({:.1f} measured, pretension is {}); stand so "
                    "that it is taut, then resume",
                    axis_status().force_measured, pretension));
  }
  return std::nullopt;
}

void Station::Impl::resume(const OrderHeader& header, const ReceiptAnswer& answer) {
  constexpr const char* kWhat = "resume";
  if (!admit(header, kWhat, LeaseNeed::kWhenHeld, answer)) return;
  std::optional<Refusal> wrong = may_resume();
  std::optional<std::uint64_t> id;
  if (!wrong && state == StationState::kWorking) {
    id = try_send_to_sides({.kind = rt::CommandKind::kEngage});
    if (!id) wrong = queue_full();
  }
  if (wrong) {
    refuse(header, kWhat, *wrong, answer);
    return;
  }
  paused = false;
  if (state == StationState::kGuided) {
    changed();
    accept(header, kWhat, receipt_for(header), answer);
    return;
  }
  reason.clear();
  if (state == StationState::kResting) {
    // Also ends a rest early.
    rest_end_tick = loop.status().tick;
    resumed_rest = true;
    changed();
    Receipt receipt = receipt_for(header);
    receipt.effect = Effect::kScheduled;
    accept(header, kWhat, std::move(receipt), answer);
    return;
  }
  // The last of them: both sides are in force only when both commands have passed.
  for (SetSide& side : set->sides) side.engage_id = *id;
  set->pause_reason.clear();
  set->moved_tick = loop.status().tick;
  changed();
  PendingOrder order;
  order.receipt = receipt_for(header);
  order.receipt.effect = Effect::kRamping;
  order.what = kWhat;
  const std::string set_id = set->first().record.id;
  order.undo = [this, set_id] {
    if (!set || set->first().record.id != set_id || set->ending) return;
    audit->warn("resume was taken too late; paused again");
    paused = true;
    set->paused_tick = loop.status().tick;
    send_to_sides({.kind = rt::CommandKind::kUnload});
    changed();
  };
  await(*id, header, std::move(order), answer);
}

// ---- stop ---------------------------------------------------------------------------------
// Whatever the request id or the expected version say: a stop is carried out first.
void Station::Impl::stop(const OrderHeader& header, const ReceiptAnswer& answer) {
  now_ns = runtime.monotonic_ns();
  loop.refresh(now_ns);
  const bool under_load = set.has_value();
  std::uint64_t id = 0;
  if (loop.waiting() < kStopsWaitingMax) {
    for (std::size_t axis = 0; axis < config.machine.axes.size(); ++axis) {
      id = loop.send({.kind = rt::CommandKind::kUnload, .axis = static_cast<std::uint8_t>(axis)});
    }
  }
  Receipt receipt = receipt_for(header);
  stop_now(record::SetEnd::kStopped, "stopped");
  if (publish_now) publish();
  receipt.version = version;
  receipt.effect = under_load ? Effect::kRamping : Effect::kApplied;

  if (const Remembered* first = accepted.find(answer_key(header))) {
    Outcome<Receipt> again = first->outcome;
    again->duplicate = true;
    answer(std::move(again));
    return;
  }
  if (const auto same = pending_by_request.find(answer_key(header));
      same != pending_by_request.end()) {
    pending.at(same->second).waiters.emplace_back(answer, true);
    return;
  }
  if (id == 0 || pending.size() >= 2 * kOrdersUnderWayMax) {
    // The unload command is on its way already; this stop adds nothing to it.
    receipt.effect = Effect::kScheduled;
    answer(std::move(receipt));
    return;
  }
  PendingOrder order;
  order.receipt = std::move(receipt);
  order.what = "stop";
  order.always_accepted = true;
  await(id, header, std::move(order), answer);
}

void Station::Impl::stop_now(record::SetEnd why, const std::string& because) {
  if (state == StationState::kIdle || state == StationState::kFault) return;
  session_ends_after_set = true;
  end_reason = because;
  if (state == StationState::kResting) {
    end_session(because);
  } else if (guided) {
    const bool interrupted = why == record::SetEnd::kInterrupted;
    end_guided_now(interrupted ? record::GuidedEnd::kInterrupted : record::GuidedEnd::kStopped,
                   because);
    end_session(because);
  } else if (set && !set->started()) {
    abandon_set(because);
  } else if (set && !set->ending) {
    end_set(why, because);
  }
}

}  // namespace medius::station
