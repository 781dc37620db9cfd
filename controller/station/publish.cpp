// What a trainer sees: a snapshot at 20 Hz and on every change.
#include <fmt/format.h>

#include "controller/base/tick.hpp"
#include "controller/station/station_impl.hpp"

namespace medius::station {

void Station::Impl::changed() {
  ++version;
  publish_now = true;
}

void Station::Impl::publish_if_due() {
  if (publish_now || steps % kPublishSteps == 0) publish();
}

void Station::Impl::publish() {
  publish_now = false;
  const std::uint64_t sequence = snapshot.sequence + 1;
  fill(snapshot);
  snapshot.sequence = sequence;
  // A copy: an observer may leave, or bring another one.
  const auto listeners = observers;
  for (const auto& [id, observer] : listeners) {
    if (observers.contains(id)) (*observer)(snapshot);
  }
}

std::vector<std::string> Station::Impl::warnings() const {
  std::vector<std::string> list;
  const rt::Status& status = loop.status();
  if (!config.realtime_granted) {
    list.emplace_back(
        config.machine.simulated
            ? "no permission for real-time scheduling: fine with the simulator only"
            : "no permission for real-time scheduling: this machine will not be armed");
  }
  if (config.arming_refusal) {
    if (std::string why = config.arming_refusal(); !why.empty()) list.push_back(std::move(why));
  }
  if (now_ns > 0 && status.tick != 0 && !loop.alive(now_ns, order_timeout_ns())) {
    list.push_back(fmt::format("the loop stands still at tick {}", status.tick));
  }
  if (client_lost_ && session_) {
    list.push_back("the set goes on: " + why_frozen());
  }
  if (session_) {
    list.insert(list.end(), session_->trainee.notes.begin(), session_->trainee.notes.end());
    list.insert(list.end(), session_->skipped.begin(), session_->skipped.end());
  }
  if (!store_trouble.empty()) {
    list.push_back(
        fmt::format("not stored yet ({} waiting): {}", records.unacknowledged(), store_trouble));
  }
  if (status.samples_dropped > 0) {
    list.push_back(
        fmt::format("{} samples were lost on their way to the recorder", status.samples_dropped));
  }
  if (status.events_dropped > 0) {
    list.push_back(fmt::format("{} events of the loop were lost", status.events_dropped));
  }
  return list;
}

// The record with the counts of this moment.
record::SetRecord Station::Impl::record_now(const SetSide& side) const {
  record::SetRecord record = side.record;
  const rt::AxisStatus& axis = status_of(side);
  if (!set->ending && side.serial != 0 && axis.set_serial == side.serial) {
    record.reps_counted = axis.reps_counted;
    record.reps_partial = axis.reps_partial;
    record.direction_changes = axis.direction_changes;
  }
  return record;
}

void Station::Impl::fill(Snapshot& out) const {
  const rt::Status& status = loop.status();
  out.version = version;
  out.state = state;
  out.paused = paused;
  out.state_reason = reason;
  out.machine_name = config.machine.name;
  out.simulated = config.machine.simulated;
  out.realtime = config.realtime_granted;
  out.loop = status;
  out.session_id = session_ ? session_->record.id : "";
  out.program_id = session_ ? session_->program.id : "";
  out.client_id = session_ ? session_->record.client_id : "";
  out.plan_id = session_ ? session_->record.plan_id : "";
  out.sets_total = session_ ? static_cast<std::uint32_t>(session_->plan.size()) : last_sets_total;
  out.stored_session_id = shown_session_id;
  out.stored_set_ids = stored_set_ids;
  out.set.reset();
  out.other_set.reset();
  if (!last_set.empty()) out.set = last_set.front();
  if (last_set.size() > 1) out.other_set = last_set.back();
  if (set) {
    out.block = set->block;
    out.set = record_now(set->first());
    out.other_set.reset();
    if (set->sides.size() > 1) out.other_set = record_now(set->sides.back());
  } else if (session_ && session_->next < session_->plan.size()) {
    out.block = session_->program.blocks[session_->plan[session_->next].block];
  }
  out.guided.reset();
  const GuidedTask* task = guided ? &*guided : last_guided ? &*last_guided : nullptr;
  if (task != nullptr && !set) {
    const double paced_s = static_cast<double>(task->paced_ticks) * kTickPeriodS;
    out.guided = GuidedView{task->record, pace_at(task->block, paced_s), task->watches_pelvis};
    if (guided) out.block = task->block;
  }
  out.set_index = out.set ? out.set->index : out.guided ? out.guided->record.index : 0;
  out.load_change = load_change;
  const Lease* held = leases.current(now_ns);
  out.lease = held == nullptr ? std::nullopt : std::optional(*held);
  out.lease_remaining_s = 0.0;
  if (held != nullptr) {
    out.lease_remaining_s = 1e-9 * static_cast<double>(held->expires_ns - now_ns);
  }
  out.increases_frozen = held_by_lost_client();
  out.rest_remaining_s = 0.0;
  if (state == StationState::kResting && rest_end_tick > status.tick) {
    out.rest_remaining_s = static_cast<double>(rest_end_tick - status.tick) * kTickPeriodS;
  }
  out.phase_elapsed_s = 0.0;
  if (set && set->first().recording && status.tick > phase_tick) {
    out.phase_elapsed_s = static_cast<double>(status.tick - phase_tick) * kTickPeriodS;
  }
  out.warnings = warnings();
}

}  // namespace medius::station
