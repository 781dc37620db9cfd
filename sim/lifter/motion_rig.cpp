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

}  // namespace

MotionRig::MotionRig(const RigConfig& config) : config_(config) {}

void MotionRig::start() noexcept {
  rep_ = 0;
  done_ = false;
  position_m_ = velocity_mps_ = 0.0;
  enter(measure::Phase::kConcentric);
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
  using measure::Phase;
  if (phase_ == Phase::kRest) return;
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
  return position_m_;
}
double MotionRig::velocity_mps() const noexcept {
  return velocity_mps_;
}
bool MotionRig::done() const noexcept {
  return done_;
}
measure::Phase MotionRig::phase() const noexcept {
  return phase_;
}

}  // namespace medius::sim
