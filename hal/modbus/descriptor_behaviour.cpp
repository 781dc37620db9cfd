// How a device behaves: echo and clock, enabling, watchdog, limits, writes at connect.
#include <algorithm>

#include <fmt/format.h>

#include "hal/modbus/codec.hpp"
#include "hal/modbus/descriptor_loader.hpp"
#include "hal/modbus/descriptor_names.hpp"
#include "hal/modbus/machine_bus.hpp"

namespace medius::hal::modbus {
namespace {

constexpr DriveState kStates[] = {
    DriveState::kNotReadyToSwitchOn,  DriveState::kSwitchOnDisabled,
    DriveState::kReadyToSwitchOn,     DriveState::kSwitchedOn,
    DriveState::kOperationEnabled,    DriveState::kQuickStopActive,
    DriveState::kFaultReactionActive, DriveState::kFault,
};

}  // namespace

void DescriptorLoader::read_identity(const TomlReader& t) {
  t.only({"map_version"});
  device_.map_version = static_cast<int>(t.integer_or("map_version", {1, 0xFFFF}, 0));
  if (device_.map_version != 0 && !device_.field(Field::kMapVersion).present) {
    t.fail("'map_version' needs the register map_version; add it");
  }
}

void DescriptorLoader::read_sequence(const TomlReader& t) {
  t.only({"write", "echo"});
  if (!t.has("write") && !t.has("echo")) return;
  static_cast<void>(named(t, "write", Block::kWrite));
  static_cast<void>(named(t, "echo", Block::kRead));
  device_.has_sequence_echo = true;
}

void DescriptorLoader::read_heartbeat(const TomlReader& t) {
  t.only({"register", "change_within_ms"});
  if (!t.has("register")) return;
  static_cast<void>(named(t, "register", Block::kRead));
  if (t.text("register") != "device_time") {
    t.fail(
        fmt::format("'register' is '{}', must be device_time: other values may stand still in a "
                    "device that is well; correct it",
                    t.text("register")));
  }
  device_.heartbeat_change_ms = static_cast<int>(t.integer("change_within_ms", {1, 1000}));
}

// What tells a late reply from a fresh one where the device has neither echo nor clock.
void DescriptorLoader::read_freshness(const TomlReader& t) {
  t.only({"stand_in"});
  if (t.has("stand_in")) {
    static_cast<void>(t.choice("stand_in", {"quarantine"}));
    device_.quarantine_stands_in = true;
  }
  const bool needs = device_.kind == DeviceKind::kDrive || device_.kind == DeviceKind::kLoadCell ||
                     device_.kind == DeviceKind::kIo;
  const bool has = device_.has_sequence_echo || device_.heartbeat_change_ms != 0 ||
                   device_.field(Field::kSampleCount).present;
  if (needs && !has && !device_.quarantine_stands_in) {
    t.fail(
        "the device has neither a [sequence] echo nor a [heartbeat], so a late reply looks like "
        "a fresh one; describe one of them, or write stand_in = \"quarantine\" and the latest "
        "reply in turnaround_max_us");
  }
}

void DescriptorLoader::read_enable(const TomlReader& t) {
  t.only({"sequence", "mode", "velocity_mode", "step_timeout_ms", "reset_level_ms", "on", "word_ms",
          "off", "quick_stop", "reset"});
  if (device_.kind != DeviceKind::kDrive) return;
  device_.enable.kind = static_cast<EnableKind>(t.choice("sequence", {"cia402", "words"}));
  if (device_.field(Field::kMode).present || t.has("mode")) {
    device_.mode = static_cast<int>(t.integer("mode", {1, 10}));
  }
  device_.velocity_mode = static_cast<int>(t.integer_or("velocity_mode", {3, 9}, 0));
  const bool complete =
      device_.field(Field::kMode).present && device_.field(Field::kModeDisplay).present &&
      device_.field(Field::kTargetVelocity).present && device_.field(Field::kForceLimit).present;
  if (device_.velocity_mode != 0 && !complete) {
    t.fail(fmt::format(
        "'velocity_mode' is {}, which needs the registers mode, mode_display, target_velocity "
        "and torque_limit; describe them or remove velocity_mode",
        device_.velocity_mode));
  }
  device_.step_timeout_ms = static_cast<int>(t.integer_or("step_timeout_ms", {10, 10'000}, 500));
  device_.reset_level_ms = static_cast<int>(t.integer_or("reset_level_ms", {1, 1000}, 10));
  read_enable_words(t);
}

void DescriptorLoader::read_enable_words(const TomlReader& t) {
  EnableSpec& enable = device_.enable;
  if (enable.kind == EnableKind::kCia402) {
    for (const char* key : {"on", "off", "quick_stop", "reset", "word_ms"}) {
      if (t.has(key)) {
        t.fail(fmt::format("'{}' is for sequence = \"words\"; CiA 402 has words of its own", key));
      }
    }
    return;
  }
  constexpr TomlReader::Range kWord{0, 0xFFFF};
  for (const std::int64_t word : t.integers_or_none("on", kWord)) {
    enable.on.push_back(static_cast<std::uint16_t>(word));
  }
  if (enable.on.empty()) t.fail("'on' is missing; list the control words that enable the drive");
  enable.word_ms = static_cast<int>(t.integer_or("word_ms", {1, 1000}, 10));
  enable.off = static_cast<std::uint16_t>(t.integer("off", kWord));
  enable.quick_stop = static_cast<std::uint16_t>(t.integer_or("quick_stop", kWord, enable.off));
  const auto reset = t.integers_or_none("reset", kWord);
  if (!reset.empty() && reset.size() != 2) {
    t.fail("'reset' must be the two levels of the edge that clears a fault; correct it");
  }
  enable.reset_low = reset.empty() ? enable.off : static_cast<std::uint16_t>(reset[0]);
  enable.reset_high = reset.empty() ? enable.off : static_cast<std::uint16_t>(reset[1]);
}

void DescriptorLoader::read_state(const TomlReader& t) {
  t.only({"name", "mask", "value"});
  if (device_.kind != DeviceKind::kDrive || device_.enable.kind != EnableKind::kWords) {
    t.fail("states are listed only with [enable] sequence = \"words\"; remove them");
  }
  StateCode code;
  code.state = kStates[t.choice(
      "name", {"not-ready", "switch-on-disabled", "ready-to-switch-on", "switched-on",
               "operation-enabled", "quick-stop-active", "fault-reaction-active", "fault"})];
  code.mask = static_cast<std::uint16_t>(t.integer_or("mask", {1, 0xFFFF}, 0xFFFF));
  code.value = static_cast<std::uint16_t>(t.integer("value", {0, 0xFFFF}));
  if ((code.value & ~code.mask) != 0) {
    t.fail(fmt::format("'value' {:#x} has bits outside 'mask' {:#x}; correct one", code.value,
                       code.mask));
  }
  device_.enable.states.push_back(code);
}

bool DescriptorLoader::init_sets(InitStep::Value value) const noexcept {
  return std::any_of(device_.init.begin(), device_.init.end(),
                     [&](const InitStep& step) { return step.value_from == value; });
}

void DescriptorLoader::read_watchdog(const TomlReader& t) {
  t.only({"register", "counts", "min_ms", "max_ms"});
  if (!t.has("counts")) {
    if (init_sets(InitStep::Value::kWatchdog)) {
      t.fail(
          "a write at connect sets a watchdog, but [watchdog] counts does not say what feeds it; "
          "add it");
    }
    return;
  }
  device_.watchdog =
      static_cast<WatchdogCounts>(t.choice("counts", {"none", "write-telegrams", "any-telegram"}));
  if (device_.watchdog == WatchdogCounts::kNone) return;
  if (t.has("register") || !init_sets(InitStep::Value::kWatchdog)) {
    static_cast<void>(named(t, "register", Block::kWrite));
  }
  device_.watchdog_min_ms = static_cast<int>(t.integer("min_ms", {1, 60'000}));
  device_.watchdog_max_ms = static_cast<int>(t.integer("max_ms", {1, 60'000}));
  if (device_.watchdog_max_ms < device_.watchdog_min_ms) {
    t.fail(fmt::format("'max_ms' is {}, less than 'min_ms' {}; correct one",
                       device_.watchdog_max_ms, device_.watchdog_min_ms));
  }
}

void DescriptorLoader::read_limits(const TomlReader& t) {
  t.only({"torque", "speed"});
  const auto held = [&](const char* key, Field wish, Field in_force, InitStep::Value value) {
    if (device_.field(wish).present && device_.field(in_force).present) {
      if (t.has(key)) t.fail(fmt::format("'{}' is held by a register; remove it", key));
      return LimitHeld::kRegister;
    }
    if (init_sets(value)) return LimitHeld::kInit;
    if (t.has(key) && t.choice(key, {"none", "commissioned"}) == 1) return LimitHeld::kCommissioned;
    return LimitHeld::kNone;
  };
  device_.torque_limit =
      held("torque", Field::kForceLimit, Field::kForceLimitInForce, InitStep::Value::kTorqueLimit);
  device_.speed_limit =
      held("speed", Field::kSpeedLimit, Field::kSpeedLimitInForce, InitStep::Value::kSpeedLimit);
}

void DescriptorLoader::read_init(const TomlReader& t) {
  t.only({"name", "address", "type", "words", "word_order", "function", "value", "value_from",
          "unit", "scale", "scale_lever", "offset", "read_back", "expect", "persistent", "source",
          "note"});
  InitStep step;
  step.name = t.text("name");
  read_value_keys(t, step.spec, step.name);
  step.spec.address = static_cast<std::uint16_t>(t.integer("address", {0, 0xFFFF}));
  step.spec.present = true;
  const bool single = step.spec.words == 1;
  step.function = single && device_.transaction != Transaction::kFc16Fc3
                      ? FunctionCode::kWriteRegister
                      : FunctionCode::kWriteRegisters;
  if (t.has("function")) {
    step.function = t.choice("function", {"fc6", "fc16"}) == 0 ? FunctionCode::kWriteRegister
                                                               : FunctionCode::kWriteRegisters;
  }
  if (step.function == FunctionCode::kWriteRegister && !single) {
    t.fail(fmt::format("is {} words long, fc6 writes one; write function = \"fc16\"",
                       step.spec.words));
  }
  if (t.has("value") == t.has("value_from")) {
    t.fail("needs either 'value' or 'value_from'; give one of them");
  }
  if (t.has("value")) {
    step.value = t.number("value", {-2147483648.0, 4294967295.0});
  } else {
    step.value_from = static_cast<InitStep::Value>(
        1 + t.choice("value_from", {"torque_limit", "speed_limit", "watchdog"}));
  }
  step.read_back = t.flag_or("read_back", true);
  step.expect = t.number_or("expect", {-2147483648.0, 4294967295.0}, step.value);
  step.persistent = t.flag_or("persistent", false);
  if (step.value_from != InitStep::Value::kConstant && (!step.read_back || t.has("expect"))) {
    t.fail(
        "sets a limit, which must be read back as it was written; remove 'read_back' and "
        "'expect'");
  }
  if (step.persistent && !step.read_back) {
    t.fail(
        "is permanent memory and cannot be read back, so it would be written at every connect "
        "and wear out; set it once with the maker's tool and remove it here");
  }
  device_.init.push_back(std::move(step));
}

void DescriptorLoader::read_forbidden(const TomlReader& t) {
  t.only({"name", "address", "words", "why"});
  AddressRange range;
  range.address = static_cast<std::uint16_t>(t.integer("address", {0, 0xFFFF}));
  range.words = static_cast<std::uint16_t>(t.integer_or("words", {1, 0xFFFF}, 1));
  range.why = t.text("why");
  device_.forbidden.push_back(std::move(range));
}

void DescriptorLoader::check_required() const {
  const auto known_missing = [&](const char* name) {
    return std::find(device_.not_established.begin(), device_.not_established.end(), name) !=
           device_.not_established.end();
  };
  for (const FieldRow& row : kFieldRows) {
    if (row.kind != device_.kind) continue;
    const bool present = device_.field(row.field).present;
    if (row.required && !present && !known_missing(row.name)) {
      throw BusError{
          fmt::format("{}: register '{}' is missing; add a [[register]]", path_, row.name)};
    }
    if (present && known_missing(row.name)) {
      throw BusError{
          fmt::format("{}: [device]: 'not_established' names '{}', which is described; "
                      "remove one of them",
                      path_, row.name)};
    }
  }
  for (const BitRow& row : kBitRows) {
    if (row.kind == device_.kind && row.required && !device_.bit(row.bit).present) {
      throw BusError{fmt::format("{}: bit '{}' is missing; add a [[bit]]", path_, row.name)};
    }
  }
}

void DescriptorLoader::check_forbidden() const {
  const auto check = [&](const char* what, int first, int words) {
    for (const AddressRange& range : device_.forbidden) {
      if (first < range.address + range.words && range.address < first + words) {
        throw BusError{fmt::format(
            "{}: {} from address {} covers {}, which must not be written: {}; leave it out", path_,
            what, first, range.address, range.why)};
      }
    }
  };
  for (const Window& window : device_.write.windows) {
    check("the write window", window.address, window.words);
  }
  for (const InitStep& step : device_.init) {
    check("a write at connect", step.spec.address, step.spec.words);
  }
}

void DescriptorLoader::check_groups() const {
  if (device_.kind != DeviceKind::kIo) return;
  int panel = 0;
  int safety = 0;
  for (const BitRow& row : kBitRows) {
    if (row.kind != DeviceKind::kIo || !device_.bit(row.bit).present) continue;
    ++(row.bit == Bit::kEstopClosed || row.bit == Bit::kRelayClosed ? safety : panel);
  }
  if ((panel != 0 && !gives_panel(device_)) || (safety != 0 && !gives_safety(device_)) ||
      panel + safety == 0) {
    throw BusError{fmt::format(
        "{}: an I/O device gives all of reset, key, dead_man and stop, or both of estop_closed and "
        "relay_closed, or all six; describe the missing [[bit]]",
        path_)};
  }
}

}  // namespace medius::hal::modbus
