// The machine file (hal/machines/*.toml): which machine, which devices, which limits. Parsed once
// into validated structs; unknown keys are errors; units are in the key names; a missing limit is
// no force.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/rt/engine.hpp"

namespace medius::station {

// Where the force of an axis is measured. What lies between the cell and the person is not seen.
enum class LoadCellPlace : std::uint8_t {
  kHandle = 0,  // cable: after the last pulley
  kDrum,        // cable: at the drum, before the pulleys
  kPad,         // lever: one cell at the pad
};

// What the cell itself may be wrong by, from its data sheet or its calibration.
struct LoadCellConfig {
  LoadCellPlace place = LoadCellPlace::kHandle;
  bool errors_known = false;  // [axis.load_cell_error] is there
  double offset = 0.0;        // N | Nm
  double gain = 0.0;          // share of the force
  double resolution = 0.0;    // N | Nm: least step of what arrives
};

// One axis: its engine configuration and the limits a user has by default.
struct AxisMachineConfig {
  std::string name;  // "cable", "left-arm"
  rt::AxisConfig engine;
  double user_force_max = 0.0;       // N | Nm; orders above it are refused
  double pretension = 0.0;           // N | Nm
  double ready_hold_s = 0.5;         // held still so long before the load comes in
  double ready_speed = 0.02;         // m/s | rad/s: still
  double load_step_max = 0.0;        // N | Nm: largest single increase by an order
  double standing_timeout_s = 20.0;  // standing still in a set ends it
  LoadCellConfig load_cell;
};

struct MachineConfig {
  std::string path;
  std::string name;            // "cable station (simulated)"
  bool simulated = false;      // only a simulated machine may run without real-time permission
  bool lockstep = false;       // a bus round is a tick (medius-sim --pace bus)
  bool pelvis_sensor = false;  // one of the devices is a pelvis-tilt sensor
  std::vector<AxisMachineConfig> axes;
  rt::EngineConfig engine() const;
};

struct ConfigError {
  std::string message;
};

// Reads [machine] and [[axis]]; [[link]]/[[device]] belong to hal/modbus, which reads the same
// file.
[[nodiscard]] tl::expected<MachineConfig, ConfigError> load_machine(const std::string& path);

}  // namespace medius::station
