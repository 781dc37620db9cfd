// A machine file as commissioning sees it: its links and devices, whether or not anybody has
// verified them yet.
#pragma once

#include <string>
#include <vector>

#include "hal/modbus/bus_plan.hpp"
#include "hal/modbus/connection.hpp"

namespace medius::hal {

struct MachineSource {
  std::string file;
  std::string devices;  // directory of the descriptors; empty: ../devices beside the file
  std::vector<std::string> links;  // "drive=/dev/ttyUSB0", "machine=127.0.0.1:15020"
};

struct MachinePlan {
  modbus::BusOptions options;  // as the plan was loaded
  modbus::BusPlan bus;
};

// [control] kRun: as the controller loads it.
[[nodiscard]] tl::expected<MachinePlan, std::string> load_machine(const MachineSource& source,
                                                                  modbus::PlanUse use);

// A device of the plan with its link; null when there is none of this name.
struct DeviceOnLink {
  const modbus::LinkPlan* link = nullptr;
  const modbus::DevicePlan* device = nullptr;
};
[[nodiscard]] DeviceOnLink find_device(const modbus::BusPlan& plan, const std::string& name);
[[nodiscard]] std::string device_names(const modbus::BusPlan& plan);

[[nodiscard]] modbus::Outcome open_link(modbus::Connection& connection,
                                        const modbus::LinkPlan& link);

}  // namespace medius::hal
