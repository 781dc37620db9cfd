// The energy tank: what an eccentric phase may give back beyond the base force, and what cannot
// drain it.
#include <algorithm>

#include <gtest/gtest.h>

#include "controller/base/det_math.hpp"
#include "controller/base/tick.hpp"
#include "controller/safety/kernel.hpp"
#include "tests/safety/hostile.hpp"

namespace medius::safety {
namespace {

using measure::Phase;

constexpr double kBase = 80.0;
constexpr double kRatio = 1.5;
constexpr double kGrantPerMetre = (kRatio - 1.0) * kBase * 1.2;
constexpr double kSwing = 2.0 * det::kPi;

// Counts the excess energy by itself, from the kernel's outputs only.
struct Rig {
  AxisBounds bounds = machine_bounds(hal::CoordinateKind::kCable);
  UserLimits user{.force_max = 600.0, .eccentric_ratio_max = kRatio};
  FeltState state;
  FeltInput input{.wish = kBase,
                  .wish_valid = true,
                  .base_force = kBase,
                  .phase = Phase::kConcentric,
                  .load_state = LoadState::kLoaded,
                  .pretension = 10.0,
                  .dt_s = kTickPeriodS};
  double given = 0.0;         // J to the person beyond the base force
  double taken = 0.0;         // J from the person beyond the base force
  double outward_path = 0.0;  // m, tremor included
  double wished = 0.0;        // J that the raw wish would have given

  Rig() {
    for (int i = 0; i < 1000; ++i) limit_felt_force(bounds, user, input, state);
  }
  FeltOutput step(double velocity, double wish) {
    input.velocity = velocity;
    input.wish = wish;
    const FeltOutput out = limit_felt_force(bounds, user, input, state);
    const double excess = std::max(out.force - kBase, 0.0);
    if (velocity < 0.0) {
      given -= excess * velocity * kTickPeriodS;
      wished -= std::max(wish - kBase, 0.0) * velocity * kTickPeriodS;
    } else {
      taken += excess * velocity * kTickPeriodS;
      outward_path += velocity * kTickPeriodS;
    }
    return out;
  }
  // One repetition of `range` m at `speed`; the tracker's word comes at 70 % of the way out.
  double repetition(double range, double speed, double wish_back, bool validated = true) {
    const int ticks = static_cast<int>(range / speed / kTickPeriodS);
    const double given_before = given;
    input.phase = Phase::kConcentric;
    for (int i = 0; i < ticks; ++i) {
      input.concentric_validated = validated && i == ticks * 7 / 10;
      step(speed, kBase);
    }
    input.concentric_validated = false;
    input.phase = Phase::kEccentric;
    for (int i = 0; i < ticks; ++i) step(-speed, wish_back);
    input.phase = Phase::kBottom;
    for (int i = 0; i < 100; ++i) step(0.0, kBase);
    return given - given_before;
  }
};

TEST(EnergyTank, LetsAHonestRepetitionHaveItsWholeExcess) {
  for (const bool range_known : {false, true}) {
    Rig rig;
    rig.input.range = range_known ? 0.5 : 0.0;
    for (int rep = 0; rep < 12; ++rep) {
      // 80 N x 1.3 over 0.5 m: 12 J, less the slew of 24 N at 0.5 N a tick at the top.
      EXPECT_NEAR(rig.repetition(0.5, 0.2, 1.3 * kBase), 12.0, 0.2) << rep;
    }
  }
}

TEST(EnergyTank, IsFilledByTheTravelUpToOneAndAHalfAllowances) {
  for (const double range : {0.0, 0.3, 0.4}) {
    Rig rig;
    rig.input.range = range;
    const double allowance = kGrantPerMetre * 0.4;
    const double size = 1.5 * kGrantPerMetre * (range > 0.0 ? range : 0.4);
    for (int rep = 1; rep <= 4; ++rep) {
      rig.repetition(0.4, 0.2, kBase);
      const double expected = std::min(rep * allowance, size);
      if (range > 0.0) {
        EXPECT_NEAR(rig.state.tank_energy, expected, 0.01) << range;
      } else {  // the size follows the travel that is known while it is being filled
        EXPECT_LE(rig.state.tank_energy, expected + 0.01);
        EXPECT_GE(rig.state.tank_energy, allowance - 0.01);
      }
    }
  }
}

TEST(EnergyTank, KeepsNineTenthsOfWhatThePersonPutsIn) {
  Rig rig;
  rig.input.range = 10.0;  // room enough
  for (int i = 0; i < 2000; ++i) rig.step(0.2, 1.25 * kBase);
  EXPECT_NEAR(rig.state.tank_energy, 0.9 * rig.taken, 1e-9);
  EXPECT_GT(rig.taken, 7.0);
  const double before = rig.state.tank_energy;
  rig.taken = rig.given = 0.0;
  for (int i = 0; i < 500; ++i) rig.step(-0.2, 1.25 * kBase);
  EXPECT_NEAR(rig.state.tank_energy, before - rig.given, 1e-9);
  EXPECT_GT(rig.given, 1.0);
}

TEST(EnergyTank, IsRefilledOnceARepetitionHoweverOftenTheTrackerSaysSo) {
  Rig rig;
  rig.input.range = 10.0;
  for (int i = 0; i < 2000; ++i) {  // 0.4 m out
    rig.input.concentric_validated = i > 1400 && i % 20 == 0;
    rig.step(0.2, kBase);
  }
  EXPECT_NEAR(rig.state.tank_energy, kGrantPerMetre * 0.4, 0.01);
  // A word that stays does not count again after a bounce on the way back.
  rig.input.concentric_validated = true;
  for (int i = 0; i < 250; ++i) rig.step(-0.2, kBase);
  for (int i = 0; i < 150; ++i) rig.step(0.2, kBase);
  for (int i = 0; i < 250; ++i) rig.step(-0.2, kBase);
  EXPECT_NEAR(rig.state.tank_energy, kGrantPerMetre * 0.4, 0.01);
  // A bounce with a new word is worth what it rose, no more.
  rig.input.concentric_validated = false;
  for (int i = 0; i < 149; ++i) rig.step(0.2, kBase);
  rig.input.concentric_validated = true;
  rig.step(0.2, kBase);
  EXPECT_NEAR(rig.state.tank_energy, kGrantPerMetre * 0.43, 0.01);
}

TEST(EnergyTank, AWordBeforeTwentyMillimetresOfRiseIsNotHeard) {
  for (const int ticks : {101, 104}) {  // 20.2 and 20.8 mm
    for (const double start : {0.0, -0.3, 0.3}) {
      Rig rig;
      rig.input.range = 10.0;
      const int moved = static_cast<int>(start / 0.2 / kTickPeriodS);
      for (int i = 0; i < moved; ++i) rig.step(0.2, kBase);
      for (int i = 0; i < -moved; ++i) rig.step(-0.2, kBase);
      // Down first, so that the rise is measured from the valley and not from where the set began.
      for (int i = 0; i < 2000; ++i) rig.step(-0.2, kBase);
      for (int i = 0; i < ticks - 1; ++i) rig.step(0.2, kBase);
      rig.input.concentric_validated = true;
      rig.step(0.2, kBase);
      const double expected = ticks > 102 ? kGrantPerMetre * 0.2e-3 * ticks : 0.0;
      EXPECT_NEAR(rig.state.tank_energy, expected, 1e-3) << ticks << " " << start;
    }
  }
}

// Half an allowance and a profile that wants more: the excess goes gently, not in a drop.
TEST(EnergyTank, FadesTheExcessAtOneHundredNewtonsASecondBeforeItIsEmpty) {
  for (const double speed : {0.05, 0.2, 0.6}) {
    Rig rig;
    rig.repetition(0.2, 0.2, kBase);
    rig.input.phase = Phase::kEccentric;
    double before = rig.state.force, steepest = 0.0;
    bool limited = false;
    for (int i = 0; i < 20'000 && (i < 500 || rig.state.force > kBase + 1.0); ++i) {
      const FeltOutput out = rig.step(-speed, 1.5 * kBase);
      limited = limited || (out.limits & kLimitTank) != 0;
      if (out.limits & kLimitTank) {
        steepest = std::max(steepest, before - out.force);
      }
      before = out.force;
    }
    EXPECT_TRUE(limited) << speed;
    const double expected = speed < 0.1 ? 0.05 : 0.1;  // below 0.1 m/s it counts as that speed
    EXPECT_NEAR(steepest, expected, 0.01) << speed;
    // The whole of it was given before the fade: nothing is lost but the last newton's part.
    EXPECT_NEAR(rig.given, kGrantPerMetre * 0.2, speed < 0.1 ? 1.0 : 0.1) << speed;
  }
}

// At 100 N a second 260 N would have to begin to go with half of the way still to come.
TEST(EnergyTank, AHeavySetHasItsExcessToTheLastTenthOfTheWay) {
  constexpr double kHeavy = 260.0, kRange = 0.4, kSpeed = 0.25;
  Rig rig;
  rig.user.eccentric_ratio_max = 2.0;
  rig.input.base_force = kHeavy;
  const int ticks = static_cast<int>(kRange / kSpeed / kTickPeriodS);
  for (int i = 0; i < ticks; ++i) {
    rig.input.concentric_validated = i == ticks * 7 / 10;
    rig.step(kSpeed, kHeavy);
  }
  rig.input.phase = Phase::kEccentric;
  double before = rig.state.force, steepest = 0.0;
  for (int i = 0; i < 4 * ticks; ++i) {
    const FeltOutput out = rig.step(-kSpeed, 2.0 * kHeavy);
    const bool limited = (out.limits & kLimitTank) != 0;
    EXPECT_FALSE(limited && i < ticks * 9 / 10) << i;
    // The last newtons of a square root of what is left go in one tick.
    if (limited && out.force > kHeavy + 10.0) steepest = std::max(steepest, before - out.force);
    before = out.force;
  }
  EXPECT_NEAR(before, kHeavy, 1.0) << "an empty tank leaves the base force";
  EXPECT_NEAR(steepest, kHeavy * kTickPeriodS, 0.02) << "gone within a second, no faster";
}

TEST(EnergyTank, ADebtForbidsAnExcessInEveryDirection) {
  for (const double velocity : {-0.2, 0.0, 0.2}) {
    Rig rig;
    rig.state.tank_energy = -1.0;
    for (int i = 0; i < 100; ++i) rig.step(velocity, 1.25 * kBase);
    EXPECT_EQ(rig.state.force, kBase) << velocity;
  }
  Rig rig;  // negative control
  for (int i = 0; i < 100; ++i) rig.step(0.2, 1.25 * kBase);
  EXPECT_EQ(rig.state.force, 1.25 * kBase);
}

TEST(EnergyTank, ATankThatIsNoNumberIsEmpty) {
  for (const double energy : {test::kNaN, test::kInf, -test::kInf}) {
    Rig rig;
    rig.state.tank_energy = energy;
    rig.input.phase = Phase::kEccentric;
    for (int i = 0; i < 100; ++i) rig.step(-0.2, 1.25 * kBase);
    EXPECT_LE(rig.given, 0.01) << energy;
    EXPECT_NEAR(rig.state.tank_energy, 0.0, 0.01);
  }
}

TEST(EnergyTank, GivesNothingBackForAConcentricThatWasNotValidated) {
  Rig rig;
  for (int rep = 0; rep < 12; ++rep) {
    EXPECT_LT(rig.repetition(0.5, 0.2, 1.5 * kBase, false), 0.01) << rep;
  }
}

TEST(EnergyTank, NeverGivesMoreThanTheAllowanceOfTheTravel) {
  for (const double ratio_wished : {1.3, 1.5, 3.0}) {
    for (const double speed : {0.05, 0.2, 0.8}) {
      Rig rig;
      rig.input.range = 0.4;
      for (int rep = 0; rep < 6; ++rep) {
        const double given = rig.repetition(0.4, speed, ratio_wished * kBase);
        EXPECT_LE(given, kGrantPerMetre * 0.4 * 1.5) << ratio_wished << " " << speed;
      }
      EXPECT_LE(rig.given, kGrantPerMetre * 0.4 * 6 + 0.05);
    }
  }
}

TEST(EnergyTank, AFalseRangeBuysNothing) {
  for (const double range : {1e9, test::kInf, test::kNaN, -1.0}) {
    Rig rig;
    rig.input.range = range;
    EXPECT_LE(rig.repetition(0.1, 0.2, 3.0 * kBase), kGrantPerMetre * 0.1 + 0.05) << range;
  }
}

// A shaking hand and a profile that pulls harder on every way in, for five minutes.
double chatter(Rig& rig, double frequency_hz, double amplitude_m, bool tracker_lies, Phase in_phase,
               double wish_out) {
  const double omega = kSwing * frequency_hz;
  for (int i = 0; i < 300'000; ++i) {
    const double angle = omega * (i % 1000) * kTickPeriodS;
    const double velocity = amplitude_m * omega * det::cos(angle);
    rig.input.phase = velocity < 0.0 ? in_phase : Phase::kConcentric;
    rig.input.concentric_validated = tracker_lies && velocity > 0.0;
    rig.step(velocity, velocity < 0.0 ? 1.5 * kBase : wish_out);
  }
  return rig.given;
}

TEST(EnergyTank, AChatteringVelocityCannotDrainItBeyondTheAllowance) {
  for (const bool tracker_lies : {false, true}) {
    for (const Phase in_phase : {Phase::kEccentric, Phase::kConcentric, Phase::kHold}) {
      Rig rig;
      const double full = rig.repetition(0.4, 0.2, kBase);  // leaves the tank full
      const double allowance = kGrantPerMetre * 0.4;
      ASSERT_NEAR(full, 0.0, 1e-9);
      const double given = chatter(rig, 5.0, 0.010, tracker_lies, in_phase, kBase);
      // 0.05 J: the excess that is there when the tank runs dry falls at 4 N a tick, not at once.
      EXPECT_LE(given, allowance + 0.9 * rig.taken + 0.05) << tracker_lies;
      EXPECT_GT(rig.wished, 20.0 * allowance);  // the wish alone would have drained it many times
    }
  }
}

TEST(EnergyTank, AConstantExcessOnAShakingHandIsWorthNothing) {
  Rig rig;
  chatter(rig, 5.0, 0.010, true, Phase::kConcentric, 1.5 * kBase);
  EXPECT_LE(rig.given, 0.9 * rig.taken + 0.05);
}

TEST(EnergyTank, WhateverHappensNoMoreComesOutThanWentInAndWasGranted) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed, 7);
    Rig rig;
    double velocity = 0.0;
    for (int i = 0; i < 20'000; ++i) {
      velocity += random.normal() * 0.02 - 0.005 * velocity;
      velocity = std::clamp(velocity, -1.5, 1.5);
      rig.input.phase = static_cast<Phase>(random.below(6));
      rig.input.concentric_validated = random.chance(0.5);
      rig.input.range = random.uniform(0.0, 1.0);
      rig.step(velocity, random.uniform(0.0, 3.0 * kBase));
    }
    // Each crossing of an empty tank can leak what the fall limit leaves: excess^2 / 2 / 4000 x
    // speed.
    EXPECT_LE(rig.given, 0.9 * rig.taken + kGrantPerMetre * rig.outward_path + 1.0) << seed;
    EXPECT_GT(rig.state.tank_energy, -1.0) << seed;
  }
}

// A shaking hand at the bottom is what a resistance to the way out could be pumped with.
TEST(EnergyTank, AResistanceAtTheBottomGivesBackNoMoreThanItTook) {
  for (const double wish : {1.1 * kBase, 1.5 * kBase, 4.0 * kBase}) {
    for (const double amplitude : {0.0005, 0.002, 0.01}) {
      Rig rig;
      rig.input.phase = Phase::kBottom;
      for (int tick = 0; tick < 20'000; ++tick) {
        rig.step(amplitude * kSwing * 9.0 * det::sin(kSwing * 9.0 * tick * kTickPeriodS), wish);
        ASSERT_LE(rig.given, rig.taken + 1e-6) << wish << " " << amplitude << " " << tick;
      }
      EXPECT_GT(rig.taken, 0.0);
    }
  }
}

TEST(EnergyTank, IsEmptyAfterTakeUpAndOff) {
  for (const LoadState state : {LoadState::kTakeUp, LoadState::kOff}) {
    Rig rig;
    rig.repetition(0.4, 0.2, kBase);
    EXPECT_GT(rig.state.tank_energy, 5.0);
    rig.input.load_state = state;
    rig.step(0.0, kBase);
    EXPECT_LE(rig.state.tank_energy, 0.0);
  }
}

// Two metres of cable reeled in at pretension before the set: no excess, so no debt, and no credit
// for what is drawn out at pretension either. Force beyond the pretension still counts.
TEST(EnergyTank, TakeUpAtPretensionIsNeitherDebtNorCreditOfTheSet) {
  for (const double velocity : {-0.2, 0.2}) {
    Rig rig;
    rig.input.load_state = LoadState::kTakeUp;
    rig.input.base_force = 0.0;
    for (int i = 0; i < 2000; ++i) rig.step(0.0, 0.0);  // down to pretension
    const double before = rig.state.tank_energy;
    for (int i = 0; i < 10'000; ++i) rig.step(velocity, 0.0);
    EXPECT_LE(rig.state.force, rig.input.pretension);
    EXPECT_NEAR(rig.state.tank_energy, before, 1e-9) << velocity;
  }
  Rig rig;  // unloading from 80 N while the cable goes in: that was given
  rig.input.load_state = LoadState::kTakeUp;
  rig.input.base_force = 0.0;
  rig.step(-0.2, 0.0);
  EXPECT_LT(rig.state.tank_energy, -0.01);
}

TEST(EnergyTank, AnUnknownVelocityTakesTheExcessAway) {
  Rig rig;
  rig.repetition(0.4, 0.2, kBase);
  rig.input.phase = Phase::kConcentric;
  for (int i = 0; i < 200; ++i) rig.step(0.0, 1.5 * kBase);
  EXPECT_EQ(rig.state.force, 1.5 * kBase);
  for (int i = 0; i < 200; ++i) rig.step(test::kNaN, 1.5 * kBase);
  EXPECT_EQ(rig.state.force, kBase);
}

}  // namespace
}  // namespace medius::safety
