// One device on an open connection: admission when the link comes up, then one exchange a round.
// Belongs to the bus thread.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "hal/modbus/bus_plan.hpp"
#include "hal/modbus/cia402.hpp"
#include "hal/modbus/connection.hpp"

namespace medius::hal::modbus {

// How an exchange ended.
enum class Exchange : std::uint8_t {
  kAccepted = 0,  // a fresh sample
  kNotAccepted,   // the link is alive, the sample is not to be trusted: exception, old echo, frozen
                  // clock
  kLinkFailed,    // close the connection
};

struct RoundInput {
  MachineOutput output;
  bool send = false;           // false: read only, the device's watchdog is not fed
  std::uint16_t sequence = 0;  // cmd_seq of this round
  std::int64_t stamp_ns = 0;   // lockstep: the tick's time; wall: 0 = mid-transaction
  std::uint32_t epoch = 0;
};

// What a device said at connect.
struct Admission {
  Outcome outcome = Outcome::kOk;     // of the transactions
  std::string refusal;                // empty = admitted
  std::vector<std::string> warnings;  // reductions
};

struct ExchangeStats {
  LinkCounters& counters;
  std::int64_t rtt_ns = 0;  // of the transaction just made
};

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
  using WriteBlock = std::array<std::uint16_t, kMaxWriteWords>;
  using ReadBlock = std::array<std::uint16_t, kMaxReadWords>;

  [[nodiscard]] std::string check_identity(const ReadBlock& config);
  [[nodiscard]] std::string check_limits(const ReadBlock& config, Admission& admission);
  void reduce(Admission& admission, const std::string& why);
  void put(Field field, double value, WriteBlock& block, LinkCounters& counters) const noexcept;
  void encode(const RoundInput& round, WriteBlock& block, LinkCounters& counters) noexcept;
  [[nodiscard]] bool is_answer(const RoundInput& round, const ReadBlock& block, std::int64_t now_ns,
                               LinkCounters& counters) noexcept;
  void decode(const ReadBlock& block, AxisInput& input) noexcept;
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
  bool sequence_sent_ = false;
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
  [[nodiscard]] Exchange exchange(Connection& connection, const RoundInput& round,
                                  MachineInput& input, ExchangeStats& stats);
  void farewell(Connection& connection);

 private:
  const DevicePlan& plan_;
  std::uint16_t count_ = 0;
};

// Only read, at its own pace. Its silence is nobody's fault: the values just grow old.
class PelvisSession {
 public:
  explicit PelvisSession(const DevicePlan& plan) : plan_(plan) {}

  [[nodiscard]] const DevicePlan& plan() const noexcept { return plan_; }
  [[nodiscard]] Exchange exchange(Connection& connection, const RoundInput& round,
                                  PelvisInput& input, ExchangeStats& stats);

 private:
  const DevicePlan& plan_;
  std::int64_t count_ = 0;
  bool seen_ = false;
};

// A load cell with an amplifier of its own. One that falls silent lets the axis' force grow old.
class LoadCellSession {
 public:
  explicit LoadCellSession(const DevicePlan& plan) : plan_(plan) {}

  [[nodiscard]] const DevicePlan& plan() const noexcept { return plan_; }
  [[nodiscard]] Exchange exchange(Connection& connection, const RoundInput& round,
                                  LoadCellInput& input, ExchangeStats& stats);

 private:
  const DevicePlan& plan_;
  std::int64_t count_ = 0;
  bool seen_ = false;
};

}  // namespace medius::hal::modbus
