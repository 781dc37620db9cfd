// Whether the peer of a call that lasts is still to be served.
#pragma once

#include <chrono>

#include "controller/api/context.hpp"

namespace medius::api {

// Looked at once a second.
class Welcome {
 public:
  Welcome(const ApiContext& context, const grpc::ServerContext& call)
      : context_(context), call_(call) {}
  [[nodiscard]] grpc::Status look() {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return grpc::Status::OK;
    next_ = now + std::chrono::seconds(1);
    return context_.still_welcome(call_);
  }

 private:
  const ApiContext& context_;
  const grpc::ServerContext& call_;
  std::chrono::steady_clock::time_point next_ =
      std::chrono::steady_clock::now() + std::chrono::seconds(1);
};

}  // namespace medius::api
