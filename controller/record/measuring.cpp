#include "controller/record/measuring.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <string_view>

#include "controller/base/clamp.hpp"
#include "controller/measure/isometric.hpp"
#include "controller/measure/set_metrics.hpp"

namespace medius::record {
namespace {

using measure::MetricId;
using measure::MetricValue;
using measure::RepMetrics;

// What force control bears of programmed inertia; the profiles limit theirs to it.
constexpr double kAddedMassMaxKg = 1.8;
constexpr double kAddedInertiaMaxKgM2 = 0.2;
constexpr double kGravityMps2 = 9.80665;

// Flags that rest on more than samples and row.
constexpr std::uint32_t kKeptQuality = measure::kQualityRangeShort | measure::kQualityProvisional;

double parameter(const SetRecord& set, std::string_view name, double otherwise) {
  for (const auto& [known, value] : set.parameters) {
    if (known == name) return value;
  }
  return otherwise;
}

double programmed_inertia(const SetRecord& set) {
  const bool lever = set.coordinate == hal::CoordinateKind::kLever;
  // A mass that resists speeding up only does not carry itself when the person brakes.
  if (set.profile_id == "flywheel" && parameter(set, "no_flying_weight", 1.0) == 0.0) {
    return lever ? parameter(set, "inertia_kg_m2", 0.0) : parameter(set, "mass_kg", 0.0);
  }
  if (set.profile_id == "weight-stack") {
    // Plates of weight F have mass F / g; on a cam of radius r a torque M has inertia M r / g.
    const double arm = lever ? parameter(set, "cam_radius_m", 0.15) : 1.0;
    return clamped(set.load_start / kGravityMps2 * arm, 0.0,
                   lever ? kAddedInertiaMaxKgM2 : kAddedMassMaxKg);
  }
  return 0.0;
}

// The hip's angle needs a geometry that the row does not have.
void keep_angle(const RepMetrics& before, RepMetrics& after) {
  const MetricValue* known = find_value(before.values, MetricId::kRangeHip);
  for (MetricValue& value : after.values) {
    if (value.id == MetricId::kRangeHip && known != nullptr &&
        (value.flags & measure::kValueUncalibrated) != 0) {
      value = *known;
    }
  }
}

bool same(const MetricValue& a, const MetricValue& b) {
  return a.version == b.version && a.flags == b.flags &&
         std::bit_cast<std::uint64_t>(a.value) == std::bit_cast<std::uint64_t>(b.value) &&
         std::bit_cast<std::uint64_t>(a.uncertainty) == std::bit_cast<std::uint64_t>(b.uncertainty);
}

void compare(std::uint32_t ordinal, std::span<const MetricValue> before,
             std::span<const MetricValue> after, std::vector<MetricChange>& out) {
  for (const MetricValue& value : after) {
    const MetricValue* old = find_value(before, value.id);
    if (old != nullptr && same(*old, value)) continue;
    out.push_back({ordinal, old != nullptr ? *old : MetricValue{}, value});
  }
}

}  // namespace

measure::Tempo tempo_of(const std::string& text) {
  std::array<double, 4> seconds{};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (double& value : seconds) {
    const auto [stop, error] = std::from_chars(at, end, value);
    if (error != std::errc{}) break;
    at = stop;
    if (at != end && *at == '-') ++at;
  }
  return {seconds[0], seconds[1], seconds[2], seconds[3]};
}

void describe(const SetRecord& set, measure::MetricConfig& config) {
  config.lever = set.coordinate == hal::CoordinateKind::kLever;
  config.programmed_inertia = programmed_inertia(set);
}

measure::MetricSample metric_sample(const rt::SampleRecord& sample) {
  return {sample.tick,
          sample.position,
          sample.velocity,
          sample.force_measured,
          sample.force_target,
          1e-6 * sample.pelvis_tilt_urad,
          sample.pelvis_seen != 0,
          1e-3 * sample.pad_left_mnm,
          1e-3 * sample.pad_right_mnm};
}

std::vector<MetricValue> set_metrics_of(const SetRecord& set,
                                        std::span<const measure::MetricSample> samples) {
  auto values = measure::set_metrics({set.reps, set.end == SetEnd::kCount});
  if (set.profile_id.starts_with("isometric")) {
    const measure::IsometricConfig config;
    const auto efforts = measure::find_efforts(samples, config);
    const auto test = measure::isometric_metrics(efforts, config);
    values.insert(values.end(), test.begin(), test.end());
  }
  return values;
}

std::vector<MetricValue> closing_metrics(const SetRecord& set,
                                         std::span<const measure::MetricSample> last,
                                         std::uint64_t recorded) {
  auto metrics = set_metrics_of(set, last);
  if (last.size() >= recorded) return metrics;
  for (MetricValue& value : metrics) {
    if (value.id >= MetricId::kIsometricPeak) value.flags |= measure::kValueSamplesMissing;
  }
  return metrics;
}

SetRecord recompute(const SetRecord& set, std::span<const rt::SampleRecord> samples) {
  std::vector<measure::MetricSample> all;
  all.reserve(samples.size());
  for (const rt::SampleRecord& sample : samples) {
    if (sample.axis == set.axis) all.push_back(metric_sample(sample));
  }
  measure::MetricConfig config;
  config.tempo = tempo_of(set.tempo);
  describe(set, config);
  SetRecord out = set;
  const auto before_tick = [](const measure::MetricSample& sample, std::uint64_t tick) {
    return sample.tick < tick;
  };
  for (RepMetrics& rep : out.reps) {
    const RepMetrics stored = rep;
    measure::RepBoundary boundary;
    boundary.index = rep.index;
    boundary.kind = rep.kind;
    boundary.rejection = rep.rejection;
    boundary.start_tick = rep.start_tick;
    boundary.peak_start_tick = rep.peak_start_tick;
    boundary.peak_end_tick = rep.peak_end_tick;
    boundary.end_tick = rep.end_tick;
    boundary.peak_position = rep.range;
    const auto first = std::lower_bound(all.begin(), all.end(), rep.start_tick, before_tick);
    const auto last = std::lower_bound(first, all.end(), rep.end_tick + 1, before_tick);
    rep = measure::analyze_rep({first, last}, boundary, config);
    rep.quality = (rep.quality & ~kKeptQuality) | (stored.quality & kKeptQuality);
    keep_angle(stored, rep);
    if (rep.kind != measure::RepKind::kRejected) config.previous_end_tick = rep.end_tick;
  }
  out.metrics = set_metrics_of(out, all);
  return out;
}

std::vector<MetricChange> changes(const SetRecord& before, const SetRecord& after) {
  std::vector<MetricChange> out;
  const std::size_t count = std::min(before.reps.size(), after.reps.size());
  for (std::size_t i = 0; i < count; ++i) {
    compare(static_cast<std::uint32_t>(i + 1), before.reps[i].values, after.reps[i].values, out);
  }
  compare(0, before.metrics, after.metrics, out);
  return out;
}

}  // namespace medius::record
