// One axis of the loop: what it senses, what it is told, what it wishes, what it puts out. The
// engine runs the steps below for every axis in turn, so that a fault on one axis unloads all in
// the same tick.
#pragma once

#include <array>
#include <cstdint>

#include "controller/base/tick.hpp"
#include "controller/diagnosis/limits_copy.hpp"
#include "controller/diagnosis/pads.hpp"
#include "controller/diagnosis/signals.hpp"
#include "controller/diagnosis/wish_watch.hpp"
#include "controller/measure/hold_counter.hpp"
#include "controller/rt/channels.hpp"
#include "controller/rt/engine_config.hpp"
#include "controller/rt/force_control.hpp"
#include "controller/rt/observer.hpp"
#include "controller/rt/profile_guard.hpp"
#include "controller/safety/motion/motion.hpp"

namespace medius::rt {

// Events on their way to control; a full queue drops and counts.
class Outbox {
 public:
  explicit Outbox(EventQueue& events) noexcept : events_(events) {}
  // [rt] wait-free.
  bool push(const Event& event) noexcept {
    if (events_.push(event)) return true;
    ++dropped_;
    return false;
  }
  // [rt] wait-free; for an event that is tried again every tick until it fits.
  bool push_or_retry(const Event& event) noexcept { return events_.push(event); }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  EventQueue& events_;
  std::uint64_t dropped_ = 0;
};

// The state of the machine that commands and limits depend on.
struct LoopState {
  Tick tick;
  const hal::MachineInput* machine = nullptr;
  safety::Reaction reaction = safety::Reaction::kNone;  // in force
  safety::FaultCode fault = safety::FaultCode::kNone;   // in force
  std::uint16_t sets_started = 0;
  bool panel_fresh = false;
};

// [any] What an ended call is reported as.
[[nodiscard]] constexpr safety::FaultCode fault_of(GuardVerdict verdict) noexcept {
  switch (verdict) {
    case GuardVerdict::kReturned:
      return safety::FaultCode::kNone;
    case GuardVerdict::kOverBudget:
      return safety::FaultCode::kPluginOverBudget;
    case GuardVerdict::kCrashed:
      break;
  }
  return safety::FaultCode::kPluginCrashed;
}

class AxisLoop {
 public:
  // [control, before the loop runs]
  void configure(const AxisConfig& config, std::uint8_t axis, Outbox& outbox, ProfileGuard* guard);

  // [rt] The steps of one tick, in this order.
  void sense(const LoopState& loop) noexcept;
  void take(const Command& command, LoopState& loop) noexcept;
  [[nodiscard]] safety::SuperviseOutput supervise(const LoopState& loop) noexcept;
  void estimate(const LoopState& loop) noexcept;
  void track(const LoopState& loop) noexcept;
  [[nodiscard]] safety::SuperviseOutput wish(const LoopState& loop) noexcept;
  void react(const LoopState& loop) noexcept;
  [[nodiscard]] safety::SuperviseOutput limit_felt(const LoopState& loop) noexcept;
  [[nodiscard]] safety::SuperviseOutput command_torque(const LoopState& loop,
                                                       hal::AxisOutput& output) noexcept;
  void finish(const LoopState& loop) noexcept;

  // [rt] Fills in what is the axis' own.
  void fill(AxisStatus& status) const noexcept;
  void fill(const LoopState& loop, SampleRecord& sample) const noexcept;
  [[nodiscard]] bool fresh() const noexcept;

 private:
  struct Ages {
    std::int64_t drive_ns = INT64_MAX;
    std::int64_t load_cell_ns = INT64_MAX;
    std::int64_t panel_ns = INT64_MAX;
    std::int64_t safety_ns = INT64_MAX;
  };
  // New sample of a group since the last tick?
  struct Seen {
    std::uint32_t sequence = 0;
    std::uint32_t epoch = 0;
    bool any = false;
    bool update(const hal::Freshness& freshness) noexcept;
  };
  struct Sensed {
    double position = 0.0, velocity = 0.0, drive_force = 0.0, tension = 0.0;  // finite, held
    double handle_force = 0.0;       // what the person feels by the tension seen at the cell
    double drive_force_limit = 0.0;  // the most that the drive grants; 0 = not known
    bool position_fresh = false, tension_fresh = false, reconnected = false, finite = true;
  };
  // A drive shows its new mode within a few bus cycles; whoever takes longer does not change over.
  static constexpr int kModeTicksMax = 200;
  // What the drive regulates, and how far it has come in changing over.
  enum class DriveStage : std::uint8_t { kTorque = 0, kEntering, kVelocity, kLeaving };
  // The set under way.
  struct SetState {
    ProfileInstance* profile = nullptr;
    bool motion = false;                                         // the profile commands motion
    std::uint16_t serial = 0;                                    // 0: none
    safety::FaultCode profile_fault = safety::FaultCode::kNone;  // latched off when not kNone
    double requested = 0.0;
    bool load_stood = false;      // the load has come in once, or stopped on its way
    bool bottom_lost = false;     // the drive counts from elsewhere since: a load is not raised
    int yield_ticks = 0;          // that the load still stands after the leg gave way to it
    std::uint64_t engage_id = 0;  // of the kEngage whose load is not in force yet
    std::uint64_t load_id = 0;    // of the kSetLoad whose load is not in force yet
  };

  // axis_commands.cpp: each returns kNone when taken.
  safety::FaultCode carry_out(const Command& command, LoopState& loop, double& accepted) noexcept;
  safety::FaultCode enable(const LoopState& loop) noexcept;
  safety::FaultCode start_take_up(const Command& command, const LoopState& loop) noexcept;
  safety::FaultCode start_set(const Command& command, LoopState& loop) noexcept;
  safety::FaultCode reset_profile(ProfileInstance& profile) noexcept;
  safety::FaultCode engage(const Command& command, const LoopState& loop) noexcept;
  safety::FaultCode set_load(const Command& command) noexcept;
  safety::FaultCode set_user_limits(const Command& command) noexcept;
  safety::FaultCode set_parameter(const Command& command) noexcept;
  safety::FaultCode end_set() noexcept;
  void unload() noexcept;
  void disable() noexcept;
  [[nodiscard]] safety::FaultCode blocked(const LoopState& loop) const noexcept;
  [[nodiscard]] bool acceptable_load(double load) const noexcept;

  // axis_motion.cpp
  [[nodiscard]] safety::LoadState torque_load_state() const noexcept;
  [[nodiscard]] std::uint32_t modes_allowed() const noexcept;
  void enter(DriveStage stage) noexcept;
  void advance_stage() noexcept;
  [[nodiscard]] safety::MotionOutput limit_wished_motion(const LoopState& loop) noexcept;
  [[nodiscard]] safety::SuperviseOutput command_velocity(const LoopState& loop,
                                                         hal::AxisOutput& output) noexcept;
  [[nodiscard]] safety::SuperviseOutput servo_wish(const LoopState& loop) noexcept;
  void diagnose(const LoopState& loop, double position, bool position_new, double tension,
                bool tension_new) noexcept;
  void diagnose_pads(const hal::AxisInput& input) noexcept;

  [[nodiscard]] safety::SuperviseInput supervise_input(const LoopState& loop) const noexcept;
  [[nodiscard]] medius_step_in_t step_input(const LoopState& loop) const noexcept;
  [[nodiscard]] safety::FaultCode call_profile(const LoopState& loop) noexcept;
  void gate_base_load(const LoopState& loop) noexcept;
  void request(hal::AxisOutput& output) const noexcept;
  void report_applied_load(const LoopState& loop) noexcept;
  void retire_profile() noexcept;
  void emit(const LoopState& loop, EventKind kind, std::uint64_t command_id, double value) noexcept;

  AxisConfig config_;
  diagnosis::LimitsCopy<AxisConfig> config_copy_;
  diagnosis::SignalLimits signal_limits_;
  DriveModelConfig drive_config_;
  ObserverConfig observer_config_;  // for force control: knows the forces, leads in a release
  ObserverConfig motion_config_;    // for people, phases and profiles: knows the position alone
  double derivative_gain_ = 1.0;
  Outbox* outbox_ = nullptr;
  ProfileGuard* guard_ = nullptr;
  std::uint8_t axis_ = 0;

  // inputs of this tick
  Sensed sensed_;
  Ages ages_;
  Seen drive_seen_, load_cell_seen_;
  diagnosis::SignalState signals_;
  safety::SuperviseOutput signal_cause_;
  std::array<Seen, hal::kPads> pad_seen_{};
  diagnosis::PadState pads_;
  bool one_leg_ = false;  // one pad of linked arms carries nothing
  hal::DriveState drive_state_ = hal::DriveState::kUnknown;
  bool drive_active_ = false;
  std::int8_t mode_display_ = 0;

  // what the axis is doing
  safety::LoadState load_state_ = safety::LoadState::kOff;
  bool enabled_ = false;
  bool clear_drive_fault_ = false;
  bool off_when_unloaded_ = false;
  bool increases_frozen_ = false;
  int unloading_ticks_ = 0;
  double pretension_ = 0.0;
  safety::UserLimits user_;
  diagnosis::LimitsCopy<safety::UserLimits> user_copy_;
  SetState set_;
  ProfileInstance* retiring_ = nullptr;
  safety::FaultCode retiring_fault_ = safety::FaultCode::kNone;
  std::uint64_t load_command_id_ = 0;
  std::uint64_t load_applied_tick_ = 0;

  // motion
  safety::MotionBounds motion_bounds_;
  safety::MotionState motion_limits_;
  DriveStage stage_ = DriveStage::kTorque;
  int stage_ticks_ = kModeTicksMax;
  measure::HoldCounterConfig hold_config_;
  measure::HoldCounterState holds_;
  double next_hold_s_ = 0.0;   // of the set to come
  double motion_start_ = 0.0;  // where velocity mode was entered
  double servo_integral_ = 0.0;

  // algorithms
  DriveModelState drive_model_;
  ObserverState observer_;
  ObserverState motion_;
  ForceControlState control_;
  diagnosis::WishWatchState wish_watch_;
  measure::Tracker tracker_;
  measure::TrackerOutput tracked_;
  bool counting_ = false;  // what the tracker was told in this tick
  safety::LoadGateState gate_;
  safety::FeltState felt_;
  safety::TorqueState torque_;
  safety::SuperviseState supervision_;

  // results of this tick
  double wish_ = 0.0;
  bool wish_valid_ = false;
  double wish_velocity_ = 0.0, wish_force_max_ = 0.0, wish_force_min_ = 0.0;  // of motion
  double velocity_target_ = 0.0;
  double felt_force_ = 0.0;
  double output_force_ = 0.0;
  std::uint32_t limits_ = 0;
};

}  // namespace medius::rt
