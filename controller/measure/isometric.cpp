#include "controller/measure/isometric.hpp"

#include <algorithm>

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"
#include "controller/measure/samples.hpp"

namespace medius::measure {
namespace {

// A baseline that drifts by less than this share of the floor is no onset: 0.25 N of 8 N.
constexpr double kQuietShare = 1.0 / 32.0;

struct Baseline {
  bool known = false;
  double mean = 0.0;
  double deviation = 0.0;
};

Baseline baseline_of(Samples samples) {
  const auto count = static_cast<double>(samples.size());
  Baseline baseline;
  for (const MetricSample& sample : samples) baseline.mean += sample.force_measured;
  baseline.mean /= count;
  double squares = 0.0;
  for (const MetricSample& sample : samples) {
    const double d = sample.force_measured - baseline.mean;
    squares += d * d;
  }
  baseline.deviation = det::sqrt(squares / count);
  baseline.known = is_finite(baseline.mean) && is_finite(baseline.deviation);
  return baseline;
}

std::size_t ticks_of(double duration_s, double dt_s) {
  return static_cast<std::size_t>(duration_s / dt_s + 0.5);
}

// First of `count` samples in a row from `from` on for which `is` holds; the end without one.
template <typename Is>
std::size_t first_run(Samples samples, std::size_t from, std::size_t count, Is is) {
  std::size_t run = 0;
  for (std::size_t i = from; i < samples.size(); ++i) {
    run = is(samples[i]) ? run + 1 : 0;
    if (run == count) return i + 1 - count;
  }
  return samples.size();
}

double rise(Samples effort, double baseline, double after_s, double dt_s) {
  const std::size_t at = ticks_of(after_s, dt_s);
  if (at >= effort.size()) return 0.0;
  return (effort[at].force_measured - at_least(effort[0].force_measured, baseline)) / after_s;
}

IsometricEffort measure_effort(Samples effort, const Baseline& baseline, double dt_s) {
  IsometricEffort out;
  out.onset_tick = effort.front().tick;
  out.end_tick = effort.back().tick;
  out.baseline = baseline.mean;
  out.baseline_noise = baseline.deviation;
  for (const MetricSample& sample : effort) {
    out.peak = at_least(sample.force_measured - baseline.mean, out.peak);
  }
  const Samples part = middle(effort);
  for (const MetricSample& sample : part) out.mean += sample.force_measured - baseline.mean;
  out.mean /= static_cast<double>(part.size());
  out.rfd_100 = rise(effort, baseline.mean, 0.1, dt_s);
  out.rfd_200 = rise(effort, baseline.mean, 0.2, dt_s);
  return out;
}

struct Rise {
  std::size_t at = 0;  // the force first stays above the threshold
  Baseline baseline;
  double threshold = 0.0;
};

// The baseline is a quiet window before the one under search, and the one before that where there
// is one: a slow start of the effort must not raise its own baseline.
Rise next_rise(Samples samples, std::size_t from, const IsometricConfig& config) {
  const std::size_t window = ticks_of(config.baseline_s, config.dt_s);
  const std::size_t confirm = ticks_of(config.rise_confirm_s, config.dt_s);
  Baseline newer, older;
  for (std::size_t i = from; i + window <= samples.size(); i += window) {
    const Baseline& baseline = older.known ? older : newer;
    const double threshold =
        baseline.mean + at_least(config.onset_deviations * baseline.deviation, config.onset_floor);
    if (baseline.known) {
      const Samples part = samples.first(std::min(i + window + confirm, samples.size()));
      const std::size_t found = first_run(part, i, confirm, [&](const MetricSample& sample) {
        return sample.force_measured > threshold;
      });
      if (found < part.size()) return {found, baseline, threshold};
    }
    const Baseline here = baseline_of(samples.subspan(i, window));
    if (here.known && config.onset_deviations * here.deviation <= config.onset_floor) {
      older = newer;
      newer = here;
    }
  }
  return {samples.size(), {}, 0.0};
}

}  // namespace

std::vector<IsometricEffort> find_efforts(Samples samples, const IsometricConfig& config) {
  std::vector<IsometricEffort> efforts;
  if (!(config.dt_s > 0.0)) return efforts;
  const std::size_t fall = ticks_of(config.fall_confirm_s, config.dt_s);
  std::size_t from = 0;
  while (from < samples.size()) {
    const Rise rise = next_rise(samples, from, config);
    if (rise.at >= samples.size()) break;
    const std::size_t end = first_run(samples, rise.at, fall, [&](const MetricSample& sample) {
      return !(sample.force_measured > rise.threshold);
    });
    std::size_t onset = rise.at;
    const double quiet =
        rise.baseline.mean + at_least(rise.baseline.deviation, kQuietShare * config.onset_floor);
    while (onset > from && samples[onset].force_measured > quiet) --onset;
    const Samples effort = samples.subspan(onset, end - onset);
    if (seconds(effort.front().tick, effort.back().tick, config.dt_s) >= config.effort_min_s) {
      efforts.push_back(measure_effort(effort, rise.baseline, config.dt_s));
    }
    from = end;
  }
  return efforts;
}

std::vector<MetricValue> isometric_metrics(std::span<const IsometricEffort> efforts,
                                           const IsometricConfig& config) {
  if (efforts.empty()) {
    std::vector<MetricValue> none;
    for (const MetricId id :
         {MetricId::kIsometricPeak, MetricId::kIsometricMean, MetricId::kIsometricRfd100,
          MetricId::kIsometricRfd200, MetricId::kIsometricVariation}) {
      none.push_back(missing_value(id, kValueTooShort));
    }
    return none;
  }
  const auto count = static_cast<double>(efforts.size());
  double peak = 0.0, rfd_100 = 0.0, rfd_200 = 0.0, noise = 0.0;
  double mean = 0.0, mean_peak = 0.0;
  for (const IsometricEffort& effort : efforts) {
    peak = at_least(effort.peak, peak);
    rfd_100 = at_least(effort.rfd_100, rfd_100);
    rfd_200 = at_least(effort.rfd_200, rfd_200);
    noise = at_least(effort.baseline_noise, noise);
    mean += effort.mean / count;
    mean_peak += effort.peak / count;
  }
  double mean_squares = 0.0, peak_squares = 0.0;
  for (const IsometricEffort& effort : efforts) {
    mean_squares += (effort.mean - mean) * (effort.mean - mean);
    peak_squares += (effort.peak - mean_peak) * (effort.peak - mean_peak);
  }
  const bool several = efforts.size() > 1;
  const double mean_error = several ? det::sqrt(mean_squares / (count - 1.0) / count) : noise;
  // Two noisy readings, and an onset that is known to a tick: a share of dt / interval.
  const auto rate = [&](MetricId id, double value, double over_s) {
    const double readings = noise * det::sqrt(2.0) / over_s;
    const double onset = value * config.dt_s / over_s;
    return make_value(id, value, det::sqrt(readings * readings + onset * onset));
  };
  const double variation = 100.0 * det::sqrt(peak_squares / (count - 1.0)) / mean_peak;
  return {make_value(MetricId::kIsometricPeak, peak, noise),
          make_value(MetricId::kIsometricMean, mean, mean_error),
          rate(MetricId::kIsometricRfd100, rfd_100, 0.1),
          rate(MetricId::kIsometricRfd200, rfd_200, 0.2),
          several ? make_value(MetricId::kIsometricVariation, variation,
                               variation / det::sqrt(2.0 * (count - 1.0)))
                  : missing_value(MetricId::kIsometricVariation, kValueTooShort)};
}

}  // namespace medius::measure
