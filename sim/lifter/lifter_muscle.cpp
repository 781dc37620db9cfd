// What the person expects, and what their muscles do: load, activation, impedance, capacity,
// fatigue.
#include "sim/lifter/lifter_state.hpp"
#include "sim/lifter/pelvis_tilt.hpp"
#include "sim/plant/cable_plant.hpp"
#include "sim/plant/settle.hpp"

namespace medius::sim {
namespace {

using measure::Phase;

constexpr double kDt = kLifterTickS;

// From one phase's expected load to the next: this share of the phase, at most this long (a machine
// answers a turn after about half a second).
constexpr double kExpectationShare = 0.4;
constexpr double kExpectationS = 0.8;
constexpr double kBottomExpectationS = 0.5;
// How smooth a load is felt: fast enough for a load ramp, slow enough that the drive's inertia,
// felt late, does not rock the standing leg.
constexpr double kFeltLagS = 0.2;
// A difference in a steady load that a standing person notices (discrimination of force is about 7
// %).
constexpr double kNoticedShare = 0.07;
constexpr double kNoticedN = 2.0;
// Surprise beyond this is answered within the set, less only by learning.
constexpr double kSurpriseN = 6.0;
constexpr double kSurpriseShare = 0.15;
// Adductors, as a share of the abductors' isometric torque.
constexpr double kAdductorShare = 0.5;
constexpr double kLimpDampingNms = 1.0;
constexpr double kSwayShare[2] = {0.7, 0.3};
// cannot_lift asks for a movement of this speed at least.
constexpr double kSlowRadps = 0.1;

}  // namespace

void Lifter::State::feel(double tension_n) noexcept {
  felt_n += (kDt / kFeltLagS) * (delayed_tension.push(tension_n) - felt_n);
  if (truth.state != LifterState::kLifting) {
    // Standing, a person corrects what they notice; correcting every newton late would hunt against
    // the cable's friction.
    const double noticed_n = at_least(kNoticedShare * felt_n, kNoticedN);
    expected_n = clamped(expected_n, felt_n - noticed_n, felt_n + noticed_n);
    return;
  }
  tension_sum_n += tension_n;
  ++tension_count;
  const bool bottom = phase == Phase::kBottom;
  const double change_s =
      bottom ? kBottomExpectationS : at_most(kExpectationShare * planned_s, kExpectationS);
  const double s = at_most(phase_s / change_s, 1.0);
  const double blend = s * s * (3.0 - 2.0 * s);
  // Moving, the load is what the last repetitions taught; at the peak there is time to feel it; at
  // the bottom a person awaits the load of the next lift.
  const double next_n =
      phase == Phase::kHold ? felt_n : learned_n[phase_slot(bottom ? Phase::kConcentric : phase)];
  const double remembered_n = expected_before_n + blend * (next_n - expected_before_n);
  const double band_n = at_least(kSurpriseShare * felt_n, kSurpriseN);
  expected_n = clamped(remembered_n, felt_n - band_n, felt_n + band_n);
}

void Lifter::State::learn() noexcept {
  if (tension_count > 0) {
    double& learned = learned_n[phase_slot(phase)];
    learned += config.learning * (tension_sum_n / tension_count - learned);
  }
  tension_sum_n = 0.0;
  tension_count = 0;
}

bool Lifter::State::too_heavy(double load_n) const noexcept {
  constexpr int kPoints = 8;
  for (int i = 0; i <= kPoints; ++i) {
    const double angle = config.start_rad + (range_rad - config.start_rad) * i / kPoints;
    const det::SinCos at = det::sin_cos(angle);
    const double needed_nm =
        load_n * load_at(angle, at).moment_arm_m + gravity_nm(at) + passive_stretch_nm(angle);
    const double possible_nm = config.isometric_torque_nm *
                               angle_factor(config.angle_curve, angle) *
                               velocity_factor(curve, kSlowRadps);
    if (needed_nm > possible_nm) return true;
  }
  return false;
}

void Lifter::State::drive_muscle(double velocity_radps) noexcept {
  const double sway_rad = config.sway_m / config.cuff_radius_m *
                          (kSwayShare[0] * sway[0].next() + kSwayShare[1] * sway[1].next());
  step_reference_rad = reference_rad + sway_rad;
  const double angle_error = delayed_angle_error.push(step_reference_rad - angle_rad);
  const double velocity_error = delayed_velocity_error.push(reference_radps - velocity_radps);

  const det::SinCos at = det::sin_cos(reference_rad);
  passive_nm = passive_stretch_nm(angle_rad);
  double wanted_nm = 0.0;
  if (!limp()) {
    wanted_nm = gravity_nm(at) + passive_nm + expected_n * load_at(reference_rad, at).moment_arm_m +
                config.leg_inertia_kgm2 * reference_radps2 +
                config.tracking_stiffness_nmprad * angle_error +
                config.tracking_damping_nmsprad * velocity_error;
  }
  tilt_pelvis(wanted_nm);
  limit_muscle(velocity_radps);

  const double isometric_nm = -least_nm / kAdductorShare;
  const double command = clamped(wanted_nm, least_nm, most_nm) / isometric_nm;
  const double scale = 0.5 + 1.5 * absolute(activation);
  const double lag_s = absolute(command) > absolute(activation) ? config.activation_s * scale
                                                                : config.deactivation_s / scale;
  activation += (command - activation) * at_most(kDt / lag_s, 1.0);
  muscle_nm = activation * isometric_nm * (1.0 + config.tremor_fraction * tremor.next());
  if (spasm_s > 0.0) {
    muscle_nm += spasm_nm;
    spasm_s -= kDt;
  }
  stiffness_nmprad =
      limp() ? 0.0 : config.impedance_nmprad + config.impedance_per_nm * absolute(muscle_nm);
  if (stiffening_s > 0.0) {
    stiffness_nmprad *= stiffening;
    stiffening_s -= kDt;
  }
  damping_nmsprad = limp() ? kLimpDampingNms
                           : 2.0 * config.impedance_damping_ratio *
                                 det::sqrt(stiffness_nmprad * config.leg_inertia_kgm2);
  const double possible_nm = isometric_nm * velocity_factor(curve, velocity_radps);
  tire(wanted_nm + stiffness_nmprad * (step_reference_rad - angle_rad), possible_nm);
}

// What the muscles can give either way. The pelvis is told, not felt: strength over angle is tabled
// for people who stand as they do.
void Lifter::State::limit_muscle(double velocity_radps) noexcept {
  const double isometric_nm =
      config.isometric_torque_nm * angle_factor(config.angle_curve, angle_rad);
  const double rested = config.fatigue ? 1.0 - fatigue.fatigued : 1.0;
  truth.capacity_nm =
      isometric_nm * velocity_factor(curve, velocity_radps) * rested * strength_left;
  // Without the cap: a person without limits, for negative controls.
  most_nm = config.cap_torque ? truth.capacity_nm : 1e9;
  least_nm = -kAdductorShare * isometric_nm;
}

void Lifter::State::tilt_pelvis(double demand_nm) noexcept {
  if (config.pad_lever_m > 0.0) return;  // the seat carries the pelvis
  const double share = truth.capacity_nm > 1.0 ? demand_nm / truth.capacity_nm : 0.0;
  const double gives_way = clamped((share - kTiltFrom) / (1.0 - kTiltFrom), 0.0, 1.0);
  const double target_rad = event_tilt_rad + config.pelvic_drop_max_rad * gives_way +
                            kTiltRadPerNm * at_least(demand_nm, 0.0);
  truth.pelvic_tilt_rad += (kDt / kTiltLagS) * (target_rad - truth.pelvic_tilt_rad);
}

// The person whose other leg works spends most of the time here: kept cheap.
void Lifter::State::rest() noexcept {
  reference_rad = step_reference_rad = angle_rad;
  reference_radps = reference_radps2 = 0.0;
  felt_n = expected_n = 0.0;
  truth.body_m = truth.body_mps = truth.pelvic_tilt_rad = 0.0;
  activation = settled(activation - activation * at_most(kDt / config.deactivation_s, 1.0));
  muscle_nm = activation * config.isometric_torque_nm;
  stiffness_nmprad = passive_nm = 0.0;
  damping_nmsprad = kLimpDampingNms;
  most_nm = config.isometric_torque_nm;
  least_nm = -kAdductorShare * most_nm;
  if (config.fatigue) step_fatigue(fatigue_rates, fatigue, 0.0, kDt);
}

void Lifter::State::count(double velocity_radps) noexcept {
  const CableAtAngle load = load_at(angle_rad);
  if (counter.step(load.length_m - rest_length_m + truth.body_m,
                   load.moment_arm_m * velocity_radps + truth.body_mps, full_rise_m)) {
    ++truth.reps_completed;
  }
}

void Lifter::State::tire(double demand_nm, double possible_nm) noexcept {
  if (!config.fatigue) return;
  // A muscle that shortens at its greatest speed has no torque left to demand a share of.
  const double share = possible_nm > 1.0 ? demand_nm / possible_nm : 1.0;
  step_fatigue(fatigue_rates, fatigue, limp() ? 0.0 : clamped(share, 0.0, 1.0), kDt);
}

void Lifter::tick(double hip_angle_rad, double hip_velocity_radps, double cuff_tension_n) noexcept {
  State& s = *state_;
  s.angle_rad = hip_angle_rad;
  if (s.truth.state == LifterState::kRelaxed) {
    s.rest();
  } else {
    s.follow_path();
    s.watch_effort(hip_velocity_radps);
    s.feel(cuff_tension_n);
    s.drive_muscle(hip_velocity_radps);
    s.count(hip_velocity_radps);
  }
  s.truth.fatigue = s.fatigue.fatigued;
  s.truth.activation = s.activation;
  s.truth.intended_angle_rad = s.reference_rad;
  s.truth.intended_phase = s.phase;
}

HipDrive Lifter::hip_drive() const noexcept {
  const State& s = *state_;
  HipDrive hip;
  hip.muscle_nm = s.muscle_nm;
  hip.stiffness_nmprad = s.stiffness_nmprad;
  hip.damping_nmsprad = s.damping_nmsprad;
  hip.reference_rad = s.step_reference_rad;
  hip.reference_radps = s.reference_radps;
  hip.least_nm = s.least_nm;
  hip.most_nm = s.most_nm;
  hip.passive_nm = s.passive_nm;
  return hip;
}

void Lifter::take(const HipDrive& hip) noexcept {
  state_->step_reference_rad = hip.reference_rad;
  state_->truth.torque_nm = hip.torque_nm;
}

double Lifter::torque_nm(double hip_angle_rad, double hip_velocity_radps) noexcept {
  HipDrive hip = hip_drive();
  const double torque_nm = hip.next(hip_angle_rad, hip_velocity_radps, kPlantStepS);
  take(hip);
  return torque_nm;
}

}  // namespace medius::sim
