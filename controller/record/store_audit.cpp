// The audit log's rows in station.db: beside what they speak of, under the same commit, sync,
// lock and backup, and with their newest row in the manifest, which finds a shortened end.
#include "controller/record/store_impl.hpp"

namespace medius::record {
namespace {

constexpr const char* kAuditColumns = "sequence, payload, before, hash";
// A start looks at the newest rows only: the whole log of years is `medius audit verify`'s.
constexpr std::uint64_t kCheckedAtStart = 256;

std::string_view bytes_of(const Sha256& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

// A column of another length gives zeros, which fit no row.
Sha256 sha256_of(const std::string& bytes) {
  Sha256 hash{};
  if (bytes.size() == hash.size()) __builtin_memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

AuditRow read_audit_row(const Statement& row) {
  return {as_unsigned(row.integer(0)), row.text(1), sha256_of(row.text(2)), sha256_of(row.text(3))};
}

}  // namespace

tl::expected<AuditHead, StoreError> Store::append_audit(std::span<const AuditEvent> events) {
  if (auto sound = impl_->ensure_sound(); !sound) return tl::unexpected(sound.error());
  Impl& impl = *impl_;
  ManifestState next = impl.committed;
  auto done = impl.station->transact([&] {
    Statement insert(*impl.station, "INSERT INTO audit VALUES(?,?,?,?)");
    for (const AuditEvent& event : events) {
      const std::string payload = encode_audit(event);
      const Sha256 before = next.audit.hash;
      ++next.audit.sequence;
      next.audit.hash = audit_hash(before, next.audit.sequence, payload);
      insert.bind(as_signed(next.audit.sequence))
          .bind_blob(payload)
          .bind_blob(bytes_of(before))
          .bind_blob(bytes_of(next.audit.hash))
          .run();
    }
  });
  if (!done) return tl::unexpected(impl.broken("writing the audit log", done.error()));
  impl.committed = std::move(next);
  // The rows are synced. If the manifest cannot be written now, the next write says it again; an
  // error here would have them written twice.
  static_cast<void>(impl.acknowledge().has_value());
  return impl.committed.audit;
}

std::vector<AuditRow> Store::audit_rows(std::uint64_t after, std::size_t limit) {
  std::vector<AuditRow> result;
  if (!impl_->ensure_sound()) return result;
  {
    Statement rows(*impl_->station, std::string("SELECT ") + kAuditColumns +
                                        " FROM audit WHERE sequence>? ORDER BY sequence LIMIT ?");
    rows.bind(as_signed(after)).bind(as_signed(limit));
    while (rows.next()) result.push_back(read_audit_row(rows));
  }
  impl_->read_failed();
  return result;
}

std::vector<AuditRow> Store::audit_rows_before(std::uint64_t before, std::size_t limit) {
  std::vector<AuditRow> result;
  if (!impl_->ensure_sound()) return result;
  {
    Statement rows(*impl_->station,
                   std::string("SELECT ") + kAuditColumns +
                       " FROM audit WHERE ?=0 OR sequence<? ORDER BY sequence DESC LIMIT ?");
    rows.bind(as_signed(before)).bind(as_signed(before)).bind(as_signed(limit));
    while (rows.next()) result.push_back(read_audit_row(rows));
  }
  impl_->read_failed();
  return result;
}

std::optional<std::string> Store::integrity_problem() {
  if (auto sound = impl_->ensure_sound(); !sound) return sound.error().message;
  return impl_->station->integrity_problem();
}

AuditHead Store::audit_head() const {
  return impl_->committed.audit;
}

void Store::Impl::find_audit_head(const AuditHead& known) {
  const auto newest = as_unsigned(station->integer_of("SELECT max(sequence) FROM audit"));
  const std::uint64_t from = newest > kCheckedAtStart ? newest - kCheckedAtStart : 0;
  AuditVerifier verifier;
  verifier.begin_after(from);
  if (known.sequence > from) verifier.expect(known);
  {
    Statement rows(*station, std::string("SELECT ") + kAuditColumns +
                                 " FROM audit WHERE sequence>? ORDER BY sequence");
    rows.bind(as_signed(from));
    while (rows.next()) verifier.take(read_audit_row(rows));
  }
  for (const AuditFinding& finding : verifier.finish()) {
    report.notes.push_back("store " + directory + ": " + finding.message);
  }
  // New rows go on behind what was acknowledged, so that a gap stays where rows were lost.
  committed.audit = verifier.head().sequence >= known.sequence ? verifier.head() : known;
}

}  // namespace medius::record
