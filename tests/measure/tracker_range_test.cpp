// What a rise is worth, and how the range is found and follows.
#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "tests/measure/tracker_rig.hpp"

namespace medius::measure {
namespace {

using test::TrackerRig;

TEST(ClassifyRise, IsFullFromSeventyPercentAndPartialFromAQuarterOfTheRange) {
  struct Case {
    double rise_m, range_m;
    RepKind kind;
  };
  for (const Case& c :
       {Case{0.7 * 0.4, 0.4, RepKind::kFull}, Case{0.279, 0.4, RepKind::kPartial},
        Case{0.25 * 0.4, 0.4, RepKind::kPartial}, Case{0.0999, 0.4, RepKind::kRejected},
        // Twice the sway of a standing person, 15 mm, is the least.
        Case{0.0149, 0.05, RepKind::kRejected}, Case{0.0151, 0.05, RepKind::kPartial},
        Case{0.015, 0.06, RepKind::kPartial}, Case{0.0149, 0.06, RepKind::kRejected},
        // The floor, while the range is not known.
        Case{0.03, 0.0, RepKind::kFull}, Case{0.0299, 0.0, RepKind::kRejected},
        Case{0.5, -1.0, RepKind::kFull}}) {
    EXPECT_EQ(classify_rise({}, c.rise_m, c.range_m), c.kind) << c.rise_m << " of " << c.range_m;
  }
}

TEST(TrackerRange, IsKnownWithTheThirdFullRepetition) {
  TrackerRig rig(0.0);
  rig.stay(300);
  for (const double top_m : {0.40, 0.20, 0.38, 0.42}) {
    EXPECT_EQ(rig.tracker.range_reference(), 0.0);
    rig.rep(top_m);
  }
  EXPECT_NEAR(rig.tracker.range_reference(), 0.42, 1e-9) << "the longest";
  EXPECT_EQ(rig.tracker.reps_counted(), 3u);
  EXPECT_EQ(rig.tracker.reps_partial(), 1u);
  std::vector<bool> provisional;
  for (const RepBoundary& rep : rig.reps) provisional.push_back(rep.provisional);
  EXPECT_EQ(provisional, (std::vector<bool>{true, true, true, false}));
  EXPECT_EQ(rig.reps[1].kind, RepKind::kPartial);
  EXPECT_EQ(rig.reps[3].index, 4u);
}

// Each is half as long again as the one before: never two of them are full together.
TEST(TrackerRange, IsTheLongestOfEightWhenThreeFullOnesDoNotCome) {
  TrackerRig rig(0.0);
  rig.stay(300);
  double rise_m = 0.05;
  for (int i = 1; i <= 8; ++i, rise_m *= 1.5) {
    EXPECT_EQ(rig.tracker.range_reference(), 0.0) << i;
    rig.rep(rise_m, 0.5);
    ASSERT_EQ(rig.reps.size(), static_cast<std::size_t>(i));
    EXPECT_EQ(rig.reps.back().kind, RepKind::kFull);
    EXPECT_EQ(rig.tracker.reps_counted(), 1u) << "earlier ones become partial";
    EXPECT_EQ(rig.tracker.reps_partial(), static_cast<std::uint32_t>(std::min(i - 1, 3)));
  }
  EXPECT_NEAR(rig.tracker.range_reference(), rise_m / 1.5, 1e-9);
  EXPECT_FALSE(rig.reps.back().provisional);
}

TEST(TrackerRange, ATooShortRepetitionIsOneOfTheEightAndNotCounted) {
  TrackerRig rig(0.0);
  rig.stay(300);
  rig.rep(0.4);
  rig.rep(0.08);
  ASSERT_EQ(rig.reps.size(), 2u);
  EXPECT_EQ(rig.reps[1].kind, RepKind::kRejected);
  EXPECT_EQ(rig.reps[1].rejection, RepRejection::kTooShort);
  EXPECT_EQ(rig.reps[1].index, 0u);
  EXPECT_EQ(rig.tracker.reps_counted(), 1u);
  EXPECT_EQ(rig.tracker.reps_partial(), 0u);
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2.0;
}

TEST(TrackerRange, MovesByAFifthTowardsTheMedianOfTheLastFiveFullOnes) {
  TrackerRig rig(0.4);
  rig.stay(300);
  double range_m = 0.4;
  std::vector<double> full;
  for (const double top_m : {0.44, 0.36, 0.20, 0.42, 0.33, 0.47, 0.39, 0.31, 0.45, 0.05, 0.35}) {
    rig.rep(top_m);
    if (top_m >= 0.7 * range_m) {
      full.push_back(top_m);
      if (full.size() > 5) full.erase(full.begin());
      range_m += 0.2 * (median_of(full) - range_m);
    }
    EXPECT_NEAR(rig.tracker.range_reference(), range_m, 1e-9) << top_m;
  }
  EXPECT_EQ(rig.tracker.reps_counted(), 9u);
  EXPECT_EQ(rig.tracker.reps_partial(), 1u);
}

TEST(TrackerRange, NeverFallsBelowThreeQuartersOfWhereItBegan) {
  TrackerRig rig(0.4);
  rig.stay(300);
  for (int i = 0; i < 12; ++i) rig.rep(0.281);
  EXPECT_EQ(rig.tracker.reps_counted(), 12u);
  EXPECT_DOUBLE_EQ(rig.tracker.range_reference(), 0.3);
}

TEST(TrackerRange, FoundByRepetitionsItHasTheSameFloor) {
  TrackerRig rig(0.0);
  rig.stay(300);
  for (int i = 0; i < 3; ++i) rig.rep(0.4);
  for (int i = 0; i < 12; ++i) rig.rep(0.281);
  EXPECT_NEAR(rig.tracker.range_reference(), 0.3, 1e-12);
}

TEST(TrackerRange, OfAnInfiniteOrNegativeReferenceIsNotKnown) {
  for (const double range_m : {-0.4, std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(TrackerRig(range_m).tracker.range_reference(), 0.0);
  }
}

}  // namespace
}  // namespace medius::measure
