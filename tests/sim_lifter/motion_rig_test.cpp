#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "sim/lifter/lifter.hpp"
#include "sim/plant/cable_plant.hpp"

namespace medius::sim {
namespace {

using measure::Phase;

double jerk_path(double s) {
  return s * s * s * (10.0 - 15.0 * s + 6.0 * s * s);
}
double jerk_speed(double s) {
  return 30.0 * s * s * (1.0 - s) * (1.0 - s);
}

TEST(MotionRig, FollowsMinimumJerkPathsByTheClock) {
  const RigConfig config;  // 2-1-3, 0.4 s at the bottom, 0.40 m
  MotionRig rig(config);
  rig.start();
  EXPECT_EQ(rig.phase(), Phase::kConcentric);
  for (int i = 1; i <= 64'000 * 2; ++i) {
    rig.step();
    const double t = std::fmod(i * kPlantStepS + 1e-9, 6.4);
    double position = 0.0, velocity = 0.0;
    if (t < 2.0) {
      position = 0.40 * jerk_path(t / 2.0);
      velocity = 0.40 * jerk_speed(t / 2.0) / 2.0;
    } else if (t < 3.0) {
      position = 0.40;
    } else if (t < 6.0) {
      position = 0.40 * (1.0 - jerk_path((t - 3.0) / 3.0));
      velocity = -0.40 * jerk_speed((t - 3.0) / 3.0) / 3.0;
    }
    ASSERT_NEAR(rig.position_m(), position, 1e-8) << t;
    ASSERT_NEAR(rig.velocity_mps(), velocity, 1e-7) << t;
  }
}

TEST(MotionRig, PassesThroughEveryPhaseOfEveryRepetitionAndEnds) {
  RigConfig config;
  config.reps = 3;
  MotionRig rig(config);
  EXPECT_FALSE(rig.done());
  EXPECT_EQ(rig.phase(), Phase::kRest);
  rig.step();  // not started: stays
  EXPECT_EQ(rig.position_m(), 0.0);
  rig.start();
  std::vector<Phase> seen{rig.phase()};
  int steps = 0;
  while (!rig.done() && steps < 1'000'000) {
    rig.step();
    ++steps;
    if (rig.phase() != seen.back()) seen.push_back(rig.phase());
  }
  EXPECT_EQ(steps, 3 * 64'000);
  std::vector<Phase> expected;
  for (int i = 0; i < 3; ++i) {
    for (const Phase phase :
         {Phase::kConcentric, Phase::kHold, Phase::kEccentric, Phase::kBottom}) {
      expected.push_back(phase);
    }
  }
  expected.push_back(Phase::kRest);
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(rig.position_m(), 0.0);
  rig.start();  // again
  EXPECT_FALSE(rig.done());
}

TEST(MotionRig, NeverJumpsWithAbsentPhases) {
  RigConfig config;
  config.tempo = {0.5, 0.0, 1.0, 0.0};
  config.bottom_s = 0.0;
  config.reps = 4;
  MotionRig rig(config);
  rig.start();
  double before = 0.0;
  while (!rig.done()) {
    rig.step();
    ASSERT_LT(std::abs(rig.position_m() - before), 0.40 * 1.875 / 0.5 * kPlantStepS * 1.01);
    before = rig.position_m();
  }
}

// The handle, held by the rig's impedance, moves as prescribed whatever the cable pulls.
TEST(MotionRig, MovesTheHandleThroughTheHumanImpedance) {
  const RigConfig config;
  CablePlant plant(CablePlantConfig{}, LegConfig{});
  plant.set_cuff_end(CuffEnd::kRig);
  plant.command(80.0, true);
  MotionRig rig(config);
  rig.start();
  double least = 1.0, most = 0.0;
  for (int i = 0; i < 64'000; ++i) {
    rig.step();
    plant.set_rig(rig.position_m(), rig.velocity_mps(), config.stiffness_npm, config.damping_nspm,
                  config.mass_kg);
    plant.step(0.0);
    least = std::min(least, plant.truth().ring_position_m);
    most = std::max(most, plant.truth().ring_position_m);
  }
  // 80 N on 4 kN/m leaves it 20 mm behind, and friction changes sides.
  EXPECT_NEAR(most - least, 0.40, 0.035);
}

}  // namespace
}  // namespace medius::sim
