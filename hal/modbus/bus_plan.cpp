#include "hal/modbus/bus_plan.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include "hal/modbus/toml_reader.hpp"

namespace medius::hal::modbus {
namespace {

// In lockstep a host that stalls stalls plant and loop alike (virtual machines: 8-40 ms now and
// then; seconds where medius-sim waits for a busy disk). Nothing is at stake there but patience: a
// simulator that has ended closes its socket and is noticed at once.
constexpr int kLockstepTimeoutMs = 3000;
constexpr int kRoundsPerSecond = 1000;
// What is left of a second for the host's own delays.
constexpr double kUsableUsPerSecond = 900'000.0;

std::string resolve_ipv4(const TomlReader& where, const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0 || found == nullptr) {
    where.fail(fmt::format("host '{}' has no IPv4 address ({}); correct 'host'", host,
                           ::gai_strerror(error)));
  }
  char text[INET_ADDRSTRLEN] = {};
  sockaddr_in address{};
  std::copy_n(reinterpret_cast<const char*>(found->ai_addr), sizeof address,
              reinterpret_cast<char*>(&address));
  ::freeaddrinfo(found);
  ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
  return text;
}

struct HostPort {
  std::string host;
  int port = 0;
};

HostPort parse_override(const std::string& text, std::string_view address) {
  const std::size_t colon = address.rfind(':');
  HostPort result;
  if (colon != std::string_view::npos) {
    result.host = std::string(address.substr(0, colon));
    const std::string_view port = address.substr(colon + 1);
    const auto parsed = std::from_chars(port.data(), port.data() + port.size(), result.port);
    if (parsed.ec == std::errc() && parsed.ptr == port.data() + port.size() &&
        !result.host.empty() && result.port > 0 && result.port <= 65535) {
      return result;
    }
  }
  throw BusError{
      fmt::format("--link '{}' is not LINK=HOST:PORT; write e.g. machine=127.0.0.1:1502", text)};
}

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
    check();
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
    t.only({"name", "transport", "host", "port", "response_timeout_ms", "reconnect_min_ms",
            "reconnect_max_ms"});
    LinkPlan link;
    link.name = t.text("name");
    for (const LinkPlan& other : plan_.links) {
      if (other.name == link.name) t.fail("is there twice; rename one");
    }
    static_cast<void>(t.choice("transport", {"tcp"}));
    const std::string host = t.text("host");
    link.port = static_cast<int>(t.integer("port", {1, 65535}));
    link.address = fmt::format("{}:{}", host, link.port);
    link.numeric_ip = resolve_ipv4(t, host);
    // Shorter is more than a loaded host can keep, longer is more than the drive's watchdog waits.
    link.response_timeout_ms = static_cast<int>(t.integer_or("response_timeout_ms", {20, 50}, 30));
    if (plan_.lockstep) link.response_timeout_ms = kLockstepTimeoutMs;
    link.reconnect_min_ms = static_cast<int>(t.integer_or("reconnect_min_ms", {1, 1000}, 10));
    link.reconnect_max_ms = static_cast<int>(t.integer_or("reconnect_max_ms", {10, 10'000}, 1000));
    plan_.links.push_back(std::move(link));
  }

  void read_device(const TomlReader& t) {
    t.only({"name", "link", "descriptor", "unit_id", "axis", "rated_force_n", "rated_force_nm",
            "force_limit_n", "force_limit_nm", "speed_limit_mps", "speed_limit_radps",
            "watchdog_ms"});
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
    device.every_rounds = std::max(1, kRoundsPerSecond / device.descriptor.rate_hz);
    check_device(t, device);
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
      t.fail(fmt::format(
          "{} is verified only against the simulator; let a person confirm its registers "
          "on the device and set verified = \"hardware\", or use a simulated machine",
          d.path));
    }
    if (d.kind == DeviceKind::kPanel) {
      if (device.axis >= 0) t.fail("is a panel, which has no 'axis'; remove it");
      plan_.relay_stands_in = true;
      has_panel_ = true;
      return;
    }
    if (d.kind == DeviceKind::kPelvisTilt) {
      if (device.axis >= 0) t.fail("is a pelvis sensor, which has no 'axis'; remove it");
      if (has_pelvis_) t.fail("is a second pelvis sensor; remove one");
      has_pelvis_ = true;
      return;
    }
    if (d.kind == DeviceKind::kLoadCell) {
      check_load_cell(t, device);
      return;
    }
    if (!d.field(Field::kLoadCell).present) {
      t.fail(
          fmt::format("{} has no register load_cell, and nobody else measures the force of this "
                      "axis; describe it, or use a drive whose amplifier reads the load cell",
                      d.path));
    }
    if (device.axis < 0) t.fail("'axis' is missing; name the [[axis]] that this drive moves");
    if (axis_taken_[static_cast<std::size_t>(device.axis)]) {
      t.fail("drives an axis that another device drives already; correct 'axis'");
    }
    axis_taken_[static_cast<std::size_t>(device.axis)] = true;
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

  // The right pad's cell of linked arms; the left one is on the drive's amplifier.
  void check_load_cell(const TomlReader& t, const DevicePlan& device) {
    if (device.axis < 0) t.fail("'axis' is missing; name the [[axis]] of the linked arms");
    const auto index = static_cast<std::size_t>(device.axis);
    if (!is_linked(index)) {
      t.fail(
          "is a second load cell, which only linked arms have; remove it, or write linked_arms = "
          "true into its [[axis]]");
    }
    if (has_right_pad_[index]) {
      t.fail("is a third load cell of its axis; an axis has two pads: remove one");
    }
    has_right_pad_[index] = true;
  }

  [[nodiscard]] bool is_linked(std::size_t axis) const {
    return axis < options_.axis_linked_arms.size() && options_.axis_linked_arms[axis];
  }

  // Both cells make one force, so they must come and go together.
  void check_pads() const {
    for (std::size_t axis = 0; axis < options_.axis_names.size(); ++axis) {
      if (!is_linked(axis)) continue;
      if (!has_right_pad_[axis]) {
        throw BusError{
            fmt::format("{}: axis '{}' has linked_arms = true, but no [[device]] is its right "
                        "pad's load cell; add it with descriptor = \"canonical-load-cell\"",
                        path_, options_.axis_names[axis])};
      }
      for (const LinkPlan& link : plan_.links) {
        const auto on_link = std::count_if(
            link.devices.begin(), link.devices.end(),
            [&](const DevicePlan& device) { return device.axis == static_cast<int>(axis); });
        if (on_link == 1) {
          throw BusError{fmt::format(
              "{}: drive and right load cell of axis '{}' are on different links, '{}' has only "
              "one of them; put both on one link",
              path_, options_.axis_names[axis], link.name)};
        }
      }
    }
  }

  [[nodiscard]] std::string device_directory() const {
    if (!options_.device_directory.empty()) return options_.device_directory;
    return (std::filesystem::path(path_).parent_path() / ".." / "devices")
        .lexically_normal()
        .string();
  }

  void apply_overrides() {
    for (const std::string& text : options_.link_overrides) {
      const std::size_t equals = text.find('=');
      const std::string name = text.substr(0, equals);
      const auto link = std::find_if(plan_.links.begin(), plan_.links.end(),
                                     [&](const LinkPlan& l) { return l.name == name; });
      const HostPort target = parse_override(text, equals == std::string::npos
                                                       ? std::string_view()
                                                       : std::string_view(text).substr(equals + 1));
      if (link == plan_.links.end()) {
        throw BusError{fmt::format("--link '{}': {} has no [[link]] '{}'; it has '{}'", text, path_,
                                   name, plan_.links.front().name)};
      }
      const toml::table none;
      link->numeric_ip =
          resolve_ipv4(TomlReader(none, fmt::format("--link '{}'", text)), target.host);
      link->port = target.port;
      link->address = fmt::format("{}:{}", target.host, target.port);
    }
  }

  void check() const {
    for (const LinkPlan& link : plan_.links) {
      double busy_us = 0.0;
      const DevicePlan* busiest = nullptr;
      for (const DevicePlan& device : link.devices) {
        busy_us += link_time_us(device);
        if (busiest == nullptr || link_time_us(device) > link_time_us(*busiest)) busiest = &device;
      }
      if (busiest == nullptr) {
        throw BusError{fmt::format("{}: [[link]] '{}' has no [[device]]; add one or remove it",
                                   path_, link.name)};
      }
      if (busy_us > kUsableUsPerSecond) {
        throw BusError{fmt::format(
            "{}: [[link]] '{}' needs {:.2f} ms per cycle of 1 ms, {:.2f} ms available; lower "
            "'rate_hz' of "
            "'{}' or give it a link of its own",
            path_, link.name, busy_us / kRoundsPerSecond / 1e3, kUsableUsPerSecond / 1e6,
            busiest->name)};
      }
    }
    if (options_.needs_panel && !has_panel_) {
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
    }
    check_pads();
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
  bool has_right_pad_[kMaxAxes] = {};
  bool has_panel_ = false;
  bool has_pelvis_ = false;
};

}  // namespace

double link_time_us(const DevicePlan& device) noexcept {
  const double transactions = (device.descriptor.transaction == Transaction::kFc16Fc3 ? 2.0 : 1.0) *
                              kRoundsPerSecond / device.every_rounds;
  const double config =
      device.descriptor.config.words == 0 ? 0.0 : 1000.0 / device.descriptor.config_period_ms;
  return (transactions + config) * device.descriptor.turnaround_us;
}

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
