// The lever plant against an independent integration of the written equations: fourth-order
// Runge-Kutta at 2 us, libm, no implicit bristles, nothing shared with the plant but the
// configuration.
#include <algorithm>
#include <array>
#include <cmath>

#include <gtest/gtest.h>

#include "sim/plant/body.hpp"
#include "sim/plant/lever_plant.hpp"
#include "tests/sim_plant/runge_kutta.hpp"

namespace medius::sim {
namespace {

enum Index { kArm, kArmRate, kLeg, kLegRate, kLeg2, kLeg2Rate, kZ, kMotor, kStates };
using Vector = std::array<double, kStates>;

class Reference {
 public:
  Reference(const LeverPlantConfig& config, const std::array<LegConfig, 2>& legs)
      : c_(config), legs_(legs) {}

  double pad_n(const Vector& s, std::size_t leg) const {
    if (leg >= static_cast<std::size_t>(c_.legs)) return 0.0;
    const double depth = c_.pad_lever_m * (s[kLeg + 2 * leg] - s[kArm]);
    const double rate = c_.pad_lever_m * (s[kLegRate + 2 * leg] - s[kArmRate]);
    if (depth <= 0.0) return 0.0;
    return std::max(0.0, c_.pad_stiffness_npm * depth + c_.pad_damping_nspm * rate);
  }

  Vector rate(const Vector& s, double u, const std::array<double, 2>& hip) const {
    Vector d{};
    const double pads = c_.pad_lever_m * (pad_n(s, 0) + pad_n(s, 1));
    const FrictionConfig& f = c_.gear_friction;
    const double e = std::exp(-std::pow(s[kArmRate] / f.stribeck_velocity_mps, 2));
    const double g = (f.coulomb_n + f.load_fraction * pads) * (1.0 + (f.stribeck_ratio - 1.0) * e);
    d[kZ] = s[kArmRate] - f.bristle_stiffness_npm * std::abs(s[kArmRate]) * s[kZ] / g;
    const double friction = f.bristle_stiffness_npm * s[kZ] + f.bristle_damping_nspm * d[kZ] * e +
                            f.viscous_nspm * s[kArmRate];
    const double tilt = 9.81 * c_.arm_moment_kgm * std::sin(c_.tilt_rad) * std::cos(s[kArm]);
    d[kArm] = s[kArmRate];
    d[kArmRate] = (pads - s[kMotor] - friction - tilt) / c_.arm_inertia_kgm2;
    for (std::size_t i = 0; i < static_cast<std::size_t>(c_.legs); ++i) {
      d[kLeg + 2 * i] = s[kLegRate + 2 * i];
      d[kLegRate + 2 * i] =
          (hip[i] - c_.pad_lever_m * pad_n(s, i) - c_.seat_damping_nmsprad * s[kLegRate + 2 * i]) /
          legs_[i].inertia_kgm2;
    }
    const double ripple =
        c_.torque_ripple_nm * std::sin(2.0 * M_PI * c_.torque_ripple_per_rad * s[kArm]);
    d[kMotor] = (c_.torque_gain * u + ripple - s[kMotor]) / c_.drive_lag_s;
    return d;
  }

  void step(Vector& s, double u, const std::array<double, 2>& hip, double dt) const {
    test::runge_kutta(s, dt, [&](const Vector& at) { return rate(at, u, hip); });
  }

 private:
  LeverPlantConfig c_;
  std::array<LegConfig, 2> legs_;
};

double command_at(double t, int legs) {
  return legs * (t < 1.5 ? 30.0 : 39.0);
}
// The second leg lags by a tenth of a second, so that linked arms carry the legs unequally.
double hip_at(double t, int leg, double angle, double rate) {
  const double late = t - 0.1 * leg;
  const double target = 0.15 + 0.22 * (1.0 - std::cos(2.0 * M_PI * late / 3.0));
  return 34.0 + 150.0 * (target - angle) - 15.0 * rate;
}

struct Worst {
  double arm_rad = 0.0, leg_rad = 0.0, pad_rms_n = 0.0, reached_rad = 0.0;
};

Worst compare(const LeverPlantConfig& plant_config, const LeverPlantConfig& reference_config) {
  const LegConfig seated = seated_leg({});
  const std::array<LegConfig, 2> legs{seated, seated};
  LeverPlant plant(plant_config, legs);
  const Reference reference(reference_config, legs);
  Vector state{};
  constexpr double kFine = 2e-6;
  constexpr int kFineSteps = 50;
  Worst worst;
  double square = 0.0;
  int samples = 0;
  for (int i = 0; i < 30'000; ++i) {
    const double t = i * kPlantStepS;
    const LeverTruth& truth = plant.truth();
    std::array<double, 2> hip{};
    for (int leg = 0; leg < plant_config.legs; ++leg) {
      const auto& at = truth.leg[static_cast<std::size_t>(leg)];
      hip[static_cast<std::size_t>(leg)] = hip_at(t, leg, at.angle_rad, at.velocity_radps);
    }
    plant.command(command_at(t, plant_config.legs), true);
    plant.step(hip);
    for (int k = 0; k < kFineSteps; ++k) {
      const double fine = t + k * kFine;
      const double sent = fine - reference_config.drive_dead_time_s;
      reference.step(state, sent < 0.0 ? 0.0 : command_at(sent, reference_config.legs),
                     {hip_at(fine, 0, state[kLeg], state[kLegRate]),
                      hip_at(fine, 1, state[kLeg2], state[kLeg2Rate])},
                     kFine);
    }
    worst.arm_rad = std::max(worst.arm_rad, std::abs(truth.arm_angle_rad - state[kArm]));
    for (std::size_t leg = 0; leg < static_cast<std::size_t>(plant_config.legs); ++leg) {
      const auto& at = truth.leg[leg];
      worst.leg_rad = std::max(worst.leg_rad, std::abs(at.angle_rad - state[kLeg + 2 * leg]));
      if (t < 0.2) continue;
      const double error = at.pad_force_n - reference.pad_n(state, leg);
      square += error * error;
      ++samples;
    }
    worst.reached_rad = std::max(worst.reached_rad, truth.arm_angle_rad);
  }
  worst.pad_rms_n = std::sqrt(square / samples);
  return worst;
}

LeverPlantConfig tilted(int legs) {
  LeverPlantConfig config;
  config.legs = legs;
  config.tilt_rad = 0.035;
  return config;
}

TEST(LeverReference, AgreesWithAFineIntegrationOfTheWrittenEquations) {
  for (const int legs : {1, 2}) {
    const LeverPlantConfig config = tilted(legs);
    const Worst worst = compare(config, config);
    EXPECT_GT(worst.reached_rad, 0.3) << legs;  // it has moved
    EXPECT_LT(worst.arm_rad, 2e-4) << legs;
    EXPECT_LT(worst.leg_rad, 2e-4) << legs;
    EXPECT_LT(worst.pad_rms_n, 0.2) << legs;
  }
}

// The comparison notices what it is there to notice.
TEST(LeverReference, TellsAPlantWithAnotherFrictionTiltOrInertia) {
  const LeverPlantConfig config = tilted(1);
  LeverPlantConfig slippery = config, level = config, heavy = config;
  slippery.gear_friction.coulomb_n *= 0.9;
  level.tilt_rad = 0.0;
  heavy.arm_inertia_kgm2 *= 1.1;
  for (const LeverPlantConfig& other : {slippery, level, heavy}) {
    const Worst worst = compare(config, other);
    EXPECT_TRUE(worst.arm_rad > 2e-4 || worst.pad_rms_n > 0.2);
  }
}

}  // namespace
}  // namespace medius::sim
