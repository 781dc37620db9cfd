// An encoder whose sign changes, step by step: which ways are mirrored and which a limb can go.
#include <vector>

#include <gtest/gtest.h>

#include "controller/diagnosis/signals.hpp"

namespace medius::diagnosis {
namespace {

using safety::FaultCode;
using safety::LoadState;

// A power of two: sums and products of the steps below have no rounding.
constexpr double kUnit = 1.0 / 32768.0;  // 0.0305 mm

// Feeds positions tick by tick; every step is a multiple of kUnit.
struct Walk {
  SignalLimits limits = signal_limits(hal::CoordinateKind::kCable);
  SignalInput input;
  SignalState state;
  int ticks = 0;

  Walk() {
    input.load_state = LoadState::kTakeUp;
    input.dt_s = 1.0 / 1024.0;
    limits.mirror_speed = 1.0 / 16.0;  // the least step is 2 units, 5 units never turn
    input.drive_force = input.expected_force = 60.0;
    input.tension_fresh = true;
    input.position = 0.25;
    (void)step(0.0);
    input.load_state = LoadState::kLoaded;
    (void)step(0.0);
  }
  FaultCode step(double units) {
    input.position += units * kUnit;
    input.position_fresh = true;
    return check();
  }
  // Ticks in which no sample came; the axis moves on meanwhile.
  FaultCode silent(int count) {
    input.position_fresh = false;
    FaultCode fault = FaultCode::kNone;
    for (int i = 0; i < count && fault == FaultCode::kNone; ++i) fault = check();
    return fault;
  }
  FaultCode reconnect(double units) {
    input.reconnected = true;
    const FaultCode fault = step(units);
    input.reconnected = false;
    return fault;
  }
  // The number of the step at which a fault was found, 0: none.
  int found(const std::vector<double>& steps) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const FaultCode fault = step(steps[i]);
      if (fault == FaultCode::kNone) continue;
      EXPECT_EQ(fault, FaultCode::kEncoderImplausible);
      return static_cast<int>(i) + 1;
    }
    return 0;
  }

 private:
  FaultCode check() {
    input.tension = 60.0 + 1e-6 * (++ticks % 2);
    return check_signals(limits, input, state).cause.fault;
  }
};

int found(const std::vector<double>& steps) {
  return Walk().found(steps);
}

TEST(MirroredWay, IsFoundWithItsFifthStepInBothDirections) {
  EXPECT_EQ(found({16, 16, 3, -16, -16}), 5);
  EXPECT_EQ(found({-16, -16, -3, 16, 16}), 5);
  EXPECT_EQ(found({16, 16, -40, -16, -16}), 5) << "the jump itself may have any size";
  EXPECT_EQ(found({16, 16, 3, -16}), 0) << "one step back is none yet";
}

TEST(MirroredWay, EachOfItsStepsMustBeAlikeToLessThanAQuarter) {
  // Of 16 units: 3.8 and 4.2 on either side, and 4 to the last bit.
  struct Case {
    std::vector<double> steps;
    bool mirrored;
  };
  for (const Case& c : {Case{{12.2, 16, 0, -16, -16}, true},
                        {{19.8, 16, 0, -16, -16}, true},
                        {{11.8, 16, 0, -16, -16}, false},
                        {{20.2, 16, 0, -16, -16}, false},
                        {{12, 16, 0, -16, -16}, false},
                        {{16, 16, 0, -12.2, -12.2}, true},
                        {{16, 16, 0, -11.8, -11.8}, false},
                        {{16, 16, 0, -12, -12}, false},
                        {{16, 16, 0, -16, -12.2}, true},
                        {{16, 16, 0, -16, -19.8}, true},
                        {{16, 16, 0, -16, -11.8}, false},
                        {{16, 16, 0, -16, -20}, false},
                        {{16, 16, 0, 16, 16}, false}}) {
    EXPECT_EQ(found(c.steps), c.mirrored ? 5 : 0)
        << c.steps[0] << " " << c.steps[3] << " " << c.steps[4];
  }
}

TEST(MirroredWay, ASlowOneWithASampleInWhichItTurnedIsASharpTurn) {
  // Below five units a limb can turn; the sample in between then shows less than three quarters.
  EXPECT_EQ(found({4, 4, 3.04, -4, -4}), 5);
  EXPECT_EQ(found({4, 4, -3.04, -4, -4}), 5);
  for (const double between : {3.0, 2.96, 0.5, 0.0, -2.96}) {
    EXPECT_EQ(found({4, 4, between, -4, -4}), 0) << between;
  }
}

TEST(MirroredWay, FromFiveUnitsOnNoMassTurnsInOneSample) {
  EXPECT_EQ(found({4.9, 4.9, 0, -4.9, -4.9}), 0);
  EXPECT_EQ(found({5, 5, 0, -5, -5}), 5);
  EXPECT_EQ(found({5.1, 5.1, 0, -5.1, -5.1}), 5);
}

TEST(MirroredWay, ShorterThanItsLeastStepItIsNoise) {
  EXPECT_EQ(found({2, 2, 2, -2, -2}), 5);
  EXPECT_EQ(found({1.9, 1.9, 1.9, -1.9, -1.9}), 0);
}

TEST(MirroredWay, GoesOnOverOneTickWithoutASampleAndIsForgottenAfterTwo) {
  Walk one;
  EXPECT_EQ(one.found({16, 16, 16}), 0);
  EXPECT_EQ(one.silent(1), FaultCode::kNone);
  EXPECT_EQ(one.found({16, 0, -16, -16}), 4);

  Walk two;
  EXPECT_EQ(two.found({16, 16, 16}), 0);
  EXPECT_EQ(two.silent(2), FaultCode::kNone);
  EXPECT_EQ(two.found({16, 0, -16, -16, -16, -16}), 0);
}

TEST(MirroredWay, OfADriveThatIsBackBeginsAnew) {
  for (const std::vector<double>& then :
       {std::vector<double>{16, 0, -16, -16, -16}, {0, -16, -16, -16, -16}}) {
    Walk walk;
    EXPECT_EQ(walk.found({16, 16, 16, 16}), 0);
    EXPECT_EQ(walk.reconnect(3000), FaultCode::kNone);
    EXPECT_EQ(walk.found(then), 0);
  }
  Walk steady;
  EXPECT_EQ(steady.reconnect(3000), FaultCode::kNone);
  EXPECT_EQ(steady.found({16, 16, 0, -16, -16}), 5) << "its own five steps are enough";
}

// The start of the load is known in the drive's count: it moves with that, wherever it was.
TEST(MirroredWay, AStartThatIsCountedFromElsewhereStaysWhereThePersonTookTheLoad) {
  Walk walk;
  EXPECT_EQ(walk.reconnect(-16384), FaultCode::kNone);
  EXPECT_DOUBLE_EQ(walk.state.loaded_position, -0.25);
  EXPECT_EQ(walk.found(std::vector<double>(400, -16)), 0) << "0.195 m";
  FaultCode fault = FaultCode::kNone;
  for (int i = 0; i < 60 && fault == FaultCode::kNone; ++i) fault = walk.step(-16);
  EXPECT_EQ(fault, FaultCode::kPulledTooFar);
}

}  // namespace
}  // namespace medius::diagnosis
