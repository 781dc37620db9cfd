#pragma once

#include "controller/api/context.hpp"
#include "medius/v1/station.grpc.pb.h"

namespace medius::api {

// Handlers run on gRPC's threads and block; see admission.hpp for how many.
class StationService final : public v1::StationService::Service {
 public:
  explicit StationService(ApiContext& context) : context_(context) {}

  grpc::Status GetStation(grpc::ServerContext* call, const v1::GetStationRequest* request,
                          v1::Station* response) override;
  grpc::Status WatchStation(grpc::ServerContext* call, const v1::WatchStationRequest* request,
                            grpc::ServerWriter<v1::WatchStationResponse>* writer) override;
  grpc::Status WatchSamples(grpc::ServerContext* call, const v1::WatchSamplesRequest* request,
                            grpc::ServerWriter<v1::SampleBatch>* writer) override;
  grpc::Status StartSession(grpc::ServerContext* call, const v1::StartSessionRequest* request,
                            v1::Receipt* response) override;
  grpc::Status StartSet(grpc::ServerContext* call, const v1::StartSetRequest* request,
                        v1::Receipt* response) override;
  grpc::Status AdjustLoad(grpc::ServerContext* call, const v1::AdjustLoadRequest* request,
                          v1::Receipt* response) override;
  grpc::Status SetParameter(grpc::ServerContext* call, const v1::SetParameterRequest* request,
                            v1::Receipt* response) override;
  grpc::Status ConfirmGuided(grpc::ServerContext* call, const v1::ConfirmGuidedRequest* request,
                             v1::Receipt* response) override;
  grpc::Status SkipGuided(grpc::ServerContext* call, const v1::SkipGuidedRequest* request,
                          v1::Receipt* response) override;
  grpc::Status Pause(grpc::ServerContext* call, const v1::PauseRequest* request,
                     v1::Receipt* response) override;
  grpc::Status Resume(grpc::ServerContext* call, const v1::ResumeRequest* request,
                      v1::Receipt* response) override;
  grpc::Status Stop(grpc::ServerContext* call, const v1::StopRequest* request,
                    v1::Receipt* response) override;

 private:
  using Answer = station::Station::Answer<station::Receipt>;
  // Hands the order, with its checked header, to the station. Runs on the control executor.
  using Submit = std::function<void(const station::OrderHeader&, Answer)>;
  grpc::Status order(grpc::ServerContext* call, const char* method, const v1::OrderHeader& header,
                     Submit submit, v1::Receipt* response);
  grpc::Status submit_and_wait(grpc::ServerContext* call, const station::OrderHeader& header,
                               Submit submit, v1::Receipt* response);

  ApiContext& context_;
};

}  // namespace medius::api
