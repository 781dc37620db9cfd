// One link of a machine file with its simulated devices, as a Modbus TCP server or as a serial line
// on a pseudo-terminal. It takes the time that the device takes, and on a line the wire's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hal/modbus/bus_plan.hpp"
#include "sim/station/simulated_device.hpp"

namespace boost::asio {
class io_context;
}

namespace medius::sim {

class DeviceLine {
 public:
  // `plan` must outlive it. Throws boost::system::system_error when port or terminal cannot be had.
  DeviceLine(boost::asio::io_context& io, const hal::modbus::LinkPlan& plan, StationView view,
             const std::string& tcp_address);
  ~DeviceLine();
  DeviceLine(DeviceLine&&) noexcept;

  // What the controller's --link takes: "drive=127.0.0.1:40001", "drive=/dev/pts/7".
  [[nodiscard]] const std::string& name() const noexcept;
  [[nodiscard]] const std::string& where() const noexcept;
  [[nodiscard]] std::vector<SimulatedDevice>& devices() noexcept;

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace medius::sim
