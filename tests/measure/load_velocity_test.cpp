#include "controller/measure/load_velocity.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace medius::measure::test {
namespace {

std::vector<LoadVelocityPoint> line(double at_no_load, double slope,
                                    const std::vector<double>& loads) {
  std::vector<LoadVelocityPoint> points;
  for (const double load : loads) points.push_back({load, at_no_load + slope * load});
  return points;
}

TEST(LoadVelocity, FindsTheLineAndItsLoadAtTheGivenSpeed) {
  const auto profile = load_velocity(line(2.0, -0.01, {60, 70, 80, 90, 100}), 0.28);
  EXPECT_EQ(profile.problem, LoadVelocityProblem::kNone);
  EXPECT_NEAR(profile.slope, -0.01, 1e-12);
  EXPECT_NEAR(profile.velocity_at_no_load, 2.0, 1e-12);
  EXPECT_NEAR(profile.one_rm, 172.0, 1e-9);
  EXPECT_NEAR(profile.one_rm_low, 172.0, 1e-5);
  EXPECT_NEAR(profile.one_rm_high, 172.0, 1e-5);
  EXPECT_NEAR(profile.r_squared, 1.0, 1e-12);
}

TEST(LoadVelocity, ScatterWidensTheIntervalAndItHoldsTheEstimate) {
  auto points = line(2.0, -0.01, {60, 70, 80, 90, 100});
  points[0].velocity += 0.03;
  points[2].velocity -= 0.04;
  points[4].velocity += 0.02;
  const auto profile = load_velocity(points, 0.28);
  ASSERT_EQ(profile.problem, LoadVelocityProblem::kNone);
  EXPECT_LT(profile.one_rm_low, profile.one_rm);
  EXPECT_GT(profile.one_rm_high, profile.one_rm);
  EXPECT_GT(profile.one_rm_high - profile.one_rm_low, 10.0);
}

TEST(LoadVelocity, SaysWhatItCannotSay) {
  EXPECT_EQ(load_velocity(line(2.0, -0.01, {60, 70, 80}), 0.28).problem,
            LoadVelocityProblem::kFewLoads);
  // The same load many times is one load.
  EXPECT_EQ(load_velocity(line(2.0, -0.01, {60, 60.2, 60.1, 60, 60.3}), 0.28).problem,
            LoadVelocityProblem::kFewLoads);
  EXPECT_EQ(load_velocity(line(1.0, 0.01, {60, 70, 80, 90}), 0.28).problem,
            LoadVelocityProblem::kNotFalling);
  std::vector<LoadVelocityPoint> noise{{60, 1.0}, {70, 1.4}, {80, 0.7}, {90, 1.2}, {100, 0.9}};
  EXPECT_EQ(load_velocity(noise, 0.28).problem, LoadVelocityProblem::kUncertain);
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  auto points = line(2.0, -0.01, {60, 70, 80, 90});
  points.push_back({kNan, 1.0});
  points.push_back({95.0, kNan});
  points.push_back({95.0, -1.0});
  EXPECT_EQ(load_velocity(points, 0.28).points, 4u);
}

TEST(TestChange, IsBeyondErrorOnlyAboveTheMinimalDetectableChange) {
  const TestValue before{3, 105.0, 100.0, 1.0};
  const TestValue little{3, 120.0, 112.0, 1.0};
  const TestValue much{3, 125.0, 120.0, 1.0};
  // 1.96 sqrt(5.64^2 + (0.0564 x 112)^2) = 16.6
  const TestChange small = test_change(before, little, kStrengthDayCv);
  EXPECT_NEAR(small.minimal_detectable_change, 16.6, 0.05);
  EXPECT_FALSE(small.beyond_error);
  EXPECT_TRUE(test_change(before, much, kStrengthDayCv).beyond_error);
  // The scatter of the trials counts when it is larger than that of days.
  const TestValue shaky{3, 125.0, 120.0, 12.0};
  EXPECT_FALSE(test_change(before, shaky, kStrengthDayCv).beyond_error);
  EXPECT_FALSE(test_change(TestValue{}, much, kStrengthDayCv).known);
}

TEST(TestValues, AreBestMeanAndStandardError) {
  const std::vector<double> trials{100.0, 110.0, 105.0};
  const TestValue value = test_value(trials);
  EXPECT_EQ(value.count, 3u);
  EXPECT_EQ(value.best, 110.0);
  EXPECT_NEAR(value.mean, 105.0, 1e-12);
  EXPECT_NEAR(value.standard_error, 5.0 / std::sqrt(3.0), 1e-12);
}

}  // namespace
}  // namespace medius::measure::test
