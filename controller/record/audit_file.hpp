// An audit log as a file of its own, for what is done without a store: lines of the same rows in
// the same chain, "SEQUENCE BEFORE HASH PAYLOAD". Lines are only ever appended; beside it FILE.head
// holds the newest row, which finds a shortened end.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/record/audit.hpp"

namespace medius::record {

// Beyond it nothing is appended: keep the file elsewhere and begin a new one.
inline constexpr std::uintmax_t kAuditFileBytesMax = 64u << 20;

struct AuditFile {
  std::vector<AuditRow> rows;         // in the order of the file
  std::vector<AuditFinding> damaged;  // lines that are no rows
  AuditHead head;                     // as the file beside it says; 0: there is none
};

// [any] The error is a sentence.
[[nodiscard]] tl::expected<AuditFile, std::string> read_audit_file(
    const std::filesystem::path& file);
// [any] Synced before it returns; processes take turns. Gives the new row's number and hash.
[[nodiscard]] tl::expected<AuditHead, std::string> append_audit_file(
    const std::filesystem::path& file, const AuditEvent& event);
// [any] "SEQUENCE:HASH", as the file beside it holds it; empty when there is none.
[[nodiscard]] std::string audit_file_head(const std::filesystem::path& file);

struct AuditFileReport {
  std::uint64_t rows = 0;
  AuditHead head;
  std::vector<AuditFinding> findings;  // empty: the log is whole
};
// [any] `noted`: a row that was noted elsewhere; sequence 0: none.
[[nodiscard]] AuditFileReport verify_audit_file(const AuditFile& file, const AuditHead& noted);

}  // namespace medius::record
