// The plant against an independent integration of the written equations: fourth-order Runge-Kutta
// at 2 us, libm, no phasors, no implicit bristles, nothing shared with the plant but the
// configuration.
#include <algorithm>
#include <array>
#include <cmath>

#include <gtest/gtest.h>

#include "sim/plant/cable_plant.hpp"
#include "tests/sim_plant/runge_kutta.hpp"

namespace medius::sim {
namespace {

enum Index { kX, kV, kY, kVy, kAlpha, kOmega, kZ, kZp, kMotor, kStates };
using Vector = std::array<double, kStates>;

class Reference {
 public:
  explicit Reference(const CablePlantConfig& config, const LegConfig& leg)
      : c_(config), leg_(leg) {}

  struct Forces {
    double t1, t2;
  };
  Forces forces(const Vector& s) const {
    const double cuff = length(s[kAlpha]) - length(0.0);
    const double cuff_rate = arm(s[kAlpha]) * s[kOmega];
    return {pull(c_.cable_stiffness_npm, c_.cable_damping_nspm, s[kY] - s[kX], s[kVy] - s[kV]),
            pull(c_.cuff_stiffness_npm, c_.cuff_damping_nspm, cuff - s[kY], cuff_rate - s[kVy])};
  }

  Vector rate(const Vector& s, double u, double hip) const {
    const Forces f = forces(s);
    Vector d{};
    double friction = 0.0;
    d[kZ] = lugre(c_.drive_friction, s[kZ], s[kV], f.t1, friction);
    d[kX] = s[kV];
    d[kV] = (f.t1 - s[kMotor] - friction) / c_.reflected_mass_kg;
    d[kZp] = lugre(c_.path_friction, s[kZp], s[kVy], f.t2, friction);
    d[kY] = s[kVy];
    d[kVy] = (f.t2 - f.t1 - friction) / c_.path_mass_kg;
    d[kAlpha] = s[kOmega];
    d[kOmega] =
        (hip - leg_.gravity_moment_kgm * 9.81 * std::sin(s[kAlpha]) - f.t2 * arm(s[kAlpha])) /
        leg_.inertia_kgm2;
    const double ripple =
        c_.torque_ripple_n * std::sin(2.0 * M_PI * c_.torque_ripple_per_m * s[kX]);
    d[kMotor] = (c_.torque_gain * u + ripple - s[kMotor]) / c_.drive_lag_s;
    return d;
  }

  void step(Vector& s, double u, double hip, double dt) const {
    test::runge_kutta(s, dt, [&](const Vector& at) { return rate(at, u, hip); });
  }

 private:
  static double pull(double k, double c, double s, double rate) {
    return s > 0.0 ? std::max(0.0, k * s + c * rate) : 0.0;
  }
  static double lugre(const FrictionConfig& f, double z, double v, double tension, double& force) {
    const double e = std::exp(-std::pow(v / f.stribeck_velocity_mps, 2));
    const double g =
        (f.coulomb_n + f.load_fraction * tension) * (1.0 + (f.stribeck_ratio - 1.0) * e);
    const double rate = v - f.bristle_stiffness_npm * std::abs(v) * z / g;
    force = f.bristle_stiffness_npm * z + f.bristle_damping_nspm * rate * e + f.viscous_nspm * v;
    return rate;
  }
  double length(double a) const {
    return std::hypot(c_.cuff_radius_m * std::sin(a) + c_.pulley_distance_m,
                      c_.hip_height_m - c_.pulley_height_m - c_.cuff_radius_m * std::cos(a));
  }
  double arm(double a) const {
    return c_.cuff_radius_m *
           (c_.pulley_distance_m * std::cos(a) +
            (c_.hip_height_m - c_.pulley_height_m) * std::sin(a)) /
           length(a);
  }

  CablePlantConfig c_;
  LegConfig leg_;
};

double command_at(double t) {
  return t < 1.5 ? 60.0 : 78.0;
}
double torque_at(double t, double alpha, double omega) {
  const double target = 0.10 + 0.22 * (1.0 - std::cos(2.0 * M_PI * t / 3.0));
  return 55.0 + 200.0 * (target - alpha) - 20.0 * omega;
}

TEST(PlantReference, AgreesWithAFineIntegrationOfTheWrittenEquations) {
  // Torque keeps the leg off its stop, which is not among the written equations.
  const CablePlantConfig config;
  const LegConfig leg;
  CablePlant plant(config, leg);
  const Reference reference(config, leg);
  Vector state{};
  constexpr double kFine = 2e-6;
  constexpr int kFineSteps = 50;
  double worst_position = 0.0, worst_angle = 0.0, square = 0.0;
  int samples = 0;
  for (int i = 0; i < 30'000; ++i) {
    const double t = i * kPlantStepS;
    plant.command(command_at(t), true);
    plant.step(torque_at(t, plant.truth().hip_angle_rad, plant.truth().hip_velocity_radps));
    for (int k = 0; k < kFineSteps; ++k) {
      const double fine = t + k * kFine;
      const double sent = fine - config.drive_dead_time_s;
      reference.step(state, sent < 0.0 ? 0.0 : command_at(sent),
                     torque_at(fine, state[kAlpha], state[kOmega]), kFine);
    }
    const CableTruth& truth = plant.truth();
    worst_position = std::max(worst_position, std::abs(truth.drum_position_m - state[kX]));
    worst_angle = std::max(worst_angle, std::abs(truth.hip_angle_rad - state[kAlpha]));
    if (t > 0.2) {
      const double error = truth.cuff_tension_n - reference.forces(state).t2;
      square += error * error;
      ++samples;
    }
  }
  EXPECT_GT(state[kAlpha], 0.05);  // it has moved
  EXPECT_LT(worst_position, 1e-4);
  EXPECT_LT(worst_angle, 1e-4);
  EXPECT_LT(std::sqrt(square / samples), 0.05);
}

}  // namespace
}  // namespace medius::sim
