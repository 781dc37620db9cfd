#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "client/commands.hpp"
#include "client/connection.hpp"
#include "client/print.hpp"
#include "medius/sim/v1/sim.grpc.pb.h"

namespace medius::client {
namespace {

namespace sv1 = ::medius::sim::v1;

std::unique_ptr<sv1::SimService::Stub> stub_of(const SimOptions& options) {
  return sv1::SimService::NewStub(
      grpc::CreateChannel(options.address, grpc::InsecureChannelCredentials()));
}

int complain_of(const grpc::Status& status, const SimOptions& options) {
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    complain(fmt::format(
        "no simulated machine answers at {} ({}); start medius-sim with --control PORT and say "
        "--sim 127.0.0.1:PORT",
        options.address, status.error_message()));
    return kExitFailed;
  }
  complain(status.error_message());
  return kExitRefused;
}

std::string active_line(const sv1::ActiveFault& fault) {
  const std::string left = fault.remaining_s() > 0.0
                               ? fmt::format("{:.1f} s left", fault.remaining_s())
                               : std::string("until cleared");
  return fmt::format("#{:<4} {:<36} row {:<4} axis {}  intensity {:.2f}  since tick {}  {}",
                     fault.id(), fault.name(), fault.row(), fault.axis(), fault.intensity(),
                     fault.since_tick(), left);
}

std::string expected_text(const sv1::Fault& fault) {
  if (fault.expected().empty()) return "nobody has to notice";
  std::string text;
  for (const std::string& name : fault.expected()) text += (text.empty() ? "" : ", ") + name;
  return fault.budget_ms() > 0.0 ? fmt::format("{} within {:.0f} ms", text, fault.budget_ms())
                                 : text;
}

}  // namespace

int sim_fault_list(const CommonOptions& common, const SimOptions& options) {
  sv1::ListFaultsResponse response;
  const auto context = call_context();
  const grpc::Status status = stub_of(options)->ListFaults(context.get(), {}, &response);
  if (!status.ok()) return complain_of(status, options);
  if (common.json) {
    fmt::print("{}\n", json_of(response));
    return kExitOk;
  }
  for (const sv1::Fault& fault : response.faults()) {
    if (options.active_only) break;
    fmt::print("{:<10} {:<13} row {:<4} {}\n{:25} noticed: {}\n", fault.target(), fault.kind(),
               fault.row(), fault.injection(), "", expected_text(fault));
  }
  if (response.active().empty()) fmt::print("no fault is active\n");
  for (const sv1::ActiveFault& fault : response.active()) fmt::print("{}\n", active_line(fault));
  return kExitOk;
}

int sim_fault_set(const CommonOptions& common, const SimOptions& options) {
  sv1::SetFaultRequest request;
  request.set_target(options.target);
  request.set_kind(options.kind);
  request.set_row(options.row);
  request.set_axis(options.axis);
  request.set_intensity(options.intensity);
  request.set_seed(options.seed);
  request.set_duration_s(options.seconds);
  sv1::SetFaultResponse response;
  const auto context = call_context();
  const grpc::Status status = stub_of(options)->SetFault(context.get(), request, &response);
  if (!status.ok()) return complain_of(status, options);
  if (common.json) {
    fmt::print("{}\n", json_of(response));
  } else {
    fmt::print("{}\n", active_line(response.fault()));
  }
  return kExitOk;
}

int sim_fault_clear(const CommonOptions& common, const SimOptions& options) {
  sv1::ClearFaultRequest request;
  request.set_id(options.id);
  sv1::ClearFaultResponse response;
  const auto context = call_context();
  const grpc::Status status = stub_of(options)->ClearFault(context.get(), request, &response);
  if (!status.ok()) return complain_of(status, options);
  if (common.json) {
    fmt::print("{}\n", json_of(response));
  } else {
    fmt::print("{} cleared; a latched fault still needs the reset at the panel\n",
               response.cleared());
  }
  return kExitOk;
}

int sim_fault_run(const CommonOptions& common, const SimOptions& options) {
  std::ifstream file(options.scenario);
  if (!file) {
    complain(fmt::format("cannot read '{}'; give a scenario file", options.scenario));
    return kExitFailed;
  }
  sv1::RunScenarioRequest request;
  request.set_scenario(std::string(std::istreambuf_iterator<char>(file), {}));
  sv1::RunScenarioResponse response;
  const auto context = call_context();
  const grpc::Status status = stub_of(options)->RunScenario(context.get(), request, &response);
  if (!status.ok()) return complain_of(status, options);
  if (common.json) {
    fmt::print("{}\n", json_of(response));
  } else {
    fmt::print("{}\nIts faults strike in the next set; `medius sim status` shows them.\n",
               response.description());
  }
  return kExitOk;
}

int sim_status(const CommonOptions& common, const SimOptions& options) {
  sv1::GetStateResponse state;
  const auto context = call_context();
  const grpc::Status status = stub_of(options)->GetState(context.get(), {}, &state);
  if (!status.ok()) return complain_of(status, options);
  if (common.json) {
    fmt::print("{}\n", json_of(state));
    return kExitOk;
  }
  fmt::print("tick {}, {}, {} repetitions, drive: {}\n", state.tick(), state.phase(), state.reps(),
             state.drive());
  for (const sv1::Strike& strike : state.strikes()) {
    fmt::print("struck: {} (row {}) in {} at tick {}\n", strike.name(), strike.row(),
               strike.phase(), strike.tick());
  }
  for (const sv1::ActiveFault& fault : state.active()) fmt::print("{}\n", active_line(fault));
  return kExitOk;
}

}  // namespace medius::client
