// The person in the machine: limited torque, activation, delays,
// intrinsic impedance capped at capacity, fatigue, tempo following with variability. Deterministic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "controller/measure/metrics.hpp"
#include "sim/lifter/behaviour.hpp"
#include "sim/lifter/exercise_motion.hpp"
#include "sim/lifter/oscillator.hpp"
#include "sim/lifter/strength.hpp"
#include "sim/plant/body.hpp"
#include "sim/plant/cable_geometry.hpp"
#include "sim/plant/hip_drive.hpp"

namespace medius::sim {

struct LifterConfig {
  Body body;
  Exercise exercise = Exercise::kStandingAbduction;
  double isometric_torque_nm = 128.0;  // tau_0: 1.6 Nm/kg
  double eccentric_plateau = 1.1;
  // Concentric factor 0.777 at 60 deg/s, as isometric over concentric strength is measured (1.29).
  // A single muscle's curvature (0.25-0.35) would give 0.64.
  double max_velocity_radps = 9.0, hill_k = 0.85;
  AngleCurve angle_curve = AngleCurve::kModel;
  double tempo_cv = 0.06, range_cv = 0.04, tremor_fraction = 0.01, sway_m = 0.0;
  bool fatigue = true;
  double fatigue_f = 0.00970, fatigue_r = 0.00091, fatigue_rest = 15.0;
  bool cap_torque = true;     // false: an unlimited person, for negative controls
  double start_rad = 0.05;    // where repetitions start: the foot clear of the other leg
  double range_rad = 0.55;    // intended abduction at the peak
  double range_fade = 0.0;    // of the range, a repetition, once tired
  double start_late_s = 0.0;  // this leg begins each repetition later than it means to
  // The pelvis drops so far, at most, when the effort nears the strength (0-8 degrees are seen).
  double pelvic_drop_max_rad = 0.05;
  // Correction by feeling, late by the reflex loop; 350 Nm/rad is the tense novice.
  double tracking_stiffness_nmprad = 120.0, tracking_damping_nmsprad = 18.0;
  double feedback_delay_s = 0.060;   // at most 0.25
  double voluntary_delay_s = 0.150;  // until a changed load is answered on purpose; at most 0.25
  // The muscles' own impedance about the intended path, without delay; rises with the torque.
  double impedance_nmprad = 40.0, impedance_per_nm = 1.5, impedance_damping_ratio = 0.25;
  double activation_s = 0.015, deactivation_s = 0.050;
  double learning = 0.6;  // share of a repetition's surprise that is remembered
  double cuff_radius_m = 0.80, hip_height_m = 0.93, pulley_height_m = 0.15, pulley_distance_m = 0.9;
  // > 0: the load comes through a pad on this lever, the same at every angle (seated machine);
  // 0: through the cable of the geometry above.
  double pad_lever_m = 0.0;
  double leg_inertia_kgm2 = 2.97, leg_gravity_moment_kgm = 5.23;
  std::uint64_t seed = 1;
};

// What the person means to do; changed between and during sets by the scenario.
struct LifterIntent {
  measure::Tempo tempo{2.0, 1.0, 3.0, 0.0};
  double bottom_s = 0.4;  // least rest at the bottom
  int reps = 8;           // then stands still
  std::vector<Behaviour> events;
};

enum class LifterState : std::uint8_t {
  kRelaxed = 0,  // leg hangs; yields to light tension
  kStanding,     // holds the start position against the tension
  kLifting,      // repetitions
  kDone,         // all repetitions done, stands still
  kFailed,       // could not lift: sinks
};

struct LifterTruth {
  LifterState state = LifterState::kRelaxed;
  int reps_started = 0;
  int reps_completed = 0;  // by the written definitions, on noise-free motion
  double torque_nm = 0.0, capacity_nm = 0.0, fatigue = 0.0, activation = 0.0;
  // The rested person could not carry the load now felt through the whole range, however slowly.
  bool cannot_lift = false;
  // Of the pelvis in the frontal plane; positive: it drops on the side that has no support, which
  // is the leg's that works. Negative: leaning the trunk away has lifted it.
  double pelvic_tilt_rad = 0.0;
  // What the body itself, not the leg, has paid out of the cable (a step, a lifted pelvis).
  double body_m = 0.0, body_mps = 0.0;
  bool lets_go = false;  // from now on until the person relaxes
  double intended_angle_rad = 0.0;
  measure::Phase intended_phase = measure::Phase::kRest;
};

class Lifter {
 public:
  explicit Lifter(const LifterConfig& config);
  ~Lifter();
  Lifter(Lifter&&) noexcept;
  Lifter& operator=(Lifter&&) noexcept;

  // Another exercise, from the next standing up on; only while relaxed.
  void choose(Exercise exercise) noexcept;
  // Takes the start position within a second and holds it.
  void stand() noexcept;
  // Begins once the start position is taken; from kRelaxed it is taken first.
  void start_reps(const LifterIntent& intent) noexcept;
  // While set, the next repetition does not begin: both legs together wait for the slower one.
  void wait_at_bottom(bool wait) noexcept;
  // So much of the strength is left, 0..1, until the leg relaxes or this is called again.
  void weaken(double strength_left) noexcept;
  // The leg goes limp; muscles recover.
  void relax() noexcept;
  // Only while relaxed: so long a rest at once, for a world that jumps over it.
  void rest(double seconds) noexcept;
  // One tick (1 ms): what the person senses (cuff tension, or force of the pad); decides the neural
  // command.
  void tick(double hip_angle_rad, double hip_velocity_radps, double cuff_tension_n) noexcept;
  // Hip torque for one plant step (0.1 ms), impedance included, capped at capacity.
  [[nodiscard]] double torque_nm(double hip_angle_rad, double hip_velocity_radps) noexcept;
  // The same for the ten steps of a tick at once: what the plant drives the hip with, and how it
  // comes back.
  [[nodiscard]] HipDrive hip_drive() const noexcept;
  void take(const HipDrive& hip) noexcept;
  [[nodiscard]] const LifterTruth& truth() const noexcept;
  [[nodiscard]] std::uint64_t state_hash() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// [any] Where hip and pulley are in an exercise.
[[nodiscard]] CableGeometry cable_geometry(const LifterConfig& config, Exercise exercise) noexcept;

// A piece of a scripted movement: minimum jerk to a place, from rest to rest. A pause goes to where
// the handle already is.
struct RigMove {
  double target_m = 0.0;
  double duration_s = 0.0;
};

// A handle moved on minimum-jerk paths with human impedance and no fatigue: the rig of force
// figures.
struct RigConfig {
  measure::Tempo tempo{2.0, 1.0, 3.0, 0.0};
  double bottom_s = 0.4;
  double travel_m = 0.40;
  int reps = 12;
  double stiffness_npm = 4000.0, damping_nspm = 120.0, mass_kg = 4.4;  // human leg at the ankle
  std::vector<RigMove> script;  // instead of repetitions, when there are any
  // What a standing person adds: slow sway (two sines, 0.23 and 0.61 Hz) and a 9 Hz tremor.
  double sway_m = 0.0, tremor_m = 0.0;
  double sway_phase_rad = 0.0;
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
  void enter(measure::Phase phase) noexcept;
  void step_repetition() noexcept;
  void step_script() noexcept;
  void disturb() noexcept;

  RigConfig config_;
  measure::Phase phase_ = measure::Phase::kRest;
  int rep_ = 0;
  std::int64_t phase_step_ = 0, phase_steps_ = 0;
  double position_m_ = 0.0, velocity_mps_ = 0.0;  // of the intended path
  std::size_t move_ = 0;                          // of the script
  double move_from_m_ = 0.0;
  Oscillator slow_sway_, fast_sway_, tremor_;
  double disturbance_m_ = 0.0, disturbance_mps_ = 0.0;
  bool done_ = false;
};

}  // namespace medius::sim
