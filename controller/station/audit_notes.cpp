// What the station writes into the audit log about orders, sessions, sets and faults.
#include <array>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "controller/record/export.hpp"
#include "controller/station/station_impl.hpp"

namespace medius::station {
namespace {

using record::AuditEvent;
using record::AuditKind;
using record::AuditResult;

// In the order of the enums.
constexpr std::array kRules{"invalid",    "not_found",   "wrong_state", "version_conflict",
                            "over_limit", "expired",     "busy",        "unavailable",
                            "no_lease",   "stale_lease", "not_allowed"};
constexpr std::array kEffects{"applied", "ramping", "at_bottom", "scheduled"};

template <typename Words, typename Enum>
const char* word_of(const Words& words, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < words.size() ? words[index] : "other";
}

AuditEvent order_event(AuditResult result, const OrderHeader& header, const std::string& what) {
  AuditEvent event;
  event.kind = AuditKind::kOrder;
  event.result = result;
  event.who = header.client_name;
  event.role = header.role;
  event.request_id = header.request_id;
  // "adjust_load 60" -> "adjust_load"; the value has fields of its own.
  event.action = what.substr(0, what.find(' '));
  if (event.action != what) event.details.emplace_back("order", what);
  return event;
}

}  // namespace

void Station::Impl::note(AuditEvent event) const {
  if (config.audit_sink == nullptr) return;
  if (event.who.empty()) event.who = "station";
  if (event.role.empty()) event.role = "station";
  if (event.tick == 0) event.tick = loop.status().tick;
  event.unix_ns = runtime.wall_unix_ns();
  config.audit_sink->record(std::move(event));
}

const char* Station::Impl::audit_unit() const {
  if (!set) return "";
  return set->block.coordinate == hal::CoordinateKind::kCable ? "N" : "Nm";
}

std::string Station::Impl::audit_subject() const {
  if (!session_) return {};
  const std::string session = "sessions/" + session_->record.id;
  return set ? session + "/sets/" + set->first().record.id : session;
}

void Station::Impl::note_refused(const OrderHeader& header, const std::string& what,
                                 const Refusal& refusal) const {
  AuditEvent event = order_event(AuditResult::kRefused, header, what);
  event.subject = audit_subject();
  event.reason = refusal.message;
  event.details.emplace_back("rule", word_of(kRules, refusal.code));
  note(std::move(event));
}

// Who may raise a load: taken, given on, given back, run out, or not given.
void Station::Impl::note_lease(const char* action, const std::string& who, AuditResult result,
                               const std::string& why) const {
  AuditEvent event;
  event.kind = AuditKind::kLease;
  event.result = result;
  event.who = who;
  event.action = action;
  event.subject = audit_subject();
  event.reason = why;
  if (const Lease* held = lease(); held != nullptr) {
    event.details.emplace_back("epoch", std::to_string(held->epoch));
    event.details.emplace_back("holder", held->holder);
  }
  note(std::move(event));
}

// A flood of orders must fill neither log.
void Station::Impl::note_muted() const {
  AuditEvent event;
  event.kind = AuditKind::kOrder;
  event.result = AuditResult::kRefused;
  event.action = "refusals_muted";
  event.reason = fmt::format("{} more orders were refused within a second", refusals_muted);
  note(std::move(event));
}

void Station::Impl::note_accepted(const OrderHeader& header, const std::string& what,
                                  const Receipt& receipt) const {
  AuditEvent event = order_event(AuditResult::kAccepted, header, what);
  event.subject = audit_subject();
  event.tick = receipt.tick;
  if (receipt.requested != 0.0 || receipt.accepted != 0.0) {
    event.requested = receipt.requested;
    event.accepted = receipt.accepted;
    event.unit = audit_unit();
  }
  event.details.emplace_back("effect", word_of(kEffects, receipt.effect));
  note(std::move(event));
}

void Station::Impl::note_session(const char* action, const record::SessionRecord& session,
                                 const std::string& who, const std::string& why) const {
  AuditEvent event;
  event.kind = AuditKind::kSession;
  event.who = who;
  event.action = action;
  event.subject = "sessions/" + session.id;
  event.reason = why;
  if (!session.program_id.empty()) event.details.emplace_back("program", session.program_id);
  if (!session.client_id.empty()) event.details.emplace_back("client", session.client_id);
  note(std::move(event));
}

void Station::Impl::note_set(const char* action, const record::SetRecord& of,
                             const std::string& why) const {
  AuditEvent event;
  event.kind = AuditKind::kSession;
  event.action = action;
  event.subject = "sessions/" + of.session_id + "/sets/" + of.id;
  event.unit = of.coordinate == hal::CoordinateKind::kCable ? "N" : "Nm";
  event.applied = of.end == record::SetEnd::kOpen ? of.load_start : of.load_end;
  event.reason = why;
  event.details = {{"exercise", of.exercise_id},
                   {"side", record::to_string(of.side)},
                   {"profile", of.profile_id},
                   {"reps_target", std::to_string(of.reps_target)}};
  if (of.end != record::SetEnd::kOpen) {
    event.details.emplace_back("reps_counted", std::to_string(of.reps_counted));
    event.details.emplace_back("end", record::to_string(of.end));
  }
  note(std::move(event));
}

void Station::Impl::note_load_applied(const SetSide& side, const rt::Event& from) const {
  AuditEvent event;
  event.kind = AuditKind::kOrder;
  event.result = AuditResult::kApplied;
  event.action = "load_applied";
  event.subject = "sessions/" + side.record.session_id + "/sets/" + side.record.id;
  event.unit = audit_unit();
  event.requested = set->load_ordered;
  event.applied = from.value;
  event.read_back = status_of(side).drive_force_readback;
  event.tick = from.tick;
  event.details.emplace_back("axis", std::to_string(side.axis));
  note(std::move(event));
}

void Station::Impl::note_fault(const char* action, const std::string& sentence,
                               std::uint64_t tick) const {
  AuditEvent event;
  event.kind = AuditKind::kFault;
  event.action = action;
  event.subject = audit_subject();
  event.reason = sentence;
  event.tick = tick;
  note(std::move(event));
}

// What a plan made of a session: one row an exercise, the refused ones and the proposals too.
void Station::Impl::on_plan_settled(const SettledSession& settled) {
  const record::PlanRecord& plan = settled.plan;
  const auto event_of = [&](AuditResult result, const char* action) {
    AuditEvent event;
    event.kind = AuditKind::kProgression;
    event.result = result;
    event.action = action;
    event.subject = "plans/" + plan.id;
    event.details.emplace_back("client", plan.client_id);
    return event;
  };
  if (!settled.day) {
    audit->info("plan {} of client '{}': a test is over", plan.id, plan.client_id);
    note(event_of(AuditResult::kNoted, "test_done"));
    return;
  }
  audit->info("plan {} of client '{}': {} of {} days done", plan.id, plan.client_id, plan.days_done,
              plan.weeks * plan.days_per_week);
  for (const record::PlanDecision& decision : settled.day->decisions) {
    audit->info("plan {}: {}: {}", plan.id, decision.exercise_id, decision_text(decision));
    AuditEvent event = decision.refused    ? event_of(AuditResult::kRefused, "progression_refused")
                       : !decision.applied ? event_of(AuditResult::kNoted, "progression_proposed")
                       : decision.change == record::PlanChange::kHold
                           ? event_of(AuditResult::kNoted, "progression_held")
                           : event_of(AuditResult::kApplied, "progression_applied");
    event.reason = decision.reason;
    event.details.emplace_back("exercise", decision.exercise_id);
    event.details.emplace_back("session", settled.day->session_id);
    event.details.emplace_back("load",
                               fmt::format("{:g} to {:g}", decision.load_before, decision.load));
    event.details.emplace_back("repetitions",
                               fmt::format("{} to {}", decision.reps_before, decision.reps));
    if (decision.capped) event.details.emplace_back("capped", "by the therapist's limit");
    note(std::move(event));
  }
}

}  // namespace medius::station
