// The long-lived streams: states and live samples. Latest wins; nothing is queued without a bound.
#include <algorithm>
#include <cmath>

#include "controller/api/sample_tap.hpp"
#include "controller/api/station_service.hpp"

namespace medius::api {
namespace {

using Clock = std::chrono::steady_clock;

// How soon a stream notices that its reader has gone while nothing is published.
constexpr std::chrono::milliseconds kLookAfterReader{50};

// A reader that keeps up lets a message out at once; a host that stalls holds one up for 50 ms.
constexpr std::chrono::milliseconds kHeldUp{250};

// Whether a stream's peer is still to be served, looked at once a second.
class Welcome {
 public:
  Welcome(const ApiContext& context, const grpc::ServerContext& call)
      : context_(context), call_(call) {}
  [[nodiscard]] grpc::Status look() {
    const auto now = Clock::now();
    if (now < next_) return grpc::Status::OK;
    next_ = now + std::chrono::seconds(1);
    return context_.still_welcome(call_);
  }

 private:
  const ApiContext& context_;
  const grpc::ServerContext& call_;
  Clock::time_point next_ = Clock::now() + std::chrono::seconds(1);
};

std::int32_t scaled(double value, double per_unit) {
  constexpr double kMax = 2147483647.0;
  const double x = value * per_unit;
  if (!(x <= kMax)) return x > kMax ? 2147483647 : 0;  // NaN becomes 0
  if (x < -kMax) return -2147483647;
  return static_cast<std::int32_t>(std::lround(x));
}

void batch_to_pb(const std::vector<TapRow>& rows, v1::SampleBatch* out) {
  constexpr double kMicro = 1e6;
  constexpr double kMilli = 1e3;
  for (const TapRow& row : rows) {
    out->add_tick(row.tick);
    out->add_position_micro(scaled(row.position, kMicro));
    out->add_velocity_micro(scaled(row.velocity, kMicro));
    out->add_force_measured_milli(scaled(row.force_measured, kMilli));
    out->add_force_target_milli(scaled(row.force_target, kMilli));
    out->add_force_output_milli(scaled(row.force_output, kMilli));
    out->add_phase(static_cast<std::uint32_t>(phase_to_pb(static_cast<measure::Phase>(row.phase))));
  }
}

// Registered with the station while it lives; the tap outlives the registration.
class TapRegistration {
 public:
  TapRegistration(ApiContext& context, std::shared_ptr<SampleTap> tap) : context_(context) {
    auto& station = context_.parts.station;
    id_ = std::make_shared<std::atomic<std::uint64_t>>(0);
    context_.parts.runtime.post([&station, tap = std::move(tap), id = id_] {
      *id = station.observe_samples(
          [tap](std::span<const rt::SampleRecord> samples) { tap->push(samples); });
    });
  }
  ~TapRegistration() {
    // Posted after the registration, so it finds the id.
    context_.parts.runtime.post(
        [&station = context_.parts.station, id = id_] { station.unobserve_samples(*id); });
  }
  TapRegistration(const TapRegistration&) = delete;
  TapRegistration& operator=(const TapRegistration&) = delete;

 private:
  ApiContext& context_;
  std::shared_ptr<std::atomic<std::uint64_t>> id_;
};

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

grpc::Status StationService::WatchSamples(grpc::ServerContext* call,
                                          const v1::WatchSamplesRequest* request,
                                          grpc::ServerWriter<v1::SampleBatch>* writer) {
  if (const auto status = context_.check_station(request->name()); !status.ok()) return status;
  const auto axis = axis_from_pb(request->axis());
  if (!axis) return invalid(axis.error());
  const auto divider = bounded("divider", request->divider(), 1, 1000, 1);
  if (!divider) return invalid(divider.error());
  const auto batch_ms = bounded("batch_ms", request->batch_ms(), 5, 1000, 20);
  if (!batch_ms) return invalid(batch_ms.error());
  const Gate::Place place(context_.sample_streams);
  if (!place) return too_many("sample streams", context_.sample_streams);

  TapConfig config;
  config.axis = *axis;
  config.divider = *divider;
  config.batch_rows = std::max(1u, *batch_ms / *divider);
  config.after_tick = request->after_tick();
  const auto tap = std::make_shared<SampleTap>(config);
  const TapRegistration registration(context_, tap);
  std::uint64_t sequence = 0;
  Welcome welcome(context_, *call);
  while (!call->IsCancelled() && !context_.stopping) {
    if (auto status = welcome.look(); !status.ok()) return status;
    const auto batch = tap->take(Clock::now() + kLookAfterReader);
    if (batch.rows.empty()) continue;
    v1::SampleBatch response;
    response.set_axis(*axis);
    const auto snapshot = context_.hub.latest();
    response.set_coordinate(snapshot ? coordinate_to_pb(snapshot->loop.axis[*axis].coordinate)
                                     : v1::COORDINATE_UNSPECIFIED);
    response.set_sequence(++sequence);
    response.set_dropped(batch.dropped);
    batch_to_pb(batch.rows, &response);
    if (!writer->Write(response)) break;
  }
  if (context_.stopping) return {grpc::StatusCode::UNAVAILABLE, "the controller is shutting down"};
  return grpc::Status::OK;
}

}  // namespace medius::api
