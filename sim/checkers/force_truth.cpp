#include "sim/checkers/force_truth.hpp"

#include <algorithm>
#include <cstddef>

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"

namespace medius::sim {
namespace {

struct Stroke {
  std::size_t from = 0;  // extremum where it begins
  std::size_t to = 0;    // extremum where it ends
  bool outward = false;
};

// Cuts the travel at its extrema.
std::vector<Stroke> find_strokes(std::span<const ForceTruthSample> samples,
                                 const ForceTruthConfig& config) {
  std::vector<Stroke> strokes;
  if (samples.empty()) return strokes;
  std::size_t low = 0, high = 0, start = 0;
  int direction = 0;
  for (std::size_t i = 1; i < samples.size(); ++i) {
    const double x = samples[i].ring_position_m;
    if (x < samples[low].ring_position_m) low = i;
    if (x > samples[high].ring_position_m) high = i;
    if (direction >= 0 && samples[high].ring_position_m - x > config.turn_travel_m) {
      if (direction > 0) strokes.push_back({start, high, true});
      start = high;
      low = i;
      direction = -1;
    } else if (direction <= 0 && x - samples[low].ring_position_m > config.turn_travel_m) {
      if (direction < 0) strokes.push_back({start, low, false});
      start = low;
      high = i;
      direction = 1;
    }
  }
  if (direction > 0) strokes.push_back({start, high, true});
  if (direction < 0) strokes.push_back({start, low, false});
  return strokes;
}

struct Sum {
  double tension = 0.0, target = 0.0, square = 0.0;
  std::size_t count = 0;

  void add(const ForceTruthSample& sample) {
    const double error = sample.cuff_tension_n - sample.target_n;
    tension += sample.cuff_tension_n;
    target += sample.target_n;
    square += error * error;
    ++count;
  }
  [[nodiscard]] double mean_tension() const {
    return count ? tension / static_cast<double>(count) : 0.0;
  }
  [[nodiscard]] double bias() const {
    return count ? (tension - target) / static_cast<double>(count) : 0.0;
  }
};

// Mean speed around a sample.
double mean_velocity(std::span<const ForceTruthSample> samples, std::size_t i,
                     const ForceTruthConfig& config) {
  const auto half = static_cast<std::size_t>(0.5 * config.mean_s / config.dt_s);
  const std::size_t first = i > half ? i - half : 0;
  const std::size_t last = std::min(i + half, samples.size() - 1);
  if (last == first) return samples[i].ring_velocity_mps;
  return (samples[last].ring_position_m - samples[first].ring_position_m) /
         (static_cast<double>(last - first) * config.dt_s);
}

// From the fastest sample towards an end of the stroke: the last sample that moves before a pause.
std::size_t moving_end(std::span<const ForceTruthSample> samples, std::size_t fastest,
                       std::size_t end, double sign, const ForceTruthConfig& config) {
  const auto pause = static_cast<std::size_t>(config.pause_s / config.dt_s);
  std::size_t moving = fastest;
  std::size_t still = 0;
  for (std::size_t i = fastest; i != end && still<pause; end> fastest ? ++i : --i) {
    if (sign * mean_velocity(samples, i, config) >= config.moving_velocity_mps) {
      moving = i;
      still = 0;
    } else {
      ++still;
    }
  }
  return moving;
}

// Adds the steady part of a stroke: the middle of the time in which it moves. Returns that time, s.
double add_steady(std::span<const ForceTruthSample> samples, const Stroke& stroke,
                  const ForceTruthConfig& config, Sum& sum) {
  const double sign = stroke.outward ? 1.0 : -1.0;
  std::size_t fastest = stroke.from;
  for (std::size_t i = stroke.from; i <= stroke.to; ++i) {
    if (sign * samples[i].ring_velocity_mps > sign * samples[fastest].ring_velocity_mps)
      fastest = i;
  }
  const std::size_t first = moving_end(samples, fastest, stroke.from, sign, config);
  const std::size_t last = moving_end(samples, fastest, stroke.to, sign, config);
  const double cut = static_cast<double>(last - first) * (1.0 - config.steady_fraction) / 2.0;
  const auto margin = static_cast<std::size_t>(cut);
  for (std::size_t i = first + margin; i + margin <= last; ++i) sum.add(samples[i]);
  return static_cast<double>(last - first) * config.dt_s;
}

double worst_around(std::span<const ForceTruthSample> samples, std::size_t turn, double dt_s) {
  const auto window = static_cast<std::size_t>(0.4 / dt_s);
  const std::size_t first = turn > window ? turn - window : 0;
  const std::size_t last = std::min(turn + window, samples.size() - 1);
  double worst = 0.0;
  for (std::size_t i = first; i <= last; ++i) {
    worst = std::max(worst, absolute(samples[i].cuff_tension_n - samples[i].target_n));
  }
  return worst;
}

}  // namespace

ForceTruth judge_force(std::span<const ForceTruthSample> samples, const ForceTruthConfig& config) {
  ForceTruth truth;
  Sum out, in;
  const std::vector<Stroke> strokes = find_strokes(samples, config);
  const auto travel_of = [&](const Stroke& stroke) {
    return absolute(samples[stroke.to].ring_position_m - samples[stroke.from].ring_position_m);
  };
  double longest = 0.0;
  for (const Stroke& stroke : strokes) longest = std::max(longest, travel_of(stroke));
  for (const Stroke& stroke : strokes) {
    const double travel = travel_of(stroke);
    if (travel < std::max(config.rep_travel_m, config.rep_fraction * longest)) continue;
    const double moving_s = add_steady(samples, stroke, config, stroke.outward ? out : in);
    if (stroke.outward) {
      ++truth.strokes_out;
      truth.range_m.push_back(travel);
      truth.concentric_s.push_back(moving_s);
    } else {
      ++truth.strokes_in;
      truth.eccentric_s.push_back(moving_s);
    }
    if (stroke.from > 0) {
      truth.turn_worst_n =
          std::max(truth.turn_worst_n, worst_around(samples, stroke.from, config.dt_s));
    }
  }
  truth.concentric_mean_n = out.mean_tension();
  truth.eccentric_mean_n = in.mean_tension();
  if (truth.concentric_mean_n > 0.0) {
    truth.rendered_ratio = truth.eccentric_mean_n / truth.concentric_mean_n;
  }
  truth.bias_concentric_n = out.bias();
  truth.bias_eccentric_n = in.bias();
  const auto count = static_cast<double>(out.count + in.count);
  if (count > 0.0) {
    truth.rms_n = det::sqrt((out.square + in.square) / count);
    const double target = (out.target + in.target) / count;
    if (target > 0.0) truth.rms_percent = 100.0 * truth.rms_n / target;
  }
  return truth;
}

}  // namespace medius::sim
