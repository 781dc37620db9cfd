// What the handlers of people, plans and machines share.
#pragma once

#include <string>
#include <utility>

#include "controller/api/context.hpp"
#include "controller/api/convert_people.hpp"

namespace medius::api {

// [grpc] Who asks.
[[nodiscard]] inline station::Person person_of(const grpc::ServerContext& call) {
  return {ApiContext::name_of(call, ""),
          ApiContext::authority_of(call) == station::ParameterAuthority::kTherapist};
}

// [grpc] One job of the record thread; its answer, or the status that stands for none.
template <typename T>
tl::expected<T, grpc::Status> at_desk(ApiContext& context, const grpc::ServerContext& call,
                                      std::function<T(const station::PeopleDesk&)> work) {
  const Gate::Place place(context.unary);
  if (!place) return tl::unexpected(too_many("orders and queries", context.unary));
  const station::PeopleDesk desk = context.parts.station.people();
  auto answer =
      on_record<T>(context.parts.runtime, ApiContext::wait_until(call), context.give_up(call),
                   [desk, work = std::move(work)] { return work(desk); });
  if (!answer) return tl::unexpected(no_answer(context));
  return std::move(*answer);
}

// [grpc] What somebody did with a person's data or plan, or why not: for the audit. Failures that
// are no answer of the desk (no place, no time) are not noted.
inline void note_person(ApiContext& context, const grpc::ServerContext& call, const char* action,
                        const std::string& subject, const grpc::Status& status,
                        std::vector<std::pair<std::string, std::string>> details = {}) {
  using grpc::StatusCode;
  if (status.error_code() == StatusCode::RESOURCE_EXHAUSTED ||
      status.error_code() == StatusCode::DEADLINE_EXCEEDED) {
    return;
  }
  record::AuditEvent event;
  event.kind = record::AuditKind::kPerson;
  event.result = status.ok() ? record::AuditResult::kApplied : record::AuditResult::kRefused;
  event.action = action;
  event.subject = subject;
  event.reason = status.error_message();
  event.details = std::move(details);
  context.note(call, std::move(event), "local");
}

struct PageRequest {
  std::size_t size = 50;
  std::string after;  // key of the last entry of the page before; empty = from the start
};

[[nodiscard]] inline Shape<PageRequest> page_request(std::int32_t page_size,
                                                     const std::string& page_token) {
  if (page_size < 0) return tl::unexpected(std::string("page_size is negative; use 0 for 50"));
  const auto size = bounded("page_size", static_cast<std::uint32_t>(page_size), 1, 100, 50);
  if (!size) return tl::unexpected(size.error());
  const auto token = name_from_pb("page_token", page_token);
  if (!token) return tl::unexpected(token.error());
  return PageRequest{*size, *token};
}

// One page by position, for lists that are made as a whole. The token is the position.
template <typename List, typename Add>
[[nodiscard]] Shape<std::string> page_by_position(const List& list, const PageRequest& page,
                                                  Add add) {
  std::size_t at = 0;
  for (const char c : page.after) {
    if (c < '0' || c > '9' || at > 1'000'000) {
      return tl::unexpected(
          std::string("page_token is not one of ours; give next_page_token back as it came"));
    }
    at = 10 * at + static_cast<std::size_t>(c - '0');
  }
  for (std::size_t n = 0; n < page.size && at < list.size(); ++n, ++at) add(list[at]);
  return at < list.size() ? std::to_string(at) : std::string();
}

}  // namespace medius::api
