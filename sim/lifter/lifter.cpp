#include "sim/lifter/lifter.hpp"

#include <array>
#include <cstddef>

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"
#include "controller/base/random.hpp"
#include "controller/base/tick.hpp"
#include "controller/base/trace_hash.hpp"
#include "sim/lifter/oscillator.hpp"
#include "sim/lifter/rep_counter.hpp"
#include "sim/plant/cable_geometry.hpp"
#include "sim/plant/cable_plant.hpp"

namespace medius::sim {
namespace {

using measure::Phase;

constexpr double kDt = kTickPeriodS;
constexpr double kGravity = 9.81;

constexpr double kStandS = 1.0;  // to take the start position
// From one phase's expected load to the next: this share of the phase, at most this long (a machine
// answers a turn after about half a second).
constexpr double kExpectationShare = 0.4;
constexpr double kExpectationS = 0.8;
constexpr double kBottomExpectationS = 0.5;
// A pause is kept where the leg came to rest, not at the intended angle, up to this difference.
constexpr double kRestNearby = 0.06;  // rad
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
// The intention waits for a leg that lags: fully beyond the second angle.
constexpr double kLagFree = 0.10;  // rad
constexpr double kLagStop = 0.30;  // rad
// A person gives up: too long, or sinking in spite of all effort.
constexpr double kPatience = 3.0;    // times the intended duration, plus 1 s
constexpr double kSinkLag = 0.20;    // rad
constexpr double kSinkSpeed = 0.05;  // rad/s
constexpr double kSinkS = 0.5;
constexpr double kGiveUpS = 2.0;  // intended way down after giving up
// Adductors, as a share of the abductors' isometric torque.
constexpr double kAdductorShare = 0.5;
constexpr double kLimpDampingNms = 1.0;
constexpr double kTremorHz = 9.0;
// A standing body's sway: two incommensurable slow components.
constexpr double kSwayHz[2] = {0.31, 0.83};
constexpr double kSwayShare[2] = {0.7, 0.3};
// A drawn tempo or range stays within this many standard deviations.
constexpr double kDrawMax = 2.5;
// The pelvis of somebody sound yields a little to the load that the standing hip carries: 2 degrees
// at 80 Nm, as slowly as trunk and pelvis sway.
constexpr double kTiltRadPerNm = 0.035 / 80.0;
constexpr double kTiltLagS = 0.2;
// cannot_lift asks for a movement of this speed at least.
constexpr double kSlowRadps = 0.1;

// A value as it was some ticks ago.
class Delay {
 public:
  explicit Delay(double delay_s) noexcept
      : ticks_(static_cast<std::size_t>(clamped(delay_s / kDt + 0.5, 0.0, kSlots - 1.0))) {}
  double push(double value) noexcept {
    ++at_;
    values_[at_ % kSlots] = value;
    return values_[(at_ - ticks_) % kSlots];
  }

 private:
  static constexpr std::size_t kSlots = 256;
  std::size_t ticks_;
  std::size_t at_ = kSlots;
  std::array<double, kSlots> values_{};
};

// The intended way of one phase.
struct Path {
  double from_rad = 0.0, to_rad = 0.0;
  double duration_s = 1.0;
  double progress = 1.0;  // 0..1
};

std::size_t slot(Phase phase) noexcept {
  return static_cast<std::size_t>(phase);
}

}  // namespace

struct Lifter::State {
  explicit State(const LifterConfig& c)
      : config(c),
        curve{c.max_velocity_radps, c.hill_k, c.eccentric_plateau},
        fatigue_rates{c.fatigue_f, c.fatigue_r, c.fatigue_rest},
        geometry{c.hip_height_m, c.pulley_height_m, c.pulley_distance_m, c.cuff_radius_m},
        random(c.seed, 0x11f7e4),
        delayed_angle_error(c.feedback_delay_s),
        delayed_velocity_error(c.feedback_delay_s),
        delayed_tension(c.voluntary_delay_s),
        tremor(kTremorHz, random.uniform(0.0, 2.0 * det::kPi), kDt),
        sway{Oscillator(kSwayHz[0], random.uniform(0.0, 2.0 * det::kPi), kDt),
             Oscillator(kSwayHz[1], random.uniform(0.0, 2.0 * det::kPi), kDt)} {
    full_rise_m =
        RepCounter::kFullShare * (load_at(c.range_rad).length_m - load_at(c.start_rad).length_m);
    rest_length_m = load_at(0.0).length_m;
  }

  // Travel and moment arm of what the load acts through.
  [[nodiscard]] CableAtAngle load_at(double at_rad) const noexcept {
    if (config.pad_lever_m > 0.0) return {config.pad_lever_m * at_rad, config.pad_lever_m};
    return load_at(at_rad, det::sin_cos(at_rad));
  }
  [[nodiscard]] CableAtAngle load_at(double at_rad, const det::SinCos& at) const noexcept {
    if (config.pad_lever_m > 0.0) return {config.pad_lever_m * at_rad, config.pad_lever_m};
    return cable_at(geometry, at.sin, at.cos);
  }

  // Intention.
  void go_to(double angle_rad, double duration_s, Phase phase) noexcept;
  void begin_rep() noexcept;
  void next_phase() noexcept;
  void follow_path() noexcept;
  void watch_effort(double velocity_radps) noexcept;
  void give_up() noexcept;
  // Expectation of the load.
  void feel(double tension_n) noexcept;
  void learn() noexcept;
  [[nodiscard]] bool too_heavy(double load_n) const noexcept;
  // Muscle.
  void drive_muscle(double velocity_radps) noexcept;
  void rest() noexcept;
  void count(double velocity_radps) noexcept;
  void tire(double demand_nm, double possible_nm) noexcept;
  [[nodiscard]] double varied(double value, double cv) noexcept {
    return value * (1.0 + cv * clamped(random.normal(), -kDrawMax, kDrawMax));
  }
  // Without muscle: relaxed, or having given up and arrived at the bottom.
  [[nodiscard]] bool limp() const noexcept {
    return truth.state == LifterState::kRelaxed ||
           (truth.state == LifterState::kFailed && path.progress >= 1.0);
  }
  [[nodiscard]] double resting_angle() const noexcept {
    return clamped(angle_rad, reference_rad - kRestNearby, reference_rad + kRestNearby);
  }
  [[nodiscard]] double bottom_s() const noexcept {
    return intent.tempo.bottom_s > intent.bottom_s ? intent.tempo.bottom_s : intent.bottom_s;
  }

  LifterConfig config;
  VelocityCurve curve;
  FatigueConfig fatigue_rates;
  CableGeometry geometry;
  Random random;
  double full_rise_m = 0.0, rest_length_m = 0.0;

  LifterTruth truth;
  LifterIntent intent;
  bool reps_wanted = false, waits_at_bottom = false;
  Phase phase = Phase::kRest;
  Path path;
  double phase_s = 0.0, sinking_s = 0.0;
  double reference_rad = 0.0, reference_radps = 0.0, reference_radps2 = 0.0;

  double angle_rad = 0.0;  // sensed at the last tick
  Delay delayed_angle_error, delayed_velocity_error, delayed_tension;
  double felt_n = 0.0, expected_n = 0.0, expected_before_n = 0.0;
  std::array<double, 5> learned_n{};  // by phase
  double tension_sum_n = 0.0;
  int tension_count = 0;
  RepCounter counter;

  FatigueState fatigue;
  double activation = 0.0;
  Oscillator tremor;
  std::array<Oscillator, 2> sway;
  // Held during a tick for the plant's steps.
  double muscle_nm = 0.0, stiffness_nmprad = 0.0, damping_nmsprad = 0.0;
  double step_reference_rad = 0.0;
  double most_nm = 0.0, least_nm = 0.0, passive_nm = 0.0;
};

void Lifter::State::go_to(double to_rad, double duration_s, Phase to_phase) noexcept {
  if (truth.state == LifterState::kLifting) learn();
  path = {reference_rad, to_rad, at_least(duration_s, 0.05), 0.0};
  phase = to_phase;
  phase_s = sinking_s = 0.0;
  expected_before_n = expected_n;
}

void Lifter::State::begin_rep() noexcept {
  truth.cannot_lift =
      too_heavy(truth.reps_started == 0 ? felt_n : learned_n[slot(Phase::kConcentric)]);
  ++truth.reps_started;
  const double travel_rad = varied(config.range_rad - config.start_rad, config.range_cv);
  go_to(config.start_rad + travel_rad, varied(intent.tempo.concentric_s, config.tempo_cv),
        Phase::kConcentric);
}

void Lifter::State::next_phase() noexcept {
  if (truth.state != LifterState::kLifting) {
    phase = Phase::kRest;
    if (truth.state != LifterState::kStanding || !reps_wanted) return;
    reps_wanted = false;
    truth.state = LifterState::kLifting;
    learned_n.fill(felt_n);
    begin_rep();
    return;
  }
  switch (phase) {
    case Phase::kConcentric:
      go_to(resting_angle(), varied(intent.tempo.hold_s, config.tempo_cv), Phase::kHold);
      return;
    case Phase::kHold:
      go_to(config.start_rad, varied(intent.tempo.eccentric_s, config.tempo_cv), Phase::kEccentric);
      return;
    case Phase::kEccentric:
      go_to(resting_angle(), varied(bottom_s(), config.tempo_cv), Phase::kBottom);
      return;
    default:
      if (waits_at_bottom && truth.reps_started < intent.reps) return;
      if (truth.reps_started < intent.reps) {
        begin_rep();
      } else {
        learn();
        truth.state = LifterState::kDone;
        phase = Phase::kRest;
      }
      return;
  }
}

void Lifter::State::follow_path() noexcept {
  if (path.progress >= 1.0) next_phase();
  phase_s += kDt;
  double rate = 1.0 / path.duration_s;
  if (phase == Phase::kConcentric) {
    const double lag_rad = reference_rad - angle_rad;
    rate *= clamped((kLagStop - lag_rad) / (kLagStop - kLagFree), 0.0, 1.0);
  }
  path.progress = at_most(path.progress + kDt * rate, 1.0);
  const MinimumJerk jerk = minimum_jerk(path.progress);
  const double way_rad = path.to_rad - path.from_rad;
  reference_rad = path.from_rad + way_rad * jerk.position;
  reference_radps = way_rad * jerk.velocity * rate;
  reference_radps2 = way_rad * jerk.acceleration * rate * rate;
}

void Lifter::State::watch_effort(double velocity_radps) noexcept {
  if (truth.state != LifterState::kLifting) return;
  const double lag_rad = reference_rad - angle_rad;
  if (phase == Phase::kConcentric) {
    sinking_s = lag_rad > kSinkLag && velocity_radps < -kSinkSpeed ? sinking_s + kDt : 0.0;
    if (sinking_s > kSinkS || phase_s > kPatience * path.duration_s + 1.0) give_up();
  } else if (phase == Phase::kHold) {
    // A hold that cannot be kept ends early; the way down begins where the leg is.
    sinking_s = lag_rad > kSinkLag ? sinking_s + kDt : 0.0;
    if (sinking_s > kSinkS) {
      reference_rad = angle_rad;
      next_phase();
    }
  }
}

void Lifter::State::give_up() noexcept {
  reference_rad = angle_rad;
  go_to(config.start_rad, kGiveUpS, Phase::kEccentric);
  truth.state = LifterState::kFailed;
}

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
      bottom ? kBottomExpectationS : at_most(kExpectationShare * path.duration_s, kExpectationS);
  const double s = at_most(phase_s / change_s, 1.0);
  const double blend = s * s * (3.0 - 2.0 * s);
  // Moving, the load is what the last repetitions taught; at the peak there is time to feel it; at
  // the bottom a person awaits the load of the next lift.
  const double next_n =
      phase == Phase::kHold ? felt_n : learned_n[slot(bottom ? Phase::kConcentric : phase)];
  const double remembered_n = expected_before_n + blend * (next_n - expected_before_n);
  const double band_n = at_least(kSurpriseShare * felt_n, kSurpriseN);
  expected_n = clamped(remembered_n, felt_n - band_n, felt_n + band_n);
}

void Lifter::State::learn() noexcept {
  if (tension_count > 0) {
    double& learned = learned_n[slot(phase)];
    learned += config.learning * (tension_sum_n / tension_count - learned);
  }
  tension_sum_n = 0.0;
  tension_count = 0;
}

bool Lifter::State::too_heavy(double load_n) const noexcept {
  constexpr int kPoints = 8;
  for (int i = 0; i <= kPoints; ++i) {
    const double angle = config.start_rad + (config.range_rad - config.start_rad) * i / kPoints;
    const det::SinCos at = det::sin_cos(angle);
    const double needed_nm = load_n * load_at(angle, at).moment_arm_m +
                             config.leg_gravity_moment_kgm * kGravity * at.sin +
                             passive_stretch_nm(angle);
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
    wanted_nm = config.leg_gravity_moment_kgm * kGravity * at.sin + passive_nm +
                expected_n * load_at(reference_rad, at).moment_arm_m +
                config.leg_inertia_kgm2 * reference_radps2 +
                config.tracking_stiffness_nmprad * angle_error +
                config.tracking_damping_nmsprad * velocity_error;
  }
  const double isometric_nm =
      config.isometric_torque_nm * angle_factor(config.angle_curve, angle_rad);
  const double possible_nm = isometric_nm * velocity_factor(curve, velocity_radps);
  const double rested = config.fatigue ? 1.0 - fatigue.fatigued : 1.0;
  truth.capacity_nm = possible_nm * rested;
  // Without the cap: a person without limits, for negative controls.
  most_nm = config.cap_torque ? truth.capacity_nm : 1e9;
  least_nm = -kAdductorShare * isometric_nm;

  const double command = clamped(wanted_nm, least_nm, most_nm) / isometric_nm;
  const double scale = 0.5 + 1.5 * absolute(activation);
  const double lag_s = absolute(command) > absolute(activation) ? config.activation_s * scale
                                                                : config.deactivation_s / scale;
  activation += (command - activation) * at_most(kDt / lag_s, 1.0);
  muscle_nm = activation * isometric_nm * (1.0 + config.tremor_fraction * tremor.next());

  stiffness_nmprad =
      limp() ? 0.0 : config.impedance_nmprad + config.impedance_per_nm * absolute(muscle_nm);
  damping_nmsprad = limp() ? kLimpDampingNms
                           : 2.0 * config.impedance_damping_ratio *
                                 det::sqrt(stiffness_nmprad * config.leg_inertia_kgm2);
  tire(wanted_nm + stiffness_nmprad * (step_reference_rad - angle_rad), possible_nm);
}

// The person whose other leg works spends most of the time here: kept cheap.
void Lifter::State::rest() noexcept {
  reference_rad = step_reference_rad = angle_rad;
  reference_radps = reference_radps2 = 0.0;
  felt_n = expected_n = 0.0;
  activation -= activation * at_most(kDt / config.deactivation_s, 1.0);
  muscle_nm = activation * config.isometric_torque_nm;
  stiffness_nmprad = passive_nm = 0.0;
  damping_nmsprad = kLimpDampingNms;
  most_nm = config.isometric_torque_nm;
  least_nm = -kAdductorShare * most_nm;
  if (config.fatigue) step_fatigue(fatigue_rates, fatigue, 0.0, kDt);
}

void Lifter::State::count(double velocity_radps) noexcept {
  const CableAtAngle load = load_at(angle_rad);
  if (counter.step(load.length_m - rest_length_m, load.moment_arm_m * velocity_radps,
                   full_rise_m)) {
    ++truth.reps_completed;
  }
}

void Lifter::State::tire(double demand_nm, double possible_nm) noexcept {
  if (!config.fatigue) return;
  // A muscle that shortens at its greatest speed has no torque left to demand a share of.
  const double share = possible_nm > 1.0 ? demand_nm / possible_nm : 1.0;
  step_fatigue(fatigue_rates, fatigue, limp() ? 0.0 : clamped(share, 0.0, 1.0), kDt);
}

Lifter::Lifter(const LifterConfig& config) : state_(std::make_unique<State>(config)) {}
Lifter::~Lifter() = default;
Lifter::Lifter(Lifter&&) noexcept = default;
Lifter& Lifter::operator=(Lifter&&) noexcept = default;

void Lifter::stand() noexcept {
  State& s = *state_;
  s.reps_wanted = false;
  s.reference_rad = s.angle_rad;
  s.truth.state = LifterState::kStanding;
  s.go_to(s.config.start_rad, kStandS, Phase::kRest);
}

void Lifter::start_reps(const LifterIntent& intent) noexcept {
  State& s = *state_;
  if (s.truth.state != LifterState::kStanding) stand();
  s.intent = intent;
  s.truth.reps_started = s.truth.reps_completed = 0;
  s.reps_wanted = intent.reps > 0;
}

void Lifter::wait_at_bottom(bool wait) noexcept {
  state_->waits_at_bottom = wait;
}

void Lifter::rest(double seconds) noexcept {
  constexpr double kStepS = 0.05;  // the longest the fatigue model is stable with
  State& s = *state_;
  if (s.truth.state != LifterState::kRelaxed || !s.config.fatigue) return;
  for (double rested_s = 0.0; rested_s < seconds; rested_s += kStepS) {
    step_fatigue(s.fatigue_rates, s.fatigue, 0.0, kStepS);
  }
}

void Lifter::relax() noexcept {
  State& s = *state_;
  s.reps_wanted = false;
  s.truth.state = LifterState::kRelaxed;
  s.phase = Phase::kRest;
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
  if (!(s.config.pad_lever_m > 0.0)) {
    const double tilt_rad = s.limp() ? 0.0 : kTiltRadPerNm * at_least(s.muscle_nm, 0.0);
    s.truth.pelvic_tilt_rad += (kDt / kTiltLagS) * (tilt_rad - s.truth.pelvic_tilt_rad);
  }
  s.truth.intended_phase = s.phase;
}

double Lifter::torque_nm(double hip_angle_rad, double hip_velocity_radps) noexcept {
  State& s = *state_;
  // Muscle and impedance together stay within what the person has: a weak lifter must sink.
  const double muscle_nm =
      clamped(s.muscle_nm + s.stiffness_nmprad * (s.step_reference_rad - hip_angle_rad) +
                  s.damping_nmsprad * (s.reference_radps - hip_velocity_radps),
              s.least_nm, s.most_nm);
  s.step_reference_rad += s.reference_radps * kPlantStepS;
  s.truth.torque_nm = muscle_nm - s.passive_nm;
  return s.truth.torque_nm;
}

const LifterTruth& Lifter::truth() const noexcept {
  return state_->truth;
}

std::uint64_t Lifter::state_hash() const noexcept {
  const State& s = *state_;
  TraceHash hash;
  for (const double value :
       {s.reference_rad, s.reference_radps, s.angle_rad, s.felt_n, s.expected_n, s.activation,
        s.muscle_nm, s.fatigue.fatigued, s.fatigue.active, s.truth.torque_nm, s.path.progress,
        s.path.duration_s, s.path.to_rad}) {
    hash.add(value);
  }
  for (const double value : s.learned_n) hash.add(value);
  hash.add(static_cast<std::uint64_t>(s.truth.state));
  hash.add(static_cast<std::uint64_t>(s.truth.reps_completed));
  return hash.value();
}

}  // namespace medius::sim
