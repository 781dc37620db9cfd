// The names that a descriptor may use, of which kind of device and in which block. A new name is a
// value of Field or Bit, a row here, and its use in a session.
#pragma once

#include <array>

#include "hal/modbus/descriptor.hpp"

namespace medius::hal::modbus {

struct FieldRow {
  Field field;
  const char* name;
  DeviceKind kind;
  Block block;
  bool required;
};

struct BitRow {
  Bit bit;
  const char* name;
  DeviceKind kind;
  bool required;
};

// Required: without it the device cannot be used at all. Limits and watchdog are not required here:
// their lack has consequences of its own.
inline constexpr auto kFieldRows = std::to_array<FieldRow>({
    {Field::kSequence, "cmd_seq", DeviceKind::kDrive, Block::kWrite, false},
    {Field::kControlword, "controlword", DeviceKind::kDrive, Block::kWrite, true},
    {Field::kMode, "mode", DeviceKind::kDrive, Block::kWrite, false},
    {Field::kTargetForce, "target_torque", DeviceKind::kDrive, Block::kWrite, true},
    {Field::kForceLimit, "torque_limit", DeviceKind::kDrive, Block::kWrite, false},
    {Field::kSpeedLimit, "velocity_limit", DeviceKind::kDrive, Block::kWrite, false},
    {Field::kSlope, "slope", DeviceKind::kDrive, Block::kWrite, false},
    {Field::kWatchdog, "watchdog_ms", DeviceKind::kDrive, Block::kWrite, false},
    {Field::kTargetVelocity, "target_velocity", DeviceKind::kDrive, Block::kWrite, false},
    {Field::kBrakeLimit, "brake_limit", DeviceKind::kDrive, Block::kWrite, false},
    {Field::kSequenceEcho, "cmd_seq_echo", DeviceKind::kDrive, Block::kRead, false},
    {Field::kStatusword, "statusword", DeviceKind::kDrive, Block::kRead, true},
    {Field::kModeDisplay, "mode_display", DeviceKind::kDrive, Block::kRead, false},
    {Field::kActualForce, "torque_actual", DeviceKind::kDrive, Block::kRead, true},
    {Field::kPosition, "position", DeviceKind::kDrive, Block::kRead, true},
    {Field::kVelocity, "velocity", DeviceKind::kDrive, Block::kRead, true},
    {Field::kLoadCell, "load_cell", DeviceKind::kDrive, Block::kRead, false},
    {Field::kErrorCode, "error_code", DeviceKind::kDrive, Block::kRead, false},
    {Field::kStatusBits, "status2", DeviceKind::kDrive, Block::kRead, false},
    {Field::kTemperature, "temperature", DeviceKind::kDrive, Block::kRead, false},
    {Field::kBusVoltage, "bus_voltage", DeviceKind::kDrive, Block::kRead, false},
    {Field::kDeviceTime, "device_time", DeviceKind::kDrive, Block::kRead, false},
    {Field::kMapVersion, "map_version", DeviceKind::kDrive, Block::kConfig, false},
    {Field::kRatedForce, "rated_force", DeviceKind::kDrive, Block::kConfig, false},
    {Field::kCoordinate, "coordinate", DeviceKind::kDrive, Block::kConfig, false},
    {Field::kForceLimitInForce, "torque_limit_in_force", DeviceKind::kDrive, Block::kConfig, false},
    {Field::kSpeedLimitInForce, "velocity_limit_in_force", DeviceKind::kDrive, Block::kConfig,
     false},
    {Field::kWatchdogInForce, "watchdog_in_force", DeviceKind::kDrive, Block::kConfig, false},
    {Field::kSerialNumber, "serial_number", DeviceKind::kDrive, Block::kConfig, false},
    {Field::kRelayHold, "relay_hold", DeviceKind::kPanel, Block::kWrite, true},
    {Field::kRelayCount, "relay_count", DeviceKind::kPanel, Block::kWrite, true},
    {Field::kPanelInputs, "inputs", DeviceKind::kPanel, Block::kRead, true},
    {Field::kSafetyBits, "safety", DeviceKind::kPanel, Block::kRead, true},
    {Field::kRelayCountEcho, "relay_count_echo", DeviceKind::kPanel, Block::kRead, false},
    {Field::kTilt, "tilt", DeviceKind::kPelvisTilt, Block::kRead, true},
    {Field::kSampleCount, "sample_count", DeviceKind::kPelvisTilt, Block::kRead, true},
    {Field::kLoadCell, "load_cell", DeviceKind::kLoadCell, Block::kRead, true},
    {Field::kCellStatus, "status", DeviceKind::kLoadCell, Block::kRead, false},
    {Field::kSampleCount, "sample_count", DeviceKind::kLoadCell, Block::kRead, false},
    {Field::kPanelInputs, "inputs", DeviceKind::kIo, Block::kRead, false},
    {Field::kSafetyBits, "safety", DeviceKind::kIo, Block::kRead, false},
    {Field::kRelayHold, "relay_hold", DeviceKind::kIo, Block::kWrite, false},
});

inline constexpr auto kBitRows = std::to_array<BitRow>({
    {Bit::kStoA, "sto_a", DeviceKind::kDrive, false},
    {Bit::kStoB, "sto_b", DeviceKind::kDrive, false},
    {Bit::kWatchdogTripped, "watchdog_tripped", DeviceKind::kDrive, false},
    {Bit::kLoadCellSaturated, "load_cell_saturated", DeviceKind::kDrive, false},
    {Bit::kLoadCellSaturated, "load_cell_saturated", DeviceKind::kLoadCell, false},
    {Bit::kReset, "reset", DeviceKind::kPanel, true},
    {Bit::kKey, "key", DeviceKind::kPanel, true},
    {Bit::kDeadMan, "dead_man", DeviceKind::kPanel, true},
    {Bit::kStop, "stop", DeviceKind::kPanel, true},
    {Bit::kEstopClosed, "estop_closed", DeviceKind::kPanel, true},
    {Bit::kRelayClosed, "relay_closed", DeviceKind::kPanel, true},
    {Bit::kReset, "reset", DeviceKind::kIo, false},
    {Bit::kKey, "key", DeviceKind::kIo, false},
    {Bit::kDeadMan, "dead_man", DeviceKind::kIo, false},
    {Bit::kStop, "stop", DeviceKind::kIo, false},
    {Bit::kEstopClosed, "estop_closed", DeviceKind::kIo, false},
    {Bit::kRelayClosed, "relay_closed", DeviceKind::kIo, false},
});

// Which of the panel's and of the safety chain's bits an I/O device gives: all of a group or none.
[[nodiscard]] inline bool gives_panel(const DeviceDescriptor& d) noexcept {
  return d.bit(Bit::kReset).present && d.bit(Bit::kKey).present && d.bit(Bit::kDeadMan).present &&
         d.bit(Bit::kStop).present;
}
[[nodiscard]] inline bool gives_safety(const DeviceDescriptor& d) noexcept {
  return d.bit(Bit::kEstopClosed).present && d.bit(Bit::kRelayClosed).present;
}

}  // namespace medius::hal::modbus
