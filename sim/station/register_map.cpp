#include "sim/station/register_map.hpp"

#include <algorithm>
#include <cmath>

#include "controller/base/clamp.hpp"

namespace medius::sim {
namespace {

// Addresses of hal/devices/README.md.
constexpr std::uint16_t kWriteBlock = 0x0000;
constexpr std::uint16_t kDriveRead = 0x0100, kDriveReadWords = 16;
constexpr std::uint16_t kConfig = 0x0120, kConfigWords = 8;
constexpr std::uint16_t kPanelRead = 0x0010, kPanelReadWords = 3;
constexpr std::uint16_t kPelvisRead = 0x0010, kPelvisReadWords = 2;
constexpr std::uint16_t kPadRead = 0x0010, kPadReadWords = 4;
constexpr double kTiltUnit = 1e-4;
constexpr std::uint16_t kMapVersion = 2;
constexpr std::uint16_t kSerialNumber = 4711;
constexpr double kPermille = 1e-3;
constexpr double kTenthOfADegree = 0.0017453292519943296;
// A press written as a coil has no duration of its own.
constexpr double kCoilPressS = 0.2;

bool within(std::uint16_t address, std::size_t count, std::uint16_t block, std::size_t words) {
  return address >= block && address + count <= block + words;
}

std::uint16_t as_u16(double value) {
  return static_cast<std::uint16_t>(std::lround(clamped(value, 0.0, 65535.0)));
}
std::uint16_t as_i16(double value) {
  return static_cast<std::uint16_t>(
      static_cast<std::int16_t>(std::lround(clamped(value, -32768.0, 32767.0))));
}
// Word `part` (0 = high) of a 32-bit value, high word first.
std::uint16_t half(std::int64_t value, int part) {
  return static_cast<std::uint16_t>((value >> (part == 0 ? 16 : 0)) & 0xFFFF);
}
std::int64_t as_i32(double value) {
  return std::llround(clamped(value, -2147483648.0, 2147483647.0));
}

bool is_bit_function(FunctionCode function) {
  return function == FunctionCode::kReadCoils || function == FunctionCode::kReadDiscreteInputs;
}

}  // namespace

RegisterMap::RegisterMap(StationView view, double rated_force_n)
    : view_(view),
      station_(view.station()),
      rated_force_n_(rated_force_n),
      axes_(station_.axis_count()),
      holds_(station_.hold_count()),
      speed_unit_(station_.coordinate() == hal::CoordinateKind::kLever ? kTenthOfADegree : 1e-3) {}

std::size_t RegisterMap::axis_of(std::uint8_t unit) const noexcept {
  if (unit == kDriveUnit) return 0;
  return unit == kSecondDriveUnit && axes_ > 1 ? 1 : hal::kMaxAxes;
}

bool RegisterMap::has_pelvis(std::uint8_t unit) const noexcept {
  return unit == kPelvisUnit && station_.pelvis().present;
}

bool RegisterMap::has_right_pad(std::uint8_t unit) const noexcept {
  return unit == kRightPadUnit && station_.linked();
}

ModbusException RegisterMap::check_read(FunctionCode function, std::uint8_t unit,
                                        std::uint16_t address, std::uint16_t count) {
  bool known = false;
  const bool drive = axis_of(unit) < hal::kMaxAxes;
  if (function == FunctionCode::kReadDiscreteInputs) {  // the panel's bits: inputs, then safety
    known = unit == kPanelUnit && within(address, count, 0, 32);
  } else if (function == FunctionCode::kReadCoils) {  // the bench's switches
    known = unit == kBenchUnit && within(address, count, 0, bench_words());
  } else if (drive) {
    known = within(address, count, kWriteBlock, drive_write_[0].size()) ||
            within(address, count, kDriveRead, kDriveReadWords) ||
            within(address, count, kConfig, kConfigWords);
  } else if (unit == kPanelUnit) {
    known = within(address, count, kWriteBlock, panel_write_.size()) ||
            within(address, count, kPanelRead, kPanelReadWords);
  } else if (unit == kBenchUnit) {
    known = within(address, count, kWriteBlock, bench_words());
  } else if (has_pelvis(unit)) {
    known = within(address, count, kPelvisRead, kPelvisReadWords);
  } else if (has_right_pad(unit)) {
    known = within(address, count, kPadRead, kPadReadWords);
  } else {
    return ModbusException::kGatewayNoTarget;
  }
  if (known) return ModbusException::kNone;
  const bool bits_elsewhere = is_bit_function(function) && drive;
  return bits_elsewhere ? ModbusException::kIllegalFunction : ModbusException::kIllegalAddress;
}

ModbusException RegisterMap::check_write(FunctionCode function, std::uint8_t unit,
                                         std::uint16_t address,
                                         std::span<const std::uint16_t> values) {
  const bool coils = function == FunctionCode::kWriteCoil || function == FunctionCode::kWriteCoils;
  const bool drive = axis_of(unit) < hal::kMaxAxes;
  if (coils && (drive || unit == kPanelUnit)) return ModbusException::kIllegalFunction;
  std::size_t words = 0;
  if (drive) {
    words = drive_write_[0].size();
  } else if (unit == kPanelUnit) {
    words = panel_write_.size();
  } else if (unit == kBenchUnit) {
    words = bench_words();
  } else {
    return has_pelvis(unit) || has_right_pad(unit) ? ModbusException::kIllegalAddress
                                                   : ModbusException::kGatewayNoTarget;
  }
  return within(address, values.size(), kWriteBlock, words) ? ModbusException::kNone
                                                            : ModbusException::kIllegalAddress;
}

void RegisterMap::write(std::uint8_t unit, std::uint16_t address,
                        std::span<const std::uint16_t> values) {
  if (const std::size_t axis = axis_of(unit); axis < hal::kMaxAxes) {
    std::copy(values.begin(), values.end(), drive_write_[axis].begin() + address);
    apply_drive(axis);
  } else if (unit == kPanelUnit) {
    const std::uint16_t count_before = panel_write_[1];
    std::copy(values.begin(), values.end(), panel_write_.begin() + address);
    // A hold that repeats itself without a new count comes from somebody who has stopped thinking.
    if (panel_write_[0] == 0 || panel_write_[1] != count_before) {
      station_.write_relay(panel_write_[0] == 1);
    }
  } else {
    for (std::size_t i = 0; i < values.size(); ++i) {
      bench_write_[address + i] = values[i];
      apply_bench(static_cast<std::uint16_t>(address + i));
    }
  }
}

void RegisterMap::apply_drive(std::size_t axis) {
  const auto& written = drive_write_[axis];
  DriveCommand command;
  command.controlword = written[1];
  command.mode = static_cast<std::int8_t>(written[2] & 0xFF);
  command.force_n = static_cast<std::int16_t>(written[3]) * kPermille * rated_force_n_;
  command.force_limit_n = written[4] * kPermille * rated_force_n_;
  command.speed_limit_mps = written[5] * speed_unit_;
  command.slope_nps = written[6] * 1e-2 * rated_force_n_;
  command.watchdog_s = written[7] * 1e-3;
  const std::uint32_t velocity = std::uint32_t{written[8]} << 16 | written[9];
  command.velocity_mps = static_cast<std::int32_t>(velocity) * 1e-6;
  command.brake_limit_n = written[10] * kPermille * rated_force_n_;
  view_.write_drive(command, axis);
}

void RegisterMap::apply_bench(std::uint16_t index) {
  const std::uint16_t value = bench_write_[index];
  switch (index) {
    case 0:
      station_.press_reset(value == 1 ? kCoilPressS : value * 1e-3);
      bench_write_[0] = 0;
      break;
    case 1:
      station_.press_stop(value != 0);
      break;
    case 2:
      station_.turn_key(value != 0);
      break;
    case 3:
      station_.hold_dead_man(value != 0);
      break;
    case 4:
      station_.press_estop(value != 0);
      break;
    default:
      if (value != 0) {
        station_.release_handle(index - kHandleSwitch);
      } else {
        station_.grip(index - kHandleSwitch);
      }
  }
}

void RegisterMap::read(FunctionCode function, std::uint8_t unit, std::uint16_t address,
                       std::span<std::uint16_t> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto at = static_cast<std::uint16_t>(address + i);
    if (function == FunctionCode::kReadDiscreteInputs) {
      const std::uint16_t word = panel_register(static_cast<std::uint16_t>(kPanelRead + at / 16));
      values[i] = (word >> (at % 16)) & 1;
    } else {
      values[i] = register_at(unit, at);
    }
  }
}

std::uint16_t RegisterMap::register_at(std::uint8_t unit, std::uint16_t address) const {
  if (const std::size_t axis = axis_of(unit); axis < hal::kMaxAxes) {
    return drive_register(axis, address);
  }
  if (unit == kPanelUnit) {
    return address < panel_write_.size() ? panel_write_[address] : panel_register(address);
  }
  if (unit == kPelvisUnit) {
    return address == kPelvisRead ? as_i16(station_.pelvis().tilt_rad / kTiltUnit)
                                  : static_cast<std::uint16_t>(station_.pelvis_samples());
  }
  if (unit == kRightPadUnit) return right_pad_register(address);
  return bench_write_[address];
}

std::uint16_t RegisterMap::right_pad_register(std::uint16_t address) const {
  const hal::LoadCellInput& cell = view_.pad_cell(1);
  switch (address - kPadRead) {
    case 0:
      return half(as_i32(cell.force * 1e3), 0);
    case 1:
      return half(as_i32(cell.force * 1e3), 1);
    case 2:
      return cell.saturated ? 1 : 0;
    default:  // a sample a tick
      return static_cast<std::uint16_t>(std::llround(station_.time_s() * 1e3));
  }
}

std::uint16_t RegisterMap::drive_register(std::size_t axis, std::uint16_t address) const {
  if (address < drive_write_[axis].size()) return drive_write_[axis][address];
  if (address >= kConfig) {
    return config_register(axis, static_cast<std::uint16_t>(address - kConfig));
  }
  const hal::DriveInput& drive = view_.drive(axis);
  // Of linked arms the drive's amplifier has the left pad's.
  const hal::LoadCellInput& cell = station_.linked() ? view_.pad_cell(0) : view_.load_cell(axis);
  const std::int64_t time_us = std::llround(station_.time_s() * 1e6);
  switch (address - kDriveRead) {
    case 0:
      return drive_write_[axis][0];
    case 1:
      return drive.statusword;
    case 2:
      return static_cast<std::uint16_t>(drive.mode_display & 0xFF);
    case 3:
      return as_i16(drive.force / rated_force_n_ / kPermille);
    case 4:
      return half(as_i32(drive.position * 1e6), 0);
    case 5:
      return half(as_i32(drive.position * 1e6), 1);
    case 6:
      return half(as_i32(drive.velocity * 1e6), 0);
    case 7:
      return half(as_i32(drive.velocity * 1e6), 1);
    case 8:
      return half(as_i32(cell.force * 1e3), 0);
    case 9:
      return half(as_i32(cell.force * 1e3), 1);
    case 10:
      return drive.error_code;
    case 11:
      return static_cast<std::uint16_t>(
          (drive.sto_active ? 0x3 : 0) | (station_.safety().estop_released ? 0 : 0x4) |
          (drive.watchdog_tripped ? 0x10 : 0) | (station_.limit_active(axis) ? 0x20 : 0) |
          (cell.saturated ? 0x40 : 0));
    case 12:
      return as_i16(drive.temperature_c * 10.0);
    case 13:
      return as_u16(drive.bus_voltage_v * 10.0);
    case 14:
      return half(time_us, 0);
    default:
      return half(time_us, 1);
  }
}

std::uint16_t RegisterMap::config_register(std::size_t axis, std::uint16_t index) const {
  const hal::DriveInput& drive = station_.drive(axis);
  switch (index) {
    case 0:
      return kMapVersion;
    case 1:
      return half(std::llround(rated_force_n_ * 1e3), 0);
    case 2:
      return half(std::llround(rated_force_n_ * 1e3), 1);
    case 3:
      return static_cast<std::uint16_t>(station_.coordinate());
    case 4:
      return as_u16(drive.force_limit / rated_force_n_ / kPermille);
    case 5:
      return as_u16(drive.speed_limit / speed_unit_);
    case 6:
      return as_u16(station_.watchdog_s(axis) * 1e3);
    default:
      return static_cast<std::uint16_t>(kSerialNumber + axis);
  }
}

std::uint16_t RegisterMap::panel_register(std::uint16_t address) const {
  const hal::PanelInput panel = station_.panel();
  const hal::SafetyInput safety = station_.safety();
  switch (address - kPanelRead) {
    case 0:
      return static_cast<std::uint16_t>((panel.reset_pressed ? 1 : 0) | (panel.key_on ? 2 : 0) |
                                        (panel.dead_man_held ? 4 : 0) |
                                        (panel.stop_pressed ? 8 : 0));
    case 1:
      return static_cast<std::uint16_t>((safety.estop_released ? 1 : 0) |
                                        (safety.relay_closed ? 2 : 0));
    default:
      return panel_write_[1];
  }
}

}  // namespace medius::sim
