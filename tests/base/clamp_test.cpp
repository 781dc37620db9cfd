#include "controller/base/clamp.hpp"

#include <bit>
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace medius {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kMax = std::numeric_limits<double>::max();
constexpr double kDenormal = std::numeric_limits<double>::denorm_min();

// Read at run time, so that the optimiser cannot reason about it.
double opaque(double x) {
  volatile double v = x;
  return v;
}

// Quiet, signalling, negative and with a payload.
constexpr std::uint64_t kNaNBits[] = {0x7ff8000000000000u, 0xfff8000000000000u,
                                      0x7ff0000000000001u, 0xfff0000000000001u,
                                      0x7fffffffffffffffu, 0x7ff8dead0000beefu};

TEST(Clamp, NoKindOfNaNGetsThrough) {
  for (const std::uint64_t bits : kNaNBits) {
    const double nan = opaque(std::bit_cast<double>(bits));
    EXPECT_FALSE(is_finite(nan));
    EXPECT_EQ(at_most(nan, 5.0), 5.0);
    EXPECT_EQ(at_least(nan, -5.0), -5.0);
    EXPECT_EQ(clamped(nan, -5.0, 5.0), -5.0);
    EXPECT_EQ(saturated(nan, 0.03), 0.0);
    EXPECT_EQ(saturated(0.1, nan), 0.0);
  }
  EXPECT_EQ(saturated(opaque(0.0), opaque(0.0)), 0.0);
}

TEST(Clamp, InfinitiesEndAtTheBounds) {
  EXPECT_EQ(clamped(opaque(kInf), -5.0, 5.0), 5.0);
  EXPECT_EQ(clamped(opaque(-kInf), -5.0, 5.0), -5.0);
  EXPECT_EQ(saturated(opaque(kInf), 0.03), 1.0);
  EXPECT_FALSE(is_finite(opaque(kInf)));
  EXPECT_FALSE(is_finite(opaque(-kInf)));
}

TEST(Clamp, FiniteMeansFiniteUpToTheLastBit) {
  for (const double x : {0.0, -0.0, kMax, -kMax, kDenormal, -kDenormal, 1.0}) {
    EXPECT_TRUE(is_finite(opaque(x))) << x;
  }
}

TEST(Clamp, StdMinWouldHaveLetNaNThrough) {  // why the house has its own
  const double nan = opaque(std::numeric_limits<double>::quiet_NaN());
  const double like_std_min = 5.0 < nan ? 5.0 : nan;  // std::min(nan, 5.0)
  EXPECT_TRUE(like_std_min != like_std_min);
}

RC_GTEST_PROP(Clamp, EveryPatternOfBitsEndsWithinTheBounds, (std::uint64_t bits)) {
  const double x = std::bit_cast<double>(bits);
  const double y = clamped(x, -1.5, 600.0);
  RC_ASSERT(y >= -1.5 && y <= 600.0);
  if (x >= -1.5 && x <= 600.0) {
    RC_ASSERT(y == x);
  }
  const double direction = saturated(x, 0.03);
  RC_ASSERT(direction >= -1.0 && direction <= 1.0);
}

static_assert(absolute(-2.5) == 2.5 && absolute(2.5) == 2.5);
static_assert(saturated(0.015, 0.03) == 0.5 && saturated(-1.0, 0.03) == -1.0);

}  // namespace
}  // namespace medius
