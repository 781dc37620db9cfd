#include "sim/lifter/lifter.hpp"
#include "sim/lifter/strength.hpp"
#include "sim/plant/cable_plant.hpp"

namespace medius::sim {
namespace {

// A phase of no duration takes one step.
std::int64_t steps_of(double seconds) noexcept {
  const double steps = seconds / kPlantStepS + 0.5;
  return steps > 1.0 ? static_cast<std::int64_t>(steps) : 1;
}

// Slow enough for a stance, and no multiples of each other.
constexpr double kSlowSwayHz = 0.23, kFastSwayHz = 0.61, kTremorHz = 9.0;
constexpr double kSlowShare = 0.7;  // of the sway

}  // namespace

MotionRig::MotionRig(const RigConfig& config)
    : config_(config),
      slow_sway_(kSlowSwayHz, config.sway_phase_rad, kPlantStepS),
      fast_sway_(kFastSwayHz, 2.0 * config.sway_phase_rad, kPlantStepS),
      tremor_(kTremorHz, 3.0 * config.sway_phase_rad, kPlantStepS) {}

void MotionRig::start() noexcept {
  rep_ = 0;
  done_ = false;
  position_m_ = velocity_mps_ = 0.0;
  move_ = 0;
  move_from_m_ = 0.0;
  phase_step_ = 0;
  if (config_.script.empty()) {
    enter(measure::Phase::kConcentric);
  } else {
    phase_ = measure::Phase::kBottom;
    phase_steps_ = steps_of(config_.script.front().duration_s);
  }
}

void MotionRig::enter(measure::Phase phase) noexcept {
  using measure::Phase;
  phase_ = phase;
  phase_step_ = 0;
  const measure::Tempo& tempo = config_.tempo;
  switch (phase) {
    case Phase::kConcentric:
      if (rep_ >= config_.reps) {
        phase_ = Phase::kRest;
        done_ = true;
        return;
      }
      phase_steps_ = steps_of(tempo.concentric_s);
      return;
    case Phase::kHold:
      position_m_ = config_.travel_m;
      phase_steps_ = steps_of(tempo.hold_s);
      return;
    case Phase::kEccentric:
      phase_steps_ = steps_of(tempo.eccentric_s);
      return;
    case Phase::kBottom:
      position_m_ = 0.0;
      phase_steps_ =
          steps_of(tempo.bottom_s > config_.bottom_s ? tempo.bottom_s : config_.bottom_s);
      ++rep_;
      return;
    default:
      return;
  }
}

void MotionRig::step() noexcept {
  if (phase_ == measure::Phase::kRest) return;
  if (config_.script.empty()) {
    step_repetition();
  } else {
    step_script();
  }
  if (config_.sway_m > 0.0 || config_.tremor_m > 0.0) disturb();
}

void MotionRig::disturb() noexcept {
  const double last_m = disturbance_m_;
  disturbance_m_ =
      config_.sway_m * (kSlowShare * slow_sway_.next() + (1.0 - kSlowShare) * fast_sway_.next()) +
      config_.tremor_m * tremor_.next();
  disturbance_mps_ = (disturbance_m_ - last_m) / kPlantStepS;
}

void MotionRig::step_script() noexcept {
  using measure::Phase;
  ++phase_step_;
  const RigMove& move = config_.script[move_];
  const double way_m = move.target_m - move_from_m_;
  const double duration_s = static_cast<double>(phase_steps_) * kPlantStepS;
  const MinimumJerk path =
      minimum_jerk(static_cast<double>(phase_step_) / static_cast<double>(phase_steps_));
  position_m_ = move_from_m_ + way_m * path.position;
  velocity_mps_ = way_m * path.velocity / duration_s;
  if (way_m != 0.0) phase_ = way_m > 0.0 ? Phase::kConcentric : Phase::kEccentric;
  if (phase_step_ < phase_steps_) return;
  position_m_ = move_from_m_ = move.target_m;
  velocity_mps_ = 0.0;
  phase_step_ = 0;
  if (++move_ == config_.script.size()) {
    phase_ = Phase::kRest;
    done_ = true;
    return;
  }
  phase_ = phase_ == Phase::kConcentric || phase_ == Phase::kHold ? Phase::kHold : Phase::kBottom;
  phase_steps_ = steps_of(config_.script[move_].duration_s);
}

void MotionRig::step_repetition() noexcept {
  using measure::Phase;
  ++phase_step_;
  const double duration_s = static_cast<double>(phase_steps_) * kPlantStepS;
  const MinimumJerk path =
      minimum_jerk(static_cast<double>(phase_step_) / static_cast<double>(phase_steps_));
  if (phase_ == Phase::kConcentric) {
    position_m_ = config_.travel_m * path.position;
    velocity_mps_ = config_.travel_m * path.velocity / duration_s;
  } else if (phase_ == Phase::kEccentric) {
    position_m_ = config_.travel_m * (1.0 - path.position);
    velocity_mps_ = -config_.travel_m * path.velocity / duration_s;
  } else {
    velocity_mps_ = 0.0;
  }
  if (phase_step_ < phase_steps_) return;
  switch (phase_) {
    case Phase::kConcentric:
      enter(Phase::kHold);
      return;
    case Phase::kHold:
      enter(Phase::kEccentric);
      return;
    case Phase::kEccentric:
      enter(Phase::kBottom);
      return;
    default:
      enter(Phase::kConcentric);
      return;
  }
}

double MotionRig::position_m() const noexcept {
  return position_m_ + disturbance_m_;
}
double MotionRig::velocity_mps() const noexcept {
  return velocity_mps_ + disturbance_mps_;
}
bool MotionRig::done() const noexcept {
  return done_;
}
measure::Phase MotionRig::phase() const noexcept {
  return phase_;
}

}  // namespace medius::sim
