#include "controller/diagnosis/wish_watch.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace medius::diagnosis {
namespace {

// Ticks until it is found, 0 = never.
int found_after(double base, double amplitude, double hertz, int ticks = 10'000) {
  WishWatchState state;
  for (int i = 1; i <= ticks; ++i) {
    const double phase = 6.283185307179586 * hertz * static_cast<double>(i) * 1e-3;
    if (wish_oscillates(base + amplitude * std::sin(phase), base, 5.0, state)) return i;
  }
  return 0;
}

TEST(WishWatch, WhatShakesAPersonIsFoundWithinAWindow) {
  for (const double hertz : {10.0, 20.0, 50.0, 100.0}) {
    const int ticks = found_after(60.0, 25.0, hertz);
    EXPECT_GT(ticks, 0) << hertz;
    EXPECT_LE(ticks, 1000) << hertz;
  }
}

TEST(WishWatch, WhatFollowsAPersonIsNot) {
  EXPECT_EQ(found_after(60.0, 25.0, 0.5), 0);
  EXPECT_EQ(found_after(60.0, 25.0, 4.0), 0);
}

TEST(WishWatch, ARippleIsNot) {
  EXPECT_EQ(found_after(60.0, 2.0, 50.0), 0);
  EXPECT_EQ(found_after(200.0, 9.0, 50.0), 0);
}

// A square wave of this height; ticks until it is found, 0: never.
int shaken(double base, double height, int half_period, int ticks = 20'000) {
  WishWatchState state;
  for (int i = 0; i < ticks; ++i) {
    const double wish = base + ((i / half_period) % 2 == 0 ? 0.0 : height);
    if (wish_oscillates(wish, base, 5.0, state)) return i + 1;
  }
  return 0;
}

TEST(WishWatchExact, TheNinthSwingWithinAThousandTicksIsOneTooMany) {
  // The rise to the load sets the direction, the first step goes on with it, each later one is a
  // swing.
  EXPECT_EQ(shaken(60.0, 20.0, 10), 101);
  EXPECT_EQ(shaken(60.0, 20.0, 99), 991);
  EXPECT_EQ(shaken(60.0, 20.0, 130), 0) << "seven or eight in a window";
}

TEST(WishWatchExact, ASwingIsATenthOfTheLoadAndFiveNewtonsAtLeast) {
  EXPECT_EQ(shaken(60.0, 5.9, 10), 0);
  EXPECT_GT(shaken(60.0, 6.1, 10), 0);
  EXPECT_EQ(shaken(20.0, 4.9, 10), 0);
  EXPECT_GT(shaken(20.0, 5.1, 10), 0);
}

TEST(WishWatchExact, AWishThatFallsFirstIsShakenAsMuch) {
  EXPECT_EQ(shaken(60.0, -20.0, 10), 91) << "the way from nothing to the load was the first step";
}

// The furthest of a swing counts: a slow drift between two turns hides none of them.
TEST(WishWatchExact, SwingsAreMeasuredFromTheFurthestOfTheLastOne) {
  WishWatchState state;
  double wish = 60.0;
  int found = 0, ticks = 0;
  const auto go = [&](double by, int count) {
    for (int i = 0; i < count; ++i, ++ticks) {
      wish += by;
      if (wish_oscillates(wish, 60.0, 5.0, state) && found == 0) found = ticks;
    }
  };
  go(0.0, 1);
  for (int swing = 0; swing < 12; ++swing) {
    go(swing % 2 == 0 ? 1.0 : -1.0, 30);
  }
  EXPECT_GT(found, 0);
  WishWatchState calm;
  for (int i = 0; i < 5000; ++i) {  // 4 N to and fro on a long climb: no swing of 6 N
    const double saw = 0.01 * i + ((i / 10) % 2 == 0 ? 0.0 : 4.0);
    ASSERT_FALSE(wish_oscillates(saw, 60.0, 5.0, calm)) << i;
  }
}

TEST(WishWatchExact, AWishThatIsNoNumberIsRefusedElsewhereAndCountsForNothing) {
  WishWatchState state;
  for (int i = 0; i < 3000; ++i) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    ASSERT_FALSE(wish_oscillates(nan, 60.0, 5.0, state));
  }
  EXPECT_EQ(state.ticks, 0);
}

// From nothing: the first way that is long enough sets the direction, up or down, and no swing is
// lost where the wish turns at every tick.
TEST(WishWatchExact, TheFirstDirectionMayBeEither) {
  for (const double height : {20.0, -20.0}) {
    EXPECT_EQ(shaken(0.0, height, 10), 101) << height;
    EXPECT_EQ(shaken(0.0, height, 1), 11) << height;
  }
}

TEST(WishWatchExact, ASwingOfExactlyTheLeastCounts) {
  EXPECT_EQ(shaken(0.0, 5.0, 10), 101);
  EXPECT_EQ(shaken(0.0, -5.0, 10), 101);
}

// 5.85 N to and fro, the last 0.9 N of the first way slower than the rest of it.
TEST(WishWatchExact, TheLastBitOfAWayCountsHoweverSlowItIs) {
  WishWatchState state;
  EXPECT_FALSE(wish_oscillates(5.9, 0.0, 5.8, state));
  int turns = 0;
  while (turns < 50 && !wish_oscillates(turns % 2 == 0 ? 6.8 : 0.95, 0.0, 5.8, state)) ++turns;
  EXPECT_EQ(turns, 9);
}

// The call at which it is found, 0: never; the wish turns at these calls.
int found_at(const std::vector<int>& turns) {
  WishWatchState state;
  std::size_t next = 0;
  for (int call = 1; call <= 3000; ++call) {
    if (next < turns.size() && call == turns[next]) ++next;
    if (wish_oscillates(next % 2 == 0 ? 0.0 : 20.0, 0.0, 5.0, state)) return call;
  }
  return 0;
}

// A window is 1000 calls, and each next one is as long.
TEST(WishWatchExact, SwingsOfTwoWindowsAreNotAddedUp) {
  EXPECT_EQ(found_at({10, 20, 30, 40, 50, 60, 70, 80, 90, 1000}), 1000);
  EXPECT_EQ(found_at({10, 20, 30, 40, 50, 60, 70, 80, 90, 1001}), 0);
  EXPECT_EQ(found_at({10, 1100, 1110, 1120, 1130, 1140, 1150, 1160, 1170, 2001}), 2001);
  EXPECT_EQ(found_at({10, 1100, 1110, 1120, 1130, 1140, 1150, 1160, 1170, 2002}), 0);
}

}  // namespace
}  // namespace medius::diagnosis
