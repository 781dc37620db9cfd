// medius recompute: stored sets measured anew from their samples with today's definitions.
#include <fmt/format.h>

#include "client/commands.hpp"
#include "client/print.hpp"
#include "client/recompute_text.hpp"
#include "client/records.hpp"

namespace medius::client {
namespace {

// Names of all stored sets, newest session first.
Fetched<std::vector<std::string>> all_sets(const Connection& connection) {
  std::vector<std::string> names;
  v1::ListSessionsRequest request;
  request.set_page_size(100);
  do {
    v1::ListSessionsResponse page;
    const auto context = call_context();
    const grpc::Status status = connection.sessions().ListSessions(context.get(), request, &page);
    if (!status.ok()) return tl::unexpected(status);
    for (const v1::Session& listed : page.sessions()) {
      v1::GetSessionRequest get;
      get.set_name(listed.name());
      v1::Session session;
      const auto get_context = call_context();
      const grpc::Status got = connection.sessions().GetSession(get_context.get(), get, &session);
      if (!got.ok()) return tl::unexpected(got);
      for (const v1::Set& set : session.sets()) names.push_back(set.name());
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return names;
}

Fetched<std::vector<std::string>> chosen_sets(const Connection& connection,
                                              const RecomputeOptions& options) {
  if (options.all) return all_sets(connection);
  const auto sets = fetch_sets(connection, options.set);
  if (!sets) return tl::unexpected(sets.error());
  std::vector<std::string> names;
  for (const record::SetRecord& set : *sets) names.push_back(resource_name(set));
  return names;
}

}  // namespace

int recompute(const CommonOptions& common, const RecomputeOptions& options) {
  const Connection connection(common);
  const auto names = chosen_sets(connection, options);
  if (!names) return complain(names.error(), common);
  std::vector<RecomputedSet> done;
  int code = kExitOk;
  for (const std::string& name : *names) {
    v1::RecomputeSetRequest request;
    request.set_name(name);
    request.set_dry_run(options.dry_run);
    RecomputedSet set{name, {}};
    constexpr double kLongest = 60.0;
    const auto context = call_context(kLongest);
    const grpc::Status status =
        connection.sessions().RecomputeSet(context.get(), request, &set.answer);
    // One set that cannot be measured anew does not keep the others from it.
    if (!status.ok()) {
      code = complain(status, common);
      if (status.error_code() == grpc::StatusCode::UNAVAILABLE) break;
      continue;
    }
    if (!common.json) print_lines(recompute_lines(set, options.dry_run));
    done.push_back(std::move(set));
  }
  if (common.json) fmt::print("{}\n", recompute_json(done, options.dry_run).dump(2));
  return code;
}

}  // namespace medius::client
