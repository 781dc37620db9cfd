#include "sim/machine/seated_machine.hpp"

#include "controller/base/trace_hash.hpp"

namespace medius::sim {
namespace {

LeverPlantConfig arm(const SimulatedStationConfig& config, std::size_t axis) {
  LeverPlantConfig lever = config.lever;
  lever.seed += axis;
  return lever;
}

// The plan's loads are torques; a person feels the pad.
PersonConfig felt_at_the_pad(PersonConfig person, double pad_lever_m) {
  for (PlannedSet& set : person.plan) set.load_n /= pad_lever_m;
  return person;
}

}  // namespace

SeatedMachine::SeatedMachine(const SimulatedStationConfig& config)
    : pad_lever_m_(config.lever.pad_lever_m),
      use_rig_(config.rig),
      rig_config_(config.rig_config),
      rig_offset_m_(config.rig_offset_m),
      rig_(config.rig_config),
      plants_{LeverPlant(arm(config, 0), {config.person.leg[0], {}}),
              LeverPlant(arm(config, 1), {config.person.leg[1], {}})},
      person_(felt_at_the_pad(config.person, config.lever.pad_lever_m)) {}

void SeatedMachine::start_rig() {
  if (!use_rig_ || rig_started_) return;
  rig_started_ = true;
  rig_.start();
  for (SetTruthTracker& set : sets_) set.begin(0, rig_config_.reps);
}

double SeatedMachine::rig_torque_nm(const LeverTruth::Leg& leg) const noexcept {
  const double way_m = rig_.position_m() + rig_offset_m_ - pad_lever_m_ * leg.angle_rad;
  const double speed_mps = rig_.velocity_mps() - pad_lever_m_ * leg.velocity_radps;
  return pad_lever_m_ * (rig_config_.stiffness_npm * way_m + rig_config_.damping_nspm * speed_mps);
}

void SeatedMachine::step_rig() noexcept {
  for (int i = 0; i < kPlantStepsPerTick; ++i) {
    if (rig_started_) rig_.step();
    for (std::size_t axis = 0; axis < plants_.size(); ++axis) {
      const LeverTruth::Leg& leg = plants_[axis].truth().leg[0];
      plants_[axis].step({released_[axis] ? 0.0 : rig_torque_nm(leg), 0.0});
    }
  }
}

void SeatedMachine::step_person() noexcept {
  std::array<HipDrive, 2> hips;  // a leg that has left its pad is limp
  for (std::size_t axis = 0; axis < hips.size(); ++axis) {
    if (!released_[axis]) hips[axis] = person_.hip_drive(axis);
  }
  LeverPlant::step_tick(plants_[0], hips[0], plants_[1], hips[1]);
  for (std::size_t axis = 0; axis < hips.size(); ++axis) {
    if (!released_[axis]) person_.take(axis, hips[axis]);
  }
}

void SeatedMachine::step_tick(std::span<const SimulatedDrive> drives) {
  for (std::size_t axis = 0; axis < plants_.size(); ++axis) {
    if (drives[axis].velocity_mode()) {
      plants_[axis].command(drives[axis].velocity_command(), drives[axis].powered());
    } else {
      plants_[axis].command(drives[axis].force_n(), drives[axis].powered());
    }
    plants_[axis].set_drive_speed_limit(drives[axis].speed_limit_mps());
  }
  if (use_rig_) {
    step_rig();
  } else {
    step_person();
  }
  LegSenses senses{};
  for (std::size_t axis = 0; axis < plants_.size(); ++axis) {
    if (released_[axis]) continue;
    const LeverTruth& truth = plants_[axis].truth();
    const LeverTruth::Leg& leg = truth.leg[0];
    senses[axis] = {leg.angle_rad, leg.velocity_radps, leg.pad_force_n,
                    pad_lever_m_ * truth.arm_velocity_radps};
  }
  if (!use_rig_) {
    person_.tick(senses, set_truths());
  } else if (rig_started_ && rig_.done()) {
    for (SetTruthTracker& set : sets_) set.end();
  }
  for (std::size_t axis = 0; axis < plants_.size(); ++axis) {
    if (person_.lifter_truth(axis).lets_go) release(axis);
  }
  for (std::size_t axis = 0; axis < plants_.size(); ++axis) {
    const LeverTruth& truth = plants_[axis].truth();
    sets_[axis].step(truth.time_s, pad_lever_m_ * truth.arm_angle_rad);
  }
}

AxisReading SeatedMachine::reading(std::size_t axis) const {
  const LeverPlant& plant = plants_[axis];
  return {plant.encoder_position_rad(), plant.encoder_velocity_radps(), plant.drive_torque_nm(),
          plant.load_cell_nm(0)};
}

HandleTruth SeatedMachine::handle(std::size_t axis) const {
  const LeverTruth& truth = plants_[axis].truth();
  return {truth.arm_angle_rad,
          truth.arm_velocity_radps,
          truth.leg[0].pad_torque_nm,
          truth.motor_torque_nm,
          pad_lever_m_,
          truth.arm_velocity_radps};
}

// One leg gone ends what both were doing.
void SeatedMachine::release(std::size_t axis) {
  if (released_[axis]) return;
  released_[axis] = true;
  person_.let_go(set_truths());
  plants_[axis].set_leg_in_place(0, false);
}

void SeatedMachine::grip(std::size_t axis) {
  if (!released_[axis]) return;
  released_[axis] = false;
  plants_[axis].set_leg_in_place(0, true);
}

bool SeatedMachine::suffer(Mishap mishap, std::size_t axis, double amount) {
  switch (mishap) {
    case Mishap::kNone:
      plants_[axis].jam(0.0);
      person_.weaken(axis, 1.0);
      grip(axis);
      return true;
    case Mishap::kJam:
      plants_[axis].jam(amount * pad_lever_m_);
      return true;
    case Mishap::kWeak:
      person_.weaken(axis, amount);
      return true;
    case Mishap::kStopsLifting:
      person_.stop_lifting();
      return true;
    default:
      return false;
  }
}

std::uint64_t SeatedMachine::state_hash() const {
  TraceHash hash;
  for (const LeverPlant& plant : plants_) hash.add(plant.state_hash());
  return hash.value();
}

bool SeatedMachine::held(std::size_t axis) const {
  return !released_[axis];
}

}  // namespace medius::sim
