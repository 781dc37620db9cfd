// A device descriptor: what hal/devices/*.toml says of a drive, a panel or a sensor, checked and
// ready to use. Vendors differ only here; the meaning of a field is fixed by its name.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <tl/expected.hpp>

#include "hal/image/machine_image.hpp"

namespace medius::hal::modbus {

struct BusError;

enum class RegisterType : std::uint8_t { kU16, kI16, kI8, kU32, kI32 };
enum class WordOrder : std::uint8_t { kHighFirst, kLowFirst };
enum class DeviceKind : std::uint8_t { kDrive, kPanel, kPelvisTilt, kLoadCell };
enum class Block : std::uint8_t { kWrite, kRead, kConfig };
enum class Transaction : std::uint8_t { kFc23, kFc16Fc3, kFc3 };
enum class WatchdogCounts : std::uint8_t { kNone, kWriteTelegrams, kAnyTelegram };

// One register or pair. SI value = raw * scale + offset, times the rated force for `of_rated`.
struct RegisterSpec {
  bool present = false;
  RegisterType type = RegisterType::kU16;
  WordOrder order = WordOrder::kHighFirst;
  std::uint16_t index = 0;  // of its first word, within its block
  double scale = 1.0;
  double offset = 0.0;
  bool of_rated = false;
};

struct BitSpec {
  bool present = false;
  std::uint16_t index = 0;  // word within the read block
  std::uint8_t bit = 0;
  bool active_low = false;
};

// Every register a descriptor may name; the comment is its name in the file.
enum class Field : std::uint8_t {
  kSequence,           // cmd_seq
  kControlword,        // controlword
  kMode,               // mode
  kTargetForce,        // target_torque
  kForceLimit,         // torque_limit
  kSpeedLimit,         // velocity_limit
  kSlope,              // slope
  kWatchdog,           // watchdog_ms
  kTargetVelocity,     // target_velocity
  kBrakeLimit,         // brake_limit
  kSequenceEcho,       // cmd_seq_echo
  kStatusword,         // statusword
  kModeDisplay,        // mode_display
  kActualForce,        // torque_actual
  kPosition,           // position
  kVelocity,           // velocity
  kLoadCell,           // load_cell
  kErrorCode,          // error_code
  kStatusBits,         // status2
  kTemperature,        // temperature
  kBusVoltage,         // bus_voltage
  kDeviceTime,         // device_time
  kMapVersion,         // map_version
  kRatedForce,         // rated_force
  kCoordinate,         // coordinate
  kForceLimitInForce,  // torque_limit_in_force
  kSpeedLimitInForce,  // velocity_limit_in_force
  kWatchdogInForce,    // watchdog_in_force
  kSerialNumber,       // serial_number
  kRelayHold,          // relay_hold
  kRelayCount,         // relay_count
  kPanelInputs,        // inputs
  kSafetyBits,         // safety
  kRelayCountEcho,     // relay_count_echo
  kTilt,               // tilt
  kSampleCount,        // sample_count
  kCount
};

enum class Bit : std::uint8_t {
  kStoA,               // sto_a: 1 = torque is off
  kStoB,               // sto_b
  kWatchdogTripped,    // watchdog_tripped
  kLoadCellSaturated,  // load_cell_saturated
  kReset,              // reset
  kKey,                // key
  kDeadMan,            // dead_man
  kStop,               // stop
  kEstopClosed,        // estop_closed
  kRelayClosed,        // relay_closed
  kCount
};

struct BlockSpec {
  std::uint16_t address = 0;
  std::uint16_t words = 0;  // 0 = the device has no such block
};

// Modbus allows 121 registers in the write part of FC23 and 125 in a read.
inline constexpr int kMaxWriteWords = 121;
inline constexpr int kMaxReadWords = 125;

struct DeviceDescriptor {
  std::string path;
  std::string id;
  DeviceKind kind = DeviceKind::kDrive;
  bool hardware_verified = false;
  std::uint8_t unit_id = 1;
  Transaction transaction = Transaction::kFc23;
  BlockSpec write, read, config;
  int rate_hz = 1000;
  int turnaround_us = 300;
  int stale_ms = 20;
  int config_period_ms = 100;
  int map_version = 0;          // 0 = the device has no version to check
  int heartbeat_change_ms = 0;  // 0 = no heartbeat
  bool has_sequence_echo = false;
  int mode = 10;
  int velocity_mode = 0;  // 0 = the drive has none
  int step_timeout_ms = 500;
  int reset_level_ms = 10;
  WatchdogCounts watchdog = WatchdogCounts::kNone;
  int watchdog_min_ms = 0, watchdog_max_ms = 0;
  std::array<RegisterSpec, static_cast<std::size_t>(Field::kCount)> fields{};
  std::array<BitSpec, static_cast<std::size_t>(Bit::kCount)> bits{};

  [[nodiscard]] const RegisterSpec& field(Field f) const noexcept {
    return fields[static_cast<std::size_t>(f)];
  }
  [[nodiscard]] const BitSpec& bit(Bit b) const noexcept {
    return bits[static_cast<std::size_t>(b)];
  }
};

// [control] Reads and checks a descriptor; scales are those of the coordinate kind it will be used
// for.
[[nodiscard]] tl::expected<DeviceDescriptor, BusError> load_descriptor(const std::string& path,
                                                                       CoordinateKind coordinate);

}  // namespace medius::hal::modbus
