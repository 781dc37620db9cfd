// Live samples for readers that must never act on old ones.
#pragma once

#include "controller/api/context.hpp"
#include "medius/v1/samples.grpc.pb.h"

namespace medius::api {

// Handlers run on gRPC's threads and block; see admission.hpp for how many.
class SampleService final : public v1::SampleService::Service {
 public:
  explicit SampleService(ApiContext& context) : context_(context) {}

  using FollowStream =
      grpc::ServerReaderWriter<v1::FollowSamplesResponse, v1::FollowSamplesRequest>;
  grpc::Status FollowSamples(grpc::ServerContext* call, FollowStream* stream) override;

 private:
  ApiContext& context_;
};

}  // namespace medius::api
