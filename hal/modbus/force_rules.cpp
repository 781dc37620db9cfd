#include "hal/modbus/force_rules.hpp"

#include <fmt/format.h>

#include "controller/base/clamp.hpp"
#include "hal/modbus/bus_timing.hpp"

namespace medius::hal::modbus {
namespace {

// A sample may be 4 cycles old before the loop unloads, and never older than 60 ms.
constexpr double kMaxDriveCycleUs = 15'000.0;
// Reflected mass of a 750 W servo with i = 5 on a drum of 35 mm radius; a lever with pad and arm.
constexpr double kLightestCableKg = 2.2;
constexpr double kLightestLeverKgm2 = 0.46;
constexpr double kCaughtSpeedCable = 1.2;  // m/s
constexpr double kCaughtSpeedLever = 3.0;  // rad/s
// What a limb may meet where the drive's own limit is all that is left; 1.5 m/s at the pad.
constexpr double kOwnSpeedCable = 1.5;   // m/s
constexpr double kOwnSpeedLever = 3.95;  // rad/s
// A release is believed after three samples.
constexpr double kReleaseSamples = 3.0;

void reduce(DevicePlan& device, double limit, std::string why) {
  if (!(device.force_limit > limit)) return;
  device.force_cap = at_most(device.force_cap, limit);
  device.reductions.push_back({limit, std::move(why)});
}

void check_cycle(const std::string& where, const LinkPlan& link, const DevicePlan& device) {
  const double cycle_us = data_age(link, device).cycle_us;
  if (cycle_us > kMaxDriveCycleUs) {
    throw BusError{fmt::format(
        "{}: 'rate_hz' is {}, a cycle of {:.1f} ms; {:.0f} ms is the most for force; raise it",
        where, device.rate_hz, cycle_us / 1e3, kMaxDriveCycleUs / 1e3)};
  }
}

void check_watchdog(const std::string& where, DevicePlan& device, bool relay_stands_in) {
  const DeviceDescriptor& d = device.descriptor;
  const double watchdog_s =
      clamped(device.watchdog_s, d.watchdog_min_ms * 1e-3, d.watchdog_max_ms * 1e-3);
  const bool none = d.watchdog == WatchdogCounts::kNone || watchdog_s > kWatchdogReducedS;
  if (none && !relay_stands_in) {
    throw BusError{fmt::format(
        "{}: the drive has no communication watchdog within {:.0f} ms ([watchdog] {}) and no "
        "safe-state relay stands in; refused for force; add a panel with a safe-state relay to the "
        "machine, or use another drive",
        where, kWatchdogReducedS * 1e3,
        d.watchdog == WatchdogCounts::kNone ? std::string("counts = \"none\"")
                                            : fmt::format("min_ms = {}", d.watchdog_min_ms))};
  }
  if (!none && watchdog_s > kWatchdogFullForceS + 0.5e-3) {
    reduce(device, reduced_force(device.coordinate),
           fmt::format("its watchdog takes {:.0f} ms, full force needs {:.0f} ms or less",
                       watchdog_s * 1e3, kWatchdogFullForceS * 1e3));
  }
}

}  // namespace

void check_drive_exchange(const std::string& where, const LinkPlan& link,
                          const DevicePlan& device) {
  const double exchange_us = exchange_us_max(link, device);
  if (exchange_us > kMaxDriveCycleUs) {
    const double silent_us =
        2.0 * silence_us(link, device) * static_cast<double>(device.descriptor.cyclic.size());
    throw BusError{fmt::format(
        "{}: one exchange takes {:.1f} ms ({:.1f} ms of it silence on the line, 'silence_us' = "
        "{}), "
        "{:.0f} ms is the most for force; use a faster line, fewer transactions, or another drive",
        where, exchange_us / 1e3, silent_us / 1e3, device.descriptor.silence_us,
        kMaxDriveCycleUs / 1e3)};
  }
}

double releasable_force(const LinkPlan& link, const DevicePlan& device, double mass) noexcept {
  const bool cable = device.coordinate == CoordinateKind::kCable;
  const double known = mass > 0.0 ? mass : cable ? kLightestCableKg : kLightestLeverKgm2;
  const DataAge age = data_age(link, device);
  const double reaction_s = (age.p99_us + (kReleaseSamples + 1.0) * age.cycle_us) * 1e-6;
  return known * (cable ? kCaughtSpeedCable : kCaughtSpeedLever) / reaction_s;
}

void apply_force_rules(const std::string& where, const LinkPlan& link, DevicePlan& device,
                       double mass, bool relay_stands_in) {
  const DeviceDescriptor& d = device.descriptor;
  device.force_cap = device.force_limit;
  device.reductions.clear();
  check_drive_exchange(where, link, device);
  check_cycle(where, link, device);
  if (d.torque_limit == LimitHeld::kNone && d.not_established.empty()) {
    throw BusError{fmt::format(
        "{}: {} describes no torque limit that can be written and read back; without one the drive "
        "is refused for force; add torque_limit and torque_limit_in_force, or a write at connect "
        "with value_from = \"torque_limit\"",
        where, d.path)};
  }
  check_watchdog(where, device, relay_stands_in);
  if (!d.not_established.empty()) {
    throw BusError{fmt::format(
        "{}: {} has no address for {} ('not_established'); look it up in the maker's manual, "
        "describe it and remove the name there",
        where, d.path, fmt::join(d.not_established, ", "))};
  }
  const double reduced = reduced_force(device.coordinate);
  if (d.torque_limit == LimitHeld::kCommissioned) {
    reduce(device, reduced,
           "its torque limit was entered by hand and cannot be read back at connect");
  }
  if (d.speed_limit == LimitHeld::kNone) {
    reduce(device, reduced, "the drive holds no speed limit of its own");
  } else if (d.speed_limit == LimitHeld::kCommissioned) {
    reduce(device, reduced,
           "its speed limit was entered by hand and cannot be read back at connect");
  }
  const bool cable = device.coordinate == CoordinateKind::kCable;
  const double own_speed = cable ? kOwnSpeedCable : kOwnSpeedLever;
  if (!(device.speed_limit <= own_speed)) {
    reduce(device, reduced,
           fmt::format("its speed limit is {0:g} {1}, full force needs {2:g} {1} or less",
                       device.speed_limit, cable ? "m/s" : "rad/s", own_speed));
  }
  const double releasable = releasable_force(link, device, mass);
  if (releasable < reduced) {
    const DataAge age = data_age(link, device);
    reduce(device, releasable,
           fmt::format("its samples are {:.1f} ms old (p99) and come every {:.1f} ms, too slow to "
                       "catch the release of more",
                       age.p99_us / 1e3, age.cycle_us / 1e3));
  }
}

}  // namespace medius::hal::modbus
