// A loop for tests of the machine image: reads, writes, checks nothing by itself.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "hal/modbus/lockstep.hpp"
#include "hal/modbus/machine_bus.hpp"

namespace medius::hal::modbus {

inline std::string machine_file() {
  return std::string(MEDIUS_SOURCE_DIR) + "/hal/machines/cable-station-sim.toml";
}

inline BusOptions bus_options(const std::string& address, bool lockstep) {
  BusOptions options;
  options.simulated = true;
  options.lockstep = lockstep;
  options.axis_names = {"cable"};
  options.axis_coordinates = {CoordinateKind::kCable};
  if (!address.empty()) options.link_overrides = {"machine=" + address};
  return options;
}

class BusLoop {
 public:
  BusLoop(const std::string& address, bool lockstep)
      : BusLoop(machine_file(), bus_options(address, lockstep)) {}
  BusLoop(const std::string& file, const BusOptions& options) {
    auto created = MachineBus::create(file, options);
    if (!created) throw std::runtime_error(created.error().message);
    bus = std::move(*created);
    bus->start();
  }

  void tick() {
    if (bus->lockstep_source() != nullptr) {
      ASSERT_TRUE(bus->lockstep_source()->wait_next(now));
    } else {
      if (now.nominal_ns == 0) now.nominal_ns = monotonic_ns();
      now.nominal_ns += kTickPeriodNs;
      const std::int64_t late_ns = monotonic_ns() - now.nominal_ns;
      if (late_ns > kTickPeriodNs) now.nominal_ns += late_ns / kTickPeriodNs * kTickPeriodNs;
      sleep_until_ns(now.nominal_ns);
      ++now.index;
    }
    bus->image().read(now, input);
    output.tick = now.index;
    bus->image().write(now, output);
    if (each_tick) each_tick();
  }

  void run(int ticks) {
    for (int i = 0; i < ticks; ++i) tick();
  }
  bool run_until(const std::function<bool()>& condition, int ticks) {
    for (int i = 0; i < ticks; ++i) {
      if (condition()) return true;
      tick();
    }
    return condition();
  }
  [[nodiscard]] bool fresh() const {
    return input.axis[0].drive.freshness.valid &&
           age_ns(now, input.axis[0].drive.freshness) < 10 * kTickPeriodNs;
  }
  [[nodiscard]] LinkStatus link() const { return bus->status().front(); }

  std::unique_ptr<MachineBus> bus;
  Tick now;
  MachineInput input;
  MachineOutput output;
  std::function<void()> each_tick;
};

// A second of a loop is a thousand ticks; generous for machines that stall.
inline constexpr int kTwoSecondsOfTicks = 2000;

}  // namespace medius::hal::modbus
