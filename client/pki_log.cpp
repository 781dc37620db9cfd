#include "client/pki_log.hpp"

#include <chrono>
#include <cstdlib>

#include <pwd.h>
#include <unistd.h>

#include "controller/access/authority.hpp"

namespace medius::client {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

std::string login_name() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry != nullptr ? entry->pw_name : "uid " + std::to_string(::geteuid());
}

}  // namespace

tl::expected<record::AuditHead, std::string> write_pki_row(const std::filesystem::path& folder,
                                                           record::AuditEvent event) {
  event.kind = record::AuditKind::kAccess;
  event.unix_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                      .count();
  event.who = login_name();
  event.role = "local";
  // Whoever became another user first is named too, as sudo tells it.
  if (const char* sudo = std::getenv("SUDO_USER"); sudo != nullptr && *sudo != '\0') {
    event.details.emplace_back("sudo_user", sudo);
  }
  return record::append_audit_file(access::audit_log_file(folder), event);
}

v1::AuditEvent event_to_pb(const record::AuditRow& row) {
  v1::AuditEvent out;
  out.set_sequence(row.sequence);
  out.set_payload(row.payload);
  out.set_before(row.before.data(), row.before.size());
  out.set_hash(row.hash.data(), row.hash.size());
  const auto event = record::decode_audit(row.payload);
  if (!event) return out;
  out.mutable_time()->set_seconds(event->unix_ns / kSecondNs);
  out.mutable_time()->set_nanos(static_cast<std::int32_t>(event->unix_ns % kSecondNs));
  // The enums of the proto are numbered as the log's own.
  out.set_kind(static_cast<v1::AuditKind>(event->kind));
  out.set_result(static_cast<v1::AuditResult>(event->result));
  out.set_who(event->who);
  out.set_role(event->role);
  out.set_action(event->action);
  out.set_subject(event->subject);
  out.set_reason(event->reason);
  for (const auto& [key, value] : event->details) (*out.mutable_details())[key] = value;
  return out;
}

v1::VerifyAuditResponse report_to_pb(const record::AuditFileReport& report) {
  v1::VerifyAuditResponse out;
  out.set_rows(report.rows);
  out.set_head_sequence(report.head.sequence);
  out.set_head_hash(report.head.hash.data(), report.head.hash.size());
  for (const record::AuditFinding& finding : report.findings) {
    out.add_findings()->set_message(finding.message);
  }
  return out;
}

}  // namespace medius::client
