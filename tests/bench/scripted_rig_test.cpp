// The rig follows a script to the place and the millisecond, and what a person adds stays on top.
#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "sim/lifter/lifter.hpp"
#include "sim/plant/cable_plant.hpp"

namespace medius::sim {
namespace {

RigConfig scripted() {
  RigConfig config;
  config.script = {{0.0, 0.5}, {0.3, 1.0}, {0.3, 0.5}, {0.1, 0.8}, {0.1, 0.2}};
  return config;
}

void run_for(MotionRig& rig, double seconds) {
  const auto steps = static_cast<int>(std::lround(seconds / kPlantStepS));
  for (int i = 0; i < steps; ++i) rig.step();
}

TEST(ScriptedRig, GoesWhereTheScriptSaysAndEndsWithIt) {
  MotionRig rig(scripted());
  rig.start();
  run_for(rig, 0.5);
  EXPECT_DOUBLE_EQ(rig.position_m(), 0.0);
  run_for(rig, 0.5);
  EXPECT_NEAR(rig.position_m(), 0.15, 1e-9);  // half of a minimum-jerk movement
  EXPECT_NEAR(rig.velocity_mps(), 1.875 * 0.3, 1e-9);
  EXPECT_EQ(rig.phase(), measure::Phase::kConcentric);
  run_for(rig, 0.75);
  EXPECT_DOUBLE_EQ(rig.position_m(), 0.3);
  EXPECT_EQ(rig.velocity_mps(), 0.0);
  EXPECT_EQ(rig.phase(), measure::Phase::kHold);
  run_for(rig, 0.65);
  EXPECT_EQ(rig.phase(), measure::Phase::kEccentric);
  EXPECT_FALSE(rig.done());
  run_for(rig, 0.6);
  EXPECT_TRUE(rig.done());
  EXPECT_DOUBLE_EQ(rig.position_m(), 0.1);
}

TEST(ScriptedRig, AddsSwayAndTremorWithinTheirSizeAndNoneWhenNotAsked) {
  RigConfig config = scripted();
  config.sway_m = 0.004;
  config.tremor_m = 0.0002;
  MotionRig plain(scripted()), swaying(config);
  plain.start();
  swaying.start();
  double most_m = 0.0;
  for (int i = 0; i < 29'000; ++i) {
    plain.step();
    swaying.step();
    most_m = std::max(most_m, std::fabs(swaying.position_m() - plain.position_m()));
  }
  EXPECT_GT(most_m, 0.001);
  EXPECT_LE(most_m, 0.0042 + 1e-9);
}

}  // namespace
}  // namespace medius::sim
