// The devices of a machine file as medius-sim has to play them: the plan that the controller makes
// of the same file, so that both sides agree on every address.
#pragma once

#include <string>

#include <tl/expected.hpp>

#include "hal/modbus/bus_plan.hpp"
#include "sim/machine/simulated_station.hpp"

namespace medius::sim {

struct MachineDevices {
  hal::modbus::BusPlan plan;
  SimulatedMachine machine = SimulatedMachine::kCable;
  bool load_cell_at_drum = false;
  bool pelvis_sensor = false;
  bool lockstep = false;  // the controller would wait for a machine that waits for it
};

// What the controller refuses is refused here in the same words; descriptors that nobody has
// verified on hardware are what a simulator is for.
[[nodiscard]] tl::expected<MachineDevices, std::string> load_machine_devices(
    const std::string& machine_file, const std::string& device_directory);

// Gives the plant the drive that the machine file describes.
void use_drive(const MachineDevices& devices, SimulatedStationConfig& config);

}  // namespace medius::sim
