// Round trips to a running mediusd beside a bare gRPC server that sends the same message: what the
// station adds to gRPC. `serve ADDRESS` is the bare server, `measure ADDRESS BARE ROUNDS CALLS` the
// judge; both talk gRPC's synchronous API over loopback.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/server_builder.h>

#include "medius/v1/station.grpc.pb.h"

namespace {

namespace v1 = medius::v1;
using Clock = std::chrono::steady_clock;
using Stub = v1::StationService::Stub;

std::unique_ptr<Stub> connect(const std::string& address) {
  return v1::StationService::NewStub(
      grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
}

// Nothing but gRPC: one message, made beforehand.
class Bare final : public v1::StationService::Service {
 public:
  explicit Bare(v1::Station station) { response_.mutable_station()->Swap(&station); }
  grpc::Status GetStation(grpc::ServerContext*, const v1::GetStationRequest*,
                          v1::Station* response) override {
    *response = response_.station();
    return grpc::Status::OK;
  }
  grpc::Status WatchStation(grpc::ServerContext*, const v1::WatchStationRequest*,
                            grpc::ServerWriter<v1::WatchStationResponse>* writer) override {
    writer->Write(response_);
    return grpc::Status::OK;
  }

 private:
  v1::WatchStationResponse response_;
};

int serve(const std::string& model) {
  v1::Station station;
  grpc::ClientContext context;
  if (!connect(model)->GetStation(&context, {}, &station).ok()) return 1;
  Bare service(std::move(station));
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  if (!server) return 1;
  fmt::print("listening on 127.0.0.1:{}\n", port);
  std::fflush(stdout);
  server->Wait();
  return 0;
}

bool unary(Stub& stub) {
  grpc::ClientContext context;
  v1::Station station;
  return stub.GetStation(&context, {}, &station).ok();
}

// A stream from its opening to its first message, which it is ended after.
bool stream(Stub& stub) {
  grpc::ClientContext context;
  const auto reader = stub.WatchStation(&context, {});
  v1::WatchStationResponse response;
  const bool read = reader->Read(&response);
  context.TryCancel();
  while (reader->Read(&response)) {
  }
  (void)reader->Finish();
  return read;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Median of so many calls, in us; negative when one failed.
double p50_us(Stub& stub, const std::function<bool(Stub&)>& call, int calls) {
  std::vector<double> times;
  for (int i = 0; i < calls; ++i) {
    const auto start = Clock::now();
    if (!call(stub)) return -1.0;
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  return median(std::move(times));
}

struct Pair {
  double station_us = 0.0, bare_us = 0.0, ratio = 0.0;
};

// Rounds are interleaved, so that what else the machine does hits both.
bool compare(Stub& station, Stub& bare, const std::function<bool(Stub&)>& call, int rounds,
             int calls, Pair& out) {
  std::vector<double> stations, bares, ratios;
  for (int round = 0; round < rounds; ++round) {
    const bool first = round % 2 == 0;
    const double a = p50_us(first ? station : bare, call, calls);
    const double b = p50_us(first ? bare : station, call, calls);
    if (a < 0.0 || b < 0.0) return false;
    stations.push_back(first ? a : b);
    bares.push_back(first ? b : a);
    ratios.push_back(stations.back() / bares.back());
  }
  out = {median(std::move(stations)), median(std::move(bares)), median(std::move(ratios))};
  return true;
}

int measure(const std::string& address, const std::string& bare_address, int rounds, int calls) {
  const auto station = connect(address);
  const auto bare = connect(bare_address);
  Pair one, many;
  if (!compare(*station, *bare, unary, rounds, calls, one) ||
      !compare(*station, *bare, stream, rounds, calls, many)) {
    std::fputs("medius-bench-api: a call failed\n", stderr);
    return 1;
  }
  fmt::print(
      "{{\"api_unary_p50_over_bare\": {:.3f}, \"api_unary_us\": {{\"p50\": {:.1f}, \"bare_p50\": "
      "{:.1f}}}, \"api_stream_p50_over_bare\": {:.3f}, \"api_stream_us\": {{\"p50\": {:.1f}, "
      "\"bare_p50\": {:.1f}}}, \"api_rounds\": {}}}\n",
      one.ratio, one.station_us, one.bare_us, many.ratio, many.station_us, many.bare_us, rounds);
  return 0;
}

int number(const char* text) {
  int out = 0;
  std::from_chars(text, text + std::strlen(text), out);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "serve" && argc == 3) return serve(argv[2]);
  if (what == "measure" && argc == 6 && number(argv[4]) > 0 && number(argv[5]) > 0) {
    return measure(argv[2], argv[3], number(argv[4]), number(argv[5]));
  }
  std::fputs("usage: medius-bench-api serve ADDRESS | measure ADDRESS BARE ROUNDS CALLS\n", stderr);
  return 2;
}
