// After a pause, lost samples or the end of a set everything begins anew: what came before must not
// be seen in what comes after.
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/measure/tracker_rig.hpp"

namespace medius::measure {
namespace {

using test::TrackerRig;

// States to be interrupted in; none of them has closed a repetition.
enum class Before { kMoving, kPeak, kReturning, kSlack, kStanding, kLifting, kSlackening };

void bring_to(TrackerRig& rig, Before before) {
  rig.stay(530);
  switch (before) {
    case Before::kMoving:
      rig.walk(0.3, 0.2);
      break;
    case Before::kPeak:
      rig.walk(0.4, 0.2);
      rig.stay(217);
      break;
    case Before::kReturning:
      rig.walk(0.4, 0.2);
      rig.stay(200);
      rig.walk(0.25, 0.2);
      break;
    case Before::kSlack:
      rig.walk(0.3, 0.2);
      rig.force_n = 0.0;
      rig.stay(150);
      break;
    case Before::kStanding:
      rig.stay(40);
      break;
    case Before::kLifting:
      rig.walk(0.05, 0.2);
      rig.stay(500);
      rig.walk(0.058, 0.1);
      break;
    case Before::kSlackening:
      rig.force_n = 0.0;
      rig.stay(119);
      break;
  }
}

struct Spoken {
  std::vector<Phase> phases;
  std::vector<bool> turned, validated;
  std::vector<RepBoundary> reps;
};

// A stance, a repetition at this speed, a shift of the stance, another repetition.
Spoken after(TrackerRig& rig, double mps) {
  Spoken spoken;
  const std::size_t earlier = rig.reps.size();
  const std::uint64_t begins = rig.tick;
  const auto feed = [&](double position_m, double velocity_mps) {
    rig.feed(position_m, velocity_mps);
    spoken.phases.push_back(rig.out.phase);
    spoken.turned.push_back(rig.out.direction_changed);
    spoken.validated.push_back(rig.out.concentric_validated);
  };
  const auto move = [&](double to_m, double speed_mps) {
    const double from_m = rig.here_m;
    const int ticks = static_cast<int>(std::lround(1000.0 * std::fabs(to_m - from_m) / speed_mps));
    for (int i = 1; i <= ticks; ++i) {
      feed(from_m + (to_m - from_m) * i / ticks, std::copysign(speed_mps, to_m - from_m));
    }
  };
  const auto stay = [&](int ticks) {
    for (int i = 0; i < ticks; ++i) feed(rig.here_m, 0.0);
  };
  rig.force_n = 60.0;
  feed(1.0, 0.0);
  stay(20);
  move(1.4, mps);
  stay(700);
  move(1.0, mps);
  stay(900);
  move(1.01, 0.2);
  stay(700);
  move(1.41, 0.2);
  move(1.01, 0.2);
  stay(300);
  for (std::size_t i = earlier; i < rig.reps.size(); ++i) {
    RepBoundary rep = rig.reps[i];
    if (rep.rejection != RepRejection::kNone) continue;  // what was given up, told late
    rep.start_tick -= begins;
    rep.peak_start_tick -= begins;
    rep.peak_end_tick -= begins;
    rep.end_tick -= begins;
    spoken.reps.push_back(rep);
  }
  return spoken;
}

void expect_same(const Spoken& a, const Spoken& b) {
  EXPECT_EQ(a.phases, b.phases);
  EXPECT_EQ(a.turned, b.turned);
  EXPECT_EQ(a.validated, b.validated);
  ASSERT_EQ(a.reps.size(), b.reps.size());
  for (std::size_t i = 0; i < a.reps.size(); ++i) {
    EXPECT_EQ(a.reps[i].kind, b.reps[i].kind);
    EXPECT_EQ(a.reps[i].index, b.reps[i].index);
    EXPECT_EQ(a.reps[i].start_tick, b.reps[i].start_tick);
    EXPECT_EQ(a.reps[i].peak_start_tick, b.reps[i].peak_start_tick);
    EXPECT_EQ(a.reps[i].peak_end_tick, b.reps[i].peak_end_tick);
    EXPECT_EQ(a.reps[i].end_tick, b.reps[i].end_tick);
    EXPECT_EQ(a.reps[i].bottom_position, b.reps[i].bottom_position);
    EXPECT_EQ(a.reps[i].peak_position, b.reps[i].peak_position);
    EXPECT_EQ(a.reps[i].end_position, b.reps[i].end_position);
  }
}

class TrackerRestart : public ::testing::TestWithParam<Before> {};

TEST_P(TrackerRestart, APauseLostSamplesOrANewSetLeaveNothingBehind) {
  for (const double mps : {0.25, 0.015}) {
    TrackerRig fresh(0.4);
    const Spoken truth = after(fresh, mps);
    ASSERT_EQ(truth.reps.size(), 2u);

    TrackerRig paused(0.4);
    bring_to(paused, GetParam());
    paused.counting = false;
    paused.feed(0.7, 0.1);
    paused.counting = true;
    expect_same(after(paused, mps), truth);

    TrackerRig lost(0.4);
    bring_to(lost, GetParam());
    lost.tick += 500;
    expect_same(after(lost, mps), truth);

    TrackerRig next_set(0.4);
    bring_to(next_set, GetParam());
    next_set.tracker.end_set();
    next_set.tracker.start_set({}, 0.4);
    expect_same(after(next_set, mps), truth);
  }
}

INSTANTIATE_TEST_SUITE_P(FromEveryState, TrackerRestart,
                         ::testing::Values(Before::kMoving, Before::kPeak, Before::kReturning,
                                           Before::kSlack, Before::kStanding, Before::kLifting,
                                           Before::kSlackening));

TEST(TrackerPause, TheBottomIsThePositionOfTheFirstSampleThatCounts) {
  TrackerRig rig(0.4);
  rig.stay(200);
  rig.counting = false;
  rig.feed(0.1, 0.0);
  rig.counting = true;
  rig.feed(0.15, 0.0);
  EXPECT_EQ(rig.tracker.bottom_position(), 0.15);
}

// The mean needs its 111 samples: whoever moves already begins with the first of them.
TEST(TrackerBegin, AMovementUnderWayBeginsWithTheFirstMean) {
  TrackerRig rig(0.4);
  rig.walk(0.4, 0.25);
  rig.stay(300);
  rig.walk(0.0, 0.25);
  rig.stay(300);
  ASSERT_EQ(rig.reps.size(), 1u);
  EXPECT_EQ(rig.reps[0].start_tick, 55u);
}

TEST(TrackerBegin, TensionThatIsMissingFromTheStartIsSlackAfterHundredTwentyTicks) {
  TrackerRig rig(0.4);
  rig.force_n = 0.0;
  EXPECT_EQ(rig.until(Phase::kSlack, 1000), 120);
  TrackerRig paused(0.4);
  paused.force_n = 0.0;
  paused.stay(119);
  paused.counting = false;
  paused.stay(1);
  paused.counting = true;
  EXPECT_EQ(paused.until(Phase::kSlack, 1000), 120);
}

TEST(TrackerBegin, AStanceIsFoundSixHundredMeansAfterTheFirst) {
  for (const int stood_before : {0, 550}) {
    TrackerRig rig(0.4);
    rig.stay(stood_before);
    rig.counting = false;
    rig.stay(1);
    rig.counting = true;
    const std::uint64_t begins = rig.tick;
    rig.stay(20);
    rig.walk(0.002, 0.2);
    while (rig.tracker.bottom_position() < 0.002) rig.stay(1);
    EXPECT_EQ(rig.tick - begins, 110u + 600u) << stood_before;
  }
}

TEST(TrackerEnd, AfterItNothingIsCounted) {
  TrackerRig rig(0.4);
  rig.stay(300);
  rig.walk(0.3, 0.2);
  rig.stay(100);
  EXPECT_GT(rig.tracker.rise(), 0.0);
  rig.tracker.end_set();
  EXPECT_EQ(rig.tracker.rise(), 0.0);
  rig.stay(1);
  EXPECT_EQ(rig.reps.size(), 1u);
  rig.stay(300);
  rig.rep(0.7);
  EXPECT_EQ(rig.reps.size(), 1u);
  EXPECT_EQ(rig.out.phase, Phase::kRest);
}

TEST(TrackerEnd, ASetThatEndsAsItBeginsKeepsWhatTheOneBeforeHasToTell) {
  TrackerRig rig(0.4);
  rig.stay(300);
  rig.walk(0.3, 0.2);
  rig.stay(100);
  rig.tracker.end_set();
  rig.tracker.start_set({}, 0.4);
  rig.tracker.end_set();
  rig.stay(1);
  ASSERT_EQ(rig.reps.size(), 1u);
  EXPECT_EQ(rig.reps[0].rejection, RepRejection::kUnfinished);
}

TEST(TrackerEnd, OnTheWayUpAgainAfterADipItEndsAtThePeak) {
  TrackerRig rig(0.4);
  rig.stay(300);
  rig.walk(0.4, 0.2);
  rig.stay(200);
  rig.walk(0.3, 0.2);
  rig.walk(0.45, 0.2);
  rig.stay(200);
  rig.tracker.end_set();
  rig.stay(1);
  ASSERT_EQ(rig.reps.size(), 1u);
  EXPECT_NEAR(rig.reps[0].end_position, 0.45, 1e-12);
}

TEST(TrackerSkips, ASampleThatIsNotANumberAsIfItHadNotCome) {
  const double bad = std::numeric_limits<double>::quiet_NaN();
  for (const bool velocity : {false, true}) {
    TrackerRig without(0.4), with(0.4);
    for (int round = 0; round < 3; ++round) {
      for (TrackerRig* rig : {&without, &with}) {
        rig->stay(150);
        rig->walk(0.39, 0.2);
        const Phase phase = rig->out.phase;
        const double here_m = rig->here_m;
        if (rig == &with) {
          rig->feed(velocity ? here_m : bad, velocity ? bad : 0.2);
          EXPECT_EQ(rig->out.phase, phase);
          EXPECT_EQ(phase, Phase::kConcentric);
          EXPECT_FALSE(rig->out.phase_changed);
        } else {
          ++rig->tick;
        }
        rig->here_m = here_m;
        rig->walk(0.4, 0.2);
        rig->stay(150);
        rig->walk(0.0, 0.2);
        rig->stay(150);
      }
    }
    ASSERT_EQ(with.reps.size(), 3u);
    ASSERT_EQ(without.reps.size(), 3u);
    EXPECT_EQ(with.closed_at, without.closed_at);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(with.reps[i].start_tick, without.reps[i].start_tick);
      EXPECT_EQ(with.reps[i].peak_start_tick, without.reps[i].peak_start_tick);
      EXPECT_EQ(with.reps[i].end_tick, without.reps[i].end_tick);
    }
  }
}

// A quick jerk of a few millimetres on the way back is no turn: what it adds validates nothing.
TEST(TrackerValidation, AJerkOnTheWayBackValidatesNothing) {
  TrackerRig rig(0.0);
  rig.stay(300);
  rig.walk(0.0995, 0.1);
  rig.stay(200);
  rig.walk(0.0865, 0.1);
  ASSERT_EQ(rig.turned_at.size(), 2u);
  rig.walk(0.1015, 0.5);
  rig.walk(0.0, 0.2);
  rig.stay(300);
  EXPECT_EQ(rig.turned_at.size(), 2u);
  EXPECT_TRUE(rig.validated_at.empty());
}

// Between repetitions and once outward, the way back is a turn after 6 mm and not after the share
// of the range that settling is given.
TEST(TrackerDirection, ALegThatWasLiftedBelowAStepTurnsBackAfterTheReversal) {
  TrackerRig rig(0.5);
  rig.stay(200);
  rig.walk(0.07, 0.1);
  rig.stay(200);
  ASSERT_EQ(rig.turned_at.size(), 1u);
  EXPECT_EQ(rig.tracker.rise(), 0.0);
  const std::uint64_t down = rig.tick;
  rig.walk(0.05, 0.1);
  ASSERT_EQ(rig.turned_at.size(), 2u);
  EXPECT_NEAR(static_cast<double>(rig.turned_at[1] - down), 60 + 60, 1);
}

// A small step right after the close: the stance is found 600 ticks after the close, not earlier.
TEST(TrackerStance, IsCountedFromTheCloseOfTheRepetition) {
  TrackerRig rig(0.4);
  rig.stay(300);
  rig.walk(0.4, 0.2);
  rig.stay(300);
  rig.walk(0.0, 0.2);
  while (rig.reps.empty()) rig.stay(1);
  const std::uint64_t closed = rig.tick - 1;
  rig.walk(0.002, 0.2);
  while (rig.tracker.bottom_position() < 0.002) rig.stay(1);
  EXPECT_EQ(rig.tick - 1 - closed, 600u);
}

}  // namespace
}  // namespace medius::measure
