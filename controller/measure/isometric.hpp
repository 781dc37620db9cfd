// An isometric test: efforts against a drum or lever that stands still. Peak, mean, rate of force
// development and how well the efforts repeat. Not on the loop.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "controller/measure/metrics.hpp"

namespace medius::measure {

struct IsometricConfig {
  double dt_s = 1e-3;
  // The onset is at least this much above the baseline, whatever the noise: 8 N | Nm is more than a
  // limb at rest moves in the cuff.
  double onset_floor = 8.0;
  double onset_deviations = 3.0;
  double baseline_s = 0.2;       // of quiet force before the onset
  double rise_confirm_s = 0.05;  // above the threshold for so long: an effort, no knock
  double fall_confirm_s = 0.2;   // below it for so long: the effort is over
  double effort_min_s = 0.5;     // shorter ones are twitches
};

// One effort; forces above the baseline.
struct IsometricEffort {
  std::uint64_t onset_tick = 0;
  std::uint64_t end_tick = 0;
  double baseline = 0.0;        // N | Nm before the onset
  double baseline_noise = 0.0;  // standard deviation of a sample
  double peak = 0.0;
  double mean = 0.0;     // middle 80 % of the time
  double rfd_100 = 0.0;  // N/s | Nm/s
  double rfd_200 = 0.0;
};

// [any] The efforts in a recording, in order. The baseline is a quiet stretch of baseline_s shortly
// before the effort; the onset is the last tick at or below it by its standard deviation or 1/32 of
// the floor. A recording that starts in an effort has none there.
[[nodiscard]] std::vector<IsometricEffort> find_efforts(std::span<const MetricSample> samples,
                                                        const IsometricConfig& config);

// [any] The table's metrics of the test; missing without an effort, the variation with only one.
[[nodiscard]] std::vector<MetricValue> isometric_metrics(std::span<const IsometricEffort> efforts,
                                                         const IsometricConfig& config);

}  // namespace medius::measure
