// The audit log: who did what to the station and what came of it. Append-only rows of JSON in the
// store, each with the SHA-256 of itself and of the row before it, so that a changed byte, a
// removed row and a shortened end are found. AuditSink is all that those who report need to know.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace medius::record {

enum class AuditKind : std::uint8_t {
  kOrder = 1,        // to the machine: load, parameter, start, pause, stop, confirmation
  kAccess = 2,       // who may connect and do what: denied calls, certificates, roles
  kStore = 3,        // opening, backup, verification, recomputation, export, erasure
  kMaintenance = 4,  // calibration, devices, plugins, configuration
  kSession = 5,      // a session or set begins or ends
  kFault = 6,        // latched, cleared
  kProgression = 7,  // of a plan: applied, proposed, refused, capped
  kPerson = 8,       // data of somebody who trains: created, changed, erased
  kLease = 9,        // who holds control
};

enum class AuditResult : std::uint8_t {
  kNoted = 1,     // it happened
  kAccepted = 2,  // taken; what comes of it follows in a row of its own
  kApplied = 3,   // in force
  kRefused = 4,   // `reason` says by which rule
  kFailed = 5,    // was taken and could not be carried out
};

// One thing that happened. Texts are cut at kAuditTextMax when they are written down.
struct AuditEvent {
  AuditKind kind = AuditKind::kOrder;
  AuditResult result = AuditResult::kNoted;
  std::int64_t unix_ns = 0;  // 0: the sink fills in its clock
  std::string who;      // the peer's name as the certificate says, or as it says itself; "station"
  std::string role;     // of the certificate; "local" without one; "panel", "station"
  std::string action;   // what, in snake_case: "adjust_load", "fault_latched"
  std::string subject;  // resource name or thing: "sessions/…/sets/…", "clients/…"
  std::string request_id;  // of an order: joins its rows
  std::string unit;        // of the four values below: "N", "Nm"
  std::optional<double> requested, accepted, applied, read_back;
  std::uint64_t tick = 0;  // of the loop; 0: none
  std::string reason;      // why it was refused, or what else a reader should know; a sentence
  std::vector<std::pair<std::string, std::string>> details;  // whatever else belongs to it
};

inline constexpr std::size_t kAuditTextMax = 1000;
inline constexpr std::size_t kAuditDetailsMax = 32;

// Where whoever has something to report puts it. [any] record() never blocks and never fails.
class AuditSink {
 public:
  virtual ~AuditSink() = default;
  virtual void record(AuditEvent event) = 0;
};

using Sha256 = std::array<std::uint8_t, 32>;

// The newest row: what the manifest keeps, and what a careful owner notes down elsewhere.
struct AuditHead {
  std::uint64_t sequence = 0;  // 0: there is no row
  Sha256 hash{};

  friend bool operator==(const AuditHead&, const AuditHead&) = default;
};

// One stored row.
struct AuditRow {
  std::uint64_t sequence = 0;  // from 1, without gaps
  std::string payload;         // JSON, exactly the bytes that were hashed
  Sha256 before{};             // hash of the row before it
  Sha256 hash{};
};

// What verification found, oldest first; each sentence names its sequence.
struct AuditFinding {
  std::uint64_t first = 0;  // sequence, or a range of missing ones
  std::uint64_t last = 0;
  std::string message;
};

// {"at","kind","result","who","role",...}: empty texts and missing values are left out.
[[nodiscard]] std::string encode_audit(const AuditEvent& event);
[[nodiscard]] std::optional<AuditEvent> decode_audit(std::string_view payload);

// SHA-256 of "medius-audit-1", the hash before (32 bytes), the sequence (8 bytes, little-endian)
// and the payload. The row before the first has 32 zero bytes.
[[nodiscard]] Sha256 audit_hash(const Sha256& before, std::uint64_t sequence,
                                std::string_view payload);
[[nodiscard]] std::string hex(const Sha256& hash);
[[nodiscard]] std::optional<Sha256> sha256_from_hex(std::string_view text);
// "SEQUENCE:HASH", as a head is noted elsewhere; from: nothing for any other text.
[[nodiscard]] std::string head_text(const AuditHead& head);
[[nodiscard]] std::optional<AuditHead> head_from_text(std::string_view text);
// A whole number from 1.
[[nodiscard]] std::optional<std::uint64_t> sequence_from_text(std::string_view text);

// Checks rows in the order of their sequence, page by page.
class AuditVerifier {
 public:
  // Leaves the rows up to this sequence out: the first one taken is believed in what it says of the
  // row before it.
  void begin_after(std::uint64_t sequence) {
    head_.sequence = sequence;
    first_is_believed_ = sequence != 0;
  }
  void take(const AuditRow& row);
  // `known`: the newest row as it is remembered elsewhere, which must be among them.
  void expect(const AuditHead& known) { expected_.push_back(known); }
  // After the last row.
  [[nodiscard]] std::vector<AuditFinding> finish();
  [[nodiscard]] std::uint64_t rows() const { return rows_; }
  [[nodiscard]] const AuditHead& head() const { return head_; }

 private:
  std::vector<AuditHead> expected_;
  std::vector<AuditFinding> findings_;
  AuditHead head_;
  std::uint64_t rows_ = 0;
  bool first_is_believed_ = false;
};

[[nodiscard]] const char* to_string(AuditKind kind) noexcept;
[[nodiscard]] const char* to_string(AuditResult result) noexcept;
[[nodiscard]] std::optional<AuditKind> audit_kind_of(std::string_view word) noexcept;

}  // namespace medius::record
