#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "client/commands.hpp"
#include "client/display.hpp"
#include "client/print.hpp"
#include "client/watcher.hpp"
#include "client/wording.hpp"
#include "medius/v1/samples.grpc.pb.h"

namespace medius::client {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kLook{50};
// How long a missing controller is waited for.
constexpr std::chrono::seconds kPatience{5};

Clock::time_point end_of(const WatchOptions& options) {
  if (!(options.seconds > 0.0)) return Clock::time_point::max();
  return Clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(options.seconds * 1e3));
}

// In the integers of the wire turned back into the axis' units.
void print_rows(const v1::SampleBatch& batch) {
  for (int i = 0; i < batch.tick_size(); ++i) {
    fmt::print("{},{:.6f},{:.6f},{:.3f},{:.3f},{:.3f},{}\n", batch.tick(i),
               1e-6 * batch.position_micro(i), 1e-6 * batch.velocity_micro(i),
               1e-3 * batch.force_measured_milli(i), 1e-3 * batch.force_target_milli(i),
               1e-3 * batch.force_output_milli(i), word(static_cast<v1::Phase>(batch.phase(i))));
  }
}

// Live samples as CSV. Each message is asked for when the one before is printed: behind a slow pipe
// rows are dropped and counted, and what is printed is new.
int watch_samples(const CommonOptions& common, const WatchOptions& options) {
  const InterruptFlag interrupt;
  const Connection connection(common);
  v1::FollowSamplesRequest request;
  request.mutable_watch()->set_name("stations/-");
  request.mutable_watch()->set_axis(options.axis);
  request.mutable_watch()->set_divider(options.divider);
  grpc::ClientContext context;
  if (options.seconds > 0.0) {
    context.set_deadline(
        std::chrono::system_clock::now() +
        std::chrono::milliseconds(static_cast<std::int64_t>(options.seconds * 1e3)));
  }
  const auto stub = v1::SampleService::NewStub(connection.channel());
  const auto stream = stub->FollowSamples(&context);
  // A read that waits for a loop that stands still ends by Ctrl-C too.
  const std::jthread ender([&context](const std::stop_token& token) {
    while (!token.stop_requested() && InterruptFlag::count() == 0)
      std::this_thread::sleep_for(kLook);
    context.TryCancel();
  });
  v1::FollowSamplesResponse response;
  std::uint64_t dropped = 0;
  bool heading = false;
  while (stream->Write(request) && stream->Read(&response)) {
    const v1::SampleBatch& batch = response.batch();
    const bool lever = batch.coordinate() == v1::COORDINATE_LEVER;
    if (!heading) {
      fmt::print(
          "tick,position_{0},velocity_{0}ps,force_measured_{1},force_target_{1},"
          "force_output_{1},phase\n",
          lever ? "rad" : "m", lever ? "nm" : "n");
      heading = true;
    }
    print_rows(batch);
    dropped = batch.dropped();
  }
  const grpc::Status status = stream->Finish();
  if (dropped > 0) fmt::print(stderr, "medius: {} samples were dropped on the way here\n", dropped);
  const bool wanted =
      status.error_code() == grpc::StatusCode::CANCELLED ||
      (options.seconds > 0.0 && status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
  return status.ok() || wanted ? kExitOk : complain(status, common);
}

}  // namespace

int watch(const CommonOptions& common, const WatchOptions& options) {
  if (options.samples) return watch_samples(common, options);
  const InterruptFlag interrupt;
  const Connection connection(common);
  Watcher watcher(connection, true);
  Display display(common);
  const auto end = end_of(options);
  auto heard = Clock::now();
  while (InterruptFlag::count() == 0 && Clock::now() < end) {
    for (const v1::Station& station : watcher.take(kLook)) {
      heard = Clock::now();
      display.update(station);
      if (common.json) fmt::print("{}\n", json_of(station));
    }
    display.connected(watcher.connected());
    display.refresh();
    if (Clock::now() - heard > kPatience) {
      display.finish();
      return complain(watcher.last_error(), common);
    }
  }
  display.finish();
  return kExitOk;
}

}  // namespace medius::client
