// The seated hip-abduction machine's physics at 10 kHz: drive with dead time and lag, gear with
// LuGre friction, lever arm between two hard stops, and one or two legs that lie against its pads.
// A leg can leave its pad, the pad never pulls. Two arms of their own are two of these with one leg
// each; arms that are linked mechanically are one with two. Angles in rad, growing in abduction; SI
// units. Deterministic: no libm transcendental.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "sim/plant/cable_plant.hpp"

namespace medius::sim {

inline constexpr int kMostLegs = 2;

struct LeverPlantConfig {
  int legs = 1;  // 2: the pads of both legs sit on one motor
  // Arm, pad and gear as seen at the hip's axis; linked arms: of both.
  double arm_inertia_kgm2 = 0.5;  // 0.3-1.0 an arm, 2-7 kg at the pad
  double pad_lever_m = 0.38;      // axis to pad; 0.35-0.42
  // A gear's 6.6 N, 3 % and 10 N s/m at the pad, as torques about the axis.
  FrictionConfig gear_friction{2.5, 0.03, 1.5, 1.25, 0.05, 14e3, 43.0};
  // Padded roller and thigh: between a strap on tissue (3-20 kN/m) and a rigid post.
  double pad_stiffness_npm = 10e3, pad_damping_nspm = 60.0;
  // Thigh on its seat, foot on its rest (assumption). Without it a leg whose pad only touches it
  // rocks on the reflexes that hold it.
  double seat_damping_nmsprad = 4.0;
  double inner_stop_rad = -0.0873, outer_stop_rad = 0.8727;  // -5 and +50 degrees
  // The arms' plane is horizontal; a floor that tips it sideways leaves g S sin(tilt) of the arm.
  double tilt_rad = 0.0;
  double arm_moment_kgm = 2.6;  // S: 0.9 Nm at 2 degrees
  double drive_lag_s = 0.0008, drive_dead_time_s = 0.0015;
  double torque_gain = 1.02, torque_ripple_nm = 0.57, torque_ripple_per_rad = 80.0;
  double encoder_quantum_rad = 2.4e-6;  // 17 bits behind a gear of 20
  // Pad load cells, as torque about the axis: 0.3 N and 0.5 N at the pad.
  double load_cell_noise_nm = 0.114, load_cell_gain = 1.002, load_cell_offset_nm = 0.19;
  double load_cell_lag_s = 0.0008;
  // Bandwidth of the drive's internal speed limiter, and the most it brakes with (rated torque).
  double drive_speed_limit_bandwidth_radps = 300.0;
  double drive_brake_torque_nm = 130.0;
  VelocityLoopConfig drive_velocity_loop;
  std::uint64_t seed = 1;
};

// Where the energy of a run went. input = stored + dissipated up to the integration error.
struct LeverEnergy {
  double motor_j = 0.0;       // work of the motor on the arm
  double person_j = 0.0;      // work of the hips
  double dissipated_j = 0.0;  // friction, dampers, stops
  double stored_j = 0.0;      // motion, springs, bristles, height; relative to the start
};

// The plant's truth after a step (forces: those that acted during it), for checkers and reports;
// never visible to the controller.
struct LeverTruth {
  struct Leg {
    double angle_rad = 0.0, velocity_radps = 0.0;
    double pad_force_n = 0.0;    // what the thigh feels
    double pad_torque_nm = 0.0;  // the same about the hip
  };
  double time_s = 0.0;
  double arm_angle_rad = 0.0, arm_velocity_radps = 0.0;
  double motor_torque_nm = 0.0;  // after lag and dead time; positive pushes inward
  std::array<Leg, kMostLegs> leg{};
};

class LeverPlant {
 public:
  // `legs` beyond the configured count are not looked at.
  LeverPlant(const LeverPlantConfig& config, const std::array<LegConfig, kMostLegs>& legs);
  ~LeverPlant();
  LeverPlant(LeverPlant&&) noexcept;
  LeverPlant& operator=(LeverPlant&&) noexcept;

  // Command of the drive from now on; dead time, to the nearest 0.1 ms and at most 25.5 ms, and lag
  // follow. Not powered (or NaN): zero at once, because cutting the power needs no telegram.
  void command(double torque_nm, bool powered) noexcept;
  // Velocity mode (rad/s, Nm) from now on, until the next command() of a torque.
  void command(const VelocityCommand& command, bool powered) noexcept;
  // One 0.1 ms step with the torque of each hip.
  void step(const std::array<double, kMostLegs>& hip_torque_nm) noexcept;
  // A tick of ten steps of two arms with a leg each: the same bits as the steps one by one, sooner.
  // The arms take turns: a step waits for its own last one, and the other arm's fills the wait. The
  // hips come back as the last step left them.
  static void step_tick(LeverPlant& left, HipDrive& left_hip, LeverPlant& right,
                        HipDrive& right_hip) noexcept;
  // False: the leg has left the machine and no pad meets it. True again: it is put back inside the
  // pad, at rest.
  void set_leg_in_place(int leg, bool in_place) noexcept;
  void set_drive_speed_limit(double speed_radps) noexcept;  // inward; 0 = none
  // A gear that rubs with so much more; 0: it runs free again.
  void jam(double extra_friction_nm) noexcept;

  // Measurements as the drive and the load-cell amplifiers would give them.
  [[nodiscard]] double encoder_position_rad() const noexcept;
  [[nodiscard]] double encoder_velocity_radps() const noexcept;
  [[nodiscard]] double drive_torque_nm() const noexcept;  // drive's torque feedback
  [[nodiscard]] double load_cell_nm(int leg) const noexcept;
  [[nodiscard]] const LeverTruth& truth() const noexcept;
  [[nodiscard]] std::uint64_t state_hash() const noexcept;
  // Energy accounts from now on (costs time in every step), and their state.
  void start_energy_accounts() noexcept;
  [[nodiscard]] LeverEnergy energy() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace medius::sim
