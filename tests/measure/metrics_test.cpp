// Metrics against the closed forms of a minimum-jerk repetition.
#include "controller/measure/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "tests/measure/trace.hpp"

namespace medius::measure {
namespace {

using test::Trace;

// 2-1-3 over 0.4 m: 60 N up, 78 N down, from tick 1000. Boundaries at the ends of the movements, so
// that the closed forms hold exactly.
struct Example {
  std::vector<MetricSample> samples;
  RepBoundary boundary;
  MetricConfig config;
};

Example example(double up_force_n = 60.0, double down_force_n = 78.0) {
  Trace trace;
  trace.move_to(0.40, 2.0);
  trace.hold(1.0);
  trace.move_to(0.0, 3.0);
  Example result;
  result.samples.push_back({1000, 0.0, 0.0, up_force_n, up_force_n});
  for (std::size_t i = 0; i < trace.points.size(); ++i) {
    const double force_n = i < 3000 ? up_force_n : down_force_n;
    result.samples.push_back(
        {1001 + i, trace.points[i].position_m, trace.points[i].velocity_mps, force_n, force_n});
  }
  result.boundary.index = 1;
  result.boundary.start_tick = 1000;
  result.boundary.peak_start_tick = 3000;
  result.boundary.peak_end_tick = 4001;
  result.boundary.end_tick = 7000;
  result.boundary.peak_position = 0.40;
  result.config.tempo = {2.0, 1.0, 3.0, 0.0};
  result.config.range_reference = 0.40;
  return result;
}

RepMetrics analyze(const Example& of) {
  return analyze_rep(of.samples, of.boundary, of.config);
}

TEST(Metrics, OfAMinimumJerkRepetitionAreItsClosedForms) {
  const RepMetrics metrics = analyze(example());
  EXPECT_EQ(metrics.definition_version, kDefinitionVersion);
  EXPECT_DOUBLE_EQ(metrics.range, 0.40);
  EXPECT_NEAR(metrics.concentric.duration_s, 2.0, 1e-9);
  EXPECT_NEAR(metrics.concentric.force_mean_time, 60.0, 1e-9);
  EXPECT_NEAR(metrics.concentric.force_mean_distance, 60.0, 1e-9);
  EXPECT_NEAR(metrics.concentric.force_peak, 60.0, 1e-9);
  EXPECT_NEAR(metrics.concentric.impulse, 120.0, 1e-9);
  EXPECT_NEAR(metrics.concentric.work_j, 24.0, 1e-9);
  EXPECT_NEAR(metrics.concentric.power_mean_w, 12.0, 1e-9);
  EXPECT_NEAR(metrics.concentric.velocity_mean, 0.20, 1e-9);
  EXPECT_NEAR(metrics.concentric.velocity_peak, 1.875 * 0.20, 1e-6);
  // The low-pass takes next to nothing off so slow a movement.
  EXPECT_NEAR(metrics.concentric.power_peak_w, 60.0 * 1.875 * 0.20, 0.02);
  EXPECT_EQ(metrics.concentric.force_error_rms, 0.0);
  EXPECT_NEAR(metrics.hold_s, 1.001, 1e-9);
  EXPECT_NEAR(metrics.eccentric.duration_s, 2.999, 1e-9);
  EXPECT_NEAR(metrics.eccentric.work_j, 78.0 * 0.40, 1e-6);
  EXPECT_NEAR(metrics.eccentric.velocity_peak, 1.875 * 0.40 / 3.0, 1e-6);
  EXPECT_NEAR(metrics.eccentric.force_mean_time, 78.0, 1e-9);
  EXPECT_NEAR(metrics.rendered_ratio, 1.3, 1e-12);
  EXPECT_NEAR(metrics.time_under_tension_s, 6.0, 1e-9);
  EXPECT_NEAR(metrics.tempo_error_percent, 100.0 * (0.0 + 0.001 + 0.001 / 3.0) / 3.0, 1e-6);
  EXPECT_EQ(metrics.quality, 0u);
}

// Force that grows with the way, 50 N + 100 N/m x: means by time and by distance differ when the
// way is not symmetric in time, and the work is the integral over the way.
TEST(Metrics, MeanOverTimeAndMeanOverDistanceAreDifferentThings) {
  Example of = example();
  for (MetricSample& sample : of.samples) sample.force_measured = 50.0 + 100.0 * sample.position;
  // Hold the first half of the concentric at the bottom: force is low for long, over no distance.
  for (MetricSample& sample : of.samples) {
    if (sample.tick < 2000) sample = {sample.tick, 0.0, 0.0, 50.0, 50.0};
  }
  const RepMetrics metrics = analyze(of);
  EXPECT_NEAR(metrics.concentric.work_j, 50.0 * 0.4 + 50.0 * 0.4 * 0.4, 1e-6);
  EXPECT_NEAR(metrics.concentric.force_mean_distance, 70.0, 1e-6);
  EXPECT_LT(metrics.concentric.force_mean_time, 70.0);
}

TEST(Metrics, TheRatioAndTheForceErrorLookAtTheMiddleEightyPercentOnly) {
  Example of = example();
  for (MetricSample& sample : of.samples) {
    const bool edge =
        sample.tick < 1199 || (sample.tick > 2801 && sample.tick < 4299) || sample.tick > 6702;
    if (edge) sample.force_measured = 200.0;
    if (!edge) sample.force_measured = sample.force_target + (sample.tick % 2 == 0 ? 3.0 : -3.0);
  }
  const RepMetrics metrics = analyze(of);
  EXPECT_NEAR(metrics.rendered_ratio, 1.3, 1e-3);
  EXPECT_NEAR(metrics.concentric.force_error_rms, 3.0, 1e-9);
  EXPECT_NEAR(metrics.eccentric.force_error_rms, 3.0, 1e-9);
  EXPECT_EQ(metrics.concentric.force_peak, 200.0);
}

// A first-order low-pass of 20 Hz passes 1/sqrt(2) of 20 Hz: the peak of a ripple must shrink so.
TEST(Metrics, PeakPowerIsTakenAfterATwentyHertzLowPass) {
  Example of = example();
  for (MetricSample& sample : of.samples) {
    const double t = 1e-3 * static_cast<double>(sample.tick);
    sample.velocity = 0.2;
    const double grown = std::min(1.0, t - 1.0);  // no jump for the filter to ring on
    sample.force_measured = 100.0 + 50.0 * grown * std::sin(2.0 * M_PI * 20.0 * t);
  }
  EXPECT_NEAR(analyze(of).concentric.power_peak_w, 0.2 * (100.0 + 50.0 * 0.7071), 0.2);
}

TEST(Metrics, TimeUnderTensionCountsOnlyForceAboveHalfTheTarget) {
  Example of = example();
  for (MetricSample& sample : of.samples) {
    if (sample.tick > 3000 && sample.tick <= 4000) sample.force_measured = 20.0;
  }
  EXPECT_NEAR(analyze(of).time_under_tension_s, 5.0, 1e-9);
}

TEST(Metrics, FlagTempoHoldRangeAndProvisional) {
  Example of = example();
  of.config.tempo = {4.0, 3.0, 1.5, 0.0};
  of.config.range_reference = 0.50;
  of.boundary.provisional = true;
  EXPECT_EQ(analyze(of).quality,
            std::uint32_t{kQualityTempoFast} | std::uint32_t{kQualityTempoSlow} |
                std::uint32_t{kQualityHoldShort} | std::uint32_t{kQualityRangeShort} |
                std::uint32_t{kQualityProvisional});
  of.config.tempo = {};
  of.config.range_reference = 0.0;
  of.boundary.provisional = false;
  const RepMetrics metrics = analyze(of);
  EXPECT_EQ(metrics.quality, 0u);
  EXPECT_EQ(metrics.tempo_error_percent, 0.0);
}

TEST(Metrics, TheBottomBelongsToTheRepetitionAfterIt) {
  Example of = example();
  of.config.tempo.bottom_s = 0.4;
  EXPECT_EQ(analyze(of).bottom_s, 0.0);
  const double first = analyze(of).tempo_error_percent;
  of.config.previous_end_tick = 200;
  EXPECT_NEAR(analyze(of).bottom_s, 0.8, 1e-12);
  EXPECT_NEAR(analyze(of).tempo_error_percent, (3.0 * first + 100.0) / 4.0, 1e-6);
}

TEST(Metrics, ASwungStartIsMomentumAndAMinimumJerkLiftIsNot) {
  Trace swung;
  swung.move_to(0.25, 0.5);
  swung.move_to(0.40, 1.5);
  Example of = example();
  for (std::size_t i = 0; i < swung.points.size(); ++i) {
    of.samples[i + 1].position = swung.points[i].position_m;
    of.samples[i + 1].velocity = swung.points[i].velocity_mps;
  }
  EXPECT_EQ(analyze(of).quality, std::uint32_t{kQualityMomentum});
}

TEST(Metrics, MissingSamplesAreSaidAndSpoilNoIntegral) {
  Example of = example();
  const auto gap = of.samples.begin() + 700;
  of.samples.erase(gap, gap + 5);
  const RepMetrics metrics = analyze(of);
  EXPECT_EQ(metrics.quality, std::uint32_t{kQualitySamplesMissing});
  EXPECT_NEAR(metrics.concentric.impulse, 120.0, 1e-9);
  EXPECT_NEAR(metrics.concentric.work_j, 24.0, 1e-9);

  const RepMetrics nothing = analyze_rep({}, of.boundary, of.config);
  EXPECT_NE(nothing.quality & kQualitySamplesMissing, 0u);
  EXPECT_EQ(nothing.concentric.work_j, 0.0);
  EXPECT_EQ(nothing.rendered_ratio, 0.0);
}

TEST(Metrics, SamplesAroundTheRepetitionDoNotMatter) {
  Example of = example();
  const RepMetrics alone = analyze(of);
  of.samples.insert(of.samples.begin(), {999, 9.0, 9.0, 999.0, 999.0});
  of.samples.push_back({7001, 9.0, 9.0, 999.0, 999.0});
  const RepMetrics among = analyze(of);
  EXPECT_EQ(among.concentric.work_j, alone.concentric.work_j);
  EXPECT_EQ(among.eccentric.force_peak, alone.eccentric.force_peak);
  EXPECT_EQ(among.quality, alone.quality);
}

TEST(Metrics, ProvisionalRepetitionsAreJudgedOnceTheRangeIsKnown) {
  std::vector<RepMetrics> reps(4);
  const double ranges_m[] = {0.05, 0.18, 0.40, 0.39};
  for (std::size_t i = 0; i < reps.size(); ++i) {
    reps[i].range = ranges_m[i];
    reps[i].kind = RepKind::kFull;
    reps[i].index = static_cast<std::uint32_t>(i + 1);
    if (i < 3) reps[i].quality = kQualityProvisional;
  }
  resolve_provisional(reps, 0.0, {});
  EXPECT_EQ(reps[0].kind, RepKind::kRejected);
  EXPECT_EQ(reps[0].rejection, RepRejection::kTooShort);
  EXPECT_EQ(reps[0].index, 0u);
  EXPECT_EQ(reps[1].kind, RepKind::kPartial);
  EXPECT_EQ(reps[1].index, 1u);
  EXPECT_EQ(reps[2].kind, RepKind::kFull);
  EXPECT_EQ(reps[3].index, 3u);
  for (const RepMetrics& rep : reps) EXPECT_EQ(rep.quality & kQualityProvisional, 0u);
}

}  // namespace
}  // namespace medius::measure
