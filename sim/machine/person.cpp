#include "sim/machine/person.hpp"

#include "controller/base/clamp.hpp"
#include "controller/base/tick.hpp"

namespace medius::sim {
namespace {

constexpr double kFeltTensionN = 4.0;  // pretension is felt above this
constexpr double kFeltS = 0.3;
constexpr double kLoadFraction = 0.9;  // of the planned load: "it has come up"
constexpr double kSteadyS = 0.5;
// A standing person sways and the cable's friction with them; a load that still comes up at 60 N/s
// moves 30 N in that time.
constexpr double kSteadyFraction = 0.1;
constexpr double kSteadyN = 3.0;
constexpr double kStandingMps = 0.02;    // nobody begins to lift before they stand firm
constexpr double kLighterLoadN = 20.0;   // above any pretension: a lighter load than planned ...
constexpr double kLighterSteadyS = 2.0;  // ... is accepted after a longer look
constexpr double kGoneN = 3.0;
constexpr double kGoneS = 0.5;
constexpr double kGoneInSetS = 3.0;  // it may come back after a pause
// At most pretension is left, never more than half of a light load: the set is over.
constexpr double kSlackAfterSetN = 15.0;
constexpr double kSlackFraction = 0.5;
constexpr double kSlackAfterSetS = 1.5;
// Of the planned load, while lifting: somebody has unloaded it.
constexpr double kUnloadedFraction = 0.3;
constexpr double kUnloadedS = 0.7;

int ticks_of(double seconds) noexcept {
  return static_cast<int>(seconds / kTickPeriodS + 0.5);
}

}  // namespace

Person::Person(const PersonConfig& config)
    : config_(config), lifters_{Lifter(config.lifter[0]), Lifter(config.lifter[1])} {
  if (planned() != nullptr && planned()->side == 2) side_ = 1;
}

const PlannedSet* Person::planned() const noexcept {
  if (config_.plan.empty()) return nullptr;
  if (next_set_ < config_.plan.size()) return &config_.plan[next_set_];
  return config_.repeat_plan ? &config_.plan[next_set_ % config_.plan.size()] : nullptr;
}

double Person::slack_n() const noexcept {
  return at_most(kSlackFraction * planned()->load_n, kSlackAfterSetN);
}

void Person::tick(const CableTruth& truth, SetTruthTracker& sets) {
  const double tension_n = truth.cuff_tension_n;
  moving_ = absolute(truth.ring_velocity_mps) > kStandingMps;
  lifters_[side_].tick(truth.hip_angle_rad, truth.hip_velocity_radps, tension_n);
  lifters_[1 - side_].tick(0.0, 0.0, 0.0);  // the other leg rests
  switch (stage_) {
    case Stage::kWaiting:
      wait(tension_n);
      break;
    case Stage::kStanding:
      stand(tension_n, sets);
      break;
    case Stage::kLifting:
      lift(tension_n);
      break;
    case Stage::kDone:
      rest_after_set(tension_n, sets);
      break;
  }
}

bool Person::held(bool condition, double seconds) noexcept {
  held_ticks_ = condition ? held_ticks_ + 1 : 0;
  if (held_ticks_ < ticks_of(seconds)) return false;
  held_ticks_ = 0;
  return true;
}

bool Person::steady_for(double seconds, double tension_n) noexcept {
  const double tolerance_n = at_least(kSteadyFraction * steady_tension_n_, kSteadyN);
  if (absolute(tension_n - steady_tension_n_) > tolerance_n || moving_) {
    steady_tension_n_ = tension_n;
    steady_ticks_ = 0;
  }
  return ++steady_ticks_ >= ticks_of(seconds);
}

void Person::wait(double tension_n) {
  if (planned() == nullptr) return;
  if (reaction_ticks_ > 0) {
    if (--reaction_ticks_ > 0) return;
    lifters_[side_].stand();
    stage_ = Stage::kStanding;
    steady_ticks_ = 0;
    return;
  }
  if (held(tension_n > kFeltTensionN, kFeltS)) reaction_ticks_ = ticks_of(config_.reaction_s) + 1;
}

void Person::stand(double tension_n, SetTruthTracker& sets) {
  const PlannedSet* set = planned();
  if (reaction_ticks_ > 0) {
    if (--reaction_ticks_ > 0) return;
    LifterIntent intent = set->intent;
    intent.reps -= reps_before_pause_;
    if (set_begun_) {
      sets.resume(intent.reps);
    } else {
      sets.begin(set->side, intent.reps);
    }
    set_begun_ = true;
    lifters_[side_].start_reps(intent);
    stage_ = Stage::kLifting;
    return;
  }
  const bool gone = held(tension_n < kGoneN, set_begun_ ? kGoneInSetS : kGoneS);
  if (gone && set_begun_) {  // unloaded for good in mid-set
    stage_ = Stage::kDone;
    return;
  }
  if (gone) {
    lifters_[side_].relax();
    stage_ = Stage::kWaiting;
    return;
  }
  const bool steady = steady_for(kSteadyS, tension_n);
  const bool lighter = tension_n > kLighterLoadN && steady_ticks_ >= ticks_of(kLighterSteadyS);
  if ((steady && tension_n >= kLoadFraction * set->load_n) || lighter) {
    reaction_ticks_ = ticks_of(config_.reaction_s) + 1;
  }
}

void Person::lift(double tension_n) {
  const LifterTruth& lifter = lifters_[side_].truth();
  if (lifter.state == LifterState::kDone || lifter.state == LifterState::kFailed) {
    stage_ = Stage::kDone;
    held_ticks_ = 0;
    return;
  }
  const double unloaded_n = at_least(kUnloadedFraction * planned()->load_n, slack_n());
  if (!held(tension_n < unloaded_n, kUnloadedS)) return;
  reps_before_pause_ += lifter.reps_completed;
  lifters_[side_].stand();
  steady_ticks_ = 0;
  stage_ = reps_before_pause_ < planned()->intent.reps ? Stage::kStanding : Stage::kDone;
}

void Person::rest_after_set(double tension_n, SetTruthTracker& sets) {
  // The leg's way home after the load has gone is no stroke of the set.
  if (sets.still()) sets.end();
  if (held(tension_n < slack_n(), kSlackAfterSetS)) finish_set(sets);
}

void Person::finish_set(SetTruthTracker& sets) {
  sets.end();
  lifters_[side_].relax();
  stage_ = Stage::kWaiting;
  reps_before_pause_ = 0;
  set_begun_ = false;
  held_ticks_ = reaction_ticks_ = 0;
  ++next_set_;
  if (planned() != nullptr) side_ = planned()->side == 2 ? 1 : 0;
}

void Person::let_go(SetTruthTracker& sets) {
  if (set_begun_) {
    finish_set(sets);
    return;
  }
  lifters_[side_].relax();
  stage_ = Stage::kWaiting;
  held_ticks_ = reaction_ticks_ = 0;
}

}  // namespace medius::sim
