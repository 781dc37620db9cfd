// Lockstep: a tick of the loop, a bus round and a tick of the plant are one and the same; and the
// loop goes on by the clock when the machine is gone.
#include <atomic>
#include <memory>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "sim/station/station_server.hpp"
#include "tests/hal/bus_loop.hpp"

namespace medius::hal::modbus {
namespace {

// A simulated station in a thread of its own, as medius-sim runs it.
class ThreadedStation {
 public:
  explicit ThreadedStation(std::uint16_t wanted = 0, const sim::SimulatedStationConfig& config = {},
                           sim::Pace pace = sim::Pace::kBus) {
    station_ = std::make_unique<sim::SimulatedStation>(config);
    sim::ServerOptions options;
    options.port = wanted;
    options.pace = pace;
    options.rated_force_n = config.drive.rated_force_n;
    server_ = std::make_unique<sim::StationServer>(io_, *station_, options,
                                                   [this](const sim::TickTruth& tick) {
                                                     ticks = ticks + 1;
                                                     if (tick.controlled) last_seq = tick.cmd_seq;
                                                   });
    port = server_->port();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~ThreadedStation() {
    io_.stop();
    thread_.join();
  }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port); }

  std::atomic<std::uint64_t> ticks{0};
  std::atomic<std::uint16_t> last_seq{0};
  std::uint16_t port = 0;

 private:
  boost::asio::io_context io_{1};
  std::unique_ptr<sim::SimulatedStation> station_;
  std::unique_ptr<sim::StationServer> server_;
  std::thread thread_;
};

TEST(Lockstep, ATickOfTheLoopIsATickOfThePlant) {
  ThreadedStation station;
  BusLoop loop(station.address(), true);
  ASSERT_TRUE(loop.run_until([&] { return loop.fresh(); }, kTwoSecondsOfTicks))
      << loop.link().message;
  loop.run(50);
  const std::uint64_t plant = station.ticks;
  const std::uint64_t index = loop.now.index;
  loop.run(500);
  EXPECT_EQ(loop.now.index - index, 500u);
  EXPECT_EQ(station.ticks - plant, 500u);
}

TEST(Lockstep, TheSampleOfATickIsAsOldAsTheTick) {
  ThreadedStation station;
  BusLoop loop(station.address(), true);
  ASSERT_TRUE(loop.run_until([&] { return loop.fresh(); }, kTwoSecondsOfTicks));
  for (int i = 0; i < 200; ++i) {
    loop.tick();
    ASSERT_EQ(age_ns(loop.now, loop.input.axis[0].drive.freshness), 0);
    ASSERT_LE(age_ns(loop.now, loop.input.panel.freshness), 3 * kTickPeriodNs);
    ASSERT_EQ(loop.now.missed, 0u);
    // The command of a tick acts during the tick that follows.
    ASSERT_EQ(station.last_seq, static_cast<std::uint16_t>(loop.now.index - 1));
  }
}

TEST(Lockstep, LinkedArmsBringTheCellsOfBothPadsAndTheirSum) {
  sim::SimulatedStationConfig config;
  sim::make_seated_linked(config);
  ThreadedStation station(0, config);
  BusOptions options = bus_options(station.address(), true);
  options.axis_names = {"arms"};
  options.axis_coordinates = {CoordinateKind::kLever};
  options.axis_linked_arms = {true};
  BusLoop loop(std::string(MEDIUS_SOURCE_DIR) + "/hal/machines/seated-linked-sim.toml", options);
  ASSERT_TRUE(loop.run_until([&] { return loop.input.axis[0].load_cell.freshness.valid; },
                             kTwoSecondsOfTicks))
      << loop.link().message;
  double left = 0.0, right = 0.0, apart = 0.0;
  constexpr int kTicks = 300;
  for (int i = 0; i < kTicks; ++i) {
    loop.tick();
    const AxisInput& axis = loop.input.axis[0];
    ASSERT_EQ(age_ns(loop.now, axis.pad[0].freshness), 0);
    ASSERT_EQ(age_ns(loop.now, axis.pad[1].freshness), 0);
    ASSERT_EQ(age_ns(loop.now, axis.load_cell.freshness), 0);
    ASSERT_EQ(axis.load_cell.force, axis.pad[0].force + axis.pad[1].force);
    ASSERT_FALSE(axis.load_cell.saturated);
    left += axis.pad[0].force / kTicks;
    right += axis.pad[1].force / kTicks;
    if (axis.pad[0].force != axis.pad[1].force) apart += 1.0 / kTicks;
  }
  // Nobody pushes yet: the offset of each cell, 0.19 Nm, under noise of its own.
  EXPECT_NEAR(left, 0.19, 0.05);
  EXPECT_NEAR(right, 0.19, 0.05);
  EXPECT_GT(apart, 0.9);
}

TEST(WallPace, TheLoopNeverSeesOnePadOfLinkedArmsWithoutTheOther) {
  sim::SimulatedStationConfig config;
  sim::make_seated_linked(config);
  ThreadedStation station(0, config, sim::Pace::kWall);
  BusOptions options = bus_options(station.address(), false);
  options.axis_names = {"arms"};
  options.axis_coordinates = {CoordinateKind::kLever};
  options.axis_linked_arms = {true};
  BusLoop loop(std::string(MEDIUS_SOURCE_DIR) + "/hal/machines/seated-linked-sim.toml", options);
  const AxisInput& axis = loop.input.axis[0];
  // Looked at all the time, not only where the loop and the bus meet, while the loop goes on giving
  // orders. One that repeats its sample may stay behind, but none may come after.
  constexpr int kSamples = 300;
  std::uint32_t left = 0, right = 0;
  int samples = 0, alone = 0;
  while (samples < kSamples) {
    if (!axis.load_cell.freshness.valid) {  // also when a host that stalls has cost the link
      ASSERT_TRUE(
          loop.run_until([&] { return axis.load_cell.freshness.valid; }, kTwoSecondsOfTicks))
          << loop.link().message;
      left = axis.pad[0].freshness.sequence;
      right = axis.pad[1].freshness.sequence;
    }
    if (monotonic_ns() > loop.now.nominal_ns + kTickPeriodNs) loop.tick();
    loop.bus->image().read(loop.now, loop.input);
    const bool left_new = axis.pad[0].freshness.sequence != left;
    left = axis.pad[0].freshness.sequence;
    if (axis.pad[1].freshness.sequence == right) continue;
    right = axis.pad[1].freshness.sequence;
    ++samples;
    if (!left_new) ++alone;
    ASSERT_EQ(axis.load_cell.force, axis.pad[0].force + axis.pad[1].force);
  }
  // A simulator that stalls between two requests may leave one behind now and then.
  EXPECT_LT(alone, kSamples / 20);
}

TEST(Lockstep, AMachineThatAnswersAtOnceDoesNotMakeTheLoopRace) {
  LockstepGate gate;
  gate.set_link_up(true);
  std::thread at_once([&] {
    std::int64_t nominal_ns = 0;
    while (!gate.closed()) {
      if (gate.await_request(50'000'000, nominal_ns)) gate.complete();
    }
  });
  LockstepTickSource source(gate);
  const std::int64_t began_ns = monotonic_ns();
  constexpr int kTicks = 2000;
  Tick tick;
  for (int i = 0; i < kTicks; ++i) EXPECT_TRUE(source.wait_next(tick));
  const std::int64_t took_ns = monotonic_ns() - began_ns;
  gate.close();
  at_once.join();
  // Jitter of up to a tick's time ahead is no reason to wait.
  EXPECT_GE(took_ns, (kTicks - 1) * kTickPeriodNs / kMostTimesLife - kTickPeriodNs);
}

TEST(Lockstep, ALoopThatStallsAgesNothing) {
  ThreadedStation station;
  BusLoop loop(station.address(), true);
  ASSERT_TRUE(loop.run_until([&] { return loop.fresh(); }, kTwoSecondsOfTicks));
  loop.run(10);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // four times the drive's watchdog
  loop.tick();
  EXPECT_EQ(age_ns(loop.now, loop.input.axis[0].drive.freshness), 0);
  EXPECT_FALSE(loop.input.axis[0].drive.watchdog_tripped);
  EXPECT_EQ(loop.link().counters.connects, 1u);
}

TEST(Lockstep, AControllerThatStaysAwayLosesTheDrive) {
  ThreadedStation station;
  BusLoop loop(station.address(), true);
  loop.output.axis[0].request = DriveRequest::kEnable;
  loop.output.axis[0].force_limit = 600.0;
  loop.output.axis[0].speed_limit = 1.5;
  loop.output.hold_relay = true;
  ASSERT_TRUE(loop.run_until(
      [&] { return loop.input.axis[0].drive.state == DriveState::kOperationEnabled; },
      kTwoSecondsOfTicks));
  // Half a second of silence, then real time goes on until watchdog and relay have acted.
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));
  loop.run(10);
  EXPECT_NE(loop.input.axis[0].drive.state, DriveState::kOperationEnabled);
  EXPECT_TRUE(loop.input.axis[0].drive.watchdog_tripped);
}

TEST(Lockstep, WithoutAMachineTheLoopTicksByTheClockAndSaysWhy) {
  std::string nowhere;
  {
    ThreadedStation station;
    nowhere = station.address();
  }
  BusLoop loop(nowhere, true);
  const std::int64_t started_ns = monotonic_ns();
  loop.run(100);
  EXPECT_GE(monotonic_ns() - started_ns, 99 * kTickPeriodNs) << "ticks back to back";
  EXPECT_FALSE(loop.input.axis[0].drive.freshness.valid);
  EXPECT_NE(loop.link().message.find("no connection: Connection refused"), std::string::npos)
      << loop.link().message;
}

TEST(Lockstep, AMachineThatDiesAndComesBackIsFreshWithinTwoSecondsOfTicks) {
  auto station = std::make_unique<ThreadedStation>();
  const std::uint16_t port = station->port;
  BusLoop loop(station->address(), true);
  ASSERT_TRUE(loop.run_until([&] { return loop.fresh(); }, kTwoSecondsOfTicks));
  const std::uint64_t before = loop.now.index;
  station.reset();
  ASSERT_TRUE(loop.run_until([&] { return !loop.input.axis[0].drive.freshness.valid; },
                             kTwoSecondsOfTicks));
  loop.run(700);
  EXPECT_GE(loop.now.index, before + 700);
  station = std::make_unique<ThreadedStation>(port);
  ASSERT_TRUE(loop.run_until([&] { return loop.fresh(); }, kTwoSecondsOfTicks))
      << loop.link().message;
  loop.run(20);
  const std::uint64_t plant = station->ticks;
  loop.run(100);
  EXPECT_EQ(station->ticks - plant, 100u) << "back in lockstep";
}

TEST(Lockstep, StoppingEndsTheTickSource) {
  ThreadedStation station;
  BusLoop loop(station.address(), true);
  ASSERT_TRUE(loop.run_until([&] { return loop.fresh(); }, kTwoSecondsOfTicks));
  loop.bus->stop_lockstep_source();
  Tick tick;
  EXPECT_FALSE(loop.bus->lockstep_source()->wait_next(tick));
}

TEST(Lockstep, ASecondControllerIsTurnedAway) {
  ThreadedStation station;
  BusLoop first(station.address(), true);
  ASSERT_TRUE(first.run_until([&] { return first.fresh(); }, kTwoSecondsOfTicks));
  std::atomic<bool> stop{false};
  std::thread keeps_going([&] {
    while (!stop) first.tick();
  });
  BusLoop second(station.address(), true);
  for (int i = 0; i < 300; ++i) {
    second.tick();
    ASSERT_FALSE(second.input.axis[0].drive.freshness.valid);
  }
  stop = true;
  keeps_going.join();
  EXPECT_NE(second.link().message.find("no other controller"), std::string::npos)
      << second.link().message;
  EXPECT_TRUE(first.fresh());
}

}  // namespace
}  // namespace medius::hal::modbus
