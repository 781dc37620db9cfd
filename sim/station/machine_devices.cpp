#include "sim/station/machine_devices.hpp"

#include "hal/modbus/toml_reader.hpp"

namespace medius::sim {
namespace {

using hal::CoordinateKind;
using hal::modbus::DeviceKind;
using hal::modbus::DevicePlan;
using hal::modbus::LimitHeld;
using hal::modbus::LinkPlan;

// The little that bus and plant must know of the axes; the controller reads all of it.
hal::modbus::BusOptions bus_options(const std::string& file, const toml::table& root,
                                    const std::string& device_directory) {
  hal::modbus::BusOptions bus;
  bus.simulated = true;
  bus.needs_panel = true;
  bus.device_directory = device_directory;
  bus.pelvis_sensor = root["machine"]["pelvis_sensor"].value_or(false);
  const toml::array* const axes = root["axis"].as_array();
  if (axes == nullptr || axes->empty()) {
    throw hal::modbus::BusError{file + ": no [[axis]]; add one"};
  }
  for (const toml::node& node : *axes) {
    const toml::table* const axis = node.as_table();
    if (axis == nullptr) throw hal::modbus::BusError{file + ": 'axis' must hold tables"};
    const hal::modbus::TomlReader t(*axis, file + ": [[axis]]");
    const bool lever = t.choice("coordinate", {"cable", "lever"}) == 1;
    bus.axis_names.push_back(t.text("name"));
    bus.axis_coordinates.push_back(lever ? CoordinateKind::kLever : CoordinateKind::kCable);
    bus.axis_linked_arms.push_back(t.flag_or("linked_arms", false));
    bus.axis_velocity_modes.push_back(t.flag_or("drive_velocity_mode", false));
    bus.axis_masses.push_back(
        (*axis)["control"][lever ? "reflected_mass_kgm2" : "reflected_mass_kg"].value_or(0.0));
  }
  return bus;
}

// The plants there are: a cable, two levers, or one for both arms.
void choose_machine(const std::string& file, const hal::modbus::BusOptions& bus,
                    MachineDevices& devices) {
  const bool lever = bus.axis_coordinates.front() == CoordinateKind::kLever;
  const bool linked = bus.axis_linked_arms.front();
  devices.machine = !lever   ? SimulatedMachine::kCable
                    : linked ? SimulatedMachine::kSeatedLinked
                             : SimulatedMachine::kSeated;
  const std::size_t axes = devices.machine == SimulatedMachine::kSeated ? 2 : 1;
  bool alike = bus.axis_coordinates.size() == axes;
  for (const CoordinateKind kind : bus.axis_coordinates) {
    alike = alike && (kind == CoordinateKind::kLever) == lever;
  }
  if (!alike) {
    throw hal::modbus::BusError{
        file +
        ": medius-sim has a cable station of one axis and a seated machine of two levers; "
        "simulate one of those"};
  }
}

}  // namespace

tl::expected<MachineDevices, std::string> load_machine_devices(
    const std::string& machine_file, const std::string& device_directory) {
  try {
    const toml::table root = hal::modbus::parse_toml(machine_file);
    const hal::modbus::BusOptions bus = bus_options(machine_file, root, device_directory);
    MachineDevices devices;
    choose_machine(machine_file, bus, devices);
    devices.pelvis_sensor = bus.pelvis_sensor;
    devices.lockstep = root["machine"]["lockstep"].value_or(false);
    devices.load_cell_at_drum =
        root["axis"][0]["load_cell"].value_or(std::string("handle")) == "drum";
    auto plan = hal::modbus::load_bus_plan(machine_file, bus);
    if (!plan) return tl::make_unexpected(plan.error().message);
    devices.plan = std::move(*plan);
    return devices;
  } catch (const hal::modbus::BusError& error) {
    return tl::make_unexpected(error.message);
  }
}

void use_drive(const MachineDevices& devices, SimulatedStationConfig& config) {
  for (const LinkPlan& link : devices.plan.links) {
    for (const DevicePlan& device : link.devices) {
      if (device.descriptor.kind != DeviceKind::kDrive) continue;
      config.drive.rated_force_n = device.rated_force;
      config.drive.velocity_mode = device.descriptor.velocity_mode != 0;
      // By hand somebody has entered what the machine file asks for.
      if (device.descriptor.torque_limit == LimitHeld::kCommissioned) {
        config.drive.force_limit_n = device.force_limit;
      }
      if (device.descriptor.speed_limit == LimitHeld::kCommissioned) {
        config.drive.speed_limit_mps = device.speed_limit;
      }
    }
  }
}

}  // namespace medius::sim
