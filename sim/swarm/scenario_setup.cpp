#include "sim/swarm/scenario_setup.hpp"

#include <algorithm>

namespace medius::sim {
namespace {

constexpr double kPadLeverM = 0.38;
constexpr double kCuffRadiusM = 0.80;
constexpr int kBothSides = 3;
constexpr std::size_t kSetsAtMost = 12;
constexpr double kFullFraction = 0.70;  // of the longest range; less is partial

}  // namespace

double load_unit(const Scenario& scenario) noexcept {
  return scenario.seated ? kPadLeverM : 1.0;
}

PlannedSet planned_set(const Scenario& scenario, int reps, const measure::Tempo& tempo) {
  PlannedSet set;
  set.side = scenario.seated ? kBothSides : scenario.side;
  set.load_n = scenario.load_n * load_unit(scenario);
  set.intent.tempo = tempo;
  set.intent.reps = reps;
  return set;
}

void set_up_person(const Scenario& scenario, PersonConfig& person) {
  for (LifterConfig& lifter : person.lifter) {
    lifter.range_rad = scenario.range_rad;
    lifter.sway_m = scenario.sway_m;
    lifter.tempo_cv = scenario.tempo_cv;
    lifter.cuff_radius_m = kCuffRadiusM;
    lifter.fatigue = false;  // somebody who tires is a nuisance of another kind
  }
  const measure::Tempo tempo{scenario.out_s, scenario.hold_s, scenario.back_s, 0.0};
  person.plan = {planned_set(scenario, scenario.reps, tempo)};
  // Whoever is unloaded and loaded again may take that for the next set: there are enough of them.
  person.plan.resize(kSetsAtMost, planned_set(scenario, kLiveReps, kLiveTempo));
}

int reps_done(const std::vector<SetTruth>& sets) noexcept {
  int reps = 0;
  for (const SetTruth& set : sets) reps += set.reps;
  return reps;
}

int reps_undecided(const std::vector<SetTruth>& sets) noexcept {
  int reps = 0;
  for (const SetTruth& set : sets) reps += set.undecided;
  return reps;
}

int reps_short(const std::vector<SetTruth>& sets) noexcept {
  double longest_m = 0.0;
  for (const SetTruth& set : sets) {
    for (const double range_m : set.range_m) longest_m = std::max(longest_m, range_m);
  }
  const double least_m = kFullFraction * longest_m + kRangeAccuracyM;
  int reps = 0;
  for (const SetTruth& set : sets) {
    reps += static_cast<int>(std::count_if(set.range_m.begin(), set.range_m.end(),
                                           [&](double range_m) { return range_m < least_m; }));
  }
  return reps;
}

}  // namespace medius::sim
