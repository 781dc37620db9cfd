#include "controller/measure/pelvis.hpp"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "controller/base/random.hpp"

namespace medius::measure {
namespace {

constexpr double kDegree = det::kPi / 180.0;

// Tilt of a pelvis over time, as a sensor sees it.
template <typename Tilt>
std::vector<MetricSample> worn(double seconds, Tilt tilt_rad) {
  std::vector<MetricSample> samples;
  const int ticks = static_cast<int>(seconds * 1000.0 + 0.5);
  for (int i = 0; i < ticks; ++i) {
    MetricSample sample;
    sample.tick = 1000 + static_cast<std::uint64_t>(i);
    sample.pelvis_tilt_rad = tilt_rad(i * 1e-3);
    sample.pelvis_seen = true;
    samples.push_back(sample);
  }
  return samples;
}

double bump(double t, double top_rad) {  // up and down once within 6 s
  return 0.5 * top_rad * (1.0 - std::cos(2.0 * det::kPi * t / 6.0));
}

TEST(PelvicDrop, IsThePeakOverTheStartWhateverTheBeltsOwnTilt) {
  for (const double belt : {-0.2, 0.0, 0.1}) {
    for (const double top : {0.0, 2.0 * kDegree, 9.0 * kDegree}) {
      const auto samples = worn(6.0, [&](double t) { return belt + bump(t, top); });
      const PelvicDrop drop = pelvic_drop(samples, 1e-3);
      ASSERT_TRUE(drop.known);
      // The means flatten the peak and lift the start by a part in a thousand each.
      EXPECT_NEAR(drop.drop_rad, top, 0.003 * top + 1e-9) << belt;
    }
  }
}

TEST(PelvicDrop, OfAPelvisThatRisesIsNone) {
  const auto samples = worn(6.0, [](double t) { return -bump(t, 5.0 * kDegree); });
  const PelvicDrop drop = pelvic_drop(samples, 1e-3);
  EXPECT_TRUE(drop.known);
  EXPECT_EQ(drop.drop_rad, 0.0);
}

TEST(PelvicDrop, IsNotAShakeOfTheBelt) {
  const auto samples = worn(6.0, [](double t) { return t > 3.0 && t < 3.02 ? 0.3 : 0.0; });
  EXPECT_LT(pelvic_drop(samples, 1e-3).drop_rad, 0.21 * 0.3);
}

TEST(PelvicDrop, ItsUncertaintyIsTheScatterThatNoiseGivesIt) {
  Random random(7, 1);
  double squares = 0.0, mean = 0.0, told = 0.0;
  constexpr int kRuns = 200;
  for (int run = 0; run < kRuns; ++run) {
    const auto samples = worn(2.0, [&](double t) {
      return 0.05 * (t > 0.1 ? 1.0 - std::exp(-(t - 0.1) / 0.3) : 0.0) * (t < 1.9) +
             0.002 * random.normal();
    });
    const PelvicDrop drop = pelvic_drop(samples, 1e-3);
    mean += drop.drop_rad / kRuns;
    squares += drop.drop_rad * drop.drop_rad / kRuns;
    told += drop.uncertainty_rad / kRuns;
  }
  const double scatter = std::sqrt(squares - mean * mean);
  EXPECT_GT(told, 0.5 * scatter);
  EXPECT_LT(told, 2.0 * scatter);
}

TEST(PelvicDrop, WithoutASensorIsNotMeasured) {
  auto samples = worn(6.0, [](double t) { return bump(t, 9.0 * kDegree); });
  for (MetricSample& sample : samples) sample.pelvis_seen = false;
  EXPECT_FALSE(pelvic_drop(samples, 1e-3).sensed);
  EXPECT_FALSE(pelvic_drop(samples, 1e-3).known);
  EXPECT_FALSE(pelvic_drop({}, 1e-3).sensed);
}

TEST(PelvicDrop, OfASensorThatWasAwayIsNotKnown) {
  auto samples = worn(6.0, [](double t) { return bump(t, 9.0 * kDegree); });
  for (std::size_t i = 2500; i < 3400; ++i) samples[i].pelvis_seen = false;
  EXPECT_FALSE(pelvic_drop(samples, 1e-3).known);
  EXPECT_TRUE(pelvic_drop(samples, 1e-3).sensed);
  for (std::size_t i = 2800; i < 3400; ++i) samples[i].pelvis_seen = true;
  EXPECT_TRUE(pelvic_drop(samples, 1e-3).known);
  for (std::size_t i = 0; i < 90; ++i) samples[i].pelvis_seen = false;  // no start
  EXPECT_FALSE(pelvic_drop(samples, 1e-3).known);
}

TEST(PelvicDrop, IsAValueOfTheRepetitionAndAFlagBeyondFiveDegrees) {
  RepBoundary boundary;
  boundary.start_tick = 1000;
  boundary.peak_start_tick = 2900;
  boundary.peak_end_tick = 3100;
  boundary.end_tick = 6999;
  for (const double degrees : {4.9, 5.1}) {
    const auto samples = worn(6.0, [&](double t) { return bump(t, degrees * kDegree); });
    const RepMetrics metrics = analyze_rep(samples, boundary, {});
    const MetricValue* value = find_value(metrics.values, MetricId::kPelvicDrop);
    ASSERT_NE(value, nullptr);
    EXPECT_NEAR(value->value, degrees, 0.02);
    EXPECT_EQ(value->flags & kValueMissing, 0u);
    EXPECT_EQ((metrics.quality & kQualityPelvicDrop) != 0, degrees > 5.0);
  }
  auto blind = worn(6.0, [](double t) { return bump(t, 9.0 * kDegree); });
  for (MetricSample& sample : blind) sample.pelvis_seen = false;
  const RepMetrics metrics = analyze_rep(blind, boundary, {});
  const MetricValue* value = find_value(metrics.values, MetricId::kPelvicDrop);
  ASSERT_NE(value, nullptr);
  EXPECT_EQ(value->flags, std::uint32_t{kValueMissing | kValueNotMeasured});
  EXPECT_EQ(metrics.quality & kQualityPelvicDrop, 0u) << "what nobody saw is no fault";
}

// Level for a second, then down to `low_rad` from `at_s` on for `for_s` of standing.
std::vector<MetricSample> stance(double low_rad, double at_s, double for_s, double all_s = 31.2) {
  return worn(all_s, [=](double t) {
    const double s = t - 1.0;
    return 0.03 + (s >= at_s && s < at_s + for_s ? low_rad : 0.0);
  });
}

TEST(SingleLegStance, ALevelPelvisIsHeld) {
  const StanceResult result = single_leg_stance(stance(4.0 * kDegree, 5.0, 30.0), {});
  EXPECT_TRUE(result.measured);
  EXPECT_TRUE(result.held);
  EXPECT_FALSE(result.dropped);
  EXPECT_NEAR(result.drop_rad, 4.0 * kDegree, 1e-6);
  EXPECT_NEAR(result.stood_s, 30.0, 0.01);
  EXPECT_EQ(result.until_drop_s, result.stood_s);
  EXPECT_NEAR(result.mean_rad, 4.0 * kDegree * 25.0 / 30.0, 1e-3);
}

TEST(SingleLegStance, ADropThatLastsIsADropFromWhenItBegan) {
  const StanceResult result = single_leg_stance(stance(8.0 * kDegree, 12.0, 3.0), {});
  EXPECT_TRUE(result.dropped);
  EXPECT_FALSE(result.held);
  EXPECT_NEAR(result.until_drop_s, 12.0, 0.11);
  EXPECT_NEAR(result.drop_rad, 8.0 * kDegree, 1e-6);
}

TEST(SingleLegStance, ACorrectionOfBalanceIsNone) {
  const StanceResult result = single_leg_stance(stance(8.0 * kDegree, 12.0, 0.35), {});
  EXPECT_TRUE(result.held);
  EXPECT_NEAR(result.drop_rad, 8.0 * kDegree, 1e-6) << "but it is told";
}

TEST(SingleLegStance, AFootThatComesDownEarlyDidNotHold) {
  const StanceResult result = single_leg_stance(stance(0.0, 5.0, 1.0, 21.0), {});
  EXPECT_TRUE(result.measured);
  EXPECT_FALSE(result.held);
  EXPECT_FALSE(result.dropped);
  EXPECT_NEAR(result.stood_s, 20.0, 0.01);
}

TEST(SingleLegStance, WithoutASensorNothingIsJudged) {
  auto samples = stance(8.0 * kDegree, 12.0, 3.0);
  for (MetricSample& sample : samples) sample.pelvis_seen = false;
  const StanceResult result = single_leg_stance(samples, {});
  EXPECT_FALSE(result.measured);
  EXPECT_FALSE(result.held);
  EXPECT_FALSE(single_leg_stance({}, {}).measured);
}

}  // namespace
}  // namespace medius::measure
