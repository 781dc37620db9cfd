// The force laws, phase by phase, through the host as the loop uses them.
#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/plugins/plugin_fixture.hpp"

namespace medius {
namespace {

using test::activation;
using test::input;
using test::make;
using test::run;

class Laws : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto& error : host_.load_directory(MEDIUS_PLUGIN_DIR)) {
      ADD_FAILURE() << error.message;
    }
  }
  station::PluginHost host_;
};

TEST_F(Laws, ConstantTensionIsTheSetLoadEverywhere) {
  const auto profile = make(host_, "constant-tension");
  for (const medius_phase_t phase : {MEDIUS_PHASE_REST, MEDIUS_PHASE_CONCENTRIC, MEDIUS_PHASE_HOLD,
                                     MEDIUS_PHASE_ECCENTRIC, MEDIUS_PHASE_BOTTOM}) {
    for (const double velocity : {-1.0, 0.0, 1.0}) {
      EXPECT_EQ(profile->step(input(phase, velocity, 60.0)).force, 60.0);
    }
  }
}

TEST_F(Laws, EccentricEmphasisGivesTheSetLoadUpAndTheRatioDown) {
  const auto profile = make(host_, "eccentric-emphasis", {{"eccentric_ratio", 1.3}});
  EXPECT_EQ(run(*profile, input(MEDIUS_PHASE_REST, 0.0, 60.0), 1.0), 60.0);
  EXPECT_EQ(run(*profile, input(MEDIUS_PHASE_CONCENTRIC, 0.2, 60.0), 2.0), 60.0);
  EXPECT_EQ(run(*profile, input(MEDIUS_PHASE_HOLD, 0.0, 60.0), 1.0), 60.0);
  EXPECT_NEAR(run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.15, 60.0), 3.0), 78.0, 1e-6);
  EXPECT_NEAR(run(*profile, input(MEDIUS_PHASE_BOTTOM, 0.0, 60.0), 5.0), 60.0, 1e-6);
}

// The critically damped blend in closed form: 1 - (1 + w t) e^(-w t).
TEST_F(Laws, EccentricEmphasisFollowsTheTwelveRadianBlend) {
  const auto profile = make(host_, "eccentric-emphasis", {{"eccentric_ratio", 1.5}});
  run(*profile, input(MEDIUS_PHASE_HOLD, 0.0, 100.0), 0.1);
  for (int tick = 1; tick <= 600; ++tick) {
    const double force = profile->step(input(MEDIUS_PHASE_ECCENTRIC, -0.2, 100.0)).force;
    const double t = 12.0 * tick * 1e-3;
    EXPECT_NEAR(force, 100.0 + 50.0 * (1.0 - (1.0 + t) * std::exp(-t)), 1e-9) << tick;
  }
}

// The way back is slower, so that the resting leg is not thrown up.
TEST_F(Laws, EccentricEmphasisLeavesWithSixRadiansASecond) {
  const auto profile = make(host_, "eccentric-emphasis", {{"eccentric_ratio", 1.5}});
  double before = run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.2, 100.0), 5.0);
  for (int tick = 1; tick <= 1000; ++tick) {
    const double force = profile->step(input(MEDIUS_PHASE_BOTTOM, 0.0, 100.0)).force;
    const double t = 6.0 * tick * 1e-3;
    EXPECT_NEAR(force, 100.0 + 50.0 * (1.0 + t) * std::exp(-t), 1e-9) << tick;
    EXPECT_LE(force, before);
    before = force;
  }
}

// A fast way down after an overspeed meets the slower blend of the bottom: it must not dip below
// F0.
TEST_F(Laws, EccentricEmphasisNeverPassesItsTarget) {
  const auto profile = make(host_, "eccentric-emphasis", {{"eccentric_ratio", 1.5}});
  run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.2, 100.0), 2.0);
  run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.9, 100.0), 0.15);
  for (int tick = 1; tick <= 1000; ++tick) {
    EXPECT_GE(profile->step(input(MEDIUS_PHASE_BOTTOM, -0.1, 100.0)).force, 100.0) << tick;
  }
}

TEST_F(Laws, EccentricEmphasisBelowOneUnloadsTheLowering) {
  const auto profile = make(host_, "eccentric-emphasis", {{"eccentric_ratio", 0.5}});
  run(*profile, input(MEDIUS_PHASE_CONCENTRIC, 0.2, 80.0), 1.0);
  EXPECT_NEAR(run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.2, 80.0), 3.0), 40.0, 1e-6);
}

TEST_F(Laws, EccentricEmphasisDoesNotRiseOnSomebodyWhoStands) {
  const auto profile = make(host_, "eccentric-emphasis", {{"eccentric_ratio", 1.5}});
  run(*profile, input(MEDIUS_PHASE_HOLD, 0.0, 80.0), 0.5);
  // The phase says eccentric, but nothing moves.
  EXPECT_EQ(run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.019, 80.0), 3.0), 80.0);
  const double moving = run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.1, 80.0), 0.1);
  EXPECT_GT(moving, 80.0);
  // A pause on the way down keeps what there is.
  EXPECT_EQ(run(*profile, input(MEDIUS_PHASE_ECCENTRIC, 0.0, 80.0), 3.0), moving);
  // A raised ratio waits for the movement as well.
  EXPECT_TRUE(profile->queue_parameter(1, 2.0));
  EXPECT_EQ(run(*profile, input(MEDIUS_PHASE_ECCENTRIC, 0.0, 80.0), 3.0), moving);
  // Falling is always allowed.
  EXPECT_NEAR(run(*profile, input(MEDIUS_PHASE_REST, 0.0, 80.0), 5.0), 80.0, 1e-6);
}

TEST_F(Laws, EccentricEmphasisGoesWhenTheLoweringIsTooFast) {
  const auto profile =
      make(host_, "eccentric-emphasis", {{"eccentric_ratio", 1.5}}, activation(600.0, 0.8));
  EXPECT_NEAR(run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.7, 80.0), 2.0), 120.0, 1e-6);
  run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.81, 80.0), 0.001);
  // Slower again, the emphasis stays away for the rest of this lowering ...
  EXPECT_NEAR(run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.2, 80.0), 2.0), 80.0, 1e-6);
  run(*profile, input(MEDIUS_PHASE_CONCENTRIC, 0.2, 80.0), 1.0);
  // ... and is back with the next.
  EXPECT_NEAR(run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.2, 80.0), 2.0), 120.0, 1e-6);
}

TEST_F(Laws, AWishNeverExceedsTheForceOfTheActivation) {
  for (const char* id : {"constant-tension", "eccentric-emphasis"}) {
    const auto profile = make(host_, id, {}, activation(90.0));
    EXPECT_LE(run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.2, 85.0), 3.0), 90.0) << id;
    EXPECT_EQ(run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.2, 1e9), 0.001), 90.0) << id;
    EXPECT_EQ(profile->step(input(MEDIUS_PHASE_REST, 0.0, -5.0)).force, 0.0) << id;
  }
}

TEST_F(Laws, AnInputThatIsNotANumberIsAnErrorAndNotAForce) {
  for (const char* id : {"constant-tension", "eccentric-emphasis"}) {
    const auto profile = make(host_, id);
    EXPECT_FALSE(profile->step(input(MEDIUS_PHASE_CONCENTRIC, 0.1, std::nan(""))).ok) << id;
    EXPECT_TRUE(profile->step(input(MEDIUS_PHASE_CONCENTRIC, 0.1, 60.0)).ok) << id;
    // A speed that is not a number counts as too fast.
    run(*profile, input(MEDIUS_PHASE_ECCENTRIC, std::nan(""), 60.0), 0.001);
    EXPECT_NEAR(run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.2, 60.0), 1.0), 60.0, 1e-9) << id;
  }
}

TEST_F(Laws, ResetIsAFreshStartAndKeepsTheParameters) {
  const auto used = make(host_, "eccentric-emphasis", {{"eccentric_ratio", 1.4}});
  const auto fresh = make(host_, "eccentric-emphasis", {{"eccentric_ratio", 1.4}});
  run(*used, input(MEDIUS_PHASE_ECCENTRIC, -0.9, 80.0), 0.3);
  used->reset();
  for (int i = 0; i < 500; ++i) {
    const auto in = input(MEDIUS_PHASE_ECCENTRIC, -0.2, 80.0);
    ASSERT_EQ(used->step(in).force, fresh->step(in).force) << i;
  }
}

// Any mixture of phases, speeds, loads and ratios: bounded, smooth, and the same twice.
TEST_F(Laws, EccentricEmphasisIsBoundedSmoothAndDeterministicForAnyMotion) {
  const bool held = rc::check("bounded, smooth, the same twice", [this] {
    const double ratio = *rc::gen::inRange(50, 151) / 100.0;
    const auto first = make(host_, "eccentric-emphasis", {{"eccentric_ratio", ratio}});
    const auto second = make(host_, "eccentric-emphasis", {{"eccentric_ratio", ratio}});
    const double base = 80.0;
    double before = base;
    for (int piece = 0; piece < 12; ++piece) {
      const auto phase = static_cast<medius_phase_t>(*rc::gen::inRange(0, 5));
      const double velocity = *rc::gen::inRange(-100, 101) / 100.0;
      const int ticks = *rc::gen::inRange(1, 400);
      for (int i = 0; i < ticks; ++i) {
        const double force = first->step(input(phase, velocity, base)).force;
        RC_ASSERT(force == second->step(input(phase, velocity, base)).force);
        RC_ASSERT(force >= base * std::min(1.0, ratio) - 1e-9);
        RC_ASSERT(force <= base * std::max(1.0, ratio) + 1e-9);
        // The blend's steepest slope is |ratio - 1| F0 w / e; a turn in its middle stays below w.
        RC_ASSERT(std::fabs(force - before) <= std::fabs(ratio - 1.0) * base * 12.0 * 1e-3);
        before = force;
      }
    }
  });
  EXPECT_TRUE(held);
}

// Ramped by the host: the plugin never sees a jump of a parameter.
TEST_F(Laws, AChangedRatioIsRampedAtHalfAUnitASecond) {
  const auto profile = make(host_, "eccentric-emphasis", {{"eccentric_ratio", 1.0}});
  EXPECT_TRUE(profile->queue_parameter(1, 1.5));
  const auto in = input(MEDIUS_PHASE_ECCENTRIC, -0.2, 100.0);
  // A ramp through the blend lags by 2/w = 0.167 s: after 0.8 s it is at 1.0 + 0.5 (0.8 - 0.167).
  EXPECT_NEAR(run(*profile, in, 0.8), 100.0 * (1.0 + 0.5 * (0.8 - 2.0 / 12.0)), 0.1);
  EXPECT_NEAR(run(*profile, in, 3.0), 150.0, 1e-6);
}

}  // namespace
}  // namespace medius
