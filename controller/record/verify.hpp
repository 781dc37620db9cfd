// A whole look at a store: every session, set, repetition, block of samples and audit row. Done in
// small steps, so that a running daemon goes on recording between them. Thread: the store's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/record/store.hpp"

namespace medius::record {

struct VerifyReport {
  std::uint64_t sessions = 0;
  std::uint64_t sets = 0;
  std::uint64_t guided = 0;
  std::uint64_t samples = 0;
  std::uint64_t audit_rows = 0;
  AuditHead audit_head;
  std::vector<std::string> problems;  // sentences; each names an id or a sequence
  [[nodiscard]] bool sound() const noexcept { return problems.empty(); }
};

class StoreVerifier {
 public:
  explicit StoreVerifier(Store& store);
  // A newest audit row that was noted elsewhere, beside the manifest's.
  void expect(const AuditHead& noted) { audit_.expect(noted); }
  // Only the audit log.
  void audit_only() { stage_ = Stage::kAudit; }
  // One step: a page of sessions, one set, or a page of audit rows. False: all is done.
  bool step();
  [[nodiscard]] const VerifyReport& report() const { return report_; }

 private:
  enum class Stage : std::uint8_t { kTables, kSessions, kSets, kAudit, kDone };
  void check_tables();
  void take_sessions();
  void check_set();
  void take_audit();
  void finish();

  Store& store_;
  Stage stage_ = Stage::kTables;
  VerifyReport report_;
  AuditVerifier audit_;
  std::size_t damaged_before_ = 0;
  std::string last_session_;
  std::uint64_t last_audit_ = 0;
  std::vector<std::string> sets_;  // of the page of sessions, still to be looked at
};

// All steps at once: for a store that nobody else uses.
[[nodiscard]] VerifyReport verify_whole(Store& store);

}  // namespace medius::record
