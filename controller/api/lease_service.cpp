// The lease of control: who leads. Every call is carried out on the control executor.
#include "controller/api/lease_service.hpp"

namespace medius::api {
namespace {

using station::Refusal;

// A lease as it was when the station was asked: what is left of it is counted by that clock.
struct Told {
  station::Lease lease;
  double remaining_s = 0.0;
  bool created = false;
};
using Answer = tl::expected<Told, Refusal>;
using Ask = std::function<Answer(station::Station&)>;

Told told(const station::Runtime& runtime, const station::Lease& lease, bool created = false) {
  const std::int64_t left_ns = lease.expires_ns - runtime.monotonic_ns();
  return {lease, 1e-9 * static_cast<double>(left_ns), created};
}

// What is common to all calls: a place, the station meant, a wait for control.
grpc::Status ask(ApiContext& context, grpc::ServerContext* call, const std::string& name,
                 const Ask& work, Told* out) {
  const Gate::Place place(context.unary);
  if (!place) return too_many("orders and queries", context.unary);
  if (const auto status = context.check_station(name); !status.ok()) return status;
  auto answer = on_control<Answer>(
      context.parts.runtime, ApiContext::wait_until(*call), context.give_up(*call),
      [work, &station = context.parts.station] { return work(station); });
  if (!answer) return no_answer(context);
  if (!*answer) return status_of(answer->error());
  *out = std::move(**answer);
  return grpc::Status::OK;
}

// Who asks: as the certificate says, or as they say.
Shape<std::string> asker(const grpc::ServerContext& call, const std::string& said) {
  const auto name = name_from_pb("client_name", said);
  if (!name) return name;
  return ApiContext::name_of(call, *name);
}

}  // namespace

grpc::Status LeaseService::AcquireLease(grpc::ServerContext* call,
                                        const v1::AcquireLeaseRequest* request,
                                        v1::AcquireLeaseResponse* response) {
  const auto who = asker(*call, request->client_name());
  if (!who) return invalid(who.error());
  const auto duration = lease_duration_ns(request->has_duration(), request->duration());
  if (!duration) return invalid(duration.error());
  const station::LeaseRequest wanted{*who, *duration, request->new_epoch()};
  Told lease;
  const auto status = ask(
      context_, call, request->name(),
      [wanted, &runtime = context_.parts.runtime](station::Station& station) -> Answer {
        const auto grant = station.acquire_lease(wanted);
        if (!grant) return tl::make_unexpected(grant.error());
        return told(runtime, grant->lease, grant->created);
      },
      &lease);
  if (!status.ok()) return status;
  lease_to_pb(lease.lease, lease.remaining_s, response->mutable_lease());
  response->set_created(lease.created);
  return grpc::Status::OK;
}

grpc::Status LeaseService::RenewLease(grpc::ServerContext* call,
                                      const v1::RenewLeaseRequest* request,
                                      v1::RenewLeaseResponse* response) {
  const auto who = asker(*call, request->client_name());
  if (!who) return invalid(who.error());
  std::int64_t duration_ns = 0;  // as before
  if (request->has_duration()) {
    const auto duration = lease_duration_ns(true, request->duration());
    if (!duration) return invalid(duration.error());
    duration_ns = *duration;
  }
  const station::LeaseClaim claim{*who, request->epoch(), duration_ns};
  Told lease;
  const auto status = ask(
      context_, call, request->name(),
      [claim, &runtime = context_.parts.runtime](station::Station& station) -> Answer {
        return station.renew_lease(claim).map(
            [&](const station::Lease& renewed) { return told(runtime, renewed); });
      },
      &lease);
  if (!status.ok()) return status;
  lease_to_pb(lease.lease, lease.remaining_s, response->mutable_lease());
  return grpc::Status::OK;
}

grpc::Status LeaseService::ReleaseLease(grpc::ServerContext* call,
                                        const v1::ReleaseLeaseRequest* request,
                                        v1::ReleaseLeaseResponse*) {
  const auto who = asker(*call, request->client_name());
  if (!who) return invalid(who.error());
  const station::LeaseClaim claim{*who, request->epoch(), 0};
  Told none;
  return ask(
      context_, call, request->name(),
      [claim](station::Station& station) -> Answer {
        return station.release_lease(claim).map([] { return Told{}; });
      },
      &none);
}

grpc::Status LeaseService::HandOverLease(grpc::ServerContext* call,
                                         const v1::HandOverLeaseRequest* request,
                                         v1::HandOverLeaseResponse* response) {
  const auto who = asker(*call, request->client_name());
  if (!who) return invalid(who.error());
  const auto to = name_from_pb("to", request->to());
  if (!to) return invalid(to.error());
  const station::LeaseClaim claim{*who, request->epoch(), 0};
  Told lease;
  const auto status = ask(
      context_, call, request->name(),
      [claim, to = *to, &runtime = context_.parts.runtime](station::Station& station) -> Answer {
        return station.hand_over_lease(claim, to).map(
            [&](const station::Lease& given) { return told(runtime, given); });
      },
      &lease);
  if (!status.ok()) return status;
  lease_to_pb(lease.lease, lease.remaining_s, response->mutable_lease());
  return grpc::Status::OK;
}

grpc::Status LeaseService::GetLease(grpc::ServerContext*, const v1::GetLeaseRequest* request,
                                    v1::GetLeaseResponse* response) {
  if (const auto status = context_.check_station(request->name()); !status.ok()) return status;
  const auto snapshot = context_.hub.latest();
  if (snapshot && snapshot->lease) {
    lease_to_pb(*snapshot->lease, snapshot->lease_remaining_s, response->mutable_lease());
  }
  return grpc::Status::OK;
}

}  // namespace medius::api
