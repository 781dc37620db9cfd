// What the person means to do: positions, repetitions, giving up, and the events of a scenario.
#include "controller/base/clamp.hpp"
#include "controller/base/trace_hash.hpp"
#include "sim/lifter/lifter_state.hpp"
#include "sim/plant/cable_plant.hpp"

namespace medius::sim {
namespace {

using measure::Phase;

constexpr double kDt = kLifterTickS;

constexpr double kStandS = 1.0;  // to take the start position
// A pause is kept where the leg came to rest, not at the intended angle, up to this difference.
constexpr double kRestNearby = 0.06;  // rad
// The intention waits for a leg that lags: fully beyond the second angle.
constexpr double kLagFree = 0.10;  // rad
constexpr double kLagStop = 0.30;  // rad
// A person gives up: too long, or sinking in spite of all effort.
constexpr double kPatience = 3.0;    // times the intended duration, plus 1 s
constexpr double kSinkLag = 0.20;    // rad
constexpr double kSinkSpeed = 0.05;  // rad/s
constexpr double kSinkS = 0.5;
constexpr double kGiveUpS = 2.0;  // intended way down after giving up
constexpr double kTremorHz = 9.0;
// A standing body's sway: two incommensurable slow components.
constexpr double kSwayHz[2] = {0.31, 0.83};
// A drawn tempo or range stays within this many standard deviations.
constexpr double kDrawMax = 2.5;
constexpr double kSpasmS = 0.08;
constexpr double kLeastMoveS = 0.05;
// A tired person's range shrinks: the whole of `range_fade` from this fatigued share on.
constexpr double kTiredShare = 0.3;

double wave_phase(Random& random) noexcept {
  return random.uniform(0.0, 2.0 * det::kPi);
}

// Acts that shape the way of a phase, unlike those that happen at a moment of it.
bool shapes_the_way(Act act) noexcept {
  switch (act) {
    case Act::kRelease:
    case Act::kSpasm:
    case Act::kCoContraction:
    case Act::kFailure:
    case Act::kPelvicDrop:
      return false;
    default:
      return true;
  }
}

}  // namespace

CableGeometry cable_geometry(const LifterConfig& c, Exercise exercise) noexcept {
  const ExerciseMotion motion = motion_of(exercise);
  CableGeometry geometry{c.hip_height_m, c.pulley_height_m, c.pulley_distance_m, c.cuff_radius_m};
  if (motion.hip_over_pulley_m > 0.0) {
    geometry.hip_height_m = c.pulley_height_m + motion.hip_over_pulley_m;
    geometry.pulley_distance_m = motion.hip_beside_pulley_m;
  }
  return geometry;
}

Lifter::State::State(const LifterConfig& c)
    : config(c),
      curve{c.max_velocity_radps, c.hill_k, c.eccentric_plateau},
      fatigue_rates{c.fatigue_f, c.fatigue_r, c.fatigue_rest},
      random(c.seed, 0x11f7e4),
      event_random(c.seed, 0xe7e47),
      delayed_angle_error(c.feedback_delay_s),
      delayed_velocity_error(c.feedback_delay_s),
      delayed_tension(c.voluntary_delay_s),
      tremor(kTremorHz, wave_phase(random), kDt),
      sway{Oscillator(kSwayHz[0], wave_phase(random), kDt),
           Oscillator(kSwayHz[1], wave_phase(random), kDt)} {
  choose(c.exercise);
}

void Lifter::State::choose(Exercise exercise) noexcept {
  geometry = cable_geometry(config, exercise);
  motion = motion_of(exercise);
  range_rad = motion.range_rad > 0.0 ? motion.range_rad : config.range_rad;
  gravity_turn = det::sin_cos(motion.gravity_turn_rad);
  const BodyPlace bottom = place(0.0), peak = place(1.0);
  full_rise_m =
      RepCounter::kFullShare * (load_at(peak.angle_rad).length_m -
                                load_at(bottom.angle_rad).length_m + peak.body_m - bottom.body_m);
  rest_length_m = load_at(0.0).length_m;
}

double Lifter::State::varied(double value, double cv) noexcept {
  return value * (1.0 + cv * clamped(random.normal(), -kDrawMax, kDrawMax));
}

double Lifter::State::resting_angle() const noexcept {
  return clamped(angle_rad, reference_rad - kRestNearby, reference_rad + kRestNearby);
}

void Lifter::State::enter(Phase to_phase) noexcept {
  if (truth.state == LifterState::kLifting) learn();
  phase = to_phase;
  phase_s = planned_s = sinking_s = 0.0;
  expected_before_n = expected_n;
  move_count = next_move = 0;
  event_tilt_rad = 0.0;
}

void Lifter::State::add_move(const Move& move) noexcept {
  if (move_count == moves.size()) return;
  moves[move_count] = move;
  moves[move_count].duration_s = at_least(move.duration_s, kLeastMoveS);
  planned_s += moves[move_count++].duration_s;
}

void Lifter::State::add_height(double to_height, double duration_s) noexcept {
  const double hand_over = motion.body_share;
  if ((height - hand_over) * (to_height - hand_over) < 0.0) {
    const double share = (hand_over - height) / (to_height - height);
    const BodyPlace at = place(hand_over);
    add_move({at.angle_rad, at.body_m, share * duration_s});
    duration_s *= 1.0 - share;
  }
  const BodyPlace at = place(to_height);
  add_move({at.angle_rad, at.body_m, duration_s});
  height = to_height;
}

// Stays where the leg has come to rest.
void Lifter::State::stay(double duration_s, Phase to_phase) noexcept {
  enter(to_phase);
  add_move({resting_angle(), truth.body_m, duration_s});
  begin_move();
}

void Lifter::State::go_to_height(double to_height, double duration_s, Phase to_phase) noexcept {
  enter(to_phase);
  turns_back = false;
  const Behaviour* const event = planned_event(to_phase);
  if (event == nullptr) {
    add_height(to_height, duration_s);
  } else {
    const HeightPlan plan = plan_phase(*event, height, to_height, duration_s);
    for (std::size_t i = 0; i < plan.count; ++i) {
      add_height(plan.moves[i].height, plan.moves[i].duration_s);
    }
    turns_back = plan.turns_back;
    // Leaning away lifts the pelvis on the side that works.
    if (event->act == Act::kMomentum) event_tilt_rad = -event->amount;
  }
  begin_move();
}

void Lifter::State::begin_move() noexcept {
  path = {reference_rad, truth.body_m, moves[next_move++], 0.0};
}

void Lifter::State::begin_rep() noexcept {
  truth.cannot_lift =
      too_heavy(truth.reps_started == 0 ? felt_n : learned_n[phase_slot(Phase::kConcentric)]);
  const double tired = at_most(fatigue.fatigued / kTiredShare, 1.0);
  const double faded = 1.0 - at_most(config.range_fade * tired * truth.reps_started, 0.5);
  ++truth.reps_started;
  const double peak = varied(faded, config.range_cv);
  go_to_height(peak, varied(intent.tempo.concentric_s, config.tempo_cv), Phase::kConcentric);
}

void Lifter::State::stand_on() noexcept {
  phase = Phase::kRest;
  if (truth.state != LifterState::kStanding || !reps_wanted) return;
  if (planned_event(Phase::kRest) != nullptr) {
    go_to_height(0.0, 0.0, Phase::kRest);
    std::erase_if(intent.events, [](const Behaviour& event) { return event.rep == 0; });
    return;
  }
  reps_wanted = false;
  truth.state = LifterState::kLifting;
  learned_n.fill(felt_n);
  begin_rep();
}

void Lifter::State::next_phase() noexcept {
  if (truth.state != LifterState::kLifting) {
    stand_on();
    return;
  }
  switch (phase) {
    case Phase::kConcentric: {
      const Behaviour* const event = planned_event(Phase::kHold);
      const double hold_s = turns_back         ? 0.0
                            : event != nullptr ? event->seconds
                                               : varied(intent.tempo.hold_s, config.tempo_cv);
      stay(hold_s, Phase::kHold);
      return;
    }
    case Phase::kHold:
      go_to_height(0.0, varied(intent.tempo.eccentric_s, config.tempo_cv), Phase::kEccentric);
      return;
    case Phase::kEccentric: {
      const double rest_s = varied(bottom_s(), config.tempo_cv) + config.start_late_s;
      if (planned_event(Phase::kBottom) != nullptr) {
        go_to_height(0.0, rest_s, Phase::kBottom);
      } else {
        stay(rest_s, Phase::kBottom);
      }
      return;
    }
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
  if (path.progress >= 1.0) {
    if (next_move < move_count) {
      begin_move();
    } else {
      next_phase();
    }
  }
  phase_s += kDt;
  if (!intent.events.empty()) fire_events();
  double rate = 1.0 / path.move.duration_s;
  if (phase == Phase::kConcentric) {
    const double lag_rad = reference_rad - angle_rad;
    rate *= clamped((kLagStop - lag_rad) / (kLagStop - kLagFree), 0.0, 1.0);
  }
  path.progress = at_most(path.progress + kDt * rate, 1.0);
  const MinimumJerk jerk = minimum_jerk(path.progress);
  const double way_rad = path.move.to_rad - path.from_rad;
  reference_rad = path.from_rad + way_rad * jerk.position;
  reference_radps = way_rad * jerk.velocity * rate;
  reference_radps2 = way_rad * jerk.acceleration * rate * rate;
  const double way_m = path.move.to_body_m - path.from_body_m;
  truth.body_m = path.from_body_m + way_m * jerk.position;
  truth.body_mps = way_m * jerk.velocity * rate;
}

void Lifter::State::watch_effort(double velocity_radps) noexcept {
  if (truth.state != LifterState::kLifting) return;
  const double lag_rad = reference_rad - angle_rad;
  if (phase == Phase::kConcentric) {
    sinking_s = lag_rad > kSinkLag && velocity_radps < -kSinkSpeed ? sinking_s + kDt : 0.0;
    if (sinking_s > kSinkS || phase_s > kPatience * planned_s + 1.0) give_up();
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
  enter(Phase::kEccentric);
  truth.state = LifterState::kFailed;
  height = 0.0;
  add_move({config.start_rad, 0.0, kGiveUpS});
  begin_move();
}

const Behaviour* Lifter::State::planned_event(Phase at_phase) const noexcept {
  for (const Behaviour& event : intent.events) {
    if (event.rep == truth.reps_started && event.phase == at_phase && shapes_the_way(event.act)) {
      return &event;
    }
  }
  return nullptr;
}

void Lifter::State::fire_events() noexcept {
  if (truth.state != LifterState::kLifting) return;
  for (Behaviour& event : intent.events) {
    if (event.rep != truth.reps_started || event.phase != phase || shapes_the_way(event.act) ||
        phase_s < event.fraction * planned_s) {
      continue;
    }
    event.rep = -1;  // once
    fire(event);
  }
}

void Lifter::State::fire(const Behaviour& event) noexcept {
  switch (event.act) {
    case Act::kRelease:
      truth.lets_go = true;
      return;
    case Act::kSpasm:
      spasm_nm = config.leg_inertia_kgm2 * event.amount / kSpasmS;
      spasm_s = kSpasmS;
      return;
    case Act::kCoContraction:
      stiffening = event.amount;
      stiffening_s = event.seconds;
      return;
    case Act::kFailure:
      strength_left = event.amount;
      return;
    case Act::kPelvicDrop:
      event_tilt_rad = event.amount;
      return;
    default:
      return;
  }
}

void Lifter::State::forget_events() noexcept {
  spasm_s = stiffening_s = event_tilt_rad = 0.0;
  strength_left = 1.0;
  truth.lets_go = false;
}

Lifter::Lifter(const LifterConfig& config) : state_(std::make_unique<State>(config)) {}
Lifter::~Lifter() = default;
Lifter::Lifter(Lifter&&) noexcept = default;
Lifter& Lifter::operator=(Lifter&&) noexcept = default;

void Lifter::choose(Exercise exercise) noexcept {
  state_->choose(exercise);
}

void Lifter::stand() noexcept {
  State& s = *state_;
  s.reps_wanted = false;
  s.reference_rad = s.angle_rad;
  s.truth.state = LifterState::kStanding;
  s.enter(Phase::kRest);
  s.height = 0.0;
  s.add_move({s.config.start_rad, 0.0, kStandS});
  s.begin_move();
}

void Lifter::start_reps(const LifterIntent& intent) noexcept {
  State& s = *state_;
  if (s.truth.state != LifterState::kStanding) stand();
  s.intent = intent;
  for (Behaviour& event : s.intent.events) event = completed(event, s.event_random);
  s.forget_events();
  s.truth.reps_started = s.truth.reps_completed = 0;
  s.reps_wanted = intent.reps > 0;
}

void Lifter::wait_at_bottom(bool wait) noexcept {
  state_->waits_at_bottom = wait;
}

void Lifter::weaken(double strength_left) noexcept {
  state_->strength_left = clamped(strength_left, 0.0, 1.0);
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
  s.forget_events();
}

const LifterTruth& Lifter::truth() const noexcept {
  return state_->truth;
}

std::uint64_t Lifter::state_hash() const noexcept {
  const State& s = *state_;
  TraceHash hash;
  for (const double value :
       {s.reference_rad, s.reference_radps, s.angle_rad, s.felt_n, s.expected_n, s.activation,
        s.muscle_nm, s.fatigue.fatigued, s.fatigue.active, s.truth.torque_nm, s.truth.body_m,
        s.truth.pelvic_tilt_rad, s.path.progress, s.path.move.duration_s, s.path.move.to_rad}) {
    hash.add(value);
  }
  for (const double value : s.learned_n) hash.add(value);
  hash.add(static_cast<std::uint64_t>(s.truth.state));
  hash.add(static_cast<std::uint64_t>(s.truth.reps_completed));
  return hash.value();
}

}  // namespace medius::sim
