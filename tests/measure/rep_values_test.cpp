// The table's values of a repetition: closed forms, invariances, and what must be missing.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "controller/base/random.hpp"
#include "controller/measure/metrics.hpp"
#include "tests/measure/trace.hpp"

namespace medius::measure {
namespace {

using test::Trace;

struct Example {
  std::vector<MetricSample> samples;
  RepBoundary boundary;
  MetricConfig config;
};

// 2-1-3 over 0.4 m at 60 and 78 N, boundaries at the ends of the movements.
Example example() {
  Trace trace;
  trace.move_to(0.40, 2.0);
  trace.hold(1.0);
  trace.move_to(0.0, 3.0);
  Example out;
  out.samples.push_back({1000, 0.0, 0.0, 60.0, 60.0});
  for (std::size_t i = 0; i < trace.points.size(); ++i) {
    const double force_n = i < 3000 ? 60.0 : 78.0;
    out.samples.push_back(
        {1001 + i, trace.points[i].position_m, trace.points[i].velocity_mps, force_n, force_n});
  }
  out.boundary = {1,  RepKind::kFull, RepRejection::kNone, false, 1000, 3000, 4000, 7000, 0.0, 0.40,
                  0.0};
  out.config.tempo = {2.0, 1.0, 3.0, 0.0};
  return out;
}

RepMetrics analyze(const Example& of) {
  return analyze_rep(of.samples, of.boundary, of.config);
}

MetricValue value_of(const RepMetrics& metrics, MetricId id) {
  const MetricValue* value = find_value(metrics.values, id);
  EXPECT_NE(value, nullptr) << static_cast<int>(id);
  return value != nullptr ? *value : MetricValue{};
}

TEST(MetricTable, NamesEveryMetricOnceWithUnitDefinitionAndVersion) {
  std::set<std::string> keys;
  std::set<std::uint16_t> ids;
  for (const MetricDefinition& definition : metric_definitions()) {
    EXPECT_TRUE(keys.insert(definition.key).second) << definition.key;
    EXPECT_TRUE(ids.insert(static_cast<std::uint16_t>(definition.id)).second) << definition.key;
    EXPECT_GE(definition.version, 1) << definition.key;
    EXPECT_GT(std::string(definition.definition).size(), 20u) << definition.key;
    EXPECT_GT(std::string(definition.uncertainty).size(), 5u) << definition.key;
    EXPECT_EQ(find_metric(definition.id), &definition);
    EXPECT_EQ(find_metric(std::string_view(definition.key)), &definition);
  }
  EXPECT_EQ(find_metric(MetricId::kNone), nullptr);
  EXPECT_EQ(find_metric(std::string_view("no such metric")), nullptr);
}

TEST(RepValues, AreAllOfTheTableInItsOrderWithItsVersions) {
  const RepMetrics metrics = analyze(example());
  std::size_t at = 0;
  for (const MetricDefinition& definition : metric_definitions()) {
    if (definition.scope != MetricScope::kRepetition) continue;
    ASSERT_LT(at, metrics.values.size());
    EXPECT_EQ(metrics.values[at].id, definition.id) << definition.key;
    EXPECT_EQ(metrics.values[at].version, definition.version) << definition.key;
    ++at;
  }
  EXPECT_EQ(at, metrics.values.size());
}

TEST(RepValues, OfAMinimumJerkRepetitionAreItsClosedForms) {
  const RepMetrics metrics = analyze(example());
  EXPECT_EQ(value_of(metrics, MetricId::kWork).value, metrics.concentric.work_j);
  EXPECT_EQ(value_of(metrics, eccentric(MetricId::kForcePeak)).value, metrics.eccentric.force_peak);
  EXPECT_NEAR(value_of(metrics, MetricId::kLdlj).value, -std::log(204.8), 0.003);
  EXPECT_NEAR(value_of(metrics, eccentric(MetricId::kLdlj)).value, -std::log(204.8), 0.003);
  EXPECT_NEAR(value_of(metrics, MetricId::kSparc).value, -1.402, 5e-4);
  // Force as asked for to the end: all of it is propulsive.
  EXPECT_NEAR(value_of(metrics, MetricId::kVelocityPropulsive).value, 0.20, 1e-9);
  // Speed 30 s^2 (1 - s)^2 D / T over s = 0.1 .. 0.9: its moments in closed form.
  const auto moment = [](int power) {
    double sum = 0.0;
    for (int i = 0; i <= 100000; ++i) {
      const double s = 0.1 + 0.8 * i / 100000.0;
      sum += std::pow(30.0 * s * s * (1.0 - s) * (1.0 - s), power) / 100001.0;
    }
    return sum;
  };
  const double mean = moment(1);
  const double variation = 100.0 * std::sqrt(moment(2) - mean * mean) / mean;
  EXPECT_NEAR(value_of(metrics, MetricId::kEccentricControl).value, variation, 0.05);
}

// With 20 kg programmed the person brakes in the second half: the force falls below the 60 N, and
// what remains is the part until then.
TEST(RepValues, BrakingAProgrammedMassEndsThePropulsivePart) {
  constexpr double kMassKg = 20.0;
  Example of = example();
  of.config.programmed_inertia = kMassKg;
  std::uint64_t last = 0;
  for (MetricSample& sample : of.samples) {
    if (sample.tick > 3000) continue;
    const double s = 5e-4 * static_cast<double>(sample.tick - 1000);
    const double acceleration = 0.4 / 4.0 * (60.0 * s - 180.0 * s * s + 120.0 * s * s * s);
    sample.force_target = sample.force_measured = 60.0 + kMassKg * acceleration;
    // Within the 2 % that are let pass.
    if (sample.force_measured >= 0.98 * 60.0) last = sample.tick;
  }
  // It brakes from the middle on; at the very end the braking fades out and 0.98 holds again.
  EXPECT_EQ(last, 3000u);
  for (MetricSample& sample : of.samples) {
    if (sample.tick > 2900 && sample.tick <= 3000) sample.force_measured -= 5.0;
  }
  const double s = 0.5;  // the acceleration changes its sign here; 2 % of 60 N come 11 ticks later
  const RepMetrics metrics = analyze(of);
  EXPECT_NEAR(value_of(metrics, MetricId::kVelocityPropulsive).value, 0.2 / (2.0 * s), 0.01);
  EXPECT_GT(value_of(metrics, MetricId::kVelocityPropulsive).value,
            1.0 * metrics.concentric.velocity_mean * 0.9);
  // Negative control: told of no mass, the target itself is the load and all is propulsive but the
  // last tenth.
  of.config.programmed_inertia = 0.0;
  EXPECT_NEAR(value_of(analyze(of), MetricId::kVelocityPropulsive).value, 0.4 / 1.9, 0.003);
}

TEST(RepValues, ForceMetricsScaleWithForceAndSpeedMetricsDoNot) {
  const RepMetrics one = analyze(example());
  Example of = example();
  for (MetricSample& sample : of.samples) {
    sample.force_measured *= 3.0;
    sample.force_target *= 3.0;
  }
  const RepMetrics three = analyze(of);
  for (const MetricDefinition& definition : metric_definitions()) {
    if (definition.scope != MetricScope::kRepetition) continue;
    const bool scales =
        definition.unit == MetricUnit::kForce || definition.unit == MetricUnit::kImpulse ||
        definition.unit == MetricUnit::kJoule || definition.unit == MetricUnit::kWatt;
    const double before = value_of(one, definition.id).value;
    EXPECT_NEAR(value_of(three, definition.id).value, (scales ? 3.0 : 1.0) * before,
                1e-9 * (1.0 + std::fabs(before)))
        << definition.key;
  }
}

// Up and down change places when a repetition runs backwards: work, mean force, speed and
// smoothness of the one are the other's.
TEST(RepValues, ARepetitionRunBackwardsChangesItsPhases) {
  const Example forward = example();
  Example backward = forward;
  std::reverse(backward.samples.begin(), backward.samples.end());
  for (std::size_t i = 0; i < backward.samples.size(); ++i) {
    backward.samples[i].tick = 1000 + i;
    backward.samples[i].velocity = -backward.samples[i].velocity;
  }
  backward.boundary.peak_start_tick = 4000;
  backward.boundary.peak_end_tick = 5000;
  const RepMetrics one = analyze(forward);
  const RepMetrics other = analyze(backward);
  for (const MetricId id : {MetricId::kDuration, MetricId::kForceMeanTime, MetricId::kImpulse,
                            MetricId::kWork, MetricId::kVelocityMean, MetricId::kVelocityPeak,
                            MetricId::kSparc, MetricId::kLdlj, MetricId::kForceErrorRms}) {
    const double expected = value_of(one, id).value;
    const double tolerance = 1e-3 * (1.0 + std::fabs(expected));
    EXPECT_NEAR(value_of(other, eccentric(id)).value, expected, tolerance) << static_cast<int>(id);
  }
  EXPECT_NEAR(value_of(other, MetricId::kRenderedRatio).value,
              1.0 / value_of(one, MetricId::kRenderedRatio).value, 1e-3);
}

// Each value, measured through noise and an encoder's steps, is within five stated standard
// uncertainties and the noise's own bias of the clean one, for the metrics that are linear in it.
TEST(RepValues, UncertaintyCoversNoiseAndQuantisation) {
  const RepMetrics clean = analyze(example());
  Random random(3);
  for (int trial = 0; trial < 20; ++trial) {
    Example of = example();
    for (MetricSample& sample : of.samples) {
      sample.position = 1e-5 * std::floor(sample.position / 1e-5);
      sample.force_measured += 0.3 * random.normal();
      sample.velocity += 5e-4 * random.normal();
    }
    const RepMetrics noisy = analyze(of);
    for (const MetricId id :
         {MetricId::kForceMeanTime, MetricId::kForceMeanDistance, MetricId::kImpulse,
          MetricId::kWork, MetricId::kPowerMean, MetricId::kVelocityMean, MetricId::kDuration,
          MetricId::kRenderedRatio, MetricId::kRange}) {
      const MetricValue value = value_of(noisy, id);
      EXPECT_GT(value.uncertainty, 0.0) << static_cast<int>(id);
      EXPECT_NEAR(value.value, value_of(clean, id).value, 5.0 * value.uncertainty)
          << static_cast<int>(id);
      EXPECT_EQ(value.flags, 0u) << static_cast<int>(id);
    }
  }
}

TEST(RepValues, AreFiniteWhateverTheSamplesAre) {
  Random random(4);
  for (int trial = 0; trial < 300; ++trial) {
    Example of = example();
    for (int i = 0; i < 50; ++i) {
      MetricSample& sample =
          of.samples[random.below(static_cast<std::uint32_t>(of.samples.size()))];
      double* const fields[] = {&sample.position, &sample.velocity, &sample.force_measured,
                                &sample.force_target};
      const double infinite = std::numeric_limits<double>::infinity();
      const double nasty[] = {std::nan(""), infinite, -infinite, 1e308, -1e308, 0.0};
      *fields[random.below(4)] = nasty[random.below(6)];
    }
    if (trial % 3 == 0) of.samples.resize(random.below(40));
    if (trial % 3 == 1) of.boundary.peak_start_tick = 1000 + random.below(200);
    const RepMetrics metrics = analyze(of);
    for (const MetricValue& value : metrics.values) {
      EXPECT_TRUE(std::isfinite(value.value)) << static_cast<int>(value.id);
      EXPECT_TRUE(std::isfinite(value.uncertainty)) << static_cast<int>(value.id);
      if ((value.flags & kValueMissing) != 0) {
        EXPECT_EQ(value.value, 0.0);
      }
    }
  }
}

TEST(RepValues, ASampleThatIsNotANumberCountsAsMissing) {
  Example of = example();
  of.samples[500].force_measured = std::nan("");
  of.samples[900].position = std::numeric_limits<double>::infinity();
  const RepMetrics metrics = analyze(of);
  EXPECT_NE(metrics.quality & kQualitySamplesMissing, 0u);
  EXPECT_NEAR(metrics.concentric.impulse, 120.0, 1e-9);
  EXPECT_NE(value_of(metrics, MetricId::kWork).flags & kValueSamplesMissing, 0u);
}

TEST(RepValues, HipDegreesNeedALeverOrACalibratedTriangle) {
  Example of = example();
  EXPECT_NE(value_of(analyze(of), MetricId::kRangeHip).flags & kValueUncalibrated, 0u);
  of.config.lever = true;
  EXPECT_NEAR(value_of(analyze(of), MetricId::kRangeHip).value, 0.4 * 180.0 / M_PI, 1e-9);
  of.config.lever = false;
  of.config.geometry = {true, 0.78, 0.9, 0.80, 0.1};
  // Forwards: angle to length.
  const auto length = [](double angle) {
    return std::sqrt(0.9 * 0.9 + 0.78 * 0.78 + 0.8 * 0.8 +
                     2.0 * 0.8 * (0.9 * std::sin(angle) - 0.78 * std::cos(angle)));
  };
  for (const double from_deg : {-10.0, 0.0, 5.0}) {
    for (const double to_deg : {15.0, 30.0, 45.0}) {
      const double zero = length(0.0) - 0.1;
      of.boundary.bottom_position = length(from_deg * M_PI / 180.0) - zero;
      of.boundary.peak_position = length(to_deg * M_PI / 180.0) - zero;
      EXPECT_NEAR(value_of(analyze(of), MetricId::kRangeHip).value, to_deg - from_deg, 1e-9);
    }
  }
  of.boundary.peak_position = 9.0;  // no leg is that long
  EXPECT_NE(value_of(analyze(of), MetricId::kRangeHip).flags & kValueMissing, 0u);
}

}  // namespace
}  // namespace medius::measure
