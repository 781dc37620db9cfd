#include "controller/api/people_call.hpp"
#include "controller/api/people_services.hpp"
#include "controller/record/rows.hpp"
#include "controller/safety/faults.hpp"

namespace medius::api {
namespace {

// Codes are one byte's worth of small numbers.
constexpr int kFaultCodesEnd = 256;

Shape<std::string> station_of(const std::string& name) {
  const std::size_t end = name.find("/machines/");
  if (end == std::string::npos) {
    return tl::unexpected("'" + name.substr(0, kMaxName) +
                          "' is not a machine; write stations/-/machines/-");
  }
  const std::string machine = name.substr(end + 10);
  if (machine != "-" && machine != "main") {
    return tl::unexpected("machine '" + machine.substr(0, kMaxName) +
                          "' is not here; a station has one, machines/main or machines/-");
  }
  return name.substr(0, end);
}

}  // namespace

grpc::Status MachineService::GetMachine(grpc::ServerContext*, const v1::GetMachineRequest* request,
                                        v1::Machine* response) {
  const auto station = station_of(request->name());
  if (!station) return {grpc::StatusCode::NOT_FOUND, station.error()};
  if (const auto status = context_.check_station(*station); !status.ok()) return status;
  machine_to_pb(context_.parts.station.people().machine, context_.names.station, response);
  return grpc::Status::OK;
}

grpc::Status MachineService::ListMachines(grpc::ServerContext*,
                                          const v1::ListMachinesRequest* request,
                                          v1::ListMachinesResponse* response) {
  const auto page = page_request(request->page_size(), request->page_token());
  if (!page) return invalid(page.error());
  if (const auto status = context_.check_station(request->parent()); !status.ok()) return status;
  if (page->after.empty()) {
    machine_to_pb(context_.parts.station.people().machine, context_.names.station,
                  response->add_machines());
  }
  return grpc::Status::OK;
}

grpc::Status MachineService::ListFaultRecords(grpc::ServerContext* call,
                                              const v1::ListFaultRecordsRequest* request,
                                              v1::ListFaultRecordsResponse* response) {
  const auto page = page_request(request->page_size(), request->page_token());
  if (!page) return invalid(page.error());
  if (const auto status = context_.check_station(request->parent()); !status.ok()) return status;
  auto found = at_desk<v1::ListFaultRecordsResponse>(
      context_, *call,
      [page = *page, station = context_.names.station](const station::PeopleDesk& desk) {
        v1::ListFaultRecordsResponse out;
        const auto sessions = desk.store.sessions(page.size, page.after);
        for (const auto& session : sessions) {
          const auto sets = desk.store.sets_of(session.id);
          for (auto set = sets.rbegin(); set != sets.rend(); ++set) {
            if (set->fault == 0) continue;
            v1::FaultRecord* entry = out.add_fault_records();
            entry->set_name(station + "/faults/" + set->id);
            fault_to_pb(static_cast<safety::FaultCode>(set->fault), entry->mutable_fault());
            entry->set_set("sessions/" + session.id + "/sets/" + set->id);
            const std::int64_t at_ns = record::unix_ns_at(*set, set->end_tick);
            entry->mutable_time()->set_seconds(at_ns / 1'000'000'000);
            entry->mutable_time()->set_nanos(static_cast<std::int32_t>(at_ns % 1'000'000'000));
          }
        }
        if (sessions.size() == page.size) out.set_next_page_token(sessions.back().id);
        return out;
      });
  if (!found) return found.error();
  response->Swap(&*found);
  return grpc::Status::OK;
}

grpc::Status MachineService::ListFaultKinds(grpc::ServerContext*,
                                            const v1::ListFaultKindsRequest* request,
                                            v1::ListFaultKindsResponse* response) {
  const auto page = page_request(request->page_size(), request->page_token());
  if (!page) return invalid(page.error());
  if (const auto status = context_.check_station(request->parent()); !status.ok()) return status;
  std::vector<safety::FaultCode> codes;
  for (int number = 1; number < kFaultCodesEnd; ++number) {
    const auto code = static_cast<safety::FaultCode>(number);
    if (safety::fault_info(code).code == code) codes.push_back(code);
  }
  const auto next = page_by_position(
      codes, *page, [&](safety::FaultCode code) { fault_to_pb(code, response->add_faults()); });
  if (!next) return invalid(next.error());
  response->set_next_page_token(*next);
  return grpc::Status::OK;
}

}  // namespace medius::api
