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
      plants_{LeverPlant(arm(config, 0), {config.person.leg[0], {}}),
              LeverPlant(arm(config, 1), {config.person.leg[1], {}})},
      person_(felt_at_the_pad(config.person, config.lever.pad_lever_m)) {}

void SeatedMachine::step_tick(std::span<const SimulatedDrive> drives) {
  LegSenses senses{};
  for (std::size_t axis = 0; axis < plants_.size(); ++axis) {
    LeverPlant& plant = plants_[axis];
    plant.command(drives[axis].force_n(), drives[axis].powered());
    plant.set_drive_speed_limit(drives[axis].speed_limit_mps());
    const LeverTruth::Leg& leg = plant.truth().leg[0];
    for (int i = 0; i < kPlantStepsPerTick; ++i) {
      const double hip_nm =
          released_[axis] ? 0.0 : person_.torque_nm(axis, leg.angle_rad, leg.velocity_radps);
      plant.step({hip_nm, 0.0});
    }
    if (released_[axis]) continue;
    senses[axis] = {leg.angle_rad, leg.velocity_radps, leg.pad_force_n,
                    pad_lever_m_ * plant.truth().arm_velocity_radps};
  }
  person_.tick(senses, set_truths());
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
  return {truth.arm_angle_rad, truth.arm_velocity_radps, truth.leg[0].pad_torque_nm,
          truth.motor_torque_nm, pad_lever_m_};
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

std::uint64_t SeatedMachine::state_hash() const {
  TraceHash hash;
  for (const LeverPlant& plant : plants_) hash.add(plant.state_hash());
  return hash.value();
}

bool SeatedMachine::held(std::size_t axis) const {
  return !released_[axis];
}

}  // namespace medius::sim
