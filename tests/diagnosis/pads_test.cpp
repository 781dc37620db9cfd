#include "controller/diagnosis/pads.hpp"

#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "controller/base/random.hpp"

namespace medius::diagnosis {
namespace {

using safety::FaultCode;
using safety::LoadState;

// Two legs on a load of 60 Nm, 30 each; a test bends one signal.
class Pads : public ::testing::Test {
 protected:
  FaultCode tick() {
    for (double& force : input_.force) force = 30.0 + 0.114 * random_.normal();
    input_.fresh = {true, true};
    input_.felt_force = 60.0;
    input_.load_state = LoadState::kLoaded;
    if (bend_) bend_(input_);
    output_ = check_pads(limits_, input_, state_);
    return output_.cause.fault;
  }
  // Ticks until a fault; 0: none within so many.
  int until_fault(int ticks) {
    for (int i = 1; i <= ticks; ++i) {
      if (tick() != FaultCode::kNone) return i;
    }
    return 0;
  }

  SignalLimits limits_ = signal_limits(hal::CoordinateKind::kLever);
  Random random_{7, 1};
  PadInput input_;
  PadState state_;
  PadOutput output_;
  std::function<void(PadInput&)> bend_;
};

TEST_F(Pads, TwoLegsThatShareALoadUnequallyAreNoFault) {
  for (const double left : {0.5, 0.3, 0.2, 0.8}) {
    bend_ = [left](PadInput& input) {
      input.force[0] += 60.0 * left - 30.0;
      input.force[1] += 30.0 - 60.0 * left;
    };
    EXPECT_EQ(until_fault(5000), 0) << left;
    EXPECT_FALSE(output_.one_leg);
  }
}

TEST_F(Pads, ALegOffEitherPadIsSeenAtOnceAndAFaultAfterSixtyTicks) {
  for (const std::size_t pad : {std::size_t{0}, std::size_t{1}}) {
    state_ = PadState{};
    bend_ = [pad](PadInput& input) { input.force[pad] -= 30.0; };
    EXPECT_EQ(tick(), FaultCode::kNone);
    EXPECT_TRUE(output_.one_leg);
    EXPECT_EQ(until_fault(200), 59);
    EXPECT_EQ(output_.cause.fault, FaultCode::kLegOffPad);
  }
}

TEST_F(Pads, AShortKnockOffThePadIsNone) {
  int ticks = 0;
  bend_ = [&ticks](PadInput& input) {
    if (++ticks % 500 < 50) input.force[1] = 0.0;
  };
  EXPECT_EQ(until_fault(5000), 0);
}

TEST_F(Pads, TheFaultStandsWhileUnloadingAndUntilBothPadsAreHeldAgain) {
  bend_ = [](PadInput& input) { input.force[0] = 0.2; };
  ASSERT_NE(until_fault(200), 0);
  bend_ = [](PadInput& input) {
    input.load_state = LoadState::kTakeUp;
    input.felt_force = 8.0;
    input.force[0] -= 29.8;
    input.force[1] -= 22.0;
  };
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(tick(), FaultCode::kLegOffPad) << i;
  bend_ = [](PadInput& input) {
    input.load_state = LoadState::kTakeUp;
    input.felt_force = 8.0;
    for (double& force : input.force) force -= 26.0;
  };
  int stood = 0;
  while (stood < 1000 && tick() == FaultCode::kLegOffPad) ++stood;
  EXPECT_EQ(stood, 199);
}

TEST_F(Pads, BothLegsOffIsNotALegOffItsPad) {
  bend_ = [](PadInput& input) { input.force = {0.1, 0.2}; };
  EXPECT_EQ(until_fault(1000), 0) << "a release of the whole machine is the sum's business";
  EXPECT_FALSE(output_.one_leg);
}

TEST_F(Pads, ALightLoadIsHeldWithOneLegIfSomebodyLikes) {
  bend_ = [](PadInput& input) {
    input.felt_force = 10.0;
    input.force[0] -= 20.0;
    input.force[1] -= 29.8;
  };
  EXPECT_EQ(until_fault(1000), 0);
}

TEST_F(Pads, ACellThatRepeatsItsValueIsStuck) {
  for (const std::size_t pad : {std::size_t{0}, std::size_t{1}}) {
    state_ = PadState{};
    bend_ = [pad](PadInput& input) { input.force[pad] = 31.25; };
    EXPECT_EQ(until_fault(1000), 201);
    EXPECT_EQ(output_.cause.fault, FaultCode::kLoadCellStuck);
  }
}

// The sum of 30 and -3 is a load like any other.
TEST_F(Pads, ACellThatPullsIsImplausibleAlthoughTheSumIsNot) {
  bend_ = [](PadInput& input) { input.force[1] -= 33.0; };
  ASSERT_NE(until_fault(1000), 0);
  EXPECT_EQ(output_.cause.fault, FaultCode::kLoadCellImplausible);
}

TEST_F(Pads, OldSamplesAreNotCountedAsRepeatedOnes) {
  bend_ = [](PadInput& input) {
    input.force = {30.0, 30.0};
    input.fresh = {false, false};
  };
  ASSERT_EQ(state_.force[0], 0.0);
  state_.force = {30.0, 30.0};
  EXPECT_EQ(until_fault(1000), 0) << "age is supervised elsewhere";
}

TEST_F(Pads, WithoutTorqueNothingIsAFault) {
  bend_ = [](PadInput& input) {
    input.load_state = LoadState::kOff;
    input.force = {-50.0, 0.0};
  };
  EXPECT_EQ(until_fault(1000), 0);
  EXPECT_EQ(state_.force[0], -50.0) << "but it is shown";
}

}  // namespace
}  // namespace medius::diagnosis
