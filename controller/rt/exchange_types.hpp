// Records that cross the boundary of the loop: commands in; status, samples and events out.
// All are trivially copyable. Forces N | Nm, positions m | rad, per the axis' coordinate kind.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "controller/measure/phase.hpp"
#include "controller/measure/tracker.hpp"
#include "controller/safety/faults.hpp"
#include "controller/safety/kernel.hpp"
#include "hal/image/machine_image.hpp"

namespace medius::rt {

class ProfileInstance;  // controller/rt/profile.hpp

enum class CommandKind : std::uint8_t {
  kNone = 0,
  kEnable,           // drives on, torque zero (needs no latched fault)
  kDisable,          // torque zero, drives off
  kTakeUp,           // value: pretension
  kStartSet,         // value: base load, value2: range reference (0 unknown); profile: what to run
  kEngage,           // let the base load ramp in (start of the set, or resume after a pause)
  kSetLoad,          // value: requested base load
  kSetParameter,     // parameter_id, value: a profile parameter, range already checked
  kFreezeIncreases,  // value: 1 freeze, 0 thaw (lost trainer)
  kUnload,           // ramp to slack tension within 500 ms and stay in take-up
  kEndSet,           // closes the set's tracker; the axis must be unloading or in take-up
  kSetUserLimits,    // value: force_max, value2: eccentric_ratio_max
  kSetHold,          // value: seconds a hold of the next set lasts; 0: it has repetitions
};

// [control] -> [rt], in order, at most 32 drained a tick; the queue holds 256, a full queue
// refuses.
struct Command {
  CommandKind kind = CommandKind::kNone;
  std::uint8_t axis = 0;
  std::uint16_t reserved = 0;
  std::uint32_t parameter_id = 0;
  std::uint64_t command_id = 0;  // strictly increasing; comes back in events and in Status
  double value = 0.0;
  double value2 = 0.0;
  ProfileInstance* profile = nullptr;  // kStartSet: owned by control until retired
};

enum class EventKind : std::uint8_t {
  kNone = 0,
  kCommandTaken,  // command_id; value: what was accepted
  // command_id; fault: why; profile: the one a refused kStartSet brought back. With
  // kPluginOverBudget or kPluginCrashed its reset was ended half-way, see kProfileRetired.
  kCommandRefused,
  kLoadApplied,   // command_id of the load change or of kEngage; value: base load now in force
  kPhaseChanged,  // phase
  kDirectionChanged,
  kRepClosed,     // rep
  kFault,         // fault, reaction (soft unload or worse)
  kFaultCleared,  // the reaction ended; a latched one: the local reset was honoured
  kSetStarted,
  kUnloaded,  // slack tension reached
  // profile: may be destroyed by control; with a fault (kPluginOverBudget, kPluginCrashed) its call
  // was ended half-way: never call it again, not even to destroy it.
  kProfileRetired,
};

// Beside safety::LimitFlag in Status and SampleRecord: force control goes on without force feedback
// because the tension oscillated; stands until the next set starts.
inline constexpr std::uint32_t kLimitOscillation = 1u << 16;

// [rt] -> [control]; 1024 deep. When full the event is dropped and Status::events_dropped counts
// it.
struct Event {
  EventKind kind = EventKind::kNone;
  std::uint8_t axis = 0;
  measure::Phase phase = measure::Phase::kRest;
  safety::Reaction reaction = safety::Reaction::kNone;
  safety::FaultCode fault = safety::FaultCode::kNone;
  std::uint64_t tick = 0;
  std::uint64_t command_id = 0;
  double value = 0.0;
  ProfileInstance* profile = nullptr;
  measure::RepBoundary rep;
};

// What the repetition tracker was told in a tick beside position, velocity and force. The load
// state of the same sample does not say it: a fault unloads after the tracker has run.
enum DetectorFlag : std::uint16_t {
  kDetectorKnown = 1u << 0,     // the flags below were kept; recordings of older programs have none
  kDetectorCounting = 1u << 1,  // a set with repetitions was under way and its load on
  kDetectorRelocated = 1u << 2,  // the drive was lost and is back: the position may count anew
};

// One axis, one tick: what the recorder keeps. [rt] -> [record]; 32768 deep; drops are counted.
// No padding: the record is hashed.
struct SampleRecord {
  std::uint64_t tick = 0;
  double position = 0.0;        // as the drive reported it
  double velocity = 0.0;        // estimated from the position
  double force_measured = 0.0;  // load cell; one at the drum with the pulleys' loss taken off
  double force_wish = 0.0;      // profile's wish
  double force_target = 0.0;    // stage 1: what the person should feel
  double force_output = 0.0;    // stage 2: torque word
  double base_load = 0.0;       // applied base load
  double disturbance = 0.0;     // observer's friction estimate
  std::int64_t drive_age_ns = 0;
  std::int64_t late_ns = 0;
  std::uint32_t limits = 0;  // safety::LimitFlag
  std::uint16_t fault = 0;   // safety::FaultCode in force
  std::uint8_t axis = 0;
  std::uint8_t phase = 0;             // measure::Phase
  std::uint8_t load_state = 0;        // safety::LoadState
  std::uint8_t reaction = 0;          // safety::Reaction
  std::uint16_t set_serial = 0;       // counts sets of this run; 0 = no set under way
  std::uint32_t missed = 0;           // periods skipped just before this tick
  std::int32_t pelvis_tilt_urad = 0;  // positive: down on the side that does not stand
  std::uint16_t pelvis_seen = 0;      // 1: a sensor measured it lately; 0: not known
  std::uint16_t detector = 0;         // DetectorFlag
  // Linked arms: what each pad's cell reads, 1e-3 Nm. Both 0: the axis has one cell.
  std::int32_t pad_left_mnm = 0;
  std::int32_t pad_right_mnm = 0;
};
static_assert(sizeof(SampleRecord) == 11 * 8 + 4 + 2 + 4 * 1 + 2 + 4 + 4 + 2 * 2 + 2 * 4,
              "no padding");

struct AxisStatus {
  hal::CoordinateKind coordinate = hal::CoordinateKind::kCable;
  safety::LoadState load_state = safety::LoadState::kOff;
  measure::Phase phase = measure::Phase::kRest;
  hal::DriveState drive_state = hal::DriveState::kUnknown;
  bool drive_in_velocity_mode = false;  // a law that commands motion has the drive
  bool increases_frozen = false;
  bool profile_latched_off = false;
  std::uint16_t set_serial = 0;
  std::uint32_t limits = 0;
  std::uint32_t reps_counted = 0;
  std::uint32_t reps_partial = 0;
  std::uint32_t direction_changes = 0;
  double position = 0.0;  // from the bottom of the repetition
  double position_absolute = 0.0;
  double velocity = 0.0;
  double force_measured = 0.0;
  double force_target = 0.0;
  double force_output = 0.0;
  double drive_force_readback = 0.0;  // torque the drive says it makes
  double drive_force_limit = 0.0;     // the most that the drive grants; 0 = not known
  double velocity_target = 0.0;       // of a law that commands motion: the kernel's set point
  double load_requested = 0.0;
  double load_applied = 0.0;
  double range_reference = 0.0;
  double pretension = 0.0;
  std::array<double, hal::kPads> pad_force{};  // linked arms only: left, right
  bool linked_arms = false;
  std::int64_t drive_age_ns = 0;
  std::uint64_t load_command_id = 0;  // last kSetLoad that is fully applied
  std::uint64_t load_applied_tick = 0;
};

// [rt] -> many, by SeqLock, every tick.
struct Status {
  std::uint64_t tick = 0;
  std::int64_t nominal_ns = 0;
  std::int64_t late_ns = 0;
  std::uint64_t missed_total = 0;
  std::uint64_t events_dropped = 0;
  std::uint64_t samples_dropped = 0;
  std::uint64_t last_command_id = 0;
  safety::Reaction reaction = safety::Reaction::kNone;
  safety::FaultCode fault = safety::FaultCode::kNone;
  std::uint8_t axis_count = 0;
  bool estop_released = false;
  bool relay_closed = false;
  bool key_on = false;
  bool dead_man_held = false;
  bool stop_pressed = false;
  bool reset_pressed = false;
  bool link_fresh = false;  // every group of every axis is younger than its freeze age
  std::array<AxisStatus, hal::kMaxAxes> axis{};
};

static_assert(std::is_trivially_copyable_v<Command> && std::is_trivially_copyable_v<Event>);
static_assert(std::is_trivially_copyable_v<SampleRecord> && std::is_trivially_copyable_v<Status>);

}  // namespace medius::rt
