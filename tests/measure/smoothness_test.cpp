// Smoothness against what is known in closed form, and what it must not depend on.
#include "controller/measure/smoothness.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "controller/base/random.hpp"
#include "tests/measure/trace.hpp"

namespace medius::measure {
namespace {

using test::Trace;

std::vector<double> minimum_jerk(double size_m, double duration_s) {
  Trace trace;
  trace.move_to(size_m, duration_s);
  std::vector<double> speed{0.0};
  for (const test::Point& point : trace.points) speed.push_back(point.velocity_mps);
  return speed;
}

std::vector<double> times(std::vector<double> speed, double factor) {
  for (double& value : speed) value *= factor;
  return speed;
}

double arc(const std::vector<double>& speed) {
  const Smoothness result = sparc(speed, 1e-3, 0.0);
  EXPECT_TRUE(result.known);
  return result.value;
}

double jerk(const std::vector<double>& speed) {
  const Smoothness result = log_dimensionless_jerk(speed, 1e-3, 0.0);
  EXPECT_TRUE(result.known);
  return result.value;
}

// Integral of the squared jerk of a minimum-jerk move: 720 D^2 / T^5; its peak speed: 1.875 D / T.
TEST(Smoothness, LdljOfAMinimumJerkMoveIsItsClosedForm) {
  for (const double duration_s : {0.5, 1.0, 2.0, 4.0}) {
    for (const double size_m : {0.05, 0.4, 0.8}) {
      // A parabola over a window takes off what grows with the square of window over duration:
      // 0.0053 at 1 s.
      const double tolerance = 0.01 / (duration_s * duration_s);
      EXPECT_NEAR(jerk(minimum_jerk(size_m, duration_s)), -std::log(204.8), tolerance)
          << duration_s << " s, " << size_m << " m";
    }
  }
}

TEST(Smoothness, SparcOfATwoSecondMinimumJerkMoveIsThePublishedOne) {
  EXPECT_NEAR(arc(minimum_jerk(0.4, 2.0)), -1.402, 5e-4);
}

TEST(Smoothness, DoesNotDependOnTheSizeOfTheMovement) {
  const std::vector<double> speed = minimum_jerk(0.4, 2.0);
  for (const double factor : {0.01, 0.5, 3.0, 100.0}) {
    EXPECT_NEAR(arc(times(speed, factor)), arc(speed), 1e-9);
    EXPECT_NEAR(jerk(times(speed, factor)), jerk(speed), 1e-9);
  }
}

// Same shape, twice the duration: both spectra are drawn over the same multiples of one over it.
TEST(Smoothness, DoesNotDependOnTheDurationOfTheMovement) {
  EXPECT_NEAR(arc(minimum_jerk(0.4, 4.096)), arc(minimum_jerk(0.4, 2.048)), 5e-3);
  EXPECT_NEAR(jerk(minimum_jerk(0.4, 4.0)), jerk(minimum_jerk(0.4, 2.0)), 2e-3);
}

TEST(Smoothness, RunsTheSameBackwardsInTime) {
  Trace trace;
  trace.move_to(0.10, 0.6);
  trace.move_to(0.15, 0.4);
  trace.move_to(0.40, 1.0);
  std::vector<double> speed{0.0};
  for (const test::Point& point : trace.points) speed.push_back(point.velocity_mps);
  std::vector<double> backwards(speed.rbegin(), speed.rend());
  // Blocks of 8 ticks begin at the other end.
  EXPECT_NEAR(arc(backwards), arc(speed), 1e-6);
  EXPECT_NEAR(jerk(backwards), jerk(speed), 1e-3);
}

// Negative controls: what is visibly less smooth must say so.
TEST(Smoothness, AStopOnTheWayAndTremorAreLessSmooth) {
  const std::vector<double> smooth = minimum_jerk(0.4, 2.0);
  Trace stopped;
  stopped.move_to(0.2, 1.0);
  stopped.move_to(0.4, 1.0);
  std::vector<double> speed{0.0};
  for (const test::Point& point : stopped.points) speed.push_back(point.velocity_mps);
  EXPECT_LT(arc(speed), arc(smooth) - 0.3);
  EXPECT_LT(jerk(speed), jerk(smooth) - 1.5);
  std::vector<double> trembling = smooth;
  for (std::size_t i = 0; i < trembling.size(); ++i) {
    trembling[i] += 0.03 * std::sin(2.0 * M_PI * 6.0 * 1e-3 * static_cast<double>(i));
  }
  EXPECT_LT(arc(trembling), arc(smooth) - 0.1);
  EXPECT_LT(jerk(trembling), jerk(smooth) - 1.0);
}

// The plain definition: the whole series, every frequency, no blocks.
TEST(Smoothness, SumsOverBlocksGiveTheSpectrumOfTheWholeSeries) {
  Random random(5);
  for (int trial = 0; trial < 5; ++trial) {
    std::vector<double> speed = minimum_jerk(0.4, random.uniform(0.6, 1.2));
    const double wobble_hz = random.uniform(2.0, 9.0);
    for (std::size_t i = 0; i < speed.size(); ++i) {
      speed[i] += 0.06 * std::sin(2.0 * M_PI * wobble_hz * 1e-3 * static_cast<double>(i));
    }
    std::size_t padded = 1;
    while (padded < speed.size()) padded *= 2;
    padded *= 16;
    std::vector<double> magnitude;
    for (std::size_t k = 0; static_cast<double>(k) * 1000.0 / static_cast<double>(padded) <= 10.0;
         ++k) {
      double re = 0.0, im = 0.0;
      for (std::size_t i = 0; i < speed.size(); ++i) {
        const double angle = 2.0 * M_PI * static_cast<double>(k * i) / static_cast<double>(padded);
        re += speed[i] * std::cos(angle);
        im += speed[i] * std::sin(angle);
      }
      magnitude.push_back(std::hypot(re, im));
    }
    std::size_t last = magnitude.size() - 1;
    while (magnitude[last] < 0.05 * magnitude[0]) --last;
    double expected = 0.0;
    for (std::size_t k = 1; k <= last; ++k) {
      expected -= std::hypot(1.0 / static_cast<double>(last),
                             (magnitude[k] - magnitude[k - 1]) / magnitude[0]);
    }
    EXPECT_NEAR(arc(speed), expected, 2e-3) << wobble_hz << " Hz";
  }
}

// The stated standard uncertainty covers the spread that noise makes, and is not ten times it.
TEST(Smoothness, TheUncertaintyIsAboutTheSpreadThatNoiseMakes) {
  constexpr double kNoise = 2e-3;
  Random random(6);
  const std::vector<double> clean = minimum_jerk(0.4, 2.0);
  double sum = 0.0, squares = 0.0, stated = 0.0;
  constexpr int kTrials = 100;
  for (int i = 0; i < kTrials; ++i) {
    std::vector<double> speed = clean;
    for (double& value : speed) value += kNoise * random.normal();
    const Smoothness result = sparc(speed, 1e-3, kNoise);
    sum += result.value;
    squares += result.value * result.value;
    stated += result.uncertainty / kTrials;
  }
  const double spread = std::sqrt(squares / kTrials - sum / kTrials * (sum / kTrials));
  EXPECT_GT(stated, spread);
  EXPECT_LT(stated, 30.0 * spread + 0.02);
}

TEST(Smoothness, SaysNothingOfWhatIsTooShortTooLongOrStill) {
  EXPECT_FALSE(sparc(minimum_jerk(0.1, 0.19), 1e-3, 0.0).known);
  EXPECT_FALSE(log_dimensionless_jerk(minimum_jerk(0.1, 0.19), 1e-3, 0.0).known);
  EXPECT_FALSE(sparc(std::vector<double>(2000, 0.0), 1e-3, 0.0).known);
  EXPECT_FALSE(log_dimensionless_jerk(std::vector<double>(2000, 0.0), 1e-3, 0.0).known);
  EXPECT_FALSE(sparc(std::vector<double>(2000, std::nan("")), 1e-3, 0.0).known);
  EXPECT_FALSE(log_dimensionless_jerk(std::vector<double>(2000, std::nan("")), 1e-3, 0.0).known);
  const std::vector<MetricSample> long_one{{0, 0.0, 0.1, 60.0, 60.0},
                                           {kSmoothnessTicksMax, 1.0, 0.1, 60.0, 60.0}};
  EXPECT_TRUE(uniform_speed(long_one, 1.0).empty());
}

TEST(Smoothness, MissingTicksAreDrawnStraight) {
  const std::vector<MetricSample> samples{
      {10, 0.0, 0.1, 0.0, 0.0}, {11, 0.0, 0.2, 0.0, 0.0}, {15, 0.0, 0.6, 0.0, 0.0}};
  const std::vector<double> speed = uniform_speed(samples, -1.0);
  ASSERT_EQ(speed.size(), 6u);
  for (std::size_t i = 0; i < speed.size(); ++i) {
    EXPECT_NEAR(speed[i], -0.1 * static_cast<double>(i + 1), 1e-12);
  }
}

}  // namespace
}  // namespace medius::measure
