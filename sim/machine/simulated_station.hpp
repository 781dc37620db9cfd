// The simulated cable station as devices: drive (CiA 402, watchdog, limits), load cell, operator
// panel, safe-state relay, e-stop chain, and the person on it. One object serves the in-process
// world (as a MachineImage) and medius-sim (as Modbus registers).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "hal/image/machine_image.hpp"
#include "sim/lifter/lifter.hpp"
#include "sim/plant/cable_plant.hpp"

namespace medius::sim {

// What the person intends for one set; taken from the program.
struct PlannedSet {
  int side = 1;          // 1 left, 2 right (record::Side)
  double load_n = 60.0;  // starts to lift when the tension has come up to about this
  LifterIntent intent;
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
};

struct SimulatedStationConfig {
  CablePlantConfig plant;
  SimulatedDriveConfig drive;
  PersonConfig person;
  bool rig = false;  // a motion rig instead of the person
  RigConfig rig_config;
  std::uint64_t seed = 1;
};

// What the controller's side of the wire sets.
struct DriveCommand {
  std::uint16_t controlword = 0;
  std::int8_t mode = 0;  // 10 = cyclic synchronous torque, 4 = profile torque
  double force_n = 0.0;
  double force_limit_n = 0.0;
  double speed_limit_mps = 0.0;
  double watchdog_s = 0.0;  // 0 = as configured: it cannot be switched off
  double slope_nps = 0.0;   // mode 4 only; 0 = at once
};

// Truth of one set as the plant saw it. The speed of the cuff ring is its mean over 111 ms around
// the moment, one period of a 9 Hz tremor: what trembles is not moving. A stroke is motion beyond
// 0.02 m/s over at least 12 mm, from crossing to crossing; one that turns back before half of the
// range is a bounce and belongs to the stroke it interrupts. A repetition is a stroke out of at
// least 30 mm and the strokes back over at least 60 % of it. Its range counts from where the ring
// last stood.
struct SetTruth {
  int side = 0;                 // 0 = the motion rig
  int reps = 0;                 // completed repetitions
  int direction_changes = 0;    // strokes: two a repetition
  std::vector<double> range_m;  // travel of the cuff ring, per repetition
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

  // Bus side.
  void write_drive(const DriveCommand& command) noexcept;  // a write telegram: feeds the watchdog
  void write_relay(bool hold) noexcept;                    // must be repeated within 50 ms
  [[nodiscard]] const hal::DriveInput& drive()
      const noexcept;  // freshness is the caller's business
  [[nodiscard]] const hal::LoadCellInput& load_cell() const noexcept;
  [[nodiscard]] hal::PanelInput panel() const noexcept;
  [[nodiscard]] hal::SafetyInput safety() const noexcept;
  [[nodiscard]] double watchdog_s() const noexcept;  // in force
  [[nodiscard]] bool limit_active() const noexcept;  // a limit of the drive is cutting in

  // Bench side: what hands, scenarios and faults do.
  void press_reset(double seconds) noexcept;
  void press_stop(bool pressed) noexcept;
  void turn_key(bool on) noexcept;
  void hold_dead_man(bool held) noexcept;
  void press_estop(bool pressed) noexcept;
  void release_handle() noexcept;  // the person lets go; grip() takes it again
  void grip() noexcept;

  [[nodiscard]] const CableTruth& truth() const noexcept;
  [[nodiscard]] const LifterTruth& lifter_truth() const noexcept;
  [[nodiscard]] const std::vector<SetTruth>& set_truth()
      const noexcept;  // one per planned set begun
  [[nodiscard]] const MotionRig& rig() const noexcept;
  void start_rig() noexcept;
  [[nodiscard]] std::uint64_t state_hash() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace medius::sim
