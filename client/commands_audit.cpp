// medius audit: the station's audit log, read, followed and verified.
#include <algorithm>

#include <fmt/format.h>
#include <grpcpp/client_context.h>

#include "client/audit_text.hpp"
#include "client/commands_keeping.hpp"
#include "client/connection.hpp"
#include "client/pki_log.hpp"
#include "client/print.hpp"
#include "client/terminal.hpp"
#include "controller/access/authority.hpp"
#include "controller/record/audit.hpp"
#include "medius/v1/audit.grpc.pb.h"

namespace medius::client {
namespace {

template <typename Request>
bool add_kinds(const AuditOptions& options, Request& request) {
  for (const std::string& word : options.kinds) {
    const auto kind = record::audit_kind_of(word);
    if (!kind) {
      complain("there is no kind '" + word +
               "'; choose among order, access, store, maintenance, session, fault, progression, "
               "person, lease");
      return false;
    }
    request.add_kinds(static_cast<v1::AuditKind>(*kind));
  }
  return true;
}

void print_event(const v1::AuditEvent& event, const CommonOptions& common) {
  if (common.json) {
    fmt::print("{}\n", json_of(event));
  } else {
    fmt::print("{}\n", audit_line(event, common.color));
  }
}

std::string hex_of(const std::string& bytes) {
  record::Sha256 hash{};
  if (bytes.size() == hash.size()) std::copy(bytes.begin(), bytes.end(), hash.begin());
  return record::hex(hash);
}

// "17:0123…" as verify prints it.
std::optional<record::AuditHead> read_noted(const std::string& text) {
  const auto head = record::head_from_text(text);
  if (!head) {
    complain("--noted '" + text +
             "': write SEQUENCE:HASH, as an earlier 'medius audit verify' printed it");
  }
  return head;
}

bool wanted(const v1::AuditEvent& event, const google::protobuf::RepeatedField<int>& kinds) {
  return kinds.empty() || std::find(kinds.begin(), kinds.end(), event.kind()) != kinds.end();
}

int list_pki(const CommonOptions& common, const AuditOptions& options) {
  v1::ListAuditEventsRequest request;
  if (!add_kinds(options, request)) return kExitUsage;
  const auto file = record::read_audit_file(access::audit_log_file(options.pki));
  if (!file) return complain(file.error());
  std::vector<v1::AuditEvent> events;
  for (const record::AuditRow& row : file->rows) {
    v1::AuditEvent event = event_to_pb(row);
    if (row.sequence > options.after && wanted(event, request.kinds())) {
      events.push_back(std::move(event));
    }
  }
  const std::size_t first = events.size() > options.limit ? events.size() - options.limit : 0;
  for (std::size_t i = first; i < events.size(); ++i) print_event(events[i], common);
  if (events.empty() && !common.quiet && !common.json) fmt::print("no such rows\n");
  for (const record::AuditFinding& finding : file->damaged) (void)complain(finding.message);
  return file->damaged.empty() ? kExitOk : kExitFailed;
}

int print_report(const CommonOptions& common, const AuditOptions& options,
                 const v1::VerifyAuditResponse& response) {
  const bool whole = response.findings().empty();
  if (common.json) {
    fmt::print("{}\n", json_of(response));
    return whole ? kExitOk : kExitFailed;
  }
  for (const v1::AuditFinding& finding : response.findings()) {
    fmt::print(stderr, "medius: {}\n", finding.message());
  }
  fmt::print("{} rows, {}\n", response.rows(),
             whole ? "every one as it was written and none missing"
                   : fmt::format("{} findings", response.findings_size()));
  fmt::print("newest: {}:{}\n", response.head_sequence(), hex_of(response.head_hash()));
  if (whole && !common.quiet && response.rows() > 0) {
    fmt::print(
        "note it elsewhere; 'medius audit verify{} --noted' then finds a log that was written "
        "anew as a whole\n",
        options.pki.empty() ? "" : " --pki " + options.pki);
  }
  return whole ? kExitOk : kExitFailed;
}

}  // namespace

int audit_list(const CommonOptions& common, const AuditOptions& options) {
  if (!options.pki.empty()) return list_pki(common, options);
  const Connection connection(common);
  const auto stub = v1::AuditService::NewStub(connection.channel());
  v1::ListAuditEventsRequest request;
  if (!add_kinds(options, request)) return kExitUsage;
  request.set_after_sequence(options.after);
  std::vector<v1::AuditEvent> events;
  do {
    request.set_page_size(
        static_cast<std::int32_t>(std::min<std::size_t>(100, options.limit - events.size())));
    v1::ListAuditEventsResponse page;
    const auto context = call_context(20.0);
    const grpc::Status status = stub->ListAuditEvents(context.get(), request, &page);
    if (!status.ok()) return complain(status, common);
    for (v1::AuditEvent& event : *page.mutable_events()) events.push_back(std::move(event));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && events.size() < options.limit);
  // The newest at the end, where a terminal leaves the eye.
  for (auto event = events.rbegin(); event != events.rend(); ++event) print_event(*event, common);
  if (events.empty() && !common.quiet && !common.json) fmt::print("no such rows\n");
  return kExitOk;
}

int audit_watch(const CommonOptions& common, const AuditOptions& options) {
  const Connection connection(common);
  const auto stub = v1::AuditService::NewStub(connection.channel());
  v1::WatchAuditEventsRequest request;
  if (!add_kinds(options, request)) return kExitUsage;
  if (!options.from_now) request.set_after_sequence(options.after);
  grpc::ClientContext context;
  const double seconds = options.seconds > 0.0 ? options.seconds : 365.0 * 86400.0;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::milliseconds(static_cast<std::int64_t>(1e3 * seconds)));
  const auto reader = stub->WatchAuditEvents(&context, request);
  v1::WatchAuditEventsResponse message;
  while (reader->Read(&message)) {
    print_event(message.event(), common);
    std::fflush(stdout);
  }
  const grpc::Status status = reader->Finish();
  const bool time_is_up =
      options.seconds > 0.0 && status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
  return status.ok() || time_is_up ? kExitOk : complain(status, common);
}

int audit_verify(const CommonOptions& common, const AuditOptions& options) {
  record::AuditHead noted;
  if (!options.noted.empty()) {
    const auto read = read_noted(options.noted);
    if (!read) return kExitUsage;
    noted = *read;
  }
  if (!options.pki.empty()) {
    const auto file = record::read_audit_file(access::audit_log_file(options.pki));
    if (!file) return complain(file.error());
    return print_report(common, options, report_to_pb(record::verify_audit_file(*file, noted)));
  }
  const Connection connection(common);
  const auto stub = v1::AuditService::NewStub(connection.channel());
  v1::VerifyAuditRequest request;
  if (noted.sequence != 0) {
    request.set_noted_sequence(noted.sequence);
    request.set_noted_hash(noted.hash.data(), noted.hash.size());
  }
  v1::VerifyAuditResponse response;
  const auto context = call_context(600.0);
  const grpc::Status status = stub->VerifyAudit(context.get(), request, &response);
  if (!status.ok()) return complain(status, common);
  return print_report(common, options, response);
}

}  // namespace medius::client
