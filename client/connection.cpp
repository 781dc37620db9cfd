#include "client/connection.hpp"

#include <chrono>
#include <cstdio>
#include <random>

#include <fmt/format.h>
#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>

namespace medius::client {
namespace {

// gRPC's own words on stderr would stand beside our one sentence.
void ignore_log(gpr_log_func_args*) {}

std::shared_ptr<grpc::ChannelCredentials> credentials(const TlsFiles& tls) {
  if (tls.key.empty()) return grpc::InsecureChannelCredentials();
  return grpc::SslCredentials({tls.authority, tls.key, tls.certificate});
}

std::shared_ptr<grpc::Channel> channel_to(const CommonOptions& options) {
  gpr_set_log_function(&ignore_log);
  grpc::ChannelArguments arguments;
  // A controller that comes back is noticed within half a second.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
  // Our own computer or a certificate: a proxy from the environment would be a mistake.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(options.address, credentials(options.tls), arguments);
}

}  // namespace

Connection::Connection(const CommonOptions& options) : options_(options) {
  channel_ = channel_to(options);
  const auto& channel = channel_;
  station_ = v1::StationService::NewStub(channel);
  programs_ = v1::ProgramService::NewStub(channel);
  sessions_ = v1::SessionService::NewStub(channel);
  clients_ = v1::ClientService::NewStub(channel);
  plans_ = v1::PlanService::NewStub(channel);
  machines_ = v1::MachineService::NewStub(channel);
  leases_ = v1::LeaseService::NewStub(channel);
}

v1::OrderHeader Connection::header() const {
  static std::random_device random;
  v1::OrderHeader header;
  header.set_request_id(fmt::format("{:08x}{:08x}", random(), random()));
  header.set_client_name(options_.name);
  return header;
}

std::unique_ptr<grpc::ClientContext> call_context(double seconds) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() +
                        std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1e3)));
  return context;
}

int complain(const grpc::Status& status, const CommonOptions& options) {
  using grpc::StatusCode;
  switch (status.error_code()) {
    case StatusCode::INVALID_ARGUMENT:
    case StatusCode::NOT_FOUND:
    case StatusCode::FAILED_PRECONDITION:
    case StatusCode::ABORTED:
    case StatusCode::OUT_OF_RANGE:
    case StatusCode::RESOURCE_EXHAUSTED:
    case StatusCode::PERMISSION_DENIED:
    case StatusCode::UNAUTHENTICATED:
      fmt::print(stderr, "medius: {}\n", status.error_message());
      return kExitRefused;
    case StatusCode::UNAVAILABLE:
      fmt::print(stderr,
                 "medius: no controller answers at {} ({}); start mediusd or name its address with "
                 "--address\n",
                 options.address, status.error_message());
      return kExitFailed;
    case StatusCode::DEADLINE_EXCEEDED:
      fmt::print(stderr,
                 "medius: the controller at {} did not answer in time ({}); look at its log\n",
                 options.address, status.error_message());
      return kExitFailed;
    default:
      fmt::print(stderr, "medius: the controller at {} failed: {}\n", options.address,
                 status.error_message());
      return kExitFailed;
  }
}

int complain(const std::string& sentence) {
  fmt::print(stderr, "medius: {}\n", sentence);
  return kExitFailed;
}

}  // namespace medius::client
