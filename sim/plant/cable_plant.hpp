// The cable station's physics at 10 kHz (reference/control.md section 2): drive with dead time and lag,
// LuGre friction, elastic cable, cable-path mass, cuff and tissue, slack, load cell, encoder, geometry
// from pulley to ankle, leg inertia and gravity. SI units. Deterministic: no libm transcendental.
#pragma once

#include <cstdint>
#include <memory>

#include "hal/image/machine_image.hpp"

namespace medius::sim {

inline constexpr double kPlantStepS = 1e-4;
inline constexpr int kPlantStepsPerTick = 10;

// Coulomb + load-dependent + Stribeck + viscous friction with LuGre presliding.
struct FrictionConfig {
  double coulomb_n = 0.0;
  double load_fraction = 0.0;       // of the tension
  double viscous_nspm = 0.0;
  double stribeck_ratio = 1.0;      // breakaway over Coulomb
  double stribeck_velocity_mps = 0.02;
  double bristle_stiffness_npm = 1e5;
  double bristle_damping_nspm = 0.0;
};

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
  bool load_cell_after_last_pulley = true;   // senses T2; else T1 at the drum
  double drive_speed_limit_mps = 0.0;        // set over the bus; 0 = none
  // geometry, frontal plane (control.md 2.3)
  double hip_height_m = 0.93, pulley_height_m = 0.15, pulley_distance_m = 0.9, cuff_radius_m = 0.80;
  std::uint64_t seed = 1;
};

// Leg as a pendulum about the hip.
struct LegConfig {
  double inertia_kgm2 = 2.97;
  double gravity_moment_kgm = 5.23;   // S: sum of mass x distance
  double angle_min_rad = 0.0;         // the other leg or the floor, a stiff stop
};

// What moves the cuff end: a leg driven by a hip torque, or a rig that prescribes motion through an
// impedance, or nothing (released).
enum class CuffEnd : std::uint8_t { kLeg = 0, kRig = 1, kReleased = 2 };

// The plant's truth, for checkers and reports; never visible to the controller.
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

  // Command of the drive from now on (dead time and lag follow). Zero when not powered.
  void command(double force_n, bool powered) noexcept;
  // One 0.1 ms step. `hip_torque_nm` acts when the cuff end is the leg.
  void step(double hip_torque_nm) noexcept;
  // Rig: where the handle should be and how it is held there (used when the cuff end is the rig).
  void set_rig(double position_m, double velocity_mps, double stiffness_npm, double damping_nspm,
               double mass_kg) noexcept;
  void set_cuff_end(CuffEnd end) noexcept;
  void set_leg(const LegConfig& leg) noexcept;          // the other side; only with slack tension
  void set_drive_speed_limit(double speed_mps) noexcept;

  // Measurements as the drive and the load-cell amplifier would give them.
  [[nodiscard]] double encoder_position_m() const noexcept;
  [[nodiscard]] double encoder_velocity_mps() const noexcept;
  [[nodiscard]] double drive_force_n() const noexcept;  // drive's torque feedback
  [[nodiscard]] double load_cell_n() const noexcept;
  [[nodiscard]] const CableTruth& truth() const noexcept;
  [[nodiscard]] std::uint64_t state_hash() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace medius::sim
