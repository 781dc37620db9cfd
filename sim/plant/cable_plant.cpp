#include "sim/plant/cable_plant.hpp"

#include <cmath>

#include "controller/base/clamp.hpp"
#include "controller/base/trace_hash.hpp"
#include "sim/plant/cable_state.hpp"

namespace medius::sim {
namespace {

constexpr double kDt = kPlantStepS;

// A drive's own speed estimate: difference of encoder counts behind a 1 ms low-pass.
constexpr double kDriveVelocityLag = 1e-3;  // s

// A hand that brings the cuff back: an arm's impedance, a reach of 400 N.
constexpr double kHandStiffness = 4000.0;
constexpr double kHandDamping = 120.0;
constexpr double kHandMass = 1.5;

// Share of the way to its target that a first-order lag goes in one step; 1 without lag.
double lag_share(double lag_s) noexcept {
  return lag_s > 0.0 ? 1.0 - det::exp(-kDt / lag_s) : 1.0;
}

double spring_energy(double stiffness, double stretch) noexcept {
  return stretch > 0.0 ? 0.5 * stiffness * stretch * stretch : 0.0;
}

}  // namespace

CablePlant::State::State(const CablePlantConfig& c, const LegConfig& l)
    : config(c),
      leg(l),
      geometry{c.hip_height_m, c.pulley_height_m, c.pulley_distance_m, c.cuff_radius_m},
      drive_friction(c.drive_friction),
      path_friction(c.path_friction),
      velocity_loop(c.drive_velocity_loop, c.reflected_mass_kg),
      random(c.seed, 0x10adce11) {
  rest_length_m = cable_at(geometry, 0.0).length_m;
  drive_share = lag_share(c.drive_lag_s);
  cell_share = lag_share(c.load_cell_lag_s);
  velocity_share = lag_share(kDriveVelocityLag);
  encoder_quantum_m = at_least(c.encoder_quantum_m, 1e-9);
  inverse_quantum = 1.0 / encoder_quantum_m;
  ripple_per_m = 2.0 * det::kPi * c.torque_ripple_per_m;
  const double dead_steps = clamped(c.drive_dead_time_s / kDt + 0.5, 0.0, kDelaySlots - 1.0);
  dead_time_steps = static_cast<std::uint32_t>(dead_steps);
  speed_limit_mps = c.drive_speed_limit_mps;
  speed_limit_gain = c.reflected_mass_kg * c.drive_speed_limit_bandwidth_radps;
  drum_share = kDt / c.reflected_mass_kg;
  path_share = kDt / c.path_mass_kg;
  hang_leg();
  cuff = leg_cuff;
  update_truth();
}

void CablePlant::State::take_cuff() noexcept {
  end = End::kHand;
  holder = {cuff.position, 0.0, kHandStiffness, kHandDamping, kHandMass};
  advance_hand();  // an empty way means: on the leg at once
}

void CablePlant::State::update_truth() noexcept {
  truth.time_s = static_cast<double>(steps) * kDt;
  truth.drum_position_m = drum.position;
  truth.drum_velocity_mps = drum.velocity;
  truth.ring_position_m = path.position;
  truth.ring_velocity_mps = path.velocity;
  truth.cuff_position_m = cuff.position;
  truth.cuff_velocity_mps = cuff.velocity;
  truth.drum_tension_n = drum_tension_n;
  truth.cuff_tension_n = cuff_tension_n;
  truth.motor_force_n = motor_n;
  truth.hip_angle_rad = angle_rad;
  truth.hip_velocity_radps = angular_velocity;
  truth.cable_moment_arm_m = moment_arm_m;
}

// Powers at the mean velocity of the step. Dissipation comes from the dampers' and bristles' own
// laws, never as a difference of the others, so that the balance can fail.
void CablePlant::State::account(const Step& step) noexcept {
  const double v = 0.5 * (step.drum_velocity + drum.velocity);
  const double w = 0.5 * (step.path_velocity + path.velocity);
  const double e = 0.5 * (step.cuff_velocity + cuff.velocity);
  const double a = 0.5 * (step.leg_velocity + angular_velocity);
  const auto damped = [](double force, double stiffness, double stretch, double rate) {
    return stretch > 0.0 ? (force - stiffness * stretch) * rate : 0.0;
  };
  const auto rubbed = [](const FrictionConfig& c, const FrictionState& state,
                         const FrictionForce& force, double velocity) {
    const double bristles = c.bristle_stiffness_npm * state.bristle_m;
    return (force.force_n - bristles) * velocity + bristles * (velocity - force.bristle_rate_mps);
  };
  double dissipated_w =
      rubbed(config.drive_friction, drive_bristles, step.drive, v) +
      rubbed(config.path_friction, path_bristles, step.path, w) +
      damped(step.drum_tension, config.cable_stiffness_npm, step.cable_stretch, w - v) +
      damped(step.cuff_tension, config.cuff_stiffness_npm, step.cuff_stretch, e - w) +
      damped(step.ball, kBallStiffness, step.ball_depth, -w);
  energy.motor_j -= kDt * motor_n * v;
  if (step.end != End::kRig) {
    energy.person_j += kDt * step.hip_torque * a;
    if (step.end == End::kLeg) energy.person_j += kDt * step.cuff_tension * body.velocity;
    dissipated_w += damped(step.stop_torque, kLegStopStiffness, step.leg_depth, -a);
  }
  if (step.end != End::kLeg) {
    const double damper_n = holder.damping_nspm * step.holder_rate;
    const double force_n = holder.stiffness_npm * step.holder_gap + damper_n;
    const double drive_point_mps = holder.velocity_mps;
    energy.person_j += kDt * force_n * drive_point_mps;
    dissipated_w += damper_n * (drive_point_mps - e);
  }
  energy.dissipated_j += kDt * dissipated_w;
}

double CablePlant::State::stored_energy() const noexcept {
  const auto motion = [](double mass, double velocity) { return 0.5 * mass * velocity * velocity; };
  const auto bristles = [](const FrictionConfig& c, const FrictionState& state) {
    return 0.5 * c.bristle_stiffness_npm * state.bristle_m * state.bristle_m;
  };
  double stored_j = motion(config.reflected_mass_kg, drum.velocity) +
                    motion(config.path_mass_kg, path.velocity) +
                    spring_energy(config.cable_stiffness_npm, path.position - drum.position) +
                    spring_energy(config.cuff_stiffness_npm, cuff.position - path.position) +
                    spring_energy(kBallStiffness, config.ball_stop_position_m - path.position) +
                    bristles(config.drive_friction, drive_bristles) +
                    bristles(config.path_friction, path_bristles);
  if (end != End::kRig) {
    stored_j +=
        motion(leg.inertia_kgm2, angular_velocity) -
        gravity_nm * (leg_phasor.cos * gravity_turn.cos - leg_phasor.sin * gravity_turn.sin) +
        spring_energy(kLegStopStiffness, leg.angle_min_rad - angle_rad);
  }
  if (end != End::kLeg) {
    const double gap_m = holder.position_m - cuff.position;
    stored_j += motion(holder.mass_kg, cuff.velocity) + 0.5 * holder.stiffness_npm * gap_m * gap_m;
  }
  return stored_j;
}

CablePlant::CablePlant(const CablePlantConfig& config, const LegConfig& leg)
    : state_(std::make_unique<State>(config, leg)) {}
CablePlant::~CablePlant() = default;
CablePlant::CablePlant(CablePlant&&) noexcept = default;
CablePlant& CablePlant::operator=(CablePlant&&) noexcept = default;

void CablePlant::command(double force_n, bool powered) noexcept {
  State& s = *state_;
  const bool now_powered = powered && is_finite(force_n);
  // A telegram from before the cut must not act after it.
  if (s.powered && !now_powered) s.sent.fill(0.0);
  // Bumpless: telegrams from before the other mode are none, the force stays.
  if (s.velocity_loop.on() && now_powered) s.sent.fill(s.current_n);
  s.velocity_loop.off();
  s.powered = now_powered;
  s.command_n = now_powered ? force_n : 0.0;
}

void CablePlant::command(const VelocityCommand& command, bool powered) noexcept {
  State& s = *state_;
  const bool finite = is_finite(command.velocity_mps + command.pull_max_n + command.brake_max_n);
  if (!powered || !finite) {
    this->command(0.0, false);
    return;
  }
  s.velocity_loop.command(command, s.current_n);
  s.powered = true;
}

void CablePlant::set_rig(double position_m, double velocity_mps, double stiffness_npm,
                         double damping_nspm, double mass_kg) noexcept {
  if (state_->end != End::kRig) return;
  state_->holder = {position_m, velocity_mps, stiffness_npm, damping_nspm, mass_kg};
}

void CablePlant::set_cuff_end(CuffEnd end) noexcept {
  State& s = *state_;
  switch (end) {
    case CuffEnd::kLeg:
      if (s.end != End::kLeg) s.take_cuff();
      return;
    case CuffEnd::kRig:
      s.end = End::kRig;
      s.holder = {s.cuff.position, 0.0, kHandStiffness, kHandDamping, kHandMass};
      return;
    case CuffEnd::kReleased:
      s.end = End::kReleased;
      s.holder = {};
      return;
  }
}

bool CablePlant::cuff_held() const noexcept {
  return !state_->cable_cut && (state_->end == End::kLeg || state_->end == End::kRig);
}

void CablePlant::jam(double extra_friction_n) noexcept {
  state_->path_friction.config.coulomb_n =
      state_->config.path_friction.coulomb_n + at_least(extra_friction_n, 0.0);
}

void CablePlant::cut_cable() noexcept {
  State& s = *state_;
  if (s.cable_cut) return;
  s.cable_cut = true;
  s.whole_stiffness_npm = s.config.cable_stiffness_npm;
  s.whole_damping_nspm = s.config.cable_damping_nspm;
  s.config.cable_stiffness_npm = s.config.cable_damping_nspm = 0.0;
}

void CablePlant::mend_cable() noexcept {
  State& s = *state_;
  if (!s.cable_cut) return;
  s.cable_cut = false;
  s.config.cable_stiffness_npm = s.whole_stiffness_npm;
  s.config.cable_damping_nspm = s.whole_damping_nspm;
  s.drum = {s.path.position, 0.0};
  // Threading turned the drum by hand: the counts are there, and it stands.
  s.encoder_counts = static_cast<std::int64_t>(std::floor(s.drum.position * s.inverse_quantum));
  s.encoder_velocity_mps = 0.0;
}

void CablePlant::set_leg(const LegConfig& leg) noexcept {
  set_leg(leg, state_->geometry);
}

void CablePlant::set_leg(const LegConfig& leg, const CableGeometry& geometry) noexcept {
  State& s = *state_;
  s.leg = leg;
  s.geometry = geometry;
  s.rest_length_m = cable_at(geometry, 0.0).length_m;
  s.body = {};
  s.hang_leg();
  if (s.end == End::kLeg) s.take_cuff();
  s.update_truth();
}

void CablePlant::set_body(double position_m, double velocity_mps) noexcept {
  state_->body = {position_m, velocity_mps};
}

void CablePlant::set_drive_speed_limit(double speed_mps) noexcept {
  state_->speed_limit_mps = speed_mps > 0.0 ? speed_mps : 0.0;
}

double CablePlant::encoder_position_m() const noexcept {
  return static_cast<double>(state_->encoder_counts) * state_->encoder_quantum_m;
}
double CablePlant::encoder_velocity_mps() const noexcept {
  return state_->encoder_velocity_mps;
}
double CablePlant::drive_force_n() const noexcept {
  return state_->current_n;
}
double CablePlant::load_cell_n() const noexcept {
  const State& s = *state_;
  return s.cell_filtered_n * s.config.load_cell_gain + s.config.load_cell_offset_n + s.cell_noise_n;
}
const CableTruth& CablePlant::truth() const noexcept {
  return state_->truth;
}

std::uint64_t CablePlant::state_hash() const noexcept {
  const State& s = *state_;
  TraceHash hash;
  hash.add(s.steps);
  for (const Body1D& body : {s.drum, s.path, s.cuff, s.leg_cuff}) {
    hash.add(body.position);
    hash.add(body.velocity);
  }
  for (const double value :
       {s.angle_rad, s.angular_velocity, s.leg_phasor.sin, s.ripple.sin, s.current_n, s.ripple_n,
        s.command_n, s.drive_bristles.bristle_m, s.path_bristles.bristle_m, s.encoder_velocity_mps,
        s.cell_filtered_n, s.cell_noise_n, s.holder.position_m}) {
    hash.add(value);
  }
  for (const double value : s.sent) hash.add(value);
  s.velocity_loop.add_to(hash);
  hash.add(static_cast<std::uint64_t>(s.end));
  return hash.value();
}

void CablePlant::start_energy_accounts() noexcept {
  state_->accounts = true;
  state_->energy = {};
  state_->stored_at_start_j = state_->stored_energy();
}

CableEnergy CablePlant::energy() const noexcept {
  CableEnergy energy = state_->energy;
  energy.stored_j = state_->stored_energy() - state_->stored_at_start_j;
  return energy;
}

}  // namespace medius::sim
