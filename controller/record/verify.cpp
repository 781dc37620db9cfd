#include "controller/record/verify.hpp"

namespace medius::record {
namespace {

constexpr std::size_t kSessionsPerStep = 50;
// About 2 ms of hashing.
constexpr std::size_t kAuditRowsPerStep = 1000;

}  // namespace

StoreVerifier::StoreVerifier(Store& store) : store_(store) {
  audit_.expect(store.audit_head());
}

bool StoreVerifier::step() {
  switch (stage_) {
    case Stage::kTables:
      check_tables();
      stage_ = Stage::kSessions;
      return true;
    case Stage::kSessions:
      take_sessions();
      return true;
    case Stage::kSets:
      check_set();
      return true;
    case Stage::kAudit:
      take_audit();
      if (stage_ == Stage::kDone) finish();
      return stage_ != Stage::kDone;
    case Stage::kDone:
      return false;
  }
  return false;
}

// What opening found is part of the answer: it is not found a second time.
void StoreVerifier::check_tables() {
  const StoreReport& opening = store_.opening_report();
  for (const std::string& id : opening.missing_ids) {
    report_.problems.push_back(id +
                               " was acknowledged once and is missing; look for it in a backup");
  }
  for (const std::string& id : opening.damaged_ids) {
    report_.problems.push_back(id + " is damaged; restore it from a backup");
  }
  damaged_before_ = opening.damaged_ids.size();
  if (auto problem = store_.integrity_problem()) {
    report_.problems.push_back("station.db: " + *problem + "; restore it from a backup");
  }
}

void StoreVerifier::take_sessions() {
  const auto page = store_.sessions(kSessionsPerStep, last_session_);
  if (page.empty()) {
    stage_ = Stage::kAudit;
    return;
  }
  last_session_ = page.back().id;
  for (const SessionRecord& session : page) {
    ++report_.sessions;
    report_.guided += store_.guided_of(session.id).size();
    for (const SetRecord& set : store_.sets_of(session.id)) sets_.push_back(set.id);
  }
  if (!sets_.empty()) stage_ = Stage::kSets;
}

void StoreVerifier::check_set() {
  const std::string id = std::move(sets_.back());
  sets_.pop_back();
  ++report_.sets;
  if (const auto samples = store_.samples(id)) {
    report_.samples += samples->size();
  } else {
    report_.problems.push_back(samples.error().message);
  }
  if (sets_.empty()) stage_ = Stage::kSessions;
}

void StoreVerifier::take_audit() {
  const auto rows = store_.audit_rows(last_audit_, kAuditRowsPerStep);
  if (rows.empty()) {
    stage_ = Stage::kDone;
    return;
  }
  for (const AuditRow& row : rows) audit_.take(row);
  last_audit_ = rows.back().sequence;
}

void StoreVerifier::finish() {
  const auto& damaged = store_.opening_report().damaged_ids;
  for (std::size_t i = damaged_before_; i < damaged.size(); ++i) {
    report_.problems.push_back(damaged[i] + " is damaged; restore it from a backup");
  }
  report_.audit_rows = audit_.rows();
  for (const AuditFinding& finding : audit_.finish()) report_.problems.push_back(finding.message);
  report_.audit_head = audit_.head();
}

VerifyReport verify_whole(Store& store) {
  StoreVerifier verifier(store);
  while (verifier.step()) {
  }
  return verifier.report();
}

}  // namespace medius::record
