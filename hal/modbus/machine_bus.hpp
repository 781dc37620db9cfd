// The machine as devices on Modbus links: device descriptors (hal/devices/*.toml) and the [[link]]
// and
// [[device]] parts of a machine file become one flat schedule and one bus thread a link. What the
// loop sees of it is a MachineImage; in lockstep also its TickSource.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/rt/tick_source.hpp"
#include "hal/image/machine_image.hpp"

namespace medius::hal::modbus {

struct BusError {
  std::string message;  // file, key, value, limit, next step
};

// What a machine file is read for: to run, to see whether it would, or to look at its registers,
// for which nothing but links and addresses must be right.
enum class PlanUse : std::uint8_t { kRun, kCheck, kLook };

struct BusOptions {
  bool simulated = false;  // only then are descriptors allowed that nobody has verified on hardware
  bool lockstep = false;   // a bus round is a tick (medius-sim --pace bus)
  bool needs_panel = false;    // no force is ever allowed without an operator panel's reset
  bool pelvis_sensor = false;  // the machine file promises a pelvis-tilt sensor
  std::vector<std::string> axis_names;  // [[axis]] names in order; [[device]] axis refers to them
  std::vector<CoordinateKind> axis_coordinates;  // beside axis_names
  std::vector<bool> axis_velocity_modes;         // beside axis_names: counts on the drive's own
  std::vector<double> axis_masses;  // beside axis_names: reflected mass kg | kg m2; 0 = not known
  std::vector<bool> axis_linked_arms;       // beside axis_names: a load cell at each of two pads
  std::vector<std::string> link_overrides;  // "machine=127.0.0.1:15020", "drive=/dev/ttyUSB0"
  std::string device_directory;  // of the descriptors; empty: "../devices" beside the machine file
  // kCheck: what is not verified yet is only a warning; kLook: what is refused for force, too
  PlanUse use = PlanUse::kRun;
  int realtime_priority = 0;  // SCHED_FIFO priority of the bus threads; 0 = normal scheduling
};

enum class LinkState : std::uint8_t { kDown = 0, kConnecting, kUp, kRefused };

// Saturating counters of one link since start.
struct LinkCounters {
  std::uint64_t rounds = 0;  // accepted drive samples
  std::uint64_t transactions = 0;
  std::uint64_t connects = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t exceptions = 0;           // Modbus exceptions: the link itself is alive
  std::uint64_t connection_errors = 0;    // reset, closed, unreachable
  std::uint64_t protocol_errors = 0;      // malformed replies
  std::uint64_t echo_mismatches = 0;      // a reply that was not the answer to this request
  std::uint64_t frozen_samples = 0;       // the device's own clock stood still
  std::uint64_t flushed_bytes = 0;        // bytes nobody had asked for
  std::uint64_t conversions_refused = 0;  // set-points that were not finite or out of range
  std::uint64_t output_stale = 0;         // rounds in which the loop had not renewed its output
};

// One link, for people and for the API.
struct LinkStatus {
  std::string name;
  std::string address;
  LinkState state = LinkState::kDown;
  std::string message;                // why it is down or refused, and what to do; empty = well
  std::vector<std::string> warnings;  // e.g. a reduced force limit
  std::uint32_t epoch = 0;
  LinkCounters counters;
  std::int64_t rtt_ns_p50 = 0;
  std::int64_t rtt_ns_p99 = 0;
  std::int64_t rtt_ns_max = 0;
};

struct BusPlan;  // hal/modbus/bus_plan.hpp

// Owns the links, their threads and the image. Destroying it stops everything; every call of
// libmodbus is bounded, so joining is.
class MachineBus {
 public:
  // [control] Reads the machine file's [[link]] and [[device]] and their descriptors; connects
  // nothing.
  [[nodiscard]] static tl::expected<std::unique_ptr<MachineBus>, BusError> create(
      const std::string& machine_file, const BusOptions& options);
  ~MachineBus();
  MachineBus(const MachineBus&) = delete;
  MachineBus& operator=(const MachineBus&) = delete;

  // [control] Starts the bus threads; they connect, and reconnect for ever.
  void start();
  // [control] Drives are told to disable, then the threads end. Also makes the tick source end.
  void stop();

  // [rt] Inputs and outputs of all links together.
  [[nodiscard]] MachineImage& image() noexcept;
  // [control] The loop's tick source in lockstep; null at wall pace.
  [[nodiscard]] rt::TickSource* lockstep_source() noexcept;
  // [control] Ends the lockstep tick source without stopping the bus.
  void stop_lockstep_source() noexcept;

  // [control]
  [[nodiscard]] std::vector<LinkStatus> status() const;
  // [control] What the machine file and its descriptors leave open, e.g. unverified registers.
  [[nodiscard]] const std::vector<std::string>& warnings() const noexcept;

 private:
  struct Impl;
  explicit MachineBus(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

[[nodiscard]] const char* to_string(LinkState state) noexcept;

}  // namespace medius::hal::modbus
