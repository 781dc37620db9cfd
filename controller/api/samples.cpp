// Live samples: of the station, pushed until the reader is full, or one message an asking message.
#include <algorithm>
#include <cmath>
#include <memory>

#include "controller/api/sample_service.hpp"
#include "controller/api/sample_tap.hpp"
#include "controller/api/station_service.hpp"
#include "controller/api/welcome.hpp"

namespace medius::api {
namespace {

using Clock = std::chrono::steady_clock;

// How soon a stream notices that its reader has gone while no rows come.
constexpr std::chrono::milliseconds kLookAfterReader{50};

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

// One reader's rows, from the request to the message.
class SampleStream {
 public:
  static tl::expected<std::unique_ptr<SampleStream>, grpc::Status> open(
      ApiContext& context, const grpc::ServerContext& call,
      const v1::WatchSamplesRequest& request) {
    if (auto status = context.check_station(request.name()); !status.ok()) {
      return tl::unexpected(std::move(status));
    }
    const auto axis = axis_from_pb(request.axis());
    if (!axis) return tl::unexpected(invalid(axis.error()));
    const auto divider = bounded("divider", request.divider(), 1, 1000, 1);
    if (!divider) return tl::unexpected(invalid(divider.error()));
    const auto batch_ms = bounded("batch_ms", request.batch_ms(), 5, 1000, 20);
    if (!batch_ms) return tl::unexpected(invalid(batch_ms.error()));
    TapConfig config;
    config.axis = *axis;
    config.divider = *divider;
    config.batch_rows = std::max(1u, *batch_ms / *divider);
    config.after_tick = request.after_tick();
    return std::make_unique<SampleStream>(context, call, config);
  }

  SampleStream(ApiContext& context, const grpc::ServerContext& call, const TapConfig& config)
      : context_(context),
        call_(call),
        axis_(config.axis),
        tap_(std::make_shared<SampleTap>(config)),
        registration_(context, tap_),
        welcome_(context, call) {}

  // Waits for rows. Not OK, or false: there will be none.
  grpc::Status next(v1::SampleBatch* out, bool& there) {
    there = false;
    while (!call_.IsCancelled() && !context_.stopping) {
      if (auto status = welcome_.look(); !status.ok()) return status;
      const auto batch = tap_->take(Clock::now() + kLookAfterReader);
      if (batch.rows.empty()) continue;
      fill(batch, out);
      there = true;
      return grpc::Status::OK;
    }
    if (!context_.stopping) return grpc::Status::OK;
    return {grpc::StatusCode::UNAVAILABLE, "the controller is shutting down"};
  }

 private:
  void fill(const SampleTap::Batch& batch, v1::SampleBatch* out) {
    out->set_axis(axis_);
    const auto snapshot = context_.hub.latest();
    out->set_coordinate(snapshot ? coordinate_to_pb(snapshot->loop.axis[axis_].coordinate)
                                 : v1::COORDINATE_UNSPECIFIED);
    out->set_sequence(++sequence_);
    out->set_dropped(batch.dropped);
    batch_to_pb(batch.rows, out);
  }

  ApiContext& context_;
  const grpc::ServerContext& call_;
  const std::uint8_t axis_;
  const std::shared_ptr<SampleTap> tap_;
  const TapRegistration registration_;
  Welcome welcome_;
  std::uint64_t sequence_ = 0;
};

}  // namespace

grpc::Status StationService::WatchSamples(grpc::ServerContext* call,
                                          const v1::WatchSamplesRequest* request,
                                          grpc::ServerWriter<v1::SampleBatch>* writer) {
  const Gate::Place place(context_.sample_streams);
  if (!place) return too_many("sample streams", context_.sample_streams);
  const auto stream = SampleStream::open(context_, *call, *request);
  if (!stream) return stream.error();
  while (true) {
    v1::SampleBatch response;
    bool there = false;
    if (auto status = (*stream)->next(&response, there); !there) return status;
    if (!writer->Write(response)) return grpc::Status::OK;
  }
}

// A reader that never asks again holds its place until its connection ends; it is sent nothing.
grpc::Status SampleService::FollowSamples(grpc::ServerContext* call, FollowStream* stream) {
  const Gate::Place place(context_.sample_streams);
  if (!place) return too_many("sample streams", context_.sample_streams);
  v1::FollowSamplesRequest request;
  if (!stream->Read(&request)) return grpc::Status::OK;
  const auto samples = SampleStream::open(context_, *call, request.watch());
  if (!samples) return samples.error();
  do {
    v1::FollowSamplesResponse response;
    bool there = false;
    if (auto status = (*samples)->next(response.mutable_batch(), there); !there) return status;
    constexpr std::int64_t kSecondNs = 1'000'000'000;
    const std::int64_t now_ns = context_.parts.runtime.wall_unix_ns();
    response.mutable_send_time()->set_seconds(now_ns / kSecondNs);
    response.mutable_send_time()->set_nanos(static_cast<std::int32_t>(now_ns % kSecondNs));
    if (!stream->Write(response)) return grpc::Status::OK;
  } while (stream->Read(&request));
  return grpc::Status::OK;
}

}  // namespace medius::api
