// The way to the controller: a channel, its stubs, deadlines, and sentences for what goes wrong.
#pragma once

#include <memory>
#include <string>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include "client/options.hpp"
#include "medius/v1/lease.grpc.pb.h"
#include "medius/v1/machine.grpc.pb.h"
#include "medius/v1/people.grpc.pb.h"
#include "medius/v1/station.grpc.pb.h"

namespace medius::client {

class Connection {
 public:
  explicit Connection(const CommonOptions& options);

  [[nodiscard]] v1::StationService::Stub& station() const { return *station_; }
  [[nodiscard]] v1::ProgramService::Stub& programs() const { return *programs_; }
  [[nodiscard]] v1::SessionService::Stub& sessions() const { return *sessions_; }
  [[nodiscard]] v1::ClientService::Stub& clients() const { return *clients_; }
  [[nodiscard]] v1::PlanService::Stub& plans() const { return *plans_; }
  [[nodiscard]] v1::MachineService::Stub& machines() const { return *machines_; }
  // For stubs of other services.
  [[nodiscard]] const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  [[nodiscard]] v1::LeaseService::Stub& leases() const { return *leases_; }
  [[nodiscard]] const CommonOptions& options() const { return options_; }

  // A header with a new request id, our name, and the station we mean.
  [[nodiscard]] v1::OrderHeader header() const;

 private:
  const CommonOptions options_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::StationService::Stub> station_;
  std::unique_ptr<v1::ProgramService::Stub> programs_;
  std::unique_ptr<v1::SessionService::Stub> sessions_;
  std::unique_ptr<v1::ClientService::Stub> clients_;
  std::unique_ptr<v1::PlanService::Stub> plans_;
  std::unique_ptr<v1::MachineService::Stub> machines_;
  std::unique_ptr<v1::LeaseService::Stub> leases_;
};

// A context with a deadline so many seconds from now.
[[nodiscard]] std::unique_ptr<grpc::ClientContext> call_context(double seconds = 5.0);

// One sentence on stderr; returns the exit code that suits the status.
int complain(const grpc::Status& status, const CommonOptions& options);
int complain(const std::string& sentence);

}  // namespace medius::client
