#include "client/audit_text.hpp"

#include <fmt/format.h>

#include "client/text.hpp"
#include "controller/record/audit.hpp"
#include "controller/record/export.hpp"

namespace medius::client {
namespace {

Color color_of(v1::AuditResult result) {
  switch (result) {
    case v1::AUDIT_RESULT_REFUSED:
      return Color::kYellow;
    case v1::AUDIT_RESULT_FAILED:
      return Color::kRed;
    case v1::AUDIT_RESULT_APPLIED:
      return Color::kGreen;
    default:
      return Color::kNone;
  }
}

// "requested 60, accepted 60 N"
std::string values_of(const v1::AuditEvent& event) {
  std::string text;
  const auto add = [&text](const char* name, bool there, double value) {
    if (there) text += fmt::format("{}{} {:g}", text.empty() ? "" : ", ", name, value);
  };
  add("requested", event.has_requested(), event.requested());
  add("accepted", event.has_accepted(), event.accepted());
  add("applied", event.has_applied(), event.applied());
  add("read back", event.has_read_back(), event.read_back());
  return text.empty() ? text : text + " " + event.unit();
}

}  // namespace

std::string audit_line(const v1::AuditEvent& event, bool color) {
  const std::int64_t at = event.time().seconds() * 1'000'000'000 + event.time().nanos();
  const auto kind = record::to_string(static_cast<record::AuditKind>(event.kind()));
  const auto result = record::to_string(static_cast<record::AuditResult>(event.result()));
  std::string line =
      fmt::format("{:>7}  {}  {:<11} {}  {}", event.sequence(), record::iso_time(at), kind,
                  paint(pad(result, 8), color_of(event.result()), color), event.who());
  if (!event.role().empty() && event.role() != event.who()) line += " (" + event.role() + ")";
  line += "  " + paint(event.action(), Color::kBold, color);
  if (!event.subject().empty()) line += " " + event.subject();
  if (const std::string values = values_of(event); !values.empty()) line += ": " + values;
  if (!event.reason().empty()) line += ": " + event.reason();
  return line;
}

}  // namespace medius::client
