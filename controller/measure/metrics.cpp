#include "controller/measure/metrics.hpp"

#include <algorithm>
#include <iterator>

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"
#include "controller/measure/pelvis.hpp"
#include "controller/measure/rep_values.hpp"
#include "controller/measure/samples.hpp"

namespace medius::measure {
namespace {

constexpr double kMomentumPart = 0.25;  // of the concentric's duration

double mean_force(Samples samples) {
  if (samples.empty()) return 0.0;
  double sum = 0.0;
  for (const MetricSample& sample : samples) sum += sample.force_measured;
  return sum / static_cast<double>(samples.size());
}

double force_error_rms(Samples samples) {
  if (samples.empty()) return 0.0;
  double sum = 0.0;
  for (const MetricSample& sample : samples) {
    const double error = sample.force_measured - sample.force_target;
    sum += error * error;
  }
  return det::sqrt(sum / static_cast<double>(samples.size()));
}

// direction +1: concentric, -1: eccentric.
PhaseMetrics analyze_phase(Samples samples, double direction, double dt_s) {
  PhaseMetrics metrics;
  if (samples.size() < 2) return metrics;
  const double gain = 1.0 - det::exp(-2.0 * det::kPi * kPowerCutOffHz * dt_s);
  double work_j = 0.0;
  double power_w = direction * samples[0].force_measured * samples[0].velocity;
  metrics.power_peak_w = at_least(power_w, 0.0);
  metrics.force_peak = samples[0].force_measured;
  metrics.velocity_peak = at_least(direction * samples[0].velocity, 0.0);
  for (std::size_t i = 1; i < samples.size(); ++i) {
    const MetricSample& a = samples[i - 1];
    const MetricSample& b = samples[i];
    const double force = 0.5 * (a.force_measured + b.force_measured);
    metrics.impulse += force * seconds(a.tick, b.tick, dt_s);
    work_j += force * (b.position - a.position);
    power_w += gain * (direction * b.force_measured * b.velocity - power_w);
    metrics.power_peak_w = at_least(metrics.power_peak_w, power_w);
    metrics.force_peak = at_least(metrics.force_peak, b.force_measured);
    metrics.velocity_peak = at_least(metrics.velocity_peak, direction * b.velocity);
  }
  metrics.duration_s = seconds(samples.front().tick, samples.back().tick, dt_s);
  const double travel = absolute(samples.back().position - samples.front().position);
  metrics.work_j = absolute(work_j);
  metrics.force_mean_time = metrics.impulse / metrics.duration_s;
  if (travel > 0.0) metrics.force_mean_distance = metrics.work_j / travel;
  metrics.power_mean_w = metrics.work_j / metrics.duration_s;
  metrics.velocity_mean = travel / metrics.duration_s;
  metrics.force_error_rms = force_error_rms(middle(samples));
  return metrics;
}

double time_under_tension_s(Samples samples, double dt_s) {
  double sum_s = 0.0;
  for (std::size_t i = 1; i < samples.size(); ++i) {
    if (samples[i].force_measured > 0.5 * samples[i].force_target) {
      sum_s += seconds(samples[i - 1].tick, samples[i].tick, dt_s);
    }
  }
  return sum_s;
}

bool complete(Samples samples, const RepBoundary& boundary) {
  return !samples.empty() && samples.front().tick == boundary.start_tick &&
         samples.back().tick == boundary.end_tick &&
         samples.size() == boundary.end_tick - boundary.start_tick + 1;
}

struct TempoPart {
  double actual_s, prescribed_s;
};

void judge_tempo(const MetricConfig& config, RepMetrics& metrics) {
  const TempoPart parts[] = {{metrics.concentric.duration_s, config.tempo.concentric_s},
                             {metrics.eccentric.duration_s, config.tempo.eccentric_s},
                             {metrics.hold_s, config.tempo.hold_s},
                             {metrics.bottom_s, config.tempo.bottom_s}};
  const bool first = config.previous_end_tick == 0;
  double sum = 0.0;
  int count = 0;
  for (int i = 0; i < 4; ++i) {
    const TempoPart& part = parts[i];
    if (!(part.prescribed_s > 0.0) || (i == 3 && first)) continue;
    sum += absolute(part.actual_s - part.prescribed_s) / part.prescribed_s;
    ++count;
    const bool moving = i < 2;
    const bool shorter = part.actual_s < (1.0 - config.tempo_tolerance) * part.prescribed_s;
    if (moving && shorter) metrics.quality |= kQualityTempoFast;
    if (moving && part.actual_s > (1.0 + config.tempo_tolerance) * part.prescribed_s) {
      metrics.quality |= kQualityTempoSlow;
    }
    if (i == 2 && shorter) metrics.quality |= kQualityHoldShort;
  }
  if (count > 0) metrics.tempo_error_percent = 100.0 * sum / count;
}

bool has_momentum(Samples concentric, const PhaseMetrics& metrics, const MetricConfig& config) {
  if (concentric.empty() || !(metrics.velocity_mean > 0.0)) return false;
  const std::uint64_t from = concentric.front().tick;
  const auto length = static_cast<double>(concentric.back().tick - from);
  const auto part = static_cast<std::uint64_t>(kMomentumPart * length);
  double fastest = 0.0;
  for (const MetricSample& sample : between(concentric, from, from + part)) {
    fastest = at_least(fastest, sample.velocity);
  }
  return fastest > config.momentum_ratio * metrics.velocity_mean;
}

bool whole(const MetricSample& sample) {
  return is_finite(sample.position) && is_finite(sample.velocity) &&
         is_finite(sample.force_measured) && is_finite(sample.force_target);
}

// A sample that is not a number counts as missing.
Samples whole_only(Samples samples, std::vector<MetricSample>& kept) {
  if (std::all_of(samples.begin(), samples.end(), whole)) return samples;
  std::copy_if(samples.begin(), samples.end(), std::back_inserter(kept), whole);
  return kept;
}

}  // namespace

RepMetrics analyze_rep(Samples samples, const RepBoundary& boundary, const MetricConfig& config) {
  RepMetrics metrics;
  metrics.index = boundary.index;
  metrics.kind = boundary.kind;
  metrics.rejection = boundary.rejection;
  metrics.start_tick = boundary.start_tick;
  metrics.peak_start_tick = boundary.peak_start_tick;
  metrics.peak_end_tick = boundary.peak_end_tick;
  metrics.end_tick = boundary.end_tick;
  metrics.range = boundary.peak_position - boundary.bottom_position;
  metrics.hold_s = seconds(boundary.peak_start_tick, boundary.peak_end_tick, config.dt_s);
  if (config.previous_end_tick != 0) {
    metrics.bottom_s = seconds(config.previous_end_tick, boundary.start_tick, config.dt_s);
  }

  std::vector<MetricSample> kept;
  samples = whole_only(between(samples, boundary.start_tick, boundary.end_tick), kept);
  const Samples concentric = between(samples, boundary.start_tick, boundary.peak_start_tick);
  const Samples eccentric = between(samples, boundary.peak_end_tick, boundary.end_tick);
  metrics.concentric = analyze_phase(concentric, 1.0, config.dt_s);
  metrics.eccentric = analyze_phase(eccentric, -1.0, config.dt_s);
  metrics.time_under_tension_s = time_under_tension_s(samples, config.dt_s);
  const double concentric_force = mean_force(middle(concentric));
  if (concentric_force > 0.0) {
    metrics.rendered_ratio = mean_force(middle(eccentric)) / concentric_force;
  }

  if (!complete(samples, boundary)) metrics.quality |= kQualitySamplesMissing;
  if (boundary.provisional) metrics.quality |= kQualityProvisional;
  if (config.range_reference > 0.0 &&
      metrics.range < config.range_short_fraction * config.range_reference) {
    metrics.quality |= kQualityRangeShort;
  }
  if (has_momentum(concentric, metrics.concentric, config)) metrics.quality |= kQualityMomentum;
  judge_tempo(config, metrics);
  if (const PelvicDrop drop = pelvic_drop(samples, config.dt_s);
      drop.known && drop.drop_rad > kPelvicDropMaxRad) {
    metrics.quality |= kQualityPelvicDrop;
  }
  metrics.values = rep_values(samples, boundary, config, metrics);
  return metrics;
}

void resolve_provisional(std::span<RepMetrics> reps, double range, const TrackerConfig& config) {
  constexpr int kRangeReps = 3;  // so many tell a person's range; fewer may all be settling
  const bool given = range > 0.0;
  int known = 0;
  for (const RepMetrics& rep : reps) {
    if (given || rep.rejection != RepRejection::kNone) continue;
    range = at_least(rep.range, range);
    ++known;
  }
  const bool final = given || known >= kRangeReps;
  std::uint32_t index = 0;
  for (RepMetrics& rep : reps) {
    if ((rep.quality & kQualityProvisional) != 0 && rep.rejection == RepRejection::kNone) {
      rep.kind = classify_rise(config, rep.range, range);
      if (rep.kind == RepKind::kRejected) rep.rejection = RepRejection::kTooShort;
      if (final) rep.quality &= ~static_cast<std::uint32_t>(kQualityProvisional);
    }
    rep.index = rep.kind == RepKind::kRejected ? 0 : ++index;
  }
}

}  // namespace medius::measure
