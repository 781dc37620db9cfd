#include "hal/commission/machine_plan.hpp"

#include "hal/check/machine_axes.hpp"

namespace medius::hal {

tl::expected<MachinePlan, std::string> load_machine(const MachineSource& source,
                                                    modbus::PlanUse use) {
  try {
    const toml::table root = modbus::parse_toml(source.file);
    MachinePlan machine;
    machine.options = axes_of_machine(source.file, source.devices, root);
    machine.options.use = use;
    machine.options.link_overrides = source.links;
    auto plan = modbus::load_bus_plan(source.file, machine.options);
    if (!plan) return tl::make_unexpected(plan.error().message);
    machine.bus = std::move(*plan);
    return machine;
  } catch (const modbus::BusError& error) {
    return tl::make_unexpected(error.message);
  }
}

DeviceOnLink find_device(const modbus::BusPlan& plan, const std::string& name) {
  for (const modbus::LinkPlan& link : plan.links) {
    for (const modbus::DevicePlan& device : link.devices) {
      if (device.name == name) return {&link, &device};
    }
  }
  return {};
}

std::string device_names(const modbus::BusPlan& plan) {
  std::string names;
  for (const modbus::LinkPlan& link : plan.links) {
    for (const modbus::DevicePlan& device : link.devices) {
      names += (names.empty() ? "" : ", ") + device.name;
    }
  }
  return names;
}

modbus::Outcome open_link(modbus::Connection& connection, const modbus::LinkPlan& link) {
  return link.transport == modbus::Transport::kTcp
             ? connection.open(link.numeric_ip, link.port, link.response_timeout_ms)
             : connection.open_line(link.line, link.response_timeout_ms);
}

}  // namespace medius::hal
