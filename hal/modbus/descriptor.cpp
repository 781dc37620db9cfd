#include "hal/modbus/descriptor.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "hal/modbus/codec.hpp"
#include "hal/modbus/machine_bus.hpp"
#include "hal/modbus/toml_reader.hpp"

namespace medius::hal::modbus {
namespace {

struct FieldRow {
  Field field;
  const char* name;
  DeviceKind kind;
  Block block;
  bool required;
};

constexpr DeviceKind kD = DeviceKind::kDrive;
constexpr DeviceKind kP = DeviceKind::kPanel;
constexpr DeviceKind kT = DeviceKind::kPelvisTilt;
constexpr DeviceKind kL = DeviceKind::kLoadCell;

// Sensors have nothing that could be written.
constexpr bool is_sensor(DeviceKind kind) noexcept {
  return kind == kT || kind == kL;
}

// What each kind of device may name, and where. Required: without it the device cannot be used at
// all. Limits and watchdog are not required here: their lack is decided at connect, with its
// consequences.
constexpr FieldRow kFieldRows[] = {
    {Field::kSequence, "cmd_seq", kD, Block::kWrite, false},
    {Field::kControlword, "controlword", kD, Block::kWrite, true},
    {Field::kMode, "mode", kD, Block::kWrite, false},
    {Field::kTargetForce, "target_torque", kD, Block::kWrite, true},
    {Field::kForceLimit, "torque_limit", kD, Block::kWrite, false},
    {Field::kSpeedLimit, "velocity_limit", kD, Block::kWrite, false},
    {Field::kSlope, "slope", kD, Block::kWrite, false},
    {Field::kWatchdog, "watchdog_ms", kD, Block::kWrite, false},
    {Field::kTargetVelocity, "target_velocity", kD, Block::kWrite, false},
    {Field::kBrakeLimit, "brake_limit", kD, Block::kWrite, false},
    {Field::kSequenceEcho, "cmd_seq_echo", kD, Block::kRead, false},
    {Field::kStatusword, "statusword", kD, Block::kRead, true},
    {Field::kModeDisplay, "mode_display", kD, Block::kRead, false},
    {Field::kActualForce, "torque_actual", kD, Block::kRead, true},
    {Field::kPosition, "position", kD, Block::kRead, true},
    {Field::kVelocity, "velocity", kD, Block::kRead, true},
    {Field::kLoadCell, "load_cell", kD, Block::kRead, false},
    {Field::kErrorCode, "error_code", kD, Block::kRead, false},
    {Field::kStatusBits, "status2", kD, Block::kRead, false},
    {Field::kTemperature, "temperature", kD, Block::kRead, false},
    {Field::kBusVoltage, "bus_voltage", kD, Block::kRead, false},
    {Field::kDeviceTime, "device_time", kD, Block::kRead, false},
    {Field::kMapVersion, "map_version", kD, Block::kConfig, false},
    {Field::kRatedForce, "rated_force", kD, Block::kConfig, false},
    {Field::kCoordinate, "coordinate", kD, Block::kConfig, false},
    {Field::kForceLimitInForce, "torque_limit_in_force", kD, Block::kConfig, false},
    {Field::kSpeedLimitInForce, "velocity_limit_in_force", kD, Block::kConfig, false},
    {Field::kWatchdogInForce, "watchdog_in_force", kD, Block::kConfig, false},
    {Field::kSerialNumber, "serial_number", kD, Block::kConfig, false},
    {Field::kRelayHold, "relay_hold", kP, Block::kWrite, true},
    {Field::kRelayCount, "relay_count", kP, Block::kWrite, true},
    {Field::kPanelInputs, "inputs", kP, Block::kRead, true},
    {Field::kSafetyBits, "safety", kP, Block::kRead, true},
    {Field::kRelayCountEcho, "relay_count_echo", kP, Block::kRead, false},
    {Field::kTilt, "tilt", kT, Block::kRead, true},
    {Field::kSampleCount, "sample_count", kT, Block::kRead, true},
    {Field::kLoadCell, "load_cell", kL, Block::kRead, true},
    {Field::kStatusBits, "status", kL, Block::kRead, false},
    {Field::kSampleCount, "sample_count", kL, Block::kRead, true},
};

struct BitRow {
  Bit bit;
  const char* name;
  DeviceKind kind;
  bool required;
};

constexpr BitRow kBitRows[] = {
    {Bit::kStoA, "sto_a", kD, false},
    {Bit::kStoB, "sto_b", kD, false},
    {Bit::kWatchdogTripped, "watchdog_tripped", kD, false},
    {Bit::kLoadCellSaturated, "load_cell_saturated", kD, false},
    {Bit::kLoadCellSaturated, "load_cell_saturated", kL, false},
    {Bit::kReset, "reset", kP, true},
    {Bit::kKey, "key", kP, true},
    {Bit::kDeadMan, "dead_man", kP, true},
    {Bit::kStop, "stop", kP, true},
    {Bit::kEstopClosed, "estop_closed", kP, true},
    {Bit::kRelayClosed, "relay_closed", kP, true},
};

// Units that the SI side understands; "rated" is a fraction of the rated force.
const std::initializer_list<std::string_view> kUnits = {
    "1", "rated", "m", "m/s", "N", "s", "us", "Cel", "V", "%/s", "rad", "rad/s", "Nm"};

class DescriptorLoader {
 public:
  DescriptorLoader(const std::string& path, CoordinateKind coordinate)
      : path_(path), coordinate_(coordinate), root_(parse_toml(path)) {
    device_.path = path;
  }

  DeviceDescriptor load() {
    const TomlReader top(root_, path_);
    top.only({"device", "cyclic", "config", "identity", "sequence", "heartbeat", "enable",
              "watchdog", "register", "bit"});
    read_device(TomlReader(top.section("device", true), path_ + ": [device]"));
    read_cyclic(TomlReader(top.section("cyclic", true), path_ + ": [cyclic]"));
    read_config(TomlReader(top.section("config", false), path_ + ": [config]"));
    read_entries("register", &DescriptorLoader::read_register);
    read_entries("bit", &DescriptorLoader::read_bit);
    read_identity(TomlReader(top.section("identity", false), path_ + ": [identity]"));
    read_sequence(TomlReader(top.section("sequence", false), path_ + ": [sequence]"));
    read_heartbeat(TomlReader(top.section("heartbeat", false), path_ + ": [heartbeat]"));
    read_enable(TomlReader(top.section("enable", device_.kind == kD), path_ + ": [enable]"));
    read_watchdog(TomlReader(top.section("watchdog", false), path_ + ": [watchdog]"));
    check();
    return device_;
  }

 private:
  void read_device(const TomlReader& t) {
    t.only({"id", "title", "kind", "verified", "unit_id", "word_order", "transaction"});
    device_.id = t.text("id");
    static_cast<void>(t.text_or("title", ""));
    device_.kind =
        static_cast<DeviceKind>(t.choice("kind", {"drive", "panel", "pelvis-tilt", "load-cell"}));
    device_.hardware_verified = t.choice("verified", {"hardware", "simulator"}) == 0;
    device_.unit_id = static_cast<std::uint8_t>(t.integer("unit_id", {0, 255}));
    order_ = t.choice("word_order", {"high-first", "low-first"}) == 0 ? WordOrder::kHighFirst
                                                                      : WordOrder::kLowFirst;
    device_.transaction =
        static_cast<Transaction>(t.choice("transaction", {"fc23", "fc16+fc3", "fc3"}));
    const bool reads_only = device_.transaction == Transaction::kFc3;
    if (reads_only != is_sensor(device_.kind)) {
      t.fail(reads_only ? "'transaction' is fc3, which cannot write; only a sensor is only read"
                        : "'transaction' writes to a sensor; write transaction = \"fc3\"");
    }
  }

  void read_cyclic(const TomlReader& t) {
    t.only({"write_address", "write_words", "read_address", "read_words", "rate_hz",
            "turnaround_us", "stale_ms"});
    if (!is_sensor(device_.kind)) {
      device_.write = {address(t, "write_address"), words(t, "write_words", kMaxWriteWords)};
    }
    device_.read = {address(t, "read_address"), words(t, "read_words", kMaxReadWords)};
    device_.rate_hz = static_cast<int>(t.integer("rate_hz", {1, 1000}));
    device_.turnaround_us = static_cast<int>(t.integer("turnaround_us", {1, 1'000'000}));
    device_.stale_ms = static_cast<int>(t.integer("stale_ms", {1, 60}));
    const int write_end = device_.write.address + device_.write.words;
    const int read_end = device_.read.address + device_.read.words;
    if (device_.write.address < read_end && device_.read.address < write_end) {
      // WAGO 750: the result of FC23 is undefined where the areas overlap.
      t.fail(fmt::format("write block {}..{} and read block {}..{} overlap; move one of them",
                         device_.write.address, write_end - 1, device_.read.address, read_end - 1));
    }
  }

  void read_config(const TomlReader& t) {
    t.only({"address", "words", "period_ms"});
    if (!t.has("address")) return;
    device_.config = {address(t, "address"), words(t, "words", kMaxReadWords)};
    device_.config_period_ms = static_cast<int>(t.integer("period_ms", {10, 60'000}));
  }

  static std::uint16_t address(const TomlReader& t, std::string_view key) {
    return static_cast<std::uint16_t>(t.integer(key, {0, 0xFFFF}));
  }
  static std::uint16_t words(const TomlReader& t, std::string_view key, int most) {
    return static_cast<std::uint16_t>(t.integer(key, {1, most}));
  }

  void read_entries(const char* key, void (DescriptorLoader::*read)(const TomlReader&)) {
    const toml::node_view<const toml::node> node = std::as_const(root_)[key];
    const toml::array* const entries = node.as_array();
    if (node && entries == nullptr) {
      throw BusError{
          fmt::format("{}: '{}' must be written as [[{}]]; correct it", path_, key, key)};
    }
    if (entries == nullptr) return;
    for (const toml::node& entry : *entries) {
      const toml::table* const table = entry.as_table();
      if (table == nullptr) {
        throw BusError{fmt::format("{}: '{}' must hold tables; correct it", path_, key)};
      }
      const std::string name = (*table)["name"].value_or(std::string("?"));
      (this->*read)(TomlReader(*table, fmt::format("{}: [[{}]] '{}'", path_, key, name)));
    }
  }

  void read_register(const TomlReader& t) {
    t.only({"name", "block", "address", "type", "word_order", "unit", "scale", "scale_lever",
            "offset", "persistent"});
    const std::string name = t.text("name");
    const auto* const row =
        std::find_if(std::begin(kFieldRows), std::end(kFieldRows),
                     [&](const FieldRow& r) { return r.kind == device_.kind && name == r.name; });
    if (row == std::end(kFieldRows)) {
      t.fail("a device of this kind has no such register; hal/modbus/README.md lists the names");
    }
    RegisterSpec& spec = device_.fields[static_cast<std::size_t>(row->field)];
    if (spec.present) t.fail("is described twice; remove one");
    const auto block = static_cast<Block>(t.choice("block", {"write", "read", "config"}));
    if (block != row->block) t.fail("belongs into another block; see hal/modbus/README.md");
    spec.type = static_cast<RegisterType>(t.choice("type", {"u16", "i16", "i8", "u32", "i32"}));
    spec.order = !t.has("word_order")                                       ? order_
                 : t.choice("word_order", {"high-first", "low-first"}) == 0 ? WordOrder::kHighFirst
                                                                            : WordOrder::kLowFirst;
    const std::size_t unit = t.has("unit") ? t.choice("unit", kUnits) : 0;
    spec.of_rated = unit == 1;
    spec.scale = t.number_or("scale", {-1e9, 1e9}, 1.0);
    if (coordinate_ == CoordinateKind::kLever) {
      spec.scale = t.number_or("scale_lever", {-1e9, 1e9}, spec.scale);
    }
    if (spec.scale == 0.0) t.fail("'scale' is 0, must not be; give the SI value of one count");
    spec.offset = t.number_or("offset", {-1e9, 1e9}, 0.0);
    if (t.flag_or("persistent", false)) {
      t.fail("is written to permanent memory; a cyclic register must not be: it would wear out");
    }
    place(t, spec, block);
  }

  void place(const TomlReader& t, RegisterSpec& spec, Block block) {
    const BlockSpec& where = block == Block::kWrite  ? device_.write
                             : block == Block::kRead ? device_.read
                                                     : device_.config;
    const int at = address(t, "address");
    const int end = at + words_of(spec.type);
    if (at < where.address || end > where.address + where.words) {
      t.fail(fmt::format("'address' is {}, its block is {}..{}; correct one of them", at,
                         where.address, where.address + where.words - 1));
    }
    for (int word = at; word < end; ++word) {
      const auto key = static_cast<int>(block) * 0x10000 + word;
      if (std::find(taken_.begin(), taken_.end(), key) != taken_.end()) {
        t.fail(fmt::format("'address' {} is used by another register too; correct it", word));
      }
      taken_.push_back(key);
    }
    spec.index = static_cast<std::uint16_t>(at - where.address);
    spec.present = true;
  }

  void read_bit(const TomlReader& t) {
    t.only({"name", "register", "bit", "active_low"});
    const std::string name = t.text("name");
    const auto* const row =
        std::find_if(std::begin(kBitRows), std::end(kBitRows),
                     [&](const BitRow& r) { return r.kind == device_.kind && name == r.name; });
    if (row == std::end(kBitRows)) {
      t.fail("a device of this kind has no such bit; hal/modbus/README.md lists the names");
    }
    const RegisterSpec& home = named(t, "register", Block::kRead);
    BitSpec& spec = device_.bits[static_cast<std::size_t>(row->bit)];
    spec = {true, home.index, static_cast<std::uint8_t>(t.integer("bit", {0, 15})), false};
    spec.active_low = t.flag_or("active_low", false);
  }

  // The register that a key of another table refers to.
  const RegisterSpec& named(const TomlReader& t, std::string_view key, Block block) {
    const std::string name = t.text(key);
    for (const FieldRow& row : kFieldRows) {
      if (row.kind != device_.kind || name != row.name || row.block != block) continue;
      const RegisterSpec& spec = device_.field(row.field);
      if (spec.present) return spec;
    }
    t.fail(fmt::format(
        "'{}' is '{}', which is not described in the right block; add a [[register]]", key, name));
  }

  void read_identity(const TomlReader& t) {
    t.only({"map_version"});
    device_.map_version = static_cast<int>(t.integer_or("map_version", {1, 0xFFFF}, 0));
    if (device_.map_version != 0 && !device_.field(Field::kMapVersion).present) {
      t.fail("'map_version' needs the register map_version; add it");
    }
  }

  void read_sequence(const TomlReader& t) {
    t.only({"write", "echo"});
    if (!t.has("write") && !t.has("echo")) return;
    static_cast<void>(named(t, "write", Block::kWrite));
    static_cast<void>(named(t, "echo", Block::kRead));
    device_.has_sequence_echo = true;
  }

  void read_heartbeat(const TomlReader& t) {
    t.only({"register", "change_within_ms"});
    if (!t.has("register")) return;
    static_cast<void>(named(t, "register", Block::kRead));
    device_.heartbeat_change_ms = static_cast<int>(t.integer("change_within_ms", {1, 1000}));
  }

  void read_enable(const TomlReader& t) {
    t.only({"sequence", "mode", "velocity_mode", "step_timeout_ms", "reset_level_ms"});
    if (device_.kind != kD) return;
    static_cast<void>(t.choice("sequence", {"cia402"}));
    device_.mode = static_cast<int>(t.integer("mode", {4, 10}));
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
  }

  void read_watchdog(const TomlReader& t) {
    t.only({"register", "counts", "min_ms", "max_ms"});
    if (!t.has("counts")) return;
    device_.watchdog = static_cast<WatchdogCounts>(
        t.choice("counts", {"none", "write-telegrams", "any-telegram"}));
    if (device_.watchdog == WatchdogCounts::kNone) return;
    static_cast<void>(named(t, "register", Block::kWrite));
    device_.watchdog_min_ms = static_cast<int>(t.integer("min_ms", {1, 60'000}));
    device_.watchdog_max_ms = static_cast<int>(t.integer("max_ms", {1, 60'000}));
  }

  void check() const {
    for (const FieldRow& row : kFieldRows) {
      if (row.kind == device_.kind && row.required && !device_.field(row.field).present) {
        throw BusError{
            fmt::format("{}: register '{}' is missing; add a [[register]]", path_, row.name)};
      }
    }
    for (const BitRow& row : kBitRows) {
      if (row.kind == device_.kind && row.required && !device_.bit(row.bit).present) {
        throw BusError{fmt::format("{}: bit '{}' is missing; add a [[bit]]", path_, row.name)};
      }
    }
  }

  std::string path_;
  CoordinateKind coordinate_;
  toml::table root_;
  WordOrder order_ = WordOrder::kHighFirst;
  DeviceDescriptor device_;
  std::vector<int> taken_;
};

}  // namespace

tl::expected<DeviceDescriptor, BusError> load_descriptor(const std::string& path,
                                                         CoordinateKind coordinate) {
  try {
    return DescriptorLoader(path, coordinate).load();
  } catch (const BusError& error) {
    return tl::make_unexpected(error);
  }
}

}  // namespace medius::hal::modbus
