// Tests over several sets: the load-velocity profile, the active range, and the change of a value
// between two test days. Pure; not on the loop.
#pragma once

#include <cstddef>
#include <span>

namespace medius::measure {

// Raised whenever a definition below changes.
inline constexpr int kTestVersion = 1;

struct LoadVelocityPoint {
  double load = 0.0;  // N | Nm
  // m/s | rad/s: peak of the lifting phase. The mean speed also holds how long somebody waited
  // with the first centimetre.
  double velocity = 0.0;
};

// A line is a guess with fewer loads.
inline constexpr std::size_t kLoadVelocityLoadsMin = 4;
// No speed at the maximum is published for hip abduction. The load at this peak speed stands in for
// the maximum, and its name says so: 0.4 m in 2.7 s, as slow as a grinding last repetition, along a
// minimum-jerk path, whose peak is 1.875 times its mean.
inline constexpr double kVelocityAtMaximumMps = 0.28;

enum class LoadVelocityProblem : unsigned char {
  kNone = 0,
  kFewLoads,    // fewer than kLoadVelocityLoadsMin different loads
  kNotFalling,  // speed does not fall with the load: no maximum can be said
  kUncertain,   // the slope may be nought at 95 %: the interval of the maximum has no end
};

// velocity = at_no_load + slope x load by least squares over all points. The interval of the
// estimated maximum is Fieller's for an inverse prediction, two-sided 95 %.
struct LoadVelocityProfile {
  LoadVelocityProblem problem = LoadVelocityProblem::kFewLoads;
  std::size_t points = 0, loads = 0;
  double velocity_at_no_load = 0.0;
  double slope = 0.0;  // per N | Nm, negative
  double slope_low = 0.0, slope_high = 0.0;
  double r_squared = 0.0;
  double residual_sd = 0.0;
  double one_rm = 0.0;  // load at the given velocity
  double one_rm_low = 0.0, one_rm_high = 0.0;
};

// [any] Points with a load or velocity that is not finite or not positive are left out.
[[nodiscard]] LoadVelocityProfile load_velocity(std::span<const LoadVelocityPoint> points,
                                                double velocity_at_maximum);

// [any] Two-sided 95 % quantile of Student's t; the normal's beyond 120 degrees of freedom.
[[nodiscard]] double student_t95(std::size_t degrees_of_freedom) noexcept;

// Of a value measured several times on one day.
struct TestValue {
  std::size_t count = 0;
  double best = 0.0;
  double mean = 0.0;
  double standard_error = 0.0;  // of the mean; 0 with one only
};
[[nodiscard]] TestValue test_value(std::span<const double> trials);

// Change of the mean between two days against its minimal detectable change at 95 %:
// 1.96 sqrt(sem_before^2 + sem_after^2), where the standard error of a day is at least `day_cv`
// of its mean: what repeats within a day does not repeat as well between days.
struct TestChange {
  bool known = false;
  double difference = 0.0;
  double percent = 0.0;
  double minimal_detectable_change = 0.0;
  bool beyond_error = false;
};
[[nodiscard]] TestChange test_change(const TestValue& before, const TestValue& after,
                                     double day_cv);
// Hip abductors on a motor-driven cable dynamometer, best position: 5.64 % (Chamorro et al. 2018,
// PMC6101381).
inline constexpr double kStrengthDayCv = 0.0564;

}  // namespace medius::measure
