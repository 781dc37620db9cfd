// Stage 2 of the kernel, each layer with the others out of the way.
#include <algorithm>
#include <type_traits>

#include <gtest/gtest.h>

#include "controller/base/clamp.hpp"
#include "controller/base/tick.hpp"
#include "controller/safety/kernel.hpp"
#include "tests/safety/hostile.hpp"

namespace medius::safety {
namespace {

using test::kInf;
using test::kNaN;

static_assert(!std::is_constructible_v<TorqueWord, double>, "only the kernel makes torque words");
static_assert(!std::is_assignable_v<TorqueWord&, double>);

constexpr double kSlew = 10.0;
constexpr std::int64_t kMs = 1'000'000;

struct Rig {
  AxisBounds bounds = machine_bounds(hal::CoordinateKind::kCable);
  TorqueState state;
  TorqueInput input{.torque = 60.0,
                    .felt_force = 60.0,
                    .measured_force = 60.0,
                    .dt_s = kTickPeriodS,
                    .load_state = LoadState::kLoaded,
                    .drive_age_ns = kMs,
                    .load_cell_age_ns = kMs};
  TorqueOutput step() { return limit_torque(bounds, input, state); }
  TorqueOutput settle(int ticks = 200) {
    TorqueOutput out;
    for (int i = 0; i < ticks; ++i) out = step();
    return out;
  }
  void load(double force) {
    input.torque = input.felt_force = input.measured_force = force;
    settle();
    ASSERT_EQ(state.word, force);
  }
};

TEST(Torque, StaysFiniteBoundedAndPushesOnlyToBrakeWhateverComesIn) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    Rig rig;
    const bool lever = seed % 2 == 1;
    if (lever) rig.bounds = machine_bounds(hal::CoordinateKind::kLever);
    const double scale = lever ? 0.38 : 1.0;
    for (int tick = 0; tick < 10'000; ++tick) {
      TorqueInput& in = rig.input;
      const bool calm = (tick / 300) % 2 == 0;
      in.torque = calm ? random.uniform(0.0, 700.0) : test::hostile(random, 1000.0);
      in.felt_force = calm ? 300.0 : test::hostile(random, 1000.0);
      in.velocity = calm ? random.uniform(-0.7, 1.0) : test::hostile(random, 3.0);
      in.measured_force = calm ? random.uniform(0.0, 400.0) : test::hostile(random, 500.0);
      in.dt_s = calm ? kTickPeriodS : test::hostile(random, 0.01);
      in.load_state = calm ? LoadState::kLoaded : static_cast<LoadState>(random.below(4));
      in.reaction = calm ? Reaction::kNone : static_cast<Reaction>(random.below(5));
      in.drive_age_ns = calm ? kMs : test::hostile_age_ns(random);
      in.load_cell_age_ns = calm ? kMs : test::hostile_age_ns(random);
      const double before = rig.state.word;
      const TorqueOutput out = rig.step();
      const double word = out.word.value();
      ASSERT_TRUE(is_finite(word));
      ASSERT_EQ(word, rig.state.word);
      ASSERT_LE(word, rig.bounds.force_max);
      ASSERT_GE(word, -150.0 * scale - 1e-12);
      if (word < 0.0) {
        ASSERT_TRUE(rig.state.slack_servo || in.velocity < -rig.bounds.governor_speed)
            << seed << " " << tick;
      }
      ASSERT_LE(word - std::max(before, 0.0), kSlew * scale + 1e-9);
      if (in.reaction >= Reaction::kFastUnload) {
        ASSERT_LE(word, std::max(before, 0.0));
      }
      if (in.reaction == Reaction::kTorqueOff || in.load_state == LoadState::kOff) {
        ASSERT_EQ(word, 0.0);
      }
    }
  }
}

TEST(Torque, EveryFieldAloneMayBeHostile) {
  for (const double value : test::kHostile) {
    double TorqueInput::*fields[] = {&TorqueInput::torque, &TorqueInput::felt_force,
                                     &TorqueInput::velocity, &TorqueInput::measured_force,
                                     &TorqueInput::dt_s};
    for (const auto field : fields) {
      Rig rig;
      rig.load(60.0);
      rig.input.*field = value;
      for (int i = 0; i < 50; ++i) {
        const double word = rig.step().word.value();
        ASSERT_TRUE(word >= -150.0 && word <= 60.0 + kSlew * (i + 1)) << value;
      }
    }
    double AxisBounds::*bounds[] = {
        &AxisBounds::force_max,        &AxisBounds::brake_force_max,
        &AxisBounds::felt_rise_per_s,  &AxisBounds::felt_fall_per_s,
        &AxisBounds::correction_max,   &AxisBounds::torque_slew_per_tick,
        &AxisBounds::correction_floor, &AxisBounds::governor_speed,
        &AxisBounds::governor_gain,    &AxisBounds::overspeed_trip,
        &AxisBounds::release_speed,    &AxisBounds::release_force_fraction,
        &AxisBounds::slack_speed,      &AxisBounds::slack_gain,
        &AxisBounds::slack_pull_max};
    for (const auto field : bounds) {
      Rig rig;
      rig.bounds.*field = value;
      for (const double velocity : {0.0, -0.5, -1.0, -2.0}) {
        rig.input.velocity = velocity;
        rig.input.measured_force = velocity < 0.0 ? 0.0 : 60.0;
        for (int i = 0; i < 100; ++i) {
          const double word = rig.step().word.value();
          ASSERT_TRUE(is_finite(word)) << value;
          if (field != &AxisBounds::brake_force_max) {
            ASSERT_GE(word, -150.0);
          }
          ASSERT_LE(word, 600.0);
        }
      }
    }
    Rig rig;
    rig.state.word = value;
    rig.state.retension_ceiling = value;
    const double word = rig.step().word.value();
    ASSERT_TRUE(word >= 0.0 && word <= 610.0) << value;
  }
}

TEST(Torque, AnAgeThatNobodyGaveMeansNoForce) {
  Rig rig;
  rig.input.drive_age_ns = TorqueInput{}.drive_age_ns;
  EXPECT_EQ(rig.settle().word.value(), 0.0);
  EXPECT_EQ(rig.step().fault, FaultCode::kDataStale);
  EXPECT_TRUE(rig.step().limits & kLimitAge);
  rig = Rig{};
  rig.input.load_cell_age_ns = TorqueInput{}.load_cell_age_ns;
  EXPECT_EQ(rig.settle().word.value(), 0.0);
}

TEST(Torque, AgesFreezeAtTenAndUnloadAtTwentyMilliseconds) {
  std::int64_t TorqueInput::*ages[] = {&TorqueInput::drive_age_ns, &TorqueInput::load_cell_age_ns};
  for (const auto age : ages) {
    Rig rig;
    rig.load(60.0);
    rig.input.torque = 70.0;
    rig.input.*age = 10 * kMs + 1;
    EXPECT_EQ(rig.settle().word.value(), 60.0);
    EXPECT_TRUE(rig.step().limits & kLimitAge);
    rig.input.torque = 50.0;  // less is always allowed
    EXPECT_EQ(rig.settle().word.value(), 50.0);
    rig.input.torque = 70.0;
    rig.input.*age = 10 * kMs;
    EXPECT_EQ(rig.settle().word.value(), 70.0);
    rig.input.*age = 20 * kMs;
    EXPECT_EQ(rig.step().fault, FaultCode::kNone);
    rig.input.*age = 20 * kMs + 1;
    EXPECT_EQ(rig.step().fault, FaultCode::kDataStale);
    EXPECT_EQ(rig.settle(3).word.value(), 0.0);
    rig.input.*age = -20 * kMs - 1;  // a stamp from the future
    EXPECT_EQ(rig.step().fault, FaultCode::kDataStale);
  }
}

TEST(Torque, AnAgedSampleLetsNoForceBegin) {
  Rig rig;
  rig.input.drive_age_ns = 10 * kMs + 1;
  EXPECT_EQ(rig.settle().word.value(), 0.0);
}

TEST(Torque, ACalmWordIsNotReportedAsLimited) {
  Rig rig;
  rig.load(60.0);
  for (const double torque : {60.0, 65.0, 60.0, 52.0, 60.0}) {
    rig.input.torque = torque;
    EXPECT_EQ(rig.step().limits, 0u);
    EXPECT_EQ(rig.state.word, torque);
  }
}

TEST(Torque, TheCorrectionIsBoundedByTheFeltForce) {
  Rig rig;
  rig.input.felt_force = rig.input.measured_force = 80.0;
  rig.input.torque = 500.0;
  EXPECT_NEAR(rig.settle().word.value(), 80.0 + 20.0 + 0.4 * 80.0, 1e-9);
  EXPECT_TRUE(rig.step().limits & kLimitCorrection);
  rig.input.torque = 0.0;
  EXPECT_NEAR(rig.settle().word.value(), 80.0 - 20.0 - 0.4 * 80.0, 1e-9);
  rig.bounds.correction_max = 5.0;
  EXPECT_NEAR(rig.settle().word.value(), 75.0, 1e-9);
  rig.input.torque = 82.0;
  EXPECT_EQ(rig.settle().word.value(), 82.0);
  EXPECT_FALSE(rig.step().limits & kLimitCorrection);
}

TEST(Torque, TheMachinesBoundHoldsWithTheCorrectionOutOfTheWay) {
  Rig rig;
  rig.bounds.correction_max = rig.bounds.correction_floor = 1e6;
  rig.input.felt_force = rig.input.measured_force = 590.0;
  rig.input.torque = 700.0;
  EXPECT_EQ(rig.settle().word.value(), 600.0);
  EXPECT_TRUE(rig.step().limits & kLimitForce);
  rig.input.torque = -700.0;
  EXPECT_EQ(rig.settle().word.value(), 0.0);
}

TEST(Torque, AJumpIsSpreadOverTheTicks) {
  Rig rig;
  rig.input.torque = rig.input.felt_force = rig.input.measured_force = 300.0;
  EXPECT_EQ(rig.step().word.value(), kSlew);
  EXPECT_TRUE(rig.step().limits & kLimitTorqueSlew);
  rig.load(300.0);
  rig.input.torque = rig.input.felt_force = 0.0;
  EXPECT_EQ(rig.step().word.value(), 300.0 - kSlew);
}

TEST(Torque, TheGovernorTakesFourHundredNewtonsForEachMetrePerSecondBeyond) {
  for (const double speed : {0.5, 0.8, 0.85, 0.9, 1.0, 1.2, 1.5}) {
    Rig rig;
    rig.load(60.0);
    rig.input.velocity = -speed;
    const TorqueOutput out = rig.step();
    const double expected = std::max(60.0 - 400.0 * std::max(speed - 0.8, 0.0), -150.0);
    EXPECT_NEAR(out.word.value(), expected, 1e-9) << speed;
    EXPECT_EQ((out.limits & kLimitGovernor) != 0, speed > 0.8);
    EXPECT_EQ(out.fault, FaultCode::kNone);
  }
  Rig rig;  // outward speed never brakes
  rig.load(60.0);
  rig.input.velocity = 3.0;
  EXPECT_EQ(rig.step().word.value(), 60.0);
}

TEST(Torque, BrakingEndsAtOnceAndTheForceClimbsFromZero) {
  Rig rig;
  rig.load(60.0);
  rig.input.velocity = -1.4;
  EXPECT_EQ(rig.step().word.value(), -150.0);
  rig.input.velocity = -0.1;
  EXPECT_EQ(rig.step().word.value(), kSlew);
}

TEST(Torque, OverspeedTripsAtOneAndAHalfMetresPerSecond) {
  Rig rig;
  rig.load(60.0);
  rig.input.velocity = -1.5;
  EXPECT_EQ(rig.step().fault, FaultCode::kNone);
  rig.input.velocity = -1.5001;
  EXPECT_EQ(rig.step().fault, FaultCode::kOverspeed);
  rig.input.drive_age_ns = INT64_MAX;  // an old speed says nothing
  EXPECT_EQ(rig.step().fault, FaultCode::kDataStale);
}

TEST(Torque, R3FallsAtTwentyNewtonsATickAndMoreAndStillBrakesOverspeed) {
  Rig rig;
  rig.load(600.0);
  rig.input.reaction = Reaction::kFastUnload;
  double before = 600.0;
  for (int tick = 0; tick < 45; ++tick) {
    const double word = rig.step().word.value();
    EXPECT_GE(word, before - 25.0 - 1e-9);  // a ramp: a drop would make a standing person fall
    EXPECT_TRUE(word <= before - 20.0 || word == 0.0);
    before = word;
  }
  EXPECT_EQ(before, 0.0);
  rig.input.velocity = -1.0;
  EXPECT_NEAR(rig.step().word.value(), -80.0, 1e-9);
  rig.input.drive_age_ns = 21 * kMs;  // but never on an old speed
  EXPECT_EQ(rig.step().word.value(), 0.0);
}

TEST(Torque, R4AndOffAreZeroAtOnceEvenWhileBraking) {
  for (const bool off : {false, true}) {
    for (const double velocity : {0.0, -1.2}) {
      Rig rig;
      rig.load(600.0);
      rig.input.velocity = velocity;
      rig.step();
      if (off) {
        rig.input.load_state = LoadState::kOff;
      } else {
        rig.input.reaction = Reaction::kTorqueOff;
      }
      EXPECT_EQ(rig.step().word.value(), 0.0);
      EXPECT_EQ(rig.state.word, 0.0);
    }
  }
}

// What is felt is let go of; the cable is then held by `held_n`, at `velocity`, for `ticks`.
double slack_then_held(Rig& rig, double held_n, double velocity, int ticks) {
  rig.input.measured_force = 0.0;
  rig.input.velocity = -0.4;
  rig.settle(20);
  EXPECT_TRUE(rig.state.slack_servo);
  rig.input.measured_force = held_n;
  rig.input.velocity = velocity;
  return rig.settle(ticks).word.value();
}

// ... of a light load.
double after_slack(Rig& rig, double held_n, double velocity, int ticks) {
  rig.load(60.0);
  return slack_then_held(rig, held_n, velocity, ticks);
}

TEST(Torque, WhatOnlyHoldsTheHandleGetsNoMoreThanTheSlackServosPull) {
  for (const double velocity : {0.0, 0.0019, -0.1, kNaN}) {
    Rig rig;
    const double word = after_slack(rig, 30.0, velocity, 5000);
    EXPECT_LE(word, 20.0) << "a post that caught it, " << velocity << " m/s";
  }
  // Force control may ask for anything meanwhile, also for less for a moment.
  Rig rig;
  after_slack(rig, 30.0, 0.0, 200);
  rig.input.torque = 5.0;
  rig.settle(50);
  rig.input.torque = 60.0;
  EXPECT_LE(rig.settle(500).word.value(), 20.0);
}

TEST(Torque, AHandleThatReboundsAtAPostGetsNoMoreThanTheSlackServosPull) {
  Rig rig;
  after_slack(rig, 30.0, 0.0, 200);
  for (int swing = 0; swing < 500; ++swing) {
    // 9 mm in and out again, at up to 0.3 m/s.
    rig.input.velocity = swing % 2 == 0 ? -0.3 : 0.3;
    EXPECT_LE(rig.settle(30).word.value(), 20.0) << "swing " << swing;
  }
}

TEST(Torque, OneLargeReboundDoesNotOpenTheWayForSmallOnes) {
  Rig rig;
  after_slack(rig, 30.0, 0.0, 200);
  rig.input.velocity = 0.1;
  rig.settle(110);
  for (int swing = 0; swing < 500; ++swing) {
    rig.input.velocity = swing % 2 == 0 ? -0.15 : 0.15;
    EXPECT_LE(rig.settle(30).word.value(), 40.0) << "swing " << swing;
  }
}

// A resistance that a hand makes by moving is there after as short a way as any load.
TEST(Torque, AResistanceThatIsLightAtRestComesAsAHandGoes) {
  Rig rig;
  rig.load(60.0);
  rig.input.torque = rig.input.felt_force = 15.0;
  slack_then_held(rig, 15.0, 0.0, 200);
  rig.input.torque = rig.input.felt_force = 60.0;
  rig.input.velocity = 0.5;
  EXPECT_LE(rig.settle(19).word.value(), 20.0);
  EXPECT_NEAR(rig.settle(85).word.value(), 60.0, 0.1);
}

TEST(Torque, AHandThatMovesOutFarAsksHoweverSlowly) {
  Rig rig;
  after_slack(rig, 30.0, 0.0, 200);
  rig.input.velocity = 0.01;
  EXPECT_NEAR(rig.settle(3000).word.value(), 40.0, 0.5) << "30 mm";
  EXPECT_NEAR(rig.settle(2100).word.value(), 60.0, 0.1);
}

// While nobody knows yet that the tension is back stage 1 allows slack tension only; whoever has
// moved out by a little more than that has not asked for a load that stage 1 allows later.
TEST(Torque, ALoadThatStageOneHoldsBackIsNotAskedForByAShortWay) {
  Rig rig;
  rig.input.torque = rig.input.felt_force = 30.0;
  slack_then_held(rig, 30.0, 0.0, 70);
  rig.input.velocity = 0.3;
  rig.settle(70);  // 21 mm
  rig.input.torque = rig.input.felt_force = 150.0;
  rig.input.velocity = 0.0;
  EXPECT_NEAR(rig.settle(3000).word.value(), 31.0, 1.5);
  rig.input.velocity = 0.3;
  EXPECT_LE(rig.settle(100).word.value(), 62.0) << "51 mm";
  EXPECT_NEAR(rig.settle(500).word.value(), 150.0, 0.5) << "a hand that goes out gets all of it";
}

TEST(Torque, AReboundWhileALoadComesInDoesNotAskForTheRestOfIt) {
  Rig rig;
  rig.load(15.0);
  slack_then_held(rig, 15.0, 0.0, 200);
  rig.input.velocity = 0.13;
  rig.settle(100);  // 13 mm
  rig.input.velocity = 0.0;
  for (double felt_n = 15.0; felt_n < 72.0; felt_n += 0.025) {
    rig.input.torque = rig.input.felt_force = felt_n;
    ASSERT_LE(rig.step().word.value(), 23.5) << felt_n << " N";
  }
}

TEST(Torque, AWordThatIsLowForAMomentIsNotTheWholeLoad) {
  for (const bool word_is_low : {true, false}) {
    Rig rig;
    rig.load(60.0);
    slack_then_held(rig, 30.0, 0.0, 200);
    rig.input.felt_force = word_is_low ? 150.0 : 80.0;
    rig.input.torque = word_is_low ? 60.0 : 112.0;
    rig.input.velocity = 0.5;
    rig.settle(130);  // 65 mm: up to 77 N
    rig.input.felt_force = rig.input.torque = 150.0;
    const double before = rig.state.word;
    EXPECT_LE(rig.settle(10).word.value() - before, word_is_low ? 27.0 : 5.1);
  }
}

// A load that is ordered anew was preceded by a look at the handle.
TEST(Torque, ALoadTakenUpAnewDoesNotWait) {
  for (const double pretension_n : {10.0, 30.0}) {
    Rig rig;
    after_slack(rig, 30.0, 0.0, 200);
    rig.input.load_state = LoadState::kTakeUp;
    rig.input.torque = rig.input.felt_force = pretension_n;
    rig.settle(200);
    rig.input.load_state = LoadState::kLoaded;
    rig.input.torque = rig.input.felt_force = 60.0;
    EXPECT_NEAR(rig.settle(200).word.value(), 60.0, 0.1) << pretension_n << " N";
  }
}

TEST(Torque, AMachineFileWithASlowerSlackServoDoesNotMakeAHandAskSooner) {
  Rig rig;
  rig.bounds.slack_speed = 0.01;
  after_slack(rig, 30.0, 0.0, 200);
  rig.input.velocity = 0.1;
  EXPECT_LE(rig.settle(99).word.value(), 20.0);
}

// It slips off while the load comes in, and is caught: the load does not go on coming in.
TEST(Torque, WithoutASlackServosPullNothingComesBack) {
  for (const double pull : {0.0, -20.0, kNaN}) {
    Rig rig;
    rig.bounds.slack_pull_max = pull;
    EXPECT_EQ(after_slack(rig, 30.0, 0.3, 5000), 0.0) << pull << " N";
    EXPECT_TRUE(rig.state.slack_servo && rig.state.released) << pull << " N";
  }
}

TEST(Torque, ASlackServosPullOfLessThanANewtonIsOneToo) {
  Rig rig;
  rig.bounds.slack_pull_max = 0.9;
  EXPECT_NEAR(after_slack(rig, 30.0, 0.0, 200), 0.9, 1e-9);
  EXPECT_FALSE(rig.state.slack_servo);
  EXPECT_NE(rig.step().limits & kLimitSlackServo, 0u);
  const int doubt = rig.state.doubt_ticks;
  slack_then_held(rig, 30.0, 0.0, 200);
  EXPECT_LT(rig.state.doubt_ticks, doubt) << "slack again: none anew";
  rig.input.velocity = 0.3;
  EXPECT_NEAR(rig.settle(600).word.value(), 60.0, 0.1) << "to a hand it comes";
}

TEST(Torque, ALoadThatComesInWaitsForAHandOnceTheCableWasSlack) {
  for (const LoadState state : {LoadState::kLoaded, LoadState::kTakeUp}) {
    Rig rig;
    rig.load(15.0);
    rig.input.load_state = state;
    slack_then_held(rig, 15.0, 0.0, 200);
    rig.input.load_state = LoadState::kLoaded;
    for (double felt_n = 15.0; felt_n < 60.0; felt_n += 0.025) {
      rig.input.torque = rig.input.felt_force = felt_n;
      rig.step();
    }
    // The slack that is taken up before a load is ordered is nobody's doing.
    EXPECT_NEAR(rig.state.word, state == LoadState::kLoaded ? 20.0 : 60.0, 0.1);
    rig.input.velocity = 0.1;
    EXPECT_NEAR(rig.settle(600).word.value(), 60.0, 0.1) << "to a hand it comes";
  }
}

TEST(Torque, AHandThatMovesOutGetsItsLoadBackAsARamp) {
  Rig rig;
  after_slack(rig, 30.0, -0.1, 200);
  rig.input.velocity = 0.1;
  double word = rig.settle(99).word.value();
  EXPECT_LE(word, 20.0) << "within 10 mm of the innermost";
  for (int tick = 0; tick < 1000; ++tick) {
    const double next = rig.step().word.value();
    // A newton a millimetre.
    EXPECT_LE(next, word + 0.1 + 1e-9);
    word = next;
  }
  EXPECT_NEAR(word, 60.0, 1e-9);
}

TEST(Torque, ACuffThatDragsAndCatchesIsStillCalledReleasedAfterThreeSeconds) {
  Rig rig;
  after_slack(rig, 0.0, -0.2, 100);
  int servo_ticks = 100;
  for (int round = 0; round < 200 && !rig.state.released; ++round) {
    rig.input.measured_force = 15.0;  // it catches for a moment...
    rig.input.velocity = 0.0;
    rig.settle(80);
    rig.input.measured_force = 0.0;  // ... and comes loose
    rig.input.velocity = -0.4;
    for (int tick = 0; tick < 50 && !rig.state.released; ++tick) {
      rig.step();
      servo_ticks += rig.state.slack_servo ? 1 : 0;
    }
  }
  EXPECT_TRUE(rig.state.released);
  EXPECT_LE(servo_ticks, 3100);
}

TEST(Torque, R3ForgetsTheSlackServo) {
  Rig rig;
  rig.load(80.0);
  rig.input.measured_force = 0.0;
  rig.input.velocity = -0.5;
  rig.settle(10);
  ASSERT_TRUE(rig.state.slack_servo);
  rig.input.reaction = Reaction::kFastUnload;
  EXPECT_EQ(rig.step().word.value(), 0.0);
  EXPECT_FALSE(rig.state.slack_servo);
  EXPECT_EQ(rig.step().limits & (kLimitAge | kLimitSlackServo), 0u);
}

TEST(Torque, WithoutFeltForceOnlyTheFloorOfTheCorrectionIsLeft) {
  Rig rig;
  rig.input.felt_force = 0.0;
  rig.input.torque = 100.0;
  EXPECT_NEAR(rig.settle().word.value(), 20.0, 1e-9);
}

TEST(Torque, ANumberThatIsNoneUnloadsFast) {
  for (const double value : {kNaN, kInf, -kInf}) {
    double TorqueInput::*fields[] = {&TorqueInput::torque, &TorqueInput::felt_force,
                                     &TorqueInput::measured_force};
    for (const auto field : fields) {
      Rig rig;
      rig.load(600.0);
      rig.input.*field = value;
      EXPECT_EQ(rig.step().fault, FaultCode::kNotFinite);
      EXPECT_LE(rig.state.word, 580.0);
      EXPECT_EQ(rig.settle(44).word.value(), 0.0);
    }
  }
}

}  // namespace
}  // namespace medius::safety
