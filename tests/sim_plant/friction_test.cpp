#include "sim/plant/friction.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "controller/base/random.hpp"

namespace medius::sim {
namespace {

constexpr double kDt = 1e-4;
const FrictionConfig kDrive{5.0, 0.03, 10.0, 1.25, 0.02, 1e5, 300.0};

double steady_force(const FrictionConfig& config, double velocity, double tension) {
  const FrictionModel model(config);
  FrictionState state;
  double force = 0.0;
  for (int i = 0; i < 20000; ++i) {
    force = friction_force(model, state, velocity, tension, kDt).force_n;
  }
  return force;
}

TEST(Friction, HalvingIsThePowerOfTwo) {
  for (double x = 0.0; x < 90.0; x += 0.0137) {
    ASSERT_NEAR(halved(x), std::exp2(-x), 1e-13 * std::exp2(-x)) << x;
  }
  for (double x = 0.0; x < 90.0; x += 0.5) {  // where the nearest integer changes
    for (const double beside : {std::nextafter(x, 0.0), x, std::nextafter(x, 100.0)}) {
      ASSERT_NEAR(halved(beside), std::exp2(-beside), 1e-13 * std::exp2(-beside)) << beside;
    }
  }
  EXPECT_EQ(halved(0.0), 1.0);
}

TEST(Friction, SteadyForceFollowsTheStribeckCurve) {
  for (const double tension : {0.0, 60.0, 200.0}) {
    for (const double speed : {0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.125, 0.3, 1.0}) {
      const double level =
          (5.0 + 0.03 * tension) * (1.0 + 0.25 * std::exp(-(speed / 0.02) * (speed / 0.02)));
      const double expected = level + 10.0 * speed;
      EXPECT_NEAR(steady_force(kDrive, speed, tension), expected, 1e-6 * expected) << speed;
      EXPECT_NEAR(steady_force(kDrive, -speed, tension), -expected, 1e-6 * expected) << speed;
    }
  }
}

// A block pushed by a slowly growing force sticks (bristles only) below the breakaway force and
// slides above it.
TEST(Friction, BlockBreaksAwayAtTheBreakawayForce) {
  const FrictionModel model(kDrive);
  FrictionState state;
  const double mass = 2.6;
  double velocity = 0.0, position = 0.0, push = 0.0, slid_at = 0.0;
  while (slid_at == 0.0 && push < 20.0) {
    push += 1.0 * kDt;
    velocity += kDt * (push - friction_force(model, state, velocity, 60.0, kDt).force_n) / mass;
    position += kDt * velocity;
    if (push < 0.9 * 6.8 * 1.25) {
      ASSERT_LT(position, 2e-4) << "slides at " << push << " N";
    }
    if (position > 5e-4) slid_at = push;
  }
  EXPECT_NEAR(slid_at, 1.25 * (5.0 + 0.03 * 60.0), 0.03 * 8.5);
}

TEST(Friction, PreslidingIsASpringOfTheBristles) {
  const FrictionModel model(kDrive);
  FrictionState state;
  // A micrometre of travel: far below breakaway.
  double force = 0.0;
  for (int i = 0; i < 1000; ++i) force = friction_force(model, state, 1e-5, 0.0, kDt).force_n;
  EXPECT_NEAR(force, 1e5 * 1e-6, 0.05 * 1e5 * 1e-6 + 300.0 * 1e-5 + 10.0 * 1e-5);
}

TEST(Friction, NeverGivesEnergyWhateverTheMotion) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    const FrictionModel model(kDrive);
    FrictionState state;
    double work = 0.0, velocity = 0.0;
    for (int i = 0; i < 50000; ++i) {
      velocity = 0.999 * velocity + 0.03 * random.normal();
      const double force =
          friction_force(model, state, velocity, random.uniform(0.0, 200.0), kDt).force_n;
      work += force * velocity * kDt;
      ASSERT_GT(work, -1e-3) << "seed " << seed << " step " << i;
    }
  }
}

TEST(Friction, StaysBoundedAtAnySpeedAndStiffness) {
  FrictionConfig stiff = kDrive;
  stiff.bristle_stiffness_npm = 1e9;
  const FrictionModel model(stiff);
  FrictionState state;
  Random random(3);
  for (int i = 0; i < 20000; ++i) {
    const double velocity = random.uniform(-50.0, 50.0);
    (void)friction_force(model, state, velocity, 100.0, kDt);
    // The bristles never carry more than the breakaway level.
    ASSERT_LE(std::abs(state.bristle_m * stiff.bristle_stiffness_npm), 1.25 * 8.0 + 1e-9);
  }
}

TEST(Friction, AbsentFrictionIsExactlyZeroForce) {
  const FrictionModel model(FrictionConfig{0, 0, 0, 1.0, 0.02, 1e5, 300.0});
  FrictionState state;
  for (const double velocity : {0.0, 1e-6, -0.5, 30.0, 0.0}) {
    EXPECT_NEAR(friction_force(model, state, velocity, 100.0, kDt).force_n, 0.0, 1e-9);
  }
}

}  // namespace
}  // namespace medius::sim
