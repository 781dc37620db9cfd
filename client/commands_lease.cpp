// medius lease: who leads the station.
#include <thread>

#include <fmt/format.h>

#include "client/commands.hpp"
#include "client/control_lease.hpp"
#include "client/print.hpp"
#include "client/terminal.hpp"

namespace medius::client {
namespace {

void print_lease(const v1::Lease& lease, const CommonOptions& common) {
  if (common.json) {
    fmt::print("{}\n", json_of(lease));
  } else if (!common.quiet) {
    const double left =
        static_cast<double>(lease.remaining().seconds()) + 1e-9 * lease.remaining().nanos();
    fmt::print("'{}' leads for another {:.1f} s (epoch {})\n", lease.holder(), left, lease.epoch());
  }
}

grpc::Status fetch(const Connection& connection, v1::GetLeaseResponse* response) {
  return connection.leases().GetLease(call_context().get(), {}, response);
}

}  // namespace

int lease_show(const CommonOptions& common) {
  const Connection connection(common);
  v1::GetLeaseResponse response;
  if (const auto status = fetch(connection, &response); !status.ok()) {
    return complain(status, common);
  }
  if (response.has_lease()) {
    print_lease(response.lease(), common);
  } else {
    fmt::print("{}\n", common.json ? "{}" : "nobody holds the lease of control");
  }
  return kExitOk;
}

int lease_take(const CommonOptions& common, const LeaseOptions& options) {
  const InterruptFlag interrupt;
  const Connection connection(common);
  ControlLease lease(connection);
  if (const auto status = lease.take(options.seconds); !status.ok()) {
    return complain(status, common);
  }
  print_lease(lease.lease(), common);
  if (!options.keep) {
    lease.leave();
    return kExitOk;
  }
  while (InterruptFlag::count() == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const auto status = lease.keep();
    if (!status.ok() && lease.lease().epoch() == 0) return complain(status, common);
  }
  return kExitOk;
}

int lease_release(const CommonOptions& common) {
  const Connection connection(common);
  v1::GetLeaseResponse now;
  if (const auto status = fetch(connection, &now); !status.ok()) return complain(status, common);
  v1::ReleaseLeaseRequest request;
  request.set_client_name(common.name);
  request.set_epoch(now.lease().epoch());
  v1::ReleaseLeaseResponse response;
  const auto status = connection.leases().ReleaseLease(call_context().get(), request, &response);
  if (!status.ok()) return complain(status, common);
  if (common.json) {
    fmt::print("{{}}\n");
  } else if (!common.quiet) {
    fmt::print("nobody holds the lease of control\n");
  }
  return kExitOk;
}

int lease_hand_over(const CommonOptions& common, const LeaseOptions& options) {
  const Connection connection(common);
  v1::GetLeaseResponse now;
  if (const auto status = fetch(connection, &now); !status.ok()) return complain(status, common);
  v1::HandOverLeaseRequest request;
  request.set_client_name(common.name);
  request.set_epoch(now.lease().epoch());
  request.set_to(options.to);
  v1::HandOverLeaseResponse response;
  const auto status = connection.leases().HandOverLease(call_context().get(), request, &response);
  if (!status.ok()) return complain(status, common);
  print_lease(response.lease(), common);
  return kExitOk;
}

}  // namespace medius::client
