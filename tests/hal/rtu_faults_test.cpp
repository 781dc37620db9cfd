// What goes wrong on a serial line, where no reply says which request it answers; several units on
// one line; and a machine whose drive and load cell are reached that way.
#include <cerrno>
#include <fstream>
#include <functional>

#include <gtest/gtest.h>
#include <modbus/modbus.h>
#include <unistd.h>

#include "hal/modbus/connection.hpp"
#include "hal/modbus/machine_bus.hpp"
#include "tests/hal/bus_loop.hpp"
#include "tests/hal/rtu_fault_server.hpp"

namespace medius::hal::modbus {
namespace {

constexpr int kTimeoutMs = 50;
constexpr int kQuarantineUs = 150'000;  // beyond the fault server's 80 ms

SerialLine line_of(const RtuFaultServer& server, int baud = 115200) {
  return {server.device(), baud, 'N', 1, true};
}

// The request counter of a unit: an answer to this request is one more than the last.
Outcome count_of(Connection& connection, std::uint8_t unit, std::uint16_t& count) {
  return connection.read(unit, RtuFaultServer::kCounter, {&count, 1});
}

TEST(LibmodbusHazard, OnALineWithoutAPauseEveryReplyAfterALateOneIsOneCycleOld) {
  RtuFaultServer server;
  modbus_t* raw = modbus_new_rtu(server.device().c_str(), 115200, 'N', 8, 1);
  modbus_set_error_recovery(raw, MODBUS_ERROR_RECOVERY_NONE);
  modbus_set_response_timeout(raw, 0, kTimeoutMs * 1000);
  modbus_set_byte_timeout(raw, 0, 0);
  modbus_set_slave(raw, 1);
  ASSERT_EQ(modbus_connect(raw), 0);
  server.inject(LineFault::kLate);
  std::uint16_t count = 0;
  EXPECT_EQ(modbus_read_registers(raw, RtuFaultServer::kCounter, 1, &count), -1);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(modbus_read_registers(raw, RtuFaultServer::kCounter, 1, &count), 1)
        << modbus_strerror(errno);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the true answer has come
    EXPECT_EQ(count + 1, server.get(1, RtuFaultServer::kCounter))
        << "libmodbus tells late replies apart: the pause may be unnecessary";
  }
  modbus_close(raw);
  modbus_free(raw);
}

TEST(LibmodbusHazard, ItSilentlyTakesAnotherBaudRate) {
  RtuFaultServer server;
  modbus_t* raw = modbus_new_rtu(server.device().c_str(), 250000, 'N', 8, 1);
  EXPECT_EQ(modbus_connect(raw), 0) << "it refuses now: the check may be unnecessary";
  modbus_close(raw);
  modbus_free(raw);
}

TEST(Line, ABaudRateThatIsNotSetIsRefused) {
  RtuFaultServer server;
  for (const int baud : {250000, 625000, 750000, 2000000}) {
    Connection connection;
    EXPECT_EQ(connection.open_line(line_of(server, baud), kTimeoutMs), Outcome::kClosed) << baud;
    EXPECT_STREQ(connection.error(), "the line does not run at the baud rate asked for");
    EXPECT_FALSE(connection.is_open());
  }
}

TEST(Line, EveryRateThatAMachineFileMayNameIsReallySet) {
  RtuFaultServer server;
  for (const int baud : kSureBauds) {
    Connection connection;
    EXPECT_EQ(connection.open_line(line_of(server, baud), kTimeoutMs), Outcome::kOk)
        << baud << ": " << connection.error();
  }
}

struct LineCase {
  LineFault fault;
  Outcome outcome;
  const char* name;
};
class LineFaults : public testing::TestWithParam<LineCase> {};

TEST_P(LineFaults, AreReportedAndNoLaterAnswerIsStale) {
  RtuFaultServer server;
  Connection connection;
  ASSERT_EQ(connection.open_line(line_of(server), kTimeoutMs), Outcome::kOk) << connection.error();
  connection.set_pauses({300, kQuarantineUs});
  std::uint16_t count = 0;
  ASSERT_EQ(count_of(connection, 1, count), Outcome::kOk) << connection.error();
  server.inject(GetParam().fault);
  EXPECT_EQ(count_of(connection, 1, count), GetParam().outcome) << connection.error();
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(count_of(connection, 1, count), Outcome::kOk) << connection.error();
    EXPECT_EQ(count, server.get(1, RtuFaultServer::kCounter)) << "a late reply passed for fresh";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Rtu, LineFaults,
    testing::Values(LineCase{LineFault::kLate, Outcome::kTimeout, "Late"},
                    LineCase{LineFault::kSilent, Outcome::kTimeout, "Silent"},
                    LineCase{LineFault::kBadCrc, Outcome::kProtocol, "BadCrc"},
                    LineCase{LineFault::kTruncated, Outcome::kTimeout, "Truncated"},
                    LineCase{LineFault::kTrickled, Outcome::kTimeout, "Trickled"},
                    LineCase{LineFault::kException, Outcome::kException, "Exception"}),
    [](const auto& each) { return each.param.name; });

TEST(Line, AnAnswerOfAnotherUnitIsNotTaken) {
  RtuFaultServer server;
  Connection connection;
  ASSERT_EQ(connection.open_line(line_of(server), kTimeoutMs), Outcome::kOk);
  connection.set_pauses({300, kQuarantineUs});
  std::uint16_t count = 0;
  server.inject(LineFault::kWrongUnit);
  EXPECT_NE(count_of(connection, 1, count), Outcome::kOk);
  EXPECT_EQ(count_of(connection, 1, count), Outcome::kOk) << connection.error();
}

TEST(Line, SeveralUnitsAreToldApart) {
  RtuFaultServer server;
  Connection connection;
  ASSERT_EQ(connection.open_line(line_of(server), kTimeoutMs), Outcome::kOk);
  for (std::uint8_t unit = 1; unit < 5; ++unit) {
    ASSERT_EQ(connection.write_one(unit, 7, static_cast<std::uint16_t>(100 * unit)), Outcome::kOk);
  }
  for (std::uint8_t unit = 1; unit < 5; ++unit) {
    std::uint16_t value = 0;
    ASSERT_EQ(connection.read(unit, 7, {&value, 1}), Outcome::kOk);
    EXPECT_EQ(value, 100 * unit);
  }
}

// A machine on one line: a Kinco drive (low word first, FC 3 and 6 only, scattered registers) as
// unit 1 and a Laumas amplifier as unit 2. Ten times faster than such a drive: a pty has no bits to
// wait for.
class SerialMachine : public testing::Test {
 protected:
  RtuFaultServer server;
  std::unique_ptr<MachineBus> bus;
  Tick now;
  MachineInput input;
  MachineOutput output;

  void SetUp() override {
    server.set(1, 0x3200, 0x0250);  // switch on disabled
    server.set(1, 0x3700, 0x8000);  // half a revolution, low word first
    server.set(2, 6, 0);
    server.set(2, 7, 0xFFFF);  // -500 divisions, high word first
    server.set(2, 8, 0xFE0C);
    start(R"(
descriptor = "laumas-tlb"
unit_id = 2
force_per_count_n = 0.1
)");
  }

  void start(const std::string& cell) {
    const std::string file = testing::TempDir() + "medius-serial-" + std::to_string(::getpid()) +
                             ::testing::UnitTest::GetInstance()->current_test_info()->name() +
                             ".toml";
    std::ofstream(file) << R"(
[[link]]
name = "line"
transport = "rtu"
device = "/dev/null"
baud = 921600
parity = "none"
gap = "short"
[[device]]
name = "drive"
link = "line"
descriptor = "kinco-fd"
axis = "cable"
rate_hz = 70
rated_force_n = 341.0
force_limit_n = 200.0
speed_limit_mps = 1.5
watchdog_ms = 40
travel_per_rev_m = 0.044
[[device]]
name = "cell"
link = "line"
axis = "cable"
rate_hz = 70
)" << cell << R"(
[[link]]
name = "panel"
transport = "tcp"
host = "127.0.0.1"
port = 1
[[device]]
name = "panel"
link = "panel"
descriptor = "canonical-panel"
)";
    BusOptions options = bus_options("", false);
    options.link_overrides = {"line=" + server.device()};
    options.device_directory = std::string(MEDIUS_SOURCE_DIR) + "/hal/devices";
    auto created = MachineBus::create(file, options);
    ASSERT_TRUE(created) << created.error().message;
    bus = std::move(*created);
    bus->start();
  }

  void tick() {
    if (now.nominal_ns == 0) now.nominal_ns = monotonic_ns();
    now.nominal_ns += kTickPeriodNs;
    const std::int64_t late_ns = monotonic_ns() - now.nominal_ns;
    if (late_ns > kTickPeriodNs) now.nominal_ns += late_ns / kTickPeriodNs * kTickPeriodNs;
    sleep_until_ns(now.nominal_ns);
    output.tick = ++now.index;
    bus->image().read(now, input);
    bus->image().write(now, output);
  }
  bool run_until(const std::function<bool()>& condition, int ticks) {
    for (int i = 0; i < ticks && !condition(); ++i) tick();
    return condition();
  }
  [[nodiscard]] bool valid() const {
    return input.axis[0].drive.freshness.valid && input.axis[0].load_cell.freshness.valid;
  }
};

TEST_F(SerialMachine, GivesPositionAndForceInSiAndTakesTorque) {
  ASSERT_TRUE(run_until([&] { return valid(); }, 4000)) << bus->status()[0].message;
  EXPECT_NEAR(input.axis[0].drive.position, 0.022, 1e-6);
  EXPECT_NEAR(input.axis[0].load_cell.force, -50.0, 1e-9);
  EXPECT_EQ(input.axis[0].drive.state, DriveState::kSwitchOnDisabled);
  EXPECT_EQ(server.get(1, 0x3500), 4) << "torque mode is set at connect";
  server.set(1, 0x3200, 0x0237);  // operation enabled
  output.axis[0].request = DriveRequest::kEnable;
  output.axis[0].force = 17.05;
  EXPECT_TRUE(run_until([&] { return server.get(1, 0x3C00) == 0xFFFB; }, 4000))
      << "-5 % of rated: an inward pull turns a motor that pays out forwards backwards; "
      << server.get(1, 0x3C00);
}

TEST_F(SerialMachine, ACellThatRepeatsItsSampleGrowsOldAndTheLinkStaysUp) {
  bus.reset();
  server.set(5, 0x0011, 12'345);  // its sample count, in 0x13, stands still
  start("descriptor = \"canonical-load-cell\"\n");
  ASSERT_TRUE(run_until([&] { return valid(); }, 4000)) << bus->status()[0].message;
  EXPECT_NEAR(input.axis[0].load_cell.force, 12.345, 1e-9);
  const Freshness cell = input.axis[0].load_cell.freshness;
  const std::uint32_t drive = input.axis[0].drive.freshness.sequence;
  ASSERT_TRUE(run_until([&] { return input.axis[0].drive.freshness.sequence > drive + 20; }, 4000));
  EXPECT_EQ(input.axis[0].load_cell.freshness.stamp_ns, cell.stamp_ns);
  EXPECT_EQ(input.axis[0].load_cell.freshness.sequence, cell.sequence);
  EXPECT_EQ(bus->status()[0].counters.connects, 1u) << bus->status()[0].message;
  server.set(5, 0x0013, 1);
  EXPECT_TRUE(run_until(
      [&] { return input.axis[0].load_cell.freshness.sequence == cell.sequence + 1; }, 4000));
}

TEST_F(SerialMachine, ALineErrorCostsSamplesButNotTheLink) {
  ASSERT_TRUE(run_until([&] { return valid(); }, 4000)) << bus->status()[0].message;
  const std::uint64_t connects = bus->status()[0].counters.connects;
  const std::uint64_t rounds = bus->status()[0].counters.rounds;
  server.inject(LineFault::kBadCrc, 2);
  ASSERT_TRUE(run_until([&] { return bus->status()[0].counters.protocol_errors >= 2; }, 4000));
  EXPECT_TRUE(run_until([&] { return bus->status()[0].counters.rounds > rounds + 5; }, 4000));
  EXPECT_EQ(bus->status()[0].counters.connects, connects);
}

TEST_F(SerialMachine, AUnitThatFallsSilentTakesTheLinkDownAndSaysSo) {
  ASSERT_TRUE(run_until([&] { return valid(); }, 4000)) << bus->status()[0].message;
  server.mute(2);
  ASSERT_TRUE(run_until([&] { return !valid(); }, 4000));
  EXPECT_GT(bus->status()[0].counters.timeouts, 0u);
}

TEST_F(SerialMachine, ARegisterThatDoesNotKeepWhatIsWrittenAtConnectRefusesTheDevice) {
  server.set(1, 0x3500, 1);
  server.freeze(1, 0x3500);
  server.mute(2);
  ASSERT_TRUE(run_until([&] { return bus->status()[0].state == LinkState::kRefused; }, 8000));
  EXPECT_NE(bus->status()[0].message.find("'mode' (address 13568) is 1 after 4 was written"),
            std::string::npos)
      << bus->status()[0].message;
}

}  // namespace
}  // namespace medius::hal::modbus
