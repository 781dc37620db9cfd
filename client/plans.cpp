#include "client/plans.hpp"

namespace medius::client {

std::string named(const std::string& collection, const std::string& id) {
  const std::string prefix = collection + "/";
  return id.starts_with(prefix) ? id : prefix + id;
}

Fetched<v1::Plan> fetch_plan(const Connection& connection, const std::string& id) {
  v1::GetPlanRequest request;
  request.set_name(named("plans", id));
  v1::Plan plan;
  const auto context = call_context();
  const grpc::Status status = connection.plans().GetPlan(context.get(), request, &plan);
  if (!status.ok()) return tl::make_unexpected(status);
  return plan;
}

Fetched<std::vector<v1::PlanDay>> fetch_plan_days(const Connection& connection,
                                                  const std::string& id) {
  std::vector<v1::PlanDay> days;
  v1::ListPlanDaysRequest request;
  request.set_parent(named("plans", id));
  request.set_page_size(100);
  do {
    v1::ListPlanDaysResponse page;
    const auto context = call_context();
    const auto status = connection.plans().ListPlanDays(context.get(), request, &page);
    if (!status.ok()) return tl::make_unexpected(status);
    days.insert(days.end(), page.plan_days().begin(), page.plan_days().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return days;
}

Fetched<std::vector<v1::Plan>> fetch_plans(const Connection& connection,
                                           const std::string& client) {
  std::vector<v1::Plan> plans;
  v1::ListPlansRequest request;
  request.set_page_size(100);
  if (!client.empty()) request.set_client(named("clients", client));
  do {
    v1::ListPlansResponse page;
    const auto context = call_context();
    const auto status = connection.plans().ListPlans(context.get(), request, &page);
    if (!status.ok()) return tl::make_unexpected(status);
    plans.insert(plans.end(), page.plans().begin(), page.plans().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return plans;
}

Fetched<v1::NextSession> fetch_next_session(const Connection& connection, const std::string& id) {
  v1::GetNextSessionRequest request;
  request.set_name(named("plans", id));
  v1::NextSession next;
  const auto context = call_context();
  const auto status = connection.plans().GetNextSession(context.get(), request, &next);
  if (!status.ok()) return tl::make_unexpected(status);
  return next;
}

Fetched<v1::Client> fetch_client(const Connection& connection, const std::string& id) {
  v1::GetClientRequest request;
  request.set_name(named("clients", id));
  v1::Client client;
  const auto context = call_context();
  const auto status = connection.clients().GetClient(context.get(), request, &client);
  if (!status.ok()) return tl::make_unexpected(status);
  return client;
}

Fetched<v1::Progress> fetch_progress(const Connection& connection, const std::string& client) {
  v1::GetProgressRequest request;
  request.set_name(named("clients", client));
  v1::Progress progress;
  // It looks at every set of the person.
  constexpr double kLongest = 10.0;
  const auto context = call_context(kLongest);
  const auto status = connection.clients().GetProgress(context.get(), request, &progress);
  if (!status.ok()) return tl::make_unexpected(status);
  return progress;
}

}  // namespace medius::client
