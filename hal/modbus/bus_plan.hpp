// The flat schedule of a machine: its links, and on each the devices with what they are asked for
// and how often.
#pragma once

#include <string>
#include <vector>

#include "hal/modbus/descriptor.hpp"
#include "hal/modbus/machine_bus.hpp"

namespace medius::hal::modbus {

struct DevicePlan {
  std::string name;
  DeviceDescriptor descriptor;
  std::uint8_t unit_id = 1;
  int axis = -1;  // of the image; -1 for a panel or a sensor
  CoordinateKind coordinate = CoordinateKind::kCable;
  double rated_force = 0.0;  // N | Nm: must be what the device says of itself
  double force_limit = 0.0;  // N | Nm, asked of the drive; the loop can only tighten it
  double speed_limit = 0.0;  // m/s | rad/s
  double watchdog_s = 0.0;
  int every_rounds = 1;
};

struct LinkPlan {
  std::string name;
  std::string address;     // as people write it: host:port
  std::string numeric_ip;  // libmodbus takes nothing else
  int port = 0;
  int response_timeout_ms = 30;
  int reconnect_min_ms = 10;
  int reconnect_max_ms = 1000;
  std::vector<DevicePlan> devices;
};

struct BusPlan {
  std::vector<LinkPlan> links;
  bool lockstep = false;
  bool relay_stands_in = false;  // a safe-state relay can unload a drive that has no watchdog
  int realtime_priority = 0;
};

// [control]
[[nodiscard]] tl::expected<BusPlan, BusError> load_bus_plan(const std::string& machine_file,
                                                            const BusOptions& options);

// A device's share of one second of its link, in microseconds.
[[nodiscard]] double link_time_us(const DevicePlan& device) noexcept;

}  // namespace medius::hal::modbus
