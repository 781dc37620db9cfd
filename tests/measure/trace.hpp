// Movements of the cuff ring for tests: minimum-jerk pieces with their truth by the written
// definitions (velocity crossings at 0.02 m/s on noise-free motion), and disturbances on top.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "controller/base/random.hpp"
#include "controller/measure/tracker.hpp"

namespace medius::test {

struct Point {
  double position_m = 0.0;
  double velocity_mps = 0.0;
};

struct TrueRep {
  std::uint64_t start_tick = 0, peak_start_tick = 0, peak_end_tick = 0, end_tick = 0;
  double range_m = 0.0;
};

class Trace {
 public:
  void hold(double seconds) { move_to(here_m_, seconds); }

  void move_to(double target_m, double seconds) {
    const int ticks = static_cast<int>(seconds * 1000.0 + 0.5);
    const double distance_m = target_m - here_m_;
    for (int i = 1; i <= ticks; ++i) {
      const double s = static_cast<double>(i) / ticks;
      const double way = s * s * s * (10.0 + s * (-15.0 + 6.0 * s));
      const double speed = 30.0 * s * s * (1.0 - s) * (1.0 - s) / (1e-3 * ticks);
      points.push_back({here_m_ + distance_m * way, distance_m * speed});
    }
    here_m_ = target_m;
  }

  // There and back.
  void bump(double size_m, double seconds) {
    move_to(here_m_ + size_m, seconds / 2.0);
    move_to(here_m_ - size_m, seconds / 2.0);
  }

  // One repetition from where the trace stands, and its truth; a jerk of `jerk_m` in 150 ms at the
  // peak.
  void rep(double rise_m, double up_s, double hold_s, double down_s, double bottom_s,
           double jerk_m = 0.0) {
    TrueRep truth;
    truth.range_m = rise_m;
    const std::size_t up = points.size();
    move_to(here_m_ + rise_m, up_s);
    const std::size_t top = points.size();
    hold(0.5 * hold_s);
    if (jerk_m != 0.0) bump(jerk_m, 0.15);
    hold(0.5 * hold_s);
    const std::size_t down = points.size();
    move_to(here_m_ - rise_m, down_s);
    const std::size_t bottom = points.size();
    truth.start_tick = crossing(up, top, true);
    truth.peak_start_tick = crossing(up, top, false);
    truth.peak_end_tick = crossing(down, bottom, true);
    truth.end_tick = crossing(down, bottom, false);
    reps.push_back(truth);
    hold(bottom_s);
  }

  [[nodiscard]] double here_m() const { return here_m_; }

  std::vector<Point> points;
  std::vector<TrueRep> reps;

 private:
  // First tick faster than 0.02 m/s, or the first slower one after it.
  [[nodiscard]] std::uint64_t crossing(std::size_t from, std::size_t to, bool starts) const {
    std::size_t first = from;
    while (first < to && std::fabs(points[first].velocity_mps) < 0.02) ++first;
    if (starts) return first;
    while (first < to && std::fabs(points[first].velocity_mps) >= 0.02) ++first;
    return first;
  }

  double here_m_ = 0.0;
};

struct Disturbance {
  double sway_m = 0.0;           // slow, two sines
  double tremor_fraction = 0.0;  // 9 Hz, of the torque: 12 % moves the ankle at 31 mm/s
  double noise_mps = 0.0;        // of the velocity estimate
  double noise_m = 0.0;
};

// A sine by rotation: cheap enough for a hundred million ticks.
class Oscillator {
 public:
  Oscillator(double radps, double phase)
      : radps_(radps),
        turn_cos_(std::cos(1e-3 * radps)),
        turn_sin_(std::sin(1e-3 * radps)),
        cos_(std::cos(phase)),
        sin_(std::sin(phase)) {}
  [[nodiscard]] double position() const { return sin_; }
  [[nodiscard]] double velocity() const { return radps_ * cos_; }
  void tick() {
    const double cos = cos_ * turn_cos_ - sin_ * turn_sin_;
    sin_ = sin_ * turn_cos_ + cos_ * turn_sin_;
    cos_ = cos;
  }

 private:
  double radps_, turn_cos_, turn_sin_, cos_, sin_;
};

// Standing sway of +-`sway_m` and 9 Hz tremor of the lifted leg, seen through a noisy estimate.
inline void disturb(std::vector<Point>& points, const Disturbance& with, Random& random) {
  Oscillator slow(2.0 * M_PI * random.uniform(0.15, 0.35), 0.0);
  Oscillator fast(2.0 * M_PI * random.uniform(0.4, 0.9), 0.0);
  Oscillator tremor(2.0 * M_PI * 9.0, random.uniform(0.0, 6.28));
  const double tremor_m = 0.26 * with.tremor_fraction / (2.0 * M_PI * 9.0);
  for (Point& point : points) {
    point.position_m += with.sway_m * (0.7 * slow.position() + 0.3 * fast.position()) +
                        tremor_m * tremor.position();
    point.velocity_mps += with.sway_m * (0.7 * slow.velocity() + 0.3 * fast.velocity()) +
                          tremor_m * tremor.velocity();
    if (with.noise_m > 0.0) point.position_m += with.noise_m * random.normal();
    if (with.noise_mps > 0.0) point.velocity_mps += with.noise_mps * random.normal();
    slow.tick();
    fast.tick();
    tremor.tick();
  }
}

struct Result {
  std::vector<measure::RepBoundary> reps;
  std::vector<measure::TrackerOutput> outputs;  // every tick, when asked for
  std::vector<std::uint64_t> direction_ticks;
  measure::Tracker tracker;
  int validated = 0;
};

inline Result track(const std::vector<Point>& points, double range_m,
                    const measure::TrackerConfig& config = {}, bool keep_outputs = false) {
  Result result;
  result.tracker.start_set(config, range_m);
  measure::TrackerInput in;
  in.counting = true;
  in.force = in.force_reference = 60.0;
  const auto take = [&](const measure::TrackerOutput& out) {
    if (out.rep_closed) result.reps.push_back(out.rep);
    if (out.direction_changed) result.direction_ticks.push_back(in.tick);
    if (out.concentric_validated) ++result.validated;
    if (keep_outputs) result.outputs.push_back(out);
  };
  for (std::size_t i = 0; i < points.size(); ++i) {
    in.tick = i;
    in.position = points[i].position_m;
    in.velocity = points[i].velocity_mps;
    take(result.tracker.update(in));
  }
  result.tracker.end_set();
  in.tick = points.size();
  in.counting = false;
  take(result.tracker.update(in));
  return result;
}

}  // namespace medius::test
