#include <algorithm>
#include <charconv>

#include "controller/api/keeping_services.hpp"
#include "controller/record/audit.hpp"
#include "controller/record/verify.hpp"

namespace medius::api {
namespace {

using Rows = std::vector<record::AuditRow>;

// How often a quiet stream looks whether its reader is still there and welcome.
constexpr std::chrono::milliseconds kLookAfterReader{250};
constexpr std::size_t kRowsPerRead = 100;
// A filter that fits nothing must not read years of rows in one call: the page is then short.
constexpr int kReadsPerPage = 50;

// The enums of the proto are numbered as the log's own.
void event_to_pb(const record::AuditRow& row, v1::AuditEvent* out) {
  out->set_sequence(row.sequence);
  out->set_payload(row.payload);
  out->set_before(row.before.data(), row.before.size());
  out->set_hash(row.hash.data(), row.hash.size());
  const auto event = record::decode_audit(row.payload);
  if (!event) return;
  out->mutable_time()->set_seconds(event->unix_ns / 1'000'000'000);
  out->mutable_time()->set_nanos(static_cast<std::int32_t>(event->unix_ns % 1'000'000'000));
  out->set_kind(static_cast<v1::AuditKind>(event->kind));
  out->set_result(static_cast<v1::AuditResult>(event->result));
  out->set_who(event->who);
  out->set_role(event->role);
  out->set_action(event->action);
  out->set_subject(event->subject);
  out->set_request_id(event->request_id);
  out->set_unit(event->unit);
  if (event->requested) out->set_requested(*event->requested);
  if (event->accepted) out->set_accepted(*event->accepted);
  if (event->applied) out->set_applied(*event->applied);
  if (event->read_back) out->set_read_back(*event->read_back);
  out->set_tick(event->tick);
  out->set_reason(event->reason);
  for (const auto& [key, value] : event->details) (*out->mutable_details())[key] = value;
}

bool wanted(const v1::AuditEvent& event, const google::protobuf::RepeatedField<int>& kinds) {
  return kinds.empty() || std::find(kinds.begin(), kinds.end(), event.kind()) != kinds.end();
}

tl::expected<std::uint64_t, std::string> sequence_of(const std::string& token) {
  std::uint64_t value = 0;
  if (token.empty()) return value;
  const auto [stop, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (error == std::errc{} && stop == token.data() + token.size()) return value;
  return tl::unexpected("page_token '" + token.substr(0, 32) +
                        "' is none of ours; use the one of the page before");
}

}  // namespace

grpc::Status AuditService::ListAuditEvents(grpc::ServerContext* call,
                                           const v1::ListAuditEventsRequest* request,
                                           v1::ListAuditEventsResponse* response) {
  if (request->page_size() < 0) return invalid("page_size is negative; use 0 for 50");
  const auto size =
      bounded("page_size", static_cast<std::uint32_t>(request->page_size()), 1, 100, 50);
  if (!size) return invalid(size.error());
  const auto token = sequence_of(request->page_token());
  if (!token) return invalid(token.error());
  const Gate::Place place(context_.unary);
  if (!place) return too_many("orders and queries", context_.unary);
  std::uint64_t before = *token;
  for (int read = 0; read < kReadsPerPage; ++read) {
    const auto rows =
        on_record<Rows>(context_.parts.runtime, ApiContext::wait_until(*call),
                        context_.give_up(*call), [&store = context_.parts.store, before] {
                          return store.audit_rows_before(before, kRowsPerRead);
                        });
    if (!rows) return no_answer(context_);
    for (const record::AuditRow& row : *rows) {
      if (row.sequence <= request->after_sequence()) return grpc::Status::OK;
      before = row.sequence;
      v1::AuditEvent event;
      event_to_pb(row, &event);
      if (wanted(event, request->kinds())) *response->add_events() = std::move(event);
      if (response->events_size() == static_cast<int>(*size)) {
        if (before > 1) response->set_next_page_token(std::to_string(before));
        return grpc::Status::OK;
      }
    }
    if (rows->size() < kRowsPerRead) return grpc::Status::OK;
  }
  response->set_next_page_token(std::to_string(before));
  return grpc::Status::OK;
}

grpc::Status AuditService::WatchAuditEvents(
    grpc::ServerContext* call, const v1::WatchAuditEventsRequest* request,
    grpc::ServerWriter<v1::WatchAuditEventsResponse>* writer) {
  if (context_.parts.audit == nullptr) {
    return {grpc::StatusCode::UNAVAILABLE, "this station keeps no audit log"};
  }
  const Gate::Place place(context_.watches);
  if (!place) return too_many("watches", context_.watches);
  const station::AuditTrail& trail = *context_.parts.audit;
  std::uint64_t after = request->has_after_sequence() ? request->after_sequence() : trail.stored();
  while (!context_.stopping && !call->IsCancelled()) {
    if (const auto welcome = context_.still_welcome(*call); !welcome.ok()) return welcome;
    if (trail.wait_beyond(after, std::chrono::steady_clock::now() + kLookAfterReader) <= after) {
      continue;
    }
    const auto rows = on_record<Rows>(
        context_.parts.runtime, ApiContext::wait_until(*call), context_.give_up(*call),
        [&store = context_.parts.store, after] { return store.audit_rows(after, kRowsPerRead); });
    if (!rows) return no_answer(context_);
    for (const record::AuditRow& row : *rows) {
      after = row.sequence;
      v1::WatchAuditEventsResponse message;
      event_to_pb(row, message.mutable_event());
      if (wanted(message.event(), request->kinds()) && !writer->Write(message)) {
        return grpc::Status::OK;
      }
    }
    // Rows that were lost never come: the end of the log is where the next one will be.
    if (rows->empty()) after = trail.stored();
  }
  return grpc::Status::OK;
}

grpc::Status AuditService::VerifyAudit(grpc::ServerContext* call,
                                       const v1::VerifyAuditRequest* request,
                                       v1::VerifyAuditResponse* response) {
  record::AuditHead noted;
  noted.sequence = request->noted_sequence();
  if (noted.sequence != 0) {
    if (request->noted_hash().size() != noted.hash.size()) {
      return invalid("noted_hash has " + std::to_string(request->noted_hash().size()) +
                     " bytes, a SHA-256 has 32; give both or neither");
    }
    std::copy(request->noted_hash().begin(), request->noted_hash().end(), noted.hash.begin());
  }
  const Gate::Place place(context_.reads);
  if (!place) return too_many("reads of whole records", context_.reads);
  using Verifier = std::shared_ptr<record::StoreVerifier>;
  Verifier verifier;
  for (bool more = true; more;) {
    const auto stepped = on_record<std::pair<Verifier, bool>>(
        context_.parts.runtime, ApiContext::wait_until(*call), context_.give_up(*call),
        [&store = context_.parts.store, verifier, noted]() mutable {
          if (!verifier) {
            verifier = std::make_shared<record::StoreVerifier>(store);
            verifier->audit_only();
            if (noted.sequence != 0) verifier->expect(noted);
          }
          const bool again = verifier->step();
          return std::pair{verifier, again};
        });
    if (!stepped) return no_answer(context_);
    verifier = stepped->first;
    more = stepped->second;
  }
  const record::VerifyReport& report = verifier->report();
  response->set_rows(report.audit_rows);
  response->set_head_sequence(report.audit_head.sequence);
  response->set_head_hash(report.audit_head.hash.data(), report.audit_head.hash.size());
  for (const std::string& problem : report.problems) {
    response->add_findings()->set_message(problem);
  }
  return grpc::Status::OK;
}

}  // namespace medius::api
