#pragma once

#include "controller/api/context.hpp"
#include "medius/v1/lease.grpc.pb.h"

namespace medius::api {

// Handlers run on gRPC's threads and block; see admission.hpp for how many.
class LeaseService final : public v1::LeaseService::Service {
 public:
  explicit LeaseService(ApiContext& context) : context_(context) {}

  grpc::Status AcquireLease(grpc::ServerContext* call, const v1::AcquireLeaseRequest* request,
                            v1::AcquireLeaseResponse* response) override;
  grpc::Status RenewLease(grpc::ServerContext* call, const v1::RenewLeaseRequest* request,
                          v1::RenewLeaseResponse* response) override;
  grpc::Status ReleaseLease(grpc::ServerContext* call, const v1::ReleaseLeaseRequest* request,
                            v1::ReleaseLeaseResponse* response) override;
  grpc::Status HandOverLease(grpc::ServerContext* call, const v1::HandOverLeaseRequest* request,
                             v1::HandOverLeaseResponse* response) override;
  grpc::Status GetLease(grpc::ServerContext* call, const v1::GetLeaseRequest* request,
                        v1::GetLeaseResponse* response) override;

 private:
  ApiContext& context_;
};

}  // namespace medius::api
