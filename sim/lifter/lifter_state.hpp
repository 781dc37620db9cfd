// Everything a person is at a moment: intention, expectation, nerves, muscle. Shared by the two
// halves of the lifter, nobody else.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"
#include "controller/base/random.hpp"
#include "controller/base/tick.hpp"
#include "sim/lifter/behaviour.hpp"
#include "sim/lifter/exercise_motion.hpp"
#include "sim/lifter/lifter.hpp"
#include "sim/lifter/oscillator.hpp"
#include "sim/lifter/rep_counter.hpp"
#include "sim/plant/cable_geometry.hpp"

namespace medius::sim {

inline constexpr double kLifterTickS = kTickPeriodS;
inline constexpr double kGravityMps2 = 9.81;

// A value as it was some ticks ago.
class Delay {
 public:
  explicit Delay(double delay_s) noexcept
      : ticks_(static_cast<std::size_t>(clamped(delay_s / kLifterTickS + 0.5, 0.0, kSlots - 1.0))) {
  }
  double push(double value) noexcept {
    ++at_;
    values_[at_ % kSlots] = value;
    return values_[(at_ - ticks_) % kSlots];
  }

 private:
  static constexpr std::size_t kSlots = 256;
  std::size_t ticks_;
  std::size_t at_ = kSlots;
  std::array<double, kSlots> values_{};
};

// One piece of a phase, from rest to rest, and the intended way along it.
struct Move {
  double to_rad = 0.0, to_body_m = 0.0;
  double duration_s = 1.0;
};
struct Path {
  double from_rad = 0.0, from_body_m = 0.0;
  Move move;
  double progress = 1.0;  // 0..1
};

[[nodiscard]] inline std::size_t phase_slot(measure::Phase phase) noexcept {
  return static_cast<std::size_t>(phase);
}

struct Lifter::State {
  explicit State(const LifterConfig& config);
  void choose(Exercise exercise) noexcept;

  // Travel and moment arm of what the load acts through.
  [[nodiscard]] CableAtAngle load_at(double at_rad) const noexcept {
    if (config.pad_lever_m > 0.0) return {config.pad_lever_m * at_rad, config.pad_lever_m};
    return load_at(at_rad, det::sin_cos(at_rad));
  }
  [[nodiscard]] CableAtAngle load_at(double at_rad, const det::SinCos& at) const noexcept {
    if (config.pad_lever_m > 0.0) return {config.pad_lever_m * at_rad, config.pad_lever_m};
    return cable_at(geometry, at.sin, at.cos);
  }
  [[nodiscard]] double gravity_nm(const det::SinCos& at) const noexcept {
    return config.leg_gravity_moment_kgm * kGravityMps2 *
           (at.sin * gravity_turn.cos + at.cos * gravity_turn.sin);
  }
  [[nodiscard]] BodyPlace place(double at_height) const noexcept {
    return place_at(motion, config.start_rad, range_rad, at_height);
  }

  // Intention.
  void enter(measure::Phase to_phase) noexcept;
  void add_move(const Move& move) noexcept;
  void add_height(double to_height, double duration_s) noexcept;
  void stay(double duration_s, measure::Phase to_phase) noexcept;
  void go_to_height(double to_height, double duration_s, measure::Phase to_phase) noexcept;
  void begin_move() noexcept;
  void begin_rep() noexcept;
  void stand_on() noexcept;
  void next_phase() noexcept;
  void follow_path() noexcept;
  void watch_effort(double velocity_radps) noexcept;
  void give_up() noexcept;
  // Events.
  [[nodiscard]] const Behaviour* planned_event(measure::Phase at_phase) const noexcept;
  void fire_events() noexcept;
  void fire(const Behaviour& event) noexcept;
  void forget_events() noexcept;
  // Expectation of the load.
  void feel(double tension_n) noexcept;
  void learn() noexcept;
  [[nodiscard]] bool too_heavy(double load_n) const noexcept;
  // Muscle.
  void drive_muscle(double velocity_radps) noexcept;
  void limit_muscle(double velocity_radps) noexcept;
  void tilt_pelvis(double demand_nm) noexcept;
  void rest() noexcept;
  void count(double velocity_radps) noexcept;
  void tire(double demand_nm, double possible_nm) noexcept;
  [[nodiscard]] double varied(double value, double cv) noexcept;
  // Without muscle: relaxed, or having given up and arrived at the bottom.
  [[nodiscard]] bool limp() const noexcept {
    return truth.state == LifterState::kRelaxed ||
           (truth.state == LifterState::kFailed && arrived());
  }
  [[nodiscard]] bool arrived() const noexcept {
    return path.progress >= 1.0 && next_move == move_count;
  }
  [[nodiscard]] double resting_angle() const noexcept;
  [[nodiscard]] double bottom_s() const noexcept {
    return intent.tempo.bottom_s > intent.bottom_s ? intent.tempo.bottom_s : intent.bottom_s;
  }

  LifterConfig config;
  VelocityCurve curve;
  FatigueConfig fatigue_rates;
  CableGeometry geometry;
  ExerciseMotion motion;
  det::SinCos gravity_turn{0.0, 1.0};
  double range_rad = 0.0;  // intended at the peak of the exercise
  Random random, event_random;
  double full_rise_m = 0.0, rest_length_m = 0.0;

  LifterTruth truth;
  LifterIntent intent;
  bool reps_wanted = false, waits_at_bottom = false;
  measure::Phase phase = measure::Phase::kRest;
  double height = 0.0;  // of the last intended place: 0 bottom, 1 peak
  bool turns_back = false;
  // Moves of the phase under way: a plan's, each cut in two where the body hands over to the leg.
  std::array<Move, 2 * HeightPlan::kMost> moves{};
  std::size_t move_count = 0, next_move = 0;
  Path path;
  double phase_s = 0.0, planned_s = 0.0, sinking_s = 0.0;
  double reference_rad = 0.0, reference_radps = 0.0, reference_radps2 = 0.0;

  double angle_rad = 0.0;  // sensed at the last tick
  Delay delayed_angle_error, delayed_velocity_error, delayed_tension;
  double felt_n = 0.0, expected_n = 0.0, expected_before_n = 0.0;
  std::array<double, 5> learned_n{};  // by phase
  double tension_sum_n = 0.0;
  int tension_count = 0;
  RepCounter counter;

  // What an event does for a while.
  double spasm_nm = 0.0, spasm_s = 0.0;
  double stiffening = 1.0, stiffening_s = 0.0;
  double strength_left = 1.0;
  double event_tilt_rad = 0.0;

  FatigueState fatigue;
  double activation = 0.0;
  Oscillator tremor;
  std::array<Oscillator, 2> sway;
  // Held during a tick for the plant's steps.
  double muscle_nm = 0.0, stiffness_nmprad = 0.0, damping_nmsprad = 0.0;
  double step_reference_rad = 0.0;
  double most_nm = 0.0, least_nm = 0.0, passive_nm = 0.0;
};

}  // namespace medius::sim
