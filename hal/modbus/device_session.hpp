// One device on an open connection: admission when the link comes up, then one exchange a round.
// Belongs to the bus thread.
#pragma once

#include <string>

#include "hal/modbus/bus_plan.hpp"
#include "hal/modbus/cia402.hpp"
#include "hal/modbus/connection.hpp"
#include "hal/modbus/enable_words.hpp"
#include "hal/modbus/exchange.hpp"

namespace medius::hal::modbus {

// Where the reading of a device's load cell goes. The sum of two pads is made by the link.
[[nodiscard]] inline LoadCellInput& cell_of(const DevicePlan& plan, AxisInput& axis) noexcept {
  return plan.pad < 0 ? axis.load_cell : axis.pad[static_cast<std::size_t>(plan.pad)];
}

// Of a device that echoes a number an answer to a round that wrote none is no sample: several such
// rounds have the same number, and nothing tells their answers apart. It shows that the link lives.
[[nodiscard]] inline bool proves_nothing(const DeviceDescriptor& device,
                                         const RoundInput& round) noexcept {
  return device.has_sequence_echo && !round.send;
}

class DriveSession {
 public:
  DriveSession(const DevicePlan& plan, bool relay_stands_in)
      : plan_(plan), relay_stands_in_(relay_stands_in) {}

  [[nodiscard]] const DevicePlan& plan() const noexcept { return plan_; }
  // Checks identity, writes watchdog and limits, reads them back; leaves the drive disabled.
  [[nodiscard]] Admission admit(Connection& connection);
  [[nodiscard]] Exchange exchange(Connection& connection, const RoundInput& round, AxisInput& input,
                                  ExchangeStats& stats);
  // Limits as in force, read slowly.
  [[nodiscard]] Exchange read_limits(Connection& connection, ExchangeStats& stats);
  // Torque zero and disabled, on the way out.
  void farewell(Connection& connection);
  // Says when a wanted CiA 402 transition does not come; empty = well.
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }

 private:
  [[nodiscard]] std::string check_identity(const ReadImage& config);
  [[nodiscard]] std::string check_limits(const ReadImage& config, Admission& admission);
  [[nodiscard]] std::string check_watchdog(const ReadImage& config, Admission& admission);
  void take_limits(const ReadImage& config) noexcept;
  void reduce(Admission& admission, const std::string& why);
  void put(Field field, double value, WriteImage& block, LinkCounters& counters) const noexcept;
  void encode(const RoundInput& round, WriteImage& block, LinkCounters& counters) noexcept;
  [[nodiscard]] std::uint16_t controlword(DriveRequest request) noexcept;
  [[nodiscard]] bool is_answer(const RoundInput& round, const ReadImage& block, std::int64_t now_ns,
                               LinkCounters& counters) noexcept;
  [[nodiscard]] bool decode(const ReadImage& block, AxisInput& input) noexcept;
  void watch_transition(DriveRequest request, std::int64_t now_ns);

  const DevicePlan& plan_;
  bool relay_stands_in_;
  double rated_ = 0.0;
  double force_cap_ = 0.0;
  double force_limit_in_force_ = 0.0;
  double speed_limit_in_force_ = 0.0;
  DriveState state_ = DriveState::kUnknown;
  int mode_shown_ = 0;
  FaultResetPulse reset_pulse_;
  EnableWords words_;
  DeviceImage image_;
  std::uint16_t last_sequence_ = 0;
  bool heartbeat_seen_ = false;
  std::int64_t heartbeat_ = 0;
  std::int64_t heartbeat_changed_ns_ = 0;
  std::int64_t transition_since_ns_ = 0;
  DriveState transition_from_ = DriveState::kUnknown;
  std::string trouble_;
};

class PanelSession {
 public:
  explicit PanelSession(const DevicePlan& plan) : plan_(plan) {}

  [[nodiscard]] const DevicePlan& plan() const noexcept { return plan_; }
  [[nodiscard]] Admission admit(Connection& connection);
  [[nodiscard]] Exchange exchange(Connection& connection, const RoundInput& round,
                                  MachineInput& input, ExchangeStats& stats);
  void farewell(Connection& connection);

 private:
  const DevicePlan& plan_;
  DeviceImage image_;
  std::uint16_t count_ = 0;
};

// Keys and safety bits of a bus coupler or a safety controller. Its output only mirrors what the
// relay is told: a coupler's coil is never the safe-state output.
class IoSession {
 public:
  explicit IoSession(const DevicePlan& plan) : plan_(plan) {}

  [[nodiscard]] const DevicePlan& plan() const noexcept { return plan_; }
  [[nodiscard]] Admission admit(Connection& connection);
  [[nodiscard]] Exchange exchange(Connection& connection, const RoundInput& round,
                                  MachineInput& input, ExchangeStats& stats);

 private:
  const DevicePlan& plan_;
  DeviceImage image_;
};

// A load-cell amplifier of its own. One that stops sampling lets the axis' force grow old.
class LoadCellSession {
 public:
  explicit LoadCellSession(const DevicePlan& plan) : plan_(plan) {}

  [[nodiscard]] const DevicePlan& plan() const noexcept { return plan_; }
  [[nodiscard]] Admission admit(Connection& connection);
  [[nodiscard]] Exchange exchange(Connection& connection, const RoundInput& round,
                                  LoadCellInput& input, ExchangeStats& stats);

 private:
  const DevicePlan& plan_;
  DeviceImage image_;
  std::int64_t count_ = 0;
  bool seen_ = false;
};

// Only read, at its own pace. Its silence is nobody's fault: the values just grow old.
class PelvisSession {
 public:
  explicit PelvisSession(const DevicePlan& plan) : plan_(plan) {}

  [[nodiscard]] const DevicePlan& plan() const noexcept { return plan_; }
  [[nodiscard]] Admission admit(Connection& connection);
  [[nodiscard]] Exchange exchange(Connection& connection, const RoundInput& round,
                                  PelvisInput& input, ExchangeStats& stats);

 private:
  const DevicePlan& plan_;
  DeviceImage image_;
  std::int64_t count_ = 0;
  bool seen_ = false;
};

}  // namespace medius::hal::modbus
