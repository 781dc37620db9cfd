// The rules of the counter to the last tick and millimetre: what is a repetition, where it begins
// and ends, and how the range follows.
#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "controller/base/random.hpp"
#include "tests/measure/tracker_rig.hpp"

namespace medius::measure {
namespace {

using test::Crossings;
using test::TrackerRig;

// ---- boundaries -----------------------------------------------------------------------------
TEST(TrackerBoundary, AreTheCrossingsOfTheMeanOfHundredElevenTicks) {
  Random random(5);
  TrackerRig rig(0.4);
  rig.stay(300);
  for (int i = 0; i < 12; ++i) {
    rig.walk(random.uniform(0.36, 0.44), random.uniform(0.1, 0.8));
    rig.stay(200 + static_cast<int>(random.below(300)));
    rig.walk(random.uniform(-0.01, 0.01), random.uniform(0.1, 0.8));
    rig.stay(200 + static_cast<int>(random.below(300)));
  }
  const Crossings truth(rig.velocities);
  ASSERT_EQ(rig.reps.size(), 12u);
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(rig.reps[i].start_tick, truth.out_begin[i]) << i;
    EXPECT_EQ(rig.reps[i].peak_start_tick, truth.out_end[i]) << i;
    EXPECT_EQ(rig.reps[i].peak_end_tick, truth.in_begin[i]) << i;
    EXPECT_EQ(rig.reps[i].end_tick, truth.in_end[i]) << i;
    // 40 ticks of no longer lowering, known 55 ticks later.
    EXPECT_EQ(rig.closed_at[i], truth.in_end[i] + 39 + 55) << i;
  }
}

// A way of `whole_m` with a pause of `pause_ticks` below the moving velocity `rest_m` before its
// end.
struct Paused {
  TrackerRig rig{0.4};
  int stop(double rest_m, int pause_ticks, bool upward) {
    rig.stay(300);
    if (upward) rig.walk(0.4 - rest_m, 0.2);
    if (upward) rig.stay(pause_ticks);
    rig.walk(0.4, 0.2);
    rig.stay(400);
    if (!upward) rig.walk(0.4 - rest_m, 0.2);
    if (!upward) rig.stay(pause_ticks);
    rig.walk(0.0, 0.2);
    rig.stay(400);
    return static_cast<int>(rig.reps.size());
  }
};

// At 0.2 m/s the mean falls below 0.02 m/s 45 ticks after the last tick that moved and comes back
// 44 ticks before the first: a stop of p ticks is a pause of p - 88.
TEST(TrackerBoundary, AShortStayAtTheTopBelongsToTheWayThere) {
  for (const int stop : {150, 187, 188, 189, 190, 250, 600}) {
    for (const double rest_m : {0.030, 0.038, 0.042, 0.1}) {
      Paused way;
      ASSERT_EQ(way.stop(rest_m, stop, true), 1) << stop << " " << rest_m;
      const Crossings truth(way.rig.velocities);
      ASSERT_EQ(truth.out_end.size(), 2u);
      const std::uint64_t pause = truth.out_begin[1] - truth.out_end[0];
      // Longer than 100 ticks, and less than a tenth of the range from there: that was the top.
      const bool top = pause > 100 && rest_m < 0.04;
      EXPECT_EQ(way.rig.reps[0].peak_start_tick, truth.out_end[top ? 0 : 1])
          << stop << " " << rest_m;
    }
  }
}

TEST(TrackerBoundary, AShortStepBelowTheTopBelongsToIt) {
  for (const int stop : {150, 187, 188, 189, 190, 250, 600}) {
    for (const double rest_m : {0.030, 0.038, 0.042, 0.1}) {
      Paused way;
      ASSERT_EQ(way.stop(rest_m, stop, false), 1) << stop << " " << rest_m;
      const Crossings truth(way.rig.velocities);
      ASSERT_EQ(truth.in_begin.size(), 2u);
      const std::uint64_t pause = truth.in_begin[1] - truth.in_end[0];
      // Here the last tick that moved is the first of the hundred.
      const bool still_there = pause > 99 && rest_m < 0.04;
      EXPECT_EQ(way.rig.reps[0].peak_end_tick, truth.in_begin[still_there ? 1 : 0])
          << stop << " " << rest_m << " " << pause;
    }
  }
}

TEST(TrackerBoundary, AStrokeIsATenthOfTheRangeOrOfTheLastRiseAndNeverLessThanTwelveMillimetres) {
  struct Case {
    double range_m, top_m, rest_m;
    bool belongs;
  };
  for (const Case& c :
       {Case{0.4, 0.4, 0.039, true}, Case{0.4, 0.4, 0.041, false}, Case{0.4, 0.3, 0.037, true},
        Case{0.4, 0.3, 0.039, false}, Case{0.1, 0.1, 0.011, true}, Case{0.1, 0.1, 0.013, false},
        Case{0.0, 0.4, 0.039, true}, Case{0.0, 0.4, 0.041, false}}) {
    TrackerRig rig(c.range_m);
    rig.stay(300);
    rig.rep(c.top_m, 0.2);
    const std::size_t from = rig.velocities.size() - 100;
    rig.walk(c.top_m - c.rest_m, 0.2);
    rig.stay(400);
    rig.walk(c.top_m, 0.2);
    rig.stay(400);
    rig.walk(0.0, 0.2);
    rig.stay(400);
    ASSERT_EQ(rig.reps.size(), 2u);
    const Crossings truth(rig.velocities, from);
    EXPECT_EQ(rig.reps[1].peak_start_tick, truth.out_end[c.belongs ? 0 : 1])
        << c.range_m << " " << c.rest_m;
  }
}

TEST(TrackerBoundary, StayTheSameWhereverTheAxisStandsAndWheneverTheSetBegins) {
  const auto reps = [](double from_m, std::uint64_t from_tick, double range_m) {
    Random random(11);
    TrackerRig rig(range_m);
    rig.tick = from_tick;
    rig.feed(from_m, 0.0);
    rig.stay(700);
    for (int i = 0; i < 12; ++i) {
      rig.walk(from_m + random.uniform(0.05, 0.45), random.uniform(0.1, 0.8));
      rig.stay(static_cast<int>(random.below(500)));
      rig.walk(from_m + random.uniform(-0.03, 0.20), random.uniform(0.1, 0.8));
      rig.stay(static_cast<int>(random.below(900)));
    }
    rig.tracker.end_set();
    rig.counting = false;
    rig.stay(1);
    return rig.reps;
  };
  for (const double range_m : {0.0, 0.4}) {
    const auto here = reps(0.0, 0, range_m), there = reps(-4.7, 1'000'000, range_m);
    ASSERT_EQ(here.size(), there.size());
    ASSERT_GT(here.size(), 5u);
    for (std::size_t i = 0; i < here.size(); ++i) {
      EXPECT_EQ(here[i].kind, there[i].kind);
      EXPECT_EQ(here[i].rejection, there[i].rejection);
      EXPECT_EQ(here[i].start_tick + 1'000'000, there[i].start_tick);
      EXPECT_EQ(here[i].peak_start_tick + 1'000'000, there[i].peak_start_tick);
      EXPECT_EQ(here[i].peak_end_tick + 1'000'000, there[i].peak_end_tick);
      EXPECT_EQ(here[i].end_tick + 1'000'000, there[i].end_tick);
      EXPECT_NEAR(here[i].bottom_position - 4.7, there[i].bottom_position, 1e-9);
      EXPECT_NEAR(here[i].peak_position - 4.7, there[i].peak_position, 1e-9);
      EXPECT_NEAR(here[i].end_position - 4.7, there[i].end_position, 1e-9);
      EXPECT_LE(here[i].start_tick, here[i].peak_start_tick);
      EXPECT_LE(here[i].peak_start_tick, here[i].peak_end_tick);
      EXPECT_LE(here[i].peak_end_tick, here[i].end_tick);
    }
  }
}

// ---- between repetitions --------------------------------------------------------------------
// Ticks after the end of a shift of the stance until the bottom has followed it, 0: not within 5 s.
int bottom_follows(double shift_m, bool before_the_first, double creep_mps = 0.0) {
  TrackerRig rig(0.4);
  rig.stay(700);
  if (!before_the_first) rig.rep(0.4);
  rig.walk(shift_m, 0.2);
  const double stands_m = rig.here_m;
  for (int i = 1; i <= 5000; ++i) {
    rig.feed(stands_m, creep_mps);
    if (rig.tracker.bottom_position() == stands_m) return i;
  }
  return 0;
}

// The mean is below the moving velocity from 45 ticks after the shift on, seen 55 ticks later.
TEST(TrackerStance, AShiftThatStaysForSixHundredTicksIsTheNewBottom) {
  const int soon = 600 + 55 + 44;
  EXPECT_EQ(bottom_follows(0.011, false), soon);
  EXPECT_EQ(bottom_follows(0.010, true), soon);
  EXPECT_EQ(bottom_follows(0.050, true), soon) << "before the first they find their stance";
  EXPECT_EQ(bottom_follows(0.064, true), 0) << "that is a repetition under way";
}

TEST(TrackerStance, ALargerOneMayBeAPauseAndCountsAfterThreeSeconds) {
  EXPECT_EQ(bottom_follows(0.013, false), 3000 + 55 + 44);
  EXPECT_EQ(bottom_follows(0.050, false), 3000 + 55 + 44);
}

TEST(TrackerStance, WhoCreepsFasterThanAQuarterOfTheMovingVelocityHasNoNewOne) {
  EXPECT_GT(bottom_follows(0.010, true, 0.0049), 0);
  EXPECT_EQ(bottom_follows(0.010, true, 0.0051), 0);
}

TEST(TrackerStance, ADriftOfLessThanAQuarterOfTheReversalIsFollowedAtOnceWhileSinking) {
  for (const double shift_m : {0.0014, 0.0016}) {
    TrackerRig rig(0.4);
    rig.stay(200);
    rig.walk(shift_m, 0.2);
    rig.stay(200, -0.001);
    EXPECT_EQ(rig.tracker.bottom_position() == rig.here_m, shift_m < 0.0015) << shift_m;
  }
  TrackerRig rising(0.4);
  rising.stay(200);
  rising.walk(0.0014, 0.2);
  rising.stay(200, 0.001);
  EXPECT_EQ(rising.tracker.bottom_position(), 0.0);
}

TEST(TrackerStance, GoesDownWithThePersonAtOnce) {
  TrackerRig rig(0.4);
  rig.stay(700);
  rig.walk(-0.05, 0.2);
  rig.stay(60);
  EXPECT_EQ(rig.tracker.bottom_position(), -0.05);
}

// The load takes a leg along that is not yet braced: where the first one comes back to was its
// bottom.
TEST(TrackerStance, TheFirstRepetitionBeginsWhereItCameBackTo) {
  struct Case {
    double back_m, bottom_m;
  };
  for (const Case& c :
       {Case{0.011, 0.0}, Case{0.013, 0.013}, Case{0.044, 0.044}, Case{0.046, 0.0}}) {
    TrackerRig rig(0.4);
    rig.stay(300);
    rig.rep(0.4, 0.25, c.back_m);
    EXPECT_EQ(rig.reps.size(), c.bottom_m > 0.0 ? 0u : 1u) << "a stance stays";
    rig.stay(500);
    ASSERT_EQ(rig.reps.size(), 1u);
    EXPECT_NEAR(rig.reps[0].bottom_position, c.bottom_m, 1e-9) << c.back_m;
    EXPECT_NEAR(rig.reps[0].end_position, c.back_m, 1e-9);
    rig.rep(0.4, 0.25, c.back_m + 0.02);
    ASSERT_EQ(rig.reps.size(), 2u);
    EXPECT_NEAR(rig.reps[1].bottom_position, c.back_m, 1e-9) << "only the first";
  }
}

// Whoever lets go, or whose link is lost, while it is still seen whether they stay: it is done.
TEST(TrackerStance, AFirstRepetitionThatIsBackCountsWhateverComesThen) {
  TrackerRig rig(0.4);
  rig.stay(300);
  rig.rep(0.4, 0.25, 0.02);
  ASSERT_EQ(rig.reps.size(), 0u);
  EXPECT_EQ(rig.until(Phase::kBottom, 1), 1) << "not lowering any more";
  rig.tick += 200;
  rig.stay(1);
  ASSERT_EQ(rig.reps.size(), 1u);
  EXPECT_EQ(rig.reps[0].rejection, RepRejection::kNone);
}

// Nearly down it only stops for a moment: no stance, and all of the way belongs to it.
TEST(TrackerStance, APauseOnTheFirstWayBackIsNoStance) {
  TrackerRig rig(0.0);
  rig.stay(300);
  rig.walk(0.25, 0.25);
  rig.stay(300);
  rig.walk(0.04, 0.25);
  rig.stay(300);
  rig.walk(-0.01, 0.25);
  rig.stay(300);
  ASSERT_EQ(rig.reps.size(), 1u);
  EXPECT_NEAR(rig.reps[0].bottom_position, 0.0, 1e-9);
  EXPECT_NEAR(rig.reps[0].end_position, -0.01, 1e-9);
}

// ---- what is counted ------------------------------------------------------------------------
TEST(TrackerCount, BeginsAtFifteenPercentOfTheRangeOrTheFloors) {
  struct Case {
    double range_m, rise_m;
    bool begins;
  };
  for (const Case& c : {Case{0.4, 0.059, false}, Case{0.4, 0.061, true}, Case{0.06, 0.011, false},
                        Case{0.06, 0.013, true}, Case{0.0, 0.029, false}, Case{0.0, 0.031, true}}) {
    TrackerRig rig(c.range_m);
    rig.stay(300);
    rig.walk(c.rise_m, 0.2);
    rig.stay(60);
    EXPECT_EQ(rig.tracker.rise() > 0.0, c.begins) << c.range_m << " " << c.rise_m;
    if (c.begins) {
      EXPECT_NEAR(rig.tracker.rise(), c.rise_m, 1e-9);
    }
  }
}

TEST(TrackerCount, TurnsBackAfterTheSameStep) {
  for (const double back_m : {0.059, 0.061}) {
    TrackerRig rig(0.4);
    rig.stay(300);
    rig.walk(0.4, 0.2);
    rig.stay(300);
    rig.walk(0.4 - back_m, 0.2);
    rig.stay(60);
    rig.counting = false;
    rig.stay(1);
    ASSERT_EQ(rig.reps.size(), 1u);
    EXPECT_EQ(rig.reps[0].rejection, RepRejection::kUnfinished);
    EXPECT_NEAR(rig.reps[0].end_position, back_m < 0.06 ? 0.4 : 0.4 - back_m, 1e-9) << back_m;
  }
}

// Of a rise of 0.4 m: up to a half is a dip, from 60 % on the way back was made. Between them it
// stays unfinished, unless what follows is less than the 0.1 m of a partial repetition: a stop on
// the way back.
TEST(TrackerCount, ADipOfLessThanHalfTheRiseBelongsToItsRepetition) {
  struct Case {
    double dip_m, again_m;
    std::size_t reps;
    RepKind first;
  };
  for (const Case& c :
       {Case{0.1, 0.5, 1, RepKind::kFull}, Case{0.199, 0.4, 1, RepKind::kFull},
        Case{0.199, 0.27, 1, RepKind::kFull}, Case{0.201, 0.298, 1, RepKind::kFull},
        Case{0.201, 0.302, 2, RepKind::kRejected}, Case{0.239, 0.4, 2, RepKind::kRejected},
        Case{0.239, 0.258, 1, RepKind::kFull}, Case{0.239, 0.263, 2, RepKind::kRejected},
        Case{0.241, 0.4, 2, RepKind::kFull}, Case{0.241, 0.258, 2, RepKind::kFull}}) {
    TrackerRig rig(0.4);
    rig.stay(300);
    rig.walk(0.4, 0.2);
    rig.stay(300);
    rig.walk(0.4 - c.dip_m, 0.2);
    rig.walk(c.again_m, 0.2);
    rig.walk(0.0, 0.2);
    rig.stay(300);
    EXPECT_EQ(rig.reps.size(), c.reps) << c.dip_m << " " << c.again_m;
    ASSERT_FALSE(rig.reps.empty());
    EXPECT_EQ(rig.reps.front().kind, c.first) << c.dip_m << " " << c.again_m;
    if (c.first == RepKind::kRejected) {
      EXPECT_EQ(rig.reps.front().rejection, RepRejection::kUnfinished);
    }
    EXPECT_NEAR(rig.reps.front().peak_position, c.reps == 1 ? std::max(0.4, c.again_m) : 0.4, 1e-9);
  }
}

// Up by 0.36 m, of it 0.16 m to find a stance: 0.19 m back are less than 60 % of the rise, and all
// of a range of 0.2 m. After the first repetition nobody looks for a stance any more.
TEST(TrackerCount, AFirstRiseWithAShiftOfStanceIsBackBySixtyPercentOfTheRange) {
  struct Case {
    double range_m;
    bool first, finished;
  };
  for (const Case& c : {Case{0.2, true, true}, Case{0.36, true, false}, Case{0.2, false, false}}) {
    TrackerRig rig(c.range_m);
    rig.stay(300);
    if (!c.first) {
      rig.walk(0.36, 0.2);
      rig.stay(300);
      rig.walk(0.0, 0.2);
      rig.stay(300);
      ASSERT_EQ(rig.reps.size(), 1u);
      rig.reps.clear();
    }
    rig.walk(0.36, 0.2);
    rig.stay(300);
    rig.walk(0.17, 0.2);
    rig.walk(0.36, 0.2);
    rig.walk(0.17, 0.2);
    rig.stay(300);
    ASSERT_FALSE(rig.reps.empty());
    EXPECT_EQ(rig.reps.front().rejection,
              c.finished ? RepRejection::kNone : RepRejection::kUnfinished);
  }
}

TEST(TrackerCount, ClosesWithinAFifthOfTheRangeOnceSixtyPercentHaveComeBack) {
  struct Case {
    double top_m, back_m;
    bool closes;
  };
  for (const Case& c : {Case{0.40, 0.081, false}, Case{0.40, 0.079, true}, Case{0.12, 0.049, false},
                        Case{0.12, 0.047, true}}) {
    TrackerRig rig(0.4);
    rig.stay(300);
    rig.walk(c.top_m, 0.2);
    rig.stay(300);
    rig.walk(c.back_m, 0.2);
    rig.stay(2000);
    EXPECT_EQ(rig.reps.size(), c.closes ? 1u : 0u) << c.top_m << " " << c.back_m;
  }
  for (const double back_m : {0.049, 0.051}) {  // of a rise of 0.25 that stands in for the range
    TrackerRig rig(0.0);
    rig.stay(300);
    rig.walk(0.25, 0.2);
    rig.stay(300);
    rig.walk(back_m, 0.2);
    rig.stay(2000);
    EXPECT_EQ(rig.reps.size(), back_m < 0.05 ? 1u : 0u) << back_m;
  }
}

TEST(TrackerCount, WhoStillSinksHasNotComeBackYet) {
  for (const double sinking_mps : {0.0199, 0.0201}) {
    TrackerRig rig(0.4);
    rig.stay(300);
    rig.walk(0.4, 0.2);
    rig.stay(300);
    rig.walk(0.05, 0.2);
    rig.stay(500, -sinking_mps);
    EXPECT_EQ(rig.reps.size(), sinking_mps < 0.02 ? 1u : 0u) << sinking_mps;
  }
}

TEST(TrackerCount, HundredMissingSamplesAreBorneAndOneMoreIsNot) {
  for (const int missing : {100, 101}) {
    TrackerRig rig(0.4);
    rig.stay(300);
    rig.walk(0.4, 0.2);
    rig.stay(50);
    rig.tick += static_cast<std::uint64_t>(missing);
    rig.stay(300);
    rig.walk(0.0, 0.2);
    rig.stay(300);
    ASSERT_FALSE(rig.reps.empty());
    EXPECT_EQ(rig.reps[0].rejection, missing > 100 ? RepRejection::kLinkLost : RepRejection::kNone);
    if (missing > 100) {
      EXPECT_EQ(rig.reps[0].end_tick, rig.closed_at[0] - 102) << "ends with the last sample";
    }
  }
}

TEST(TrackerCount, ALateFirstSampleIsNoGap) {
  TrackerRig rig(0.4);
  rig.tick = 5000;
  rig.stay(300);
  rig.rep(0.4);
  EXPECT_EQ(rig.tracker.reps_counted(), 1u);
}

TEST(TrackerCount, AfterAPauseTheBottomIsWhereTheAxisStands) {
  TrackerRig rig(0.4);
  rig.stay(300);
  rig.rep(0.4);
  rig.counting = false;
  rig.walk(0.15, 0.2);
  rig.stay(300);
  rig.counting = true;
  rig.stay(1);
  EXPECT_EQ(rig.out.phase, Phase::kRest);
  EXPECT_NEAR(rig.tracker.bottom_position(), 0.15, 1e-9);
  rig.stay(300);
  rig.rep(0.55, 0.2, 0.15);
  ASSERT_EQ(rig.reps.size(), 2u);
  EXPECT_NEAR(rig.reps[1].bottom_position, 0.15, 1e-9);
  EXPECT_EQ(rig.reps[1].kind, RepKind::kFull);
}

TEST(TrackerCount, TheEndOfASetIsToldByTheNextSetToo) {
  for (const double back_m : {0.079, 0.081}) {
    TrackerRig rig(0.4);
    rig.stay(300);
    rig.walk(0.4, 0.2);
    rig.stay(300);
    rig.walk(back_m, 0.2);
    rig.stay(56, -0.2);  // still on its way
    ASSERT_TRUE(rig.reps.empty());
    const std::uint64_t last = rig.tick - 1;
    rig.tracker.end_set();
    rig.tracker.start_set({}, 0.3);
    rig.stay(1);
    ASSERT_EQ(rig.reps.size(), 1u);
    const bool counts = back_m < 0.08;
    EXPECT_EQ(rig.reps[0].rejection, counts ? RepRejection::kNone : RepRejection::kUnfinished);
    EXPECT_EQ(rig.reps[0].index, counts ? 1u : 0u);
    if (!counts) {
      EXPECT_EQ(rig.reps[0].end_tick, last);
    }
    EXPECT_EQ(rig.tracker.reps_counted(), 0u) << "the new set has none";
    EXPECT_EQ(rig.tracker.range_reference(), 0.3);
    rig.stay(300);
    EXPECT_EQ(rig.reps.size(), 1u) << "told once";
  }
}

TEST(TrackerCount, ARiseIsValidatedOnceAtSeventyPercentOfTheRange) {
  TrackerRig rig(0.4);
  rig.stay(300);
  rig.walk(0.279, 0.2);
  rig.stay(300);
  EXPECT_TRUE(rig.validated_at.empty());
  rig.walk(0.281, 0.2);
  rig.stay(300);
  EXPECT_EQ(rig.validated_at.size(), 1u);
  rig.walk(0.4, 0.2);
  rig.stay(300);
  rig.walk(0.0, 0.2);
  rig.stay(300);
  EXPECT_EQ(rig.validated_at.size(), 1u);
  rig.rep(0.4);
  EXPECT_EQ(rig.validated_at.size(), 2u);
}

TEST(TrackerCount, WithoutARangeItIsValidatedOnTurningBackFromATenthOfAMetre) {
  for (const double rise_m : {0.099, 0.101}) {
    TrackerRig rig(0.0);
    rig.stay(300);
    rig.walk(rise_m, 0.2);
    rig.stay(300);
    EXPECT_TRUE(rig.validated_at.empty());
    rig.walk(0.0, 0.2);
    rig.stay(300);
    ASSERT_EQ(rig.validated_at.size(), rise_m > 0.1 ? 1u : 0u) << rise_m;
    if (rise_m > 0.1) {
      EXPECT_EQ(rig.validated_at[0], rig.turned_at[1]);
    }
  }
}

}  // namespace
}  // namespace medius::measure
