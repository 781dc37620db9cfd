#include "hal/check/machine_axes.hpp"

namespace medius::hal {

modbus::BusOptions axes_of_machine(const std::string& machine_file,
                                   const std::string& device_directory, const toml::table& root) {
  modbus::BusOptions bus;
  bus.use = modbus::PlanUse::kCheck;
  bus.needs_panel = true;
  bus.device_directory = device_directory;
  bus.simulated = root["machine"]["simulated"].value_or(false);
  bus.lockstep = root["machine"]["lockstep"].value_or(false);
  bus.pelvis_sensor = root["machine"]["pelvis_sensor"].value_or(false);
  const toml::array* const axes = root["axis"].as_array();
  if (axes == nullptr || axes->empty()) {
    throw modbus::BusError{machine_file + ": no [[axis]]; add one"};
  }
  for (const toml::node& node : *axes) {
    const toml::table* const axis = node.as_table();
    if (axis == nullptr) throw modbus::BusError{machine_file + ": 'axis' must hold tables"};
    const modbus::TomlReader t(*axis, machine_file + ": [[axis]]");
    const bool lever = t.choice("coordinate", {"cable", "lever"}) == 1;
    bus.axis_names.push_back(t.text("name"));
    bus.axis_coordinates.push_back(lever ? CoordinateKind::kLever : CoordinateKind::kCable);
    bus.axis_velocity_modes.push_back(t.flag_or("drive_velocity_mode", false));
    bus.axis_linked_arms.push_back(t.flag_or("linked_arms", false));
    bus.axis_masses.push_back(
        (*axis)["control"][lever ? "reflected_mass_kgm2" : "reflected_mass_kg"].value_or(0.0));
  }
  return bus;
}

}  // namespace medius::hal
