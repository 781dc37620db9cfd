// People and their plans over the API.
#pragma once

#include <string>
#include <vector>

#include "client/connection.hpp"
#include "client/records.hpp"

namespace medius::client {

// "plans" and "0123" -> "plans/0123"; a whole name stays.
[[nodiscard]] std::string named(const std::string& collection, const std::string& id);

[[nodiscard]] Fetched<v1::Plan> fetch_plan(const Connection& connection, const std::string& id);
// Oldest first.
[[nodiscard]] Fetched<std::vector<v1::PlanDay>> fetch_plan_days(const Connection& connection,
                                                                const std::string& id);
// Of one client; of everybody when left empty.
[[nodiscard]] Fetched<std::vector<v1::Plan>> fetch_plans(const Connection& connection,
                                                         const std::string& client);
[[nodiscard]] Fetched<v1::NextSession> fetch_next_session(const Connection& connection,
                                                          const std::string& id);
[[nodiscard]] Fetched<v1::Client> fetch_client(const Connection& connection, const std::string& id);
[[nodiscard]] Fetched<v1::Progress> fetch_progress(const Connection& connection,
                                                   const std::string& client);

}  // namespace medius::client
