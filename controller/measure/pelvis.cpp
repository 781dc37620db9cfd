#include "controller/measure/pelvis.hpp"

#include "controller/base/clamp.hpp"
#include "controller/measure/samples.hpp"

namespace medius::measure {
namespace {

constexpr double kSeenShare = 0.9;

bool seen(const MetricSample& sample) noexcept {
  return sample.pelvis_seen && is_finite(sample.pelvis_tilt_rad);
}

struct Mean {
  double sum = 0.0;
  std::size_t count = 0;
  [[nodiscard]] double value() const noexcept {
    return count > 0 ? sum / static_cast<double>(count) : 0.0;
  }
  void add(const MetricSample& sample) noexcept {
    sum += sample.pelvis_tilt_rad;
    ++count;
  }
};

// Of what was seen in the first `ticks` of the samples.
Mean first_mean(Samples samples, std::uint64_t ticks) noexcept {
  Mean mean;
  for (const MetricSample& sample : samples) {
    if (sample.tick - samples.front().tick >= ticks) break;
    if (seen(sample)) mean.add(sample);
  }
  return mean;
}

// The mean over the last kPelvisMeanS, sample by sample.
class Window {
 public:
  Window(Samples samples, std::uint64_t ticks) noexcept : samples_(samples), ticks_(ticks) {}
  // True when the window is full enough to speak.
  bool add(const MetricSample& sample) noexcept {
    if (seen(sample)) mean_.add(sample);
    while (sample.tick - samples_[oldest_].tick >= ticks_) {
      if (seen(samples_[oldest_])) {
        mean_.sum -= samples_[oldest_].pelvis_tilt_rad;
        --mean_.count;
      }
      ++oldest_;
    }
    const bool full = sample.tick - samples_.front().tick + 1 >= ticks_;
    return full && 2 * mean_.count >= ticks_;
  }
  [[nodiscard]] double value() const noexcept { return mean_.value(); }

 private:
  Samples samples_;
  std::uint64_t ticks_;
  std::size_t oldest_ = 0;
  Mean mean_;
};

std::uint64_t ticks_of(double time_s, double dt_s) noexcept {
  const double ticks = dt_s > 0.0 ? time_s / dt_s + 0.5 : 1.0;
  return static_cast<std::uint64_t>(clamped(ticks, 1.0, 1e9));
}

std::size_t count_seen(Samples samples) noexcept {
  std::size_t count = 0;
  for (const MetricSample& sample : samples) count += seen(sample) ? 1 : 0;
  return count;
}

bool enough(std::size_t count, Samples samples) noexcept {
  return static_cast<double>(count) >= kSeenShare * static_cast<double>(samples.size());
}

}  // namespace

PelvicDrop pelvic_drop(Samples samples, double dt_s) noexcept {
  PelvicDrop out;
  const std::size_t count = count_seen(samples);
  out.sensed = count > 0;
  if (!out.sensed) return out;
  const std::uint64_t ticks = ticks_of(kPelvisMeanS, dt_s);
  const Mean start = first_mean(samples, ticks);
  if (!enough(count, samples) || 2 * start.count < ticks) return out;
  Window window(samples, ticks);
  double most = start.value();
  for (const MetricSample& sample : samples) {
    if (window.add(sample)) most = at_least(most, window.value());
  }
  out.known = true;
  out.drop_rad = most - start.value();
  const double noise = noise_of(samples, [](const MetricSample& s) { return s.pelvis_tilt_rad; });
  out.uncertainty_rad = noise * det::sqrt(2.0 / static_cast<double>(start.count));
  return out;
}

StanceResult single_leg_stance(Samples samples, const StanceConfig& config) noexcept {
  StanceResult out;
  if (samples.empty()) return out;
  const std::uint64_t level_ticks = ticks_of(config.level_s, config.dt_s);
  const std::uint64_t begin = samples.front().tick + level_ticks;
  const std::uint64_t end = begin + ticks_of(config.hold_s, config.dt_s);
  const Samples stance = between(samples, begin, end);
  const Mean level = first_mean(samples, level_ticks);
  if (stance.size() < 2 || 2 * level.count < level_ticks || !enough(count_seen(stance), stance)) {
    return out;
  }
  out.measured = true;
  out.stood_s = out.until_drop_s = seconds(begin, stance.back().tick, config.dt_s);
  Window window(stance, ticks_of(kPelvisMeanS, config.dt_s));
  Mean mean;
  std::uint64_t low_since = 0;  // 0: not low
  for (const MetricSample& sample : stance) {
    if (seen(sample)) mean.add(sample);
    if (!window.add(sample)) continue;
    const double drop = window.value() - level.value();
    out.drop_rad = at_least(out.drop_rad, drop);
    if (!(drop > config.drop_max_rad)) {
      low_since = 0;
      continue;
    }
    if (low_since == 0) low_since = sample.tick;
    if (!out.dropped && seconds(low_since, sample.tick, config.dt_s) >= config.confirm_s) {
      out.dropped = true;
      out.until_drop_s = seconds(begin, low_since, config.dt_s);
    }
  }
  out.mean_rad = mean.value() - level.value();
  out.held = !out.dropped && stance.back().tick >= end;
  return out;
}

}  // namespace medius::measure
