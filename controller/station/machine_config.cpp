#include "controller/station/machine_config.hpp"

#include <fmt/format.h>

#include "controller/safety/kernel.hpp"
#include "controller/station/strict_toml.hpp"

namespace medius::station {
namespace {

using safety::AxisBounds;

// A member of a configuration struct and the key that sets it.
template <typename Struct>
struct NumberKey {
  const char* base;
  Dimension dimension;
  double Struct::*member;
  double max;
};

// Bounds that a machine file may tighten, and by how they are measured. A bound that is left out
// stays as compiled in, except force_max: without it the axis makes no force at all.
constexpr NumberKey<AxisBounds> kBoundKeys[] = {
    {"felt_rise", Dimension::kForceRate, &AxisBounds::felt_rise_per_s, 0.0},
    {"outward_hold_speed", Dimension::kSpeed, &AxisBounds::outward_hold_speed, 0.0},
    {"governor_speed", Dimension::kSpeed, &AxisBounds::governor_speed, 0.0},
    {"overspeed_trip", Dimension::kSpeed, &AxisBounds::overspeed_trip, 0.0},
    {"slack_speed", Dimension::kSpeed, &AxisBounds::slack_speed, 0.0},
    {"pretension_max", Dimension::kForce, &AxisBounds::pretension_max, 0.0},
    {"eccentric_ratio_max", Dimension::kRatio, &AxisBounds::eccentric_ratio_max, 0.0},
};

// Slow links need longer ages than the compiled-in defaults: max(10 ms, 2 bus cycles) to freeze,
// max(20 ms, 4 bus cycles) to unload. tightened() lowers the force limit for them.
struct AgeKey {
  const char* base;
  std::int64_t AxisBounds::*member;
  double max_ms;
};
constexpr AgeKey kAgeKeys[] = {
    {"freeze_age", &AxisBounds::freeze_age_ns, 30.0},
    {"unload_age", &AxisBounds::unload_age_ns, 60.0},
    {"panel_age", &AxisBounds::panel_age_ns, 60.0},
};

using Control = rt::ForceControlConfig;
constexpr NumberKey<Control> kControlKeys[] = {
    {"reflected_mass", Dimension::kMass, &Control::reflected_mass, 100.0},
    {"observer", Dimension::kBandwidth, &Control::observer_radps, 300.0},
    {"observer_limit", Dimension::kForce, &Control::observer_limit, 600.0},
    {"kp", Dimension::kRatio, &Control::kp, 2.0},
    {"kd", Dimension::kSeconds, &Control::kd_s, 0.01},
    {"derivative_filter", Dimension::kBandwidth, &Control::derivative_filter_radps, 3000.0},
    {"dead_time", Dimension::kSeconds, &Control::dead_time_s, 0.02},
    {"drive_lag", Dimension::kSeconds, &Control::drive_lag_s, 0.02},
    {"pulley_loss", Dimension::kRatio, &Control::pulley_loss, 0.5},
    {"pulley_friction", Dimension::kForce, &Control::pulley_friction, 10.0},
    {"pulley_blend", Dimension::kSpeed, &Control::pulley_blend_velocity, 1.0},
};

using Tracker = measure::TrackerConfig;
constexpr NumberKey<Tracker> kTrackerKeys[] = {
    {"reversal", Dimension::kLength, &Tracker::reversal, 0.1},
    {"latch_velocity", Dimension::kSpeed, &Tracker::latch_velocity, 0.5},
    {"moving_velocity", Dimension::kSpeed, &Tracker::moving_velocity, 0.5},
    {"zigzag_floor", Dimension::kLength, &Tracker::zigzag_floor, 0.2},
    {"zigzag_fraction", Dimension::kRatio, &Tracker::zigzag_fraction, 0.5},
    {"full_fraction", Dimension::kRatio, &Tracker::full_fraction, 1.0},
    {"partial_fraction", Dimension::kRatio, &Tracker::partial_fraction, 1.0},
    {"rise_floor", Dimension::kLength, &Tracker::rise_floor, 0.5},
    {"slack_force", Dimension::kForce, &Tracker::slack_force, 30.0},
    {"validate_floor", Dimension::kLength, &Tracker::validate_floor, 0.5},
    {"stroke_floor", Dimension::kLength, &Tracker::stroke_floor, 0.2},
};

// What is measured in metres and newtons at the handle by default, about a lever's axis.
Tracker tracker_defaults(hal::CoordinateKind kind) {
  Tracker tracker;
  if (kind == hal::CoordinateKind::kCable) return tracker;
  const double arm_m = safety::metres_per_unit(kind);
  for (double Tracker::*const length :
       {&Tracker::reversal, &Tracker::latch_velocity, &Tracker::moving_velocity,
        &Tracker::zigzag_floor, &Tracker::rise_floor, &Tracker::validate_floor,
        &Tracker::stroke_floor}) {
    tracker.*length /= arm_m;
  }
  tracker.slack_force *= arm_m;
  return tracker;
}

template <typename Struct, std::size_t N>
void read_numbers(StrictTable& table, const NumberKey<Struct> (&keys)[N], Struct& out) {
  for (const auto& key : keys) table.allow(key.base, key.dimension);
  table.reject_unknown();
  for (const auto& key : keys) {
    if (const auto value = table.number(key.base, key.dimension, {0.0, key.max, ""})) {
      out.*key.member = *value;
    }
  }
}

void read_bounds(StrictTable& table, hal::CoordinateKind kind, AxisBounds& bounds) {
  const AxisBounds machine = safety::machine_bounds(kind);
  const std::string reason = fmt::format("compiled in for a {}", axis_word(kind));
  table.allow("force_max", Dimension::kForce);
  for (const AgeKey& key : kAgeKeys) table.allow(key.base, Dimension::kMilliseconds);
  for (const auto& key : kBoundKeys) table.allow(key.base, key.dimension);
  table.reject_unknown();
  if (const auto force =
          table.number("force_max", Dimension::kForce, {0.0, machine.force_max, reason})) {
    bounds.force_max = *force;
  }
  for (const auto& key : kBoundKeys) {
    const Range range{0.0, machine.*key.member, reason};
    if (const auto value = table.number(key.base, key.dimension, range)) {
      bounds.*key.member = *value;
    }
  }
  for (const AgeKey& key : kAgeKeys) {
    const Range range{1.0, key.max_ms, "older data is no data"};
    if (const auto ms = table.number(key.base, Dimension::kMilliseconds, range)) {
      bounds.*key.member = static_cast<std::int64_t>(*ms * 1e6);
    }
  }
}

hal::CoordinateKind read_kind(StrictTable& table) {
  const std::string word = table.text("coordinate", true);
  if (word == "lever") return hal::CoordinateKind::kLever;
  if (word != "cable" && !word.empty()) {
    table.fail("coordinate", fmt::format("coordinate is '{}'; write \"cable\" (m, N) or \"lever\" "
                                         "(rad, Nm)",
                                         word));
  }
  return hal::CoordinateKind::kCable;
}

LoadCellPlace place_of(StrictTable& table, hal::CoordinateKind kind) {
  const bool cable = kind == hal::CoordinateKind::kCable;
  if (!table.has("load_cell")) return cable ? LoadCellPlace::kHandle : LoadCellPlace::kPad;
  const std::string word = table.text("load_cell", true);
  if (cable && word == "handle") return LoadCellPlace::kHandle;
  if (cable && word == "drum") return LoadCellPlace::kDrum;
  if (cable && !word.empty()) {
    table.fail("load_cell", fmt::format("load_cell is '{}'; a cable axis has it at the \"handle\" "
                                        "(after the last pulley) or at the \"drum\"",
                                        word));
  } else if (!cable && word != "pad" && !word.empty()) {
    table.fail("load_cell",
               fmt::format("load_cell is '{}'; a lever axis has it at the \"pad\"", word));
  }
  return cable ? LoadCellPlace::kHandle : LoadCellPlace::kPad;
}

// A cell at the drum sees less of the force than the person by what the pulleys take, and the
// controller has to know how much; a cell behind the pulleys sees all of it.
void check_pulleys(StrictTable& table, const AxisMachineConfig& axis) {
  const double loss = axis.engine.control.pulley_loss;
  if (axis.load_cell.place == LoadCellPlace::kDrum) {
    if (!(loss > 0.0)) {
      table.fail("load_cell",
                 "load_cell is 'drum' but pulley_loss is 0; write the pulleys' friction as a share "
                 "of the force into [axis.control] (0.02 a pulley), or move the cell to the "
                 "\"handle\"");
    }
  } else if (loss > 0.0) {
    table.fail(table.has("load_cell") ? "load_cell" : "control",
               fmt::format("pulley_loss is {} but the load cell is not at the drum; a cell behind "
                           "the pulleys sees their friction: write pulley_loss = 0, or load_cell = "
                           "\"drum\"",
                           loss));
  }
}

void read_cell_errors(StrictTable& table, const AxisBounds& bounds, LoadCellConfig& cell) {
  using enum Dimension;
  table.allow("offset", kForce);
  table.allow("gain", kRatio);
  table.allow("resolution", kForce);
  table.reject_unknown();
  const auto required = [&](const char* base, Dimension dimension, const Range& range) {
    const auto value = table.number(base, dimension, range);
    if (!value) table.missing(base, "the data sheet or the calibration of the load cell has it");
    return value.value_or(0.0);
  };
  const Range force{0.0, 0.1 * bounds.force_max, "a tenth of force_max: no cell for this axis"};
  cell.offset = required("offset", kForce, force);
  cell.gain = required("gain", kRatio, {0.0, 0.1, "a tenth of the force: no cell for training"});
  cell.resolution = required("resolution", kForce, force);
  cell.errors_known = true;
}

void read_user_limits(StrictTable& table, AxisMachineConfig& axis) {
  using enum Dimension;
  // A missing limit is no force, so that a forgotten line can never mean an unlimited one.
  axis.user_force_max = table
                            .number("user_force_max", kForce,
                                    {0.0, axis.engine.bounds.force_max, "force_max of this axis"})
                            .value_or(0.0);
  axis.load_step_max =
      table.number("load_step_max", kForce, {0.0, axis.engine.bounds.force_max, ""}).value_or(0.0);
  axis.pretension =
      table
          .number("pretension", kForce,
                  {0.0, axis.engine.bounds.pretension_max, "pretension_max of this axis"})
          .value_or(0.0);
  axis.ready_hold_s = table.number("ready_hold", kSeconds, {0.1, 10.0, ""}).value_or(0.5);
  axis.ready_speed = table.number("ready_speed", kSpeed, {0.001, 0.2, ""}).value_or(0.02);
  axis.standing_timeout_s =
      table.number("standing_timeout", kSeconds, {3.0, 300.0, ""}).value_or(20.0);
  axis.engine.load_ramp_per_s =
      table.number("load_ramp", kForceRate, {1.0, 150.0, "no load comes in faster"})
          .value_or(axis.engine.load_ramp_per_s);
  axis.engine.bus_voltage_min_v =
      table.number("bus_voltage_min", kVoltage, {0.0, 1000.0, ""}).value_or(0.0);
  axis.engine.bus_voltage_max_v =
      table.number("bus_voltage_max", kVoltage, {0.0, 1000.0, ""}).value_or(0.0);
  axis.engine.temperature_max_c =
      table.number("drive_temperature_max", kTemperature, {0.0, 150.0, ""}).value_or(0.0);
  axis.engine.drive_speed_limit =
      table
          .number("drive_speed_limit", kSpeed,
                  {0.0, axis.engine.bounds.overspeed_trip, "the speed at which the axis trips"})
          .value_or(0.0);
  axis.engine.drive_velocity_mode = table.flag("drive_velocity_mode", false);
  axis.engine.one_leg_force_max =
      table.number("one_leg_force_max", kForce, {0.0, axis.user_force_max, "user_force_max"})
          .value_or(0.0);
}

// Both arms on one drive, each pad with its own cell.
void read_linkage(StrictTable& table, AxisMachineConfig& axis) {
  axis.engine.linked_arms = table.flag("linked_arms", false);
  if (axis.engine.linked_arms && axis.engine.coordinate == hal::CoordinateKind::kCable) {
    table.fail("linked_arms", "linked_arms is true, but a cable has no arms; remove it");
  } else if (axis.engine.linked_arms && !(axis.engine.one_leg_force_max > 0.0)) {
    table.missing("one_leg_force_max",
                  "one leg may have the whole load for a moment when the other leaves its pad; "
                  "write what one leg may get, as user_force_max of a single arm");
  } else if (!axis.engine.linked_arms && axis.engine.one_leg_force_max > 0.0) {
    table.fail("one_leg_force_max",
               "one_leg_force_max is only for linked arms; remove it or write linked_arms = true");
  }
}

AxisMachineConfig read_axis(TomlErrors& errors, const toml::table& raw, std::size_t number) {
  StrictTable table(errors, raw, fmt::format("[[axis]] {}", number));
  AxisMachineConfig axis;
  const hal::CoordinateKind kind = read_kind(table);
  axis.engine.coordinate = kind;
  axis.engine.tracker = tracker_defaults(kind);
  table.set_kind(kind);
  for (const char* key :
       {"name", "coordinate", "control", "tracker", "bounds", "load_cell", "load_cell_error"}) {
    table.allow(key);
  }
  using enum Dimension;
  table.allow("user_force_max", kForce);
  table.allow("load_step_max", kForce);
  table.allow("pretension", kForce);
  table.allow("ready_hold", kSeconds);
  table.allow("ready_speed", kSpeed);
  table.allow("standing_timeout", kSeconds);
  table.allow("load_ramp", kForceRate);
  table.allow("drive_speed_limit", kSpeed);
  table.allow("drive_velocity_mode");
  table.allow("linked_arms");
  table.allow("one_leg_force_max", kForce);
  table.allow("bus_voltage_min", kVoltage);
  table.allow("bus_voltage_max", kVoltage);
  table.allow("drive_temperature_max", kTemperature);
  table.reject_unknown();
  axis.name = table.text("name", true);

  const AxisBounds machine = safety::machine_bounds(kind);
  AxisBounds bounds = machine;
  bounds.force_max = 0.0;
  if (const toml::table* child = table.child("bounds")) {
    StrictTable section(errors, *child, fmt::format("[[axis]] {} bounds", number));
    section.set_kind(kind);
    read_bounds(section, kind, bounds);
  }
  axis.engine.bounds = safety::tightened(machine, bounds);
  if (const toml::table* child = table.child("control")) {
    StrictTable section(errors, *child, fmt::format("[[axis]] {} control", number));
    section.set_kind(kind);
    read_numbers(section, kControlKeys, axis.engine.control);
  }
  if (const toml::table* child = table.child("tracker")) {
    StrictTable section(errors, *child, fmt::format("[[axis]] {} tracker", number));
    section.set_kind(kind);
    read_numbers(section, kTrackerKeys, axis.engine.tracker);
  }
  if (const toml::table* child = table.child("load_cell_error")) {
    StrictTable section(errors, *child, fmt::format("[[axis]] {} load_cell_error", number));
    section.set_kind(kind);
    read_cell_errors(section, axis.engine.bounds, axis.load_cell);
  }
  axis.load_cell.place = place_of(table, kind);
  check_pulleys(table, axis);
  read_user_limits(table, axis);
  read_linkage(table, axis);
  if (!(axis.engine.control.reflected_mass > 0.0)) {
    table.fail(
        "control",
        fmt::format("{} is missing; identify the moving mass, round it up by 0-15 % and write "
                    "it into [axis.control]",
                    key_name("reflected_mass", kMass, kind)));
  }
  return axis;
}

void read_machine(TomlErrors& errors, const toml::table& raw, MachineConfig& machine) {
  StrictTable table(errors, raw, "[machine]");
  for (const char* key : {"name", "simulated", "lockstep", "pelvis_sensor"}) table.allow(key);
  table.reject_unknown();
  machine.name = table.text("name", true);
  machine.simulated = table.flag("simulated", false);
  machine.lockstep = table.flag("lockstep", false);
  machine.pelvis_sensor = table.flag("pelvis_sensor", false);
  if (machine.lockstep && !machine.simulated) {
    table.fail("lockstep",
               "lockstep is only for a simulated machine: a real one does not wait for the "
               "controller; remove it");
  }
}

// Linked arms are one axis: a machine has no other beside it.
void check_linked(StrictTable& root, const MachineConfig& machine) {
  if (machine.axes.size() > 1 &&
      (machine.axes[0].engine.linked_arms || machine.axes[1].engine.linked_arms)) {
    root.fail("axis", "linked_arms joins both arms on one axis, but there are two; remove one");
  }
}

void read_axes(TomlErrors& errors, StrictTable& root, MachineConfig& machine) {
  const toml::array* axes = root.array("axis");
  if (axes == nullptr || axes->empty()) {
    root.missing("[[axis]]", "a machine has one axis (cable) or two (lever arms); add it");
    return;
  }
  if (axes->size() > hal::kMaxAxes) {
    root.fail("axis",
              fmt::format("{} axes, at most {}; remove the others", axes->size(), hal::kMaxAxes));
    return;
  }
  for (const toml::node& node : *axes) {
    if (node.as_table() == nullptr) {
      root.fail("axis", "'axis' must be written as [[axis]] tables");
      return;
    }
    machine.axes.push_back(read_axis(errors, *node.as_table(), machine.axes.size() + 1));
    for (std::size_t i = 0; i + 1 < machine.axes.size(); ++i) {
      if (machine.axes[i].name == machine.axes.back().name) {
        root.fail("axis", fmt::format("two axes are named '{}'; give each its own name",
                                      machine.axes[i].name));
      }
    }
  }
}

}  // namespace

rt::EngineConfig MachineConfig::engine() const {
  rt::EngineConfig config;
  config.axis_count = static_cast<int>(axes.size());
  for (std::size_t i = 0; i < axes.size() && i < config.axis.size(); ++i) {
    config.axis[i] = axes[i].engine;
  }
  return config;
}

tl::expected<MachineConfig, ConfigError> load_machine(const std::string& path) {
  const auto file = parse_toml(path);
  if (!file) return tl::make_unexpected(ConfigError{file.error()});
  TomlErrors errors(path);
  MachineConfig machine;
  machine.path = path;
  StrictTable root(errors, *file, "");
  // [[link]] and [[device]] are read, just as strictly, by hal/modbus, [guard] by hal/guard.
  for (const char* key : {"machine", "axis", "link", "device", "guard"}) root.allow(key);
  root.reject_unknown();
  if (const toml::table* table = root.child("machine")) {
    read_machine(errors, *table, machine);
  } else {
    root.missing("[machine]", "add it with name = \"...\"");
  }
  read_axes(errors, root, machine);
  check_linked(root, machine);
  if (errors.first()) return tl::make_unexpected(ConfigError{*errors.first()});
  return machine;
}

}  // namespace medius::station
