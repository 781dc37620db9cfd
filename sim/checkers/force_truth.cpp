#include "sim/checkers/force_truth.hpp"

#include <algorithm>
#include <array>
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
  [[nodiscard]] double mean_target() const {
    return count ? target / static_cast<double>(count) : 0.0;
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

// The part of a stroke in which it moves.
struct Moving {
  std::size_t first = 0, last = 0;
};

Moving find_moving(std::span<const ForceTruthSample> samples, const Stroke& stroke,
                   const ForceTruthConfig& config) {
  const double sign = stroke.outward ? 1.0 : -1.0;
  std::size_t fastest = stroke.from;
  for (std::size_t i = stroke.from; i <= stroke.to; ++i) {
    if (sign * samples[i].ring_velocity_mps > sign * samples[fastest].ring_velocity_mps)
      fastest = i;
  }
  return {moving_end(samples, fastest, stroke.from, sign, config),
          moving_end(samples, fastest, stroke.to, sign, config)};
}

// The steady part of a stroke: the middle of the time in which it moves, or of the way.
void add_steady(std::span<const ForceTruthSample> samples, const Moving& moving,
                const ForceTruthConfig& config, Sum& by_time, Sum& by_travel) {
  const double edge = (1.0 - config.steady_fraction) / 2.0;
  const auto margin =
      static_cast<std::size_t>(static_cast<double>(moving.last - moving.first) * edge);
  for (std::size_t i = moving.first + margin; i + margin <= moving.last; ++i) {
    by_time.add(samples[i]);
  }
  const double start_m = samples[moving.first].ring_position_m;
  const double way_m = samples[moving.last].ring_position_m - start_m;
  for (std::size_t i = moving.first; i <= moving.last; ++i) {
    const double gone = (samples[i].ring_position_m - start_m) / way_m;
    if (gone >= edge && gone <= 1.0 - edge) by_travel.add(samples[i]);
  }
}

// Least squares of error = c + friction sgn(v) + mass a over the moving parts, on means over 20 and
// 40 ms.
class Regression {
 public:
  void add(std::span<const ForceTruthSample> samples, const Moving& moving, double dt_s) {
    constexpr std::size_t kHalf = 20;
    for (std::size_t i = moving.first; i <= moving.last; ++i) {
      if (i < kHalf || i + kHalf >= samples.size()) continue;
      const double after = samples[i + kHalf].ring_position_m - samples[i].ring_position_m;
      const double before = samples[i].ring_position_m - samples[i - kHalf].ring_position_m;
      const double span_s = static_cast<double>(kHalf) * dt_s;
      const std::array<double, 3> x = {1.0, after + before > 0.0 ? 1.0 : -1.0,
                                       (after - before) / (span_s * span_s)};
      const double error = samples[i].cuff_tension_n - samples[i].target_n;
      for (std::size_t r = 0; r < 3; ++r) {
        for (std::size_t c = 0; c < 3; ++c) normal_[r][c] += x[r] * x[c];
        normal_[r][3] += x[r] * error;
      }
    }
  }

  // c, friction, mass; zeros when the motion does not tell them apart.
  [[nodiscard]] std::array<double, 3> solve() const {
    auto m = normal_;
    for (std::size_t p = 0; p < 3; ++p) {
      if (!(absolute(m[p][p]) > 1e-9)) return {};
      for (std::size_t r = 0; r < 3; ++r) {
        if (r == p) continue;
        const double factor = m[r][p] / m[p][p];
        for (std::size_t c = p; c < 4; ++c) m[r][c] -= factor * m[p][c];
      }
    }
    return {m[0][3] / m[0][0], m[1][3] / m[1][1], m[2][3] / m[2][2]};
  }

 private:
  std::array<std::array<double, 4>, 3> normal_{};
};

// Counts jumps of the error; one that lasts is one.
void find_steps(std::span<const ForceTruthSample> samples, std::size_t first, std::size_t last,
                const ForceTruthConfig& config, ForceTruth& truth) {
  const auto span = static_cast<std::size_t>(config.step_s / config.dt_s + 0.5);
  bool stepping = false;
  for (std::size_t i = first + span; i <= last; ++i) {
    const auto error = [&](std::size_t k) {
      return samples[k].cuff_tension_n - samples[k].target_n;
    };
    const double change = absolute(error(i) - error(i - span));
    truth.step_worst_n = std::max(truth.step_worst_n, change);
    const bool over = change > std::max(config.step_n, config.step_fraction * samples[i].target_n);
    if (over && !stepping) ++truth.steps;
    stepping = over;
  }
}

double worst_around(std::span<const ForceTruthSample> samples, std::size_t turn,
                    const ForceTruthConfig& config) {
  const auto window = static_cast<std::size_t>(config.turn_s / config.dt_s);
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
  Sum out, in, out_travel, in_travel;
  Regression regression;
  const std::vector<Stroke> strokes = find_strokes(samples, config);
  const auto travel_of = [&](const Stroke& stroke) {
    return absolute(samples[stroke.to].ring_position_m - samples[stroke.from].ring_position_m);
  };
  double longest = 0.0;
  for (const Stroke& stroke : strokes) longest = std::max(longest, travel_of(stroke));
  std::size_t first = samples.size(), last = 0;
  for (const Stroke& stroke : strokes) {
    const double travel = travel_of(stroke);
    if (travel < std::max(config.rep_travel_m, config.rep_fraction * longest)) continue;
    const Moving moving = find_moving(samples, stroke, config);
    const double moving_s = static_cast<double>(moving.last - moving.first) * config.dt_s;
    add_steady(samples, moving, config, stroke.outward ? out : in,
               stroke.outward ? out_travel : in_travel);
    regression.add(samples, moving, config.dt_s);
    if (stroke.outward) {
      ++truth.strokes_out;
      truth.range_m.push_back(travel);
      truth.concentric_s.push_back(moving_s);
    } else {
      ++truth.strokes_in;
      truth.eccentric_s.push_back(moving_s);
    }
    for (const std::size_t turn : {moving.first, moving.last}) {
      truth.turn_worst_n = std::max(truth.turn_worst_n, worst_around(samples, turn, config));
    }
    first = std::min(first, moving.first);
    last = std::max(last, moving.last);
  }
  const auto ratio = [](double over, double under) { return under > 0.0 ? over / under : 0.0; };
  truth.concentric_mean_n = out.mean_tension();
  truth.eccentric_mean_n = in.mean_tension();
  truth.rendered_ratio = ratio(truth.eccentric_mean_n, truth.concentric_mean_n);
  truth.travel_ratio = ratio(in_travel.mean_tension(), out_travel.mean_tension());
  truth.target_ratio = ratio(in.mean_target(), out.mean_target());
  truth.bias_concentric_n = out.bias();
  truth.bias_eccentric_n = in.bias();
  const auto count = static_cast<double>(out.count + in.count);
  if (count > 0.0) {
    truth.rms_n = det::sqrt((out.square + in.square) / count);
    truth.target_mean_n = (out.target + in.target) / count;
    truth.rms_percent = 100.0 * ratio(truth.rms_n, truth.target_mean_n);
    truth.turn_worst_percent = 100.0 * ratio(truth.turn_worst_n, truth.target_mean_n);
    const std::array<double, 3> fit = regression.solve();
    truth.friction_felt_n = fit[1];
    truth.apparent_mass_kg = fit[2];
    find_steps(samples, first, last, config, truth);
  }
  return truth;
}

}  // namespace medius::sim
