// The judges of force, laws and repetitions, on motions whose truth is known by construction.
#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "sim/checkers/law_truth.hpp"
#include "sim/checkers/rep_truth.hpp"
#include "tests/measure/trace.hpp"

namespace medius {
namespace {

using sim::ForceTruthSample;
using sim::LawKind;
using sim::LawTruth;
using test::Trace;

Trace set_of(int reps, double rise_m = 0.40) {
  Trace trace;
  trace.hold(1.0);
  for (int i = 0; i < reps; ++i) trace.rep(rise_m, 2.0, 1.0, 3.0, 0.5);
  trace.hold(1.0);
  return trace;
}

std::vector<ForceTruthSample> samples_of(const Trace& trace, double target_n) {
  std::vector<ForceTruthSample> samples;
  for (const test::Point& point : trace.points) {
    samples.push_back({point.position_m, point.velocity_mps, target_n, target_n});
  }
  return samples;
}

std::vector<double> positions_of(const Trace& trace) {
  std::vector<double> positions;
  for (const test::Point& point : trace.points) positions.push_back(point.position_m);
  return positions;
}

TEST(ForceTruth, TellsFrictionAndMassApart) {
  auto samples = samples_of(set_of(3), 80.0);
  for (std::size_t i = 1; i + 1 < samples.size(); ++i) {
    const double v = samples[i].ring_velocity_mps;
    const double a = 500.0 * (samples[i + 1].ring_velocity_mps - samples[i - 1].ring_velocity_mps);
    samples[i].cuff_tension_n += 0.7 + 1.5 * (v > 0.0 ? 1.0 : v < 0.0 ? -1.0 : 0.0) + 2.6 * a;
  }
  const auto force = sim::judge_force(samples);
  EXPECT_NEAR(force.friction_felt_n, 1.5, 0.02);
  EXPECT_NEAR(force.apparent_mass_kg, 2.6, 0.05);
}

TEST(ForceTruth, CountsAStepOnceAndNoSlowChange) {
  auto samples = samples_of(set_of(2), 80.0);
  EXPECT_EQ(sim::judge_force(samples).steps, 0);
  for (std::size_t i = 2500; i < samples.size(); ++i) samples[i].cuff_tension_n += 3.0;
  EXPECT_EQ(sim::judge_force(samples).steps, 1);
  EXPECT_NEAR(sim::judge_force(samples).step_worst_n, 3.0, 1e-9);
  samples = samples_of(set_of(2), 80.0);
  for (std::size_t i = 0; i < samples.size(); ++i) {  // 3 N a second
    samples[i].cuff_tension_n += 3e-3 * static_cast<double>(i);
  }
  EXPECT_EQ(sim::judge_force(samples).steps, 0);
}

TEST(ForceTruth, FindsTheWorstErrorOfATurnOnlyAroundIt) {
  auto samples = samples_of(set_of(1), 80.0);
  samples[2000].cuff_tension_n += 20.0;  // in the middle of the lift
  EXPECT_LT(sim::judge_force(samples).turn_worst_n, 1e-9);
  samples[4100].cuff_tension_n += 9.0;  // the lowering begins
  EXPECT_NEAR(sim::judge_force(samples).turn_worst_n, 9.0, 1e-9);
}

TEST(LawTruth, FollowsTheFormulaOverHeightAndSpeed) {
  const Trace trace = set_of(2);
  auto samples = samples_of(trace, 0.0);
  sim::fill_law_targets(LawTruth{LawKind::kChains, 80.0, 60.0}, samples);
  for (const auto& s : samples) EXPECT_NEAR(s.target_n, 80.0 + 60.0 * s.ring_position_m, 1e-9);
  sim::fill_law_targets(LawTruth{LawKind::kLinearBand, 80.0, 600.0}, samples);
  EXPECT_DOUBLE_EQ(samples[3400].target_n, 120.0);  // capped at half more
  sim::fill_law_targets(LawTruth{LawKind::kViscous, 80.0, 100.0}, samples);
  for (const auto& s : samples) {
    EXPECT_NEAR(s.target_n, 80.0 + 100.0 * std::max(s.ring_velocity_mps, 0.0), 1e-9);
  }
}

TEST(LawTruth, BlendsTheEccentricGainInAndOut) {
  auto samples = samples_of(set_of(2), 0.0);
  sim::fill_law_targets(LawTruth{LawKind::kEccentric, 80.0, 1.3}, samples);
  EXPECT_DOUBLE_EQ(samples[2900].target_n, 80.0);     // the lift
  EXPECT_DOUBLE_EQ(samples[3900].target_n, 80.0);     // the hold
  EXPECT_NEAR(samples[6000].target_n, 104.0, 0.2);    // the lowering
  EXPECT_NEAR(samples[9400].target_n, 80.0, 0.2);     // the next lift
  for (std::size_t i = 1; i < samples.size(); ++i) {  // 24 N in a quarter of a second
    EXPECT_LT(std::fabs(samples[i].target_n - samples[i - 1].target_n), 0.0961);
  }
  // The first lowering is known by the latch, later ones by leaving the hold: 0.12 s earlier.
  const auto begins = [&](std::size_t from) {
    while (samples[from].target_n < 80.1) ++from;
    return from;
  };
  const std::size_t rep = 6500;
  EXPECT_NEAR(static_cast<double>(begins(3900) + rep - begins(3900 + rep)), 150.0, 40.0);
}

TEST(RepTruth, FindsRepetitionsWhereTheyAre) {
  const Trace trace = set_of(5);
  const auto reps = sim::find_reps(positions_of(trace), 0.40);
  ASSERT_EQ(reps.size(), trace.reps.size());
  for (std::size_t i = 0; i < reps.size(); ++i) {
    EXPECT_NEAR(reps[i].range_m, 0.40, 0.001);
    // The mean over 111 ms shortens a movement by a few ms.
    EXPECT_NEAR(static_cast<double>(reps[i].start), static_cast<double>(trace.reps[i].start_tick),
                15.0);
    EXPECT_NEAR(static_cast<double>(reps[i].end), static_cast<double>(trace.reps[i].end_tick),
                15.0);
  }
}

TEST(RepTruth, TakesAPauseAndABounceAsPartOfTheRepetitionAndATugAsNone) {
  Trace trace;
  trace.hold(1.0);
  trace.bump(0.05, 0.8);  // a tug
  trace.hold(1.0);
  trace.move_to(0.20, 1.0);  // a pause on the way
  trace.hold(1.0);
  trace.move_to(0.40, 1.0);
  trace.hold(0.5);
  trace.move_to(0.30, 0.5);  // a bounce at the top
  trace.move_to(0.40, 0.5);
  trace.hold(0.5);
  trace.move_to(0.0, 3.0);
  trace.hold(2.0);
  const auto reps = sim::find_reps(positions_of(trace), 0.40);
  ASSERT_EQ(reps.size(), 1u);
  EXPECT_NEAR(static_cast<double>(reps[0].start), 2850.0, 60.0);
  EXPECT_NEAR(static_cast<double>(reps[0].peak_start), 5750.0, 60.0);
  EXPECT_NEAR(static_cast<double>(reps[0].peak_end), 8020.0, 30.0);
}

TEST(RepTruth, CountsNoRepetitionThatDoesNotComeBack) {
  Trace trace;
  trace.hold(1.0);
  trace.move_to(0.40, 2.0);
  trace.hold(1.0);
  trace.move_to(0.25, 1.0);
  trace.hold(1.0);
  EXPECT_TRUE(sim::find_reps(positions_of(trace), 0.40).empty());
}

}  // namespace
}  // namespace medius
