#include "sim/plant/lever_plant.hpp"

#include <cmath>
#include <cstddef>

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"
#include "controller/base/random.hpp"
#include "controller/base/trace_hash.hpp"
#include "sim/plant/hip_drive.hpp"
#include "sim/plant/phasor.hpp"
#include "sim/plant/settle.hpp"

namespace medius::sim {
namespace {

constexpr double kDt = kPlantStepS;
constexpr double kGravity = 9.81;

// Power of two above the largest dead time worth simulating (20 ms).
constexpr std::uint32_t kDelaySlots = 256;

// Rubber on steel at the frame: 200 Nm of an arm sink in by half a degree.
constexpr double kArmStopStiffness = 2e4;  // Nm/rad
constexpr double kArmStopDamping = 100.0;  // Nm s/rad
// The thighs meet: softer than the frame.
constexpr double kLegStopStiffness = 1e4;
constexpr double kLegStopDamping = 75.0;

// A drive's own speed estimate: difference of encoder counts behind a 1 ms low-pass.
constexpr double kDriveVelocityLag = 1e-3;  // s

// Share of the way to its target that a first-order lag goes in one step; 1 without lag.
double lag_share(double lag_s) noexcept {
  return lag_s > 0.0 ? 1.0 - det::exp(-kDt / lag_s) : 1.0;
}

// One-sided spring and damper: the sum is clipped, so that the damper never pulls.
double contact(double stiffness, double damping, double depth, double rate) noexcept {
  if (!(depth > 0.0)) return 0.0;
  const double force = stiffness * depth + damping * rate;
  return force > 0.0 ? force : 0.0;
}

double spring_energy(double stiffness, double depth) noexcept {
  return depth > 0.0 ? 0.5 * stiffness * depth * depth : 0.0;
}

// What a clipped spring and damper turned into heat.
double damped_power(double force, double stiffness, double depth, double rate) noexcept {
  return depth > 0.0 ? (force - stiffness * depth) * rate : 0.0;
}

struct Turning {
  double angle = 0.0, velocity = 0.0;
};

struct Leg {
  LegConfig config;
  Turning at;
  double share = 0.0;  // step over inertia
  bool in_place = true;
  double pad_n = 0.0;  // of the last step
  double cell_filtered_nm = 0.0, cell_noise_nm = 0.0;
};

}  // namespace

struct LeverPlant::State {
  State(const LeverPlantConfig& c, const std::array<LegConfig, kMostLegs>& l)
      : config(c),
        leg_count(static_cast<std::size_t>(clamped(c.legs, 1, kMostLegs))),
        gear_friction(c.gear_friction),
        velocity_loop(c.drive_velocity_loop, c.arm_inertia_kgm2),
        random(c.seed, 0x5ea7ed) {
    drive_share = lag_share(c.drive_lag_s);
    cell_share = lag_share(c.load_cell_lag_s);
    velocity_share = lag_share(kDriveVelocityLag);
    encoder_quantum = at_least(c.encoder_quantum_rad, 1e-9);
    inverse_quantum = 1.0 / encoder_quantum;
    ripple_per_rad = 2.0 * det::kPi * c.torque_ripple_per_rad;
    arm_share = kDt / c.arm_inertia_kgm2;
    dead_time_steps = static_cast<std::uint32_t>(
        clamped(c.drive_dead_time_s / kDt + 0.5, 0.0, kDelaySlots - 1.0));
    speed_limit_gain = c.arm_inertia_kgm2 * c.drive_speed_limit_bandwidth_radps;
    tilt_nm = kGravity * c.arm_moment_kgm * det::sin(c.tilt_rad);
    for (std::size_t i = 0; i < leg_count; ++i) {
      leg[i].config = l[i];
      leg[i].share = kDt / l[i].inertia_kgm2;
      leg[i].at.angle = l[i].angle_min_rad;
    }
    arm.angle = leg[0].at.angle;
    for (std::size_t i = 1; i < leg_count; ++i) arm.angle = at_least(arm.angle, leg[i].at.angle);
    turn_ripple();
    update_truth<kMostLegs>();
  }

  // What acted in a step.
  struct Step {
    std::array<double, kMostLegs> pad_n{}, leg_stop_nm{}, pad_depth_m{}, leg_depth{};
    std::array<Turning, kMostLegs> leg_before{};
    std::array<double, kMostLegs> hip_nm{};
    double inner_nm = 0.0, outer_nm = 0.0, inner_depth = 0.0, outer_depth = 0.0;
    double gravity_nm = 0.0;
    Turning arm_before;
    FrictionForce gear;
  };

  template <bool kAccounts, std::size_t kLegs>
  void advance(const std::array<double, kMostLegs>& hip_torque_nm) noexcept;
  void advance_drive() noexcept;
  void turn_ripple() noexcept;
  void advance_leg(std::size_t index, double hip_nm, Step& step) noexcept;
  template <std::size_t kLegs>
  void advance_sensors(const Step& step) noexcept;
  template <std::size_t kLegs>
  void end_millisecond() noexcept;
  template <std::size_t kLegs>
  void end_step() noexcept;
  template <std::size_t kLegs>
  void update_truth() noexcept;
  void account(const Step& step) noexcept;
  [[nodiscard]] double stored_energy() const noexcept;
  // One leg, no accounts, and a tick of ten steps begins.
  [[nodiscard]] bool usual() const noexcept {
    return leg_count == 1 && !accounts && steps % kPlantStepsPerTick == 0;
  }

  LeverPlantConfig config;
  std::size_t leg_count;
  FrictionModel gear_friction;
  VelocityLoop velocity_loop;
  Random random;
  double drive_share = 1.0, cell_share = 1.0, velocity_share = 1.0;
  double encoder_quantum = 1e-6, inverse_quantum = 1e6, ripple_per_rad = 0.0, arm_share = 0.0;
  double speed_limit_gain = 0.0, speed_limit = 0.0, tilt_nm = 0.0;
  std::uint32_t dead_time_steps = 0;

  std::uint64_t steps = 0;
  double command_nm = 0.0;
  bool powered = false;
  std::array<double, kDelaySlots> sent{};
  double current_nm = 0.0, ripple_nm = 0.0, motor_nm = 0.0;
  Phasor ripple;
  Turning arm;
  FrictionState bristles;
  std::array<Leg, kMostLegs> leg{};
  std::int64_t encoder_counts = 0;
  double encoder_velocity = 0.0;

  LeverTruth truth;
  bool accounts = false;
  LeverEnergy energy;
  double stored_at_start_j = 0.0;
};

[[gnu::always_inline]] inline void LeverPlant::State::advance_drive() noexcept {
  const auto slot = static_cast<std::uint32_t>(steps);
  sent[slot % kDelaySlots] = command_nm;
  double target_nm = powered ? sent[(slot - dead_time_steps) % kDelaySlots] : 0.0;
  if (velocity_loop.on()) {
    target_nm = velocity_loop.step(slot, dead_time_steps, encoder_velocity, kDt);
  }
  if (powered && speed_limit > 0.0) {
    // The torque command is limited by a speed loop inside the drive, which knows no bus delay.
    const double most_nm = at_least(speed_limit_gain * (speed_limit + encoder_velocity),
                                    -config.drive_brake_torque_nm);
    target_nm = at_most(target_nm, most_nm);
  }
  current_nm += drive_share * (target_nm - current_nm);
  const double ripple_target_nm = powered ? config.torque_ripple_nm * ripple.sin : 0.0;
  ripple_nm += drive_share * (ripple_target_nm - ripple_nm);
  motor_nm = config.torque_gain * current_nm + ripple_nm;
}

void LeverPlant::State::turn_ripple() noexcept {
  // Whole turns are taken off first: the sine's range reduction is exact for small angles only.
  const double turns = config.torque_ripple_per_rad * arm.angle;
  ripple.set(2.0 * det::kPi * (turns - std::floor(turns)));
}

[[gnu::always_inline]] inline void LeverPlant::State::advance_leg(std::size_t index, double hip_nm,
                                                                  Step& step) noexcept {
  Leg& l = leg[index];
  const double pad_nm = step.pad_n[index] * config.pad_lever_m;
  const double seat_nm = config.seat_damping_nmsprad * l.at.velocity;
  const double torque_nm = hip_nm + step.leg_stop_nm[index] - pad_nm - seat_nm;
  l.at.velocity += l.share * torque_nm;
  l.at.angle += kDt * l.at.velocity;
}

// Semi-implicit Euler: torques from angles and velocities of the step's start, then velocities,
// then angles with the new velocities.
template <bool kAccounts, std::size_t kLegs>
[[gnu::always_inline]] inline void LeverPlant::State::advance(
    const std::array<double, kMostLegs>& hip_torque_nm) noexcept {
  advance_drive();
  Step step;
  step.arm_before = arm;
  step.hip_nm = hip_torque_nm;
  double pads_nm = 0.0;
  for (std::size_t i = 0; i < kLegs; ++i) {
    const Leg& l = leg[i];
    step.leg_before[i] = l.at;
    step.pad_depth_m[i] = l.in_place ? config.pad_lever_m * (l.at.angle - arm.angle) : 0.0;
    step.pad_n[i] = contact(config.pad_stiffness_npm, config.pad_damping_nspm, step.pad_depth_m[i],
                            config.pad_lever_m * (l.at.velocity - arm.velocity));
    step.leg_depth[i] = l.config.angle_min_rad - l.at.angle;
    step.leg_stop_nm[i] =
        contact(kLegStopStiffness, kLegStopDamping, step.leg_depth[i], -l.at.velocity);
    pads_nm += step.pad_n[i] * config.pad_lever_m;
  }
  step.inner_depth = config.inner_stop_rad - arm.angle;
  step.outer_depth = arm.angle - config.outer_stop_rad;
  step.inner_nm = contact(kArmStopStiffness, kArmStopDamping, step.inner_depth, -arm.velocity);
  step.outer_nm = contact(kArmStopStiffness, kArmStopDamping, step.outer_depth, arm.velocity);
  step.gravity_nm = tilt_nm == 0.0 ? 0.0 : tilt_nm * det::cos(arm.angle);
  step.gear = friction_force(gear_friction, bristles, arm.velocity, pads_nm, kDt);

  const double torque_nm =
      pads_nm - motor_nm - step.gear.force_n - step.gravity_nm + step.inner_nm - step.outer_nm;
  arm.velocity += arm_share * torque_nm;
  arm.angle += kDt * arm.velocity;
  for (std::size_t i = 0; i < kLegs; ++i) advance_leg(i, hip_torque_nm[i], step);
  if constexpr (kAccounts) account(step);

  ++steps;
  advance_sensors<kLegs>(step);
}

template <std::size_t kLegs>
[[gnu::always_inline]] inline void LeverPlant::State::advance_sensors(const Step& step) noexcept {
  const double scaled = arm.angle * inverse_quantum;
  auto counts = static_cast<std::int64_t>(scaled);
  if (static_cast<double>(counts) > scaled) --counts;
  const double rate = static_cast<double>(counts - encoder_counts) * encoder_quantum * (1.0 / kDt);
  encoder_velocity += velocity_share * ((steps > 1 ? rate : 0.0) - encoder_velocity);
  encoder_counts = counts;
  const double turn = ripple_per_rad * kDt * arm.velocity;
  if (absolute(turn) < kRotationMax) {
    ripple.rotate(turn);
  } else {
    turn_ripple();
  }
  for (std::size_t i = 0; i < kLegs; ++i) {
    Leg& l = leg[i];
    l.pad_n = step.pad_n[i];
    l.cell_filtered_nm += cell_share * (l.pad_n * config.pad_lever_m - l.cell_filtered_nm);
  }
}

// Once a millisecond: what the steps in between only approximate, and what nobody samples oftener.
template <std::size_t kLegs>
void LeverPlant::State::end_millisecond() noexcept {
  turn_ripple();
  // Behind the filter: the sampled value carries the configured rms.
  for (std::size_t i = 0; i < kLegs; ++i) {
    leg[i].cell_noise_nm = config.load_cell_noise_nm * random.normal();
  }
  for (double* decaying : {&current_nm, &ripple_nm, &encoder_velocity, &arm.velocity}) {
    *decaying = settled(*decaying);
  }
  for (std::size_t i = 0; i < kLegs; ++i) {
    leg[i].cell_filtered_nm = settled(leg[i].cell_filtered_nm);
    leg[i].at.velocity = settled(leg[i].at.velocity);
  }
}

template <std::size_t kLegs>
void LeverPlant::State::end_step() noexcept {
  if (steps % kPlantStepsPerTick == 0) end_millisecond<kLegs>();
  update_truth<kLegs>();
}

template <std::size_t kLegs>
inline void LeverPlant::State::update_truth() noexcept {
  truth.time_s = static_cast<double>(steps) * kDt;
  truth.arm_angle_rad = arm.angle;
  truth.arm_velocity_radps = arm.velocity;
  truth.motor_torque_nm = motor_nm;
  for (std::size_t i = 0; i < kLegs; ++i) {
    truth.leg[i] = {leg[i].at.angle, leg[i].at.velocity, leg[i].pad_n,
                    leg[i].pad_n * config.pad_lever_m};
  }
}

// Powers at the mean velocity of the step. Dissipation comes from the dampers' and bristles' own
// laws, never as a difference of the others, so that the balance can fail.
void LeverPlant::State::account(const Step& step) noexcept {
  const double a = 0.5 * (step.arm_before.velocity + arm.velocity);
  const double sigma0 = config.gear_friction.bristle_stiffness_npm;
  const double bristle_nm = sigma0 * bristles.bristle_m;
  double dissipated_w = (step.gear.force_n - bristle_nm) * a +
                        bristle_nm * (a - step.gear.bristle_rate_mps) +
                        damped_power(step.inner_nm, kArmStopStiffness, step.inner_depth, -a) +
                        damped_power(step.outer_nm, kArmStopStiffness, step.outer_depth, a);
  energy.motor_j -= kDt * motor_nm * a;
  for (std::size_t i = 0; i < leg_count; ++i) {
    const double b = 0.5 * (step.leg_before[i].velocity + leg[i].at.velocity);
    energy.person_j += kDt * step.hip_nm[i] * b;
    dissipated_w += damped_power(step.pad_n[i], config.pad_stiffness_npm, step.pad_depth_m[i],
                                 config.pad_lever_m * (b - a)) +
                    damped_power(step.leg_stop_nm[i], kLegStopStiffness, step.leg_depth[i], -b);
    dissipated_w += config.seat_damping_nmsprad * step.leg_before[i].velocity * b;
  }
  energy.dissipated_j += kDt * dissipated_w;
}

double LeverPlant::State::stored_energy() const noexcept {
  const auto motion = [](double inertia, double velocity) {
    return 0.5 * inertia * velocity * velocity;
  };
  const double sigma0 = config.gear_friction.bristle_stiffness_npm;
  double stored_j = motion(config.arm_inertia_kgm2, arm.velocity) +
                    0.5 * sigma0 * bristles.bristle_m * bristles.bristle_m +
                    spring_energy(kArmStopStiffness, config.inner_stop_rad - arm.angle) +
                    spring_energy(kArmStopStiffness, arm.angle - config.outer_stop_rad) +
                    tilt_nm * det::sin(arm.angle);
  for (std::size_t i = 0; i < leg_count; ++i) {
    const Leg& l = leg[i];
    stored_j += motion(l.config.inertia_kgm2, l.at.velocity) +
                spring_energy(kLegStopStiffness, l.config.angle_min_rad - l.at.angle);
    if (l.in_place) {
      stored_j +=
          spring_energy(config.pad_stiffness_npm, config.pad_lever_m * (l.at.angle - arm.angle));
    }
  }
  return stored_j;
}

LeverPlant::LeverPlant(const LeverPlantConfig& config, const std::array<LegConfig, kMostLegs>& legs)
    : state_(std::make_unique<State>(config, legs)) {}
LeverPlant::~LeverPlant() = default;
LeverPlant::LeverPlant(LeverPlant&&) noexcept = default;
LeverPlant& LeverPlant::operator=(LeverPlant&&) noexcept = default;

void LeverPlant::command(double torque_nm, bool powered) noexcept {
  State& s = *state_;
  const bool now_powered = powered && is_finite(torque_nm);
  // A telegram from before the cut must not act after it.
  if (s.powered && !now_powered) s.sent.fill(0.0);
  // Bumpless: telegrams from before the other mode are none, the torque stays.
  if (s.velocity_loop.on() && now_powered) s.sent.fill(s.current_nm);
  s.velocity_loop.off();
  s.powered = now_powered;
  s.command_nm = now_powered ? torque_nm : 0.0;
}

void LeverPlant::command(const VelocityCommand& command, bool powered) noexcept {
  if (!powered || !is_finite(command.velocity_mps + command.pull_max_n + command.brake_max_n)) {
    this->command(0.0, false);
    return;
  }
  state_->velocity_loop.command(command, state_->current_nm);
  state_->powered = true;
}

void LeverPlant::step(const std::array<double, kMostLegs>& hip_torque_nm) noexcept {
  State& s = *state_;
  const bool both = s.leg_count == kMostLegs;
  if (s.accounts) {
    both ? s.advance<true, 2>(hip_torque_nm) : s.advance<true, 1>(hip_torque_nm);
  } else {
    both ? s.advance<false, 2>(hip_torque_nm) : s.advance<false, 1>(hip_torque_nm);
  }
  both ? s.end_step<2>() : s.end_step<1>();
}

void LeverPlant::step_tick(LeverPlant& left, HipDrive& left_hip, LeverPlant& right,
                           HipDrive& right_hip) noexcept {
  State& l = *left.state_;
  State& r = *right.state_;
  const bool usual = l.usual() && r.usual();
  for (int i = 0; i < kPlantStepsPerTick; ++i) {
    const double left_nm = left_hip.next(l.leg[0].at.angle, l.leg[0].at.velocity, kDt);
    const double right_nm = right_hip.next(r.leg[0].at.angle, r.leg[0].at.velocity, kDt);
    if (usual) {
      l.advance<false, 1>({left_nm, 0.0});
      r.advance<false, 1>({right_nm, 0.0});
    } else {
      left.step({left_nm, 0.0});
      right.step({right_nm, 0.0});
    }
  }
  if (!usual) return;
  l.end_step<1>();
  r.end_step<1>();
}

void LeverPlant::set_leg_in_place(int leg, bool in_place) noexcept {
  if (leg < 0 || leg >= static_cast<int>(state_->leg_count)) return;
  Leg& l = state_->leg[static_cast<std::size_t>(leg)];
  const double before_j = state_->stored_energy();
  if (in_place && !l.in_place) l.at = {at_most(l.at.angle, state_->arm.angle), 0.0};
  l.in_place = in_place;
  // The pad springs back without the leg; whoever puts the leg back brings it to rest.
  state_->energy.dissipated_j += before_j - state_->stored_energy();
}

void LeverPlant::set_drive_speed_limit(double speed_radps) noexcept {
  state_->speed_limit = at_least(speed_radps, 0.0);
}

void LeverPlant::jam(double extra_friction_nm) noexcept {
  state_->gear_friction.config.coulomb_n =
      state_->config.gear_friction.coulomb_n + at_least(extra_friction_nm, 0.0);
}

double LeverPlant::encoder_position_rad() const noexcept {
  return static_cast<double>(state_->encoder_counts) * state_->encoder_quantum;
}
double LeverPlant::encoder_velocity_radps() const noexcept {
  return state_->encoder_velocity;
}
double LeverPlant::drive_torque_nm() const noexcept {
  return state_->current_nm;
}
double LeverPlant::load_cell_nm(int leg) const noexcept {
  if (leg < 0 || leg >= static_cast<int>(state_->leg_count)) return 0.0;
  const Leg& l = state_->leg[static_cast<std::size_t>(leg)];
  return l.cell_filtered_nm * state_->config.load_cell_gain + state_->config.load_cell_offset_nm +
         l.cell_noise_nm;
}
const LeverTruth& LeverPlant::truth() const noexcept {
  return state_->truth;
}

std::uint64_t LeverPlant::state_hash() const noexcept {
  const State& s = *state_;
  TraceHash hash;
  hash.add(s.steps);
  for (const double value : {s.arm.angle, s.arm.velocity, s.current_nm, s.ripple_nm, s.command_nm,
                             s.bristles.bristle_m, s.encoder_velocity}) {
    hash.add(value);
  }
  for (std::size_t i = 0; i < s.leg_count; ++i) {
    const Leg& l = s.leg[i];
    hash.add(l.at.angle);
    hash.add(l.at.velocity);
    hash.add(l.cell_filtered_nm);
    hash.add(l.cell_noise_nm);
    hash.add(static_cast<std::uint64_t>(l.in_place));
  }
  for (const double value : s.sent) hash.add(value);
  s.velocity_loop.add_to(hash);
  return hash.value();
}

void LeverPlant::start_energy_accounts() noexcept {
  state_->accounts = true;
  state_->energy = {};
  state_->stored_at_start_j = state_->stored_energy();
}

LeverEnergy LeverPlant::energy() const noexcept {
  LeverEnergy energy = state_->energy;
  energy.stored_j = state_->stored_energy() - state_->stored_at_start_j;
  return energy;
}

}  // namespace medius::sim
