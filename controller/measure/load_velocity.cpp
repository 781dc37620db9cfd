#include "controller/measure/load_velocity.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "controller/base/clamp.hpp"

namespace medius::measure {
namespace {

constexpr double kSameLoad = 0.5;  // loads closer than this are one load: a machine's step
constexpr double kNormal95 = 1.960;

std::vector<LoadVelocityPoint> usable(std::span<const LoadVelocityPoint> points) {
  std::vector<LoadVelocityPoint> good;
  for (const LoadVelocityPoint& point : points) {
    const bool finite = is_finite(point.load) && is_finite(point.velocity);
    if (finite && point.load > 0.0 && point.velocity > 0.0) good.push_back(point);
  }
  return good;
}

std::size_t different_loads(std::vector<LoadVelocityPoint> points) {
  std::sort(points.begin(), points.end(),
            [](const auto& a, const auto& b) { return a.load < b.load; });
  std::size_t count = 0;
  double last = -kSameLoad;
  for (const LoadVelocityPoint& point : points) {
    if (point.load - last < kSameLoad) continue;
    last = point.load;
    ++count;
  }
  return count;
}

struct Sums {
  double mean_load = 0.0, mean_velocity = 0.0;
  double load_load = 0.0, load_velocity = 0.0, velocity_velocity = 0.0;  // about the means
};

Sums sums_of(const std::vector<LoadVelocityPoint>& points) {
  Sums sums;
  const auto n = static_cast<double>(points.size());
  for (const LoadVelocityPoint& point : points) {
    sums.mean_load += point.load / n;
    sums.mean_velocity += point.velocity / n;
  }
  for (const LoadVelocityPoint& point : points) {
    const double x = point.load - sums.mean_load;
    const double y = point.velocity - sums.mean_velocity;
    sums.load_load += x * x;
    sums.load_velocity += x * y;
    sums.velocity_velocity += y * y;
  }
  return sums;
}

}  // namespace

double student_t95(std::size_t degrees_of_freedom) noexcept {
  // Table values; between the rows the smaller number of degrees, which is the wider interval.
  constexpr std::array<double, 30> kTable{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                                          2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
                                          2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
                                          2.060,  2.056, 2.052, 2.048, 2.045, 2.042};
  if (degrees_of_freedom == 0) return kTable.front();
  if (degrees_of_freedom <= kTable.size()) return kTable[degrees_of_freedom - 1];
  if (degrees_of_freedom < 40) return kTable.back();
  if (degrees_of_freedom < 60) return 2.021;
  if (degrees_of_freedom < 120) return 2.000;
  return degrees_of_freedom == 120 ? 1.980 : kNormal95;
}

LoadVelocityProfile load_velocity(std::span<const LoadVelocityPoint> points,
                                  double velocity_at_maximum) {
  const std::vector<LoadVelocityPoint> good = usable(points);
  LoadVelocityProfile profile;
  profile.points = good.size();
  profile.loads = different_loads(good);
  if (profile.loads < kLoadVelocityLoadsMin) return profile;
  const Sums sums = sums_of(good);
  const auto n = static_cast<double>(good.size());
  profile.slope = sums.load_velocity / sums.load_load;
  profile.velocity_at_no_load = sums.mean_velocity - profile.slope * sums.mean_load;
  const double residual =
      at_least(sums.velocity_velocity - profile.slope * sums.load_velocity, 0.0);
  profile.residual_sd = std::sqrt(residual / (n - 2.0));
  profile.r_squared = sums.velocity_velocity > 0.0 ? 1.0 - residual / sums.velocity_velocity : 0.0;
  const double t = student_t95(good.size() - 2);
  const double half = t * profile.residual_sd / std::sqrt(sums.load_load);
  profile.slope_low = profile.slope - half;
  profile.slope_high = profile.slope + half;
  if (!(profile.slope < 0.0)) {
    profile.problem = LoadVelocityProblem::kNotFalling;
    return profile;
  }
  profile.one_rm = (velocity_at_maximum - profile.velocity_at_no_load) / profile.slope;
  const double g = half * half / (profile.slope * profile.slope);
  if (!(g < 1.0)) {
    profile.problem = LoadVelocityProblem::kUncertain;
    return profile;
  }
  const double from_mean = profile.one_rm - sums.mean_load;
  const double centre = sums.mean_load + from_mean / (1.0 - g);
  const double spread = t * profile.residual_sd / (-profile.slope * (1.0 - g)) *
                        std::sqrt((1.0 - g) / n + from_mean * from_mean / sums.load_load);
  profile.one_rm_low = centre - spread;
  profile.one_rm_high = centre + spread;
  profile.problem = LoadVelocityProblem::kNone;
  return profile;
}

TestValue test_value(std::span<const double> trials) {
  TestValue value;
  for (const double trial : trials) {
    if (!is_finite(trial)) continue;
    ++value.count;
    value.mean += trial;
    if (value.count == 1 || trial > value.best) value.best = trial;
  }
  if (value.count == 0) return value;
  const auto n = static_cast<double>(value.count);
  value.mean /= n;
  double squares = 0.0;
  for (const double trial : trials) {
    if (is_finite(trial)) squares += (trial - value.mean) * (trial - value.mean);
  }
  if (value.count > 1) value.standard_error = std::sqrt(squares / (n - 1.0) / n);
  return value;
}

TestChange test_change(const TestValue& before, const TestValue& after, double day_cv) {
  TestChange change;
  if (before.count == 0 || after.count == 0 || !(before.mean > 0.0)) return change;
  const double sem_before = at_least(before.standard_error, day_cv * before.mean);
  const double sem_after = at_least(after.standard_error, day_cv * after.mean);
  change.known = true;
  change.difference = after.mean - before.mean;
  change.percent = 100.0 * change.difference / before.mean;
  change.minimal_detectable_change =
      kNormal95 * std::sqrt(sem_before * sem_before + sem_after * sem_after);
  change.beyond_error = absolute(change.difference) > change.minimal_detectable_change;
  return change;
}

}  // namespace medius::measure
