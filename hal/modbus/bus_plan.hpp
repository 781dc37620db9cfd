// The flat schedule of a machine: its links, and on each the devices with what they are asked for
// and how often.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "hal/modbus/descriptor.hpp"
#include "hal/modbus/machine_bus.hpp"

namespace medius::hal::modbus {

enum class Transport : std::uint8_t { kTcp, kRtu };

// A serial line; 8 data bits always.
struct SerialLine {
  std::string device;  // "/dev/ttyUSB0"
  int baud = 0;
  char parity = 'E';  // N, E, O
  int stop_bits = 1;
  bool short_gap = false;  // 3.5 characters also above 19200 baud, where the standard has 1.75 ms
};

// Why a drive may pull less than its machine file asks for.
struct ForceReduction {
  double limit = 0.0;  // N | Nm
  std::string why;
};

struct DevicePlan {
  std::string name;
  DeviceDescriptor descriptor;  // scales of kTravel and kCell are SI already
  std::uint8_t unit_id = 1;
  int axis = -1;  // of the image; -1 for a panel, a sensor of the person, an I/O device
  int pad = -1;   // of linked arms, whose load cell it reads: 0 left, 1 right; -1: the axis' own
  CoordinateKind coordinate = CoordinateKind::kCable;
  double rated_force = 0.0;  // N | Nm: must be what the device says of itself
  double force_limit = 0.0;  // N | Nm, asked of the drive; the loop can only tighten it
  double speed_limit = 0.0;  // m/s | rad/s
  double watchdog_s = 0.0;
  double force_cap = 0.0;  // N | Nm: least of force_limit and the reductions
  std::vector<ForceReduction> reductions;
  int rate_hz = 0;       // of exchanges
  int every_rounds = 1;  // of the link
  int silence_us = 0;    // of a serial line, before each request
};

struct LinkPlan {
  std::string name;
  Transport transport = Transport::kTcp;
  std::string address;     // as people write it: host:port, or /dev/ttyUSB0 at 115200 baud
  std::string numeric_ip;  // libmodbus takes nothing else
  int port = 0;
  SerialLine line;
  int response_timeout_ms = 30;
  int reconnect_min_ms = 10;
  int reconnect_max_ms = 1000;
  int round_us = 1000;  // of the device that is asked most often
  std::vector<DevicePlan> devices;

  // Both pads of linked arms are one force: their cells are on one link.
  [[nodiscard]] bool has_pads() const noexcept {
    return std::any_of(devices.begin(), devices.end(),
                       [](const DevicePlan& device) { return device.pad >= 0; });
  }
};

struct BusPlan {
  std::vector<LinkPlan> links;
  std::vector<std::string> warnings;  // unverified registers and the like
  bool lockstep = false;
  bool relay_stands_in = false;  // a safe-state relay can unload a drive that has no watchdog
  int realtime_priority = 0;
};

// [control]
[[nodiscard]] tl::expected<BusPlan, BusError> load_bus_plan(const std::string& machine_file,
                                                            const BusOptions& options);

}  // namespace medius::hal::modbus
