// The deterministic functions against libm's long double ones, over the ranges and to the bounds
// that the header documents.
#include "controller/base/det_math.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

#include "controller/base/random.hpp"
#include "controller/base/trace_hash.hpp"

namespace medius {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kMax = std::numeric_limits<double>::max();
constexpr int kSamples = 200'000;

struct Error {
  double absolute = 0.0;
  double relative = 0.0;
  double at = 0.0;
};

struct Range {
  double low, high;
  bool logarithmic = false;
};

template <class Tested, class Truth>
Error worst(const Tested& tested, const Truth& truth, Range range) {
  Random random(1);
  Error error;
  for (int i = 0; i < kSamples; ++i) {
    double x = random.uniform(range.low, range.high);
    if (range.logarithmic) {
      x = std::exp(random.uniform(std::log(range.low), std::log(range.high)));
    }
    const long double expected = truth(static_cast<long double>(x));
    const long double off = std::fabs(static_cast<long double>(tested(x)) - expected);
    const auto relative = static_cast<double>(off / std::fabs(expected));
    error.absolute = std::max(error.absolute, static_cast<double>(off));
    if (relative > error.relative) {
      error.relative = relative;
      error.at = x;
    }
  }
  return error;
}

long double sin_truth(long double x) {
  return std::sin(x);
}
long double cos_truth(long double x) {
  return std::cos(x);
}
long double exp_truth(long double x) {
  return std::exp(x);
}
long double log_truth(long double x) {
  return std::log(x);
}
long double atan_truth(long double x) {
  return std::atan(x);
}
long double sqrt_truth(long double x) {
  return std::sqrt(x);
}

TEST(DetMath, SineAndCosineKeepTheirBound) {
  for (const double range : {0.1, 3.2, 100.0, 1e4, 1e6}) {
    EXPECT_LT(worst(det::sin, sin_truth, {-range, range}).absolute, 5e-16) << range;
    EXPECT_LT(worst(det::cos, cos_truth, {-range, range}).absolute, 5e-16) << range;
  }
}

TEST(DetMath, SineKeepsItsBoundWhereThePhaseIsReduced) {
  for (int quarter = -100'000; quarter <= 100'000; quarter += 37) {
    const double centre = quarter * (det::kPi / 2);
    for (const double x : {centre, std::nextafter(centre, kInf), std::nextafter(centre, -kInf),
                           centre + det::kPi / 4, centre - det::kPi / 4}) {
      const auto sine = static_cast<double>(sin_truth(static_cast<long double>(x)));
      const auto cosine = static_cast<double>(cos_truth(static_cast<long double>(x)));
      ASSERT_NEAR(det::sin(x), sine, 5e-16) << x;
      ASSERT_NEAR(det::cos(x), cosine, 5e-16) << x;
    }
  }
}

TEST(DetMath, SineOutsideItsRangeIsNoNumber) {
  for (const double x : {1.0001e6, -1.0001e6, 1e300, kInf, -kInf, kNaN}) {
    EXPECT_TRUE(std::isnan(det::sin(x))) << x;
    EXPECT_TRUE(std::isnan(det::cos(x))) << x;
  }
}

TEST(DetMath, ExponentialKeepsItsBound) {
  for (const Range range : {Range{-1e-3, 1e-3}, Range{-1.0, 1.0}, Range{-708.0, 709.0}}) {
    EXPECT_LT(worst(det::exp, exp_truth, range).relative, 5e-16) << range.high;
  }
  EXPECT_LE(worst(det::exp, exp_truth, {-745.0, -708.0}).absolute, 4.95e-324);
  EXPECT_EQ(det::exp(0.0), 1.0);
  EXPECT_EQ(det::exp(-745.1), 0.0);
  EXPECT_EQ(det::exp(-kInf), 0.0);
  EXPECT_EQ(det::exp(709.1), kMax);
  EXPECT_EQ(det::exp(kInf), kMax);
  EXPECT_TRUE(std::isnan(det::exp(kNaN)));
}

TEST(DetMath, LogarithmKeepsItsBound) {
  for (const Range range : {Range{0.99, 1.01}, Range{0.5, 2.0}, Range{1e-300, 1e300, true}}) {
    EXPECT_LT(worst(det::log, log_truth, range).relative, 5e-16) << range.high;
  }
  EXPECT_EQ(det::log(1.0), 0.0);
  EXPECT_EQ(det::log(0.0), -kMax);
  EXPECT_EQ(det::log(-1.0), -kMax);
  EXPECT_TRUE(std::isnan(det::log(kNaN)));
  EXPECT_NEAR(det::log(5e-324), -709.0, 1.0);
}

TEST(DetMath, PowerKeepsItsBound) {
  Random random(3);
  for (int i = 0; i < kSamples; ++i) {
    const double x = std::exp(random.uniform(-14.0, 14.0));
    const double y = random.uniform(-10.0, 10.0);
    const long double expected = std::pow(static_cast<long double>(x), static_cast<long double>(y));
    const auto relative =
        static_cast<double>(std::fabs(static_cast<long double>(det::pow(x, y)) / expected - 1.0L));
    ASSERT_LT(relative, 5e-16 * (2.0 + std::fabs(y * std::log(x)))) << x << " " << y;
  }
  EXPECT_EQ(det::pow(0.0, 0.5), 0.0);
  EXPECT_EQ(det::pow(0.0, 0.0), 1.0);
  EXPECT_EQ(det::pow(1.0, 1e300), 1.0);
}

TEST(DetMath, ArcTangentKeepsItsBound) {
  for (const Range range : {Range{-0.1, 0.1}, Range{-10.0, 10.0}, Range{1e-9, 1e9, true}}) {
    EXPECT_LT(worst(det::atan, atan_truth, range).relative, 1e-15) << range.high;
  }
  EXPECT_EQ(det::atan(0.0), 0.0);
  EXPECT_EQ(det::atan(kInf), det::kPi / 2);
  EXPECT_EQ(det::atan(-1e200), -det::kPi / 2);
  EXPECT_TRUE(std::isnan(det::atan(kNaN)));
}

TEST(DetMath, ArcTangentOfTwoKeepsItsBoundInEveryQuadrant) {
  Random random(4);
  for (int i = 0; i < kSamples; ++i) {
    const double y = random.uniform(-2.0, 2.0), x = random.uniform(-2.0, 2.0);
    const long double expected =
        std::atan2(static_cast<long double>(y), static_cast<long double>(x));
    ASSERT_NEAR(det::atan2(y, x), static_cast<double>(expected), 2e-15) << y << " " << x;
  }
  EXPECT_EQ(det::atan2(0.0, 0.0), 0.0);
  EXPECT_EQ(det::atan2(0.0, -1.0), det::kPi);
  EXPECT_EQ(det::atan2(-0.0, -1.0), det::kPi);
  EXPECT_EQ(det::atan2(1.0, 0.0), det::kPi / 2);
  EXPECT_EQ(det::atan2(-1.0, 0.0), -det::kPi / 2);
  for (const double other : {-1.0, 0.0, 1.0}) {
    EXPECT_TRUE(std::isnan(det::atan2(kNaN, other))) << other;
    EXPECT_TRUE(std::isnan(det::atan2(other, kNaN))) << other;
  }
}

TEST(DetMath, SquareRootIsCorrectlyRounded) {
  EXPECT_LT(worst(det::sqrt, sqrt_truth, {1e-300, 1e300, true}).relative, 1.12e-16);
  EXPECT_EQ(det::sqrt(2.0), 0x1.6a09e667f3bcdp0);
  EXPECT_EQ(det::sqrt(-1.0), 0.0);
  EXPECT_EQ(det::sqrt(kNaN), 0.0);
}

// The same bits with every compiler and at every level: these hashes are the contract.
TEST(DetMath, GivesTheSameBitsEverywhere) {
  Random random(5);
  TraceHash hash;
  for (int i = 0; i < 20'000; ++i) {
    const double x = random.uniform(-30.0, 30.0), y = random.uniform(0.001, 1000.0);
    hash.add(det::sin(x));
    hash.add(det::cos(x));
    hash.add(det::exp(x));
    hash.add(det::log(y));
    hash.add(det::pow(y, x / 10.0));
    hash.add(det::atan(x));
    hash.add(det::atan2(x, y - 500.0));
    hash.add(det::sqrt(y));
    hash.add(random.normal());
  }
  EXPECT_EQ(hash.value(), 12875188677773086867u);
}

}  // namespace
}  // namespace medius
