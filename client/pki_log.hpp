// The authority's own audit log: what `medius pki` made and took back, written down beside the
// keys, since no controller need be running then. Rows and chain are those of the station's log.
#pragma once

#include <filesystem>
#include <string>

#include <tl/expected.hpp>

#include "controller/record/audit.hpp"
#include "controller/record/audit_file.hpp"
#include "medius/v1/audit.pb.h"

namespace medius::client {

// Who is at the keyboard and when are filled in.
[[nodiscard]] tl::expected<record::AuditHead, std::string> write_pki_row(
    const std::filesystem::path& folder, record::AuditEvent event);

// A row as the API would give it.
[[nodiscard]] v1::AuditEvent event_to_pb(const record::AuditRow& row);
[[nodiscard]] v1::VerifyAuditResponse report_to_pb(const record::AuditFileReport& report);

}  // namespace medius::client
