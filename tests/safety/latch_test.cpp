#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "controller/safety/kernel.hpp"

namespace medius::safety {
namespace {

constexpr SuperviseOutput kFine{};

// Lets go of the button, then presses it: what a person does.
Reaction press(LatchState& state, const SuperviseOutput& worst = kFine, bool fresh = true) {
  update_latch(state, worst, false, fresh);
  return update_latch(state, worst, true, fresh);
}

LatchState running() {
  LatchState state;
  press(state);
  return state;
}

TEST(Latch, StartsLatchedAndNeedsALocalEdge) {
  LatchState state;
  EXPECT_EQ(update_latch(state, kFine, false, true), Reaction::kTorqueOff);
  EXPECT_EQ(update_latch(state, kFine, true, true), Reaction::kNone);
  EXPECT_EQ(state.code, FaultCode::kNone);
}

TEST(Latch, AButtonHeldSincePowerUpIsNoEdge) {
  LatchState state;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(update_latch(state, kFine, true, true), Reaction::kTorqueOff);
  }
  EXPECT_EQ(press(state), Reaction::kNone);
}

TEST(Latch, AButtonHeldThroughAFaultDoesNotClearIt) {
  LatchState state = running();
  const SuperviseOutput fault = caused_by(FaultCode::kDriveFault);
  EXPECT_EQ(update_latch(state, fault, true, true), Reaction::kTorqueOff);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(update_latch(state, kFine, true, true), Reaction::kTorqueOff);
  }
  EXPECT_EQ(state.code, FaultCode::kDriveFault);
  EXPECT_EQ(press(state), Reaction::kNone);
  EXPECT_EQ(state.code, FaultCode::kNone);
}

TEST(Latch, AnEdgeOfAStalePanelIsNone) {
  LatchState state;
  EXPECT_EQ(press(state, kFine, false), Reaction::kTorqueOff);
  // The panel comes back with the button down: it may have been down all the time.
  EXPECT_EQ(update_latch(state, kFine, true, true), Reaction::kTorqueOff);
  EXPECT_EQ(press(state), Reaction::kNone);
}

TEST(Latch, IsNotClearedWhileACauseIsPresentAndTheEdgeIsNotRemembered) {
  LatchState state = running();
  const SuperviseOutput estop = caused_by(FaultCode::kEstop);
  EXPECT_EQ(press(state, estop), Reaction::kTorqueOff);
  EXPECT_EQ(update_latch(state, kFine, true, true), Reaction::kTorqueOff);
  EXPECT_EQ(update_latch(state, kFine, false, true), Reaction::kTorqueOff);
  EXPECT_EQ(press(state), Reaction::kNone);
}

TEST(Latch, FrozenIncreasesDoNotLatchAndDoNotStopAReset) {
  LatchState state = running();
  const SuperviseOutput frozen{Reaction::kFreezeIncreases, FaultCode::kNone};
  EXPECT_EQ(update_latch(state, frozen, false, true), Reaction::kFreezeIncreases);
  EXPECT_EQ(update_latch(state, kFine, false, true), Reaction::kNone);
  update_latch(state, caused_by(FaultCode::kTicksMissed), false, true);
  EXPECT_EQ(press(state, frozen), Reaction::kFreezeIncreases);
}

TEST(Latch, AReleasedHandleActsWhileItLastsAndIsNotLatched) {
  LatchState state = running();
  const SuperviseOutput released = caused_by(FaultCode::kHandleReleased);
  EXPECT_EQ(update_latch(state, released, false, true), Reaction::kSoftUnload);
  EXPECT_EQ(press(state, released), Reaction::kSoftUnload);
  EXPECT_EQ(update_latch(state, kFine, false, true), Reaction::kNone);
}

TEST(Latch, KeepsTheMostSevereCauseAndTheFirstOfEqualOnes) {
  LatchState state = running();
  update_latch(state, caused_by(FaultCode::kPanelStop), false, true);
  EXPECT_EQ(state.code, FaultCode::kPanelStop);
  update_latch(state, caused_by(FaultCode::kOverspeed), false, true);
  EXPECT_EQ(state.code, FaultCode::kOverspeed);
  update_latch(state, caused_by(FaultCode::kDataStale), false, true);
  EXPECT_EQ(state.code, FaultCode::kOverspeed);
  update_latch(state, caused_by(FaultCode::kPanelStop), false, true);
  EXPECT_EQ(state.reaction, Reaction::kFastUnload);
}

TEST(Latch, NamesTheFirstCauseAfterPowerUp) {
  LatchState state;
  update_latch(state, caused_by(FaultCode::kEstop), false, true);
  EXPECT_EQ(state.code, FaultCode::kEstop);
  EXPECT_EQ(state.reaction, Reaction::kTorqueOff);
}

RC_GTEST_PROP(Latch, NeverFallsWithoutAFreshEdgeWhileTheCausesAreGone, ()) {
  struct Step {
    int fault;
    bool pressed, fresh;
  };
  const std::vector<int> codes = {0, 0, 0, 0, 100, 110, 120, 122, 140, 141, 161, 180};
  const auto steps = *rc::gen::container<std::vector<Step>>(
      rc::gen::build<Step>(rc::gen::set(&Step::fault, rc::gen::elementOf(codes)),
                           rc::gen::set(&Step::pressed, rc::gen::arbitrary<bool>()),
                           rc::gen::set(&Step::fresh, rc::gen::arbitrary<bool>())));
  LatchState state;
  bool seen_released = false;  // the last fresh sample of the button was "not pressed"
  for (const Step& step : steps) {
    const SuperviseOutput worst = caused_by(static_cast<FaultCode>(step.fault));
    const Reaction before = state.reaction;
    const Reaction in_force = update_latch(state, worst, step.pressed, step.fresh);
    const bool may_clear =
        step.fresh && step.pressed && seen_released && worst.reaction < Reaction::kSoftUnload;
    RC_ASSERT(in_force >= worst.reaction);
    RC_ASSERT(in_force >= state.reaction);
    if (may_clear) {
      RC_ASSERT(state.reaction == Reaction::kNone);
    } else {
      RC_ASSERT(state.reaction >= before);
    }
    if (fault_info(worst.fault).latched) {
      RC_ASSERT(state.reaction >= worst.reaction);
    }
    seen_released = step.fresh && !step.pressed;
  }
}

}  // namespace
}  // namespace medius::safety
