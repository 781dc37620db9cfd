#include "controller/measure/hold_counter.hpp"

#include <gtest/gtest.h>

namespace medius::measure {
namespace {

struct Puller {
  HoldCounterConfig config{.hold_s = 3.0};
  HoldCounterState state;
  void pull(double force, double seconds, bool counting = true) {
    for (int i = 0; i < static_cast<int>(seconds * 1000.0 + 0.5); ++i) {
      count_hold(config, force, counting, state);
    }
  }
};

TEST(HoldCounter, CountsAPullThatLastedWhenItEndsAndNotBefore) {
  Puller test;
  test.pull(5.0, 1.0);
  test.pull(80.0, 3.0);
  EXPECT_EQ(test.state.counted, 0u);
  test.pull(5.0, 0.3);
  EXPECT_EQ(test.state.counted, 1u);
}

TEST(HoldCounter, AShortPullIsPartialAndAKnockAndADipAreNothing) {
  Puller test;
  test.pull(80.0, 1.5);
  test.pull(2.0, 0.3);
  EXPECT_EQ(test.state.counted, 0u);
  EXPECT_EQ(test.state.partial, 1u);
  test.pull(15.0, 5.0);  // nobody pulls so lightly
  EXPECT_EQ(test.state.partial, 1u);
  test.pull(80.0, 1.5);
  test.pull(2.0, 0.1);
  test.pull(80.0, 1.5);
  test.pull(2.0, 0.3);
  EXPECT_EQ(test.state.counted, 1u);
  EXPECT_EQ(test.state.partial, 1u);
}

TEST(HoldCounter, AnUnloadEndsTheHoldUnderWay) {
  Puller test;
  test.pull(80.0, 1.0);
  test.pull(80.0, 0.5, false);
  EXPECT_EQ(test.state.partial, 1u);
  test.pull(80.0, 5.0, false);
  EXPECT_EQ(test.state.counted, 0u);
}

}  // namespace
}  // namespace medius::measure
