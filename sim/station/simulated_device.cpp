#include "sim/station/simulated_device.hpp"

#include <algorithm>
#include <cmath>

#include "hal/modbus/cia402.hpp"
#include "hal/modbus/codec.hpp"
#include "hal/modbus/enable_words.hpp"

namespace medius::sim {
namespace {

using hal::DriveState;
using hal::modbus::Bit;
using hal::modbus::BlockSpec;
using hal::modbus::DeviceDescriptor;
using hal::modbus::DeviceKind;
using hal::modbus::EnableKind;
using hal::modbus::EnableSpec;
using hal::modbus::Field;
using hal::modbus::InitStep;
using hal::modbus::LimitHeld;
using hal::modbus::RegisterSpec;
using hal::modbus::WatchdogCounts;
using hal::modbus::Window;
using DeviceFunction = hal::modbus::FunctionCode;

constexpr std::uint16_t kSerialNumber = 4711;

constexpr std::uint32_t bit_of(int function) noexcept {
  return std::uint32_t{1} << function;
}
constexpr bool is_bits(FunctionCode function) noexcept {
  return function == FunctionCode::kReadCoils || function == FunctionCode::kReadDiscreteInputs;
}

// Coils, discrete inputs and input registers are memories of their own; FC3 and FC23 read the same.
bool is_read_by(const Window& window, FunctionCode function) noexcept {
  switch (window.function) {
    case DeviceFunction::kReadCoils:
      return function == FunctionCode::kReadCoils;
    case DeviceFunction::kReadDiscreteInputs:
      return function == FunctionCode::kReadDiscreteInputs;
    case DeviceFunction::kReadInputRegisters:
      return function == FunctionCode::kReadInputRegisters;
    default:
      return function == FunctionCode::kReadHoldingRegisters ||
             function == FunctionCode::kReadWriteRegisters ||
             function == FunctionCode::kMaskWriteRegister;
  }
}

// The word of the image that the address is in.
std::optional<std::size_t> word_at(const Window& window, std::uint16_t address) noexcept {
  const std::size_t size = window.bits != 0 ? window.bits : window.words;
  if (address < window.address || address >= window.address + size) return std::nullopt;
  const std::size_t offset = address - std::size_t{window.address};
  return window.first + (window.bits != 0 ? offset / 16 : offset);
}

// What the drive shows where its table has no word for a state.
DriveState shown_instead(DriveState state, bool sto) noexcept {
  switch (state) {
    case DriveState::kSwitchOnDisabled:
      return sto ? DriveState::kNotReadyToSwitchOn : DriveState::kReadyToSwitchOn;
    case DriveState::kSwitchedOn:
      return DriveState::kReadyToSwitchOn;
    case DriveState::kQuickStopActive:
      return DriveState::kOperationEnabled;
    case DriveState::kFaultReactionActive:
      return DriveState::kFault;
    default:
      return DriveState::kNotReadyToSwitchOn;
  }
}

std::optional<std::uint16_t> code_of(const EnableSpec& enable, DriveState state) noexcept {
  for (const auto& code : enable.states) {
    if (code.state == state) return code.value;
  }
  return std::nullopt;
}

}  // namespace

SimulatedDevice::SimulatedDevice(const hal::modbus::DevicePlan& plan, StationView view)
    : plan_(plan),
      view_(view),
      station_(view.station()),
      axis_(static_cast<std::size_t>(std::max(plan.axis, 0))) {
  const DeviceDescriptor& d = plan.descriptor;
  out_.assign(d.write.words, 0);
  in_.assign(d.read.words, 0);
  config_.assign(d.config.words, 0);
  for (const BlockSpec* block : {&d.write, &d.read, &d.config}) {
    for (const Window& window : block->windows) note_function(window.function);
  }
  for (const InitStep& step : d.init) {
    note_function(step.function);
    functions_ |= bit_of(3);  // it is read back
    init_.push_back({std::vector<std::uint16_t>(step.spec.words, 0), false});
    // Permanent memory may hold what is wanted already.
    init_.back().settled = step.persistent && step.expect == 0.0;
  }
}

void SimulatedDevice::note_function(DeviceFunction function) {
  functions_ |= bit_of(static_cast<int>(function));
  const bool reads_bits =
      function == DeviceFunction::kReadCoils || function == DeviceFunction::kReadDiscreteInputs;
  if (!reads_bits && function != DeviceFunction::kReadInputRegisters) functions_ |= bit_of(3);
  // Whoever has the combined request has both of its halves.
  if (function == DeviceFunction::kReadWriteRegisters) functions_ |= bit_of(16);
}

bool SimulatedDevice::supports(FunctionCode function) const noexcept {
  return (functions_ & bit_of(static_cast<int>(function))) != 0;
}

bool SimulatedDevice::is_drive() const noexcept {
  return plan_.descriptor.kind == DeviceKind::kDrive;
}

bool SimulatedDevice::in_grid(std::uint16_t address, std::size_t count) const noexcept {
  const auto grid = static_cast<std::size_t>(plan_.descriptor.align_words);
  return address % grid == 0 && count % grid == 0;
}

std::optional<SimulatedDevice::Place> SimulatedDevice::place_to_read(FunctionCode function,
                                                                     std::uint16_t address) const {
  const DeviceDescriptor& d = plan_.descriptor;
  for (const auto in : {Place::In::kRead, Place::In::kConfig}) {
    for (const Window& window : (in == Place::In::kRead ? d.read : d.config).windows) {
      const auto word = word_at(window, address);
      if (!word || !is_read_by(window, function)) continue;
      return Place{in, *word, 0, static_cast<std::uint16_t>((address - window.address) % 16)};
    }
  }
  if (is_bits(function) || function == FunctionCode::kReadInputRegisters) return std::nullopt;
  const auto written = place_to_write(address);
  // Where one address means two memories, the written one cannot be read.
  if (written && written->in == Place::In::kWrite && d.separate_areas) return std::nullopt;
  return written;
}

std::optional<SimulatedDevice::Place> SimulatedDevice::place_to_write(std::uint16_t address) const {
  const DeviceDescriptor& d = plan_.descriptor;
  for (const Window& window : d.write.windows) {
    if (const auto word = word_at(window, address)) return Place{Place::In::kWrite, *word};
  }
  for (std::size_t i = 0; i < d.init.size(); ++i) {
    const RegisterSpec& spec = d.init[i].spec;
    if (address >= spec.address && address < spec.address + spec.words) {
      return Place{Place::In::kInit, i, address - std::size_t{spec.address}};
    }
  }
  return std::nullopt;
}

ModbusException SimulatedDevice::check_read(FunctionCode function, std::uint16_t address,
                                            std::uint16_t count) const {
  if (!supports(function)) return ModbusException::kIllegalFunction;
  if (!is_bits(function)) {
    if (count > plan_.descriptor.max_read_words) return ModbusException::kIllegalValue;
    if (!in_grid(address, count)) return ModbusException::kIllegalAddress;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!place_to_read(function, static_cast<std::uint16_t>(address + i))) {
      return ModbusException::kIllegalAddress;
    }
  }
  return ModbusException::kNone;
}

ModbusException SimulatedDevice::check_write(FunctionCode function, std::uint16_t address,
                                             std::size_t count) const {
  if (!supports(function)) return ModbusException::kIllegalFunction;
  if (count > static_cast<std::size_t>(plan_.descriptor.max_write_words)) {
    return ModbusException::kIllegalValue;
  }
  if (!in_grid(address, count)) return ModbusException::kIllegalAddress;
  for (std::size_t i = 0; i < count; ++i) {
    const auto place = place_to_write(static_cast<std::uint16_t>(address + i));
    if (!place) return ModbusException::kIllegalAddress;
    // The image of a device with two memories is only known to be reached by the combined request.
    if (place->in == Place::In::kWrite && plan_.descriptor.separate_areas &&
        function != FunctionCode::kReadWriteRegisters) {
      return ModbusException::kIllegalAddress;
    }
  }
  return ModbusException::kNone;
}

void SimulatedDevice::write(std::uint16_t address, std::span<const std::uint16_t> values) {
  bool to_init = false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto place = place_to_write(static_cast<std::uint16_t>(address + i));
    if (!place) continue;  // checked before
    if (place->in == Place::In::kWrite) {
      out_[place->index] = values[i];
    } else {
      init_[place->index].words[place->word] = values[i];
      to_init = true;
    }
  }
  if (to_init) {
    for (std::size_t i = 0; i < init_.size(); ++i) {
      const InitStep& step = plan_.descriptor.init[i];
      if (address > step.spec.address || address + values.size() <= step.spec.address) continue;
      const std::int64_t raw = hal::modbus::get_raw(step.spec, init_[i].words.data());
      const bool constant = step.value_from == InitStep::Value::kConstant;
      init_[i].settled = !constant || raw == static_cast<std::int64_t>(step.value);
      // What the device makes of it: a command register, say, does not keep what is written.
      if (constant && init_[i].settled) {
        hal::modbus::put_raw(step.spec, static_cast<std::int64_t>(step.expect),
                             init_[i].words.data());
      }
    }
  }
  if (plan_.descriptor.kind == DeviceKind::kPanel) command_relay();
}

void SimulatedDevice::read(FunctionCode function, std::uint16_t address,
                           std::span<std::uint16_t> values) {
  encode();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto place = place_to_read(function, static_cast<std::uint16_t>(address + i));
    values[i] = 0;
    if (!place) continue;  // checked before
    switch (place->in) {
      case Place::In::kWrite:
        values[i] = out_[place->index];
        break;
      case Place::In::kRead:
        values[i] = in_[place->index];
        break;
      case Place::In::kConfig:
        values[i] = config_[place->index];
        break;
      case Place::In::kInit:
        values[i] = init_[place->index].words[place->word];
        break;
    }
    if (is_bits(function)) values[i] = (values[i] >> place->bit) & 1;
  }
}

void SimulatedDevice::telegram(bool wrote) {
  met_ = true;
  if (!is_drive()) return;
  const WatchdogCounts counts = plan_.descriptor.watchdog;
  if (wrote || counts == WatchdogCounts::kAnyTelegram) command_drive();
}

void SimulatedDevice::before_tick() {
  if (met_ && is_drive() && plan_.descriptor.watchdog == WatchdogCounts::kNone) command_drive();
}

// A drive that has not been set up as the descriptor says makes no torque.
bool SimulatedDevice::set_up() const {
  return std::all_of(init_.begin(), init_.end(), [](const InitCell& cell) { return cell.settled; });
}

std::uint16_t SimulatedDevice::controlword() const {
  const DeviceDescriptor& d = plan_.descriptor;
  const auto word =
      static_cast<std::uint16_t>(hal::modbus::get_raw(d.field(Field::kControlword), out_.data()));
  const EnableSpec& enable = d.enable;
  if (enable.kind == EnableKind::kCia402 || enable.states.empty()) return word;
  // A drive with words of its own climbs its states by itself.
  if (!enable.on.empty() && word == enable.on.back()) {
    return hal::cia402_controlword(station_.drive(axis_).state, hal::DriveRequest::kEnable);
  }
  if (enable.reset_high != enable.reset_low && word == enable.reset_high) {
    return hal::kControlFaultReset;
  }
  const bool quick_stop = enable.quick_stop != enable.off && word == enable.quick_stop;
  return quick_stop ? hal::kControlQuickStop : hal::kControlDisableVoltage;
}

DriveCommand SimulatedDevice::command() const {
  const DeviceDescriptor& d = plan_.descriptor;
  const auto value = [&](Field field) {
    return hal::modbus::get_value(d.field(field), out_.data(), plan_.rated_force);
  };
  DriveCommand command;
  command.controlword = controlword();
  const std::int64_t mode = d.field(Field::kMode).present
                                ? hal::modbus::get_raw(d.field(Field::kMode), out_.data())
                                : d.mode;
  command.mode = set_up() ? static_cast<std::int8_t>(mode) : std::int8_t{0};
  command.force_n = value(Field::kTargetForce);
  command.velocity_mps = value(Field::kTargetVelocity);
  command.brake_limit_n = value(Field::kBrakeLimit);
  command.watchdog_s = value(Field::kWatchdog);
  command.speed_limit_mps = value(Field::kSpeedLimit);
  command.force_limit_n = value(Field::kForceLimit);
  if (d.torque_limit == LimitHeld::kCommissioned) command.force_limit_n = plan_.force_limit;
  for (std::size_t i = 0; i < init_.size(); ++i) {
    const InitStep& step = d.init[i];
    const double written =
        hal::modbus::get_value(step.spec, init_[i].words.data(), plan_.rated_force);
    switch (step.value_from) {
      case InitStep::Value::kTorqueLimit:
        command.force_limit_n = written;
        break;
      case InitStep::Value::kSpeedLimit:
        command.speed_limit_mps = written;
        break;
      case InitStep::Value::kWatchdog:
        command.watchdog_s = written;
        break;
      case InitStep::Value::kConstant:
        break;
    }
  }
  return command;
}

void SimulatedDevice::command_drive() {
  view_.write_drive(command(), axis_);
}

// A hold that repeats itself without a new count comes from somebody who has stopped thinking.
void SimulatedDevice::command_relay() {
  const DeviceDescriptor& d = plan_.descriptor;
  const std::int64_t hold = hal::modbus::get_raw(d.field(Field::kRelayHold), out_.data());
  const std::int64_t count = hal::modbus::get_raw(d.field(Field::kRelayCount), out_.data());
  if (hold == 0 || count != relay_count_) station_.write_relay(hold == 1);
  relay_count_ = count;
}

void SimulatedDevice::put(Field field, double value, std::vector<std::uint16_t>& image) const {
  const RegisterSpec& spec = plan_.descriptor.field(field);
  if (!spec.present) return;
  hal::modbus::put_raw(spec, hal::modbus::to_raw(spec, value, plan_.rated_force).raw, image.data());
}
void SimulatedDevice::put_number(Field field, std::int64_t raw,
                                 std::vector<std::uint16_t>& image) const {
  hal::modbus::put_raw(plan_.descriptor.field(field), raw, image.data());
}
void SimulatedDevice::put_bit(Bit bit, bool value) {
  const hal::modbus::BitSpec& spec = plan_.descriptor.bit(bit);
  if (!spec.present || value == spec.active_low) return;
  in_[spec.index] = static_cast<std::uint16_t>(in_[spec.index] | 1u << spec.bit);
}

std::uint16_t SimulatedDevice::status_code() const {
  const hal::DriveInput& drive = view_.drive(axis_);
  const EnableSpec& enable = plan_.descriptor.enable;
  if (enable.states.empty()) return drive.statusword;
  if (const auto code = code_of(enable, drive.state)) return *code;
  return code_of(enable, shown_instead(drive.state, drive.sto_active)).value_or(0);
}

void SimulatedDevice::encode() {
  std::fill(in_.begin(), in_.end(), std::uint16_t{0});
  const auto ticks = std::llround(station_.time_s() * 1e3);
  const hal::LoadCellInput& cell =
      plan_.pad >= 0 ? view_.pad_cell(static_cast<std::size_t>(plan_.pad)) : view_.load_cell(axis_);
  const hal::PanelInput panel = station_.panel();
  const hal::SafetyInput safety = station_.safety();
  put(Field::kLoadCell, cell.force, in_);
  put_bit(Bit::kLoadCellSaturated, cell.saturated);
  put_bit(Bit::kReset, panel.reset_pressed);
  put_bit(Bit::kKey, panel.key_on);
  put_bit(Bit::kDeadMan, panel.dead_man_held);
  put_bit(Bit::kStop, panel.stop_pressed);
  put_bit(Bit::kEstopClosed, safety.estop_released);
  put_bit(Bit::kRelayClosed, safety.relay_closed);
  put_number(Field::kRelayCountEcho, relay_count_, in_);
  put(Field::kTilt, station_.pelvis().tilt_rad, in_);
  const bool pelvis = plan_.descriptor.kind == DeviceKind::kPelvisTilt;
  put_number(Field::kSampleCount, pelvis ? station_.pelvis_samples() : ticks, in_);
  if (!is_drive()) return;
  encode_drive();
  encode_config();
}

void SimulatedDevice::encode_drive() {
  const DeviceDescriptor& d = plan_.descriptor;
  const hal::DriveInput& drive = view_.drive(axis_);
  put_number(Field::kSequenceEcho, hal::modbus::get_raw(d.field(Field::kSequence), out_.data()),
             in_);
  put_number(Field::kStatusword, status_code(), in_);
  put_number(Field::kModeDisplay, drive.mode_display, in_);
  put(Field::kActualForce, drive.force, in_);
  put(Field::kPosition, drive.position, in_);
  put(Field::kVelocity, drive.velocity, in_);
  put_number(Field::kErrorCode, drive.error_code, in_);
  put(Field::kTemperature, drive.temperature_c, in_);
  put(Field::kBusVoltage, drive.bus_voltage_v, in_);
  const RegisterSpec& clock = d.field(Field::kDeviceTime);
  if (clock.present) {  // it runs over
    put_number(Field::kDeviceTime, std::llround(station_.time_s() / clock.scale), in_);
  }
  put_bit(Bit::kStoA, drive.sto_active);
  put_bit(Bit::kStoB, drive.sto_active);
  put_bit(Bit::kWatchdogTripped, drive.watchdog_tripped);
}

void SimulatedDevice::encode_config() {
  const DeviceDescriptor& d = plan_.descriptor;
  const hal::DriveInput& drive = station_.drive(axis_);
  put_number(Field::kMapVersion, d.map_version, config_);
  put(Field::kRatedForce, plan_.rated_force, config_);
  put_number(Field::kCoordinate, static_cast<std::int64_t>(plan_.coordinate), config_);
  put(Field::kForceLimitInForce, drive.force_limit, config_);
  put(Field::kSpeedLimitInForce, drive.speed_limit, config_);
  put(Field::kWatchdogInForce, station_.watchdog_s(axis_), config_);
  put_number(Field::kSerialNumber, kSerialNumber + static_cast<std::int64_t>(axis_), config_);
}

}  // namespace medius::sim
