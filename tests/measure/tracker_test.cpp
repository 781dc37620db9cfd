// The tracker on scripted movements: every count is exact, every boundary has its truth.
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/measure/trace.hpp"

namespace medius::measure {
namespace {

using test::Disturbance;
using test::Point;
using test::Result;
using test::Trace;
using test::track;

// A minimum-jerk stroke starts with v = c t^2: its mean over the tracker's window w crosses
// w^2 / (24 t) before it does, 4.5 ms for 0.4 m in 2 s, and a tick for rounding.
constexpr double kMeanShiftMs = 5.0;

Trace reps(int count, double range_m = 0.40, double bottom_s = 0.4) {
  Trace trace;
  trace.hold(1.0);
  for (int i = 0; i < count; ++i) trace.rep(range_m, 2.0, 1.0, 3.0, bottom_s);
  trace.hold(0.5);
  return trace;
}

double milliseconds(std::uint64_t measured, std::uint64_t truth) {
  return std::fabs(static_cast<double>(measured) - static_cast<double>(truth));
}

void expect_close(const Trace& trace, const Result& result, double time_ms, double range_m) {
  ASSERT_EQ(result.reps.size(), trace.reps.size());
  for (std::size_t i = 0; i < trace.reps.size(); ++i) {
    const auto& rep = result.reps[i];
    const auto& truth = trace.reps[i];
    EXPECT_EQ(rep.index, i + 1);
    EXPECT_LE(milliseconds(rep.start_tick, truth.start_tick), time_ms) << i;
    EXPECT_LE(milliseconds(rep.peak_start_tick, truth.peak_start_tick), time_ms) << i;
    EXPECT_LE(milliseconds(rep.peak_end_tick, truth.peak_end_tick), time_ms) << i;
    EXPECT_LE(milliseconds(rep.end_tick, truth.end_tick), time_ms) << i;
    EXPECT_NEAR(rep.peak_position - rep.bottom_position, truth.range_m, range_m) << i;
  }
}

TEST(Tracker, TwelveRepetitionsAreTwelveAndTwentyFourChangesWithBoundariesOnTheCrossings) {
  const Trace trace = reps(12);
  const Result result = track(trace.points, 0.40);
  EXPECT_EQ(result.tracker.reps_counted(), 12u);
  EXPECT_EQ(result.tracker.reps_partial(), 0u);
  EXPECT_EQ(result.tracker.direction_changes(), 24u);
  EXPECT_EQ(result.validated, 12);
  expect_close(trace, result, kMeanShiftMs, 1e-4);
}

TEST(Tracker, KeepsTimesWithinTwentyMillisecondsAndRangeWithinThreeMillimetresUnderNoise) {
  struct Tempo {
    double up_s, tremor_fraction;
  };
  // At 4-1-6 a tremor of 1 % is itself a fifth of the crossing speed; there only the estimate is
  // noisy.
  for (const auto& [up_s, tremor] : {Tempo{1.0, 0.01}, Tempo{2.0, 0.01}, Tempo{4.0, 0.0}}) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      Random random(seed);
      Trace trace;
      trace.hold(1.0);
      for (int i = 0; i < 12; ++i) trace.rep(0.40, up_s, 1.0, 1.5 * up_s, 0.4);
      trace.hold(0.5);
      test::disturb(trace.points, {0.0, tremor, 0.002, 2e-5}, random);
      const Result result = track(trace.points, 0.40);
      EXPECT_EQ(result.tracker.direction_changes(), 24u);
      expect_close(trace, result, 20.0, 0.003);
    }
  }
}

TEST(Tracker, SpeaksThePhasesOfARepetitionInOrder) {
  Trace trace = reps(1);
  trace.hold(1.0);
  const Result result = track(trace.points, 0.40, {}, true);
  std::vector<Phase> phases = {result.outputs.front().phase};
  for (const auto& output : result.outputs) {
    if (output.phase_changed) phases.push_back(output.phase);
    if (output.phase_changed) {
      EXPECT_EQ(output.phase, phases.back());
    } else {
      EXPECT_EQ(output.phase, phases.back());
    }
  }
  EXPECT_EQ(phases, (std::vector<Phase>{Phase::kRest, Phase::kConcentric, Phase::kHold,
                                        Phase::kEccentric, Phase::kBottom, Phase::kRest}));
}

// Negative control: what the latch is for.
TEST(Tracker, SwitchingOnTheSignOfTheVelocityWouldGiveFarMoreThanTwentyFourChanges) {
  Random random(1);
  Trace trace = reps(12);
  test::disturb(trace.points, {0.0, 0.04, 0.001, 2e-5}, random);
  int changes = 0;
  bool outward = false;
  for (const Point& point : trace.points) {
    if ((point.velocity_mps > 0.0) != outward) {
      outward = !outward;
      ++changes;
    }
  }
  EXPECT_GT(changes, 90);
  EXPECT_EQ(track(trace.points, 0.40).tracker.direction_changes(), 24u);
}

// A hip hike is short; the floors are configuration. The 20 mm latch is the negative control.
TEST(Tracker, CountsAShortRangeThatATwentyMillimetreLatchLoses) {
  TrackerConfig config;
  config.rise_floor = 0.012;
  config.zigzag_floor = 0.006;
  Trace trace;
  trace.hold(1.0);
  for (int i = 0; i < 12; ++i) trace.rep(0.018, 0.8, 0.5, 0.8, 0.4);
  trace.hold(0.5);
  const Result result = track(trace.points, 0.018, config);
  EXPECT_EQ(result.tracker.reps_counted(), 12u);
  EXPECT_EQ(result.tracker.direction_changes(), 24u);
  config.reversal = 0.020;
  EXPECT_LT(track(trace.points, 0.018, config).tracker.direction_changes(), 24u);
}

TEST(Tracker, CountsARepetitionThatIsSlowerThanTheLatch) {
  Trace trace;
  trace.hold(1.0);
  for (int i = 0; i < 3; ++i) trace.rep(0.40, 26.0, 1.0, 26.0, 0.5);  // at most 0.029 m/s
  trace.hold(0.5);
  const Result result = track(trace.points, 0.40);
  EXPECT_EQ(result.tracker.reps_counted(), 3u);
  EXPECT_EQ(result.tracker.direction_changes(), 6u);
}

TEST(Tracker, CountsFromTheFirstAndCallsItProvisionalUntilTheThird) {
  const Trace trace = reps(5);
  Tracker tracker;
  tracker.start_set({}, 0.0);
  std::vector<RepBoundary> closed;
  std::vector<double> range_then;
  std::uint64_t tick = 0;
  for (const Point& point : trace.points) {
    const auto output =
        tracker.update({tick++, point.position_m, point.velocity_mps, 60.0, 60.0, true});
    if (!output.rep_closed) continue;
    closed.push_back(output.rep);
    range_then.push_back(tracker.range_reference());
    EXPECT_EQ(tracker.reps_counted(), closed.size());
  }
  ASSERT_EQ(closed.size(), 5u);
  EXPECT_TRUE(closed[0].provisional);
  EXPECT_TRUE(closed[1].provisional);
  EXPECT_FALSE(closed[2].provisional);
  EXPECT_EQ(range_then[0], 0.0);
  EXPECT_EQ(range_then[1], 0.0);
  EXPECT_NEAR(range_then[2], 0.40, 1e-3);
  for (const RepBoundary& rep : closed) EXPECT_EQ(rep.kind, RepKind::kFull);
}

TEST(Tracker, WithAKnownRangeNothingIsProvisional) {
  const Result result = track(reps(2).points, 0.40);
  for (const RepBoundary& rep : result.reps) EXPECT_FALSE(rep.provisional);
}

TEST(Tracker, JudgesEarlierRepetitionsAnewWhenALongerOneShowsTheRange) {
  Trace trace;
  trace.hold(1.0);
  trace.rep(0.05, 0.8, 0.2, 0.8, 0.5);  // a tug: 12 % of what comes
  trace.rep(0.18, 1.5, 0.5, 2.0, 0.5);  // a partial: 45 %
  for (int i = 0; i < 4; ++i) trace.rep(0.40, 2.0, 1.0, 3.0, 0.4);
  const Result result = track(trace.points, 0.0);
  EXPECT_EQ(result.tracker.reps_counted(), 4u);
  EXPECT_EQ(result.tracker.reps_partial(), 1u);
  EXPECT_NEAR(result.tracker.range_reference(), 0.40, 1e-3);
}

TEST(Tracker, TellsFullPartialAndTooShort) {
  Trace trace;
  trace.hold(1.0);
  for (const double part : {1.0, 0.72, 0.68, 0.40, 0.27, 0.22, 1.0}) {
    trace.rep(0.40 * part, 2.0, 0.5, 2.0, 0.5);
  }
  const Result result = track(trace.points, 0.40);
  std::vector<RepKind> kinds;
  for (const RepBoundary& rep : result.reps) kinds.push_back(rep.kind);
  EXPECT_EQ(kinds, (std::vector<RepKind>{RepKind::kFull, RepKind::kFull, RepKind::kPartial,
                                         RepKind::kPartial, RepKind::kPartial, RepKind::kRejected,
                                         RepKind::kFull}));
  EXPECT_EQ(result.reps[5].rejection, RepRejection::kTooShort);
  EXPECT_EQ(result.reps[5].index, 0u);
  EXPECT_EQ(result.reps[6].index, 6u);
  // Only what rose through 70 % refills the energy tank.
  EXPECT_EQ(result.validated, 3);
}

TEST(Tracker, TakeUpLoadRampAndSwayAreNoRepetitions) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const double range_m : {0.0, 0.40}) {
      Random random(seed);
      Trace trace;
      trace.hold(2.0);
      trace.move_to(-0.008, 1.5);  // the load comes in and takes the leg along
      trace.move_to(-0.001, 1.0);
      trace.hold(6.0);
      test::disturb(trace.points, {0.004, 0.01, 0.001, 2e-5}, random);
      const Result result = track(trace.points, range_m);
      EXPECT_TRUE(result.reps.empty());
      EXPECT_EQ(result.tracker.reps_counted(), 0u);
      EXPECT_EQ(result.tracker.direction_changes(), 0u);
    }
  }
}

TEST(Tracker, PausesBouncesAndPulsesBelongToTheirRepetition) {
  Trace trace;
  trace.hold(1.0);
  trace.move_to(0.15, 1.0);  // a pause on the way up
  trace.hold(1.5);
  trace.move_to(0.40, 1.0);
  trace.hold(0.5);
  trace.move_to(0.26, 0.6);  // a pulse at the top
  trace.move_to(0.40, 0.6);
  trace.move_to(0.20, 1.0);  // a pause on the way down
  trace.hold(1.5);
  trace.move_to(0.00, 1.0);
  trace.hold(0.3);
  trace.move_to(0.048, 0.15);  // bounces at the bottom
  trace.move_to(0.00, 0.15);
  trace.move_to(0.024, 0.15);
  trace.move_to(0.00, 0.15);
  trace.hold(0.5);
  trace.rep(0.40, 2.0, 1.0, 3.0, 0.5);
  for (const double range_m : {0.40, 0.0}) {
    const Result result = track(trace.points, range_m);
    EXPECT_EQ(result.tracker.reps_counted(), 2u) << range_m;
    EXPECT_EQ(result.tracker.reps_partial(), 0u) << range_m;
    EXPECT_NEAR(result.reps.front().peak_position - result.reps.front().bottom_position, 0.40,
                1e-3);
  }
}

// Tired on the way back, somebody stops between half and 60 % of it, bounces and goes on down.
TEST(Tracker, AStopOnTheWayBackEndsNoRepetitionBeforeSixtyPercentOfIt) {
  const auto counted = [](double dip_m, double again_m, bool down) {
    Trace trace;
    trace.hold(1.0);
    for (int i = 0; i < 3; ++i) trace.rep(0.40, 1.5, 0.5, 2.0, 0.5);
    trace.move_to(0.40, 1.5);
    trace.hold(0.5);
    trace.move_to(0.40 - dip_m, 0.8);
    trace.move_to(0.40 - dip_m + again_m, 0.5);
    if (down) trace.move_to(0.0, 0.8);
    trace.hold(1.0);
    return track(trace.points, 0.40).tracker.reps_counted();
  };
  for (const double dip_m : {0.18, 0.21, 0.23, 0.25}) {
    const auto on_the_way = counted(dip_m, 0.08, false);
    EXPECT_EQ(on_the_way, dip_m > 0.24 ? 4u : 3u) << dip_m;
    EXPECT_EQ(counted(dip_m, 0.08, true), 4u) << dip_m;
  }
}

// Out again for more than a quarter of the range is the next repetition; the one before came back
// too little.
TEST(Tracker, WhoComesBackByLessThanSixtyPercentAndGoesOutAgainHasFinishedNone) {
  for (const double dip_m : {0.23, 0.25}) {
    Trace trace;
    trace.hold(1.0);
    trace.rep(0.40, 1.5, 0.5, 2.0, 0.5);
    trace.move_to(0.40, 1.5);
    trace.move_to(0.40 - dip_m, 1.0);
    trace.move_to(0.40, 1.0);
    trace.move_to(0.0, 2.0);
    trace.hold(1.0);
    const Result result = track(trace.points, 0.40);
    const bool back = dip_m > 0.24;
    EXPECT_EQ(result.tracker.reps_counted(), back ? 2u : 1u) << dip_m;
    EXPECT_EQ(result.tracker.reps_partial(), 1u) << dip_m;
    ASSERT_EQ(result.reps.size(), 3u) << dip_m;
    EXPECT_EQ(result.reps[1].rejection, back ? RepRejection::kNone : RepRejection::kUnfinished);
  }
}

// While the range is not known each repetition earns its own excess; one before it earns it none.
TEST(Tracker, AShortWayEarnsNoExcessWhateverWasLiftedBeforeUntilTheRangeIsKnown) {
  for (const double range_m : {0.0, 0.40}) {
    Trace trace;
    trace.hold(1.0);
    trace.rep(0.11, 1.0, 0.3, 1.0, 0.5);
    Tracker tracker;
    tracker.start_set({}, range_m);
    std::uint64_t tick = 0;
    int earned = 0, unearned = 0;
    const auto run = [&](std::size_t from) {
      earned = unearned = 0;
      for (std::size_t i = from; i < trace.points.size(); ++i) {
        const Point& point = trace.points[i];
        const auto out =
            tracker.update({++tick, point.position_m, point.velocity_mps, 80.0, 80.0, true});
        if (out.phase == Phase::kEccentric) ++(tracker.excess_earned() ? earned : unearned);
      }
    };
    run(0);
    EXPECT_GT(earned, 500) << range_m;
    EXPECT_EQ(unearned, 0) << range_m;
    const std::size_t from = trace.points.size();
    trace.rep(0.08, 1.0, 0.3, 1.0, 0.5);
    run(from);
    EXPECT_GT(range_m > 0.0 ? earned : unearned, 500) << range_m;
    EXPECT_EQ(range_m > 0.0 ? unearned : earned, 0) << range_m;
  }
}

TEST(Tracker, APauseIsAHoldOnlyAtThePeak) {
  Trace trace;
  trace.hold(1.0);
  trace.move_to(0.12, 1.0);
  const std::size_t low_pause = trace.points.size() + 900;
  trace.hold(1.0);
  trace.move_to(0.40, 1.5);
  const std::size_t peak = trace.points.size() + 900;
  trace.hold(1.0);
  trace.move_to(0.20, 1.5);
  const std::size_t high_pause = trace.points.size() + 900;
  trace.hold(1.0);
  trace.move_to(0.0, 1.5);
  trace.hold(1.0);
  const Result result = track(trace.points, 0.40, {}, true);
  EXPECT_EQ(result.outputs[low_pause].phase, Phase::kConcentric);
  EXPECT_EQ(result.outputs[peak].phase, Phase::kHold);
  EXPECT_EQ(result.outputs[high_pause].phase, Phase::kEccentric);
  EXPECT_EQ(result.outputs.back().phase, Phase::kRest);
}

// As the extra load of an eccentric phase leaves, the resting leg rises a little and sinks back.
TEST(Tracker, SettlingAtTheBottomIsNoChangeOfDirection) {
  Trace trace;
  trace.hold(1.0);
  for (int i = 0; i < 12; ++i) {
    trace.rep(0.40, 2.0, 1.0, 3.0, 0.1);
    trace.move_to(0.025, 0.3);
    trace.move_to(0.0, 0.5);
    trace.hold(0.2);
  }
  for (const double range_m : {0.40, 0.0}) {
    const Result result = track(trace.points, range_m);
    EXPECT_EQ(result.tracker.direction_changes(), 24u);
    EXPECT_EQ(result.tracker.reps_counted(), 12u);
    EXPECT_EQ(result.reps.size(), 12u);
  }
  TrackerConfig config;
  config.settle_fraction = 0.0;
  EXPECT_GT(track(trace.points, 0.40, config).tracker.direction_changes(), 24u);
}

// A set that ends by count must end at the bottom, not one repetition later.
TEST(Tracker, ClosesTheRepetitionWithinATenthOfASecondOfItsEndEvenWithoutAPause) {
  for (const double bottom_s : {0.0, 1.0}) {
    const Trace trace = reps(6, 0.40, bottom_s);
    const Result result = track(trace.points, 0.40, {}, true);
    std::size_t rep = 0;
    for (std::size_t tick = 0; tick < result.outputs.size(); ++tick) {
      if (!result.outputs[tick].rep_closed) continue;
      const auto late = static_cast<double>(tick) - static_cast<double>(trace.reps[rep].end_tick);
      EXPECT_GT(late, 0.0);
      EXPECT_LT(late, 100.0);
      ++rep;
    }
    EXPECT_EQ(rep, 6u);
  }
}

TEST(Tracker, EndsASetInMidRepetitionAsUnfinishedAndAtTheBottomAsCounted) {
  Trace trace = reps(2);
  trace.move_to(0.40, 2.0);
  Result result = track(trace.points, 0.40);
  ASSERT_EQ(result.reps.size(), 3u);
  EXPECT_EQ(result.reps[2].kind, RepKind::kRejected);
  EXPECT_EQ(result.reps[2].rejection, RepRejection::kUnfinished);
  EXPECT_EQ(result.tracker.reps_counted(), 2u);

  trace.move_to(0.02, 3.0);  // back, but not yet still long enough to close by itself
  result = track(trace.points, 0.40);
  EXPECT_EQ(result.reps.size(), 3u);
  EXPECT_EQ(result.tracker.reps_counted(), 3u);
}

TEST(Tracker, APauseOfTheSetEndsTheRepetitionUnderWay) {
  Trace trace;
  trace.hold(0.5);
  trace.move_to(0.40, 2.0);
  Tracker tracker;
  tracker.start_set({}, 0.40);
  TrackerOutput output;
  std::uint64_t tick = 0;
  for (const Point& point : trace.points) {
    output = tracker.update({tick++, point.position_m, point.velocity_mps, 60.0, 60.0, true});
  }
  output = tracker.update({tick++, 0.40, 0.0, 60.0, 60.0, false});
  EXPECT_TRUE(output.rep_closed);
  EXPECT_EQ(output.rep.rejection, RepRejection::kUnfinished);
  EXPECT_EQ(output.phase, Phase::kRest);
  EXPECT_FALSE(tracker.update({tick++, 0.40, 0.0, 60.0, 60.0, false}).rep_closed);
}

// A spasm takes the tension off for 0.3 s in the second concentric; the person holds on.
TEST(Tracker, SlackSuspendsTheRepetitionAndItGoesOnWithTheTension) {
  const Trace trace = reps(3);
  Tracker tracker;
  tracker.start_set({}, 0.40);
  std::vector<RepBoundary> closed;
  bool was_slack = false;
  for (std::uint64_t tick = 0; tick < trace.points.size(); ++tick) {
    const std::uint64_t from = trace.reps[1].start_tick + 500;
    const bool slack = tick >= from && tick < from + 300;
    const Point& point = trace.points[tick];
    const auto output = tracker.update(
        {tick, point.position_m, point.velocity_mps, slack ? 2.0 : 60.0, 60.0, true});
    if (output.rep_closed) closed.push_back(output.rep);
    was_slack = was_slack || output.phase == Phase::kSlack;
    if (tick == from + 299) {
      EXPECT_EQ(output.phase, Phase::kSlack);
    }
  }
  EXPECT_TRUE(was_slack);
  ASSERT_EQ(closed.size(), 3u);
  for (std::size_t i = 0; i < closed.size(); ++i) {
    EXPECT_EQ(closed[i].kind, RepKind::kFull) << i;
    EXPECT_LE(milliseconds(closed[i].start_tick, trace.reps[i].start_tick), kMeanShiftMs) << i;
    EXPECT_LE(milliseconds(closed[i].end_tick, trace.reps[i].end_tick), kMeanShiftMs) << i;
  }
}

// What the drum does and whether the cable is taut, tick by tick.
class Cable {
 public:
  explicit Cable(double range_m) { tracker.start_set({}, range_m); }
  void move(double to_m, double seconds, double tension_n) {
    Trace trace;
    trace.move_to(to_m - here_m, seconds);
    for (const Point& point : trace.points) {
      feed(here_m + point.position_m, point.velocity_mps, tension_n);
    }
    here_m = to_m;
  }
  // The hand runs away from the cable; the drum takes in the slack at 0.25 m/s after it was braked
  // from 0.8 m/s.
  void reel_in(double to_m) {
    bool first = true;
    for (; here_m > to_m; here_m -= 0.25e-3, first = false) {
      feed(here_m, first ? -0.8 : -0.25, 0.0);
    }
  }
  void feed(double position_m, double velocity_mps, double tension_n, bool counting = true) {
    const auto output =
        tracker.update({tick++, position_m, velocity_mps, tension_n, 60.0, counting});
    if (output.rep_closed) closed.push_back(output.rep);
  }

  Tracker tracker;
  std::vector<RepBoundary> closed;
  std::uint64_t tick = 0;
  double here_m = 0.0;
};

TEST(Tracker, AHandThatIsMetAtTheBottomHasDoneItsRepetition) {
  Cable cable(0.40);
  cable.move(0.0, 0.5, 60.0);
  cable.move(0.40, 1.0, 60.0);
  cable.reel_in(0.0);
  EXPECT_EQ(cable.tracker.reps_counted(), 0u) << "nobody may be there";
  cable.move(0.0, 0.5, 20.0);
  EXPECT_EQ(cable.tracker.reps_counted(), 1u);
}

TEST(Tracker, AnEmptyHandleThatIsReeledInIsNoRepetition) {
  for (const double peak_m : {0.25, 0.40}) {
    Cable cable(0.40);
    cable.move(0.0, 0.5, 60.0);
    cable.move(peak_m, 1.0, 60.0);
    cable.reel_in(-0.30);
    cable.feed(cable.here_m, 0.0, 0.0, false);  // the set is paused
    EXPECT_EQ(cable.tracker.reps_counted() + cable.tracker.reps_partial(), 0u);
    ASSERT_EQ(cable.closed.size(), 1u);
    EXPECT_EQ(cable.closed[0].rejection, RepRejection::kSlack);
  }
}

// The drum has come back by less than half; the hand, at 0.8 m/s, has been at the bottom meanwhile.
TEST(Tracker, AHandThatIsMetOnItsWayOutHasBeenFurtherInThanTheCable) {
  Cable cable(0.40);
  cable.move(0.0, 0.5, 60.0);
  cable.move(0.40, 1.0, 60.0);
  cable.reel_in(0.22);
  cable.move(0.40, 0.5, 60.0);
  cable.move(0.40, 0.5, 60.0);
  cable.move(0.0, 2.0, 60.0);
  cable.move(0.0, 0.5, 60.0);
  EXPECT_EQ(cable.tracker.reps_counted(), 2u);
  ASSERT_EQ(cable.closed.size(), 2u);
  EXPECT_NEAR(cable.closed[1].bottom_position, 0.0, 1e-3) << "0.18 m of drum, 0.29 m unseen";
}

TEST(Tracker, AShortSlackInADipIsNoSecondRepetition) {
  Cable cable(0.40);
  cable.move(0.0, 0.5, 60.0);
  cable.move(0.40, 1.0, 60.0);
  cable.reel_in(0.35);  // 0.2 s
  cable.move(0.40, 0.5, 60.0);
  cable.move(0.0, 2.0, 60.0);
  cable.move(0.0, 0.5, 60.0);
  EXPECT_EQ(cable.tracker.reps_counted(), 1u);
}

TEST(Tracker, WithoutAReferenceForceALightCableIsNotSlack) {
  Tracker tracker;
  tracker.start_set({}, 0.40);
  for (std::uint64_t tick = 0; tick < 200; ++tick) {
    EXPECT_NE(tracker.update({tick, 0.0, 0.0, 5.0, 10.0, true}).phase, Phase::kSlack);
  }
}

TEST(Tracker, MissingSamplesSpoilTheRepetitionAndAFewDoNot) {
  const Trace trace = reps(3);
  for (const std::uint64_t gap : {3u, 500u}) {
    Tracker tracker;
    tracker.start_set({}, 0.40);
    int lost = 0;
    const std::uint64_t from = trace.reps[1].start_tick + 600;
    for (std::uint64_t tick = 0; tick < trace.points.size(); ++tick) {
      if (tick >= from && tick < from + gap) continue;
      const Point& point = trace.points[tick];
      const auto output =
          tracker.update({tick, point.position_m, point.velocity_mps, 60.0, 60.0, true});
      if (output.rep_closed && output.rep.rejection == RepRejection::kLinkLost) ++lost;
    }
    EXPECT_EQ(lost, gap > 100 ? 1 : 0);
    EXPECT_EQ(tracker.reps_counted(), gap > 100 ? 2u : 3u);
  }
}

// A drive that was lost and counts from elsewhere: its jump is no way back.
TEST(Tracker, APositionThatWasRereferencedSpoilsTheRepetitionAndIsNone) {
  const Trace trace = reps(3);
  for (const double elsewhere_m : {-0.4, -0.25, 0.0, 0.3}) {
    Tracker tracker;
    tracker.start_set({}, 0.40);
    int lost = 0, counted = 0;
    const std::uint64_t at = trace.reps[1].peak_start_tick + 20;
    for (std::uint64_t tick = 0; tick < trace.points.size(); ++tick) {
      const Point& point = trace.points[tick];
      TrackerInput in{tick, point.position_m, point.velocity_mps, 60.0, 60.0, true};
      if (tick >= at) in.position += elsewhere_m;
      in.relocated = tick == at;
      const auto output = tracker.update(in);
      if (!output.rep_closed) continue;
      if (output.rep.rejection == RepRejection::kLinkLost) ++lost;
      if (output.rep.kind == RepKind::kFull) ++counted;
    }
    EXPECT_EQ(lost, 1) << elsewhere_m;
    EXPECT_EQ(counted, 2) << elsewhere_m;
    EXPECT_EQ(tracker.reps_counted(), 2u) << elsewhere_m;
  }
}

TEST(Tracker, SkipsWhatIsNotANumber) {
  const Trace trace = reps(3);
  const double bad[] = {std::nan(""), std::numeric_limits<double>::infinity()};
  Tracker tracker;
  tracker.start_set({}, 0.40);
  for (std::uint64_t tick = 0; tick < trace.points.size(); ++tick) {
    Point point = trace.points[tick];
    double force_n = 60.0;
    if (tick % 97 == 0) point.position_m = bad[tick % 2];
    if (tick % 89 == 0) point.velocity_mps = bad[tick % 2];
    if (tick % 2 == 0) force_n = bad[0];
    (void)tracker.update({tick, point.position_m, point.velocity_mps, force_n, 60.0, true});
  }
  EXPECT_EQ(tracker.reps_counted(), 3u);
  EXPECT_EQ(tracker.direction_changes(), 6u);
  Tracker unset;
  unset.start_set({}, std::nan(""));
  EXPECT_EQ(unset.range_reference(), 0.0);
}

TEST(Tracker, ACopyGoesOnLikeTheOriginal) {
  Random random(3);
  Trace trace = reps(4);
  test::disturb(trace.points, {0.004, 0.02, 0.002, 2e-5}, random);
  Tracker tracker;
  tracker.start_set({}, 0.0);
  Tracker copy;
  for (std::uint64_t tick = 0; tick < trace.points.size(); ++tick) {
    const TrackerInput in{
        tick, trace.points[tick].position_m, trace.points[tick].velocity_mps, 60.0, 60.0, true};
    if (tick == 9000) copy = tracker;
    const auto a = tracker.update(in);
    if (tick < 9000) continue;
    const auto b = copy.update(in);
    ASSERT_EQ(a.phase, b.phase);
    ASSERT_EQ(a.rep_closed, b.rep_closed);
    ASSERT_EQ(a.rep.end_tick, b.rep.end_tick);
  }
  EXPECT_EQ(copy.reps_counted(), tracker.reps_counted());
}

TEST(Tracker, ATiringPersonsRangeFollowsSlowlyAndNotForEver) {
  Trace trace;
  trace.hold(1.0);
  for (int i = 0; i < 40; ++i) trace.rep(0.40 * std::pow(0.97, i), 1.0, 0.3, 1.0, 0.4);
  const Result result = track(trace.points, 0.40);
  EXPECT_NEAR(result.tracker.range_reference(), 0.75 * 0.40, 0.01);
  EXPECT_LT(result.tracker.reps_counted(), 25u);
  EXPECT_GT(result.tracker.reps_counted(), 15u);
}

TEST(Tracker, AnEmptySetHasNothing) {
  Tracker tracker;
  EXPECT_EQ(tracker.phase(), Phase::kRest);
  EXPECT_FALSE(tracker.update({1, 0.3, 0.1, 60.0, 60.0, true}).rep_closed);  // no set was started
  tracker.start_set({}, 0.0);
  tracker.end_set();
  EXPECT_FALSE(tracker.update({2, 0.0, 0.0, 60.0, 60.0, false}).rep_closed);
  EXPECT_EQ(tracker.reps_counted(), 0u);
  EXPECT_EQ(tracker.rise(), 0.0);
}

}  // namespace
}  // namespace medius::measure
