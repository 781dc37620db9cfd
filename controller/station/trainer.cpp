// Who leads, and what happens when they are lost: increases are frozen, the set goes on. The holder
// of the lease leads; while nobody holds one, whoever started the session does.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "controller/station/station_impl.hpp"

namespace medius::station {
namespace {

// Leases of one run of the daemon before it takes another id to count from.
constexpr std::uint64_t kEpochsAnId = 1u << 20;
// N | Nm: what the loop calls reached may lie a little below what was ordered.
constexpr double kWaitingIncreaseMin = 0.1;

}  // namespace

// Ids grow from run to run, and so do epochs counted from them.
std::uint64_t Station::Impl::next_epoch() {
  if (epochs_left == 0) {
    epoch_base = std::stoull(runtime.new_id(), nullptr, 16) * kEpochsAnId;
    epochs_left = kEpochsAnId;
  }
  return epoch_base + kEpochsAnId - epochs_left--;
}

void Station::Impl::freeze_increases(bool frozen) {
  for (std::size_t axis = 0; axis < config.machine.axes.size(); ++axis) {
    loop.send({.kind = rt::CommandKind::kFreezeIncreases,
               .axis = static_cast<std::uint8_t>(axis),
               .value = frozen ? 1.0 : 0.0});
  }
}

std::string Station::Impl::why_frozen() const {
  if (lease() == nullptr && !lease_ran_out_of_.empty()) {
    return fmt::format(
        "increases are frozen since the lease of '{}' ran out; take the lease of control, or stop "
        "the set",
        lease_ran_out_of_);
  }
  return fmt::format(
      "increases are frozen while client '{}' is lost; wait for it, take the lease of control once "
      "it is free, or stop the set",
      lease() != nullptr ? lease()->holder : session_->client_name);
}

bool Station::Impl::went_away(const std::string& client_name) const {
  const auto gone = clients_gone_.find(client_name);
  return gone != clients_gone_.end() && now_ns - gone->second < kGoneAtStartNs;
}

void Station::Impl::client_lost(const std::string& client_name) {
  now_ns = runtime.monotonic_ns();
  std::erase_if(clients_gone_,
                [&](const auto& gone) { return now_ns - gone.second >= kGoneAtStartNs; });
  clients_gone_[client_name] = now_ns;
  if (session_ && session_->client_name == client_name) starter_gone_ = true;
  if (lease() != nullptr && lease()->holder == client_name) holder_gone_ = true;
  look_after_trainer();
}

void Station::Impl::client_returned(const std::string& client_name) {
  now_ns = runtime.monotonic_ns();
  clients_gone_.erase(client_name);
  if (session_ && session_->client_name == client_name) starter_gone_ = false;
  if (lease() != nullptr && lease()->holder == client_name) holder_gone_ = false;
  look_after_trainer();
}

void Station::Impl::look_after_trainer() {
  if (const auto ended = leases.take_expired(now_ns)) {
    audit->warn("the lease of '{:.64}' (epoch {}) ran out", ended->holder, ended->epoch);
    note_lease("lease_ran_out", ended->holder, record::AuditResult::kNoted, "");
    publish_now = true;
    if (session_) {
      lease_ran_out_of_ = ended->holder;
      take_back_waiting_increase();
    }
  }
  if (!session_) return;
  const Lease* held = lease();
  const bool lost = held == nullptr ? starter_gone_ || !lease_ran_out_of_.empty()
                    : held->holder == session_->client_name ? starter_gone_
                                                            : holder_gone_;
  if (lost == client_lost_) return;
  client_lost_ = lost;
  if (lost) {
    audit->warn("the set goes on: {}", why_frozen());
    note_session("client_lost", session_->record, session_->client_name, why_frozen());
  } else {
    const std::string& leader = held != nullptr ? held->holder : session_->client_name;
    audit->info("'{:.64}' leads again", leader);
    note_session("client_returned", session_->record, leader, "");
  }
  freeze_increases(lost);
  changed();
  publish();
}

// What waits for the bottom of the repetition, or is half-way there, must not come into force when
// somebody else leads. What is in force stays, also during a pause.
void Station::Impl::take_back_waiting_increase() {
  if (!set || !set->started() || set->ending) return;
  double applied = set->load_ordered;
  for (const SetSide& side : set->sides) applied = at_most(applied, status_of(side).load_applied);
  const double back_to = at_least(applied, set->load_in_force());
  if (!(back_to < set->load_ordered - kWaitingIncreaseMin)) return;
  audit->warn("an increase to {} that waited is taken back to {}", set->load_ordered, back_to);
  set->load_ordered = back_to;
  const PlannedSet& planned = session_->plan[session_->next];
  session_->adjusted[{planned.block, planned.side}] = back_to;
  load_change_command = 0;
  send_to_sides({.kind = rt::CommandKind::kSetLoad, .value = back_to});
  changed();
}

// ---- the lease ------------------------------------------------------------------------------
template <typename T>
Outcome<T> Station::Impl::told(Outcome<T> outcome, const std::string& what,
                               const std::string& who) {
  const std::string action = what.substr(0, what.find(' '));
  if (outcome) {
    audit->info("{} of '{:.64}'", what, who);
    note_lease(action.c_str(), who, record::AuditResult::kAccepted, action == what ? "" : what);
    publish_now = true;
  } else if (log_refusal(what, "", who, outcome.error().message)) {
    note_lease(action.c_str(), who, record::AuditResult::kRefused, outcome.error().message);
  }
  look_after_trainer();
  if (publish_now) publish();
  return outcome;
}

Outcome<LeaseGrant> Station::Impl::acquire_lease(const LeaseRequest& request) {
  now_ns = runtime.monotonic_ns();
  look_after_trainer();
  const bool was_free = lease() == nullptr;
  auto grant = leases.acquire(request, now_ns);
  if (grant && was_free) {
    holder_gone_ = went_away(request.holder);
    lease_ran_out_of_.clear();
  }
  return told(std::move(grant), "acquire_lease", request.holder);
}

Outcome<Lease> Station::Impl::renew_lease(const LeaseClaim& claim) {
  now_ns = runtime.monotonic_ns();
  look_after_trainer();
  auto renewed = leases.renew(claim, now_ns);
  if (!renewed && log_refusal("renew_lease", "", claim.holder, renewed.error().message)) {
    note_lease("renew_lease", claim.holder, record::AuditResult::kRefused, renewed.error().message);
  }
  return renewed;
}

Outcome<void> Station::Impl::release_lease(const LeaseClaim& claim) {
  now_ns = runtime.monotonic_ns();
  look_after_trainer();
  const auto released = told(leases.release(claim, now_ns), "release_lease", claim.holder);
  if (!released) return tl::make_unexpected(released.error());
  return {};
}

Outcome<Lease> Station::Impl::hand_over_lease(const LeaseClaim& claim, const std::string& to) {
  now_ns = runtime.monotonic_ns();
  look_after_trainer();
  auto lease = leases.hand_over(claim, to, now_ns);
  if (lease) {
    // From now on this one leads the session, also when the lease is released.
    if (session_) session_->client_name = to;
    starter_gone_ = holder_gone_ = went_away(to);
  }
  return told(std::move(lease), fmt::format("hand_over_lease to '{:.64}'", to), claim.holder);
}

}  // namespace medius::station
