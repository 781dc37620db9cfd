// When the plant ticks: never faster than life on average, never racing after a stall.
#include "sim/station/pacer.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "controller/base/random.hpp"
#include "controller/base/tick.hpp"

namespace medius::sim {
namespace {

constexpr std::int64_t kMs = 1'000'000;

TEST(WallPace, FollowsTheClockTickByTick) {
  Pacer pacer(Pace::kWall, 0);
  EXPECT_EQ(pacer.wall_ticks_due(999'999), 0);
  EXPECT_EQ(pacer.wall_ticks_due(1 * kMs), 1);
  EXPECT_EQ(pacer.wall_ticks_due(4 * kMs + 1), 3);
  EXPECT_EQ(pacer.wall_ticks_due(4 * kMs + 2), 0);
}

TEST(WallPace, SkipsTimeAfterALongStall) {
  Pacer pacer(Pace::kWall, 0);
  EXPECT_EQ(pacer.wall_ticks_due(10'000 * kMs), 250);
  EXPECT_EQ(pacer.wall_ticks_due(10'001 * kMs), 1);
}

TEST(WallPace, ARoundIsNoTick) {
  Pacer pacer(Pace::kWall, 0);
  std::int64_t reply_ns = 0;
  EXPECT_FALSE(pacer.bus_round(5 * kMs, reply_ns));
  EXPECT_EQ(reply_ns, 5 * kMs);
  EXPECT_EQ(pacer.wall_ticks_due(5 * kMs), 5);
}

// Rounds of a controller that answers each reply after a random while, now and then after a long
// one.
RC_GTEST_PROP(BusPace, NeverRunsFasterThanLifeNorCatchesUp, (std::uint32_t seed)) {
  Random random(seed);
  Pacer pacer(Pace::kBus, 0);
  std::int64_t now = 10 * kMs;
  std::int64_t first = 0, last_reply = 0;
  std::vector<std::int64_t> replies;
  for (int round = 0; round < 500; ++round) {
    now += random.chance(0.02) ? static_cast<std::int64_t>(random.below(60)) * kMs
                               : static_cast<std::int64_t>(random.below(900)) * 1000;
    std::int64_t reply_ns = 0;
    RC_ASSERT(pacer.bus_round(now, reply_ns));
    RC_ASSERT(reply_ns >= now);
    RC_ASSERT(reply_ns <= now + kTickPeriodNs);
    if (round == 0) first = now;
    RC_ASSERT(reply_ns - first >= round * kTickPeriodNs);  // on average never faster than life
    replies.push_back(reply_ns);
    // Nor in any window: at most one tick of jitter is ever made good.
    if (replies.size() > 10) {
      RC_ASSERT(reply_ns - replies[replies.size() - 11] >= 8 * kTickPeriodNs);
    }
    RC_ASSERT(reply_ns >= last_reply);
    last_reply = reply_ns;
    now = reply_ns;
  }
}

TEST(BusPace, IsSoManyTimesFasterThanLifeAsAskedFor) {
  for (const double speed : {0.5, 1.0, 4.0}) {
    Pacer pacer(Pace::kBus, 0, speed);
    std::int64_t now = 10 * kMs;
    for (int round = 0; round < 1000; ++round) {
      std::int64_t reply_ns = 0;
      ASSERT_TRUE(pacer.bus_round(now + 20'000, reply_ns));
      now = reply_ns;
    }
    EXPECT_NEAR(static_cast<double>(now - 10 * kMs), 1000.0 / speed * kMs, 0.1 * kMs) << speed;
  }
}

TEST(BusPace, TheClockTakesOverWhenTheControllerIsSilent) {
  Pacer pacer(Pace::kBus, 0);
  EXPECT_EQ(pacer.wall_ticks_due(10 * kMs), 10) << "nobody controls it yet";
  std::int64_t reply_ns = 0;
  ASSERT_TRUE(pacer.bus_round(10 * kMs, reply_ns));
  EXPECT_EQ(pacer.wall_ticks_due(500 * kMs), 0);
  EXPECT_TRUE(pacer.in_lockstep());
  EXPECT_EQ(pacer.wall_ticks_due(511 * kMs), 0) << "the silence itself is not made good";
  EXPECT_FALSE(pacer.in_lockstep());
  EXPECT_EQ(pacer.wall_ticks_due(521 * kMs), 10);
  ASSERT_TRUE(pacer.bus_round(530 * kMs, reply_ns));
  EXPECT_TRUE(pacer.in_lockstep());
}

TEST(BusPace, TheClockTakesOverWhenTheControllerHasGone) {
  Pacer pacer(Pace::kBus, 0);
  std::int64_t reply_ns = 0;
  ASSERT_TRUE(pacer.bus_round(10 * kMs, reply_ns));
  pacer.controller_gone(20 * kMs);
  EXPECT_EQ(pacer.wall_ticks_due(25 * kMs), 5);
}

}  // namespace
}  // namespace medius::sim
