// Runs the Modbus machine image against whatever answers at an address, without a controller, and
// says what it saw as one line of JSON a link. For tests in other languages.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "hal/modbus/cia402.hpp"
#include "hal/modbus/lockstep.hpp"
#include "hal/modbus/machine_bus.hpp"

namespace {

using medius::Tick;
namespace hal = medius::hal;
namespace modbus = medius::hal::modbus;

struct Options {
  std::string machine = "hal/machines/cable-station-sim.toml";
  std::vector<std::string> links;
  std::string devices;
  bool wall = false;
  bool enable = false;
  bool hold_relay = true;
  double force_n = 0.0;
  int ticks = 500;
  // Of the machine file; two of them are the arms of a seated machine.
  std::vector<std::string> axes{"cable"};
};

class Probe {
 public:
  Probe(const Options& options, modbus::MachineBus& bus) : options_(options), bus_(bus) {}

  void run() {
    for (int i = 0; i < options_.ticks; ++i) {
      Tick tick;
      if (!next(tick)) return;
      look_at_pace(i);
      bus_.image().read(tick, input);
      if (input.axis[0].drive.freshness.valid) {
        ++fresh_ticks;
        // Of the drive as the loop finds it, the first second left out: links come up there.
        if (i >= 1000) {
          const std::int64_t stamp_ns = input.axis[0].drive.freshness.stamp_ns;
          ages_ms.push_back(static_cast<double>(tick.nominal_ns - stamp_ns) * 1e-6);
          note_skew();
        }
      }
      hal::MachineOutput output;
      output.tick = tick.index;
      output.hold_relay = options_.hold_relay;
      for (std::size_t axis = 0; axis < options_.axes.size(); ++axis) {
        output.axis[axis].force = options_.force_n;
        output.axis[axis].force_limit = 600.0;
        output.axis[axis].speed_limit = 1.5;
        output.axis[axis].request = !options_.enable ? hal::DriveRequest::kDisable
                                    : input.axis[axis].drive.state == hal::DriveState::kFault
                                        ? hal::DriveRequest::kResetFault
                                        : hal::DriveRequest::kEnable;
      }
      bus_.image().write(tick, output);
    }
  }

  // Ticks a second, the first second left out.
  [[nodiscard]] double loop_hz() const {
    return paced_ns_ > 0 ? paced_ticks_ * 1e9 / static_cast<double>(paced_ns_) : 0.0;
  }

  hal::MachineInput input;
  int fresh_ticks = 0;
  std::vector<double> ages_ms;
  // Of two axes: how far apart in time the samples are that one tick finds.
  std::vector<double> skews_ms;

 private:
  void look_at_pace(int number) {
    const std::int64_t now = modbus::monotonic_ns();
    if (number <= 1000) {
      pace_from_ns_ = now;
      return;
    }
    paced_ticks_ = number - 1000;
    paced_ns_ = now - pace_from_ns_;
  }
  void note_skew() {
    if (options_.axes.size() < 2 || !input.axis[1].drive.freshness.valid) return;
    const std::int64_t apart_ns =
        input.axis[0].drive.freshness.stamp_ns - input.axis[1].drive.freshness.stamp_ns;
    skews_ms.push_back(static_cast<double>(apart_ns < 0 ? -apart_ns : apart_ns) * 1e-6);
  }
  bool next(Tick& tick) {
    if (bus_.lockstep_source() != nullptr) return bus_.lockstep_source()->wait_next(tick);
    if (next_ns_ == 0) next_ns_ = modbus::monotonic_ns();
    next_ns_ += medius::kTickPeriodNs;
    modbus::sleep_until_ns(next_ns_);
    tick = {++index_, next_ns_, 0, 0};
    return true;
  }

  const Options& options_;
  modbus::MachineBus& bus_;
  std::int64_t next_ns_ = 0;
  std::uint64_t index_ = 0;
  std::int64_t pace_from_ns_ = 0, paced_ns_ = 0;
  int paced_ticks_ = 0;
};

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0.0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

nlohmann::ordered_json report(const Probe& probe, const modbus::LinkStatus& link) {
  const hal::AxisInput& axis = probe.input.axis[0];
  return {{"state", modbus::to_string(link.state)},
          {"message", link.message},
          {"warnings", link.warnings},
          {"epoch", link.epoch},
          {"fresh", axis.drive.freshness.valid},
          {"fresh_ticks", probe.fresh_ticks},
          {"samples", axis.drive.freshness.sequence},
          {"panel_fresh", probe.input.panel.freshness.valid},
          {"age_ms_p50", quantile(probe.ages_ms, 0.50)},
          {"age_ms_p99", quantile(probe.ages_ms, 0.99)},
          {"skew_ms_p50", quantile(probe.skews_ms, 0.50)},
          {"skew_ms_p99", quantile(probe.skews_ms, 0.99)},
          {"loop_hz", probe.loop_hz()},
          {"relay_closed", probe.input.safety.relay_closed},
          {"estop_released", probe.input.safety.estop_released},
          {"drive_state", hal::to_string(axis.drive.state)},
          {"mode", axis.drive.mode_display},
          {"position", axis.drive.position},
          {"velocity", axis.drive.velocity},
          {"force", axis.drive.force},
          {"force_limit", axis.drive.force_limit},
          {"speed_limit", axis.drive.speed_limit},
          {"load_cell", axis.load_cell.force},
          {"sto", axis.drive.sto_active},
          {"rounds", link.counters.rounds},
          {"connects", link.counters.connects},
          {"timeouts", link.counters.timeouts},
          {"exceptions", link.counters.exceptions},
          {"connection_errors", link.counters.connection_errors},
          {"protocol_errors", link.counters.protocol_errors},
          {"echo_mismatches", link.counters.echo_mismatches},
          {"frozen_samples", link.counters.frozen_samples},
          {"conversions_refused", link.counters.conversions_refused},
          {"rtt_us_p50", link.rtt_ns_p50 / 1000},
          {"rtt_us_p99", link.rtt_ns_p99 / 1000},
          {"rtt_us_max", link.rtt_ns_max / 1000}};
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"hal_probe: what the Modbus machine image sees"};
  app.add_option("--machine", options.machine);
  app.add_option("--link", options.links)->required();
  app.add_option("--devices", options.devices);
  app.add_option("--ticks", options.ticks);
  app.add_option("--force", options.force_n);
  app.add_option("--axis", options.axes, "axes of the machine file; two are the seated machine's");
  app.add_flag("--wall", options.wall);
  app.add_flag("--enable", options.enable);
  CLI11_PARSE(app, argc, argv);
  modbus::BusOptions bus_options;
  bus_options.simulated = true;
  bus_options.lockstep = !options.wall;
  bus_options.axis_names = options.axes;
  const bool seated = options.axes.size() > 1;
  bus_options.axis_coordinates.assign(
      options.axes.size(), seated ? hal::CoordinateKind::kLever : hal::CoordinateKind::kCable);
  bus_options.axis_velocity_modes.assign(options.axes.size(), seated);
  bus_options.link_overrides = options.links;
  bus_options.device_directory = options.devices;
  auto bus = modbus::MachineBus::create(options.machine, bus_options);
  if (!bus) {
    std::fprintf(stderr, "hal_probe: %s\n", bus.error().message.c_str());
    return 1;
  }
  (*bus)->start();
  Probe probe(options, **bus);
  probe.run();
  // One line a link; the first is the drive's.
  for (const modbus::LinkStatus& link : (*bus)->status()) {
    std::printf("%s\n", report(probe, link).dump().c_str());
  }
  (*bus)->stop();
  return 0;
}
