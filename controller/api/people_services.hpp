#pragma once

#include "controller/api/context.hpp"
#include "medius/v1/machine.grpc.pb.h"
#include "medius/v1/people.grpc.pb.h"

namespace medius::api {

// Handlers run on gRPC's threads and block; see admission.hpp for how many. What a handler reads,
// decides and writes is one job of the record thread.
class ClientService final : public v1::ClientService::Service {
 public:
  explicit ClientService(ApiContext& context) : context_(context) {}

  grpc::Status GetClient(grpc::ServerContext* call, const v1::GetClientRequest* request,
                         v1::Client* response) override;
  grpc::Status ListClients(grpc::ServerContext* call, const v1::ListClientsRequest* request,
                           v1::ListClientsResponse* response) override;
  grpc::Status CreateClient(grpc::ServerContext* call, const v1::CreateClientRequest* request,
                            v1::Client* response) override;
  grpc::Status UpdateClient(grpc::ServerContext* call, const v1::UpdateClientRequest* request,
                            v1::Client* response) override;
  grpc::Status DeleteClient(grpc::ServerContext* call, const v1::DeleteClientRequest* request,
                            google::protobuf::Empty* response) override;
  grpc::Status ExportClient(grpc::ServerContext* call, const v1::ExportClientRequest* request,
                            grpc::ServerWriter<v1::ExportClientResponse>* writer) override;
  grpc::Status EraseClient(grpc::ServerContext* call, const v1::EraseClientRequest* request,
                           v1::EraseClientResponse* response) override;
  grpc::Status ListTestResults(grpc::ServerContext* call, const v1::ListTestResultsRequest* request,
                               v1::ListTestResultsResponse* response) override;
  grpc::Status GetProgress(grpc::ServerContext* call, const v1::GetProgressRequest* request,
                           v1::Progress* response) override;

 private:
  ApiContext& context_;
};

class PlanService final : public v1::PlanService::Service {
 public:
  explicit PlanService(ApiContext& context) : context_(context) {}

  grpc::Status GetPlan(grpc::ServerContext* call, const v1::GetPlanRequest* request,
                       v1::Plan* response) override;
  grpc::Status ListPlans(grpc::ServerContext* call, const v1::ListPlansRequest* request,
                         v1::ListPlansResponse* response) override;
  grpc::Status CreatePlan(grpc::ServerContext* call, const v1::CreatePlanRequest* request,
                          v1::Plan* response) override;
  grpc::Status UpdatePlan(grpc::ServerContext* call, const v1::UpdatePlanRequest* request,
                          v1::Plan* response) override;
  grpc::Status DeletePlan(grpc::ServerContext* call, const v1::DeletePlanRequest* request,
                          google::protobuf::Empty* response) override;
  grpc::Status GetNextSession(grpc::ServerContext* call, const v1::GetNextSessionRequest* request,
                              v1::NextSession* response) override;
  grpc::Status ListPlanDays(grpc::ServerContext* call, const v1::ListPlanDaysRequest* request,
                            v1::ListPlanDaysResponse* response) override;
  grpc::Status DecideProposal(grpc::ServerContext* call, const v1::DecideProposalRequest* request,
                              v1::Plan* response) override;
  grpc::Status ImportLoads(grpc::ServerContext* call, const v1::ImportLoadsRequest* request,
                           v1::ImportLoadsResponse* response) override;

 private:
  ApiContext& context_;
};

class MachineService final : public v1::MachineService::Service {
 public:
  explicit MachineService(ApiContext& context) : context_(context) {}

  grpc::Status GetMachine(grpc::ServerContext* call, const v1::GetMachineRequest* request,
                          v1::Machine* response) override;
  grpc::Status ListMachines(grpc::ServerContext* call, const v1::ListMachinesRequest* request,
                            v1::ListMachinesResponse* response) override;
  grpc::Status ListFaultRecords(grpc::ServerContext* call,
                                const v1::ListFaultRecordsRequest* request,
                                v1::ListFaultRecordsResponse* response) override;
  grpc::Status ListFaultKinds(grpc::ServerContext* call, const v1::ListFaultKindsRequest* request,
                              v1::ListFaultKindsResponse* response) override;

 private:
  ApiContext& context_;
};

}  // namespace medius::api
