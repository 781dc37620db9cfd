#include "controller/measure/pads.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "controller/base/random.hpp"
#include "controller/measure/set_metrics.hpp"

namespace medius::measure {
namespace {

constexpr double kRangeRad = 0.5;

// Out in 2 s, 1 s hold, back in 3 s, at constant torques of both legs with a little noise.
RepMetrics rep_with(double left_nm, double right_nm, double noise_nm = 0.0,
                    std::uint64_t seed = 1) {
  Random random(seed, 2);
  std::vector<MetricSample> samples;
  for (int i = 0; i <= 6000; ++i) {
    const double t = i * 1e-3;
    MetricSample sample;
    sample.tick = 1000 + static_cast<std::uint64_t>(i);
    sample.position = t < 2.0   ? kRangeRad * t / 2.0
                      : t < 3.0 ? kRangeRad
                                : kRangeRad * (6.0 - t) / 3.0;
    sample.velocity = t < 2.0 ? kRangeRad / 2.0 : t < 3.0 ? 0.0 : -kRangeRad / 3.0;
    const bool linked = left_nm != 0.0 || right_nm != 0.0;
    sample.pad_left = linked ? left_nm + noise_nm * random.normal() : 0.0;
    sample.pad_right = linked ? right_nm + noise_nm * random.normal() : 0.0;
    sample.force_measured = linked ? sample.pad_left + sample.pad_right : 60.0;
    sample.force_target = 60.0;
    samples.push_back(sample);
  }
  RepBoundary boundary;
  boundary.index = 1;
  boundary.kind = RepKind::kFull;
  boundary.start_tick = 1000;
  boundary.peak_start_tick = 3000;
  boundary.peak_end_tick = 4000;
  boundary.end_tick = 7000;
  boundary.peak_position = kRangeRad;
  MetricConfig config;
  config.lever = true;
  return analyze_rep(samples, boundary, config);
}

double value_of(std::span<const MetricValue> values, MetricId id) {
  const MetricValue* value = find_value(values, id);
  EXPECT_NE(value, nullptr) << static_cast<int>(id);
  return value != nullptr ? value->value : std::nan("");
}

TEST(PadValues, AreForceWorkAndSymmetryOfEachLegInEachPhase) {
  const RepMetrics rep = rep_with(36.0, 24.0);
  for (const auto phase : {MetricId::kLeftForceMean, eccentric(MetricId::kLeftForceMean)}) {
    const auto at = [&](MetricId id) {
      const int shift = static_cast<int>(phase) - static_cast<int>(MetricId::kLeftForceMean);
      return value_of(rep.values, static_cast<MetricId>(static_cast<int>(id) + shift));
    };
    EXPECT_NEAR(at(MetricId::kLeftForceMean), 36.0, 1e-9);
    EXPECT_NEAR(at(MetricId::kRightForceMean), 24.0, 1e-9);
    EXPECT_NEAR(at(MetricId::kLeftForcePeak), 36.0, 1e-9);
    EXPECT_NEAR(at(MetricId::kRightForcePeak), 24.0, 1e-9);
    EXPECT_NEAR(at(MetricId::kLeftWork), 36.0 * kRangeRad, 1e-9);
    EXPECT_NEAR(at(MetricId::kRightWork), 24.0 * kRangeRad, 1e-9);
    EXPECT_NEAR(at(MetricId::kPadSymmetry), -40.0, 1e-9) << "60 % left";
  }
}

TEST(PadValues, OfBothLegsAddUpToTheAxis) {
  const RepMetrics rep = rep_with(41.0, 19.0, 0.3);
  EXPECT_NEAR(
      value_of(rep.values, MetricId::kLeftWork) + value_of(rep.values, MetricId::kRightWork),
      rep.concentric.work_j, 1e-9);
  EXPECT_NEAR(value_of(rep.values, MetricId::kLeftForceMean) +
                  value_of(rep.values, MetricId::kRightForceMean),
              rep.concentric.force_mean_time, 1e-9);
}

TEST(PadValues, AreNoneWhereTheAxisHasOneCell) {
  const RepMetrics rep = rep_with(0.0, 0.0);
  EXPECT_FALSE(rep.values.empty());
  for (const MetricDefinition& definition : metric_definitions()) {
    if (definition.scope != MetricScope::kPads) continue;
    EXPECT_EQ(find_value(rep.values, definition.id), nullptr) << definition.key;
  }
  for (const MetricValue& value : set_metrics({std::span(&rep, 1), false})) {
    EXPECT_NE(value.id, MetricId::kSetLeftWork);
    EXPECT_NE(value.id, MetricId::kSymmetryIndex);
  }
}

TEST(PadValues, ComeInTheOrderOfTheTable) {
  const RepMetrics rep = rep_with(36.0, 24.0);
  std::size_t at = 0;
  while (at < rep.values.size() && rep.values[at].id != MetricId::kLeftForceMean) ++at;
  for (const MetricDefinition& definition : metric_definitions()) {
    if (definition.scope != MetricScope::kPads) continue;
    ASSERT_LT(at, rep.values.size());
    EXPECT_EQ(rep.values[at].id, definition.id) << definition.key;
    EXPECT_EQ(rep.values[at].version, definition.version) << definition.key;
    ++at;
  }
  EXPECT_EQ(at, rep.values.size());
}

// The uncertainty is what the scatter of many repetitions with the same noise shows.
TEST(PadValues, StateTheNoiseOfTheirOwnCell) {
  double squares = 0.0, told = 0.0;
  constexpr int kReps = 60;
  for (int i = 0; i < kReps; ++i) {
    const RepMetrics rep = rep_with(36.0, 24.0, 0.5, static_cast<std::uint64_t>(i) + 1);
    const MetricValue* mean = find_value(rep.values, MetricId::kLeftForceMean);
    ASSERT_NE(mean, nullptr);
    squares += (mean->value - 36.0) * (mean->value - 36.0) / kReps;
    told += mean->uncertainty / kReps;
  }
  EXPECT_NEAR(told / std::sqrt(squares), 1.0, 0.35);
}

TEST(PadSetValues, CompareTheLegsAndTellWhatTheScatterCannot) {
  const auto set_of = [](double share_left, double scatter) {
    std::vector<RepMetrics> reps;
    Random random(3, 3);
    for (int i = 0; i < 8; ++i) {
      const double left = 60.0 * share_left + scatter * random.normal();
      reps.push_back(rep_with(left, 60.0 - left));
    }
    return set_metrics({reps, true});
  };
  const auto uneven = set_of(0.6, 0.5);
  EXPECT_NEAR(value_of(uneven, MetricId::kSymmetryIndex), -40.0, 2.0);
  EXPECT_NEAR(value_of(uneven, MetricId::kLimbSymmetryIndex), 100.0 * 24.0 / 36.0, 2.0);
  EXPECT_GT(value_of(uneven, MetricId::kMinimalDetectableChange), 0.0);
  EXPECT_EQ(find_value(uneven, MetricId::kSymmetryIndex)->flags & kValueWithinChange, 0u);
  EXPECT_NEAR(value_of(uneven, MetricId::kSetLeftForce), 36.0, 0.6);
  EXPECT_NEAR(value_of(uneven, MetricId::kSetLeftWork), 8 * 2 * 36.0 * kRangeRad, 6.0);
  const auto even = set_of(0.5, 0.5);
  EXPECT_NE(find_value(even, MetricId::kSymmetryIndex)->flags & kValueWithinChange, 0u);
}

}  // namespace
}  // namespace medius::measure
