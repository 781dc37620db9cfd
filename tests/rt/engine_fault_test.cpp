// What goes wrong around the loop, and what the person feels of it.
#include <algorithm>
#include <limits>
#include <ostream>

#include <gtest/gtest.h>

#include "controller/base/random.hpp"
#include "tests/rt/fake_machine.hpp"

namespace medius::rt {
namespace {

using safety::FaultCode;
using safety::LoadState;
using safety::Reaction;
using test::Bench;
using test::fake_config;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

void expect_sane_output(const Bench& bench, const char* when) {
  for (int i = 0; i < bench.machine.axes; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const hal::AxisOutput& output = bench.machine.last.axis[at];
    const safety::AxisBounds bounds = safety::machine_bounds(bench.status.axis[at].coordinate);
    ASSERT_TRUE(is_finite(output.force)) << when;
    ASSERT_LE(output.force, bounds.force_max) << when;
    ASSERT_GE(output.force, -bounds.brake_force_max) << when;
    ASSERT_TRUE(is_finite(output.force_limit) && is_finite(output.speed_limit)) << when;
    const AxisStatus& axis = bench.status.axis[at];
    ASSERT_TRUE(is_finite(axis.position + axis.position_absolute + axis.velocity +
                          axis.force_measured + axis.force_target + axis.force_output +
                          axis.drive_force_readback + axis.load_applied))
        << when;
    const SampleRecord& sample = bench.last_sample[at];
    ASSERT_TRUE(is_finite(sample.position + sample.velocity + sample.force_measured +
                          sample.force_wish + sample.force_target + sample.force_output +
                          sample.base_load + sample.disturbance))
        << when;
  }
}

struct BadWish {
  const char* name;
  double wish;
  bool ok;
  FaultCode fault;
};
void PrintTo(const BadWish& bad, std::ostream* out) {
  *out << bad.name;
}
class BadProfile : public testing::TestWithParam<BadWish> {};

TEST_P(BadProfile, CostsTheSetAndNeverThePerson) {
  const BadWish& bad = GetParam();
  Bench bench(fake_config(2));
  bench.load(60.0);
  bench.events.clear();
  bench.profile[1].wish = [&](const medius_step_in_t&) { return bad.wish; };
  bench.profile[1].ok = bad.ok;
  const double before = bench.status.axis[1].force_target;
  bench.tick();
  EXPECT_LE(bench.status.axis[1].force_target, before) << "rejected in the same tick";
  EXPECT_GE(bench.status.axis[1].force_target, before - 4.0) << "and not dropped";
  EXPECT_TRUE(bench.status.axis[1].profile_latched_off);
  EXPECT_EQ(bench.status.fault, bad.fault);
  EXPECT_EQ(bench.status.axis[0].load_state, LoadState::kUnloading) << "all axes unload";
  const std::uint64_t calls = bench.profile[1].calls;
  for (int i = 0; i < 500; ++i) {
    bench.tick();
    expect_sane_output(bench, bad.name);
  }
  EXPECT_LE(bench.machine.plant[0].tension, 30.0);
  EXPECT_LE(bench.machine.plant[1].tension, 30.0);
  EXPECT_EQ(bench.profile[1].calls, calls) << "latched off";
  EXPECT_GT(bench.profile[0].calls, calls) << "the other one goes on";
  ASSERT_EQ(bench.count(EventKind::kFault), 1);
  EXPECT_EQ(bench.find(EventKind::kFault)->fault, bad.fault);
}
INSTANTIATE_TEST_SUITE_P(
    Engine, BadProfile,
    testing::Values(BadWish{"error", 60.0, false, FaultCode::kPluginError},
                    BadWish{"nan", kNan, true, FaultCode::kPluginNotFinite},
                    BadWish{"infinity", kInfinity, true, FaultCode::kPluginNotFinite},
                    BadWish{"negative", -50.0, true, FaultCode::kPluginOutOfRange},
                    BadWish{"huge", 1e9, true, FaultCode::kPluginOutOfRange},
                    BadWish{"one newton too much", 602.0, true, FaultCode::kPluginOutOfRange}),
    [](const auto& name) {
      std::string text = name.param.name;
      std::replace(text.begin(), text.end(), ' ', '_');
      return text;
    });

TEST(Engine, AWishAboveTheUsersLimitIsClippedAndNoFault) {
  Bench bench;
  bench.load(60.0);
  bench.profile[0].wish = [](const medius_step_in_t&) { return 500.0; };
  for (int i = 0; i < 1000; ++i) {
    bench.tick();
    ASSERT_LE(bench.status.axis[0].force_target, 200.0);
  }
  EXPECT_EQ(bench.status.fault, FaultCode::kNone);
}

TEST(Engine, ALatchedOffProfileStaysOffUntilTheSetEnds) {
  Bench bench;
  bench.load(60.0);
  bench.profile[0].ok = false;
  bench.run(600);
  bench.profile[0].ok = true;
  bench.machine.state.panel.reset_pressed = true;
  bench.run(5);
  bench.machine.state.panel.reset_pressed = false;
  EXPECT_EQ(bench.status.reaction, Reaction::kNone);
  bench.send(CommandKind::kEngage);
  bench.run(2);
  const Event* refused = bench.find(EventKind::kCommandRefused, bench.last_id);
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->fault, FaultCode::kPluginError);
  bench.send(CommandKind::kEndSet);
  bench.send(CommandKind::kStartSet, 60.0, 0.0, 0, &bench.profile[0]);
  bench.send(CommandKind::kEngage);
  bench.run(1500);
  EXPECT_NEAR(bench.status.axis[0].force_target, 60.0, 0.1);
}

struct Field {
  const char* name;
  double& (*of)(hal::MachineInput&);
};
const Field kFields[] = {
    {"position", [](hal::MachineInput& in) -> double& { return in.axis[0].drive.position; }},
    {"velocity", [](hal::MachineInput& in) -> double& { return in.axis[0].drive.velocity; }},
    {"drive force", [](hal::MachineInput& in) -> double& { return in.axis[0].drive.force; }},
    {"load cell", [](hal::MachineInput& in) -> double& { return in.axis[0].load_cell.force; }},
    {"force limit", [](hal::MachineInput& in) -> double& { return in.axis[0].drive.force_limit; }},
    {"speed limit", [](hal::MachineInput& in) -> double& { return in.axis[0].drive.speed_limit; }},
    {"temperature",
     [](hal::MachineInput& in) -> double& { return in.axis[0].drive.temperature_c; }},
    {"bus voltage",
     [](hal::MachineInput& in) -> double& { return in.axis[0].drive.bus_voltage_v; }},
};

TEST(Engine, NoInputThatIsNotANumberReachesAnOutput) {
  for (const Field& field : kFields) {
    for (const double bad : {kNan, kInfinity, -kInfinity, 1e300}) {
      for (const bool loaded : {false, true}) {
        Bench bench;
        if (loaded) bench.load(60.0);
        bench.machine.tamper = [&](hal::MachineInput& input) { field.of(input) = bad; };
        for (int i = 0; i < 200; ++i) {
          bench.tick();
          expect_sane_output(bench, field.name);
        }
        bench.machine.tamper = nullptr;
        for (int i = 0; i < 200; ++i) {
          bench.tick();
          expect_sane_output(bench, field.name);
        }
      }
    }
  }
}

TEST(Engine, ALoadCellThatIsNotANumberUnloadsTheMachine) {
  Bench bench;
  bench.load(60.0);
  bench.machine.tamper = [](hal::MachineInput& input) { input.axis[0].load_cell.force = kNan; };
  bench.run(60);
  EXPECT_EQ(bench.status.fault, FaultCode::kNotFinite);
  EXPECT_EQ(bench.word(), 0.0);
}

// Any bits at all in any number of the input, at any time, with any commands.
TEST(Engine, RandomBitsInTheInputNeverReachAnOutput) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    Bench bench(
        fake_config(2, seed % 2 ? hal::CoordinateKind::kCable : hal::CoordinateKind::kLever));
    bench.load(20.0);
    bench.machine.tamper = [&](hal::MachineInput& input) {
      if (!random.chance(0.2)) return;
      input.axis[random.below(2)].drive.position = std::bit_cast<double>(random.next());
      input.axis[random.below(2)].load_cell.force = std::bit_cast<double>(random.next());
      input.axis[random.below(2)].drive.force = std::bit_cast<double>(random.next());
      input.axis[random.below(2)].drive.freshness.stamp_ns =
          static_cast<std::int64_t>(random.next() >> 1);
    };
    for (int i = 0; i < 300; ++i) {
      bench.send(static_cast<CommandKind>(random.below(14)), std::bit_cast<double>(random.next()),
                 std::bit_cast<double>(random.next()), static_cast<std::uint8_t>(random.below(3)));
      bench.tick();
      expect_sane_output(bench, "random bits");
    }
  }
}

TEST(Engine, AFaultOnOneAxisUnloadsAllInTheSameTick) {
  Bench bench(fake_config(2));
  bench.load(60.0);
  bench.machine.tamper = [](hal::MachineInput& input) { input.axis[1].load_cell.saturated = true; };
  bench.tick();
  EXPECT_EQ(bench.status.reaction, Reaction::kFastUnload);
  EXPECT_EQ(bench.status.axis[0].load_state, LoadState::kUnloading);
  EXPECT_LT(bench.status.axis[0].force_target, 45.0) << "20 N/ms";
  bench.run(50);
  EXPECT_EQ(bench.word(0), 0.0);
  EXPECT_EQ(bench.word(1), 0.0);
  EXPECT_EQ(bench.status.axis[0].load_state, LoadState::kOff);
}

TEST(Engine, ALeverAxisWorksInItsOwnUnits) {
  EngineConfig config = fake_config(2, hal::CoordinateKind::kLever);
  for (AxisConfig& axis : config.axis) {
    axis.control.reflected_mass = 2.6;
    axis.control.observer_limit = 10.0;
  }
  Bench bench(config);
  for (test::FakePlant& plant : bench.machine.plant) plant.coulomb = 2.0;
  bench.take_up(5.0);
  for (std::uint8_t axis = 0; axis < 2; ++axis) {
    bench.send(CommandKind::kStartSet, 30.0, 0.0, axis, &bench.profile[axis]);
    bench.send(CommandKind::kEngage, 0.0, 0.0, axis);
  }
  bench.run(1500);
  EXPECT_EQ(bench.status.axis[1].coordinate, hal::CoordinateKind::kLever);
  EXPECT_NEAR(bench.machine.plant[0].tension, 30.0, 1.0);
  EXPECT_NEAR(bench.machine.plant[1].tension, 30.0, 1.0);
  EXPECT_NE(bench.status.axis[0].set_serial, bench.status.axis[1].set_serial);
}

TEST(Engine, OldDataFreezesIncreasesAndThenUnloads) {
  Bench bench;
  bench.load(60.0);
  bench.machine.frozen = true;
  bench.run(10);
  EXPECT_EQ(bench.status.reaction, Reaction::kNone);
  EXPECT_TRUE(bench.status.link_fresh);
  bench.run(2);
  EXPECT_EQ(bench.status.reaction, Reaction::kFreezeIncreases);
  EXPECT_FALSE(bench.status.link_fresh);
  EXPECT_GT(bench.word(), 40.0) << "held";
  bench.run(10);
  EXPECT_EQ(bench.status.reaction, Reaction::kFastUnload);
  EXPECT_EQ(bench.status.fault, FaultCode::kDataStale);
  bench.run(50);
  EXPECT_EQ(bench.word(), 0.0);
  bench.machine.frozen = false;
  bench.run(1000);
  EXPECT_EQ(bench.word(), 0.0) << "force returns only after a local reset";
  EXPECT_TRUE(bench.status.link_fresh);
}

TEST(Engine, OneMissedPeriodIsHeldAndManyUnload) {
  Bench bench;
  bench.load(60.0);
  const double before = bench.word();
  bench.source.disturb(300'000, 1);
  bench.tick();
  EXPECT_EQ(bench.status.reaction, Reaction::kNone);
  EXPECT_NEAR(bench.word(), before, 2.0);
  EXPECT_EQ(bench.status.missed_total, 1u);
  EXPECT_EQ(bench.last_sample[0].missed, 1u);
  EXPECT_EQ(bench.last_sample[0].late_ns, 300'000);
  bench.run(10);
  bench.source.disturb(0, 2);
  bench.tick();
  EXPECT_EQ(bench.status.reaction, Reaction::kFreezeIncreases);
  bench.run(10);
  EXPECT_EQ(bench.status.reaction, Reaction::kNone);
  bench.source.disturb(0, 7);
  bench.tick();
  EXPECT_EQ(bench.status.reaction, Reaction::kFastUnload);
  EXPECT_EQ(bench.status.fault, FaultCode::kTicksMissed);
}

TEST(Engine, TheEmergencyStopTakesTheTorqueAndTheRelayInOneTick) {
  Bench bench;
  bench.load(60.0);
  bench.machine.state.safety.estop_released = false;
  bench.tick();
  EXPECT_EQ(bench.word(), 0.0);
  EXPECT_FALSE(bench.machine.last.hold_relay);
  EXPECT_EQ(bench.status.fault, FaultCode::kEstop);
  bench.machine.state.safety.estop_released = true;
  bench.run(500);
  EXPECT_EQ(bench.word(), 0.0);
  EXPECT_FALSE(bench.machine.last.hold_relay) << "latched";
}

TEST(Engine, AReleasedHandleIsReeledInSlowlyAndPausesTheSet) {
  for (const double load : {30.0, 80.0, 200.0}) {
    Bench bench;
    bench.machine.plant[0].coulomb = 5.0;
    bench.load(load);
    bench.move(0.3, 1.5);
    bench.run(300);
    bench.machine.plant[0].held = false;
    const double from = bench.machine.plant[0].position;
    double fastest = 0.0, travel_50ms = 0.0, late_fastest = 0.0;
    for (int i = 1; i <= 400; ++i) {
      bench.tick();
      const double speed = -bench.machine.plant[0].velocity;
      fastest = std::max(fastest, speed);
      if (i == 50) travel_50ms = from - bench.machine.plant[0].position;
      if (i > 100) late_fastest = std::max(late_fastest, speed);
    }
    // To 200 N; 0.3 m/s from 100 ms on.
    EXPECT_LE(fastest, 1.2) << load;
    EXPECT_LE(travel_50ms, 0.030) << load;
    EXPECT_LE(late_fastest, 0.3) << load;
    // A light load may have been slackened by a hand that comes back: it has three seconds.
    EXPECT_EQ(bench.status.fault == FaultCode::kNone, load < 75.0) << load;
    if (load < 75.0) bench.run(2800);
    EXPECT_EQ(bench.status.fault, FaultCode::kHandleReleased) << load;
    EXPECT_NE(bench.status.axis[0].load_state, LoadState::kLoaded) << load;
  }
}

TEST(Engine, AStopPressedWhileTheHandleIsLooseStaysLatched) {
  Bench bench;
  bench.load(80.0);
  bench.move(0.3, 1.5);
  bench.machine.plant[0].held = false;
  bench.run(100);
  ASSERT_EQ(bench.status.fault, FaultCode::kHandleReleased);
  bench.machine.state.panel.stop_pressed = true;
  bench.run(5);
  bench.machine.state.panel.stop_pressed = false;
  bench.run(100);
  EXPECT_EQ(bench.status.fault, FaultCode::kPanelStop);
  // The hand comes to where the handle is: nobody grips at 4 m/s.
  bench.machine.hand_position[0] = bench.machine.plant[0].position;
  bench.machine.plant[0].held = true;
  bench.run(1000);
  EXPECT_EQ(bench.status.fault, FaultCode::kPanelStop);
  EXPECT_EQ(bench.status.reaction, Reaction::kSoftUnload);
}

TEST(Engine, ALoadCellThatReadsNothingUnloadsAndDoesNotPullHarder) {
  Bench bench;
  bench.load(80.0);
  bench.machine.tamper = [](hal::MachineInput& input) { input.axis[0].load_cell.force = 0.0; };
  double highest = 0.0;
  int ticks = 0;
  while (bench.status.fault == FaultCode::kNone && ticks < 500) {
    bench.tick();
    ++ticks;
    highest = std::max(highest, bench.machine.plant[0].tension);
  }
  EXPECT_LE(ticks, 60) << "taken for a released handle or for implausible";
  bench.run(500);
  EXPECT_LE(highest, 80.0 * 1.4 + 20.0) << "the kernel's bound of the correction";
  EXPECT_LE(bench.machine.plant[0].tension, 30.0);
}

TEST(Engine, ALoadCellFarFromTheDriveIsImplausible) {
  Bench bench;
  bench.load(80.0);
  // Shows twice the tension: force control halves the pull until supervision sees the difference.
  bench.machine.tamper = [](hal::MachineInput& input) { input.axis[0].load_cell.force += 120.0; };
  bench.run(100);
  EXPECT_EQ(bench.status.fault, FaultCode::kForceImplausible);
}

TEST(Engine, AnExplosiveConcentricIsNoFault) {
  for (const double load : {30.0, 80.0, 150.0}) {
    Bench bench;
    bench.load(load);
    for (int i = 0; i < 3; ++i) {
      bench.move(0.45, 0.5);
      bench.move(0.0, 1.1);  // the return stays below the speed governor
    }
    EXPECT_EQ(bench.status.fault, FaultCode::kNone) << load;
    EXPECT_EQ(bench.status.axis[0].load_state, LoadState::kLoaded) << load;
  }
}

TEST(Engine, ADriveFaultIsAcknowledgedOnlyAfterTheLocalReset) {
  Bench bench;
  bench.load(60.0);
  bench.machine.state.axis[0].drive.state = hal::DriveState::kFault;
  bench.run(100);
  EXPECT_EQ(bench.status.fault, FaultCode::kDriveFault);
  EXPECT_EQ(bench.machine.last.axis[0].request, hal::DriveRequest::kDisable);
  bench.machine.state.panel.reset_pressed = true;
  bench.run(5);
  bench.machine.state.panel.reset_pressed = false;
  EXPECT_EQ(bench.status.reaction, Reaction::kNone);
  bench.send(CommandKind::kEnable);
  bench.run(1);
  EXPECT_EQ(bench.machine.last.axis[0].request, hal::DriveRequest::kResetFault);
  bench.run(5);
  EXPECT_EQ(bench.machine.last.axis[0].request, hal::DriveRequest::kEnable);
  EXPECT_EQ(bench.status.axis[0].drive_state, hal::DriveState::kOperationEnabled);
}

TEST(Engine, AnOscillationFallsBackToC0AndSaysSo) {
  Bench bench;
  bench.load(60.0);
  bench.machine.tamper = [&, i = 0](hal::MachineInput& input) mutable {
    input.axis[0].load_cell.force += 12.0 * det::sin(2.0 * det::kPi * 15.0 * 1e-3 * i++);
  };
  bench.run(400);
  EXPECT_NE(bench.status.axis[0].limits & kLimitOscillation, 0u);
  EXPECT_EQ(bench.status.fault, FaultCode::kNone) << "a limit, not a fault";
}

}  // namespace
}  // namespace medius::rt
