// The safety kernel: pure functions, no heap, clock or I/O, in two stages.
//
//   stage 1, felt force:  a profile's wish -> what the person may feel
//   stage 2, torque:      force control's word -> the only torque word the machine gets
//
// Limits are compiled in per machine; configuration can only tighten them; a missing limit is 0 N.
// Every clamp rejects NaN: `if (!(x <= max)) x = max;`. All forces N | Nm, lengths m | rad.
#pragma once

#include <cstdint>

#include "controller/measure/phase.hpp"
#include "controller/safety/faults.hpp"
#include "hal/image/machine_image.hpp"

namespace medius::safety {

// Compiled-in bounds of a machine's axis; see machine_bounds(). Configuration may only tighten
// them. The constants and their reasons are in bounds.cpp; the figures here are those of the cable
// axis.
struct AxisBounds {
  double force_max = 0.0;             // F_machine: 600 N cable, 250 Nm lever arm
  double brake_force_max = 0.0;       // against the normal direction, only to brake: 150 N
  double felt_rise_per_s = 0.0;       // 500 N/s in a repetition
  double felt_fall_per_s = 0.0;       // 4 N per tick
  double torque_slew_per_tick = 0.0;  // of the word; bounds any controller's jump
  double correction_max = 0.0;        // |torque word - felt force| of force control, at most
  double correction_floor = 0.0;      // ... and at most this + 0.4 x felt force: 20 N
  double outward_hold_speed = 0.0;    // outward speed beyond which the force may not rise: 2.5 m/s
  double governor_speed = 0.0;        // inward speed where braking begins
  double governor_gain = 0.0;         // N per m/s beyond it
  double overspeed_trip = 0.0;        // inward speed that trips
  double release_force_fraction = 0.0;  // release: measured force below this x felt ...
  double release_speed = 0.0;           // ... and inward speed above this ...
  int release_confirm_ticks = 0;        // ... for so many ticks
  double slack_speed = 0.0;             // reel-in speed of a slack cable (0.15 m/s)
  double slack_gain = 0.0;              // N per m/s of the slack servo
  double slack_pull_max = 0.0;          // inward force of the slack servo
  double pretension_max = 0.0;          // approach and reel-in tension: 30 N
  double eccentric_ratio_max = 0.0;     // felt force over base force: 2.0 in the law
  double refill_rise = 0.0;             // net outward travel that a refill of the energy tank needs
  std::int64_t freeze_age_ns = 0;       // R1
  std::int64_t unload_age_ns = 0;       // R3
  std::int64_t panel_age_ns = 0;  // R3 for the panel and the stop chain, which are read less often
};

// The pad sits so far from the lever's axis: what holds at a cuff in metres and newtons holds
// there.
inline constexpr double kPadLeverM = 0.38;
// [any] Metres at the cuff or the pad for one unit of the coordinate.
[[nodiscard]] constexpr double metres_per_unit(hal::CoordinateKind kind) noexcept {
  return kind == hal::CoordinateKind::kCable ? 1.0 : kPadLeverM;
}

// [any] The compiled-in bounds of a coordinate kind.
[[nodiscard]] AxisBounds machine_bounds(hal::CoordinateKind kind) noexcept;

// [control, inactive] The tighter of the compiled-in bounds and a configuration, field by field. A
// field that is not finite or negative becomes 0, which means no force. What brakes, detects or
// also lowers the word (brake_force_max, felt_fall_per_s, torque_slew_per_tick, correction_*,
// governor_gain, release_*, slack_gain, slack_pull_max, refill_rise) is not configurable. Ages may
// be longer than the defaults, up to 30 and 60 ms; force_max then falls in proportion, so that a
// released handle carries no more energy than on a fast link.
[[nodiscard]] AxisBounds tightened(const AxisBounds& machine,
                                   const AxisBounds& configured) noexcept;

// The user's limits of a set; the station fills them, missing = 0.
struct UserLimits {
  double force_max = 0.0;            // F_user
  double eccentric_ratio_max = 1.0;  // 1.5 unless a therapist raises it
};

// What force the axis is allowed to make at all.
enum class LoadState : std::uint8_t {
  kOff = 0,    // no torque
  kTakeUp,     // pretension only
  kLoaded,     // a profile's wish is followed
  kUnloading,  // felt force ramps down to slack tension
};

// ---- load gate: the base load of a set ----------------------------------------------------
struct LoadGateState {
  double applied = 0.0;    // what the profile gets as base_force
  double requested = 0.0;  // the last request that was a number
  double target = 0.0;     // what `applied` ramps to: a raise is taken at rest or at the bottom
};

struct LoadGateInput {
  double requested = 0.0;  // from the trainer's last accepted command
  measure::Phase phase = measure::Phase::kRest;
  bool increases_frozen = false;  // R1, lost trainer
  double ramp_per_s = 0.0;        // increase ramp; decreases use the same, at once
  double dt_s = 0.0;
};

// [rt] An increase takes effect only at rest or at the bottom of the repetition, a decrease at
// once; both ramped. The ramp of a raise may finish in the concentric phase that
// follows; it stands still in every other phase. NaN requests keep the state. Returns the applied
// base load.
double gate_load(const LoadGateInput& input, LoadGateState& state) noexcept;

// ---- stage 1: felt force ------------------------------------------------------------------
struct FeltState {
  double force = 0.0;        // last output
  double tank_energy = 0.0;  // J: eccentric excess that may still be given back; < 0 is a debt
  double unload_rate = 0.0;  // per s; 0 = no soft unload under way
  double travel = 0.0;       // net outward travel: the tank does not trust the tracker's word alone
  double low = 0.0, high = 0.0;
  double credited = 0.0;  // travel that this repetition's refill has paid for
  bool refilled = false;
  bool was_validated = false;
};

struct FeltInput {
  double wish = 0.0;        // profile's wish, untrusted
  bool wish_valid = false;  // the profile ran and returned OK
  double base_force = 0.0;  // gate_load()'s result
  double velocity = 0.0;    // > 0 concentric
  double range = 0.0;       // reference range, sizes the energy tank; 0 = not known
  measure::Phase phase = measure::Phase::kRest;
  bool concentric_validated = false;  // its rising edge refills the tank
  LoadState load_state = LoadState::kOff;
  double pretension = 0.0;
  Reaction reaction = Reaction::kNone;
  double dt_s = 0.0;
};

// Flags of what limited an output: "limiting" is reported apart from "fault".
enum LimitFlag : std::uint32_t {
  kLimitForce = 1u << 0,
  kLimitSlew = 1u << 1,
  kLimitTank = 1u << 2,
  kLimitPhaseGate = 1u << 3,
  kLimitCorrection = 1u << 4,
  kLimitGovernor = 1u << 5,
  kLimitTorqueSlew = 1u << 6,
  kLimitAge = 1u << 7,
  kLimitWish = 1u << 8,  // the wish was refused; base force stands in
  kLimitSlackServo = 1u << 9,
};

struct FeltOutput {
  double force = 0.0;        // finite, 0 .. min(force_max, user)
  std::uint32_t limits = 0;  // LimitFlag
  FaultCode fault = FaultCode::kNone;
};

// [rt] Stage 1.
FeltOutput limit_felt_force(const AxisBounds& bounds, const UserLimits& user,
                            const FeltInput& input, FeltState& state) noexcept;

// ---- stage 2: torque ----------------------------------------------------------------------
// A torque word. Only limit_torque() can make one that is not zero.
class TorqueWord {
 public:
  constexpr TorqueWord() noexcept = default;
  [[nodiscard]] constexpr double value() const noexcept { return value_; }

 private:
  friend struct TorqueWordMaker;
  constexpr explicit TorqueWord(double value) noexcept : value_(value) {}
  double value_ = 0.0;
};

struct TorqueState {
  double word = 0.0;
  int release_ticks = 0;
  bool ran_ahead = false;    // tension was last there on a brisk way: hand or drum may have run on
  bool slack_servo = false;  // tension is gone: reel in slowly
  int doubt_ticks =
      0;  // left, in which it may still be a hand that comes back; < 0: nobody is blamed
  int retension_ticks = 0;
  bool released = false;           // ... from kLoaded and beyond doubt: kHandleReleased stands
  double retension_ceiling = 0.0;  // > 0: the word climbs back under this after the servo
  double retension_way = 0.0;      // ... and how far out it is from its innermost since
};

// Ages start as "never sampled": a caller that forgets one gets no force.
struct TorqueInput {
  double torque = 0.0;      // force control's output
  double felt_force = 0.0;  // stage 1's output
  double velocity = 0.0;    // > 0 outward
  double measured_force = 0.0;
  double dt_s = 0.0;
  LoadState load_state = LoadState::kOff;
  Reaction reaction = Reaction::kNone;
  std::int64_t drive_age_ns = INT64_MAX;
  std::int64_t load_cell_age_ns = INT64_MAX;
};

struct TorqueOutput {
  TorqueWord word;
  std::uint32_t limits = 0;
  FaultCode fault = FaultCode::kNone;
};

// [rt] Stage 2: the only producer of a torque word.
TorqueOutput limit_torque(const AxisBounds& bounds, const TorqueInput& input,
                          TorqueState& state) noexcept;

// ---- supervision: from inputs to reactions -------------------------------------------------
// Modes of operation as CiA 402 numbers them, one bit each.
inline constexpr std::uint32_t kTorqueModes = 1u << 4 | 1u << 10;   // profile, cyclic synchronous
inline constexpr std::uint32_t kVelocityModes = 1u << 3 | 1u << 9;  // profile, cyclic synchronous

struct SuperviseInput {
  const hal::MachineInput* machine = nullptr;
  int axis = 0;
  std::int64_t drive_age_ns = INT64_MAX;
  std::int64_t load_cell_age_ns = INT64_MAX;
  std::int64_t panel_age_ns = INT64_MAX;
  std::int64_t safety_age_ns = INT64_MAX;  // e-stop chain and relay feedback
  std::uint32_t missed_ticks = 0;          // just before this tick
  LoadState load_state = LoadState::kOff;
  double expected_drive_force = 0.0;  // delayed, lagged torque word
  double friction_allowance = 0.0;    // modelled friction and inertia, for load cell versus drive
  double set_force = 0.0;             // felt force: the same check allows 25 % of it
  std::uint32_t modes_allowed = kTorqueModes;  // what the drive's mode display may show
};

struct SuperviseState {
  std::uint32_t consecutive_missed = 0;
  int implausible_ticks = 0;
};

struct SuperviseOutput {
  Reaction reaction = Reaction::kNone;  // unlatched ones included
  FaultCode fault = FaultCode::kNone;   // the most severe new cause
};

// [rt] Ages, drive state, panel, plausibility of one axis. In LoadState::kOff there is no torque to
// lose: a disabled or faulted drive, STO, an open relay and stale data are then no faults (they
// would make the latch of a machine that is just starting impossible to clear); only the emergency
// stop and the stop button are.
SuperviseOutput supervise(const AxisBounds& bounds, const SuperviseInput& input,
                          SuperviseState& state) noexcept;

// [rt] The fault that take-up would meet at once, kNone if none. Ask before leaving
// LoadState::kOff.
[[nodiscard]] FaultCode force_blocked_by(const AxisBounds& bounds,
                                         const SuperviseInput& input) noexcept;

// [rt] A fault code with the reaction of its table entry, as update_latch() takes it.
[[nodiscard]] SuperviseOutput caused_by(FaultCode fault) noexcept;

// ---- latch --------------------------------------------------------------------------------
// One latch a machine: a fault on any axis unloads all. A reset is honoured only for a rising edge
// of the panel's button while the causes are gone.
struct LatchState {
  Reaction reaction = Reaction::kTorqueOff;  // starts latched: power-up needs a local reset
  FaultCode code = FaultCode::kNone;
  bool reset_was_pressed = true;  // a button held since before power-up is no edge
};

// [rt] Takes the worst of this tick's reactions, keeps what is latched, honours a reset edge while
// nothing worse than R1 is present. Returns the reaction in force.
Reaction update_latch(LatchState& state, const SuperviseOutput& worst, bool reset_pressed,
                      bool panel_fresh) noexcept;

}  // namespace medius::safety
