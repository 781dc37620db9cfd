#include "sim/machine/cable_machine.hpp"

#include "controller/base/clamp.hpp"
#include "controller/base/tick.hpp"

namespace medius::sim {
namespace {

// A post that a cuff is hooked to: stiffer than any person (20 kN/m).
constexpr double kPostStiffnessNpm = 50e3, kPostDampingNspm = 300.0, kPostMassKg = 4.0;
constexpr double kWalkMps = 0.35;  // sideways, under load

std::size_t first_side(const SimulatedStationConfig& config) {
  const auto& plan = config.person.plan;
  return !plan.empty() && plan.front().side == 2 ? 1 : 0;
}

}  // namespace

CableMachine::CableMachine(const SimulatedStationConfig& config)
    : config_(config),
      plant_(config.plant, config.person.leg[first_side(config)]),
      person_(config.person),
      rig_(config.rig_config),
      leg_side_(first_side(config)) {
  if (config.rig) {
    plant_.set_cuff_end(CuffEnd::kRig);
  } else {
    follow_person();
  }
}

void CableMachine::step_plant(const SimulatedDrive& drive) {
  if (drive.velocity_mode()) {
    plant_.command(drive.velocity_command(), drive.powered());
  } else {
    plant_.command(drive.force_n(), drive.powered());
  }
  plant_.set_drive_speed_limit(drive.speed_limit_mps());
  if (config_.rig) {
    step_rig();
  } else if (released_) {
    HipDrive limp;
    plant_.step_tick(limp);
  } else {
    HipDrive hip = person_.hip_drive(leg_side_);
    plant_.step_tick(hip);
    person_.take(leg_side_, hip);
  }
}

void CableMachine::step_rig() {
  for (int i = 0; i < kPlantStepsPerTick; ++i) {
    if (rig_started_) rig_.step();
    plant_.set_rig(rig_.position_m(), rig_.velocity_mps(), config_.rig_config.stiffness_npm,
                   config_.rig_config.damping_nspm, config_.rig_config.mass_kg);
    plant_.step(0.0);
  }
}

void CableMachine::step_tick(std::span<const SimulatedDrive> drives) {
  step_plant(drives.front());
  const CableTruth& truth = plant_.truth();
  if (config_.rig) {
    if (rig_started_ && rig_.done()) sets_.end();
  } else if (!released_) {
    LegSenses senses{};  // the other leg rests
    senses[leg_side_] = {truth.hip_angle_rad, truth.hip_velocity_radps, truth.cuff_tension_n,
                         truth.ring_velocity_mps};
    person_.tick(senses, {&sets_, &sets_});
    follow_person();
  }
  sets_.step(truth);
}

void CableMachine::follow_person() {
  if (person_.side() != leg_side_ || person_.exercise() != exercise_) {
    leg_side_ = person_.side();
    exercise_ = person_.exercise();
    LegConfig leg = config_.person.leg[leg_side_];
    leg.gravity_turn_rad = motion_of(exercise_).gravity_turn_rad;
    plant_.set_leg(leg, cable_geometry(config_.person.lifter[leg_side_], exercise_));
  }
  const LifterTruth& lifter = person_.lifter_truth(leg_side_);
  const double walk_mps = walk();
  plant_.set_body(lifter.body_m + walked_m_, lifter.body_mps + walk_mps);
  if (lifter.lets_go) release(0);
}

AxisReading CableMachine::reading(std::size_t) const {
  return {plant_.encoder_position_m(), plant_.encoder_velocity_mps(), plant_.drive_force_n(),
          plant_.load_cell_n()};
}

HandleTruth CableMachine::handle(std::size_t) const {
  const CableTruth& truth = plant_.truth();
  return {truth.ring_position_m,
          truth.ring_velocity_mps,
          truth.cuff_tension_n,
          truth.motor_force_n,
          1.0,
          truth.drum_velocity_mps};
}

void CableMachine::release(std::size_t) {
  if (released_) return;
  released_ = true;
  person_.let_go({&sets_, &sets_});
  plant_.set_cuff_end(CuffEnd::kReleased);
}

void CableMachine::grip(std::size_t) {
  if (!released_) return;
  released_ = false;
  plant_.set_cuff_end(config_.rig ? CuffEnd::kRig : CuffEnd::kLeg);
}

bool CableMachine::suffer(Mishap mishap, std::size_t, double amount) {
  switch (mishap) {
    case Mishap::kNone:
      plant_.jam(0.0);
      plant_.mend_cable();
      person_.weaken(leg_side_, 1.0);
      walk_to_m_ = 0.0;
      grip(0);
      return true;
    case Mishap::kJam:
      plant_.jam(amount);
      return true;
    case Mishap::kCableCut:
      plant_.cut_cable();
      return true;
    case Mishap::kHooked:
      release(0);
      plant_.set_cuff_end(CuffEnd::kRig);
      plant_.set_rig(plant_.truth().cuff_position_m, 0.0, kPostStiffnessNpm, kPostDampingNspm,
                     kPostMassKg);
      return true;
    case Mishap::kWeak:
      person_.weaken(leg_side_, amount);
      return true;
    case Mishap::kWalksIn:
      walk_to_m_ = -amount;
      return true;
    case Mishap::kStopsLifting:
      person_.stop_lifting();
      return true;
  }
  return false;
}

// Where the person has walked along the cable: calm steps, there and back.
double CableMachine::walk() {
  const double step_m = kWalkMps * kTickPeriodS;
  const double before_m = walked_m_;
  walked_m_ = clamped(walk_to_m_, walked_m_ - step_m, walked_m_ + step_m);
  return (walked_m_ - before_m) / kTickPeriodS;
}

void CableMachine::start_rig() {
  if (!config_.rig || rig_started_) return;
  rig_started_ = true;
  rig_.start();
  sets_.begin(0, config_.rig_config.reps);
}

bool CableMachine::held(std::size_t) const {
  return plant_.cuff_held();
}

}  // namespace medius::sim
