// The rules of direction, tension and phase to the last tick: who shifts a threshold must mean it.
#include <limits>

#include <gtest/gtest.h>

#include "tests/measure/tracker_rig.hpp"

namespace medius::measure {
namespace {

using test::TrackerRig;

// Steps of a power of two have no rounding: 0.122 mm a tick.
constexpr double kUnit = 1.0 / 8192.0;

// ---- direction ------------------------------------------------------------------------------
TrackerConfig in_units() {
  TrackerConfig config;
  config.reversal = 48 * kUnit;
  config.rise_floor = 240 * kUnit;
  return config;
}

// The number of the step at which the direction changed, 0: never. One unit a tick from where the
// rig stands, told to be this fast.
int turns_at_step(TrackerRig& rig, int steps, int sign, double velocity_mps) {
  for (int i = 1; i <= steps; ++i) {
    if (rig.feed(rig.here_m + sign * kUnit, velocity_mps).direction_changed) return i;
  }
  return 0;
}

TEST(TrackerDirection, TurnsSixtyOneTicksAfterTheReversalIsReachedAtMoreThanTheLatchVelocity) {
  TrackerRig rig(0.0, in_units());
  rig.stay(200);
  EXPECT_EQ(turns_at_step(rig, 300, +1, 0.0301), 48 + 60);
  EXPECT_EQ(rig.tracker.direction_changes(), 1u);
  rig.stay(200);
  EXPECT_EQ(turns_at_step(rig, 300, -1, -0.0301), 48 + 60);
  EXPECT_EQ(rig.tracker.direction_changes(), 2u);
}

TEST(TrackerDirection, AtTheLatchVelocityItTurnsWhereTheRiseFloorIsReached) {
  for (const double velocity_mps : {0.03, 0.0, -0.05}) {
    TrackerRig rig(0.0, in_units());
    rig.stay(200);
    EXPECT_EQ(turns_at_step(rig, 300, +1, velocity_mps), 240) << velocity_mps;
  }
}

TEST(TrackerDirection, OneSlowTickBeginsTheDwellAnew) {
  TrackerRig rig(0.0, in_units());
  rig.stay(200);
  EXPECT_EQ(turns_at_step(rig, 100, +1, 0.1), 0);
  EXPECT_EQ(turns_at_step(rig, 1, +1, 0.03), 0);
  EXPECT_EQ(turns_at_step(rig, 300, +1, 0.1), 61);
}

TEST(TrackerDirection, OneTickBackWithinTheReversalBeginsTheDwellAnew) {
  TrackerRig rig(0.0, in_units());
  rig.stay(200);
  EXPECT_EQ(turns_at_step(rig, 100, +1, 0.1), 0);
  rig.feed(47 * kUnit, 0.1);
  EXPECT_EQ(turns_at_step(rig, 300, +1, 0.1), 61);
}

TEST(TrackerDirection, IsCountedFromTheLowestPoint) {
  TrackerRig rig(0.0, in_units());
  rig.stay(200);
  EXPECT_EQ(turns_at_step(rig, 100, -1, -0.1), 0);
  EXPECT_EQ(turns_at_step(rig, 300, +1, 0.1), 48 + 60);
  EXPECT_EQ(turns_at_step(rig, 300, +1, 0.1), 0) << "going on is no turn";
  EXPECT_EQ(turns_at_step(rig, 300, -1, -0.1), 48 + 60) << "from the highest";
}

// Of a range of 0.5 m: 1/32 are 128 units; 1/16 are 256, more than the rise floor.
TEST(TrackerDirection, BetweenRepetitionsALegMayRiseByAShareOfTheRange) {
  TrackerConfig config = in_units();
  config.settle_fraction = 1.0 / 32.0;
  TrackerRig small(0.5, config);
  small.stay(200);
  EXPECT_EQ(turns_at_step(small, 400, +1, 0.1), 128 + 60);
  config.settle_fraction = 1.0 / 16.0;
  TrackerRig large(0.5, config);
  large.stay(200);
  EXPECT_EQ(turns_at_step(large, 400, +1, 0.0), 256);
}

TEST(TrackerDirection, ThatShareIsOfTheLastRiseWhileTheRangeIsNotKnown) {
  TrackerConfig config = in_units();
  config.settle_fraction = 1.0 / 32.0;
  TrackerRig rig(0.0, config);
  rig.stay(200);
  rig.rep(0.5);
  ASSERT_EQ(rig.reps.size(), 1u);
  EXPECT_EQ(rig.tracker.range_reference(), 0.0);
  EXPECT_EQ(turns_at_step(rig, 400, +1, 0.1), 128 + 60);
}

// ---- tension --------------------------------------------------------------------------------
int slack_after(double force_n, double reference_n) {
  TrackerRig rig(0.4);
  rig.stay(200);
  rig.force_n = force_n;
  rig.reference_n = reference_n;
  return rig.until(Phase::kSlack, 1000);
}

TEST(TrackerSlack, IsBelowEightNewtonsAndAQuarterOfAReferenceAboveSixteenForHundredTwentyTicks) {
  EXPECT_EQ(slack_after(7.99, 60.0), 120);
  EXPECT_EQ(slack_after(8.0, 60.0), 0);
  EXPECT_EQ(slack_after(7.5, 30.1), 120);
  EXPECT_EQ(slack_after(7.5, 30.0), 0);
  EXPECT_EQ(slack_after(2.0, 16.01), 120);
  EXPECT_EQ(slack_after(2.0, 16.0), 0);
  EXPECT_EQ(slack_after(std::numeric_limits<double>::quiet_NaN(), 60.0), 0);
}

TEST(TrackerSlack, EndsAfterHundredTwentyTicksOfEightNewtons) {
  for (const double force_n : {7.99, 8.0}) {
    TrackerRig rig(0.4);
    rig.stay(200);
    rig.force_n = 2.0;
    ASSERT_EQ(rig.until(Phase::kSlack, 200), 120);
    rig.force_n = force_n;
    EXPECT_EQ(rig.until(Phase::kRest, 1000), force_n < 8.0 ? 0 : 120);
  }
}

TEST(TrackerSlack, AMomentOfTensionBeginsItsCountAnew) {
  TrackerRig rig(0.4);
  rig.stay(200);
  rig.force_n = 2.0;
  rig.stay(119);
  rig.force_n = 20.0;
  rig.stay(1);
  rig.force_n = 2.0;
  EXPECT_EQ(rig.until(Phase::kSlack, 1000), 120);
  rig.force_n = 20.0;
  rig.stay(119);
  rig.force_n = 2.0;
  rig.stay(1);
  rig.force_n = 20.0;
  EXPECT_EQ(rig.until(Phase::kRest, 1000), 120);
}

// The cable is slack for `slack_ticks` from a top of 0.4 m on and taken in to 0.3 m; then it meets
// the hand on its way out. Where the repetition ended, below zero: it did not.
double met_bottom(int slack_ticks, double lost_mps, double met_mps) {
  TrackerRig rig(0.4);
  rig.stay(200);
  rig.walk(0.4, 0.25);
  rig.stay(300);
  rig.force_n = 0.0;
  for (int i = 1; i <= slack_ticks; ++i) {
    rig.feed(0.4 - 0.1 * std::fmin(1.0, i / 200.0), i == 1 ? lost_mps : -0.01);
  }
  rig.force_n = 60.0;
  rig.stay(120, met_mps);
  rig.walk(0.4, 0.25);
  rig.stay(300);
  return rig.reps.empty() ? -1.0 : rig.reps.front().end_position;
}

TEST(TrackerSlack, AHandMetOnItsWayOutWasFurtherInByHalfTheTimeAtTheSpeedOfTheLoss) {
  EXPECT_NEAR(met_bottom(400, -0.8, 0.1), 0.3 - 0.5 * 0.4 * 0.8, 1e-9);
  EXPECT_NEAR(met_bottom(500, -0.8, 0.1), 0.3 - 0.5 * 0.5 * 0.8, 1e-9);
  EXPECT_NEAR(met_bottom(400, -0.3, 0.1), 0.3 - 0.5 * 0.4 * 0.6, 1e-9) << "at least 0.6 m/s";
  EXPECT_NEAR(met_bottom(400, 0.3, 0.1), 0.3 - 0.5 * 0.4 * 0.6, 1e-9);
  EXPECT_NEAR(met_bottom(1500, -0.8, 0.1), 0.0, 1e-9) << "no further in than where it began";
  EXPECT_LT(met_bottom(400, -0.8, 0.03), 0.0) << "one that stands was nowhere else";
  EXPECT_LT(met_bottom(400, -0.29, 0.1), 0.0) << "the cable kept up with it";
  EXPECT_LT(met_bottom(400, 0.29, 0.1), 0.0);
}

TEST(TrackerSlack, IsSeenUnderAReferenceThatIsLightForMoments) {
  TrackerRig rig(0.4);
  rig.stay(200);
  rig.force_n = 2.0;
  for (int i = 0; i < 119; ++i) {
    rig.reference_n = 36.0;
    rig.stay(1);
    rig.reference_n = 13.0;
    rig.stay(1);
  }
  EXPECT_NE(rig.out.phase, Phase::kSlack);
  rig.reference_n = 36.0;
  rig.stay(1);
  EXPECT_EQ(rig.out.phase, Phase::kSlack) << "120 ticks at which a tension was expected";
}

TEST(TrackerSlack, AReelThatFollowsAFinishedRepetitionFinishesNone) {
  TrackerRig rig(0.4);
  rig.stay(200);
  rig.rep(0.4);
  rig.walk(0.4, 0.25);
  rig.force_n = 0.0;
  rig.stay(200);
  rig.walk(0.2, 0.2);
  rig.tracker.end_set();
  rig.feed(0.2, 0.0);
  ASSERT_EQ(rig.reps.size(), 2u);
  EXPECT_EQ(rig.reps[1].rejection, RepRejection::kSlack);
}

TEST(TrackerSlack, ACountThatBeginsAnewKnowsOfNoSlack) {
  TrackerRig rig(0.4);
  rig.stay(200);
  rig.force_n = 2.0;
  EXPECT_NE(rig.until(Phase::kSlack, 1000), 0);
  rig.counting = false;
  rig.stay(1);
  rig.counting = true;
  rig.force_n = 60.0;
  EXPECT_EQ(rig.until(Phase::kRest, 1000), 1);
}

TEST(TrackerSlack, WhatWasLostTwiceIsCountedFromTheSecondTime) {
  TrackerRig rig(0.4);
  rig.stay(200);
  rig.walk(0.4, 0.25);
  rig.stay(300);
  for (int round = 0; round < 2; ++round) {
    rig.force_n = 0.0;
    for (int i = 1; i <= 400; ++i) {
      rig.feed(0.4 - 0.1 * std::fmin(1.0, i / 200.0), i == 1 ? -0.6 - 0.2 * round : -0.01);
    }
    rig.force_n = 60.0;
    rig.stay(120, round == 0 ? 0.0 : 0.1);
  }
  rig.walk(0.4, 0.25);
  rig.stay(300);
  ASSERT_EQ(rig.reps.size(), 1u);
  EXPECT_NEAR(rig.reps[0].end_position, 0.3 - 0.5 * 0.4 * 0.8, 1e-9);
}

// ---- phases ---------------------------------------------------------------------------------
TEST(TrackerPhase, RestsAfterSixHundredTicksBelowTheMovingVelocity) {
  for (const double velocity_mps : {0.0199, -0.0199, 0.02, -0.02}) {
    TrackerRig rig(0.4);
    rig.stay(200);
    rig.walk(0.4, 0.25);
    rig.stay(300);
    rig.walk(0.0, 0.25);
    const bool still = std::fabs(velocity_mps) < 0.02;
    EXPECT_EQ(rig.until(Phase::kRest, 3000, velocity_mps), still ? 600 : 0) << velocity_mps;
    EXPECT_EQ(rig.reps.size(), 1u);
    if (!still) {
      EXPECT_EQ(rig.out.phase, Phase::kBottom);
    }
  }
}

TEST(TrackerPhase, ARestGoesOnThroughSlightMovement) {
  TrackerRig rig(0.4);
  EXPECT_EQ(rig.until(Phase::kRest, 1), 1) << "a set begins at rest";
  rig.stay(700);
  rig.stay(5, 0.1);
  EXPECT_EQ(rig.out.phase, Phase::kRest) << "a twitch is no bottom";
}

TEST(TrackerPhase, ALegThatIsLiftedBelowTheFirstStepOfTheCounterRests) {
  TrackerRig rig(0.4);
  rig.stay(200);
  rig.walk(0.055, 0.25);  // beyond the latch, below 15 % of the range
  EXPECT_EQ(rig.out.phase, Phase::kConcentric);
  EXPECT_EQ(rig.until(Phase::kRest, 1000), 600);
}

TEST(TrackerPhase, HoldsAfterHundredTwentyTicksAboveSixtyPercentOfTheRange) {
  for (const double height_m : {0.239, 0.241}) {
    TrackerRig rig(0.4);
    rig.stay(200);
    rig.walk(height_m, 0.25);
    EXPECT_EQ(rig.until(Phase::kHold, 1000), height_m > 0.24 ? 120 : 0) << height_m;
  }
  TrackerRig lifted(0.4);  // heights are counted from where it stands
  lifted.feed(0.1, 0.0);
  lifted.stay(200);
  lifted.walk(0.339, 0.25);
  EXPECT_EQ(lifted.until(Phase::kHold, 1000), 0);
  lifted.walk(0.341, 0.25);
  EXPECT_EQ(lifted.until(Phase::kHold, 1000), 120);
}

TEST(TrackerPhase, WithoutARangeItHoldsAboveTheRiseFloor) {
  for (const double floor_m : {0.05, 0.045}) {
    TrackerConfig config;
    config.rise_floor = floor_m;
    config.zigzag_floor = 0.001;
    TrackerRig rig(0.0, config);
    rig.stay(200);
    rig.walk(0.052, 0.25);
    rig.stay(100);
    rig.walk(0.048, 0.25);
    EXPECT_EQ(rig.until(Phase::kHold, 1000), floor_m > 0.048 ? 0 : 120) << floor_m;
  }
}

TEST(TrackerPhase, AHoldStaysWhileItIsSlowerThanTheLatch) {
  TrackerRig rig(0.4);
  rig.stay(200);
  rig.walk(0.4, 0.25);
  EXPECT_EQ(rig.until(Phase::kConcentric, 1), 1);
  rig.stay(200);
  EXPECT_EQ(rig.out.phase, Phase::kHold);
  rig.stay(200, 0.03);
  EXPECT_EQ(rig.out.phase, Phase::kHold);
  rig.stay(1, 0.0301);
  EXPECT_EQ(rig.out.phase, Phase::kConcentric);
  rig.stay(119);
  EXPECT_EQ(rig.out.phase, Phase::kConcentric);
  rig.stay(1);
  EXPECT_EQ(rig.out.phase, Phase::kHold);
}

TEST(TrackerPhase, AWayDownIsEccentricHoweverLongItStands) {
  TrackerRig rig(0.4);
  rig.stay(200);
  rig.walk(0.4, 0.25);
  rig.stay(300);
  rig.walk(0.2, 0.25);
  EXPECT_EQ(rig.out.phase, Phase::kEccentric);
  rig.stay(2000);
  EXPECT_EQ(rig.out.phase, Phase::kEccentric);
}

}  // namespace
}  // namespace medius::measure
