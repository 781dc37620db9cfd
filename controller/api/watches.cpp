// The long-lived stream of states. Latest wins; nothing is queued without a bound.
#include "controller/api/station_service.hpp"
#include "controller/api/welcome.hpp"

namespace medius::api {
namespace {

using Clock = std::chrono::steady_clock;

// How soon a stream notices that its reader has gone while nothing is published.
constexpr std::chrono::milliseconds kLookAfterReader{50};

// A reader that keeps up lets a message out at once; a host that stalls holds one up for 50 ms.
constexpr std::chrono::milliseconds kHeldUp{250};

}  // namespace

grpc::Status StationService::GetStation(grpc::ServerContext*, const v1::GetStationRequest* request,
                                        v1::Station* response) {
  if (const auto status = context_.check_station(request->name()); !status.ok()) return status;
  const auto snapshot = context_.hub.latest();
  if (!snapshot) {
    return {grpc::StatusCode::UNAVAILABLE,
            "the station has not published its state yet; try again"};
  }
  station_to_pb(*snapshot, context_.names, response);
  for (std::string& note : context_.hub.notes()) response->add_warnings(std::move(note));
  return grpc::Status::OK;
}

grpc::Status StationService::WatchStation(grpc::ServerContext* call,
                                          const v1::WatchStationRequest* request,
                                          grpc::ServerWriter<v1::WatchStationResponse>* writer) {
  if (const auto status = context_.check_station(request->name()); !status.ok()) return status;
  const auto rate_hz = bounded("rate_hz", request->rate_hz(), 1, 50, 20);
  if (!rate_hz) return invalid(rate_hz.error());
  const auto client = name_from_pb("client_name", request->client_name());
  if (!client) return invalid(client.error());
  const Gate::Place place(context_.watches);
  if (!place) return too_many("watches", context_.watches);
  // An empty name is an onlooker also with a certificate.
  const Presence::Watch watch(context_.presence,
                              client->empty() ? *client : ApiContext::name_of(*call, *client));

  // A little early is on time: publications have jitter of their own.
  const auto period = std::chrono::microseconds(900'000 / *rate_hz);
  auto next = Clock::now();
  std::uint64_t seen = 0;  // publications looked at
  // Sequence that was sent last; of a watch that goes on, by an earlier stream.
  std::uint64_t sent = request->after_sequence();
  std::uint64_t skipped = 0;
  bool thinned = false;
  std::uint64_t version = UINT64_MAX;
  Welcome welcome(context_, *call);
  while (!call->IsCancelled()) {
    if (auto status = welcome.look(); !status.ok()) return status;
    const auto now = context_.hub.wait(seen, Clock::now() + kLookAfterReader);
    if (now.closed) return {grpc::StatusCode::UNAVAILABLE, "the controller is shutting down"};
    if (!now.snapshot || now.publications == seen) continue;
    seen = now.publications;
    const bool changed = now.snapshot->version != version;
    if (!changed && Clock::now() < next) continue;
    v1::WatchStationResponse response;
    station_to_pb(*now.snapshot, context_.names, response.mutable_station());
    for (std::string& note : context_.hub.notes()) {
      response.mutable_station()->add_warnings(std::move(note));
    }
    const std::uint64_t sequence = now.snapshot->sequence;
    if (sent != 0 && sequence > sent) skipped += sequence - sent - 1;
    response.set_skipped(skipped);
    response.set_thinned(thinned);
    sent = sequence;
    version = now.snapshot->version;
    const auto begun = Clock::now();
    next = begun + period;
    if (!writer->Write(response)) break;
    thinned = thinned || Clock::now() - begun > kHeldUp;
  }
  return grpc::Status::OK;
}

}  // namespace medius::api
