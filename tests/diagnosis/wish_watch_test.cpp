#include "controller/diagnosis/wish_watch.hpp"

#include <cmath>

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

}  // namespace
}  // namespace medius::diagnosis
