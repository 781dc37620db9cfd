// A scenario's person and plan, on whichever bench it is played.
#pragma once

#include "sim/machine/simulated_station.hpp"
#include "sim/swarm/scenario.hpp"

namespace medius::sim {

// Three brisk repetitions show that everything works again.
inline constexpr int kLiveReps = 3;
inline constexpr measure::Tempo kLiveTempo{1.2, 0.4, 1.6, 0.0};

// Of the pad of a seated machine; 1 for a cable.
[[nodiscard]] double load_unit(const Scenario& scenario) noexcept;
[[nodiscard]] PlannedSet planned_set(const Scenario& scenario, int reps,
                                     const measure::Tempo& tempo);
// The person's legs and what they mean to do: the scenario's set, then live ones.
void set_up_person(const Scenario& scenario, PersonConfig& person);

// Repetitions of all that the person took for a set; the session is one.
[[nodiscard]] int reps_done(const std::vector<SetTruth>& sets) noexcept;
// Those a counter of the range's accuracy may count, or not.
[[nodiscard]] int reps_undecided(const std::vector<SetTruth>& sets) noexcept;
// Those a counter of the range's accuracy may call partial: less than 70 % of the longest.
[[nodiscard]] int reps_short(const std::vector<SetTruth>& sets) noexcept;

}  // namespace medius::sim
