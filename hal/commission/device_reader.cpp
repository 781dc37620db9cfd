#include "hal/commission/device_reader.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "hal/modbus/codec.hpp"
#include "hal/modbus/descriptor_names.hpp"
#include "hal/modbus/enable_words.hpp"
#include "hal/modbus/lockstep.hpp"

namespace medius::hal {
namespace {

using modbus::Block;
using modbus::Connection;
using modbus::DevicePlan;
using modbus::Field;
using modbus::FunctionCode;
using modbus::Outcome;
using modbus::Window;

bool is_unverified(const DevicePlan& plan, const std::string& name) {
  const auto& names = plan.descriptor.unverified;
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Which bits of the descriptor are set in these words of the read image; empty: it names none
// there.
std::string bits_text(const DevicePlan& plan, std::size_t first, std::size_t words,
                      const std::uint16_t* values) {
  std::string text;
  bool named = false;
  for (const modbus::BitRow& row : modbus::kBitRows) {
    const modbus::BitSpec& bit = plan.descriptor.bit(row.bit);
    if (row.kind != plan.descriptor.kind || !bit.present) continue;
    if (bit.index < first || bit.index >= first + words) continue;
    named = true;
    modbus::BitSpec local = bit;
    local.index = static_cast<std::uint16_t>(bit.index - first);
    if (modbus::get_bit(local, values)) text += (text.empty() ? "" : " ") + std::string(row.name);
  }
  return named && text.empty() ? std::string("no bit set") : text;
}

}  // namespace

const char* unit_of(Field field, CoordinateKind coordinate) noexcept {
  const bool cable = coordinate == CoordinateKind::kCable;
  switch (field) {
    case Field::kTargetForce:
    case Field::kForceLimit:
    case Field::kBrakeLimit:
    case Field::kActualForce:
    case Field::kLoadCell:
    case Field::kRatedForce:
    case Field::kForceLimitInForce:
      return cable ? "N" : "Nm";
    case Field::kSpeedLimit:
    case Field::kTargetVelocity:
    case Field::kVelocity:
    case Field::kSpeedLimitInForce:
      return cable ? "m/s" : "rad/s";
    case Field::kPosition:
      return cable ? "m" : "rad";
    case Field::kWatchdog:
    case Field::kWatchdogInForce:
      return "s";
    case Field::kSlope:
      return "%/s";
    case Field::kTemperature:
      return "Cel";
    case Field::kBusVoltage:
      return "V";
    case Field::kDeviceTime:
      return "us";
    case Field::kTilt:
      return "rad";
    default:
      return "1";
  }
}

std::string address_text(std::uint16_t address) {
  return fmt::format("{:#06x}", address);
}

std::string failure_text(const Connection& connection, Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return "";
    case Outcome::kException:
      return fmt::format("exception {} ({})", connection.exception_code(), connection.error());
    case Outcome::kTimeout:
      return "no answer in time";
    case Outcome::kProtocol:
      return fmt::format("a malformed reply ({})", connection.error());
    case Outcome::kClosed:
      break;
  }
  return connection.error();
}

DeviceReader::DeviceReader(const DevicePlan& plan) : plan_(&plan) {
  add_block(plan.descriptor.read, Block::kRead, "read");
  add_block(plan.descriptor.config, Block::kConfig, "config");
  add_block(plan.descriptor.write, Block::kWrite, "write");
  add_init();
}

void DeviceReader::add_block(const modbus::BlockSpec& spec, Block block, const char* name) {
  for (const Window& window : spec.windows) {
    Place place{window, block, window.first, {}, false};
    // Where the same address means other memory when it is written, the written one cannot be seen.
    place.hidden = block == Block::kWrite && plan_->descriptor.separate_areas;
    for (const modbus::FieldRow& row : modbus::kFieldRows) {
      const modbus::RegisterSpec& field = plan_->descriptor.field(row.field);
      if (row.kind != plan_->descriptor.kind || row.block != block || !field.present) continue;
      if (field.index < window.first || field.index >= window.first + window.words) continue;
      RegisterValue value;
      value.name = row.name;
      value.block = name;
      value.address = field.address;
      value.unit = unit_of(row.field, plan_->coordinate);
      value.verified = !is_unverified(*plan_, value.name);
      if (place.hidden) value.error = "the device does not show what is written here";
      place.values.push_back(values_.size());
      values_.push_back(std::move(value));
      specs_.push_back(field);
      specs_.back().index = static_cast<std::uint16_t>(field.index - window.first);
    }
    place.window.first = 0;
    if (block == Block::kWrite) place.window.function = FunctionCode::kReadRegisters;
    places_.push_back(std::move(place));
  }
}

void DeviceReader::add_init() {
  for (const modbus::InitStep& step : plan_->descriptor.init) {
    Window window;
    window.address = step.spec.address;
    window.words = step.spec.words;
    Place place{window, Block::kConfig, 0, {values_.size()}, !step.read_back};
    RegisterValue value;
    value.name = step.name;
    value.block = "init";
    value.address = step.spec.address;
    value.verified = !is_unverified(*plan_, value.name);
    value.unit = "1";
    if (place.hidden) value.error = "a command register, which keeps nothing";
    values_.push_back(std::move(value));
    specs_.push_back(step.spec);
    specs_.back().index = 0;
    places_.push_back(std::move(place));
  }
}

Outcome DeviceReader::read(Connection& connection) {
  round_trips_ns_.clear();
  for (Place& place : places_) {
    if (place.hidden) continue;
    modbus::ReadImage image{};
    const std::int64_t before_ns = modbus::monotonic_ns();
    const Outcome outcome = modbus::read_window(connection, *plan_, place.window, image);
    const std::int64_t after_ns = modbus::monotonic_ns();
    ++transactions_;
    if (outcome == Outcome::kOk) {
      round_trips_ns_.push_back(after_ns - before_ns);
      take(place, image, before_ns + (after_ns - before_ns) / 2);
      continue;
    }
    const std::string why = failure_text(connection, outcome);
    // Not every device shows what is written to it: asked once, then left alone.
    place.hidden = outcome == Outcome::kException && place.block == Block::kWrite;
    if (!place.hidden) ++errors_;
    for (const std::size_t index : place.values) {
      values_[index].ok = false;
      values_[index].error = why;
    }
    const bool usable =
        outcome == Outcome::kException || (connection.is_serial() && outcome != Outcome::kClosed);
    if (!usable) return outcome;
  }
  return Outcome::kOk;
}

void DeviceReader::take(const Place& place, const modbus::ReadImage& image, std::int64_t stamp_ns) {
  for (const std::size_t index : place.values) {
    const modbus::RegisterSpec& spec = specs_[index];
    RegisterValue& value = values_[index];
    value.words.assign(image.data() + spec.index, image.data() + spec.index + spec.words);
    value.raw = modbus::get_raw(spec, image.data());
    value.value = modbus::get_value(spec, image.data(), plan_->rated_force);
    value.stamp_ns = stamp_ns;
    value.ok = true;
    value.error.clear();
    if (value.name == "statusword") {
      value.text = to_string(
          modbus::drive_state(plan_->descriptor.enable, static_cast<std::uint16_t>(value.raw)));
    } else if (place.block == Block::kRead) {
      value.text = bits_text(*plan_, place.first + spec.index, spec.words, &image[spec.index]);
    }
  }
}

const RegisterValue* DeviceReader::find(const std::string& name) const noexcept {
  for (const RegisterValue& value : values_) {
    if (value.name == name) return &value;
  }
  return nullptr;
}

}  // namespace medius::hal
