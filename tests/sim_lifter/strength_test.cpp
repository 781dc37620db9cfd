#include "sim/lifter/strength.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "controller/base/det_math.hpp"
#include "controller/base/random.hpp"
#include "sim/lifter/lifter.hpp"

namespace medius::sim {
namespace {

constexpr double kRad = det::kPi / 180.0;

VelocityCurve default_curve(double plateau) {
  const LifterConfig config;
  return {config.max_velocity_radps, config.hill_k, plateau};
}

TEST(Strength, TorqueOverAngleFollowsTheTable) {
  constexpr double kTable[][2] = {{-20, .80}, {-10, .93}, {0, 1.0},  {10, 1.0},
                                  {15, .96},  {20, .92},  {30, .80}, {40, .71}};
  for (const auto& [degrees, factor] : kTable) {
    EXPECT_NEAR(angle_factor(AngleCurve::kModel, degrees * kRad), factor, 0.0051) << degrees;
  }
  // Between and beyond the points: continuous, held at the ends.
  for (double degrees = -30.0; degrees < 60.0; degrees += 0.1) {
    EXPECT_NEAR(angle_factor(AngleCurve::kModel, degrees * kRad),
                angle_factor(AngleCurve::kModel, (degrees + 0.1) * kRad), 0.002);
  }
  EXPECT_NEAR(angle_factor(AngleCurve::kSteep, 30.0 * kRad), 0.60, 1e-9);
}

// 60 deg/s = 1.05 rad/s, the speed of the strength studies.
TEST(Strength, ContractionTypesHaveTheMeasuredRatios) {
  const double concentric = velocity_factor(default_curve(1.1), 60.0 * kRad);
  EXPECT_NEAR(1.0 / concentric, std::exp(0.258), 0.02);
  // Untrained people, plateau 0.9: eccentric over concentric within the spread between subjects.
  const double untrained = velocity_factor(default_curve(0.9), -60.0 * kRad);
  EXPECT_NEAR(std::log(untrained / concentric), 0.147, 0.093);
  EXPECT_NEAR(untrained, 0.90, 0.05);
  // Concentric strength of an 80 kg man, 1.29 Nm/kg.
  const LifterConfig config;
  EXPECT_NEAR(config.isometric_torque_nm * concentric / 80.0, 1.29, 0.06);
}

TEST(Strength, TorqueFallsWithShorteningSpeedAndRisesToThePlateau) {
  const VelocityCurve curve = default_curve(1.1);
  EXPECT_EQ(velocity_factor(curve, 0.0), 1.0);
  double last = velocity_factor(curve, -20.0);
  EXPECT_NEAR(last, 1.1, 0.003);
  for (double v = -19.9; v < 12.0; v += 0.1) {
    const double now = velocity_factor(curve, v);
    EXPECT_LE(now, last + 1e-12);
    EXPECT_GE(now, 0.0);
    last = now;
  }
  EXPECT_EQ(velocity_factor(curve, 9.5), 0.0);
}

// Seconds a share of the maximum can be sustained: until less than 98 % of it is active.
double endurance_s(const FatigueConfig& config, double target) {
  FatigueState state;
  constexpr double kDt = 0.05;
  bool reached = false;
  for (int i = 1; i < 100'000; ++i) {
    step_fatigue(config, state, target, kDt);
    const bool enough = state.active >= 0.98 * target;
    reached = reached || enough;
    if (reached && !enough) return i * kDt;
  }
  return 1e9;
}

TEST(Strength, FatigueGivesTheEnduranceTimesOfTheRegression) {
  const FatigueConfig general;
  EXPECT_NEAR(endurance_s(general, 0.30), 275.0, 3.0);
  EXPECT_NEAR(endurance_s(general, 0.50), 111.0, 1.5);
  EXPECT_NEAR(endurance_s(general, 0.70), 47.0, 1.0);
  EXPECT_NEAR(endurance_s(general, 0.90), 14.0, 1.0);
  const FatigueConfig knee{.015, .00149, 15.0};
  EXPECT_NEAR(endurance_s(knee, 0.50), 72.0, 1.5);
  EXPECT_NEAR(endurance_s(knee, 0.70), 31.0, 1.0);
}

// 2-1-3 with 0.4 s at 5 % between; eccentric demand is the load times R over 1.25.
int reps_to_failure(double load, double ratio) {
  const FatigueConfig config;
  FatigueState state;
  constexpr double kDt = 0.01;
  const auto hold = [&](double seconds, double target, bool judged) {
    bool failed = false;
    for (int i = 0; i < static_cast<int>(seconds / kDt + 0.5); ++i) {
      step_fatigue(config, state, target, kDt);
      // Recruitment, at 10 per second, needs 0.6 s to come within 3 %.
      if (judged && i > 60 && state.active < 0.97 * target) failed = true;
    }
    return !failed;
  };
  for (int reps = 0; reps < 100; ++reps) {
    if (!hold(3.0, load, true)) return reps;
    hold(3.0, load * ratio / 1.25, false);
    hold(0.4, 0.05, false);
  }
  return 100;
}

TEST(Strength, FatigueGivesTheRepetitionsToFailure) {
  EXPECT_NEAR(reps_to_failure(0.60, 1.0), 14, 1);
  EXPECT_NEAR(reps_to_failure(0.60, 1.3), 12, 1);
  EXPECT_NEAR(reps_to_failure(0.75, 1.0), 7, 1);
  EXPECT_NEAR(reps_to_failure(0.75, 1.3), 6, 1);
  EXPECT_NEAR(reps_to_failure(0.80, 1.0), 5, 1);
  EXPECT_NEAR(reps_to_failure(0.80, 1.3), 5, 1);
  EXPECT_NEAR(reps_to_failure(0.90, 1.0), 3, 1);
  EXPECT_NEAR(reps_to_failure(0.90, 1.3), 2, 1);
}

TEST(Strength, FatigueNeitherMakesNorLosesMuscle) {
  Random random(7);
  FatigueState state;
  double target = 0.0;
  for (int i = 0; i < 200'000; ++i) {
    if (i % 1000 == 0) target = random.uniform();
    step_fatigue({}, state, target, 1e-3);
    ASSERT_NEAR(state.active + state.fatigued + state.resting, 1.0, 1e-9);
    ASSERT_GE(state.active, -1e-12);
    ASSERT_GE(state.fatigued, -1e-12);
    ASSERT_GE(state.resting, -1e-12);
  }
}

TEST(Strength, RestRecoversFifteenTimesFasterThanWork) {
  FatigueState tired{0.0, 0.4, 0.6};
  FatigueState resting = tired, idling = tired;
  for (int i = 0; i < 60'000; ++i) {
    step_fatigue({}, resting, 0.0, 1e-3);
    step_fatigue({}, idling, 0.03, 1e-3);
  }
  EXPECT_NEAR(resting.fatigued, 0.4 * std::exp(-15.0 * 0.00091 * 60.0), 1e-3);
  EXPECT_GT(idling.fatigued, 0.37);
}

TEST(Strength, MinimumJerkStartsAndEndsAtRest) {
  for (const double s : {0.0, 1.0}) {
    const MinimumJerk at = minimum_jerk(s);
    EXPECT_EQ(at.position, s);
    EXPECT_EQ(at.velocity, 0.0);
    EXPECT_EQ(at.acceleration, 0.0);
  }
  EXPECT_EQ(minimum_jerk(0.5).position, 0.5);
  EXPECT_EQ(minimum_jerk(0.5).velocity, 1.875);
  for (double s = 0.01; s < 0.99; s += 0.01) {
    constexpr double kStep = 1e-5;
    EXPECT_NEAR((minimum_jerk(s + kStep).position - minimum_jerk(s - kStep).position) / (2 * kStep),
                minimum_jerk(s).velocity, 1e-8);
    EXPECT_NEAR((minimum_jerk(s + kStep).velocity - minimum_jerk(s - kStep).velocity) / (2 * kStep),
                minimum_jerk(s).acceleration, 1e-7);
  }
}

}  // namespace
}  // namespace medius::sim
