// Everything a cable plant is at a moment. Shared by its two halves, nobody else: cable_step.cpp
// moves it, cable_plant.cpp is what the outside sees of it.
#pragma once

#include <array>
#include <cstdint>

#include "controller/base/det_math.hpp"
#include "controller/base/random.hpp"
#include "sim/plant/cable_geometry.hpp"
#include "sim/plant/cable_plant.hpp"
#include "sim/plant/friction.hpp"
#include "sim/plant/phasor.hpp"
#include "sim/plant/velocity_loop.hpp"

namespace medius::sim {

inline constexpr double kGravity = 9.81;

// Power of two above the largest dead time worth simulating (20 ms).
inline constexpr std::uint32_t kDelaySlots = 256;

// A shoe against the other leg or the floor: 60 Nm sinks in by 3 mm at the ankle; damping ratio
// 0.3.
inline constexpr double kLegStopStiffness = 2e4;  // Nm/rad
inline constexpr double kLegStopDamping = 150.0;  // Nm s/rad
// A rubber ball against a pulley's housing.
inline constexpr double kBallStiffness = 50e3;  // N/m
inline constexpr double kBallDamping = 100.0;   // N s/m

// An empty cuff, and how it drags on the floor.
inline constexpr double kCuffMass = 0.25;  // kg
inline constexpr double kCuffDrag = 2.0;   // N s/m

struct Body1D {
  double position = 0.0, velocity = 0.0;
};

enum class End : std::uint8_t { kLeg, kRig, kReleased, kHand };

// What holds a cuff that is not on the leg.
struct Holder {
  double position_m = 0.0, velocity_mps = 0.0;
  double stiffness_npm = 0.0, damping_nspm = kCuffDrag, mass_kg = kCuffMass;
};

// What changes with every step. A whole tick of the usual case works on a copy of it, which nothing
// else can see and the compiler may keep in registers.
struct CableMoving {
  std::uint64_t steps = 0;
  double current_n = 0.0, ripple_n = 0.0, motor_n = 0.0;  // of the drive
  Phasor ripple;
  Body1D drum, path, cuff, leg_cuff, body;
  FrictionState drive_bristles, path_bristles;
  double angle_rad = 0.0, angular_velocity = 0.0, moment_arm_m = 0.0;
  Phasor leg_phasor;
  std::int64_t encoder_counts = 0;
  double encoder_velocity_mps = 0.0;
  double cell_filtered_n = 0.0;
  double drum_tension_n = 0.0, cuff_tension_n = 0.0;  // of the last step
};

struct CablePlant::State : CableMoving {
  State(const CablePlantConfig& c, const LegConfig& l);

  // A step of any case, or of the usual one: the cuff on the leg, the drive in force mode, nobody
  // keeps accounts.
  enum class Case : std::uint8_t { kAny, kAccounts, kUsual };
  template <Case kCase>
  void advance(CableMoving& m, double hip_torque_nm) noexcept;
  [[nodiscard]] bool usual() const noexcept {
    return end == End::kLeg && !accounts && !velocity_loop.on();
  }
  template <Case kCase>
  void advance_drive(CableMoving& m) noexcept;
  void advance_leg(CableMoving& m, double hip_torque_nm, double cable_torque_nm,
                   double& stop_nm) const noexcept;
  void follow_leg(CableMoving& m) const noexcept;
  void advance_holder(double tension_n) noexcept;
  void advance_hand() noexcept;
  void advance_sensors(CableMoving& m) const noexcept;
  void turn_ripple(CableMoving& m) const noexcept;
  void end_millisecond() noexcept;
  void update_truth() noexcept;
  void hang_leg() noexcept;
  void take_cuff() noexcept;
  [[nodiscard]] double stored_energy() const noexcept;

  // What acted in a step, for the accounts.
  struct Step {
    double drum_tension, cuff_tension, ball, stop_torque, hip_torque;
    double drum_velocity, path_velocity, cuff_velocity, leg_velocity;  // at the start
    double cable_stretch, cuff_stretch, ball_depth, leg_depth;
    double holder_gap, holder_rate;
    End end;
    FrictionForce drive, path;
  };
  void account(const Step& step) noexcept;

  CablePlantConfig config;
  LegConfig leg;
  CableGeometry geometry;
  FrictionModel drive_friction, path_friction;
  VelocityLoop velocity_loop;
  Random random;
  double rest_length_m = 0.0;
  double drive_share = 1.0, cell_share = 1.0, velocity_share = 1.0;
  double encoder_quantum_m = 1e-6, inverse_quantum = 1e6, ripple_per_m = 0.0;
  std::uint32_t dead_time_steps = 0;
  double speed_limit_mps = 0.0, speed_limit_gain = 0.0;
  double drum_share = 0.0, path_share = 0.0, leg_share = 0.0;  // step over mass or inertia
  double gravity_nm = 0.0;                                     // of the leg, held out level

  double command_n = 0.0;
  bool powered = false;
  std::array<double, kDelaySlots> sent{};
  det::SinCos gravity_turn;
  End end = End::kLeg;
  Holder holder;
  double cell_noise_n = 0.0;

  CableTruth truth;
  bool accounts = false;
  CableEnergy energy;
  double stored_at_start_j = 0.0;
  bool cable_cut = false;
  double whole_stiffness_npm = 0.0, whole_damping_nspm = 0.0;  // of the cable, while it is cut
};

}  // namespace medius::sim
