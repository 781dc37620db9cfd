// What happens exactly on a threshold, with figures that have no rounding; and ways so slow that
// they never count as moving.
#include <vector>

#include <gtest/gtest.h>

#include "tests/measure/tracker_rig.hpp"

namespace medius::measure {
namespace {

using test::Crossings;
using test::TrackerRig;

constexpr double kRange = 0.5;

// Every threshold a sum of a few powers of two, near those that are used.
TrackerConfig dyadic() {
  TrackerConfig config;
  config.reversal = 1.0 / 128.0;
  config.latch_velocity = 1.0 / 16.0;
  config.moving_velocity = 1.0 / 32.0;
  config.zigzag_floor = 1.0 / 128.0;
  config.zigzag_fraction = 1.0 / 8.0;  // 1/16 m
  config.full_fraction = 0.75;
  config.partial_fraction = 0.25;
  config.rise_floor = 1.0 / 32.0;
  config.validate_floor = 0.125;
  config.close_zone_fraction = 0.25;  // 1/8 m
  config.close_return_fraction = 0.5;
  config.hold_zone_fraction = 0.5;
  config.stroke_floor = 1.0 / 128.0;
  config.stroke_fraction = 1.0 / 16.0;  // 1/32 m
  return config;
}

struct Edge : TrackerRig {
  explicit Edge(double range_m = kRange) : TrackerRig(range_m, dyadic()) { stay(300); }
  void go(double to_m) {
    walk(to_m, 0.25);
    stay(300);
  }
};

TEST(TrackerEdge, OnSeventyFivePercentIsValidatedAndOnItsHalfHeld) {
  Edge rig;
  rig.go(0.25);
  EXPECT_EQ(rig.out.phase, Phase::kHold);
  EXPECT_TRUE(rig.validated_at.empty());
  rig.go(0.375);
  EXPECT_EQ(rig.validated_at.size(), 1u);
  Edge unknown(0.0);
  unknown.go(0.125);
  unknown.go(0.0);
  EXPECT_EQ(unknown.validated_at.size(), 1u);
}

TEST(TrackerEdge, OnTheStepOfTheCounterARepetitionBeginsAndTurnsBack) {
  Edge rig;
  rig.go(1.0 / 16.0);
  EXPECT_EQ(rig.tracker.rise(), 1.0 / 16.0);
  rig.go(0.5);
  rig.go(0.5 - 1.0 / 16.0);
  rig.counting = false;
  rig.stay(1);
  ASSERT_EQ(rig.reps.size(), 1u);
  EXPECT_EQ(rig.reps[0].end_position, 0.5 - 1.0 / 16.0);
}

TEST(TrackerEdge, OnTheCloseZoneAndOnTheReturnItCloses) {
  Edge zone;
  zone.go(0.5);
  zone.go(0.125);
  EXPECT_EQ(zone.reps.size(), 1u);
  Edge share;
  share.go(0.1875);
  share.go(0.09375);
  EXPECT_EQ(share.reps.size(), 1u);
}

TEST(TrackerEdge, ADipOfHalfTheRiseIsTheEndAndOneStepUpShowsIt) {
  Edge half;
  half.go(0.5);
  half.go(0.25);
  half.go(0.5);
  ASSERT_EQ(half.reps.size(), 1u);
  EXPECT_EQ(half.reps[0].kind, RepKind::kFull);
  Edge step;
  step.go(0.5);
  step.go(0.1875);
  EXPECT_TRUE(step.reps.empty());
  step.go(0.25);
  EXPECT_EQ(step.reps.size(), 1u);
}

TEST(TrackerEdge, AQuarterOfTheRangeOutAgainIsNoStopOnTheWayBack) {
  TrackerConfig config = dyadic();
  config.close_return_fraction = 0.75;
  TrackerRig rig(kRange, config);
  rig.stay(300);
  rig.walk(0.5, 0.25);
  rig.stay(300);
  rig.walk(0.1875, 0.25);
  rig.stay(300);
  rig.walk(0.3125, 0.25);
  rig.stay(300);
  ASSERT_EQ(rig.reps.size(), 1u);
  EXPECT_EQ(rig.reps[0].rejection, RepRejection::kUnfinished);
}

TEST(TrackerEdge, AFirstRepetitionThatEndsOnTheLimitsOfAShiftKeepsItsBottom) {
  for (const double back_m : {1.0 / 128.0, 1.5 / 32.0}) {
    Edge rig;
    rig.go(0.5);
    rig.go(back_m);
    ASSERT_EQ(rig.reps.size(), 1u);
    EXPECT_EQ(rig.reps[0].bottom_position, 0.0);
  }
}

TEST(TrackerEdge, AShiftOfTheStepFloorMayBeAPause) {
  Edge rig;
  rig.go(0.5);
  rig.go(0.0);
  rig.walk(1.0 / 128.0, 0.25);
  rig.stay(2900);
  EXPECT_EQ(rig.tracker.bottom_position(), 0.0);
  rig.stay(300);
  EXPECT_EQ(rig.tracker.bottom_position(), 1.0 / 128.0);
}

TEST(TrackerEdge, AQuarterOfTheReversalIsNoDriftAndStandingIsSinking) {
  Edge rig;
  rig.walk(1.0 / 512.0, 0.25);
  rig.stay(250, -0.001);
  EXPECT_EQ(rig.tracker.bottom_position(), 0.0);
  Edge still;
  still.walk(1.0 / 1024.0, 0.25);
  still.stay(250);
  EXPECT_EQ(still.tracker.bottom_position(), 1.0 / 1024.0);
}

TEST(TrackerEdge, AQuarterOfTheMovingVelocityIsStandingAndAllOfItInwardIsNot) {
  for (const double claimed_mps : {1.0 / 128.0, -1.0 / 32.0}) {
    Edge rig;
    rig.walk(1.0 / 128.0, 0.25);
    rig.stay(1500, claimed_mps);
    EXPECT_EQ(rig.tracker.bottom_position() == rig.here_m, claimed_mps > 0.0) << claimed_mps;
  }
}

TEST(TrackerEdge, WhoSinksBackFasterThanMovingIsNotStandingHigher) {
  TrackerRig rig(0.4);
  rig.stay(300);
  rig.walk(0.055, 0.2);
  rig.walk(0.005, 0.05);
  EXPECT_EQ(rig.tracker.bottom_position(), 0.0);
}

// ---- boundaries at exactly the moving velocity ----------------------------------------------
Crossings crossings(const TrackerRig& rig) {
  std::vector<double> scaled;  // Crossings knows 0.02 m/s; 1/32 stands for that here
  for (const double v : rig.velocities)
    scaled.push_back(v == 0.0 ? 0.0 : v > 0.0 ? 0.02001 : -0.02001);
  return Crossings(scaled);
}

TEST(TrackerEdge, ARepetitionAtExactlyTheMovingVelocityHasItsBoundaries) {
  Edge rig;
  rig.walk(0.5, 1.0 / 32.0);
  rig.stay(300);
  rig.walk(0.0, 1.0 / 32.0);
  rig.stay(300);
  ASSERT_EQ(rig.reps.size(), 1u);
  const Crossings truth = crossings(rig);
  ASSERT_EQ(truth.out_begin.size(), 1u);
  EXPECT_EQ(rig.reps[0].start_tick, truth.out_begin[0]);
  EXPECT_EQ(rig.reps[0].peak_start_tick, truth.out_end[0]);
  EXPECT_EQ(rig.reps[0].peak_end_tick, truth.in_begin[0]);
  EXPECT_EQ(rig.reps[0].end_tick, truth.in_end[0]);
}

TEST(TrackerEdge, AShortStayIsNoPauseHoweverSlowTheRestOfTheWayIs) {
  Edge rig;
  rig.walk(0.5, 0.25);
  rig.stay(60);
  rig.walk(0.5 + 1.0 / 64.0, 1.0 / 32.0);
  const std::uint64_t stopped = rig.tick;
  rig.stay(300);
  rig.go(0.0);
  ASSERT_EQ(rig.reps.size(), 1u);
  EXPECT_GE(rig.reps[0].peak_start_tick + 60, stopped);
}

TEST(TrackerEdge, SinkingAtTheMovingVelocityIsStillSinking) {
  Edge rig;
  rig.go(0.5);
  rig.walk(0.0625, 0.25);
  rig.stay(500, -1.0 / 32.0);
  EXPECT_TRUE(rig.reps.empty());
  rig.stay(500);
  EXPECT_EQ(rig.reps.size(), 1u);
}

TEST(TrackerEdge, AStrokeOfExactlyTheLeastBelongsToTheTopOnTheWayUpAndNotOnTheWayDown) {
  Edge rig;
  rig.go(0.5 - 1.0 / 32.0);
  const std::uint64_t first_stop = rig.tick - 300;
  rig.go(0.5);
  const std::uint64_t leaves = rig.tick;
  rig.go(0.5 - 1.0 / 32.0);
  rig.go(0.0);
  ASSERT_EQ(rig.reps.size(), 1u);
  EXPECT_NEAR(static_cast<double>(rig.reps[0].peak_start_tick), static_cast<double>(first_stop),
              60);
  EXPECT_NEAR(static_cast<double>(rig.reps[0].peak_end_tick), static_cast<double>(leaves), 60);
}

// ---- ways that never count as moving --------------------------------------------------------
// 1/65536 m a tick, 0.0153 m/s.
constexpr double kSlow = 1000.0 / 65536.0;

TEST(TrackerSlow, BeginsWhereStandingEndedAndTurnsAtItsHighestSample) {
  for (const bool shifted : {false, true}) {
    Edge rig;
    if (shifted) {  // a stance that was found by a brisk move before
      rig.walk(1.0 / 32.0, 0.25);
      rig.stay(900);
    }
    const double bottom_m = rig.here_m;
    const std::uint64_t begins = rig.tick;
    rig.walk(bottom_m + 0.5, kSlow);
    const std::uint64_t top = rig.tick - 1;
    rig.stay(300);
    rig.walk(bottom_m, kSlow);
    const std::uint64_t bottom = rig.tick - 1;
    rig.stay(300);
    ASSERT_EQ(rig.reps.size(), 1u);
    EXPECT_NEAR(rig.reps[0].bottom_position, bottom_m, 1e-3);
    EXPECT_NEAR(static_cast<double>(rig.reps[0].start_tick), static_cast<double>(begins), 60);
    EXPECT_EQ(rig.reps[0].peak_start_tick, top);
    EXPECT_EQ(rig.reps[0].peak_end_tick, top);
    EXPECT_LE(rig.reps[0].end_tick, bottom);
  }
}

TEST(TrackerSlow, AHigherPeakAfterADipIsLeftFromThere) {
  Edge rig;
  rig.go(0.4375);
  rig.go(0.375);
  rig.walk(0.5, kSlow);
  const std::uint64_t top = rig.tick - 1;
  rig.stay(300);
  rig.walk(0.0, kSlow);
  rig.stay(300);
  ASSERT_EQ(rig.reps.size(), 1u);
  EXPECT_EQ(rig.reps[0].peak_end_tick, top);
}

TEST(TrackerSlow, APeakOfJustOneStepHasItsTick) {
  Edge rig;
  rig.walk(1.0 / 16.0, kSlow);
  const std::uint64_t top = rig.tick - 1;
  rig.stay(60, kSlow);  // not yet called standing
  rig.stay(300);
  rig.walk(0.0, kSlow);
  rig.stay(300);
  ASSERT_EQ(rig.reps.size(), 1u);
  EXPECT_EQ(rig.reps[0].peak_start_tick, top);
}

// Two steps up, one step back: that is half, and within the zone. It closes forty ticks later.
TEST(TrackerSlow, ALowOfJustOneStepHasItsTickAndFortyTicksToClose) {
  Edge rig;
  rig.walk(1.0 / 8.0, kSlow);
  rig.stay(300);
  rig.walk(1.0 / 16.0, kSlow);
  const std::uint64_t low = rig.tick - 1;
  rig.stay(300);
  ASSERT_EQ(rig.reps.size(), 1u);
  EXPECT_EQ(rig.reps[0].end_tick, low);
  EXPECT_EQ(rig.closed_at[0], low + 40 + 55);
}

}  // namespace
}  // namespace medius::measure
