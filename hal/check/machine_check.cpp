#include "hal/check/machine_check.hpp"

#include <cmath>

#include <fmt/format.h>

#include "hal/check/machine_axes.hpp"
#include "hal/modbus/bus_plan.hpp"
#include "hal/modbus/bus_timing.hpp"
#include "hal/modbus/force_rules.hpp"
#include "hal/modbus/toml_reader.hpp"

namespace medius::hal {
namespace {

using modbus::BusPlan;
using modbus::DevicePlan;
using modbus::LinkPlan;

// The pad of a lever, for comparing its damping with a cable's.
constexpr double kPadRadiusM = 0.4;
constexpr double kUsPerSecond = 1e6;
constexpr double kFreezeAgeMs = 10.0;  // compiled in
constexpr double kUnloadAgeMs = 20.0;  // compiled in
constexpr double kMostUnloadAgeMs = 60.0;

constexpr const char* kKinds[] = {"drive", "panel", "pelvis-tilt", "load-cell", "io"};

CheckedTransfer checked(const LinkPlan& link, const DevicePlan& device,
                        const modbus::BlockSpec& read_block, const modbus::Transfer& transfer,
                        int every) {
  CheckedTransfer out;
  const modbus::TransferTime time = modbus::transfer_time(link, device, read_block, transfer);
  modbus::FunctionCode function = modbus::FunctionCode::kReadRegisters;
  if (transfer.write >= 0) {
    const auto& window = device.descriptor.write.windows[static_cast<std::size_t>(transfer.write)];
    function = window.function;
    out.write_address = window.address;
    out.write_words = window.words;
  }
  if (transfer.read >= 0) {
    const auto& window = read_block.windows[static_cast<std::size_t>(transfer.read)];
    function = window.function;
    out.read_address = window.address;
    out.read_words = window.bits != 0 ? window.bits : window.words;
  }
  out.function = fmt::format("fc{}", static_cast<int>(function));
  out.every = every;
  out.request_bytes = time.request_bytes;
  out.reply_bytes = time.reply_bytes;
  out.wire_us = time.wire_us;
  out.silence_us = time.silence_us;
  out.turnaround_us = time.turnaround_us;
  out.total_us = time.total_us();
  return out;
}

CheckedDevice checked(const CheckOptions& options, const modbus::BusOptions& bus,
                      const BusPlan& plan, const LinkPlan& link, const DevicePlan& device) {
  const modbus::DeviceDescriptor& d = device.descriptor;
  CheckedDevice out;
  out.name = device.name;
  out.descriptor = d.path;
  out.kind = kKinds[static_cast<std::size_t>(d.kind)];
  out.lever = device.coordinate == CoordinateKind::kLever;
  out.unit_id = device.unit_id;
  if (device.axis >= 0) out.axis = bus.axis_names[static_cast<std::size_t>(device.axis)];
  for (const modbus::Transfer& transfer : d.cyclic) {
    out.transfers.push_back(checked(link, device, d.read, transfer, transfer.every));
  }
  for (const modbus::Transfer& transfer : d.slow) {
    out.transfers.push_back(checked(link, device, d.config, transfer, 0));
  }
  const modbus::DataAge age = modbus::data_age(link, device);
  out.exchange_us_max = modbus::exchange_us_max(link, device);
  out.cycle_hz = kUsPerSecond / age.cycle_us;
  out.age_ms_p50 = age.p50_us / 1e3;
  out.age_ms_p99 = age.p99_us / 1e3;
  if (link.transport == modbus::Transport::kRtu) {
    out.age_ms_lost_reply = modbus::lost_reply_age_us(link, device) / 1e3;
  }
  out.link_share = modbus::link_time_us(link, device) / kUsPerSecond;
  if (d.kind != modbus::DeviceKind::kDrive) return out;
  out.force_asked = device.force_limit;
  out.force_allowed = device.force_cap;
  for (const modbus::ForceReduction& each : device.reductions) {
    out.reductions.push_back(
        fmt::format("{:.0f} {}: {}", each.limit, modbus::force_unit(device.coordinate), each.why));
  }
  if (d.watchdog == modbus::WatchdogCounts::kNone && plan.relay_stands_in) {
    out.reductions.push_back("no communication watchdog; the safe-state relay stands in");
  }
  const double damping =
      out.lever ? options.damping_nspm * kPadRadiusM * kPadRadiusM : options.damping_nspm;
  out.stiffness = passive_stiffness(damping, age.cycle_us * 1e-6, age.p99_us * 1e-6);
  return out;
}

// A single reply that is lost ends a set where the samples then outgrow the unload age.
void warn_of_lost_replies(const std::string& axis_name, double unload_ms, const LinkPlan& link,
                          const DevicePlan& device, std::vector<std::string>& warnings) {
  if (link.transport != modbus::Transport::kRtu) return;
  const double age_ms = modbus::lost_reply_age_us(link, device) / 1e3;
  if (age_ms <= unload_ms) return;
  const double wait_ms = modbus::lost_reply_us(link, device) / 1e3;
  const double over_ms = age_ms - kMostUnloadAgeMs;
  const auto shortest_ms = static_cast<int>(modbus::longest_transfer_us(link) / 1e3) + 1;
  warnings.push_back(fmt::format(
      "axis '{}': one lost reply on '{}' leaves samples of '{}' {:.1f} ms old, beyond "
      "unload_age_ms "
      "{:.0f}: it ends the set; {}",
      axis_name, link.name, device.name, age_ms, unload_ms,
      over_ms <= 0.0
          ? fmt::format("write unload_age_ms = {:.0f}", std::ceil(age_ms))
          : fmt::format(
                "{:.0f} ms is the most that may be allowed. Of it {:.1f} ms are the wait for "
                "a reply: measure the device's latest one, and lower turnaround_max_us ({}) "
                "of {} and response_timeout_ms ({}, {} at least) by {:.1f} ms together",
                kMostUnloadAgeMs, wait_ms, device.descriptor.turnaround_max_us,
                device.descriptor.path, link.response_timeout_ms, shortest_ms, over_ms)));
}

// The loop freezes the force at max(10 ms, 2 cycles) and unloads at max(20 ms, 4 cycles); a machine
// file whose ages are shorter than its bus would hold every increase back.
void warn_of_ages(const toml::table& root, const std::string& axis_name, const LinkPlan& link,
                  const DevicePlan& device, std::vector<std::string>& warnings) {
  const modbus::DataAge age = modbus::data_age(link, device);
  const toml::array* const axes = root["axis"].as_array();
  for (const toml::node& node : *axes) {
    const toml::table* const axis = node.as_table();
    if (axis == nullptr || (*axis)["name"].value_or(std::string()) != axis_name) continue;
    const double freeze_ms = (*axis)["bounds"]["freeze_age_ms"].value_or(kFreezeAgeMs);
    const double unload_ms = (*axis)["bounds"]["unload_age_ms"].value_or(kUnloadAgeMs);
    warn_of_lost_replies(axis_name, unload_ms, link, device, warnings);
    if (age.p99_us <= freeze_ms * 1e3) return;
    warnings.push_back(fmt::format(
        "axis '{}': values of '{}' are {:.1f} ms old at p99, but [axis.bounds] freeze_age_ms is "
        "{:.0f}: increases will often be held back; write freeze_age_ms = {:.0f} and unload_age_ms "
        "= {:.0f}, two and four cycles",
        axis_name, device.name, age.p99_us / 1e3, freeze_ms, std::ceil(2e-3 * age.cycle_us),
        std::ceil(4e-3 * age.cycle_us)));
  }
}

}  // namespace

double passive_stiffness(double damping, double cycle_s, double age_s) noexcept {
  const double delay_s = cycle_s / 2.0 + age_s;
  return delay_s > 0.0 ? damping / delay_s : 0.0;
}

MachineCheck check_machine(const CheckOptions& options) {
  MachineCheck check;
  check.file = options.machine_file;
  try {
    const toml::table root = modbus::parse_toml(options.machine_file);
    const modbus::BusOptions bus =
        axes_of_machine(options.machine_file, options.device_directory, root);
    auto plan = modbus::load_bus_plan(options.machine_file, bus);
    if (!plan) throw plan.error();
    check.warnings = plan->warnings;
    for (const LinkPlan& link : plan->links) {
      CheckedLink out;
      out.name = link.name;
      out.address = link.address;
      out.response_timeout_ms = link.response_timeout_ms;
      for (const DevicePlan& device : link.devices) {
        out.devices.push_back(checked(options, bus, *plan, link, device));
        out.load += out.devices.back().link_share;
        if (!out.devices.back().axis.empty()) {
          warn_of_ages(root, out.devices.back().axis, link, device, check.warnings);
        }
      }
      check.links.push_back(std::move(out));
    }
    check.fits = true;
  } catch (const modbus::BusError& error) {
    check.refusal = error.message;
  }
  return check;
}

}  // namespace medius::hal
