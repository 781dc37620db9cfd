// Audit rows as lines for people. Pure functions.
#pragma once

#include <string>

#include "medius/v1/audit.pb.h"

namespace medius::client {

// "  17  2026-05-01T12:00:00.000Z  order  accepted  ada (trainer)  adjust_load 42 N …"
[[nodiscard]] std::string audit_line(const v1::AuditEvent& event, bool color);

}  // namespace medius::client
