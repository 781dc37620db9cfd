#include "client/control_lease.hpp"

namespace medius::client {
namespace {

// A lease is renewed within the loop that shows the station: it must not stand still for longer.
constexpr double kCallS = 1.0;

}  // namespace

ControlLease::~ControlLease() {
  if (!created_ || lease_.epoch() == 0) return;
  v1::ReleaseLeaseRequest request;
  request.set_client_name(connection_.options().name);
  request.set_epoch(lease_.epoch());
  v1::ReleaseLeaseResponse response;
  // Without an answer it runs out by itself.
  (void)connection_.leases().ReleaseLease(call_context(kCallS).get(), request, &response);
}

void ControlLease::note(const v1::Lease& lease) {
  lease_ = lease;
  const auto left = std::chrono::seconds(lease.remaining().seconds()) +
                    std::chrono::nanoseconds(lease.remaining().nanos());
  renew_at_ = Clock::now() + left / 3;
}

grpc::Status ControlLease::take(double seconds) {
  v1::AcquireLeaseRequest request;
  request.set_client_name(connection_.options().name);
  if (seconds > 0.0) {
    const auto ms = static_cast<std::int64_t>(seconds * 1e3);
    request.mutable_duration()->set_seconds(ms / 1000);
    request.mutable_duration()->set_nanos(static_cast<std::int32_t>(ms % 1000) * 1'000'000);
  }
  v1::AcquireLeaseResponse response;
  grpc::Status status = connection_.leases().AcquireLease(call_context().get(), request, &response);
  if (!status.ok()) return status;
  created_ = created_ || response.created();
  note(response.lease());
  return status;
}

grpc::Status ControlLease::keep() {
  if (lease_.epoch() == 0 || Clock::now() < renew_at_) return grpc::Status::OK;
  v1::RenewLeaseRequest request;
  request.set_client_name(connection_.options().name);
  request.set_epoch(lease_.epoch());
  v1::RenewLeaseResponse response;
  grpc::Status status =
      connection_.leases().RenewLease(call_context(kCallS).get(), request, &response);
  if (status.ok()) {
    note(response.lease());
  } else if (status.error_code() == grpc::StatusCode::ABORTED) {
    lease_.Clear();  // somebody else leads
  } else {
    renew_at_ = Clock::now() + std::chrono::seconds(1);
  }
  return status;
}

v1::OrderHeader ControlLease::header() const {
  v1::OrderHeader header = connection_.header();
  if (lease_.epoch() != 0) header.set_lease_epoch(lease_.epoch());
  return header;
}

}  // namespace medius::client
