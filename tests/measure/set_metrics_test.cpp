// Metrics over repetitions, and of one side against the other.
#include "controller/measure/set_metrics.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace medius::measure {
namespace {

RepMetrics rep(double velocity_mps, double force_n, RepKind kind = RepKind::kFull) {
  RepMetrics out;
  out.kind = kind;
  out.values.push_back(make_value(MetricId::kVelocityMean, velocity_mps, 0.001));
  out.values.push_back(make_value(MetricId::kForceMeanDistance, force_n, 0.1));
  out.values.push_back(make_value(MetricId::kWork, 10.0, 0.3));
  out.values.push_back(make_value(eccentric(MetricId::kWork), 12.0, 0.4));
  return out;
}

const MetricValue& of(const std::vector<MetricValue>& values, MetricId id) {
  const MetricValue* value = find_value(values, id);
  EXPECT_NE(value, nullptr);
  return *value;
}

TEST(SetMetrics, VelocityLossIsOfTheLastAgainstTheBestFullRepetition) {
  const std::vector<RepMetrics> reps{rep(0.28, 80.0), rep(0.30, 80.0),
                                     rep(0.10, 80.0, RepKind::kPartial), rep(0.24, 80.0),
                                     rep(0.05, 80.0, RepKind::kRejected)};
  const auto values = set_metrics({reps, false});
  EXPECT_DOUBLE_EQ(of(values, MetricId::kSetVelocityBest).value, 0.30);
  EXPECT_NEAR(of(values, MetricId::kSetVelocityLoss).value, 20.0, 1e-12);
  EXPECT_NEAR(of(values, MetricId::kSetVelocityLoss).uncertainty,
              100.0 * std::hypot(0.001 / 0.3, 0.8 * 0.001 / 0.3), 1e-12);
  EXPECT_NEAR(of(values, MetricId::kSetVelocity).value, (0.28 + 0.30 + 0.24) / 3.0, 1e-12);
  EXPECT_NEAR(of(values, MetricId::kSetWork).value, 4 * 22.0, 1e-12) << "the rejected one is out";
  EXPECT_NEAR(of(values, MetricId::kSetWork).uncertainty, 2.0 * 0.5, 1e-12);
}

TEST(SetMetrics, TheMaximumIsEstimatedByThreeNamedFormulas) {
  std::vector<RepMetrics> reps(6, rep(0.3, 100.0));
  const auto values = set_metrics({reps, false});
  EXPECT_NEAR(of(values, MetricId::kOneRmEpley).value, 120.0, 1e-9);
  EXPECT_NEAR(of(values, MetricId::kOneRmBrzycki).value, 3600.0 / 31.0, 1e-9);
  EXPECT_NEAR(of(values, MetricId::kOneRmLombardi).value, 100.0 * std::pow(6.0, 0.1), 1e-9);
  EXPECT_EQ(of(values, MetricId::kOneRmEpley).flags & kValueLowerBound, 0u);
  const auto counted = set_metrics({reps, true});
  EXPECT_NE(of(counted, MetricId::kOneRmEpley).flags & kValueLowerBound, 0u);
}

TEST(SetMetrics, NoFormulaSpeaksBeyondTenRepetitionsOrWithoutOne) {
  const std::vector<RepMetrics> ten(10, rep(0.3, 100.0));
  const std::vector<RepMetrics> eleven(11, rep(0.3, 100.0));
  EXPECT_EQ(of(set_metrics({ten, false}), MetricId::kOneRmEpley).flags & kValueMissing, 0u);
  for (const MetricId id :
       {MetricId::kOneRmEpley, MetricId::kOneRmBrzycki, MetricId::kOneRmLombardi}) {
    EXPECT_NE(of(set_metrics({eleven, false}), id).flags & kValueOutOfRange, 0u);
    EXPECT_NE(of(set_metrics({{}, false}), id).flags & kValueMissing, 0u);
  }
}

TEST(SetMetrics, OfNothingAreMissingAndFinite) {
  const std::vector<RepMetrics> old(3);  // measured before there were values
  for (const auto& reps : {std::vector<RepMetrics>{}, old}) {
    for (const MetricValue& value : set_metrics({reps, false})) {
      EXPECT_NE(value.flags & kValueMissing, 0u) << static_cast<int>(value.id);
      EXPECT_EQ(value.value, 0.0);
    }
  }
}

TEST(Symmetry, IsThePublishedIndexWithAnUncertaintyByPropagation) {
  const std::vector<double> left{90.0, 92.0, 88.0, 90.0};
  const std::vector<double> right{119.0, 121.0, 120.0, 120.0};
  const Symmetry result = symmetry(left, right);
  EXPECT_NEAR(result.index.value, 200.0 * 30.0 / 210.0, 1e-9);
  EXPECT_NEAR(result.limb_index.value, 75.0, 1e-9);
  EXPECT_NEAR(result.change.value, 1.96 * std::sqrt(2.0) * result.index.uncertainty, 1e-12);
  EXPECT_EQ(result.index.flags & kValueWithinChange, 0u) << "28.6 % is beyond floor and scatter";
}

TEST(Symmetry, ChangesItsSignWithTheSidesAndNotWithTheUnit) {
  const std::vector<double> left{9.0, 9.4, 8.9}, right{10.0, 10.3, 10.1};
  std::vector<double> left_big, right_big;
  for (const double value : left) left_big.push_back(1000.0 * value);
  for (const double value : right) right_big.push_back(1000.0 * value);
  const Symmetry one = symmetry(left, right);
  const Symmetry other = symmetry(right, left);
  const Symmetry big = symmetry(left_big, right_big);
  EXPECT_NEAR(one.index.value, -other.index.value, 1e-12);
  EXPECT_NEAR(one.limb_index.value, other.limb_index.value, 1e-12);
  EXPECT_NEAR(one.index.value, big.index.value, 1e-9);
  EXPECT_NEAR(one.change.value, big.change.value, 1e-9);
}

TEST(Symmetry, NeverRemarksOnLessThanFifteenPercentOrThanTheScatter) {
  const std::vector<double> left{100.0, 100.1, 99.9}, right{110.0, 110.1, 109.9};
  EXPECT_NE(symmetry(left, right).index.flags & kValueWithinChange, 0u) << "9.5 %";
  const std::vector<double> wide_left{60.0, 140.0}, wide_right{80.0, 180.0};
  EXPECT_NE(symmetry(wide_left, wide_right).index.flags & kValueWithinChange, 0u) << "scatter";
  const std::vector<double> one{100.0};
  EXPECT_NE(symmetry(one, right).index.flags & kValueMissing, 0u);
  EXPECT_NE(symmetry({}, {}).change.flags & kValueMissing, 0u);
}

}  // namespace
}  // namespace medius::measure
