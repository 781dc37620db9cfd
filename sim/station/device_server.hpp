// The simulated machine behind the devices of a machine file: every link a line of its own, the
// plant at wall pace. One thread, one io_context.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/station/machine_devices.hpp"
#include "sim/station/station_server.hpp"

namespace medius::sim {

struct DeviceServerOptions {
  std::string address = "127.0.0.1";
  bool presses_reset = true;  // once all devices have been talked to for a moment
};

class DeviceServer {
 public:
  // Throws boost::system::system_error when a port or a terminal cannot be had. `devices` and
  // what `view` shows must outlive it.
  DeviceServer(boost::asio::io_context& io, const MachineDevices& devices, StationView view,
               const DeviceServerOptions& options, TickObserver observer);
  ~DeviceServer();

  // One a link, as the controller's --link takes them.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> links() const;

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace medius::sim
