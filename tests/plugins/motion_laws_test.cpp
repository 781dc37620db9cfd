// The laws over speed and acceleration: viscous, air, flywheel, weight stack.
#include <algorithm>
#include <array>
#include <cmath>

#include <gtest/gtest.h>

#include "plugins/sdk/impedance.hpp"
#include "tests/plugins/plugin_fixture.hpp"

namespace medius {
namespace {

using test::activation;
using test::input;
using test::lever;
using test::make;
using test::run;

class MotionLaws : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(host_.load_directory(MEDIUS_PLUGIN_DIR).empty()); }

  static double at_speed(rt::ProfileInstance& profile, double velocity, double base) {
    return profile.step(input(MEDIUS_PHASE_CONCENTRIC, velocity, base)).force;
  }
  // In a steady acceleration, filter settled.
  static double accelerating(rt::ProfileInstance& profile, double velocity, double acceleration,
                             double base) {
    auto in = input(MEDIUS_PHASE_CONCENTRIC, velocity, base);
    in.acceleration = acceleration;
    return run(profile, in, 0.5);
  }
  // J that the law gives (> 0) or takes over one swing of `amplitude` at 1 Hz, over the set load.
  static double energy_of_a_swing(rt::ProfileInstance& profile, double base, double amplitude) {
    double energy = 0.0;
    const double w = 2.0 * 3.14159265358979;
    for (int i = 0; i < 3000; ++i) {
      const double t = (i + 0.5) * 1e-3;
      auto in = input(MEDIUS_PHASE_CONCENTRIC, amplitude * w * std::sin(w * t), base);
      in.position = amplitude * (1.0 - std::cos(w * t));
      in.acceleration = amplitude * w * w * std::cos(w * t);
      const double force = profile.step(in).force;
      if (i >= 2000) energy -= (force - base) * in.velocity * 1e-3;
    }
    return energy;
  }
  station::PluginHost host_;
};

TEST_F(MotionLaws, ViscousResistsInProportionToTheLiftingSpeedOnly) {
  const auto profile = make(host_, "viscous", {{"damping_ns_per_m", 100.0}});
  EXPECT_DOUBLE_EQ(at_speed(*profile, 0.5, 60.0), 110.0);
  EXPECT_DOUBLE_EQ(at_speed(*profile, 0.1, 60.0), 70.0);
  EXPECT_EQ(at_speed(*profile, 0.0, 60.0), 60.0);
  EXPECT_EQ(at_speed(*profile, -0.5, 60.0), 60.0) << "it does not hold a lowering up";
  EXPECT_EQ(at_speed(*profile, std::nan(""), 60.0), 60.0);
  EXPECT_DOUBLE_EQ(at_speed(*profile, 5.0, 60.0), 140.0) << "velocity_max is 0.8 m/s";
  const auto seated = make(host_, "viscous", {{"damping_nms_per_rad", 10.0}}, lever());
  EXPECT_DOUBLE_EQ(at_speed(*seated, 1.5, 40.0), 55.0);
}

TEST_F(MotionLaws, AirResistsWithTheSquareOfTheLiftingSpeedOnly) {
  const auto profile = make(host_, "quadratic-air", {{"drag_ns2_per_m2", 100.0}});
  EXPECT_DOUBLE_EQ(at_speed(*profile, 0.5, 60.0), 85.0);
  EXPECT_DOUBLE_EQ(at_speed(*profile, 0.1, 60.0), 61.0);
  EXPECT_EQ(at_speed(*profile, -0.5, 60.0), 60.0);
  EXPECT_EQ(at_speed(*profile, std::nan(""), 60.0), 60.0);
}

TEST_F(MotionLaws, AirIsNeverSteeperThanTheDampingThatTheLoopBears) {
  for (const bool seated : {false, true}) {
    auto with = seated ? lever() : activation(600.0, 1.5);
    const auto profile =
        make(host_, "quadratic-air",
             {{seated ? "drag_nms2_per_rad2" : "drag_ns2_per_m2", seated ? 11.0 : 200.0}}, with);
    const double most = sdk::impedance_limits(with.coordinate).damping;
    double steepest = 0.0;
    for (double v = 0.0; v < with.velocity_max; v += 0.001) {
      steepest = std::max(
          steepest, (at_speed(*profile, v + 1e-3, 20.0) - at_speed(*profile, v, 20.0)) / 1e-3);
    }
    EXPECT_LE(steepest, most * 1.0001);
    EXPECT_GE(steepest, most * 0.99) << "the limit is reached, or the test says nothing";
  }
}

// Dissipative: over a whole swing the person only loses energy to these laws.
TEST_F(MotionLaws, DampersTakeEnergyAndNeverGiveAny) {
  for (const char* id : {"viscous", "quadratic-air"}) {
    EXPECT_LT(energy_of_a_swing(*make(host_, id), 60.0, 0.1), -0.5) << id;
  }
  const auto plates = make(host_, "weight-stack", {{"hysteresis", 0.1}});
  EXPECT_LT(energy_of_a_swing(*plates, 60.0, 0.1), -0.5);
}

TEST_F(MotionLaws, AFlywheelWeighsItsMassTimesTheAcceleration) {
  const auto profile = make(host_, "flywheel", {{"mass_kg", 1.5}, {"no_flying_weight", 0.0}});
  EXPECT_NEAR(accelerating(*profile, 0.3, 4.0, 60.0), 66.0, 1e-6);
  EXPECT_NEAR(accelerating(*profile, 0.3, -4.0, 60.0), 54.0, 1e-6);
  EXPECT_NEAR(accelerating(*profile, 0.3, 0.0, 60.0), 60.0, 1e-6);
  const auto seated =
      make(host_, "flywheel", {{"inertia_kg_m2", 0.2}, {"no_flying_weight", 0.0}}, lever());
  EXPECT_NEAR(accelerating(*seated, 0.5, 10.0, 40.0), 42.0, 1e-6);
}

TEST_F(MotionLaws, WithoutFlyingWeightAFlywheelResistsOnlySpeedingUp) {
  const auto profile = make(host_, "flywheel", {{"mass_kg", 1.5}, {"no_flying_weight", 1.0}});
  EXPECT_NEAR(accelerating(*profile, 0.3, 4.0, 60.0), 66.0, 1e-6) << "speeding up";
  EXPECT_NEAR(accelerating(*profile, 0.3, -4.0, 60.0), 60.0, 1e-6) << "slowing down";
  EXPECT_NEAR(accelerating(*profile, -0.3, -4.0, 60.0), 54.0, 1e-6) << "speeding up inward";
  EXPECT_NEAR(accelerating(*profile, -0.3, 4.0, 60.0), 60.0, 1e-6) << "slowing down inward";
  // No jump where the direction changes: the turn at the top, in steps of a tick.
  double before = accelerating(*profile, 0.2, -4.0, 60.0);
  for (double v = 0.2; v > -0.2; v -= 0.004) {
    auto in = input(MEDIUS_PHASE_CONCENTRIC, v, 60.0);
    in.acceleration = -4.0;
    const double force = profile->step(in).force;
    EXPECT_LE(std::fabs(force - before), 1.5 * 4.0 * 1.5 / 0.05 * 0.004 + 0.35) << v;
    before = force;
  }
}

TEST_F(MotionLaws, AFlywheelStoresNoMoreThanItsEnergy) {
  const auto profile =
      make(host_, "flywheel", {{"mass_kg", 1.6}, {"energy_max_j", 0.5}, {"no_flying_weight", 0.0}});
  // 0.5 J in 1.6 kg is 0.79 m/s.
  EXPECT_NEAR(accelerating(*profile, 0.70, 5.0, 60.0), 68.0, 1e-6);
  EXPECT_NEAR(accelerating(*profile, 0.80, 5.0, 60.0), 60.0, 1e-6) << "it no longer resists";
  EXPECT_NEAR(accelerating(*profile, 0.80, -5.0, 60.0), 52.0, 1e-6) << "it gives back what it has";
}

TEST_F(MotionLaws, AFlywheelNeitherSlackensNorDoublesTheLoad) {
  const auto profile = make(host_, "flywheel", {{"mass_kg", 1.8}, {"no_flying_weight", 0.0}});
  EXPECT_DOUBLE_EQ(accelerating(*profile, 0.3, 1e6, 20.0), 30.0);
  EXPECT_DOUBLE_EQ(accelerating(*profile, 0.3, -1e6, 20.0), 10.0);
  auto in = input(MEDIUS_PHASE_CONCENTRIC, 0.3, 20.0);
  in.acceleration = std::nan("");
  EXPECT_NEAR(run(*profile, in, 0.5), 20.0, 1e-6) << "an unknown acceleration is none";
}

// Force control renders M beside the drive's own m; what the loop gets back is -M a, late and
// filtered. Returns how far the handle swings after a push.
double swing_of(double mass, double drive_kg, int delay_ticks) {
  std::array<double, 16> late{};
  double v = 0.01, x = 0.0, filtered = 0.0, worst = 0.0;
  const double gain = 1.0 - std::exp(-2.0 * 3.14159265358979 * 8.0 * 1e-3);
  for (int i = 0; i < 20000; ++i) {
    const double force = late[static_cast<std::size_t>(i % delay_ticks)];
    const double spring = 10000.0 * x + 5.0 * v;  // the cuff, hardly damped
    const double a = (-force - spring) / drive_kg;
    filtered += gain * (a - filtered);
    late[static_cast<std::size_t>(i % delay_ticks)] = mass * filtered;
    v += 1e-3 * a;
    x += 1e-3 * v;
    if (!(std::fabs(x) < 1e3)) return 1e3;
    if (i >= 19000) worst = std::max(worst, std::fabs(x));
  }
  return worst;
}

TEST_F(MotionLaws, AMassWithinTheLimitIsStableInALateLoopAndAHeavyOneIsNot) {
  for (const int delay : {1, 2, 5, 12}) {
    EXPECT_LT(swing_of(sdk::kInertiaMaxKg, 2.6, delay), 1e-4) << delay << " ms";
  }
  double worst = 0.0;
  for (const int delay : {1, 2, 5, 12}) worst = std::max(worst, swing_of(40.0, 2.6, delay));
  EXPECT_GT(worst, 1.0) << "the control: a heavy flywheel needs another loop";
}

TEST_F(MotionLaws, AWeightStackHasTheInertiaOfItsPlatesAsFarAsTheLoopBears) {
  const auto profile = make(host_, "weight-stack");
  // 9.80665 N are a kilogram.
  EXPECT_NEAR(accelerating(*profile, 0.3, 2.0, 9.80665), 9.80665 + 2.0, 1e-6);
  EXPECT_NEAR(accelerating(*profile, 0.3, -2.0, 9.80665), 9.80665 - 2.0, 1e-6);
  EXPECT_NEAR(accelerating(*profile, 0.3, 2.0, 60.0), 60.0 + 1.8 * 2.0, 1e-6)
      << "1.8 kg at the most";
  const auto seated = make(host_, "weight-stack", {{"cam_radius_m", 0.1}}, lever());
  EXPECT_NEAR(accelerating(*seated, 0.3, 2.0, 9.80665), 9.80665 + 0.1 * 2.0, 1e-6);
}

TEST_F(MotionLaws, AWeightStackHasGuideFrictionOnlyWhenAskedTo) {
  EXPECT_EQ(at_speed(*make(host_, "weight-stack"), 0.3, 60.0), 60.0);
  const auto profile = make(host_, "weight-stack", {{"hysteresis", 0.1}});
  EXPECT_NEAR(run(*profile, input(MEDIUS_PHASE_CONCENTRIC, 0.3, 60.0), 0.5), 66.0, 1e-9);
  EXPECT_NEAR(run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.3, 60.0), 0.5), 54.0, 1e-9);
  EXPECT_NEAR(run(*profile, input(MEDIUS_PHASE_BOTTOM, 0.0, 60.0), 1.0), 54.0, 1e-9)
      << "at a stop it holds what it has";
}

}  // namespace
}  // namespace medius
