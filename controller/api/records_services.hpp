#pragma once

#include "controller/api/context.hpp"
#include "medius/v1/station.grpc.pb.h"

namespace medius::api {

// Handlers run on gRPC's threads and block; see admission.hpp for how many.
class ProgramService final : public v1::ProgramService::Service {
 public:
  explicit ProgramService(ApiContext& context) : context_(context) {}

  grpc::Status GetProgram(grpc::ServerContext* call, const v1::GetProgramRequest* request,
                          v1::Program* response) override;
  grpc::Status ListPrograms(grpc::ServerContext* call, const v1::ListProgramsRequest* request,
                            v1::ListProgramsResponse* response) override;
  grpc::Status ListProfiles(grpc::ServerContext* call, const v1::ListProfilesRequest* request,
                            v1::ListProfilesResponse* response) override;

 private:
  ApiContext& context_;
};

class SessionService final : public v1::SessionService::Service {
 public:
  explicit SessionService(ApiContext& context) : context_(context) {}

  grpc::Status ListSessions(grpc::ServerContext* call, const v1::ListSessionsRequest* request,
                            v1::ListSessionsResponse* response) override;
  grpc::Status GetSession(grpc::ServerContext* call, const v1::GetSessionRequest* request,
                          v1::Session* response) override;
  grpc::Status GetSet(grpc::ServerContext* call, const v1::GetSetRequest* request,
                      v1::Set* response) override;
  grpc::Status ReadSamples(grpc::ServerContext* call, const v1::ReadSamplesRequest* request,
                           grpc::ServerWriter<v1::RecordedSamples>* writer) override;
  grpc::Status RecomputeSet(grpc::ServerContext* call, const v1::RecomputeSetRequest* request,
                            v1::RecomputeSetResponse* response) override;

 private:
  ApiContext& context_;
};

}  // namespace medius::api
