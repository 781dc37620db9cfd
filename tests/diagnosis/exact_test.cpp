// The figures of the diagnosis to the last tick: who shifts a threshold must mean it.
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "controller/diagnosis/limits_copy.hpp"
#include "controller/diagnosis/pads.hpp"
#include "controller/diagnosis/signals.hpp"

namespace medius::diagnosis {
namespace {

using safety::FaultCode;
using safety::LoadState;
using safety::Reaction;

// A loaded cable at rest whose signals have the least noise that is not stuck; one is bent.
struct Cable {
  SignalLimits limits = signal_limits(hal::CoordinateKind::kCable);
  SignalInput input;
  SignalState state;
  SignalOutput out;
  int ticks = 0;

  Cable() {
    input.load_state = LoadState::kLoaded;
    input.position_fresh = input.tension_fresh = true;
    input.dt_s = 1e-3;
    input.drive_force = input.expected_force = 60.0;
    step([](SignalInput&) {});
  }
  FaultCode step(const std::function<void(SignalInput&)>& bend) {
    const double noise = ++ticks % 2 == 0 ? 1e-6 : -1e-6;
    input.position = 0.3 + noise;
    input.tension = 60.0 + noise;
    input.velocity = 0.0;
    bend(input);
    out = check_signals(limits, input, state);
    return out.cause.fault;
  }
  FaultCode quiet(int count) {
    FaultCode fault = FaultCode::kNone;
    for (int i = 0; i < count; ++i) fault = step([](SignalInput&) {});
    return fault;
  }
  // Ticks with this bend until a fault; 0: none within `most`.
  int until(int most, const std::function<void(SignalInput&)>& bend) {
    for (int i = 1; i <= most; ++i) {
      if (step(bend) != FaultCode::kNone) return i;
    }
    return 0;
  }
};

// ---- encoder --------------------------------------------------------------------------------
void jump(SignalInput& input) {
  input.position += 0.05;
}

TEST(ExactDiagnosis, ASecondJumpWithinTwentyTicksIsAFaultAndOneLaterIsNot) {
  for (const int between : {1, 19, 20, 60}) {
    Cable rig;
    EXPECT_EQ(rig.step(jump), FaultCode::kNone);
    EXPECT_FALSE(rig.out.use_position);
    EXPECT_EQ(rig.quiet(between - 1), FaultCode::kNone);
    const FaultCode second = rig.step(jump);
    EXPECT_EQ(second, between <= 20 ? FaultCode::kEncoderImplausible : FaultCode::kNone) << between;
  }
  Cable late;
  late.step(jump);
  late.quiet(20);
  EXPECT_EQ(late.step(jump), FaultCode::kNone) << "21 ticks later it is a first one again";
  EXPECT_EQ(late.step(jump), FaultCode::kEncoderImplausible);
}

// 4 m/s: 4 mm a tick since the last believed sample, for at most a hundred ticks.
TEST(ExactDiagnosis, AStepOfFourMillimetresATickIsBelieved) {
  struct Case {
    int silent;
    double step;
    bool believed;
  };
  for (const Case& c : {Case{0, 0.0039, true}, Case{0, 0.0041, false}, Case{9, 0.0399, true},
                        Case{9, 0.0401, false}, Case{98, 0.3959, true}, Case{98, 0.3961, false},
                        Case{99, 0.3999, true}, Case{99, 0.4001, false}, Case{100, 0.4001, false},
                        Case{100, 0.4039, false}, Case{300, 0.4001, false}}) {
    Cable rig;
    for (int i = 0; i < c.silent; ++i) {
      rig.step([](SignalInput& input) { input.position_fresh = false; });
      EXPECT_FALSE(rig.out.use_position);
    }
    const double from = rig.state.position;
    rig.step([&](SignalInput& input) {
      input.position = from + c.step;
      input.position_fresh = true;
    });
    EXPECT_EQ(rig.out.use_position, c.believed) << c.silent << " ticks, " << c.step << " m";
  }
}

TEST(ExactDiagnosis, MissedTicksCountAsTimeThatWasThereToMove) {
  for (const bool enough : {false, true}) {
    Cable rig;
    rig.step([&](SignalInput& input) {
      input.missed_ticks = enough ? 10 : 9;
      input.position = 0.3 + 0.042;
    });
    EXPECT_EQ(rig.out.use_position, enough);
  }
}

TEST(ExactDiagnosis, APositionThatRepeatsItselfAfterMovingIsStuckAtTheTenthRepeat) {
  for (const double speed : {0.05, 0.051, -0.051}) {
    Cable rig;
    rig.step([](SignalInput& input) { input.position = 0.3; });
    const int took = rig.until(99, [&](SignalInput& input) {
      input.position = 0.3;
      input.velocity = speed;
    });
    EXPECT_EQ(took, speed == 0.05 ? 0 : 10) << speed;
  }
}

TEST(ExactDiagnosis, OnlyTheSpeedAtItsFirstRepeatSaysWhetherItMoved) {
  Cable rig;
  rig.step([](SignalInput& input) { input.position = 0.3; });
  rig.step([](SignalInput& input) { input.position = 0.3; });
  EXPECT_EQ(rig.until(99,
                      [](SignalInput& input) {
                        input.position = 0.3;
                        input.velocity = 1.0;
                      }),
            0);
}

TEST(ExactDiagnosis, AtRestItIsStuckAtTheHundredthRepeatOnceTensionChangedByMoreThanTen) {
  struct Case {
    double change;
    int took;
  };
  // Up or down: either would have moved a handle.
  for (const Case& c : {Case{9.9, 0}, Case{10.1, 100}, Case{-10.1, 100}, Case{-9.9, 0}}) {
    Cable rig;
    rig.step([](SignalInput& input) { input.position = 0.3; });
    int i = 0;
    EXPECT_EQ(rig.until(400,
                        [&](SignalInput& input) {
                          input.position = 0.3;
                          ++i;
                          input.tension = 60.0 + (i > 1 ? c.change : 0.0) + 1e-7 * (i % 2);
                        }),
              c.took)
        << c.change;
  }
}

// A drive that pulls by exactly 25 N more than the hand does not press the drum onto its stop yet.
TEST(ExactDiagnosis, ADrumThatIsHeldByTwentyFiveNewtonsIsFree) {
  for (const double more : {25.0, 25.1}) {
    Cable rig;
    rig.step([](SignalInput& input) { input.position = 0.3; });
    int i = 0;
    EXPECT_EQ(rig.until(400,
                        [&](SignalInput& input) {
                          input.position = 0.3;
                          input.tension = ++i > 1 ? 71.0 + i % 2 : 60.0;
                          input.expected_force = input.tension + more;
                        }),
              more > 25.0 ? 0 : 100);
  }
}

TEST(ExactDiagnosis, AMovementBetweenBeginsTheCountOfRepeatsAnew) {
  Cable rig;
  for (int round = 0; round < 5; ++round) {
    rig.step([](SignalInput& input) { input.position = 0.3001; });
    EXPECT_EQ(rig.until(10,
                        [](SignalInput& input) {
                          input.position = 0.3;
                          input.velocity = 0.2;
                        }),
              0)
        << "nine repeats of a first sample";
  }
}

// ---- load cell ------------------------------------------------------------------------------
void spike(SignalInput& input) {
  input.tension += 450.0;
}

TEST(ExactDiagnosis, AThirdSpikeWithinFiftyTicksOfTheSecondIsAFault) {
  for (const int between : {2, 49, 50}) {
    Cable rig;
    EXPECT_EQ(rig.step(spike), FaultCode::kNone);
    EXPECT_FALSE(rig.out.use_tension);
    rig.quiet(between - 1);
    EXPECT_EQ(rig.step(spike), FaultCode::kNone);
    rig.quiet(between - 1);
    EXPECT_EQ(rig.step(spike), FaultCode::kLoadCellImplausible) << between;
  }
  Cable late;
  late.step(spike);
  late.quiet(50);
  late.step(spike);
  late.quiet(50);
  EXPECT_EQ(late.step(spike), FaultCode::kNone) << "51 ticks apart they are single ones";
}

TEST(ExactDiagnosis, FourHundredNewtonsATickAreBelieved) {
  for (const bool more : {false, true}) {
    Cable rig;
    const double from = rig.state.tension;
    rig.step([&](SignalInput& input) { input.tension = from + (more ? 400.5 : 399.5); });
    EXPECT_EQ(rig.out.use_tension, !more);
    rig.step([](SignalInput& input) { input.tension_fresh = false; });
    EXPECT_FALSE(rig.out.use_tension) << "an old sample is not used again";
  }
}

TEST(ExactDiagnosis, TheLoadCellIsStuckAtItsTwoHundredthRepeatAboveThreeNewtons) {
  for (const double tension : {2.9, 3.0, 3.1, 60.0}) {
    Cable rig;
    const auto same = [&](SignalInput& input) { input.tension = tension; };
    rig.input.expected_force = rig.input.drive_force = 0.0;
    EXPECT_EQ(rig.until(1000, same), tension > 3.0 ? 201 : 0) << tension;
  }
}

TEST(ExactDiagnosis, AnotherValueBeginsTheCountOfEqualTensionsAnew) {
  Cable rig;
  const auto same = [](SignalInput& input) { input.tension = 60.5; };
  EXPECT_EQ(rig.until(200, same), 0) << "the first is no repeat";
  rig.quiet(1);
  EXPECT_EQ(rig.until(200, same), 0);
  EXPECT_EQ(rig.until(10, same), 1);
}

TEST(ExactDiagnosis, ACableThatPushesMoreThanFiveNewtonsForTwentyTicksIsNone) {
  Cable rig;
  int i = 0;
  const auto push = [&](double force) {
    return [&, force](SignalInput& input) { input.tension = force - 1e-6 * (++i % 2); };
  };
  EXPECT_EQ(rig.until(100, push(-4.99)), 0);
  EXPECT_EQ(rig.until(100, push(-5.01)), 20);
}

// ---- drive ----------------------------------------------------------------------------------
TEST(ExactDiagnosis, ADriveRunsAwayAfterTwentyTicksMoreThanTwentyFiveNewtonsAboveItsOrder) {
  struct Case {
    double drive, tension, expected;
    LoadState state;
    Reaction reaction;
    bool runs;
  };
  using enum LoadState;
  using enum Reaction;
  // Without a fault an idle drive's word alone is not enough, the cell must say so too.
  for (const Case& c :
       {Case{86.0, 86.0, 60.0, kOff, kNone, true}, Case{84.9, 86.0, 60.0, kOff, kNone, false},
        Case{86.0, 84.9, 60.0, kOff, kNone, false}, Case{85.0, 86.0, 60.0, kOff, kNone, false},
        Case{86.0, 85.0, 60.0, kOff, kNone, false},
        Case{86.0, 84.9, 60.0, kOff, kFreezeIncreases, false},
        Case{86.0, 84.9, 60.0, kOff, kSoftUnload, true},
        Case{85.0, 84.9, 60.0, kOff, kSoftUnload, false},
        Case{86.0, -86.0, 60.0, kOff, kFastUnload, true},
        Case{86.0, 84.9, 60.0, kLoaded, kFastUnload, true},
        Case{85.0, 84.9, 60.0, kLoaded, kFastUnload, false},
        Case{86.0, 86.0, 60.0, kLoaded, kSoftUnload, false},
        Case{25.5, 25.5, -60.0, kLoaded, kFastUnload, true},
        Case{24.9, 24.9, -60.0, kLoaded, kFastUnload, false},
        Case{25.5, 25.5, 0.9, kLoaded, kFastUnload, false}}) {
    Cable rig;
    rig.input.load_state = c.state;
    rig.input.reaction = c.reaction;
    rig.input.drive_force = c.drive;
    rig.input.expected_force = c.expected;
    int i = 0;
    const int took =
        rig.until(100, [&](SignalInput& input) { input.tension = c.tension + 1e-6 * (++i % 2); });
    EXPECT_EQ(took, c.runs ? 20 : 0) << c.drive << " " << c.tension << " " << c.expected;
    if (c.runs) {
      EXPECT_EQ(rig.out.cause.fault, FaultCode::kDriveRunaway);
    }
  }
}

TEST(ExactDiagnosis,
     AnEmptyHandleThatAnIdleDriveRunsInByMoreThanSixNewtonsIsARunawayAfterTwentyTicks) {
  struct Case {
    double drive, speed, expected;
    LoadState state;
    Reaction reaction;
    bool runs;
  };
  constexpr LoadState kOff = LoadState::kOff, kOn = LoadState::kLoaded;
  constexpr Reaction kNone = Reaction::kNone, kFast = Reaction::kFastUnload;
  for (const Case& c :
       {Case{6.1, -0.31, 0.0, kOff, kNone, true}, Case{6.1, -0.31, -60.0, kOff, kNone, true},
        Case{6.1, -0.31, 0.0, kOn, kFast, true},
        Case{5.9, -0.31, 0.0, kOff, kNone, false},  // a drive's noise
        Case{6.1, -0.29, 0.0, kOff, kNone, false},  // no faster than the slack servo
        Case{6.1, 0.31, 0.0, kOff, kNone, false},   // somebody pulls it out
        Case{11.8, -0.31, 5.9, kOff, kNone, false}, Case{12.0, -0.31, 5.9, kOff, kNone, true},
        Case{13.0, -0.31, 6.1, kOff, kNone, false},  // still on its way down
        Case{6.1, -0.31, 0.0, kOn, Reaction::kSoftUnload, false},
        Case{6.1, -0.31, -60.0, kOn, kNone, false}}) {
    Cable rig;
    rig.input.load_state = c.state;
    rig.input.reaction = c.reaction;
    rig.input.drive_force = c.drive;
    rig.input.expected_force = c.expected;
    int i = 0;
    const int took = rig.until(100, [&](SignalInput& input) {
      input.velocity = c.speed;
      input.tension = 1.0 + 1e-6 * (++i % 2);
    });
    EXPECT_EQ(took, c.runs ? 20 : 0) << c.drive << " N, " << c.speed << " m/s, " << c.expected;
    if (c.runs) {
      EXPECT_EQ(rig.out.cause.fault, FaultCode::kDriveRunaway);
    }
  }
}

// An empty handle that runs in although the drive was told to make no force, or less than six
// newtons.
TEST(ExactDiagnosis, AnIdleDriveThatMakesMoreThanSixNewtonsWhileItRunsInRunsAway) {
  struct Case {
    double drive, expected;
    int took;
  };
  for (const Case& c : {Case{6.0, 0.0, 0}, Case{6.1, 0.0, 20}, Case{12.5, 5.9, 20},
                        Case{11.8, 5.9, 0}, Case{12.5, 6.0, 0}}) {
    Cable rig;
    rig.input.reaction = Reaction::kFastUnload;
    rig.input.drive_force = c.drive;
    rig.input.expected_force = c.expected;
    int i = 0;
    EXPECT_EQ(rig.until(100,
                        [&](SignalInput& input) {
                          input.velocity = -0.4;
                          input.tension = 0.1 + 1e-6 * (++i % 2);
                        }),
              c.took)
        << c.drive << " " << c.expected;
  }
}

TEST(ExactDiagnosis, ABrownOutIsFiveTicksBeyondALimitThatIsSet) {
  struct Case {
    double low, high, volts;
    int took;
  };
  for (const Case& c : {Case{0.0, 0.0, -5.0, 0}, Case{0.5, 0.0, 0.4, 5}, Case{200.0, 0.0, 200.0, 0},
                        Case{200.0, 0.0, 199.9, 5}, Case{0.0, 0.5, 0.6, 5},
                        Case{0.0, 400.0, 400.0, 0}, Case{0.0, 400.0, 400.1, 5},
                        Case{200.0, 400.0, std::numeric_limits<double>::quiet_NaN(), 5}}) {
    Cable rig;
    rig.limits.bus_voltage_min_v = c.low;
    rig.limits.bus_voltage_max_v = c.high;
    rig.input.bus_voltage_v = c.volts;
    EXPECT_EQ(rig.until(100, [](SignalInput&) {}), c.took) << c.volts << " V";
  }
}

TEST(ExactDiagnosis, HeatIsAFaultAboveALimitThatIsSet) {
  struct Case {
    double most, celsius;
    int took;
  };
  for (const Case& c : {Case{0.0, 90.0, 0}, Case{0.5, 0.6, 1}, Case{80.0, 80.0, 0},
                        Case{80.0, 80.1, 1}, Case{80.0, 20.0, 0}}) {
    Cable rig;
    rig.limits.temperature_max_c = c.most;
    rig.input.temperature_c = c.celsius;
    EXPECT_EQ(rig.until(100, [](SignalInput&) {}), c.took) << c.celsius;
  }
}

TEST(ExactDiagnosis, ASignIsWrongWhereAllThreeSaySoForFiftyTicks) {
  struct Case {
    double speed, tension, expected;
    int took;
  };
  for (const Case& c : {Case{0.051, 2.9, 5.1, 50}, Case{0.049, 2.9, 5.1, 0},
                        Case{0.051, 3.1, 5.1, 0}, Case{0.051, 2.9, 4.9, 0}}) {
    Cable rig;
    rig.input.expected_force = rig.input.drive_force = c.expected;
    rig.quiet(1);
    EXPECT_EQ(rig.until(200,
                        [&](SignalInput& input) {
                          input.velocity = c.speed;
                          input.tension = c.tension;
                        }),
              c.took)
        << c.speed << " " << c.tension << " " << c.expected;
  }
}

// The speed when it began to look wrong is the one to compare with, not that of a tick later.
TEST(ExactDiagnosis, ADrumThatSlowsDownFromItsFirstTickIsNotReversed) {
  Cable rig;
  int i = 0;
  EXPECT_EQ(rig.until(300,
                      [&](SignalInput& input) {
                        input.velocity = ++i == 1 ? 0.4 : 0.3;
                        input.tension = 1.0;
                      }),
            0);
}

TEST(ExactDiagnosis, ALimbIsPulledTooFarAfterTwentyTicksTwentyCentimetresBehindItsStart) {
  for (const double behind : {0.1999, 0.2001}) {
    Cable rig;
    rig.input.load_state = LoadState::kTakeUp;
    const double at[] = {0.6,
                         0.5};  // the start is where the load comes in, not where take-up began
    for (const double position : at) {
      for (int i = 0; i < 30; ++i) {
        rig.step([&](SignalInput& input) { input.position = position + 1e-6 * (i % 2); });
      }
    }
    rig.input.load_state = LoadState::kLoaded;
    rig.step([](SignalInput& input) { input.position = 0.5; });
    const double start = rig.state.loaded_position;
    EXPECT_NEAR(start, 0.5, 1e-5);
    int i = 0;
    rig.state.position_gap = 100;
    EXPECT_EQ(
        rig.until(100,
                  [&](SignalInput& input) { input.position = start - behind + 1e-6 * (++i % 2); }),
        behind > 0.2 ? 21 : 0)
        << behind;
  }
}

TEST(ExactDiagnosis, WithoutTorqueSamplesAreUsedAsTheyComeAndNothingIsRemembered) {
  Cable rig;
  rig.step(jump);
  rig.step(spike);
  rig.input.load_state = LoadState::kOff;
  for (const bool fresh : {true, false}) {
    rig.step([&](SignalInput& input) { input.position_fresh = input.tension_fresh = fresh; });
    EXPECT_EQ(rig.out.use_position, fresh);
    EXPECT_EQ(rig.out.use_tension, fresh);
  }
  EXPECT_FALSE(rig.state.any_position || rig.state.any_tension || rig.state.loaded);
  EXPECT_EQ(rig.state.jumps + rig.state.spikes, 0);
}

// ---- pads -----------------------------------------------------------------------------------
struct Legs {
  SignalLimits limits = signal_limits(hal::CoordinateKind::kLever);
  PadInput input;
  PadState state;
  int ticks = 0;

  PadOutput step(double left, double right, double felt, LoadState load = LoadState::kLoaded) {
    const double noise = ++ticks % 2 == 0 ? 1e-6 : -1e-6;
    input.force = {left + noise, right - noise};
    input.fresh = {true, true};
    input.felt_force = felt;
    input.load_state = load;
    return check_pads(limits, input, state);
  }
};

// 3 N at the pad of 0.38 m and a twentieth of the load.
TEST(ExactDiagnosis, APadIsEmptyBelowAFixedPartAndATwentiethOfTheLoad) {
  for (const double felt : {40.0, 100.0}) {
    const double least = 3.0 * 0.38 + 0.05 * felt;
    Legs carried, empty;
    EXPECT_FALSE(carried.step(least + 0.01, 30.0, felt).one_leg) << felt;
    EXPECT_TRUE(empty.step(least - 0.01, 30.0, felt).one_leg) << felt;
    EXPECT_FALSE(empty.step(0.0, least - 0.01, felt).one_leg) << "nor is the other one full";
    EXPECT_TRUE(empty.step(0.0, least + 0.01, felt).one_leg);
  }
}

// Nine times 3 N at the pad.
TEST(ExactDiagnosis, ALoadOfLessThanTwentySevenNewtonsMayHangOnOneLeg) {
  const double least = 9.0 * 3.0 * 0.38;
  Legs light, heavy;
  EXPECT_FALSE(light.step(0.0, 10.0, least - 0.01).one_leg);
  EXPECT_TRUE(heavy.step(0.0, 10.0, least + 0.01).one_leg);
}

TEST(ExactDiagnosis, APadThatPushesMoreThanFiveNewtonsForTwentyTicksIsImplausible) {
  for (const double force : {-4.99, -5.01}) {
    Legs legs;
    int took = 0;
    for (int i = 1; i <= 50 && took == 0; ++i) {
      const FaultCode fault = legs.step(force * 0.38, 40.0, 60.0).cause.fault;
      if (fault == FaultCode::kLoadCellImplausible) took = i;
    }
    EXPECT_EQ(took, force < -5.0 ? 20 : 0);
  }
}

// ---- limits twice ---------------------------------------------------------------------------
TEST(ExactDiagnosis, AFlipInBothCopiesIsFoundAtEveryHundredAndTwentyEighthLook) {
  double limit = 600.0;
  LimitsCopy<double> copy;
  copy.take(limit);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(copy.agrees(limit));
  reinterpret_cast<unsigned char*>(&limit)[7] ^= 1;
  reinterpret_cast<unsigned char*>(&copy)[7] ^= 1;  // its words come first
  for (int look = 6; look <= 3 * 128; ++look) {
    EXPECT_EQ(copy.agrees(limit), look % 128 != 0) << look;
  }
}

}  // namespace
}  // namespace medius::diagnosis
