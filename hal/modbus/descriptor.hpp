// A device descriptor: what hal/devices/*.toml says of a drive, a panel or a sensor, checked and
// ready to use. Vendors differ only here; the meaning of a field is fixed by its name. The bus
// reads it as a client, a simulated device as a server: nothing in it belongs to one side.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "hal/image/machine_image.hpp"

namespace medius::hal::modbus {

struct BusError;

// kBits is a word of flags; kF32 is IEEE 754, its words in the register's word order.
enum class RegisterType : std::uint8_t { kU16, kI16, kI8, kU8, kU32, kI32, kF32, kBits };
enum class WordOrder : std::uint8_t { kHighFirst, kLowFirst };
enum class DeviceKind : std::uint8_t { kDrive, kPanel, kPelvisTilt, kLoadCell, kIo };
enum class Block : std::uint8_t { kWrite, kRead, kConfig };
// The transaction that a window has unless it says otherwise.
enum class Transaction : std::uint8_t { kFc23, kFc16Fc3, kFc6Fc3, kFc3 };
enum class WatchdogCounts : std::uint8_t { kNone, kWriteTelegrams, kAnyTelegram };
// Where an address or a scale comes from. Unverified ones are said when the file is loaded.
enum class Source : std::uint8_t { kProject, kManual, kPublicCode, kDerived, kUnverified };

// The numbers are those of the Modbus application protocol.
enum class FunctionCode : std::uint8_t {
  kReadCoils = 1,
  kReadDiscreteInputs = 2,
  kReadRegisters = 3,
  kReadInputRegisters = 4,
  kWriteRegister = 6,
  kWriteRegisters = 16,
  kReadWriteRegisters = 23,
};

// What a register counts in. All but kSi need a number of the machine file to become SI.
enum class UnitBasis : std::uint8_t {
  kSi,      // scale is SI already
  kRated,   // times the rated force
  kTravel,  // motor revolutions or revolutions a second: times the axis' travel of one
  kCell,    // counts of a load-cell amplifier: times the force of one
};

// One value. SI value = raw * scale + offset, times the number of its basis.
struct RegisterSpec {
  bool present = false;
  RegisterType type = RegisterType::kU16;
  WordOrder order = WordOrder::kHighFirst;
  std::uint8_t words = 1;   // 2 for a 16-bit value in a 32-bit place: it sits in the low word
  std::uint16_t index = 0;  // of its first word, in the block's image
  double scale = 1.0;
  double offset = 0.0;
  UnitBasis basis = UnitBasis::kSi;
  Source source = Source::kUnverified;
  std::uint16_t address = 0;  // protocol address of its first word

  [[nodiscard]] bool of_rated() const noexcept { return basis == UnitBasis::kRated; }
};

struct BitSpec {
  bool present = false;
  std::uint16_t index = 0;  // word within the read block's image
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
  kCellStatus,         // status, of a load cell
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

// A run of registers that one transaction moves. For coils and discrete inputs a word of the image
// holds 16 of them, the first in bit 0.
struct Window {
  FunctionCode function = FunctionCode::kReadRegisters;
  std::uint16_t address = 0;
  std::uint16_t words = 0;  // in the image
  std::uint16_t bits = 0;   // of coils and discrete inputs: how many
  std::uint16_t first = 0;  // word of the image that the window begins with
  int every = 1;            // exchange it in every n-th exchange of the device
};

// Registers that are moved in one direction, as one flat image made of windows.
struct BlockSpec {
  std::uint16_t words = 0;  // of the image; 0 = the device has no such block
  std::vector<Window> windows;
};

// One Modbus transaction of an exchange: indices of windows, -1 = none. FC23 has both.
struct Transfer {
  int write = -1;
  int read = -1;
  int every = 1;
  int phase = 0;  // spreads what is not due in every exchange over the exchanges

  // `exchange` counts from 0 on each connection; in the first everything is due.
  [[nodiscard]] constexpr bool due(std::uint64_t exchange) const noexcept {
    return exchange == 0 ||
           exchange % static_cast<std::uint64_t>(every) == static_cast<std::uint64_t>(phase);
  }
};

// Modbus allows 121 registers in the write part of FC23 and 125 in a read.
inline constexpr int kMaxWriteWords = 121;
inline constexpr int kMaxReadWords = 125;

// A write at connect, checked by reading it back.
struct InitStep {
  enum class Value : std::uint8_t { kConstant, kTorqueLimit, kSpeedLimit, kWatchdog };
  std::string name;
  FunctionCode function = FunctionCode::kWriteRegister;
  RegisterSpec spec;  // image of its own: index 0
  Value value_from = Value::kConstant;
  double value = 0.0;       // raw, of a constant
  bool read_back = true;    // false: a command register, which does not keep what is written
  double expect = 0.0;      // raw, of a constant
  bool persistent = false;  // permanent memory: written only where it differs
};

struct AddressRange {
  std::uint16_t address = 0;
  std::uint16_t words = 1;
  std::string why;
};

enum class EnableKind : std::uint8_t { kCia402, kWords };
struct StateCode {
  std::uint16_t mask = 0, value = 0;
  DriveState state = DriveState::kUnknown;
};
// How the drive is enabled. kWords: fixed control words, one after the other, and a table of
// states.
struct EnableSpec {
  EnableKind kind = EnableKind::kCia402;
  std::vector<std::uint16_t> on;  // the last one stays
  int word_ms = 10;               // each of the words before it
  std::uint16_t off = 0;
  std::uint16_t quick_stop = 0;
  std::uint16_t reset_low = 0, reset_high = 0;  // a fault reset is the edge between them
  std::vector<StateCode> states;                // empty: CiA 402 statusword
};

// How a limit is held by the drive itself.
enum class LimitHeld : std::uint8_t {
  kNone,
  kRegister,      // written every round, read back slowly
  kInit,          // written at connect, read back
  kCommissioned,  // entered by a person with the maker's tool; cannot be read back
};

struct DeviceDescriptor {
  std::string path;
  std::string id;
  std::string title;
  DeviceKind kind = DeviceKind::kDrive;
  bool hardware_verified = false;
  std::uint8_t unit_id = 1;
  Transaction transaction = Transaction::kFc23;
  bool separate_areas = false;  // the same address means other memory when written
  int align_words = 1;          // windows begin and end at a multiple of it
  int max_read_words = kMaxReadWords;
  int max_write_words = kMaxWriteWords;
  BlockSpec write, read, config;
  std::vector<Transfer> cyclic;  // of one exchange, in order: writes first
  std::vector<Transfer> slow;    // reads of the config block
  int rate_hz = 1000;
  int turnaround_us = 300;         // from the request's end to the reply; TCP: the transaction
  int turnaround_max_us = 20'000;  // the latest reply: on a serial line, the pause after an error
  int silence_us = 0;              // of a serial line, before and after a frame; 0 = the line's own
  int stale_ms = 20;
  int config_period_ms = 100;
  int map_version = 0;          // 0 = the device has no version to check
  int heartbeat_change_ms = 0;  // 0 = no heartbeat
  bool has_sequence_echo = false;
  bool quarantine_stands_in = false;  // neither echo nor clock: only the pause after an error
  int mode = 10;
  int velocity_mode = 0;  // 0 = the drive has none
  int step_timeout_ms = 500;
  int reset_level_ms = 10;
  EnableSpec enable;
  WatchdogCounts watchdog = WatchdogCounts::kNone;
  int watchdog_min_ms = 0, watchdog_max_ms = 0;
  LimitHeld torque_limit = LimitHeld::kNone;
  LimitHeld speed_limit = LimitHeld::kNone;
  std::vector<InitStep> init;
  std::vector<AddressRange> forbidden;       // never written: permanent memory
  std::vector<std::string> not_established;  // required registers whose address nobody knows yet
  std::vector<std::string> unverified;       // names of values to be checked before use
  std::array<RegisterSpec, static_cast<std::size_t>(Field::kCount)> fields{};
  std::array<BitSpec, static_cast<std::size_t>(Bit::kCount)> bits{};

  [[nodiscard]] const RegisterSpec& field(Field f) const noexcept {
    return fields[static_cast<std::size_t>(f)];
  }
  [[nodiscard]] bool measures_force() const noexcept {
    return kind == DeviceKind::kLoadCell || field(Field::kLoadCell).present;
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
