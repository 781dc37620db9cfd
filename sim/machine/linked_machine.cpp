#include "sim/machine/linked_machine.hpp"

#include "controller/base/clamp.hpp"

namespace medius::sim {
namespace {

// The plan's loads are torques of both arms together; a person feels half of it at each pad. Both
// legs push one bar along one path: what varies from one repetition to the next varies for both.
PersonConfig on_one_bar(PersonConfig person, double pad_lever_m) {
  person.lifter[1].seed = person.lifter[0].seed;
  for (PlannedSet& set : person.plan) set.load_n /= 2.0 * pad_lever_m;
  return person;
}

// Two legs that push one bar share its load by habit, the stronger one more.
std::array<double, kMostLegs> shares_of(const PersonConfig& person) {
  const double left_nm = person.lifter[0].isometric_torque_nm;
  const double both_nm = left_nm + person.lifter[1].isometric_torque_nm;
  const double left = both_nm > 0.0 ? left_nm / both_nm : 0.5;
  return {left, 1.0 - left};
}

// Stiffness of a rig's leg over the configured one, so that in series with its pad it takes
// its share of the load.
std::array<double, kMostLegs> rig_scales(const SimulatedStationConfig& config) {
  const double rig = 1.0 / config.rig_config.stiffness_npm;
  const double pad = 1.0 / config.lever.pad_stiffness_npm;
  const auto scale = [&](double share) { return rig / ((rig + pad) / (2.0 * share) - pad); };
  const double left = clamped(config.rig_left_share, 0.2, 0.8);
  return {scale(left), scale(1.0 - left)};
}

}  // namespace

LinkedMachine::LinkedMachine(const SimulatedStationConfig& config)
    : pad_lever_m_(config.lever.pad_lever_m),
      use_rig_(config.rig),
      rig_config_(config.rig_config),
      rig_offset_m_(config.rig_offset_m),
      rig_(config.rig_config),
      share_(shares_of(config.person)),
      rig_share_scale_(rig_scales(config)),
      plant_(config.lever, {config.person.leg[0], config.person.leg[1]}),
      person_(on_one_bar(config.person, config.lever.pad_lever_m)) {}

void LinkedMachine::start_rig() {
  if (!use_rig_ || rig_started_) return;
  rig_started_ = true;
  rig_.start();
  for (SetTruthTracker& set : sets_) set.begin(0, rig_config_.reps);
}

double LinkedMachine::hip_torque_nm(std::size_t leg) noexcept {
  if (released_[leg]) return 0.0;
  const LeverTruth::Leg& at = plant_.truth().leg[leg];
  if (!use_rig_) return person_.torque_nm(leg, at.angle_rad, at.velocity_radps);
  const double way_m = rig_.position_m() + rig_offset_m_ - pad_lever_m_ * at.angle_rad;
  const double speed_mps = rig_.velocity_mps() - pad_lever_m_ * at.velocity_radps;
  return pad_lever_m_ * rig_share_scale_[leg] *
         (rig_config_.stiffness_npm * way_m + rig_config_.damping_nspm * speed_mps);
}

// Each leg minds the bar, not its own pad: it feels its share of the whole. Two legs that each
// answered their own pad would push one another's load away, which nobody does.
LegSenses LinkedMachine::senses() const noexcept {
  const LeverTruth& truth = plant_.truth();
  const double both_n = truth.leg[0].pad_force_n + truth.leg[1].pad_force_n;
  const bool alone = released_[0] || released_[1];
  LegSenses senses{};
  for (std::size_t leg = 0; leg < senses.size(); ++leg) {
    if (released_[leg]) continue;
    const LeverTruth::Leg& at = truth.leg[leg];
    const double felt_n = alone ? at.pad_force_n : share_[leg] * both_n;
    senses[leg] = {at.angle_rad, at.velocity_radps, felt_n,
                   pad_lever_m_ * truth.arm_velocity_radps};
  }
  return senses;
}

void LinkedMachine::step_tick(std::span<const SimulatedDrive> drives) {
  const SimulatedDrive& drive = drives[0];
  if (drive.velocity_mode()) {
    plant_.command(drive.velocity_command(), drive.powered());
  } else {
    plant_.command(drive.force_n(), drive.powered());
  }
  plant_.set_drive_speed_limit(drive.speed_limit_mps());
  for (int i = 0; i < kPlantStepsPerTick; ++i) {
    if (rig_started_) rig_.step();
    plant_.step({hip_torque_nm(0), hip_torque_nm(1)});
  }
  if (!use_rig_) {
    person_.tick(senses(), set_truths());
  } else if (rig_started_ && rig_.done()) {
    for (SetTruthTracker& set : sets_) set.end();
  }
  for (std::size_t leg = 0; leg < released_.size(); ++leg) {
    if (person_.lifter_truth(leg).lets_go) release(leg);
  }
  const LeverTruth& truth = plant_.truth();
  for (SetTruthTracker& set : sets_) set.step(truth.time_s, pad_lever_m_ * truth.arm_angle_rad);
}

AxisReading LinkedMachine::reading(std::size_t) const {
  AxisReading reading{plant_.encoder_position_rad(), plant_.encoder_velocity_radps(),
                      plant_.drive_torque_nm(), 0.0};
  for (std::size_t leg = 0; leg < reading.pad.size(); ++leg) {
    reading.pad[leg] = plant_.load_cell_nm(static_cast<int>(leg));
  }
  return reading;
}

HandleTruth LinkedMachine::handle(std::size_t) const {
  const LeverTruth& truth = plant_.truth();
  return {truth.arm_angle_rad,
          truth.arm_velocity_radps,
          truth.leg[0].pad_torque_nm + truth.leg[1].pad_torque_nm,
          truth.motor_torque_nm,
          pad_lever_m_,
          truth.arm_velocity_radps};
}

// One leg gone ends what both were doing.
void LinkedMachine::release(std::size_t leg) {
  if (released_[leg]) return;
  released_[leg] = true;
  person_.let_go(set_truths());
  plant_.set_leg_in_place(static_cast<int>(leg), false);
}

void LinkedMachine::grip(std::size_t leg) {
  if (!released_[leg]) return;
  released_[leg] = false;
  plant_.set_leg_in_place(static_cast<int>(leg), true);
}

std::uint64_t LinkedMachine::state_hash() const {
  return plant_.state_hash();
}

}  // namespace medius::sim
