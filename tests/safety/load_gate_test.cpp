#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "controller/base/clamp.hpp"
#include "controller/base/tick.hpp"
#include "controller/safety/kernel.hpp"
#include "tests/safety/hostile.hpp"

namespace medius::safety {
namespace {

using measure::Phase;

struct Rig {
  LoadGateState state;
  LoadGateInput input{.requested = 60.0, .ramp_per_s = 60.0, .dt_s = kTickPeriodS};
  double run(Phase phase, int ticks) {
    input.phase = phase;
    for (int i = 0; i < ticks; ++i) gate_load(input, state);
    return state.applied;
  }
  Rig() { run(Phase::kRest, 2000); }
};

TEST(LoadGate, ARaiseWaitsForTheBottomAndMayFinishOnTheWayOut) {
  Rig rig;
  ASSERT_EQ(rig.state.applied, 60.0);
  rig.input.requested = 70.0;
  for (const Phase phase : {Phase::kConcentric, Phase::kHold, Phase::kEccentric, Phase::kSlack}) {
    EXPECT_EQ(rig.run(phase, 500), 60.0);
  }
  EXPECT_NEAR(rig.run(Phase::kBottom, 50), 63.0, 1e-9);
  EXPECT_NEAR(rig.run(Phase::kConcentric, 50), 66.0, 1e-9);
  EXPECT_NEAR(rig.run(Phase::kHold, 500), 66.0, 1e-9);
  EXPECT_NEAR(rig.run(Phase::kEccentric, 500), 66.0, 1e-9);
  EXPECT_EQ(rig.run(Phase::kBottom, 500), 70.0);
}

TEST(LoadGate, ADecreaseActsInEveryPhaseAndWhileFrozen) {
  for (int phase = 0; phase < 6; ++phase) {
    Rig rig;
    rig.input.requested = 30.0;
    rig.input.increases_frozen = true;
    EXPECT_NEAR(rig.run(static_cast<Phase>(phase), 100), 54.0, 1e-9);
    EXPECT_EQ(rig.run(static_cast<Phase>(phase), 500), 30.0);
  }
}

TEST(LoadGate, ADecreaseDoesNotHangOnTheRamp) {
  for (const double ramp : {0.0, -1.0, test::kNaN, test::kInf, 1e-9}) {
    Rig rig;
    rig.input.ramp_per_s = ramp;
    rig.input.requested = 0.0;
    EXPECT_EQ(rig.run(Phase::kEccentric, 1300), 0.0) << ramp;
  }
}

TEST(LoadGate, FrozenIncreasesStandStillAndGoOnAfterTheThaw) {
  Rig rig;
  rig.input.requested = 80.0;
  rig.run(Phase::kBottom, 100);
  rig.input.increases_frozen = true;
  EXPECT_NEAR(rig.run(Phase::kBottom, 1000), 66.0, 1e-9);
  rig.input.increases_frozen = false;
  EXPECT_EQ(rig.run(Phase::kBottom, 1000), 80.0);
}

TEST(LoadGate, ARaiseTakenBackBeforeTheBottomNeverHappens) {
  Rig rig;
  rig.input.requested = 80.0;
  rig.run(Phase::kEccentric, 10);
  rig.input.requested = 60.0;
  rig.run(Phase::kEccentric, 1);
  EXPECT_EQ(rig.run(Phase::kBottom, 1000), 60.0);
}

TEST(LoadGate, NoNumberKeepsTheState) {
  Rig rig;
  for (const double request : {test::kNaN, test::kInf, -test::kInf}) {
    rig.input.requested = request;
    EXPECT_EQ(rig.run(Phase::kRest, 100), 60.0);
  }
  rig.input.requested = -5.0;
  EXPECT_EQ(rig.run(Phase::kRest, 2000), 0.0);
}

RC_GTEST_PROP(LoadGate, RisesOnlyWhereAllowedAndNeverFasterThanItsRamp, ()) {
  const std::uint64_t seed = *rc::gen::arbitrary<std::uint64_t>();
  Random random(seed);
  LoadGateState state;
  LoadGateInput input{.ramp_per_s = 60.0, .dt_s = kTickPeriodS};
  for (int tick = 0; tick < 3000; ++tick) {
    if (tick % 50 == 0) {
      input.requested = test::hostile(random, 200.0);
      input.increases_frozen = random.chance(0.3);
      input.phase = static_cast<Phase>(random.below(6));
      input.dt_s = random.chance(0.1) ? test::hostile(random, 1.0) : kTickPeriodS;
    }
    const double before = state.applied;
    const double applied = gate_load(input, state);
    RC_ASSERT(is_finite(applied) && applied >= 0.0);
    RC_ASSERT(absolute(applied - before) <= 0.06 + 1e-9);
    const bool may_rise = input.phase == Phase::kRest || input.phase == Phase::kBottom ||
                          input.phase == Phase::kConcentric;
    if (input.increases_frozen || !may_rise) {
      RC_ASSERT(applied <= before);
    }
    RC_ASSERT(applied <= std::max(before, state.requested));
  }
}

TEST(LoadGate, EveryFieldOfItsStateMayBeHostile) {
  for (const double value : test::kHostile) {
    double LoadGateState::*fields[] = {&LoadGateState::applied, &LoadGateState::requested,
                                       &LoadGateState::target};
    for (const auto field : fields) {
      Rig rig;
      rig.state.*field = value;
      const double applied = gate_load(rig.input, rig.state);
      EXPECT_TRUE(is_finite(applied) && applied >= 0.0) << value;
    }
  }
}

}  // namespace
}  // namespace medius::safety
