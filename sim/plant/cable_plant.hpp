// The cable station's physics at 10 kHz: drive with dead time and
// lag, LuGre friction, elastic cable, cable-path mass, cuff and tissue, slack, load cell, encoder,
// geometry from pulley to ankle, leg inertia and gravity. SI units. Deterministic: no libm
// transcendental.
#pragma once

#include <cstdint>
#include <memory>

#include "sim/plant/cable_geometry.hpp"
#include "sim/plant/friction.hpp"
#include "sim/plant/velocity_loop.hpp"

namespace medius::sim {

struct HipDrive;  // sim/plant/hip_drive.hpp

inline constexpr double kPlantStepS = 1e-4;
inline constexpr int kPlantStepsPerTick = 10;

struct CablePlantConfig {
  double reflected_mass_kg = 2.6;
  FrictionConfig drive_friction{5.0, 0.03, 10.0, 1.25, 0.02, 1e5, 300.0};
  double path_mass_kg = 0.35;
  FrictionConfig path_friction{0.3, 0.03, 2.0, 1.1, 0.02, 1e5, 50.0};
  double cable_stiffness_npm = 120e3, cable_damping_nspm = 60.0;
  double cuff_stiffness_npm = 10e3, cuff_damping_nspm = 60.0;
  double drive_lag_s = 0.0008, drive_dead_time_s = 0.0015;
  double torque_gain = 1.02, torque_ripple_n = 1.5, torque_ripple_per_m = 212.0;
  double encoder_quantum_m = 1e-6;
  double load_cell_noise_n = 0.3, load_cell_gain = 1.002, load_cell_offset_n = 0.5;
  double load_cell_lag_s = 0.0008;
  bool load_cell_after_last_pulley = true;  // senses T2; else T1 at the drum
  double drive_speed_limit_mps = 0.0;       // inward, set over the bus; 0 = none
  // Bandwidth of the drive's internal limiter, and the most it brakes with (its rated force).
  double drive_speed_limit_bandwidth_radps = 300.0;
  double drive_brake_force_n = 341.0;
  VelocityLoopConfig drive_velocity_loop;
  // The ball on the cable meets the pulley here (ring position): where homing ends.
  double ball_stop_position_m = -0.60;
  // geometry, frontal plane
  double hip_height_m = 0.93, pulley_height_m = 0.15, pulley_distance_m = 0.9, cuff_radius_m = 0.80;
  std::uint64_t seed = 1;
};

// Leg as a pendulum about the hip.
struct LegConfig {
  double inertia_kgm2 = 2.97;
  double gravity_moment_kgm = 5.23;  // S: sum of mass x distance
  double angle_min_rad = 0.0;        // the other leg or the floor, a stiff stop
  double gravity_turn_rad = 0.0;  // of the leg at angle 0 against the vertical; lying: 90 degrees
};

// Where the energy of a run went. input = stored + dissipated up to the integration error.
struct CableEnergy {
  double motor_j = 0.0;       // work of the motor on the drum
  double person_j = 0.0;      // work of the hip torque or of the rig's drive point
  double dissipated_j = 0.0;  // friction, dampers, stops
  double stored_j = 0.0;      // motion, springs, bristles, the leg's height; relative to the start
};

// What moves the cuff end: a leg driven by a hip torque, or a rig that prescribes motion through an
// impedance, or nothing (released).
enum class CuffEnd : std::uint8_t { kLeg = 0, kRig = 1, kReleased = 2 };

// The plant's truth after a step (forces: those that acted during it), for checkers and reports;
// never visible to the controller.
struct CableTruth {
  double time_s = 0.0;
  double drum_position_m = 0.0, drum_velocity_mps = 0.0;  // x
  double ring_position_m = 0.0, ring_velocity_mps = 0.0;  // y: the cuff ring's travel
  double cuff_position_m = 0.0, cuff_velocity_mps = 0.0;  // ankle end of the cuff, along the cable
  double drum_tension_n = 0.0;                            // T1
  double cuff_tension_n = 0.0;                            // T2: what the person feels
  double motor_force_n = 0.0;                             // after lag and dead time
  double hip_angle_rad = 0.0, hip_velocity_radps = 0.0;
  double cable_moment_arm_m = 0.0;
};

class CablePlant {
 public:
  explicit CablePlant(const CablePlantConfig& config, const LegConfig& leg);
  ~CablePlant();
  CablePlant(CablePlant&&) noexcept;
  CablePlant& operator=(CablePlant&&) noexcept;

  // Command of the drive from now on; dead time, to the nearest 0.1 ms and at most 25.5 ms, and lag
  // follow. Not powered (or NaN): zero at once, because cutting the power needs no telegram.
  void command(double force_n, bool powered) noexcept;
  // Velocity mode from now on, until the next command() of a force. The set point comes late as a
  // force does; the loop itself runs in the drive, every 0.1 ms, without dead time.
  void command(const VelocityCommand& command, bool powered) noexcept;
  // One 0.1 ms step. `hip_torque_nm` acts when the cuff end is the leg.
  void step(double hip_torque_nm) noexcept;
  // A tick of ten steps at once, with the muscles about the hip: the same bits as the steps one by
  // one, sooner. `hip` comes back as the last step left it.
  void step_tick(HipDrive& hip) noexcept;
  // Rig: where the handle should be and how it is held there (used when the cuff end is the rig).
  void set_rig(double position_m, double velocity_mps, double stiffness_npm, double damping_nspm,
               double mass_kg) noexcept;
  // kLeg after a release: a hand brings the cuff back to the ankle at 0.3 m/s and puts it on there.
  void set_cuff_end(CuffEnd end) noexcept;
  // True while the cuff is on the leg, or the rig holds it, and the cable holds the cuff.
  [[nodiscard]] bool cuff_held() const noexcept;
  void set_leg(const LegConfig& leg) noexcept;  // the other side; only with slack tension
  // ... in another posture: the same, from another place.
  void set_leg(const LegConfig& leg, const CableGeometry& geometry) noexcept;
  // The body itself carries the cuff along the cable (a step, a lifted pelvis): how far, how fast.
  void set_body(double position_m, double velocity_mps) noexcept;
  void set_drive_speed_limit(double speed_mps) noexcept;
  // A pulley that rubs with so much more; 0: it runs free again.
  void jam(double extra_friction_n) noexcept;
  // The cable parts at the drum. Mended, the drum is where the cable is, at rest.
  void cut_cable() noexcept;
  void mend_cable() noexcept;

  // Measurements as the drive and the load-cell amplifier would give them.
  [[nodiscard]] double encoder_position_m() const noexcept;
  [[nodiscard]] double encoder_velocity_mps() const noexcept;
  [[nodiscard]] double drive_force_n() const noexcept;  // drive's torque feedback
  [[nodiscard]] double load_cell_n() const noexcept;
  [[nodiscard]] const CableTruth& truth() const noexcept;
  [[nodiscard]] std::uint64_t state_hash() const noexcept;
  // Energy accounts from now on (costs time in every step), and their state.
  void start_energy_accounts() noexcept;
  [[nodiscard]] CableEnergy energy() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace medius::sim
