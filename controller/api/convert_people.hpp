// People, plans and machines between the station's values and the wire; the rules of convert.hpp
// hold.
#pragma once

#include <optional>
#include <string>

#include "controller/api/convert.hpp"
#include "controller/station/people.hpp"
#include "controller/station/people_progress.hpp"
#include "medius/v1/machine.pb.h"
#include "medius/v1/people.pb.h"

namespace medius::api {

// An etag is a revision in quotes; empty: any.
[[nodiscard]] std::string etag_of(std::uint64_t revision);
[[nodiscard]] Shape<std::optional<std::uint64_t>> revision_from_pb(const std::string& etag);

void client_to_pb(const record::ClientRecord& client, v1::Client* out);
// Everything but name, etag and times.
[[nodiscard]] Shape<bool> client_from_pb(const v1::Client& client, record::ClientRecord& out);

void plan_to_pb(const record::PlanRecord& plan, const station::PeopleDesk& desk,
                const record::ClientRecord* client, v1::Plan* out);
void decision_to_pb(const record::PlanDecision& decision, v1::PlanDecision* out);
void plan_day_to_pb(const record::PlanDayRecord& day, v1::PlanDay* out);
void next_to_pb(const station::NextOfPlan& next, v1::NextSession* out);
[[nodiscard]] Shape<record::EarlierSet> earlier_from_pb(const v1::EarlierSet& set,
                                                        std::size_t number);
void test_to_pb(const std::string& client_id, const station::TestRecord& test, v1::TestResult* out);
void progress_to_pb(const station::Progress& progress, v1::Progress* out);
void machine_to_pb(const station::MachineConfig& machine, const std::string& station,
                   v1::Machine* out);

}  // namespace medius::api
