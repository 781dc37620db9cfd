// The simulated machines as devices: a drive an axis (CiA 402, watchdog, limits) with its load
// cell, operator panel, safe-state relay, e-stop chain, and the person on it. One object serves the
// in-process world (as a MachineImage) and medius-sim (as Modbus registers). The cable station has
// one axis; the seated machine two lever axes, left then right, whose positions, speeds and forces
// are in rad, rad/s and Nm wherever a name says m, m/s and N of a drive; with linked arms it has
// one lever axis for both legs, and a load cell at each pad.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "hal/image/machine_image.hpp"
#include "sim/lifter/lifter.hpp"
#include "sim/plant/cable_plant.hpp"
#include "sim/plant/lever_plant.hpp"

namespace medius::sim {

// What the person intends for one set; taken from the program.
struct PlannedSet {
  int side = 1;          // 1 left, 2 right, 3 both at once (record::Side)
  double load_n = 60.0;  // starts to lift when the load has come up to about this; N | Nm
  LifterIntent intent;
  // > 0: intent.reps holds of this length against a handle that stands still, at about load_n.
  double hold_s = 0.0;
  Exercise exercise = Exercise::kStandingAbduction;  // on the cable
};

struct PersonConfig {
  LifterConfig lifter[2];  // left, right
  LegConfig leg[2];
  std::vector<PlannedSet> plan;  // done in order; afterwards the person rests
  double reaction_s = 0.25;
  bool presses_reset_at_start = true;  // power-up needs a local reset edge
  bool repeat_plan = false;            // starts over after the last set instead of resting
};

// The drive as its registers show it, in SI units.
struct SimulatedDriveConfig {
  double rated_force_n = 341.0;  // 100.0 % of torque
  double watchdog_s = 0.05;      // until set over the bus
  double speed_limit_mps = 1.5;
  double force_limit_n = 600.0;
  double enable_step_s = 0.005;  // each CiA 402 transition takes this long
  double unload_ramp_s = 0.045;  // how the drive unloads when its watchdog trips
  bool velocity_mode = true;     // false: an older drive, which ignores modes 3 and 9
};

enum class SimulatedMachine : std::uint8_t { kCable = 0, kSeated, kSeatedLinked };

struct SimulatedStationConfig {
  SimulatedMachine machine = SimulatedMachine::kCable;
  CablePlantConfig plant;
  LeverPlantConfig lever;  // of each arm of the seated machine; linked: of both with their linkage
  SimulatedDriveConfig drive;
  PersonConfig person;
  bool pelvis_sensor = false;  // the person wears one
  bool rig = false;  // a motion rig instead of the person; of both legs of the seated machine
  RigConfig rig_config;
  // Seated: the rig's whole path lies so far out that it sags to its beginning under the set load.
  double rig_offset_m = 0.0;
  double rig_left_share = 0.5;  // linked arms: of the load, 0.2 to 0.8
  std::uint64_t seed = 1;
};

// Turns the configuration of a cable station into one of the seated machine: its drives, the pads'
// lever, and the legs of a seated person; plan and habits stay.
void make_seated(SimulatedStationConfig& config);
// The same with one drive for both arms; `config.lever` is that of one arm before.
void make_seated_linked(SimulatedStationConfig& config);

// What the controller's side of the wire sets.
struct DriveCommand {
  std::uint16_t controlword = 0;
  // 10 = cyclic synchronous torque, 4 = profile torque, 9 = cyclic synchronous velocity, 3 =
  // profile velocity
  std::int8_t mode = 0;
  double force_n = 0.0;
  double force_limit_n = 0.0;
  double speed_limit_mps = 0.0;
  double watchdog_s = 0.0;     // 0 = as configured: it cannot be switched off
  double slope_nps = 0.0;      // mode 4 only; 0 = at once
  double velocity_mps = 0.0;   // velocity modes; > 0 outward; force_limit_n is then the most inward
  double brake_limit_n = 0.0;  // velocity modes: the most outward force
};

// The plant's truth at the handle of an axis, in the axis' units.
struct HandleTruth {
  double position = 0.0, velocity = 0.0;  // cuff ring; lever arm
  double force = 0.0;                     // what the person feels: cuff tension; torque at the pad
  double motor_force = 0.0;
  double metres_per_unit = 1.0;  // of position: 1 for a cable, the pad's lever for an arm
  double reel_velocity = 0.0;    // of what pulls it in: the drum's surface; the arm itself
};

// What happens to machine and person beside release and grip; the amount is each one's own.
enum class Mishap : std::uint8_t {
  kNone = 0,      // all are over: mended, strong again, unhooked
  kJam,           // a pulley or gear rubs with `amount` more at the handle, N
  kCableCut,      // cable only
  kHooked,        // cable only: the cuff is off the leg and hangs on something fixed
  kWeak,          // `amount` of the leg's strength is left, 0..1
  kWalksIn,       // cable only: the person walks toward the pulley, `amount` m
  kStopsLifting,  // stands still in mid-set
};

// How well a range is known when it is measured (control.md 7); the plant itself knows better.
inline constexpr double kRangeAccuracyM = 0.003;

// Truth of one set as the plant saw it. The cuff ring's or the pad's speed is its mean over 111 ms
// around the moment, one period of a 9 Hz tremor: what trembles is not moving. A stroke is motion
// beyond 0.02 m/s over at least 12 mm, from crossing to crossing; one that turns back before half
// of the range is a bounce and belongs to the stroke it interrupts, and so does one of less than a
// quarter of the range before 60 % of the way back. A repetition is a stroke out of at least 30 mm
// and the strokes back over at least 60 % of it. Its range counts from where the ring last stood.
struct SetTruth {
  int number = 0;             // of the plan, from 1; 0 = the motion rig
  int side = 0;               // 0 = the motion rig
  int reps = 0;               // completed repetitions
  int undecided = 0;          // more, whose way back ended less than kRangeAccuracyM short of 60 %
  int direction_changes = 0;  // strokes: two a repetition
  std::vector<double> range_m;  // travel of the cuff ring or of the pad, per repetition
  std::vector<double> concentric_s, hold_s, eccentric_s;
};

class SimulatedStation {
 public:
  explicit SimulatedStation(const SimulatedStationConfig& config);
  ~SimulatedStation();

  // One tick of the whole machine: 10 plant steps, the person, the drive's watchdog and state
  // machine.
  void step_tick() noexcept;
  [[nodiscard]] double time_s() const noexcept;
  // Between sets, drives off: the person rests so long at once, the machine hangs where it is, and
  // its clock stands still. False, and nothing has happened, while anything is under way.
  [[nodiscard]] bool rest(double seconds) noexcept;

  // Bus side. An axis beyond the last one is the last one.
  [[nodiscard]] std::size_t axis_count() const noexcept;
  // What a person holds: the cuff, or a pad with each leg. One an axis, two of linked arms.
  [[nodiscard]] std::size_t hold_count() const noexcept;
  [[nodiscard]] hal::CoordinateKind coordinate() const noexcept;  // of every axis
  // A write telegram: feeds the watchdog.
  void write_drive(const DriveCommand& command, std::size_t axis = 0) noexcept;
  void write_relay(bool hold) noexcept;  // must be repeated within 50 ms
  // From now on the relay also needs a guard that pumps: without a half wave for 10 ms it opens.
  void fit_guard() noexcept;
  void pump_relay() noexcept;
  // Freshness is the caller's business.
  [[nodiscard]] const hal::DriveInput& drive(std::size_t axis = 0) const noexcept;
  // Of linked arms there is one at each pad; see linked().
  [[nodiscard]] const hal::LoadCellInput& load_cell(std::size_t axis = 0) const noexcept;
  [[nodiscard]] const hal::LoadCellInput& pad_cell(std::size_t pad) const noexcept;
  [[nodiscard]] bool linked() const noexcept;
  [[nodiscard]] hal::PanelInput panel() const noexcept;
  [[nodiscard]] hal::SafetyInput safety() const noexcept;
  // Tilt as of the sensor's last sample, a hundred a second, and how many there were.
  [[nodiscard]] hal::PelvisInput pelvis() const noexcept;
  [[nodiscard]] std::uint32_t pelvis_samples() const noexcept;
  [[nodiscard]] double watchdog_s(std::size_t axis = 0) const noexcept;  // in force
  // A limit of the drive is cutting in.
  [[nodiscard]] bool limit_active(std::size_t axis = 0) const noexcept;

  // Bench side: what hands, scenarios and faults do.
  void press_reset(double seconds) noexcept;
  void press_stop(bool pressed) noexcept;
  void turn_key(bool on) noexcept;
  void hold_dead_man(bool held) noexcept;
  void press_estop(bool pressed) noexcept;
  // The person lets go of the cuff, or takes one leg off its pad; grip() takes it again. Numbers of
  // holds, see hold_count().
  void release_handle(std::size_t hold = 0) noexcept;
  void grip(std::size_t hold = 0) noexcept;
  [[nodiscard]] bool held(std::size_t hold = 0) const noexcept;
  // False: this machine cannot suffer it, and nothing has happened.
  bool suffer(Mishap mishap, std::size_t axis, double amount) noexcept;

  // The person stands on one leg (1 left, 2 right) or on both (0): what the pelvis sensor sees
  // then.
  void stand_on_leg(int side) noexcept;
  // The drive of an axis reports overcurrent and goes into fault.
  void fail_drive(std::size_t axis = 0) noexcept;

  [[nodiscard]] HandleTruth handle(std::size_t axis) const noexcept;
  [[nodiscard]] const LifterTruth& lifter_truth(std::size_t hold = 0) const noexcept;
  // One per planned set begun by the leg at the hold.
  [[nodiscard]] const std::vector<SetTruth>& set_truth(std::size_t hold = 0) const noexcept;
  // Only a cable station has this; a seated machine shows it at rest.
  [[nodiscard]] const CableTruth& truth() const noexcept;
  [[nodiscard]] const MotionRig& rig() const noexcept;
  void start_rig() noexcept;
  // Only a seated machine has this; a cable station shows it at rest.
  [[nodiscard]] const LeverTruth& lever_truth(std::size_t axis) const noexcept;
  [[nodiscard]] std::uint64_t state_hash() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace medius::sim
