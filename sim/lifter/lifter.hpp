// The person in the machine (reference/control.md section 3): limited torque, activation, delays,
// intrinsic impedance capped at capacity, fatigue, tempo following with variability. Deterministic.
#pragma once

#include <cstdint>
#include <memory>

#include "controller/measure/metrics.hpp"

namespace medius::sim {

struct LifterConfig {
  double body_mass_kg = 80.0;
  double isometric_torque_nm = 128.0;  // tau_0: 1.6 Nm/kg
  double eccentric_plateau = 1.1;
  double max_velocity_radps = 9.0, hill_k = 0.30;
  double tempo_cv = 0.06, range_cv = 0.04, tremor_fraction = 0.01, sway_m = 0.0;
  bool fatigue = true;
  double fatigue_f = 0.00970, fatigue_r = 0.00091, fatigue_rest = 15.0;
  double range_rad = 0.55;             // intended abduction
  double cuff_radius_m = 0.80, hip_height_m = 0.93, pulley_height_m = 0.15, pulley_distance_m = 0.9;
  double leg_inertia_kgm2 = 2.97, leg_gravity_moment_kgm = 5.23;
  std::uint64_t seed = 1;
};

// What the person means to do; changed between and during sets by the scenario.
struct LifterIntent {
  measure::Tempo tempo{2.0, 1.0, 3.0, 0.0};
  double bottom_s = 0.4;               // least rest at the bottom
  int reps = 8;                        // then stands still
};

enum class LifterState : std::uint8_t {
  kRelaxed = 0,   // leg hangs; yields to light tension
  kStanding,      // holds the start position against the tension
  kLifting,       // repetitions
  kDone,          // all repetitions done, stands still
  kFailed,        // could not lift: sinks
};

struct LifterTruth {
  LifterState state = LifterState::kRelaxed;
  int reps_started = 0;
  int reps_completed = 0;              // by the written definitions, on noise-free motion
  double torque_nm = 0.0, capacity_nm = 0.0, fatigue = 0.0, activation = 0.0;
  bool cannot_lift = false;
};

class Lifter {
 public:
  explicit Lifter(const LifterConfig& config);
  ~Lifter();
  Lifter(Lifter&&) noexcept;
  Lifter& operator=(Lifter&&) noexcept;

  void stand() noexcept;                                  // take the start position and hold it
  void start_reps(const LifterIntent& intent) noexcept;   // after standing
  void relax() noexcept;
  // One tick (1 ms): what the person senses; decides the neural command.
  void tick(double hip_angle_rad, double hip_velocity_radps, double cuff_tension_n) noexcept;
  // Hip torque for one plant step (0.1 ms), impedance included, capped at capacity.
  [[nodiscard]] double torque_nm(double hip_angle_rad, double hip_velocity_radps) noexcept;
  [[nodiscard]] const LifterTruth& truth() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A handle moved on minimum-jerk paths with human impedance and no fatigue: the rig of force figures.
struct RigConfig {
  measure::Tempo tempo{2.0, 1.0, 3.0, 0.0};
  double bottom_s = 0.4;
  double travel_m = 0.40;
  int reps = 12;
  double stiffness_npm = 4000.0, damping_nspm = 120.0, mass_kg = 4.4;  // human leg at the ankle
};

class MotionRig {
 public:
  explicit MotionRig(const RigConfig& config);
  void start() noexcept;
  // Where the handle should be after one more plant step.
  void step() noexcept;
  [[nodiscard]] double position_m() const noexcept;
  [[nodiscard]] double velocity_mps() const noexcept;
  [[nodiscard]] bool done() const noexcept;
  [[nodiscard]] measure::Phase phase() const noexcept;  // prescribed phase, truth for the figures

 private:
  RigConfig config_;
  std::int64_t steps_ = -1;
};

}  // namespace medius::sim
