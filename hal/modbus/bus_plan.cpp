#include "hal/modbus/bus_plan.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "hal/modbus/bus_timing.hpp"
#include "hal/modbus/descriptor_names.hpp"
#include "hal/modbus/force_rules.hpp"
#include "hal/modbus/link_reader.hpp"
#include "hal/modbus/toml_reader.hpp"

namespace medius::hal::modbus {
namespace {

// In lockstep a host that stalls stalls plant and loop alike (virtual machines: 8-40 ms now and
// then; seconds where medius-sim waits for a busy disk). Nothing is at stake there but patience: a
// simulator that has ended closes its socket and is noticed at once.
constexpr int kLockstepTimeoutMs = 3000;
constexpr int kRoundsPerSecond = 1000;
constexpr int kUsPerSecond = 1'000'000;
// What is left of a second for the host's own delays.
constexpr double kUsableUsPerSecond = 900'000.0;

class PlanLoader {
 public:
  PlanLoader(const std::string& path, const BusOptions& options)
      : path_(path), options_(options), root_(parse_toml(path)) {}

  BusPlan load() {
    plan_.lockstep = options_.lockstep;
    plan_.realtime_priority = options_.realtime_priority;
    for_each("link", [this](const TomlReader& t) { read_link(t); });
    for_each("device", [this](const TomlReader& t) { read_device(t); });
    apply_overrides();
    judge([&] { check_machine(); });
    for (std::size_t axis = 0; axis < options_.axis_names.size(); ++axis) {
      if (is_linked(axis)) assign_pads(axis);
    }
    check_lockstep();
    for (LinkPlan& link : plan_.links) pace(link);
    for (LinkPlan& link : plan_.links) {
      judge([&] { check_link(link); });
      judge([&] { apply_rules(link); });
    }
    return plan_;
  }

 private:
  template <typename Read>
  void for_each(const char* key, Read read) {
    const auto node = std::as_const(root_)[key];
    const toml::array* const entries = node.as_array();
    if (entries == nullptr || entries->empty()) {
      throw BusError{fmt::format("{}: no [[{}]]; add one, see hal/modbus/README.md", path_, key)};
    }
    for (const toml::node& entry : *entries) {
      const toml::table* const table = entry.as_table();
      if (table == nullptr) throw BusError{fmt::format("{}: '{}' must hold tables", path_, key)};
      const std::string name = (*table)["name"].value_or(std::string("?"));
      read(TomlReader(*table, fmt::format("{}: [[{}]] '{}'", path_, key, name)));
    }
  }

  void read_link(const TomlReader& t) {
    LinkPlan link = link_from_toml(t);
    for (const LinkPlan& other : plan_.links) {
      if (other.name == link.name) t.fail("is there twice; rename one");
    }
    if (plan_.lockstep) link.response_timeout_ms = kLockstepTimeoutMs;
    plan_.links.push_back(std::move(link));
  }

  void read_device(const TomlReader& t) {
    t.only({"name", "link", "descriptor", "unit_id", "axis", "rate_hz", "rated_force_n",
            "rated_force_nm", "force_limit_n", "force_limit_nm", "speed_limit_mps",
            "speed_limit_radps", "watchdog_ms", "travel_per_rev_m", "travel_per_rev_rad",
            "force_per_count_n", "force_per_count_nm"});
    DevicePlan device;
    device.name = t.text("name");
    const std::string link_name = t.text("link");
    const auto link = std::find_if(plan_.links.begin(), plan_.links.end(),
                                   [&](const LinkPlan& l) { return l.name == link_name; });
    if (link == plan_.links.end()) {
      t.fail(fmt::format("'link' is '{}', but there is no such [[link]]; correct it", link_name));
    }
    if (t.has("axis")) read_axis(t, device);
    const std::string descriptor = device_directory() + "/" + t.text("descriptor") + ".toml";
    auto loaded = load_descriptor(descriptor, device.coordinate);
    if (!loaded) throw loaded.error();
    device.descriptor = std::move(*loaded);
    device.unit_id =
        static_cast<std::uint8_t>(t.integer_or("unit_id", {0, 255}, device.descriptor.unit_id));
    if (link->transport == Transport::kRtu && (device.unit_id < 1 || device.unit_id > 247)) {
      t.fail(
          fmt::format("'unit_id' is {}, a serial line has 1 to 247; correct it", device.unit_id));
    }
    device.rate_hz =
        static_cast<int>(t.integer_or("rate_hz", {1, 1000}, device.descriptor.rate_hz));
    check_device(t, device);
    warn(device, link->transport);
    bind_units(t, device);
    link->devices.push_back(std::move(device));
  }

  void read_axis(const TomlReader& t, DevicePlan& device) {
    const std::string axis = t.text("axis");
    const auto found = std::find(options_.axis_names.begin(), options_.axis_names.end(), axis);
    if (found == options_.axis_names.end()) {
      t.fail(fmt::format("'axis' is '{}', but there is no such [[axis]]; correct it", axis));
    }
    device.axis = static_cast<int>(found - options_.axis_names.begin());
    const auto index = static_cast<std::size_t>(device.axis);
    if (index < options_.axis_coordinates.size()) {
      device.coordinate = options_.axis_coordinates[index];
    }
  }

  void check_device(const TomlReader& t, DevicePlan& device) {
    const DeviceDescriptor& d = device.descriptor;
    if (!d.hardware_verified && !options_.simulated) {
      const std::string what = fmt::format(
          "{} is verified only against the simulator; let a person confirm its registers "
          "on the device and set verified = \"hardware\", or use a simulated machine",
          d.path);
      if (options_.use == PlanUse::kRun) t.fail(what);
      plan_.warnings.push_back(fmt::format("{}: {}", device.name, what));
    }
    switch (d.kind) {
      case DeviceKind::kDrive:
        check_drive(t, device);
        return;
      case DeviceKind::kPanel:
        if (device.axis >= 0) t.fail("is a panel, which has no 'axis'; remove it");
        plan_.relay_stands_in = true;
        claim(t, gives_panel_, "the panel's keys");
        claim(t, gives_safety_, "the safety chain's bits");
        return;
      case DeviceKind::kPelvisTilt:
        if (device.axis >= 0) t.fail("is a pelvis sensor, which has no 'axis'; remove it");
        if (has_pelvis_) t.fail("is a second pelvis sensor; remove one");
        has_pelvis_ = true;
        return;
      case DeviceKind::kLoadCell:
        if (device.axis < 0) t.fail("'axis' is missing; name the [[axis]] whose force it measures");
        claim_cell(t, device);
        return;
      case DeviceKind::kIo:
        if (device.axis >= 0) t.fail("is an I/O device, which has no 'axis'; remove it");
        if (gives_panel(d)) claim(t, gives_panel_, "the panel's keys");
        if (gives_safety(d)) claim(t, gives_safety_, "the safety chain's bits");
        return;
    }
  }

  void warn(const DevicePlan& device, Transport transport) {
    const DeviceDescriptor& d = device.descriptor;
    if (!d.unverified.empty()) {
      plan_.warnings.push_back(
          fmt::format("{}: {}: unverified: {}; check them against the manual of your edition",
                      device.name, d.path, fmt::join(d.unverified, ", ")));
    }
    if (!d.quarantine_stands_in) return;
    const std::string what =
        transport == Transport::kRtu
            ? fmt::format(
                  "only the pause of {} ms after each error keeps a late reply from "
                  "passing for a fresh one",
                  d.turnaround_max_us / 1000)
            : std::string(
                  "only the transaction number tells a late reply, and nothing tells a "
                  "device that repeats itself");
    plan_.warnings.push_back(
        fmt::format("{}: {} has neither sequence echo nor clock; {}", device.name, d.path, what));
  }

  static void claim(const TomlReader& t, bool& given, const char* what) {
    if (given)
      t.fail(fmt::format("gives {}, which another device gives already; remove one", what));
    given = true;
  }

  void claim_cell(const TomlReader& t, const DevicePlan& device) {
    const auto axis = static_cast<std::size_t>(device.axis);
    const int most = is_linked(axis) ? kPads : 1;
    if (axis_cells_[axis] == most) {
      t.fail(most == 1 ? "measures the force of an axis that another load cell measures already; "
                         "remove one, or write linked_arms = true into the [[axis]] if it is two "
                         "arms with a pad each"
                       : "is a third load cell of its axis; an axis has two pads: remove one");
    }
    ++axis_cells_[axis];
  }

  [[nodiscard]] bool is_linked(std::size_t axis) const {
    return axis < options_.axis_linked_arms.size() && options_.axis_linked_arms[axis];
  }

  // Of linked arms the cell on the drive's amplifier is the left pad's; of two amplifiers the first
  // in the file is.
  void assign_pads(std::size_t axis) {
    std::vector<DevicePlan*> cells;
    const LinkPlan* home = nullptr;
    for (LinkPlan& link : plan_.links) {
      for (DevicePlan& device : link.devices) {
        if (device.axis != static_cast<int>(axis) || !device.descriptor.measures_force()) continue;
        if (home != nullptr && home != &link) {
          throw BusError{fmt::format(
              "{}: the load cells of axis '{}' are on different links, '{}' and '{}'; put both on "
              "one link: they make one force, so they must come and go together",
              path_, options_.axis_names[axis], home->name, link.name)};
        }
        home = &link;
        const bool left = device.descriptor.kind == DeviceKind::kDrive;
        cells.insert(left ? cells.begin() : cells.end(), &device);
      }
    }
    if (cells.size() != kPads) {
      throw BusError{
          fmt::format("{}: axis '{}' has linked_arms = true, but only '{}' measures a pad; add a "
                      "[[device]] of kind load-cell with axis = \"{}\" for the other one",
                      path_, options_.axis_names[axis], cells[0]->name, options_.axis_names[axis])};
    }
    for (std::size_t pad = 0; pad < cells.size(); ++pad) cells[pad]->pad = static_cast<int>(pad);
  }

  void check_drive(const TomlReader& t, DevicePlan& device) {
    const DeviceDescriptor& d = device.descriptor;
    if (device.axis < 0) t.fail("'axis' is missing; name the [[axis]] that this drive moves");
    if (axis_taken_[static_cast<std::size_t>(device.axis)]) {
      t.fail("drives an axis that another device drives already; correct 'axis'");
    }
    axis_taken_[static_cast<std::size_t>(device.axis)] = true;
    if (d.measures_force()) claim_cell(t, device);
    const auto index = static_cast<std::size_t>(device.axis);
    if (index < options_.axis_velocity_modes.size() && options_.axis_velocity_modes[index] &&
        d.velocity_mode == 0) {
      t.fail(
          fmt::format("moves an axis with drive_velocity_mode = true, but {} describes no "
                      "velocity_mode; describe it or remove drive_velocity_mode",
                      d.path));
    }
    const bool cable = device.coordinate == CoordinateKind::kCable;
    // Physical sense only; the machine's own bounds live in the safety kernel.
    device.rated_force = t.number(cable ? "rated_force_n" : "rated_force_nm", {1.0, 10'000.0});
    device.force_limit = t.number(cable ? "force_limit_n" : "force_limit_nm", {0.0, 10'000.0});
    device.speed_limit = t.number(cable ? "speed_limit_mps" : "speed_limit_radps", {0.01, 50.0});
    device.watchdog_s = static_cast<double>(t.integer("watchdog_ms", {5, 200})) * 1e-3;
  }

  // Makes SI of what the device counts in revolutions or in counts of its amplifier.
  static void bind_units(const TomlReader& t, DevicePlan& device) {
    const bool cable = device.coordinate == CoordinateKind::kCable;
    const auto uses = [&](UnitBasis basis) {
      const auto& fields = device.descriptor.fields;
      const auto& init = device.descriptor.init;
      return std::any_of(fields.begin(), fields.end(),
                         [&](const RegisterSpec& f) { return f.present && f.basis == basis; }) ||
             std::any_of(init.begin(), init.end(),
                         [&](const InitStep& step) { return step.spec.basis == basis; });
    };
    const auto needed = [&](UnitBasis basis, const char* key, TomlReader::Bounds bounds) {
      if (!uses(basis)) {
        if (t.has(key)) t.fail(fmt::format("'{}' is not used by this device; remove it", key));
        return 1.0;
      }
      const double value = t.number(key, bounds);
      if (value == 0.0) t.fail(fmt::format("'{}' is 0, must not be; correct it", key));
      return value;
    };
    const double travel = needed(UnitBasis::kTravel,
                                 cable ? "travel_per_rev_m" : "travel_per_rev_rad", {-10.0, 10.0});
    const double count =
        needed(UnitBasis::kCell, cable ? "force_per_count_n" : "force_per_count_nm", {-1e3, 1e3});
    // A motor that turns outward for positive counts pulls inward with negative torque.
    const double pull = uses(UnitBasis::kTravel) && travel > 0.0 ? -1.0 : 1.0;
    for (std::size_t i = 0; i < device.descriptor.fields.size(); ++i) {
      RegisterSpec& spec = device.descriptor.fields[i];
      const auto field = static_cast<Field>(i);
      const bool limit = field == Field::kSpeedLimit || field == Field::kSpeedLimitInForce;
      bind(spec, limit ? std::abs(travel) : travel, count);
      if (field == Field::kTargetForce || field == Field::kActualForce) spec.scale *= pull;
    }
    for (InitStep& step : device.descriptor.init) bind(step.spec, std::abs(travel), count);
  }

  static void bind(RegisterSpec& spec, double travel, double count) {
    if (spec.basis == UnitBasis::kTravel) spec.scale *= travel;
    if (spec.basis == UnitBasis::kCell) spec.scale *= count;
    if (spec.basis != UnitBasis::kRated) spec.basis = UnitBasis::kSi;
  }

  [[nodiscard]] std::string device_directory() const {
    if (!options_.device_directory.empty()) return options_.device_directory;
    return (std::filesystem::path(path_).parent_path() / ".." / "devices")
        .lexically_normal()
        .string();
  }

  void apply_overrides() {
    for (const std::string& text : options_.link_overrides) {
      const std::string name = text.substr(0, text.find('='));
      const auto link = std::find_if(plan_.links.begin(), plan_.links.end(),
                                     [&](const LinkPlan& l) { return l.name == name; });
      if (link == plan_.links.end()) {
        throw BusError{fmt::format("--link '{}': {} has no [[link]] '{}'; it has '{}'", text, path_,
                                   name, plan_.links.front().name)};
      }
      override_link(*link, text);
    }
  }

  // The device that is asked most often gives the link its pace.
  void pace(LinkPlan& link) const {
    if (link.devices.empty()) {
      throw BusError{fmt::format("{}: [[link]] '{}' has no [[device]]; add one or remove it", path_,
                                 link.name)};
    }
    int fastest_hz = kRoundsPerSecond;
    if (!plan_.lockstep) {  // there a round is a tick
      fastest_hz = 1;
      for (const DevicePlan& device : link.devices) {
        fastest_hz = std::max(fastest_hz, device.rate_hz);
      }
    }
    link.round_us = kUsPerSecond / fastest_hz;
    for (DevicePlan& device : link.devices) {
      device.every_rounds = std::max(1, fastest_hz / device.rate_hz);
      device.silence_us = static_cast<int>(silence_us(link, device));
    }
    if (link.transport != Transport::kRtu || plan_.lockstep) return;
    const auto longest_ms = static_cast<int>(longest_transfer_us(link) / 1e3) + 1;
    if (link.response_timeout_ms == 0) {
      link.response_timeout_ms = std::max(30, 2 * longest_ms);
    } else if (link.response_timeout_ms <= longest_ms) {
      throw BusError{fmt::format(
          "{}: [[link]] '{}': 'response_timeout_ms' is {}, but the longest transaction takes {} ms "
          "on this line; raise it or leave it out",
          path_, link.name, link.response_timeout_ms, longest_ms)};
    }
  }

  // What stands against force stands against nothing else.
  template <typename Check>
  void judge(Check&& check) {
    try {
      check();
    } catch (const BusError& refusal) {
      if (options_.use != PlanUse::kLook) throw;
      const auto& said = plan_.warnings;
      if (std::find(said.begin(), said.end(), refusal.message) == said.end()) {
        plan_.warnings.push_back(refusal.message);
      }
    }
  }

  void check_link(const LinkPlan& link) const {
    double busy_us = 0.0;
    const DevicePlan* busiest = nullptr;
    for (const DevicePlan& device : link.devices) {
      busy_us += link_time_us(link, device);
      if (busiest == nullptr || link_time_us(link, device) > link_time_us(link, *busiest)) {
        busiest = &device;
      }
      for (const DevicePlan& other : link.devices) {
        if (&other != &device && other.unit_id == device.unit_id &&
            link.transport == Transport::kRtu) {
          throw BusError{
              fmt::format("{}: [[device]] '{}' and '{}' have the same 'unit_id' {} on one "
                          "line; change one of them",
                          path_, device.name, other.name, device.unit_id)};
        }
      }
    }
    // A drive whose single exchange is already too slow is refused for that, with its own numbers.
    for (const DevicePlan& device : link.devices) {
      if (device.descriptor.kind == DeviceKind::kDrive)
        check_drive_exchange(where(device), link, device);
    }
    if (busy_us > kUsableUsPerSecond) {
      const double round_ms = link.round_us / 1e3;
      throw BusError{fmt::format(
          "{}: [[link]] '{}' needs {:.2f} ms per cycle of {:g} ms, {:.2f} ms available; lower "
          "'rate_hz' of '{}'{} or give it a link of its own",
          path_, link.name, busy_us / kUsPerSecond * round_ms, round_ms,
          kUsableUsPerSecond / kUsPerSecond * round_ms, busiest->name,
          link.transport == Transport::kRtu ? ", raise 'baud'" : "")};
    }
  }

  [[nodiscard]] std::string where(const DevicePlan& device) const {
    return fmt::format("{}: [[device]] '{}'", path_, device.name);
  }

  void apply_rules(LinkPlan& link) const {
    for (DevicePlan& device : link.devices) {
      if (device.descriptor.kind != DeviceKind::kDrive) continue;
      const auto axis = static_cast<std::size_t>(device.axis);
      const double mass = axis < options_.axis_masses.size() ? options_.axis_masses[axis] : 0.0;
      apply_force_rules(where(device), link, device, mass, plan_.relay_stands_in);
    }
  }

  void check_machine() const {
    if (options_.needs_panel && !gives_panel_) {
      throw BusError{fmt::format(
          "{}: there is no operator panel, and without its reset no force is ever allowed; add a "
          "[[device]] with a panel's descriptor",
          path_)};
    }
    if (options_.pelvis_sensor && !has_pelvis_) {
      throw BusError{fmt::format(
          "{}: [machine] pelvis_sensor is true, but no [[device]] is one; add it with descriptor = "
          "\"canonical-pelvis-tilt\", or remove pelvis_sensor",
          path_)};
    }
    if (has_pelvis_ && !options_.pelvis_sensor) {
      throw BusError{
          fmt::format("{}: a [[device]] is a pelvis sensor, but [machine] does not say so; write "
                      "pelvis_sensor = true, or remove the device",
                      path_)};
    }
    for (std::size_t axis = 0; axis < options_.axis_names.size(); ++axis) {
      if (!axis_taken_[axis]) {
        throw BusError{fmt::format("{}: axis '{}' has no [[device]]; add its drive", path_,
                                   options_.axis_names[axis])};
      }
      if (axis_cells_[axis] == 0) {
        throw BusError{fmt::format(
            "{}: its drive has no register load_cell, and nobody else measures the force of axis "
            "'{}'; add a [[device]] of kind load-cell with axis = \"{}\"",
            path_, options_.axis_names[axis], options_.axis_names[axis])};
      }
    }
  }

  void check_lockstep() const {
    if (plan_.lockstep && plan_.links.size() != 1) {
      throw BusError{
          fmt::format("{}: lockstep needs exactly one [[link]], there are {}; put all devices "
                      "on one or set lockstep = false",
                      path_, plan_.links.size())};
    }
  }

  std::string path_;
  const BusOptions& options_;
  toml::table root_;
  BusPlan plan_;
  bool axis_taken_[kMaxAxes] = {};
  int axis_cells_[kMaxAxes] = {};
  bool gives_panel_ = false;
  bool gives_safety_ = false;
  bool has_pelvis_ = false;
};

}  // namespace

tl::expected<BusPlan, BusError> load_bus_plan(const std::string& machine_file,
                                              const BusOptions& options) {
  if (options.axis_names.size() > kMaxAxes) {
    return tl::make_unexpected(
        BusError{fmt::format("{}: {} axes, at most {} are supported; remove some", machine_file,
                             options.axis_names.size(), kMaxAxes)});
  }
  try {
    return PlanLoader(machine_file, options).load();
  } catch (const BusError& error) {
    return tl::make_unexpected(error);
  }
}

}  // namespace medius::hal::modbus
