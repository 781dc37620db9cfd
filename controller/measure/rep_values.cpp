#include "controller/measure/rep_values.hpp"

#include <limits>

#include "controller/measure/pads.hpp"
#include "controller/measure/pelvis.hpp"
#include "controller/measure/samples.hpp"
#include "controller/measure/smoothness.hpp"

namespace medius::measure {
namespace {

constexpr double kPropulsiveShare = 0.98;  // of the static load
constexpr std::uint64_t kSlopeTicks = 10;  // either side, for the acceleration
constexpr std::size_t kControlMin = 20;    // samples of a middle part
constexpr std::size_t kPhaseMin = 2;

// What one sample and one boundary can be wrong by.
struct Errors {
  double force = 0.0;     // N | Nm, standard deviation of a sample
  double velocity = 0.0;  // m/s | rad/s
  double travel = 0.0;    // m | rad, of a difference of two positions
  double time_s = 0.0;    // of a difference of two boundaries
};

// The step of the encoder as the samples show it: the smallest change there is.
double quantum(Samples samples) {
  double smallest = 0.0;
  for (std::size_t i = 1; i < samples.size(); ++i) {
    const double step = absolute(samples[i].position - samples[i - 1].position);
    if (step > 0.0 && !(smallest > 0.0 && smallest <= step)) smallest = step;
  }
  return smallest;
}

Errors errors_of(Samples samples, double dt_s) {
  Errors errors;
  errors.force = noise_of(samples, [](const MetricSample& s) { return s.force_measured; });
  errors.velocity = noise_of(samples, [](const MetricSample& s) { return s.velocity; });
  const double position = noise_of(samples, [](const MetricSample& s) { return s.position; });
  // Two readings, each uniform over a step or a tick: q / sqrt(12) x sqrt(2).
  errors.travel = at_least(quantum(samples) / det::sqrt(6.0), det::sqrt(2.0) * position);
  errors.time_s = dt_s / det::sqrt(6.0);
  return errors;
}

double root_of_count(Samples samples) {
  return det::sqrt(static_cast<double>(samples.size()));
}

// Root of the sum of the squared steps of the position: how noise of the force enters the work.
double step_root(Samples samples) {
  double sum = 0.0;
  for (std::size_t i = 1; i < samples.size(); ++i) {
    const double step = samples[i].position - samples[i - 1].position;
    sum += step * step;
  }
  return det::sqrt(sum);
}

struct PhasePart {
  Samples samples;
  const PhaseMetrics& plain;
  double direction;
  std::uint16_t offset;
  std::uint32_t flags;
};

void add_smoothness(const PhasePart& phase, const Errors& errors, double dt_s,
                    std::vector<MetricValue>& out) {
  const auto id = [&](MetricId concentric) {
    return static_cast<MetricId>(static_cast<std::uint16_t>(concentric) + phase.offset);
  };
  const std::vector<double> speed = uniform_speed(phase.samples, phase.direction);
  std::uint32_t why = 0;
  if (phase.samples.size() >= kPhaseMin && speed.empty()) why = kValueTooLong;
  if (!speed.empty() && speed.size() < kSmoothnessTicksMin) why = kValueTooShort;
  const Smoothness arc = sparc(speed, dt_s, errors.velocity);
  const Smoothness jerk = log_dimensionless_jerk(speed, dt_s, errors.velocity);
  out.push_back(arc.known
                    ? make_value(id(MetricId::kSparc), arc.value, arc.uncertainty, phase.flags)
                    : missing_value(id(MetricId::kSparc), why | phase.flags));
  out.push_back(jerk.known
                    ? make_value(id(MetricId::kLdlj), jerk.value, jerk.uncertainty, phase.flags)
                    : missing_value(id(MetricId::kLdlj), why | phase.flags));
}

void add_phase(const PhasePart& phase, const Errors& errors, double dt_s,
               std::vector<MetricValue>& out) {
  const PhaseMetrics& plain = phase.plain;
  const bool known = phase.samples.size() >= kPhaseMin && plain.duration_s > 0.0;
  const auto add = [&](MetricId concentric, double value, double uncertainty) {
    const auto id = static_cast<MetricId>(static_cast<std::uint16_t>(concentric) + phase.offset);
    out.push_back(known ? make_value(id, value, uncertainty, phase.flags)
                        : missing_value(id, kValueTooShort | phase.flags));
  };
  const double root = root_of_count(phase.samples);
  const double mean_noise = errors.force / root;
  const double travel = plain.velocity_mean * plain.duration_s;
  const double time_share = errors.time_s / plain.duration_s;
  const double travel_share = errors.travel / travel;
  const double end_force =
      known ? hypotenuse(phase.samples.front().force_measured - plain.force_mean_time,
                         phase.samples.back().force_measured - plain.force_mean_time)
            : 0.0;
  const double impulse =
      hypotenuse(mean_noise * plain.duration_s, plain.force_mean_time * errors.time_s);
  const double work =
      hypotenuse(errors.force * step_root(phase.samples), plain.force_mean_time * errors.travel);
  const double work_share = plain.work_j > 0.0 ? work / plain.work_j : 0.0;
  // White noise behind a first-order low-pass keeps gain / (2 - gain) of its variance.
  const double gain = 1.0 - det::exp(-2.0 * det::kPi * kPowerCutOffHz * dt_s);
  const double peak_power =
      det::sqrt(gain / (2.0 - gain)) *
      hypotenuse(plain.velocity_peak * errors.force, plain.force_peak * errors.velocity);
  add(MetricId::kDuration, plain.duration_s, errors.time_s);
  add(MetricId::kForceMeanTime, plain.force_mean_time,
      hypotenuse(mean_noise, end_force * time_share));
  add(MetricId::kForceMeanDistance, plain.force_mean_distance,
      plain.force_mean_distance * hypotenuse(work_share, travel_share));
  add(MetricId::kForcePeak, plain.force_peak, errors.force);
  add(MetricId::kImpulse, plain.impulse, impulse);
  add(MetricId::kWork, plain.work_j, work);
  add(MetricId::kPowerMean, plain.power_mean_w,
      plain.power_mean_w * hypotenuse(work_share, time_share));
  add(MetricId::kPowerPeak, plain.power_peak_w, peak_power);
  add(MetricId::kVelocityMean, plain.velocity_mean,
      hypotenuse(errors.travel / plain.duration_s, plain.velocity_mean * time_share));
  add(MetricId::kVelocityPeak, plain.velocity_peak, errors.velocity);
  add(MetricId::kForceErrorRms, plain.force_error_rms, mean_noise);
  add_smoothness(phase, errors, dt_s, out);
}

// Last sample at which the person still carries the static load; see the table.
std::size_t propulsive_end(Samples samples, const MetricConfig& config) {
  for (std::size_t i = samples.size() - 1; i > 0; --i) {
    const std::size_t first = i >= kSlopeTicks ? i - kSlopeTicks : 0;
    const std::size_t last =
        i + kSlopeTicks < samples.size() ? i + kSlopeTicks : samples.size() - 1;
    const double acceleration = (samples[last].velocity - samples[first].velocity) /
                                seconds(samples[first].tick, samples[last].tick, config.dt_s);
    const double load = samples[i].force_target - config.programmed_inertia * acceleration;
    if (samples[i].force_measured >= kPropulsiveShare * load) return i;
  }
  return 0;
}

MetricValue propulsive_velocity(Samples concentric, const MetricConfig& config,
                                const Errors& errors, std::uint32_t flags) {
  if (concentric.size() < kPhaseMin) {
    return missing_value(MetricId::kVelocityPropulsive, kValueTooShort | flags);
  }
  const std::size_t end = propulsive_end(concentric, config);
  const double duration_s = seconds(concentric.front().tick, concentric[end].tick, config.dt_s);
  if (!(duration_s > 0.0)) return missing_value(MetricId::kVelocityPropulsive, flags);
  const double mean = absolute(concentric[end].position - concentric.front().position) / duration_s;
  return make_value(MetricId::kVelocityPropulsive, mean,
                    hypotenuse(errors.travel, mean * errors.time_s) / duration_s, flags);
}

MetricValue eccentric_control(Samples eccentric, const Errors& errors, std::uint32_t flags) {
  const Samples part = middle(eccentric);
  if (part.size() < kControlMin) {
    return missing_value(MetricId::kEccentricControl, kValueTooShort | flags);
  }
  const auto count = static_cast<double>(part.size());
  double sum = 0.0;
  for (const MetricSample& sample : part) sum += sample.velocity;
  const double mean = sum / count;
  double squares = 0.0;
  for (const MetricSample& sample : part) {
    squares += (sample.velocity - mean) * (sample.velocity - mean);
  }
  const double deviation = det::sqrt(squares / count);
  if (!(mean < 0.0)) return missing_value(MetricId::kEccentricControl, flags);
  // What noise adds to the deviation.
  const double clean = det::sqrt(deviation * deviation - errors.velocity * errors.velocity);
  return make_value(MetricId::kEccentricControl, -100.0 * deviation / mean,
                    -100.0 * (deviation - clean) / mean, flags);
}

MetricValue hip_range(const RepBoundary& boundary, const MetricConfig& config,
                      const RepMetrics& plain, const Errors& errors, std::uint32_t flags) {
  constexpr double kDegrees = 180.0 / det::kPi;
  if (config.lever) {
    return make_value(MetricId::kRangeHip, plain.range * kDegrees, errors.travel * kDegrees, flags);
  }
  if (!config.geometry.calibrated) {
    return missing_value(MetricId::kRangeHip, kValueUncalibrated | flags);
  }
  const double angle = hip_angle(config.geometry, boundary.peak_position) -
                       hip_angle(config.geometry, boundary.bottom_position);
  // The mean arm turns metres into radians.
  const double share = plain.range > 0.0 ? errors.travel / plain.range : 0.0;
  return make_value(MetricId::kRangeHip, angle * kDegrees, absolute(angle) * kDegrees * share,
                    flags);
}

MetricValue drop_of_pelvis(Samples samples, const MetricConfig& config, std::uint32_t flags) {
  constexpr double kDegrees = 180.0 / det::kPi;
  const PelvicDrop drop = pelvic_drop(samples, config.dt_s);
  if (!drop.known) {
    return missing_value(MetricId::kPelvicDrop,
                         flags | (drop.sensed ? kValueSamplesMissing : kValueNotMeasured));
  }
  return make_value(MetricId::kPelvicDrop, drop.drop_rad * kDegrees,
                    drop.uncertainty_rad * kDegrees, flags);
}

double crossings_of_half_target(Samples samples) {
  double count = 0.0;
  for (std::size_t i = 1; i < samples.size(); ++i) {
    const auto above = [](const MetricSample& s) {
      return s.force_measured > 0.5 * s.force_target;
    };
    if (above(samples[i]) != above(samples[i - 1])) count += 1.0;
  }
  return count;
}

MetricValue tempo_error(const MetricConfig& config, const RepMetrics& plain, const Errors& errors,
                        std::uint32_t flags) {
  const bool first = config.previous_end_tick == 0;
  double squares = 0.0;
  double count = 0.0;
  for (const double prescribed_s :
       {config.tempo.concentric_s, config.tempo.hold_s, config.tempo.eccentric_s,
        first ? 0.0 : config.tempo.bottom_s}) {
    if (!(prescribed_s > 0.0)) continue;
    squares += 1.0 / (prescribed_s * prescribed_s);
    count += 1.0;
  }
  if (!(count > 0.0)) return missing_value(MetricId::kTempoError, flags);
  return make_value(MetricId::kTempoError, plain.tempo_error_percent,
                    100.0 * errors.time_s * det::sqrt(squares) / count, flags);
}

MetricValue rendered_ratio(const RepMetrics& plain, Samples concentric, Samples eccentric,
                           const Errors& errors, std::uint32_t flags) {
  if (!(plain.rendered_ratio > 0.0)) return missing_value(MetricId::kRenderedRatio, flags);
  const double up = errors.force / root_of_count(middle(concentric));
  const double down = errors.force / root_of_count(middle(eccentric));
  return make_value(MetricId::kRenderedRatio, plain.rendered_ratio,
                    plain.rendered_ratio * hypotenuse(up / plain.concentric.force_mean_time,
                                                      down / plain.eccentric.force_mean_time),
                    flags);
}

}  // namespace

double hip_angle(const HipGeometry& g, double position) noexcept {
  const double r = g.cuff_radius_m;
  const double reach = det::sqrt(g.pulley_distance_m * g.pulley_distance_m +
                                 g.hip_above_pulley_m * g.hip_above_pulley_m);
  const double square = r * r + reach * reach;
  const double vertical = det::sqrt(square - 2.0 * r * g.hip_above_pulley_m);
  const double length = vertical + position - g.position_at_vertical;
  // d sin a - h cos a = reach sin(a - tilt).
  const double sine = (length * length - square) / (2.0 * r * reach);
  if (!(absolute(sine) <= 1.0)) return std::numeric_limits<double>::quiet_NaN();
  const double tilt = det::atan2(g.hip_above_pulley_m, g.pulley_distance_m);
  return tilt + det::atan2(sine, det::sqrt(1.0 - sine * sine));
}

std::vector<MetricValue> rep_values(Samples samples, const RepBoundary& boundary,
                                    const MetricConfig& config, const RepMetrics& plain) {
  const Samples concentric = between(samples, boundary.start_tick, boundary.peak_start_tick);
  const Samples eccentric = between(samples, boundary.peak_end_tick, boundary.end_tick);
  const Errors errors = errors_of(samples, config.dt_s);
  const std::uint32_t flags =
      (plain.quality & kQualitySamplesMissing) != 0 ? std::uint32_t{kValueSamplesMissing} : 0u;
  std::vector<MetricValue> values;
  values.push_back(make_value(MetricId::kRange, plain.range, errors.travel, flags));
  values.push_back(hip_range(boundary, config, plain, errors, flags));
  values.push_back(make_value(MetricId::kHold, plain.hold_s, errors.time_s, flags));
  values.push_back(config.previous_end_tick != 0
                       ? make_value(MetricId::kBottom, plain.bottom_s, errors.time_s, flags)
                       : missing_value(MetricId::kBottom, flags));
  values.push_back(make_value(
      MetricId::kTimeUnderTension, plain.time_under_tension_s,
      config.dt_s / det::sqrt(12.0) * det::sqrt(2.0 + crossings_of_half_target(samples)), flags));
  values.push_back(rendered_ratio(plain, concentric, eccentric, errors, flags));
  values.push_back(tempo_error(config, plain, errors, flags));
  values.push_back(propulsive_velocity(concentric, config, errors, flags));
  values.push_back(eccentric_control(eccentric, errors, flags));
  values.push_back(drop_of_pelvis(samples, config, flags));
  add_phase({concentric, plain.concentric, 1.0, 0, flags}, errors, config.dt_s, values);
  add_phase({eccentric, plain.eccentric, -1.0, kEccentricOffset, flags}, errors, config.dt_s,
            values);
  const std::vector<MetricValue> pads = pad_values({concentric, eccentric, errors.travel, flags});
  values.insert(values.end(), pads.begin(), pads.end());
  return values;
}

}  // namespace medius::measure
