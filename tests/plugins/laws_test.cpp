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

// What a ramp of slope r gives behind a critically damped filter: t - (2 - (2 + w t) e^(-w t)) / w.
double behind_corner(double seconds, double w) {
  if (seconds <= 0.0) return 0.0;
  return seconds - (2.0 - (2.0 + w * seconds) * std::exp(-w * seconds)) / w;
}

TEST_F(Laws, EccentricEmphasisRampsInWithinAQuarterOfASecond) {
  const auto profile = make(host_, "eccentric-emphasis", {{"eccentric_ratio", 1.5}});
  run(*profile, input(MEDIUS_PHASE_HOLD, 0.0, 100.0), 0.1);
  for (int tick = 1; tick <= 600; ++tick) {
    const double force = profile->step(input(MEDIUS_PHASE_ECCENTRIC, -0.2, 100.0)).force;
    const double t = tick * 1e-3;
    EXPECT_NEAR(force, 100.0 + 200.0 * (behind_corner(t, 16.0) - behind_corner(t - 0.25, 16.0)),
                0.2)
        << tick;
  }
}

// The way back is slower, so that the resting leg is not thrown up.
TEST_F(Laws, EccentricEmphasisLeavesWithinASecond) {
  const auto profile = make(host_, "eccentric-emphasis", {{"eccentric_ratio", 1.5}});
  double before = run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.2, 100.0), 5.0);
  for (int tick = 1; tick <= 1500; ++tick) {
    const double force = profile->step(input(MEDIUS_PHASE_BOTTOM, 0.0, 100.0)).force;
    const double t = tick * 1e-3;
    const double release_s = 0.8 * std::sqrt(60.0 / 100.0);
    const double gone = behind_corner(t, 12.0) - behind_corner(t - release_s, 12.0);
    EXPECT_NEAR(force, 150.0 - 50.0 / release_s * gone, 0.1) << tick;
    EXPECT_LE(force, before);
    before = force;
  }
}

// The kernel lets 500 N/s through: a wish beyond it would be felt as something else than the law.
TEST_F(Laws, EccentricEmphasisNeverAsksForMoreThanTheKernelsSlew) {
  auto made = host_.create("eccentric-emphasis", {{"eccentric_ratio", 2.0}}, activation(),
                           station::ParameterAuthority::kTherapist);
  ASSERT_TRUE(made.has_value());
  const auto& profile = *made;
  double before = run(*profile, input(MEDIUS_PHASE_HOLD, 0.0, 260.0), 0.1);
  double fastest = 0.0;
  for (int tick = 0; tick < 2000; ++tick) {
    const double force = profile->step(input(MEDIUS_PHASE_ECCENTRIC, -0.2, 260.0)).force;
    fastest = std::max(fastest, 1e3 * (force - before));
    before = force;
  }
  EXPECT_NEAR(before, 520.0, 1e-3);
  EXPECT_LE(fastest, 480.0 + 1e-6);
  EXPECT_GE(fastest, 460.0) << "the limit is at work";
}

// A person in a hold who begins to lower: 2 mm back, faster than standing, for 20 ms.
double after_hold(rt::ProfileInstance& profile, std::uint32_t repetition, double velocity,
                  double seconds) {
  auto in = input(MEDIUS_PHASE_HOLD, 0.0, 100.0);
  in.repetition = repetition;
  in.position = 0.4;
  run(profile, in, 0.5);
  double force = 0.0;
  in.velocity = velocity;
  for (int tick = 0; tick < static_cast<int>(1e3 * seconds); ++tick) {
    in.position += velocity * 1e-3;
    force = profile.step(in).force;
  }
  return force;
}

TEST_F(Laws, EccentricEmphasisBeginsWhenAHoldIsLeftAndNotWhenItShakes) {
  const std::map<std::string, double> half = {{"eccentric_ratio", 1.5}};
  EXPECT_GT(after_hold(*make(host_, "eccentric-emphasis", half), 1, -0.05, 0.3), 120.0);
  EXPECT_EQ(after_hold(*make(host_, "eccentric-emphasis", half), 1, -0.05, 0.055), 100.0)
      << "2 mm take 40 ms";
  EXPECT_EQ(after_hold(*make(host_, "eccentric-emphasis", half), 0, -0.05, 0.2), 100.0)
      << "the first lowering waits for the host's phase";
  EXPECT_EQ(after_hold(*make(host_, "eccentric-emphasis", half), 1, -0.019, 1.0), 100.0)
      << "sinking slower than standing";
  // A tremor of 9 Hz and 0.5 mm on a stance.
  const auto profile = make(host_, "eccentric-emphasis", half);
  auto in = input(MEDIUS_PHASE_HOLD, 0.0, 100.0);
  in.repetition = 3;
  for (int tick = 0; tick < 5000; ++tick) {
    const double angle = 2.0 * 3.14159265 * 9.0 * 1e-3 * tick;
    in.position = 0.4 + 0.5e-3 * std::sin(angle);
    in.velocity = 0.5e-3 * 2.0 * 3.14159265 * 9.0 * std::cos(angle);
    EXPECT_EQ(profile->step(in).force, 100.0) << tick;
  }
}

TEST_F(Laws, EccentricEmphasisIsTakenBackWhenAHoldGoesUpAgain) {
  const auto profile = make(host_, "eccentric-emphasis", {{"eccentric_ratio", 1.5}});
  EXPECT_GT(after_hold(*profile, 1, -0.05, 0.3), 120.0);
  auto in = input(MEDIUS_PHASE_HOLD, 0.05, 100.0);
  in.repetition = 1;
  in.position = 0.39;
  for (int tick = 0; tick < 1000; ++tick) {
    in.position += 0.05e-3;
    profile->step(in);
  }
  EXPECT_NEAR(run(*profile, in, 1.0), 100.0, 1e-3);
}

TEST_F(Laws, EccentricEmphasisLeavesWhereTheLoweringDiesAway) {
  const auto profile = make(host_, "eccentric-emphasis", {{"eccentric_ratio", 1.5}});
  auto in = input(MEDIUS_PHASE_ECCENTRIC, -0.1, 100.0);
  in.repetition = 1;
  in.position = 0.4;
  for (int tick = 0; tick < 3500; ++tick) {
    in.position -= 1e-4;
    profile->step(in);
  }
  EXPECT_NEAR(profile->step(in).force, 150.0, 1e-3);  // 50 mm above the bottom
  in.velocity = -0.03;
  EXPECT_NEAR(run(*profile, in, 1.0), 150.0, 1e-3) << "a slow part higher up is none";
  in.position = 0.03;
  EXPECT_NEAR(run(*profile, in, 2.0), 100.0, 1e-3);
  in.velocity = -0.1;
  EXPECT_NEAR(run(*profile, in, 1.0), 100.0, 1e-3) << "until the next lowering";
}

// Ratio 1.5 has 0.225 s left to go: three times the way left over the speed.
TEST_F(Laws, EccentricEmphasisLeavesAFastLoweringBeforeItsEnd) {
  const auto profile = make(host_, "eccentric-emphasis", {{"eccentric_ratio", 1.5}});
  auto in = input(MEDIUS_PHASE_ECCENTRIC, -0.2, 100.0);
  in.repetition = 1;
  in.position = 0.4;
  run(*profile, in, 2.0);
  in.position = 0.016;
  EXPECT_NEAR(run(*profile, in, 2.0), 150.0, 1e-3) << "0.24 s left";
  in.position = 0.014;
  EXPECT_NEAR(run(*profile, in, 2.0), 100.0, 1e-3) << "0.21 s left";
}

TEST_F(Laws, EccentricEmphasisBelowOneComesBackOnlyWithALift) {
  const auto profile = make(host_, "eccentric-emphasis", {{"eccentric_ratio", 0.5}});
  run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.2, 80.0), 3.0);
  EXPECT_NEAR(run(*profile, input(MEDIUS_PHASE_BOTTOM, -0.1, 80.0), 2.0), 40.0, 1e-6)
      << "a leg that sinks";
  EXPECT_NEAR(run(*profile, input(MEDIUS_PHASE_CONCENTRIC, 0.019, 80.0), 2.0), 40.0, 1e-6)
      << "a leg that stands";
  const double slow = run(*profile, input(MEDIUS_PHASE_CONCENTRIC, 0.03, 80.0), 0.2);
  EXPECT_GT(slow, 40.0);
  EXPECT_LT(slow, 65.0) << "half of the way of a brisk lift";
  EXPECT_NEAR(run(*profile, input(MEDIUS_PHASE_CONCENTRIC, 0.2, 80.0), 2.0), 80.0, 1e-6);
}

// Faster than the limb gives way it would spring back up.
TEST_F(Laws, EccentricEmphasisBelowOneFallsWithTheWay) {
  const auto profile = make(host_, "eccentric-emphasis", {{"eccentric_ratio", 0.5}});
  EXPECT_EQ(run(*profile, input(MEDIUS_PHASE_ECCENTRIC, 0.03, 200.0), 1.0), 200.0);
  const double first = run(*profile, input(MEDIUS_PHASE_ECCENTRIC, -0.01, 200.0), 0.3);
  EXPECT_NEAR(first, 200.0 - 80.0 * (0.3 - 2.0 / 30.0), 0.1);
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
        // No steeper than the steepest ramp behind a filter that does not overshoot.
        const double change = std::max(std::fabs(ratio - 1.0), 0.2) * base / 0.25 * 1e-3;
        RC_ASSERT(std::fabs(force - before) <= change + 1e-9);
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
  EXPECT_NEAR(run(*profile, in, 0.8), 100.0 * (1.0 + 0.5 * (0.8 - 2.0 / 16.0)), 0.1);
  EXPECT_NEAR(run(*profile, in, 3.0), 150.0, 1e-6);
}

}  // namespace
}  // namespace medius
