#include "sim/plant/cable_plant.hpp"

#include <array>
#include <cmath>

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"
#include "controller/base/random.hpp"
#include "controller/base/trace_hash.hpp"
#include "sim/plant/cable_geometry.hpp"
#include "sim/plant/phasor.hpp"

namespace medius::sim {
namespace {

constexpr double kDt = kPlantStepS;
constexpr double kGravity = 9.81;

// Power of two above the largest dead time worth simulating (20 ms).
constexpr std::uint32_t kDelaySlots = 256;

// A shoe against the other leg or the floor: 60 Nm sinks in by 3 mm at the ankle; damping ratio
// 0.3.
constexpr double kLegStopStiffness = 2e4;  // Nm/rad
constexpr double kLegStopDamping = 150.0;  // Nm s/rad
// A rubber ball against a pulley's housing.
constexpr double kBallStiffness = 50e3;  // N/m
constexpr double kBallDamping = 100.0;   // N s/m

// A drive's own speed estimate: difference of encoder counts behind a 1 ms low-pass.
constexpr double kDriveVelocityLag = 1e-3;  // s

// An empty cuff, and how it drags on the floor.
constexpr double kCuffMass = 0.25;  // kg
constexpr double kCuffDrag = 2.0;   // N s/m
// A hand that brings the cuff back: an arm's impedance, a calm speed, a reach of 400 N.
constexpr double kHandStiffness = 4000.0;
constexpr double kHandDamping = 120.0;
constexpr double kHandMass = 1.5;
constexpr double kHandSpeed = 0.3;  // m/s
constexpr double kHandLead = 0.1;   // m
constexpr double kPutOnGap = 1e-3;  // m

// Share of the way to its target that a first-order lag goes in one step; 1 without lag.
double lag_share(double lag_s) noexcept {
  return lag_s > 0.0 ? 1.0 - det::exp(-kDt / lag_s) : 1.0;
}

// One-sided spring and damper: the sum is clipped, so that the damper never pushes.
double contact(double stiffness, double damping, double stretch, double rate) noexcept {
  if (!(stretch > 0.0)) return 0.0;
  const double force = stiffness * stretch + damping * rate;
  return force > 0.0 ? force : 0.0;
}

double spring_energy(double stiffness, double stretch) noexcept {
  return stretch > 0.0 ? 0.5 * stiffness * stretch * stretch : 0.0;
}

struct Body1D {
  double position = 0.0, velocity = 0.0;
};

enum class End : std::uint8_t { kLeg, kRig, kReleased, kHand };

// What holds a cuff that is not on the leg.
struct Holder {
  double position_m = 0.0, velocity_mps = 0.0;
  double stiffness_npm = 0.0, damping_nspm = kCuffDrag, mass_kg = kCuffMass;
};

}  // namespace

struct CablePlant::State {
  State(const CablePlantConfig& c, const LegConfig& l)
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
    update_truth(0.0, 0.0);
  }

  template <bool kAccounts>
  void advance(double hip_torque_nm) noexcept;
  void advance_drive() noexcept;
  Body1D advance_leg(double hip_torque_nm, double cable_torque_nm, double& stop_nm) noexcept;
  void advance_holder(double tension_n) noexcept;
  void advance_hand() noexcept;
  void advance_sensors(double drum_tension_n, double cuff_tension_n) noexcept;
  void update_truth(double drum_tension_n, double cuff_tension_n) noexcept;
  void hang_leg() noexcept;
  Body1D follow_leg() noexcept;
  void take_cuff() noexcept;
  [[nodiscard]] double stored_energy() const noexcept;

  // What acted in a step, for the accounts.
  struct Step {
    double drum_tension, cuff_tension, ball, stop_torque, hip_torque;
    double drum_velocity, path_velocity, cuff_velocity, leg_velocity;  // at the start
    double cable_stretch, cuff_stretch, ball_depth, leg_depth;
    double holder_gap, holder_rate;
    End end;
    FrictionForce drive, path;
  };
  void account(const Step& step) noexcept;

  CablePlantConfig config;
  LegConfig leg;
  CableGeometry geometry;
  FrictionModel drive_friction, path_friction;
  VelocityLoop velocity_loop;
  Random random;
  double rest_length_m = 0.0;
  double drive_share = 1.0, cell_share = 1.0, velocity_share = 1.0;
  double encoder_quantum_m = 1e-6, inverse_quantum = 1e6, ripple_per_m = 0.0;
  std::uint32_t dead_time_steps = 0;
  double speed_limit_mps = 0.0, speed_limit_gain = 0.0;
  double drum_share = 0.0, path_share = 0.0, leg_share = 0.0;  // step over mass or inertia

  std::uint64_t steps = 0;
  // Drive.
  double command_n = 0.0;
  bool powered = false;
  std::array<double, kDelaySlots> sent{};
  double current_n = 0.0, ripple_n = 0.0, motor_n = 0.0;
  Phasor ripple;
  // Masses.
  Body1D drum, path, cuff, leg_cuff, body;
  FrictionState drive_bristles, path_bristles;
  double angle_rad = 0.0, angular_velocity = 0.0, moment_arm_m = 0.0;
  Phasor leg_phasor;
  det::SinCos gravity_turn;
  End end = End::kLeg;
  Holder holder;
  // Sensors.
  std::int64_t encoder_counts = 0;
  double encoder_velocity_mps = 0.0;
  double cell_filtered_n = 0.0, cell_noise_n = 0.0;

  CableTruth truth;
  bool accounts = false;
  CableEnergy energy;
  double stored_at_start_j = 0.0;
  bool cable_cut = false;
  double whole_stiffness_npm = 0.0, whole_damping_nspm = 0.0;  // of the cable, while it is cut
};

inline void CablePlant::State::advance_drive() noexcept {
  const auto slot = static_cast<std::uint32_t>(steps);
  sent[slot % kDelaySlots] = command_n;
  double target_n = powered ? sent[(slot - dead_time_steps) % kDelaySlots] : 0.0;
  if (velocity_loop.on()) {
    target_n = velocity_loop.step(slot, dead_time_steps, encoder_velocity_mps, kDt);
  }
  if (powered && speed_limit_mps > 0.0) {
    // The torque command is limited by a speed loop inside the drive, which knows no bus delay.
    double most_n = speed_limit_gain * (speed_limit_mps + encoder_velocity_mps);
    if (most_n < -config.drive_brake_force_n) most_n = -config.drive_brake_force_n;
    if (target_n > most_n) target_n = most_n;
  }
  current_n += drive_share * (target_n - current_n);
  ripple_n += drive_share * (config.torque_ripple_n * ripple.sin - ripple_n);
  motor_n = config.torque_gain * current_n + ripple_n;
}

// Where the leg would have the cuff.
inline Body1D CablePlant::State::follow_leg() noexcept {
  const CableAtAngle at = cable_at(geometry, leg_phasor.sin, leg_phasor.cos);
  moment_arm_m = at.moment_arm_m;
  leg_cuff.position = at.length_m - rest_length_m + body.position;
  leg_cuff.velocity = at.moment_arm_m * angular_velocity + body.velocity;
  return leg_cuff;
}

inline Body1D CablePlant::State::advance_leg(double hip_torque_nm, double cable_torque_nm,
                                             double& stop_nm) noexcept {
  stop_nm =
      contact(kLegStopStiffness, kLegStopDamping, leg.angle_min_rad - angle_rad, -angular_velocity);
  const double torque_nm =
      hip_torque_nm + stop_nm - cable_torque_nm -
      leg.gravity_moment_kgm * kGravity *
          (leg_phasor.sin * gravity_turn.cos + leg_phasor.cos * gravity_turn.sin);
  angular_velocity += leg_share * torque_nm;
  const double turn = kDt * angular_velocity;
  angle_rad += turn;
  body.position += kDt * body.velocity;
  if (absolute(turn) < kRotationMax) {
    leg_phasor.rotate(turn);
  } else {
    leg_phasor.set(angle_rad);
  }
  return follow_leg();
}

void CablePlant::State::hang_leg() noexcept {
  leg_share = kDt / leg.inertia_kgm2;
  gravity_turn = det::sin_cos(leg.gravity_turn_rad);
  angle_rad = leg.angle_min_rad;
  angular_velocity = 0.0;
  leg_phasor.set(angle_rad);
  follow_leg();
}

void CablePlant::State::advance_holder(double tension_n) noexcept {
  const double force_n = holder.stiffness_npm * (holder.position_m - cuff.position) +
                         holder.damping_nspm * (holder.velocity_mps - cuff.velocity);
  cuff.velocity += kDt * (force_n - tension_n) / holder.mass_kg;
  cuff.position += kDt * cuff.velocity;
  if (end == End::kHand) advance_hand();
}

void CablePlant::State::advance_hand() noexcept {
  const double gap_m = leg_cuff.position - cuff.position;
  if (absolute(gap_m) < kPutOnGap) {
    end = End::kLeg;
    cuff = leg_cuff;
    return;
  }
  holder.velocity_mps = gap_m > 0.0 ? kHandSpeed : -kHandSpeed;
  holder.position_m = clamped(holder.position_m + kDt * holder.velocity_mps,
                              cuff.position - kHandLead, cuff.position + kHandLead);
}

void CablePlant::State::take_cuff() noexcept {
  end = End::kHand;
  holder = {cuff.position, 0.0, kHandStiffness, kHandDamping, kHandMass};
  advance_hand();  // an empty way means: on the leg at once
}

inline void CablePlant::State::advance_sensors(double drum_tension_n,
                                               double cuff_tension_n) noexcept {
  const double scaled = drum.position * inverse_quantum;
  auto counts = static_cast<std::int64_t>(scaled);
  if (static_cast<double>(counts) > scaled) --counts;
  const double rate =
      static_cast<double>(counts - encoder_counts) * encoder_quantum_m * (1.0 / kDt);
  encoder_counts = counts;
  encoder_velocity_mps += velocity_share * (rate - encoder_velocity_mps);

  const double tension_n = config.load_cell_after_last_pulley ? cuff_tension_n : drum_tension_n;
  cell_filtered_n += cell_share * (tension_n - cell_filtered_n);

  const double turn = ripple_per_m * kDt * drum.velocity;
  const bool millisecond = steps % kPlantStepsPerTick == 0;
  if (millisecond || !(absolute(turn) < kRotationMax)) {
    // Whole turns are taken off first: the sine's range reduction is exact for small angles only.
    const double turns = config.torque_ripple_per_m * drum.position;
    ripple.set(2.0 * det::kPi * (turns - std::floor(turns)));
  } else {
    ripple.rotate(turn);
  }
  if (millisecond) {
    leg_phasor.set(angle_rad);
    // Once a millisecond, behind the filter: the sampled value carries the configured rms.
    cell_noise_n = config.load_cell_noise_n * random.normal();
  }
}

void CablePlant::State::update_truth(double drum_tension_n, double cuff_tension_n) noexcept {
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

// Semi-implicit Euler: forces from positions and velocities of the step's start, then velocities,
// then positions with the new velocities.
template <bool kAccounts>
void CablePlant::State::advance(double hip_torque_nm) noexcept {
  advance_drive();
  const double cuff_stretch = cuff.position - path.position;
  const double cable_stretch = path.position - drum.position;
  const double ball_depth = config.ball_stop_position_m - path.position;
  const double cuff_tension = contact(config.cuff_stiffness_npm, config.cuff_damping_nspm,
                                      cuff_stretch, cuff.velocity - path.velocity);
  const double drum_tension = contact(config.cable_stiffness_npm, config.cable_damping_nspm,
                                      cable_stretch, path.velocity - drum.velocity);
  const double ball = contact(kBallStiffness, kBallDamping, ball_depth, -path.velocity);
  const FrictionForce drive_friction_force =
      friction_force(drive_friction, drive_bristles, drum.velocity, drum_tension, kDt);
  const FrictionForce path_friction_force =
      friction_force(path_friction, path_bristles, path.velocity, cuff_tension, kDt);
  Step step;
  if constexpr (kAccounts) {
    step = {drum_tension,
            cuff_tension,
            ball,
            0.0,
            hip_torque_nm,
            drum.velocity,
            path.velocity,
            cuff.velocity,
            angular_velocity,
            cable_stretch,
            cuff_stretch,
            ball_depth,
            leg.angle_min_rad - angle_rad,
            holder.position_m - cuff.position,
            holder.velocity_mps - cuff.velocity,
            end,
            drive_friction_force,
            path_friction_force};
  }

  drum.velocity += drum_share * (drum_tension - motor_n - drive_friction_force.force_n);
  drum.position += kDt * drum.velocity;
  path.velocity += path_share * (cuff_tension - drum_tension - path_friction_force.force_n + ball);
  path.position += kDt * path.velocity;
  double stop_nm = 0.0;
  if (end == End::kLeg) {
    cuff = advance_leg(hip_torque_nm, cuff_tension * moment_arm_m, stop_nm);
  } else {
    if (end != End::kRig) advance_leg(hip_torque_nm, 0.0, stop_nm);
    advance_holder(cuff_tension);
  }
  if constexpr (kAccounts) {
    step.stop_torque = stop_nm;
    account(step);
  }

  ++steps;
  advance_sensors(drum_tension, cuff_tension);
  update_truth(drum_tension, cuff_tension);
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
    stored_j += motion(leg.inertia_kgm2, angular_velocity) -
                leg.gravity_moment_kgm * kGravity *
                    (leg_phasor.cos * gravity_turn.cos - leg_phasor.sin * gravity_turn.sin) +
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

void CablePlant::step(double hip_torque_nm) noexcept {
  if (state_->accounts) {
    state_->advance<true>(hip_torque_nm);
  } else {
    state_->advance<false>(hip_torque_nm);
  }
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
  s.update_truth(s.truth.drum_tension_n, s.truth.cuff_tension_n);
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
