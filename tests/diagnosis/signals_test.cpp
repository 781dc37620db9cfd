#include "controller/diagnosis/signals.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "controller/base/random.hpp"

namespace medius::diagnosis {
namespace {

using safety::FaultCode;
using safety::LoadState;
using safety::Reaction;

// A loaded axis that is moved to and fro; a test bends one signal.
class Signals : public ::testing::Test {
 protected:
  FaultCode tick() {
    ++ticks_;
    const double t = static_cast<double>(ticks_) * 1e-3;
    input_.dt_s = 1e-3;
    input_.position = 0.2 * (1.0 - std::cos(t)) + 1e-5 * random_.normal();
    input_.velocity = 0.2 * std::sin(t);
    input_.tension = 60.0 + 3.0 * std::sin(7.0 * t) + 0.3 * random_.normal();
    input_.position_fresh = input_.tension_fresh = true;
    input_.drive_force = input_.expected_force = 62.0;
    input_.bus_voltage_v = 310.0;
    input_.temperature_c = 35.0;
    if (bend_) bend_(input_);
    output_ = check_signals(limits_, input_, state_);
    return output_.cause.fault;
  }
  FaultCode run(int ticks) {
    for (int i = 0; i < ticks; ++i) {
      const FaultCode fault = tick();
      if (fault != FaultCode::kNone) {
        took_ = i + 1;
        return fault;
      }
    }
    return FaultCode::kNone;
  }

  SignalLimits limits_ = signal_limits(hal::CoordinateKind::kCable);
  SignalInput input_ = [] {
    SignalInput input;
    input.load_state = LoadState::kLoaded;
    return input;
  }();
  SignalState state_;
  SignalOutput output_;
  Random random_{1};
  void (*bend_)(SignalInput&) = nullptr;
  int ticks_ = 0, took_ = 0;
};

TEST_F(Signals, HonestOnesAreUsedAndCauseNothing) {
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_EQ(tick(), FaultCode::kNone) << i;
    ASSERT_TRUE(output_.use_position && output_.use_tension);
  }
}

TEST_F(Signals, AnEncoderThatStopsInMidMotionIsFoundWithinElevenSamples) {
  run(300);
  bend_ = [](SignalInput& in) { in.position = 0.0089; };
  EXPECT_EQ(run(200), FaultCode::kEncoderStuck);
  EXPECT_LE(took_, 11);
}

TEST_F(Signals, AnEncoderThatStopsAtTheTurnIsFoundOnceTheTensionHasChanged) {
  run(3142);  // the top
  bend_ = [](SignalInput& in) {
    in.position = 0.4;
    in.velocity = 0.0;
    in.tension += in.tension > 60.0 ? 6.0 : -6.0;
  };
  EXPECT_EQ(run(2000), FaultCode::kEncoderStuck);
}

TEST_F(Signals, SomebodyWhoStandsQuiteStillIsNoStuckEncoder) {
  bend_ = [](SignalInput& in) {
    in.position = 0.1;
    in.velocity = 0.0;
    in.tension = 60.0 + 0.01 * in.tension;
  };
  EXPECT_EQ(run(20'000), FaultCode::kNone);
}

TEST_F(Signals, OneJumpIsHeldTheSecondIsAFault) {
  run(100);
  bend_ = [](SignalInput& in) { in.position += 0.02; };
  EXPECT_EQ(tick(), FaultCode::kNone);
  EXPECT_FALSE(output_.use_position);
  bend_ = nullptr;
  EXPECT_EQ(tick(), FaultCode::kNone);
  EXPECT_TRUE(output_.use_position);
  bend_ = [](SignalInput& in) { in.position -= 0.02; };
  EXPECT_EQ(tick(), FaultCode::kEncoderImplausible);
}

TEST_F(Signals, LostCountsAreAFaultAtOnceAndAReconnectionIsNot) {
  run(100);
  bend_ = [](SignalInput& in) { in.position += 0.5; };
  EXPECT_EQ(run(3), FaultCode::kEncoderImplausible);
  EXPECT_EQ(took_, 2);
  state_ = SignalState{};
  bend_ = nullptr;
  run(100);
  bend_ = [](SignalInput& in) {
    in.position += 0.5;
    in.reconnected = true;
  };
  EXPECT_EQ(tick(), FaultCode::kNone);
}

// A drive that counts from elsewhere has not pulled anybody behind where the load came in; whoever
// is pulled there afterwards is found.
TEST_F(Signals, AReconnectionTakesTheStartOfTheLoadWithIt) {
  run(100);
  bend_ = [](SignalInput& in) {
    in.position -= 0.5;
    in.reconnected = true;
  };
  EXPECT_EQ(tick(), FaultCode::kNone);
  static double inward;
  inward = 0.0;
  bend_ = [](SignalInput& in) {
    in.position += inward - 0.5;
    in.reconnected = false;
  };
  EXPECT_EQ(run(500), FaultCode::kNone);
  bend_ = [](SignalInput& in) {
    inward -= 1e-3;
    in.position += inward - 0.5;
    in.velocity = -1.0;
  };
  EXPECT_EQ(run(400), FaultCode::kPulledTooFar);
}

// Close to where it counts from, a changed sign jumps by less than people may move: the way back is
// the way that it came.
TEST_F(Signals, ASignThatChangesNearZeroIsFoundByTheMirroredWay) {
  static double position_m, speed_mps, sign;
  bend_ = [](SignalInput& in) {
    position_m += 1e-3 * speed_mps;
    in.position = sign * position_m;
    in.velocity = sign * speed_mps;
  };
  const auto begin = [&](double from_m, double moving_mps) {
    state_ = SignalState{};
    position_m = from_m - 0.02 * moving_mps;
    speed_mps = moving_mps;
    sign = 1.0;
    EXPECT_EQ(run(20), FaultCode::kNone);
  };
  for (const double from_m : {-0.0018, -0.0007, -0.0002, 0.0002, 0.0007, 0.0018}) {
    for (const double moving_mps : {-0.5, -0.09, 0.09, 0.5}) {
      begin(from_m, moving_mps);
      sign = -1.0;
      EXPECT_EQ(run(10), FaultCode::kEncoderImplausible) << from_m << " " << moving_mps;
      EXPECT_LE(took_, 4);
    }
  }
  const auto found = [&](double moving_mps, double then_mps, int turn_ticks) {
    begin(0.0, moving_mps);
    for (int i = 1; i <= turn_ticks + 20; ++i) {
      const double turned = std::fmin(1.0, static_cast<double>(i) / turn_ticks);
      speed_mps = moving_mps + (then_mps - moving_mps) * turned;
      if (tick() != FaultCode::kNone) return true;
    }
    return false;
  };
  EXPECT_TRUE(found(0.1, -0.1, 1)) << "200 m/s^2, and steady before and after";
  EXPECT_FALSE(found(0.1, -0.1, 2)) << "a sharp turn";
  EXPECT_FALSE(found(0.5, -0.3, 1)) << "a stop that gives back a part";
  EXPECT_FALSE(found(0.05, -0.05, 1)) << "so slow it may be a jerk";
}

TEST_F(Signals, AReversedEncoderIsFoundWhileTheCableIsSlack) {
  input_.load_state = LoadState::kTakeUp;
  bend_ = [](SignalInput& in) {
    in.velocity = 0.1;
    in.tension = 0.2 + 0.01 * in.tension;
    in.expected_force = 10.0;
  };
  EXPECT_EQ(run(100), FaultCode::kEncoderImplausible);
  EXPECT_EQ(took_, 50);
}

TEST_F(Signals, ADrumThatCoastsAfterABriskHandIsNoReversedEncoder) {
  static double speed = 0.0;
  speed = 1.5;
  bend_ = [](SignalInput& in) {
    speed *= 0.995;
    in.velocity = speed;
    in.tension = 0.2 + 0.01 * in.tension;
    in.expected_force = 30.0;
  };
  EXPECT_EQ(run(300), FaultCode::kNone);
}

TEST_F(Signals, ALoadCellThatRepeatsItselfIsFound) {
  run(100);
  bend_ = [](SignalInput& in) { in.tension = 61.25; };
  EXPECT_EQ(run(500), FaultCode::kLoadCellStuck);
  EXPECT_LE(took_, 202);
}

TEST_F(Signals, TwoSpikesOfTheLoadCellAreHeldTheThirdIsAFault) {
  run(100);
  for (int i = 0; i < 2; ++i) {
    bend_ = [](SignalInput& in) { in.tension += 500.0; };
    EXPECT_EQ(tick(), FaultCode::kNone);
    EXPECT_FALSE(output_.use_tension);
    bend_ = nullptr;
    EXPECT_EQ(tick(), FaultCode::kNone);
  }
  bend_ = [](SignalInput& in) { in.tension -= 500.0; };
  EXPECT_EQ(tick(), FaultCode::kLoadCellImplausible);
}

TEST_F(Signals, ACableThatPushesIsALoadCellWithTheWrongSign) {
  run(100);
  bend_ = [](SignalInput& in) { in.tension = -0.2 * in.tension; };
  EXPECT_EQ(run(100), FaultCode::kLoadCellImplausible);
  EXPECT_EQ(took_, 20);
}

TEST_F(Signals, ADriveThatPullsWithoutAnOrderIsFoundWhateverTheState) {
  for (const LoadState state : {LoadState::kOff, LoadState::kUnloading}) {
    state_ = SignalState{};
    input_.load_state = state;
    input_.reaction = state == LoadState::kOff ? Reaction::kNone : Reaction::kFastUnload;
    bend_ = [](SignalInput& in) {
      in.expected_force = 0.0;
      in.drive_force = 40.0;
      in.tension = 38.0 + 0.01 * in.tension;
    };
    EXPECT_EQ(run(100), FaultCode::kDriveRunaway);
    EXPECT_EQ(took_, 20);
  }
}

// An empty handle shows no tension: the drive's own word and the speed are all there is.
TEST_F(Signals, ADriveThatDoesNotBrakeAnEmptyHandleIsFound) {
  static double velocity_mps, drive_force_n, word_n;
  word_n = -60.0;
  const auto empty = [](SignalInput& in) {
    in.velocity = velocity_mps;
    in.expected_force = word_n;
    in.drive_force = drive_force_n;
    in.tension = 2.7 + 1e-3 * in.tension;
  };
  const auto found = [&](double speed_mps, double force_n) {
    state_ = SignalState{};
    velocity_mps = speed_mps;
    drive_force_n = force_n;
    bend_ = empty;
    return run(50) == FaultCode::kDriveRunaway ? took_ : 0;
  };
  EXPECT_EQ(found(-1.2, 40.0), 20);
  EXPECT_EQ(found(-1.2, -60.0), 0) << "it brakes";
  EXPECT_EQ(found(-0.25, 40.0), 0) << "no faster than the slack servo reels in";
  EXPECT_EQ(found(-0.3, 40.0), 0) << "as fast as anything is ever reeled in";
  EXPECT_EQ(found(-0.31, 40.0), 20);
  word_n = 0.0;
  EXPECT_EQ(found(-1.2, 40.0), 0) << "nobody told it to brake";
  word_n = -1.0;
  EXPECT_EQ(found(-1.2, 40.0), 20);
}

// The drum rests on its stop under the drive's pull; whoever takes the handle changes the tension
// by more than would move a free drum.
TEST_F(Signals, ADrumPressedOntoItsStopIsNoStuckEncoder) {
  static double pull_n, tension_n;
  bend_ = [](SignalInput& in) {
    in.position = -0.6;
    in.velocity = 0.0;
    in.expected_force = in.drive_force = pull_n;
    in.tension = tension_n;
  };
  input_.load_state = LoadState::kTakeUp;
  const auto taken = [&](double drive_n) {
    state_ = SignalState{};
    pull_n = drive_n;
    FaultCode fault = FaultCode::kNone;
    for (int i = 0; i < 400 && fault == FaultCode::kNone; ++i) {
      tension_n = i < 350 ? 0.001 * (i % 2) : 0.5 * (i - 350);
      fault = tick();
    }
    return fault;
  };
  EXPECT_EQ(taken(34.0), FaultCode::kNone);
  EXPECT_EQ(taken(10.0), FaultCode::kEncoderStuck) << "nothing holds the drum";
}

TEST_F(Signals, SupplyAndTemperatureAreWatchedOnlyWhenTheirLimitsAreSet) {
  bend_ = [](SignalInput& in) { in.bus_voltage_v = 0.0; };
  EXPECT_EQ(run(100), FaultCode::kNone);
  limits_.bus_voltage_min_v = 240.0;
  EXPECT_EQ(run(100), FaultCode::kSupplyVoltage);
  state_ = SignalState{};
  limits_.bus_voltage_max_v = 400.0;
  bend_ = [](SignalInput& in) { in.bus_voltage_v = 420.0; };
  EXPECT_EQ(run(100), FaultCode::kSupplyVoltage);
  state_ = SignalState{};
  limits_.temperature_max_c = 85.0;
  bend_ = [](SignalInput& in) { in.temperature_c = std::numeric_limits<double>::quiet_NaN(); };
  EXPECT_EQ(run(100), FaultCode::kOverTemperature);
}

TEST_F(Signals, ALimbPulledBehindItsStartIsFound) {
  run(10);
  static double inward = 0.0;
  bend_ = [](SignalInput& in) {
    inward -= 1e-4;
    in.position = inward;
    in.velocity = -0.1;
  };
  EXPECT_EQ(run(3000), FaultCode::kPulledTooFar);
  EXPECT_LT(inward, -0.19);
  EXPECT_GT(inward, -0.21);
}

// A slack cable that is reeled in so far pulls nobody: whoever was there has let go.
TEST_F(Signals, AnEmptyHandleReeledInBehindItsStartIsAReleasedOne) {
  run(10);
  static double inward = 0.0;
  bend_ = [](SignalInput& in) {
    inward -= 1e-4;
    in.position = inward;
    in.velocity = -0.1;
    in.slack = true;
  };
  EXPECT_EQ(run(3000), FaultCode::kHandleReleased);
  EXPECT_LT(inward, -0.19);
}

TEST_F(Signals, LimitsThatAreMissingBelieveNothing) {
  limits_ = SignalLimits{};
  EXPECT_NE(run(5), FaultCode::kNone);
}

TEST_F(Signals, WithoutTorqueAHandleMayBeMovedAsPeopleLike) {
  input_.load_state = LoadState::kOff;
  for (int i = 0; i < 5000; ++i) {
    input_.position_fresh = true;
    bend_ = [](SignalInput& in) {
      in.position *= 1000.0;
      in.tension = 0.0;
      in.drive_force = in.expected_force = 0.0;
    };
    ASSERT_EQ(tick(), FaultCode::kNone);
    ASSERT_TRUE(output_.use_position);
  }
}

TEST_F(Signals, ALeverMeansTheSameForcesAndSpeedsAtItsPad) {
  const SignalLimits lever = signal_limits(hal::CoordinateKind::kLever);
  EXPECT_DOUBLE_EQ(lever.runaway_force, 0.38 * limits_.runaway_force);
  EXPECT_DOUBLE_EQ(lever.speed_max * 0.38, limits_.speed_max);
}

// Written out a second time: who changes a threshold must mean it.
TEST(SignalLimits, AreThoseThatWereChosenForACableAndAtThePadOfALever) {
  const SignalLimits cable = signal_limits(hal::CoordinateKind::kCable);
  const SignalLimits lever = signal_limits(hal::CoordinateKind::kLever);
  constexpr double kPadM = 0.38;
  struct Row {
    double SignalLimits::*field;
    double cable, on_lever;
  };
  for (const Row& row : {Row{&SignalLimits::speed_max, 4.0, 1.0 / kPadM},
                         {&SignalLimits::tension_step_max, 400.0, kPadM},
                         {&SignalLimits::mirror_speed, 0.08, 1.0 / kPadM},
                         {&SignalLimits::stuck_speed, 0.05, 1.0 / kPadM},
                         {&SignalLimits::stuck_tension, 10.0, kPadM},
                         {&SignalLimits::runaway_force, 25.0, kPadM},
                         {&SignalLimits::runaway_speed, 0.3, 1.0 / kPadM},
                         {&SignalLimits::idle_force, 6.0, kPadM},
                         {&SignalLimits::inward_margin, 0.20, 1.0 / kPadM},
                         {&SignalLimits::sign_speed, 0.05, 1.0 / kPadM},
                         {&SignalLimits::sign_tension, 3.0, kPadM},
                         {&SignalLimits::sign_force, 5.0, kPadM},
                         {&SignalLimits::push_max, 5.0, kPadM},
                         {&SignalLimits::wish_swing, 5.0, kPadM}}) {
    EXPECT_DOUBLE_EQ(cable.*row.field, row.cable);
    EXPECT_DOUBLE_EQ(lever.*row.field, row.cable * row.on_lever);
  }
}

}  // namespace
}  // namespace medius::diagnosis
