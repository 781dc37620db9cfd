#include "sim/station/device_server.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "controller/base/tick.hpp"
#include "sim/station/device_line.hpp"
#include "sim/station/pacer.hpp"

namespace medius::sim {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

// A press that nobody listens to yet would be lost.
constexpr int kResetAfterTicks = 1000;
constexpr double kResetPressS = 0.4;

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
      .count();
}

}  // namespace

struct DeviceServer::Impl : std::enable_shared_from_this<DeviceServer::Impl> {
  Impl(asio::io_context& io, const MachineDevices& devices, StationView view,
       const DeviceServerOptions& o, TickObserver t)
      : station(view.station()),
        options(o),
        observer(std::move(t)),
        timer(io),
        pacer(Pace::kWall, now_ns()),
        relay_stands_in(devices.plan.relay_stands_in) {
    for (const hal::modbus::LinkPlan& link : devices.plan.links) {
      lines.emplace_back(io, link, view, options.address);
    }
    next = Clock::now();
  }

  void run();
  void step();
  [[nodiscard]] bool all_met() {
    return std::all_of(lines.begin(), lines.end(), [](DeviceLine& line) {
      return std::all_of(line.devices().begin(), line.devices().end(),
                         [](const SimulatedDevice& device) { return device.met(); });
    });
  }

  SimulatedStation& station;
  DeviceServerOptions options;
  TickObserver observer;
  asio::steady_timer timer;
  Pacer pacer;
  bool relay_stands_in;
  std::vector<DeviceLine> lines;
  Clock::time_point next;
  int met_ticks = 0;
  bool stopping = false;
};

void DeviceServer::Impl::run() {
  for (int due = pacer.wall_ticks_due(now_ns()); due > 0; --due) step();
  next += std::chrono::nanoseconds(kTickPeriodNs);
  if (next < Clock::now()) next = Clock::now() + std::chrono::nanoseconds(kTickPeriodNs);
  timer.expires_at(next);
  timer.async_wait([self = shared_from_this()](boost::system::error_code) {
    if (!self->stopping) self->run();
  });
}

void DeviceServer::Impl::step() {
  for (DeviceLine& line : lines) {
    for (SimulatedDevice& device : line.devices()) device.before_tick();
  }
  // Without a relay on the bus the safe-state relay is wired to the e-stop chain alone.
  if (!relay_stands_in) station.write_relay(true);
  const bool met = all_met();
  if (met && options.presses_reset && ++met_ticks == kResetAfterTicks) {
    station.press_reset(kResetPressS);
  }
  met_ticks = std::min(met_ticks, kResetAfterTicks);
  station.step_tick();
  if (observer) observer({now_ns(), 0, met});
}

DeviceServer::DeviceServer(asio::io_context& io, const MachineDevices& devices, StationView view,
                           const DeviceServerOptions& options, TickObserver observer)
    : impl_(std::make_shared<Impl>(io, devices, view, options, std::move(observer))) {
  impl_->run();
}

DeviceServer::~DeviceServer() {
  impl_->stopping = true;
  impl_->timer.cancel();
  impl_->lines.clear();
}

std::vector<std::pair<std::string, std::string>> DeviceServer::links() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const DeviceLine& line : impl_->lines) all.emplace_back(line.name(), line.where());
  return all;
}

}  // namespace medius::sim
