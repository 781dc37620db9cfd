// MachineImage: what the 1 kHz loop sees of the machine, once a tick, as PODs in SI units.
//
// Every value of an axis is in the axis' coordinate kind: a cable axis has position in m (cable
// paid out, growing when the person pulls), velocity in m/s, force in N; a lever axis has rad
// (growing in abduction), rad/s and Nm. A positive drive force pulls inward, against the person.
//
// Vendors differ only in hal/devices/*.toml; the meaning of these fields never does.
#pragma once

#include <array>
#include <cstdint>

#include "controller/base/tick.hpp"

namespace medius::hal {

inline constexpr int kMaxAxes = 2;  // two lever arms are the most a machine has
inline constexpr int kPads = 2;     // of linked arms: left, right

enum class CoordinateKind : std::uint8_t { kCable = 0, kLever = 1 };

// CiA 402 drive states, as decoded from each drive's own status register.
enum class DriveState : std::uint8_t {
  kUnknown = 0,
  kNotReadyToSwitchOn,
  kSwitchOnDisabled,
  kReadyToSwitchOn,
  kSwitchedOn,
  kOperationEnabled,
  kQuickStopActive,
  kFaultReactionActive,
  kFault,
};

// How fresh a group of values is. Age at a tick = nominal + late - stamp.
struct Freshness {
  std::int64_t stamp_ns = 0;   // mid-transaction time on the tick source's time line
  std::uint32_t sequence = 0;  // counts accepted samples of this group
  std::uint32_t epoch = 0;     // counts connections; a new epoch may have lost samples
  bool valid = false;          // false until the first sample, and after the link was declared lost
};

struct DriveInput {
  double position = 0.0;     // m | rad, from the drive's encoder
  double velocity = 0.0;     // m/s | rad/s, as the drive reports it
  double force = 0.0;        // N | Nm, from the drive's actual torque (friction included)
  double force_limit = 0.0;  // N | Nm, the drive's own limit as read back
  double speed_limit = 0.0;  // m/s | rad/s, read back; 0 = the drive has none
  double temperature_c = 0.0;
  double bus_voltage_v = 0.0;
  DriveState state = DriveState::kUnknown;
  std::uint16_t statusword = 0;
  std::uint16_t error_code = 0;   // CiA 402 603Fh
  std::int8_t mode_display = 0;   // CiA 402 6061h
  bool sto_active = true;         // safe torque off: the drive makes no torque
  bool watchdog_tripped = false;  // the drive's own communication watchdog has unloaded it
  Freshness freshness;
};

struct LoadCellInput {
  double force = 0.0;      // N | Nm at the sensor, positive in tension (or against the pad)
  bool saturated = false;  // raw value at its rail: a fault, never "low force"
  Freshness freshness;
};

// The operator panel. Edges are the station's business; these are levels.
struct PanelInput {
  bool reset_pressed = false;
  bool key_on = false;
  bool dead_man_held = false;
  bool stop_pressed = false;
  Freshness freshness;
};

struct SafetyInput {
  bool estop_released = false;  // true = the chain is closed
  bool relay_closed = false;    // safe-state relay: true = torque is possible
  Freshness freshness;
};

struct AxisInput {
  DriveInput drive;
  LoadCellInput load_cell;  // of linked arms: both pads together, see both_pads()
  // Arms that are linked and share one drive: the cell of each pad. Never valid on another axis.
  std::array<LoadCellInput, kPads> pad{};
};

// [any] What the drive of linked arms works against: the sum of the pads, as old as the older one,
// saturated when one is, a new sample when either is new, and valid only with both.
[[nodiscard]] constexpr LoadCellInput both_pads(
    const std::array<LoadCellInput, kPads>& pad) noexcept {
  const Freshness& left = pad[0].freshness;
  const Freshness& right = pad[1].freshness;
  LoadCellInput sum;
  sum.force = pad[0].force + pad[1].force;
  sum.saturated = pad[0].saturated || pad[1].saturated;
  sum.freshness.stamp_ns = left.stamp_ns < right.stamp_ns ? left.stamp_ns : right.stamp_ns;
  sum.freshness.sequence = left.sequence + right.sequence;
  sum.freshness.epoch = left.epoch + right.epoch;
  sum.freshness.valid = left.valid && right.valid;
  return sum;
}

// A sensor on the belt of somebody who stands: the pelvis in the frontal plane. Optional; nothing
// of the loop's force depends on it.
struct PelvisInput {
  double tilt_rad = 0.0;  // positive: down on the side that does not stand
  bool present = false;   // the machine has such a sensor
  Freshness freshness;
};

struct MachineInput {
  std::array<AxisInput, kMaxAxes> axis{};
  PanelInput panel;
  SafetyInput safety;
  PelvisInput pelvis;
};

// What the loop asks of a drive; the CiA 402 handshake behind it belongs to the HAL.
enum class DriveRequest : std::uint8_t { kDisable = 0, kEnable, kQuickStop, kResetFault };

// What the drive regulates. A drive changes over in its own time: its mode display says when.
enum class DriveMode : std::uint8_t { kTorque = 0, kVelocity };

struct AxisOutput {
  double force = 0.0;        // N | Nm inward; written only from a safety::TorqueWord
  double force_limit = 0.0;  // the drive's own torque limit, N | Nm; in velocity mode: inward
  double speed_limit = 0.0;  // the drive's own speed limit, m/s | rad/s
  double velocity = 0.0;     // velocity mode: m/s | rad/s, > 0 outward; only from a VelocityWord
  double brake_limit = 0.0;  // velocity mode: most outward torque, N | Nm
  DriveMode mode = DriveMode::kTorque;
  DriveRequest request = DriveRequest::kDisable;
};

struct MachineOutput {
  std::array<AxisOutput, kMaxAxes> axis{};
  bool hold_relay = false;  // keeps the safe-state relay closed; must be asserted every tick
  std::uint64_t tick = 0;   // sequence echo: the device returns it
};

// The seam between the loop and the machine. Implementations: bus (hal/modbus), simulated machine
// (sim/world), replay.
class MachineImage {
 public:
  virtual ~MachineImage() = default;
  // [rt] wait-free. Copies the freshest inputs. Ages are the caller's to compute.
  virtual void read(const Tick& tick, MachineInput& input) noexcept = 0;
  // [rt] wait-free. Hands the outputs on; they go out with the next bus round.
  virtual void write(const Tick& tick, const MachineOutput& output) noexcept = 0;
};

// Age of a group at this tick. A group that was never sampled is infinitely old.
[[nodiscard]] constexpr std::int64_t age_ns(const Tick& tick, const Freshness& freshness) noexcept {
  if (!freshness.valid) return INT64_MAX;
  return tick.nominal_ns + tick.late_ns - freshness.stamp_ns;
}

}  // namespace medius::hal
