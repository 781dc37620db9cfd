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
// An isometric test: push for as long as asked, up and down smoothly, rest in between.
constexpr double kPushS = 0.25;
constexpr double kRestBetweenHoldsS = 2.0;
constexpr double kPushShare = 0.9;     // of the force above which the handle yields
constexpr double kPushStrength = 0.8;  // of the strength: gravity and the standing take the rest
constexpr double kStandBeforeHoldS = 4.0;  // until the machine has taken the handle
constexpr int kRight = 2, kBoth = 3;       // PlannedSet::side

int ticks_of(double seconds) noexcept {
  return static_cast<int>(seconds / kTickPeriodS + 0.5);
}

}  // namespace

Person::Person(const PersonConfig& config)
    : config_(config), lifters_{Lifter(config.lifter[0]), Lifter(config.lifter[1])} {
  choose_legs();
}

const PlannedSet* Person::planned() const noexcept {
  if (config_.plan.empty()) return nullptr;
  if (next_set_ < config_.plan.size()) return &config_.plan[next_set_];
  return config_.repeat_plan ? &config_.plan[next_set_ % config_.plan.size()] : nullptr;
}

void Person::choose_legs() noexcept {
  if (planned() == nullptr) return;
  const int side = planned()->side;
  works_ = {side != kRight, side == kRight || side == kBoth};
  if (planned()->exercise == exercise_) return;
  exercise_ = planned()->exercise;
  for (Lifter& lifter : lifters_) lifter.choose(exercise_);
}

double Person::slack_n() const noexcept {
  return at_most(kSlackFraction * planned()->load_n, kSlackAfterSetN);
}

Person::Felt Person::feel(const LegSenses& senses) noexcept {
  Felt felt{1e9, 0.0};
  moving_ = false;
  each([&](std::size_t leg) {
    felt.least_n = at_most(felt.least_n, senses[leg].tension_n);
    felt.most_n = at_least(felt.most_n, senses[leg].tension_n);
    moving_ = moving_ || absolute(senses[leg].handle_mps) > kStandingMps;
  });
  return felt;
}

void Person::tick(const LegSenses& senses, const LegTruths& sets) {
  const Felt felt = feel(senses);
  keep_together();
  for (std::size_t leg = 0; leg < lifters_.size(); ++leg) {
    const LegSense& sense = senses[leg];
    // Who pushes at what stands still does not take its answer for a load to be carried.
    const bool pushes = works_[leg] && stage_ == Stage::kHolding;
    lifters_[leg].tick(sense.angle_rad, sense.velocity_radps,
                       pushes ? at_most(sense.tension_n, kFeltTensionN) : sense.tension_n);
  }
  switch (stage_) {
    case Stage::kWaiting:
      wait(felt);
      break;
    case Stage::kStanding:
      stand(felt, sets);
      break;
    case Stage::kLifting:
      lift(felt);
      break;
    case Stage::kHolding:
      hold(felt, sets);
      break;
    case Stage::kDone:
      rest_after_set(felt, sets);
      break;
  }
}

// Whoever is ahead at the bottom waits until the other leg has come down too.
void Person::keep_together() noexcept {
  if (!works_[0] || !works_[1]) return;
  for (std::size_t leg = 0; leg < lifters_.size(); ++leg) {
    const LifterTruth& own = lifters_[leg].truth();
    const LifterTruth& other = lifters_[1 - leg].truth();
    const bool behind =
        other.reps_started < own.reps_started ||
        (other.reps_started == own.reps_started && other.intended_phase != measure::Phase::kBottom);
    lifters_[leg].wait_at_bottom(other.state == LifterState::kLifting && behind);
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

void Person::wait(const Felt& felt) {
  if (planned() == nullptr) return;
  if (reaction_ticks_ > 0) {
    if (--reaction_ticks_ > 0) return;
    each([this](std::size_t leg) { lifters_[leg].stand(); });
    stage_ = Stage::kStanding;
    steady_ticks_ = 0;
    return;
  }
  if (held(felt.least_n > kFeltTensionN, kFeltS)) {
    reaction_ticks_ = ticks_of(config_.reaction_s) + 1;
  }
}

void Person::stand(const Felt& felt, const LegTruths& sets) {
  const PlannedSet* set = planned();
  if (reaction_ticks_ > 0) {
    if (--reaction_ticks_ > 0) return;
    if (set->hold_s > 0.0) {
      each([&](std::size_t leg) {
        if (!set_begun_) {
          sets[leg]->begin(static_cast<int>(leg) + 1, set->intent.reps,
                           static_cast<int>(next_set_) + 1);
        }
      });
      set_begun_ = true;
      hold_ticks_ = 0;
      stage_ = Stage::kHolding;
      return;
    }
    LifterIntent intent = set->intent;
    intent.reps -= reps_before_pause_;
    each([&](std::size_t leg) {
      if (set_begun_) {
        sets[leg]->resume(intent.reps);
      } else {
        sets[leg]->begin(static_cast<int>(leg) + 1, intent.reps, static_cast<int>(next_set_) + 1);
      }
      lifters_[leg].start_reps(intent);
    });
    set_begun_ = true;
    stage_ = Stage::kLifting;
    return;
  }
  const bool gone = held(felt.most_n < kGoneN, set_begun_ ? kGoneInSetS : kGoneS);
  if (gone && set_begun_) {  // unloaded for good in mid-set
    stage_ = Stage::kDone;
    return;
  }
  if (gone) {
    each([this](std::size_t leg) { lifters_[leg].relax(); });
    stage_ = Stage::kWaiting;
    return;
  }
  if (set->hold_s > 0.0) {  // the handle gives no load to wait for
    if (steady_for(kStandBeforeHoldS, felt.least_n)) {
      reaction_ticks_ = ticks_of(config_.reaction_s) + 1;
    }
    return;
  }
  const bool steady = steady_for(kSteadyS, felt.least_n);
  const bool lighter = felt.least_n > kLighterLoadN && steady_ticks_ >= ticks_of(kLighterSteadyS);
  if ((steady && felt.least_n >= kLoadFraction * set->load_n) || lighter) {
    reaction_ticks_ = ticks_of(config_.reaction_s) + 1;
  }
}

void Person::lift(const Felt& felt) {
  bool done = true;
  int reps = planned()->intent.reps;
  each([&](std::size_t leg) {
    const LifterTruth& lifter = lifters_[leg].truth();
    done = done && (lifter.state == LifterState::kDone || lifter.state == LifterState::kFailed);
    if (lifter.reps_completed < reps) reps = lifter.reps_completed;
  });
  if (done) {
    stage_ = Stage::kDone;
    held_ticks_ = 0;
    return;
  }
  const double unloaded_n = at_least(kUnloadedFraction * planned()->load_n, slack_n());
  if (!held(felt.most_n < unloaded_n, kUnloadedS)) return;
  reps_before_pause_ += reps;
  each([this](std::size_t leg) { lifters_[leg].stand(); });
  steady_ticks_ = 0;
  stage_ = reps_before_pause_ < planned()->intent.reps ? Stage::kStanding : Stage::kDone;
}

void Person::hold(const Felt& felt, const LegTruths& sets) {
  const PlannedSet& set = *planned();
  const double time_s = ++hold_ticks_ * kTickPeriodS;
  // As long as asked at full force: the way up and down comes on top.
  const double down_s = kPushS + set.hold_s;
  const double share = time_s < down_s ? clamped(time_s / kPushS, 0.0, 1.0)
                                       : clamped(1.0 - (time_s - down_s) / kPushS, 0.0, 1.0);
  // As hard as the weaker leg can, but not so hard that the handle yields.
  double most_n = kPushShare * set.load_n;
  each([&](std::size_t leg) {
    most_n =
        at_most(most_n, kPushStrength * config_.lifter[leg].isometric_torque_nm / push_arm_m(leg));
  });
  push_n_ = most_n * share * share * (3.0 - 2.0 * share);
  if (hold_ticks_ == ticks_of(down_s + kPushS)) {
    each([&](std::size_t leg) { sets[leg]->take_hold(set.hold_s); });
    ++holds_done_;
  }
  const bool over = holds_done_ >= set.intent.reps || held(felt.most_n < kGoneN, kGoneInSetS);
  if (over && push_n_ == 0.0) {
    stage_ = Stage::kDone;
    held_ticks_ = 0;
  }
  if (time_s >= down_s + kPushS + kRestBetweenHoldsS) hold_ticks_ = 0;
}

void Person::rest_after_set(const Felt& felt, const LegTruths& sets) {
  // The leg's way home after the load has gone is no stroke of the set. Whoever stops at the top
  // still has the load to take back down, even one that a trainer has lowered: that is the way back
  // of a repetition.
  const bool gone = felt.most_n < kGoneN;
  each([&](std::size_t leg) {
    if (sets[leg]->still() && (gone || !sets[leg]->under_way())) sets[leg]->end();
  });
  if (held(felt.most_n < slack_n(), kSlackAfterSetS)) finish_set(sets);
}

void Person::finish_set(const LegTruths& sets) {
  each([&](std::size_t leg) {
    sets[leg]->end();
    lifters_[leg].relax();
  });
  stage_ = Stage::kWaiting;
  reps_before_pause_ = 0;
  push_n_ = 0.0;
  hold_ticks_ = holds_done_ = 0;
  set_begun_ = false;
  held_ticks_ = reaction_ticks_ = 0;
  ++next_set_;
  choose_legs();
}

bool Person::rest(double seconds) noexcept {
  if (stage_ != Stage::kWaiting || reaction_ticks_ > 0 || set_begun_) return false;
  for (Lifter& lifter : lifters_) lifter.rest(seconds);
  return true;
}

void Person::stop_lifting() noexcept {
  const bool paused = stage_ == Stage::kStanding && set_begun_;
  if (stage_ != Stage::kLifting && !paused) return;
  each([this](std::size_t leg) { lifters_[leg].stand(); });
  stage_ = Stage::kDone;
  held_ticks_ = 0;
}

void Person::let_go(const LegTruths& sets) {
  if (set_begun_) {
    finish_set(sets);
    return;
  }
  each([this](std::size_t leg) { lifters_[leg].relax(); });
  push_n_ = 0.0;
  stage_ = Stage::kWaiting;
  held_ticks_ = reaction_ticks_ = 0;
}

}  // namespace medius::sim
