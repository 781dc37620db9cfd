// Services for whoever answers for what is kept: the audit log and the store itself.
#pragma once

#include "controller/api/context.hpp"
#include "medius/v1/audit.grpc.pb.h"
#include "medius/v1/store.grpc.pb.h"

namespace medius::api {

// Handlers run on gRPC's threads and block; see admission.hpp for how many.
class AuditService final : public v1::AuditService::Service {
 public:
  explicit AuditService(ApiContext& context) : context_(context) {}

  grpc::Status ListAuditEvents(grpc::ServerContext* call, const v1::ListAuditEventsRequest* request,
                               v1::ListAuditEventsResponse* response) override;
  grpc::Status WatchAuditEvents(grpc::ServerContext* call,
                                const v1::WatchAuditEventsRequest* request,
                                grpc::ServerWriter<v1::WatchAuditEventsResponse>* writer) override;
  grpc::Status VerifyAudit(grpc::ServerContext* call, const v1::VerifyAuditRequest* request,
                           v1::VerifyAuditResponse* response) override;

 private:
  ApiContext& context_;
};

class StoreService final : public v1::StoreService::Service {
 public:
  explicit StoreService(ApiContext& context) : context_(context) {}

  grpc::Status GetStore(grpc::ServerContext* call, const v1::GetStoreRequest* request,
                        v1::GetStoreResponse* response) override;
  grpc::Status VerifyStore(grpc::ServerContext* call, const v1::VerifyStoreRequest* request,
                           grpc::ServerWriter<v1::VerifyStoreResponse>* writer) override;
  grpc::Status BackupStore(grpc::ServerContext* call, const v1::BackupStoreRequest* request,
                           grpc::ServerWriter<v1::BackupStoreResponse>* writer) override;

 private:
  void write_down(const grpc::ServerContext& call, const char* action, const std::string& subject,
                  const std::string& problem) const;

  ApiContext& context_;
};

}  // namespace medius::api
