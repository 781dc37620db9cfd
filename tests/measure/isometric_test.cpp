// Isometric efforts with rises known in closed form.
#include "controller/measure/isometric.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "controller/base/random.hpp"

namespace medius::measure {
namespace {

constexpr double kBaselineN = 12.0;

struct Script {
  double peak_n = 200.0;
  double time_constant_s = 0.1;  // of the rise
  double effort_s = 3.0;
};

// Quiet, then 1 - e^(-t / tau) up to the peak, a quick fall, quiet.
void effort(std::vector<MetricSample>& samples, const Script& script) {
  const auto add = [&](double force_n) {
    samples.push_back({100 + samples.size(), 0.0, 0.0, kBaselineN + force_n, 0.0});
  };
  for (int i = 0; i < 1000; ++i) add(0.0);
  const int ticks = static_cast<int>(1000.0 * script.effort_s);
  for (int i = 1; i <= ticks; ++i) {
    add(script.peak_n * (1.0 - std::exp(-1e-3 * i / script.time_constant_s)));
  }
  for (int i = 1; i <= 100; ++i) add(script.peak_n * (1.0 - 0.01 * i));
  for (int i = 0; i < 1000; ++i) add(0.0);
}

double value_of(const std::vector<MetricValue>& values, MetricId id) {
  const MetricValue* value = find_value(values, id);
  EXPECT_NE(value, nullptr);
  EXPECT_EQ(value->flags & kValueMissing, 0u);
  return value->value;
}

TEST(Isometric, RatesOfAnExponentialRiseAreTheClosedForms) {
  std::vector<MetricSample> samples;
  effort(samples, {});
  const auto efforts = find_efforts(samples, {});
  ASSERT_EQ(efforts.size(), 1u);
  // The last tick at the baseline is the thousandth.
  EXPECT_EQ(efforts[0].onset_tick, 100u + 999u);
  EXPECT_NEAR(efforts[0].baseline, kBaselineN, 1e-9);
  EXPECT_NEAR(efforts[0].peak, 200.0, 1e-6);
  EXPECT_NEAR(efforts[0].rfd_100, 200.0 * (1.0 - std::exp(-1.0)) / 0.1, 1e-6);
  EXPECT_NEAR(efforts[0].rfd_200, 200.0 * (1.0 - std::exp(-2.0)) / 0.2, 1e-6);
}

TEST(Isometric, ScaleWithTheForceAndNotWithTheBaseline) {
  for (const double scale : {0.5, 2.0, 5.0}) {
    std::vector<MetricSample> samples;
    effort(samples, {200.0 * scale, 0.1, 3.0});
    for (MetricSample& sample : samples) sample.force_measured += 40.0;
    const auto efforts = find_efforts(samples, {});
    ASSERT_EQ(efforts.size(), 1u);
    EXPECT_NEAR(efforts[0].rfd_100, scale * 200.0 * (1.0 - std::exp(-1.0)) / 0.1, 1e-6);
    EXPECT_NEAR(efforts[0].peak, scale * 200.0, 1e-6);
  }
}

TEST(Isometric, TheVariationIsThatOfThePeaks) {
  std::vector<MetricSample> samples;
  for (const double peak_n : {190.0, 200.0, 210.0}) effort(samples, {peak_n, 0.1, 3.0});
  const auto efforts = find_efforts(samples, {});
  ASSERT_EQ(efforts.size(), 3u);
  const auto values = isometric_metrics(efforts, {});
  EXPECT_NEAR(value_of(values, MetricId::kIsometricPeak), 210.0, 1e-6);
  EXPECT_NEAR(value_of(values, MetricId::kIsometricVariation), 5.0, 1e-6);
  EXPECT_NEAR(value_of(values, MetricId::kIsometricRfd200), 210.0 * (1.0 - std::exp(-2.0)) / 0.2,
              1e-6);
}

// 0.3 N of load-cell noise, as in the simulated machine: within four standard uncertainties.
TEST(Isometric, NoiseMovesTheRatesByNoMoreThanTheirUncertainty) {
  Random random(11);
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<MetricSample> samples;
    effort(samples, {});
    for (MetricSample& sample : samples) sample.force_measured += 0.3 * random.normal();
    const auto efforts = find_efforts(samples, {});
    ASSERT_EQ(efforts.size(), 1u);
    const auto values = isometric_metrics(efforts, {});
    const MetricValue* rate = find_value(values, MetricId::kIsometricRfd100);
    ASSERT_NE(rate, nullptr);
    EXPECT_NEAR(rate->value, 200.0 * (1.0 - std::exp(-1.0)) / 0.1, 4.0 * rate->uncertainty);
    EXPECT_LT(rate->uncertainty, 0.02 * rate->value);
  }
}

TEST(Isometric, KnocksTwitchesAndDriftAreNoEfforts) {
  std::vector<MetricSample> samples;
  for (std::size_t i = 0; i < 10000; ++i) {
    double force_n = kBaselineN + 2e-4 * static_cast<double>(i);  // drifts by 2 N
    if (i >= 3000 && i < 3030) force_n += 60.0;                   // a knock of 30 ms
    if (i >= 6000 && i < 6300) force_n += 40.0;                   // a twitch of 0.3 s
    samples.push_back({i, 0.0, 0.0, force_n, 0.0});
  }
  EXPECT_TRUE(find_efforts(samples, {}).empty());
  const auto values = isometric_metrics({}, {});
  for (const MetricValue& value : values) EXPECT_NE(value.flags & kValueMissing, 0u);
}

TEST(Isometric, SurvivesWhatIsNotANumber) {
  std::vector<MetricSample> samples;
  effort(samples, {});
  for (std::size_t i = 0; i < samples.size(); i += 37) samples[i].force_measured = std::nan("");
  for (const MetricValue& value : isometric_metrics(find_efforts(samples, {}), {})) {
    EXPECT_TRUE(std::isfinite(value.value));
    EXPECT_TRUE(std::isfinite(value.uncertainty));
  }
  EXPECT_TRUE(find_efforts({}, {}).empty());
}

}  // namespace
}  // namespace medius::measure
