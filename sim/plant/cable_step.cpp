// A step of the cable plant, ten thousand times a second: half of what a simulated session costs.
// Everything is inlined into one loop over a tick, on a copy of what moves.
#include <cmath>

#include "controller/base/clamp.hpp"
#include "sim/plant/cable_state.hpp"
#include "sim/plant/hip_drive.hpp"
#include "sim/plant/settle.hpp"

namespace medius::sim {
namespace {

constexpr double kDt = kPlantStepS;

// A hand that brings the cuff back stays so far ahead of it, and puts it on from here.
constexpr double kHandSpeed = 0.3;  // m/s
constexpr double kHandLead = 0.1;   // m
constexpr double kPutOnGap = 1e-3;  // m

// One-sided spring and damper: the sum is clipped, so that the damper never pushes.
[[gnu::always_inline]] inline double contact(double stiffness, double damping, double stretch,
                                             double rate) noexcept {
  if (!(stretch > 0.0)) return 0.0;
  const double force = stiffness * stretch + damping * rate;
  return force > 0.0 ? force : 0.0;
}

}  // namespace

template <CablePlant::State::Case kCase>
[[gnu::always_inline]] inline void CablePlant::State::advance_drive(CableMoving& m) noexcept {
  const auto slot = static_cast<std::uint32_t>(m.steps);
  sent[slot % kDelaySlots] = command_n;
  double target_n = powered ? sent[(slot - dead_time_steps) % kDelaySlots] : 0.0;
  if constexpr (kCase != Case::kUsual) {
    if (velocity_loop.on()) {
      target_n = velocity_loop.step(slot, dead_time_steps, m.encoder_velocity_mps, kDt);
    }
  }
  if (powered && speed_limit_mps > 0.0) {
    // The torque command is limited by a speed loop inside the drive, which knows no bus delay.
    double most_n = speed_limit_gain * (speed_limit_mps + m.encoder_velocity_mps);
    if (most_n < -config.drive_brake_force_n) most_n = -config.drive_brake_force_n;
    if (target_n > most_n) target_n = most_n;
  }
  m.current_n += drive_share * (target_n - m.current_n);
  m.ripple_n += drive_share * (config.torque_ripple_n * m.ripple.sin - m.ripple_n);
  m.motor_n = config.torque_gain * m.current_n + m.ripple_n;
}

// Where the leg would have the cuff.
[[gnu::always_inline]] inline void CablePlant::State::follow_leg(CableMoving& m) const noexcept {
  const CableAtAngle at = cable_at(geometry, m.leg_phasor.sin, m.leg_phasor.cos);
  m.moment_arm_m = at.moment_arm_m;
  m.leg_cuff.position = at.length_m - rest_length_m + m.body.position;
  m.leg_cuff.velocity = at.moment_arm_m * m.angular_velocity + m.body.velocity;
}

[[gnu::always_inline]] inline void CablePlant::State::advance_leg(CableMoving& m,
                                                                  double hip_torque_nm,
                                                                  double cable_torque_nm,
                                                                  double& stop_nm) const noexcept {
  stop_nm = contact(kLegStopStiffness, kLegStopDamping, leg.angle_min_rad - m.angle_rad,
                    -m.angular_velocity);
  const double torque_nm =
      hip_torque_nm + stop_nm - cable_torque_nm -
      gravity_nm * (m.leg_phasor.sin * gravity_turn.cos + m.leg_phasor.cos * gravity_turn.sin);
  m.angular_velocity += leg_share * torque_nm;
  const double turn = kDt * m.angular_velocity;
  m.angle_rad += turn;
  m.body.position += kDt * m.body.velocity;
  if (absolute(turn) < kRotationMax) {
    m.leg_phasor.rotate(turn);
  } else {
    m.leg_phasor.set(m.angle_rad);
  }
  follow_leg(m);
}

void CablePlant::State::hang_leg() noexcept {
  leg_share = kDt / leg.inertia_kgm2;
  gravity_nm = leg.gravity_moment_kgm * kGravity;
  gravity_turn = det::sin_cos(leg.gravity_turn_rad);
  angle_rad = leg.angle_min_rad;
  angular_velocity = 0.0;
  leg_phasor.set(angle_rad);
  follow_leg(*this);
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

[[gnu::always_inline]] inline void CablePlant::State::turn_ripple(CableMoving& m) const noexcept {
  // Whole turns are taken off first: the sine's range reduction is exact for small angles only.
  const double turns = config.torque_ripple_per_m * m.drum.position;
  m.ripple.set(2.0 * det::kPi * (turns - std::floor(turns)));
}

[[gnu::always_inline]] inline void CablePlant::State::advance_sensors(
    CableMoving& m) const noexcept {
  const double scaled = m.drum.position * inverse_quantum;
  auto counts = static_cast<std::int64_t>(scaled);
  if (static_cast<double>(counts) > scaled) --counts;
  const double rate =
      static_cast<double>(counts - m.encoder_counts) * encoder_quantum_m * (1.0 / kDt);
  m.encoder_counts = counts;
  m.encoder_velocity_mps += velocity_share * (rate - m.encoder_velocity_mps);

  const double tension_n = config.load_cell_after_last_pulley ? m.cuff_tension_n : m.drum_tension_n;
  m.cell_filtered_n += cell_share * (tension_n - m.cell_filtered_n);

  const double turn = ripple_per_m * kDt * m.drum.velocity;
  if (absolute(turn) < kRotationMax) {
    m.ripple.rotate(turn);
  } else {
    turn_ripple(m);
  }
}

// Once a millisecond: what the steps in between only approximate, and what nobody samples oftener.
void CablePlant::State::end_millisecond() noexcept {
  turn_ripple(*this);
  leg_phasor.set(angle_rad);
  // Behind the filter: the sampled value carries the configured rms.
  cell_noise_n = config.load_cell_noise_n * random.normal();
  for (double* decaying : {&current_n, &cell_filtered_n, &encoder_velocity_mps, &drum.velocity,
                           &path.velocity, &angular_velocity}) {
    *decaying = settled(*decaying);
  }
}

// Semi-implicit Euler: forces from positions and velocities of the step's start, then velocities,
// then positions with the new velocities.
template <CablePlant::State::Case kCase>
[[gnu::always_inline]] inline void CablePlant::State::advance(CableMoving& m,
                                                              double hip_torque_nm) noexcept {
  advance_drive<kCase>(m);
  const double cuff_stretch = m.cuff.position - m.path.position;
  const double cable_stretch = m.path.position - m.drum.position;
  const double ball_depth = config.ball_stop_position_m - m.path.position;
  m.cuff_tension_n = contact(config.cuff_stiffness_npm, config.cuff_damping_nspm, cuff_stretch,
                             m.cuff.velocity - m.path.velocity);
  m.drum_tension_n = contact(config.cable_stiffness_npm, config.cable_damping_nspm, cable_stretch,
                             m.path.velocity - m.drum.velocity);
  const double ball = contact(kBallStiffness, kBallDamping, ball_depth, -m.path.velocity);
  const FrictionForce drive_rub =
      friction_force(drive_friction, m.drive_bristles, m.drum.velocity, m.drum_tension_n, kDt);
  const FrictionForce path_rub =
      friction_force(path_friction, m.path_bristles, m.path.velocity, m.cuff_tension_n, kDt);
  Step step;
  if constexpr (kCase == Case::kAccounts) {
    step = {m.drum_tension_n,
            m.cuff_tension_n,
            ball,
            0.0,
            hip_torque_nm,
            m.drum.velocity,
            m.path.velocity,
            m.cuff.velocity,
            m.angular_velocity,
            cable_stretch,
            cuff_stretch,
            ball_depth,
            leg.angle_min_rad - m.angle_rad,
            holder.position_m - m.cuff.position,
            holder.velocity_mps - m.cuff.velocity,
            end,
            drive_rub,
            path_rub};
  }

  m.drum.velocity += drum_share * (m.drum_tension_n - m.motor_n - drive_rub.force_n);
  m.drum.position += kDt * m.drum.velocity;
  m.path.velocity += path_share * (m.cuff_tension_n - m.drum_tension_n - path_rub.force_n + ball);
  m.path.position += kDt * m.path.velocity;
  double stop_nm = 0.0;
  if (kCase == Case::kUsual || end == End::kLeg) {
    advance_leg(m, hip_torque_nm, m.cuff_tension_n * m.moment_arm_m, stop_nm);
    m.cuff = m.leg_cuff;
  } else {
    if (end != End::kRig) advance_leg(m, hip_torque_nm, 0.0, stop_nm);
    advance_holder(m.cuff_tension_n);
  }
  if constexpr (kCase == Case::kAccounts) {
    step.stop_torque = stop_nm;
    account(step);
  }
  ++m.steps;
  advance_sensors(m);
}

void CablePlant::step(double hip_torque_nm) noexcept {
  State& s = *state_;
  if (s.accounts) {
    s.advance<State::Case::kAccounts>(s, hip_torque_nm);
  } else {
    s.advance<State::Case::kAny>(s, hip_torque_nm);
  }
  if (s.steps % kPlantStepsPerTick == 0) s.end_millisecond();
  s.update_truth();
}

void CablePlant::step_tick(HipDrive& hip) noexcept {
  State& s = *state_;
  if (!s.usual() || s.steps % kPlantStepsPerTick != 0) {
    for (int i = 0; i < kPlantStepsPerTick; ++i) {
      step(hip.next(s.angle_rad, s.angular_velocity, kDt));
    }
    return;
  }
  CableMoving moving = s;
  HipDrive drive = hip;
  for (int i = 0; i < kPlantStepsPerTick; ++i) {
    s.advance<State::Case::kUsual>(moving,
                                   drive.next(moving.angle_rad, moving.angular_velocity, kDt));
  }
  hip = drive;
  static_cast<CableMoving&>(s) = moving;
  s.end_millisecond();
  s.update_truth();
}

}  // namespace medius::sim
