// The load's life: power-up, pretension, set, load changes, unloading.
#include <algorithm>
#include <array>
#include <limits>

#include <gtest/gtest.h>

#include "tests/rt/fake_machine.hpp"

namespace medius::rt {
namespace {

using safety::FaultCode;
using safety::LoadState;
using safety::Reaction;
using test::Bench;
using test::fake_config;

TEST(Engine, AsksForNothingAtPowerUp) {
  Bench bench;
  bench.run(100);
  EXPECT_EQ(bench.machine.writes, 100u);
  EXPECT_EQ(bench.word(), 0.0);
  EXPECT_FALSE(bench.machine.last.hold_relay);
  EXPECT_EQ(bench.machine.last.axis[0].request, hal::DriveRequest::kDisable);
  EXPECT_EQ(bench.status.reaction, Reaction::kTorqueOff);
}

TEST(Engine, RefusesToEnableBeforeTheLocalReset) {
  Bench bench;
  bench.run(5);
  bench.send(CommandKind::kEnable);
  bench.run(2);
  ASSERT_NE(bench.find(EventKind::kCommandRefused, 1), nullptr);
  EXPECT_NE(bench.find(EventKind::kCommandRefused, 1)->fault, FaultCode::kNone);
}

TEST(Engine, AButtonHeldSincePowerUpIsNoReset) {
  Bench bench;
  bench.machine.state.panel.reset_pressed = true;
  bench.run(100);
  EXPECT_EQ(bench.status.reaction, Reaction::kTorqueOff);
  bench.machine.state.panel.reset_pressed = false;
  bench.run(10);
  bench.machine.state.panel.reset_pressed = true;
  bench.run(10);
  EXPECT_EQ(bench.status.reaction, Reaction::kNone);
  EXPECT_TRUE(bench.machine.last.hold_relay);
  EXPECT_NE(bench.find(EventKind::kFaultCleared), nullptr);
}

TEST(Engine, TakesUpATautCableToPretension) {
  Bench bench;
  bench.take_up(15.0);
  EXPECT_EQ(bench.status.axis[0].load_state, LoadState::kTakeUp);
  EXPECT_NEAR(bench.machine.plant[0].tension, 15.0, 1.5);
}

TEST(Engine, ReelsInSlackGentlyAndThenHoldsPretension) {
  for (const double pretension : {5.0, 15.0, 30.0}) {
    Bench bench;
    bench.machine.hand_position[0] = -0.2;  // 20 cm of slack
    bench.take_up(pretension);
    double fastest = 0.0;
    for (int i = 0; i < 4000; ++i) {
      bench.tick();
      fastest = std::max(fastest, -bench.machine.plant[0].velocity);
    }
    EXPECT_GT(fastest, 0.02) << "it does reel in";
    EXPECT_LE(fastest, 0.3) << "I4: without a load";
    EXPECT_NEAR(bench.machine.plant[0].tension, pretension, 2.0);
  }
}

TEST(Engine, RefusesToTakeUpWithoutAnEnabledDrive) {
  Bench bench;
  bench.power_up();
  bench.machine.tamper = [](hal::MachineInput& input) {
    input.axis[0].drive.state = hal::DriveState::kSwitchedOn;
  };
  bench.run(1);
  bench.send(CommandKind::kTakeUp, 10.0);
  bench.run(2);
  ASSERT_NE(bench.find(EventKind::kCommandRefused), nullptr);
  EXPECT_EQ(bench.find(EventKind::kCommandRefused)->fault, FaultCode::kDriveNotEnabled);
  EXPECT_EQ(bench.word(), 0.0);
}

TEST(Engine, RampsTheLoadInWithoutADip) {
  Bench bench;
  bench.take_up(15.0);
  bench.send(CommandKind::kStartSet, 60.0, 0.0, 0, &bench.profile[0]);
  bench.send(CommandKind::kEngage);
  double lowest = 1e9, before = bench.status.axis[0].force_target;
  for (int i = 0; i < 1000; ++i) {
    bench.tick();
    const double felt = bench.status.axis[0].force_target;
    lowest = std::min(lowest, felt);
    EXPECT_LE(felt - before, 60.0 * 1e-3 + 1e-9) << "the load ramp";
    before = felt;
  }
  EXPECT_GE(lowest, 14.9);
  EXPECT_NEAR(bench.machine.plant[0].tension, 60.0, 1.0);
  const std::uint64_t engage_id = bench.last_id;
  ASSERT_NE(bench.find(EventKind::kLoadApplied, engage_id), nullptr);
  EXPECT_EQ(bench.find(EventKind::kLoadApplied, engage_id)->value, 60.0);
}

TEST(Engine, AnIncreaseWaitsForTheBottomAndADecreaseDoesNot) {
  Bench bench;
  bench.load(60.0);
  bench.move(0.2, 1.0);
  bench.move(0.3, 0.5);
  bench.send(CommandKind::kSetLoad, 70.0);
  const std::uint64_t raise = bench.last_id;
  bench.run(500);
  EXPECT_EQ(bench.status.axis[0].load_applied, 60.0) << "at the top of the repetition";
  EXPECT_NE(bench.find(EventKind::kCommandTaken, raise), nullptr);
  EXPECT_EQ(bench.find(EventKind::kLoadApplied, raise), nullptr);
  bench.move(0.0, 1.5);
  bench.run(1000);
  ASSERT_NE(bench.find(EventKind::kLoadApplied, raise), nullptr);
  EXPECT_EQ(bench.find(EventKind::kLoadApplied, raise)->value, 70.0);
  EXPECT_EQ(bench.status.axis[0].load_command_id, raise);

  bench.move(0.3, 1.0);
  bench.run(200);
  bench.send(CommandKind::kSetLoad, 50.0);
  const std::uint64_t cut = bench.last_id;
  bench.run(600);
  ASSERT_NE(bench.find(EventKind::kLoadApplied, cut), nullptr) << "still at the top";
  EXPECT_EQ(bench.status.axis[0].load_applied, 50.0);
}

TEST(Engine, FrozenIncreasesAreRefusedAndDecreasesAreNot) {
  Bench bench;
  bench.load(60.0);
  bench.send(CommandKind::kFreezeIncreases, 1.0);
  bench.send(CommandKind::kSetLoad, 70.0);
  const std::uint64_t raise = bench.last_id;
  bench.send(CommandKind::kSetLoad, 50.0);
  bench.run(500);
  EXPECT_NE(bench.find(EventKind::kCommandRefused, raise), nullptr);
  EXPECT_EQ(bench.status.axis[0].load_applied, 50.0);
  bench.send(CommandKind::kFreezeIncreases, 0.0);
  bench.send(CommandKind::kSetLoad, 55.0);
  bench.run(500);
  EXPECT_EQ(bench.status.axis[0].load_applied, 55.0);
}

class BadLoad : public testing::TestWithParam<double> {};
TEST_P(BadLoad, IsRefusedAndChangesNothing) {
  Bench bench;
  bench.load(60.0);
  bench.send(CommandKind::kSetLoad, GetParam());
  bench.run(300);
  ASSERT_NE(bench.find(EventKind::kCommandRefused, bench.last_id), nullptr);
  EXPECT_EQ(bench.status.axis[0].load_requested, 60.0);
  EXPECT_EQ(bench.status.axis[0].load_applied, 60.0);
}
INSTANTIATE_TEST_SUITE_P(Engine, BadLoad,
                         testing::Values(-5.0, 201.0, 9000.0, 1e308,
                                         std::numeric_limits<double>::quiet_NaN(),
                                         std::numeric_limits<double>::infinity()));

TEST(Engine, UnloadsWithin500MillisecondsAndHoldsPretension) {
  for (const double load : {20.0, 60.0, 200.0}) {
    Bench bench;
    bench.load(load);
    ASSERT_NEAR(bench.machine.plant[0].tension, load, 2.0);
    bench.events.clear();
    bench.send(CommandKind::kUnload);
    int ticks = 0;
    while (bench.find(EventKind::kUnloaded) == nullptr && ticks < 2000) {
      bench.tick();
      ++ticks;
    }
    EXPECT_LE(ticks, 500);
    EXPECT_LE(bench.machine.plant[0].tension, 30.0);
    EXPECT_EQ(bench.status.axis[0].load_state, LoadState::kTakeUp);
    bench.run(500);
    EXPECT_NEAR(bench.machine.plant[0].tension, 10.0, 1.5);
  }
}

TEST(Engine, ResumesAPausedSetWithTheSameProfile) {
  Bench bench;
  bench.load(60.0);
  bench.send(CommandKind::kUnload);
  bench.run(600);
  EXPECT_EQ(bench.profile[0].resets, 1u);
  bench.send(CommandKind::kEngage);
  bench.run(1500);
  EXPECT_EQ(bench.status.axis[0].load_applied, 60.0);
  EXPECT_EQ(bench.profile[0].resets, 1u) << "a resumed set keeps its state";
}

TEST(Engine, DisablingUnderLoadUnloadsFirst) {
  Bench bench;
  bench.load(60.0);
  bench.send(CommandKind::kDisable);
  bench.run(2);
  EXPECT_GT(bench.word(), 40.0) << "no drop";
  bench.run(600);
  EXPECT_EQ(bench.status.axis[0].load_state, LoadState::kOff);
  EXPECT_EQ(bench.word(), 0.0);
  EXPECT_EQ(bench.machine.last.axis[0].request, hal::DriveRequest::kDisable);
}

TEST(Engine, HandsTheProfileBackWhenTheSetEnds) {
  Bench bench;
  bench.load(60.0);
  bench.send(CommandKind::kEndSet);
  bench.run(2);
  EXPECT_NE(bench.find(EventKind::kCommandRefused, bench.last_id), nullptr) << "under load";
  bench.send(CommandKind::kUnload);
  bench.send(CommandKind::kEndSet);
  bench.run(2);
  ASSERT_NE(bench.find(EventKind::kProfileRetired), nullptr);
  EXPECT_EQ(bench.find(EventKind::kProfileRetired)->profile, &bench.profile[0]);
  EXPECT_EQ(bench.find(EventKind::kProfileRetired)->fault, FaultCode::kNone);
  const std::uint64_t calls = bench.profile[0].calls;
  bench.run(10);
  EXPECT_EQ(bench.profile[0].calls, calls) << "a retired profile is not called";
  EXPECT_EQ(bench.status.axis[0].set_serial, 0);
}

TEST(Engine, ARefusedStartBringsItsProfileBack) {
  Bench bench;
  bench.run(5);
  bench.send(CommandKind::kStartSet, 60.0, 0.0, 0, &bench.profile[0]);
  bench.run(2);
  ASSERT_NE(bench.find(EventKind::kCommandRefused), nullptr);
  EXPECT_EQ(bench.find(EventKind::kCommandRefused)->profile, &bench.profile[0]);
  bench.events.clear();
  bench.send(CommandKind::kStartSet, 60.0, 0.0, 9, &bench.profile[0]);
  bench.run(2);
  ASSERT_NE(bench.find(EventKind::kCommandRefused), nullptr) << "no such axis";
  EXPECT_EQ(bench.find(EventKind::kCommandRefused)->profile, &bench.profile[0]);
}

TEST(Engine, ARetiredProfileWaitsForRoomInTheEventQueue) {
  Bench bench;
  bench.load(60.0);
  bench.send(CommandKind::kUnload);
  bench.run(600);
  while (bench.channels->events.push(Event{})) {
  }
  bench.send(CommandKind::kEndSet);
  Tick tick{bench.status.tick + 1, 0, 0, 0};
  tick.nominal_ns = static_cast<std::int64_t>(tick.index) * kTickPeriodNs;
  bench.engine.cycle(tick);
  bench.events.clear();
  bench.run(3);
  EXPECT_GT(bench.status.events_dropped, 0u) << "what does not fit is counted";
  ASSERT_NE(bench.find(EventKind::kProfileRetired), nullptr);
}

TEST(Engine, GivesTheProfileItsInput) {
  Bench bench;
  bench.load(60.0, 0.4);
  std::array<int, 8> phases{};
  bench.profile[0].wish = [&](const medius_step_in_t& in) {
    ++phases[in.phase];
    return in.base_force;
  };
  bench.move(0.35, 2.0);
  const medius_step_in_t& input = bench.profile[0].last;
  EXPECT_EQ(input.size, sizeof(medius_step_in_t));
  EXPECT_EQ(input.tick, bench.status.tick);
  EXPECT_EQ(input.dt_s, 1e-3);
  EXPECT_EQ(input.base_force, 60.0);
  EXPECT_EQ(input.range, 0.4);
  EXPECT_GT(phases[MEDIUS_PHASE_CONCENTRIC], 1500);
  EXPECT_EQ(phases[MEDIUS_PHASE_ECCENTRIC], 0);
  EXPECT_NEAR(input.position, 0.35, 0.003) << "from the bottom of the repetition";
  EXPECT_NEAR(input.force, bench.machine.plant[0].tension, 1.0);
  bench.send(CommandKind::kSetParameter, 1.4);
  bench.run(2);
  EXPECT_EQ(bench.profile[0].parameter, 1.4);
  bench.profile[0].accepts_parameters = false;
  bench.send(CommandKind::kSetParameter, 1.2);
  bench.run(2);
  EXPECT_NE(bench.find(EventKind::kCommandRefused, bench.last_id), nullptr) << "32 are waiting";
}

TEST(Engine, CountsRepetitionsAndTheirDirectionChanges) {
  Bench bench;
  bench.load(60.0);
  for (int i = 0; i < 3; ++i) {
    bench.move(0.4, 1.0);
    bench.run(300);
    bench.move(0.0, 1.5);
    bench.run(300);
  }
  bench.run(500);
  EXPECT_EQ(bench.count(EventKind::kRepClosed), 3);
  EXPECT_EQ(bench.status.axis[0].reps_counted, 3u);
  EXPECT_EQ(bench.count(EventKind::kDirectionChanged), 6);
  EXPECT_EQ(bench.profile[0].last.repetition, 3u);
}

TEST(Engine, TakesAtMost32CommandsATickAndInOrder) {
  Bench bench;
  bench.power_up();
  bench.events.clear();
  for (int i = 0; i < 100; ++i) bench.send(CommandKind::kSetUserLimits, i, 1.0);
  const std::uint64_t first = bench.last_id - 99;
  bench.run(1);
  EXPECT_EQ(bench.count(EventKind::kCommandTaken), 32);
  EXPECT_EQ(bench.status.last_command_id, first + 31);
  bench.run(3);
  std::uint64_t expected = first;
  for (const Event& event : bench.events) {
    if (event.kind != EventKind::kCommandTaken) continue;
    EXPECT_EQ(event.command_id, expected++);
  }
  EXPECT_EQ(expected, first + 100);
}

TEST(Engine, CountsEverySampleItCannotDeliver) {
  Bench bench;
  Tick tick;
  const std::uint64_t capacity = 32768;
  for (std::uint64_t i = 0; i < capacity + 10; ++i) {
    ASSERT_TRUE(bench.source.wait_next(tick));
    bench.engine.cycle(tick);
  }
  EXPECT_EQ(bench.channels->status.load().samples_dropped, 10u);
  SampleRecord sample;
  std::uint64_t next = 1;
  while (bench.channels->samples.pop(sample)) {
    EXPECT_EQ(sample.tick, next++) << "in order, without a gap";
  }
  EXPECT_EQ(next, capacity + 1);
}

// What force control is for: the friction of 8 N + 10 N s/m must not be felt.
struct Felt {
  double out = 0.0, in = 0.0;
};
Felt mean_tension(bool use_observer) {
  EngineConfig config = fake_config();
  config.axis[0].control.use_observer = use_observer;
  Bench bench(config);
  bench.load(80.0);
  Felt felt;
  int out = 0, in = 0;
  const auto collect = [&](double to, double& sum, int& n) {
    const double from = bench.machine.hand_position[0];
    for (int i = 1; i <= 2000; ++i) {
      bench.machine.hand_position[0] = from + (to - from) * i / 2000.0;
      bench.machine.hand_velocity[0] = (to - from) / 2.0;
      bench.tick();
      if (i > 600) {
        sum += bench.machine.plant[0].tension;
        ++n;
      }
    }
  };
  collect(0.4, felt.out, out);
  collect(0.0, felt.in, in);
  return {felt.out / out, felt.in / in};
}

TEST(Engine, TheFrictionOfTheDriveIsNotFelt) {
  const Felt felt = mean_tension(true);
  EXPECT_NEAR(felt.out, 80.0, 1.0);
  EXPECT_NEAR(felt.in, 80.0, 1.0);
}

TEST(Engine, MotorTorqueOnlyLetsTheFrictionBeFelt) {
  const Felt felt = mean_tension(false);
  EXPECT_GT(felt.out, 88.0);
  EXPECT_LT(felt.in, 72.0);
}

TEST(Engine, TheSpeedThatPhasesAreTimedByIsRightWhereFrictionTurns) {
  Bench bench;
  bench.load(80.0);
  double worst = 0.0;
  // As in move(), but with a look at every tick.
  for (const double to : {0.4, 0.0, 0.4}) {
    const double from = bench.machine.hand_position[0];
    for (int i = 1; i <= 2000; ++i) {
      const double t = i / 2000.0;
      bench.machine.hand_position[0] =
          from + (to - from) * t * t * t * (10.0 + t * (6.0 * t - 15.0));
      bench.machine.hand_velocity[0] = (to - from) * 15.0 * t * t * (1.0 - t) * (1.0 - t);
      const double truth = bench.machine.plant[0].velocity;  // what this tick's sample was taken of
      bench.tick();
      worst = std::max(worst, absolute(bench.status.axis[0].velocity - truth));
    }
  }
  // The handle passes 0.02 m/s with 0.37 m/s^2: an error of 0.006 m/s is 16 ms of a phase.
  EXPECT_LT(worst, 0.006);
}

std::uint64_t trace(double kp, double hand) {
  EngineConfig config = fake_config();
  config.axis[0].control.kp = kp;
  Bench bench(config);
  bench.load(60.0);
  bench.move(hand, 1.0);
  bench.move(0.0, 1.5);
  return bench.hash.value();
}

TEST(Engine, RepeatsBitForBitAndAChangedCoefficientOrMotionShows) {
  const std::uint64_t reference = trace(0.10, 0.3);
  EXPECT_EQ(trace(0.10, 0.3), reference);
  EXPECT_NE(trace(0.1000000001, 0.3), reference);
  EXPECT_NE(trace(0.10, 0.3000000001), reference);
}

}  // namespace
}  // namespace medius::rt
