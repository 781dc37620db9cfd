// What goes wrong on a wire, and that neither a wrong sample nor a dead link comes
// of it.
#include <cerrno>
#include <cmath>

#include <gtest/gtest.h>
#include <modbus/modbus.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>

#include "hal/modbus/connection.hpp"
#include "tests/hal/bus_loop.hpp"
#include "tests/hal/fault_server.hpp"

namespace medius::hal::modbus {
namespace {

constexpr int kTimeoutMs = 40;

struct RoundWords {
  std::array<std::uint16_t, 11> out{};
  std::array<std::uint16_t, 16> in{};
};

Outcome drive_round(Connection& connection, std::uint16_t sequence, RoundWords& words) {
  words.out[0] = sequence;
  return connection.write_and_read(1, 0, words.out, 0x100, words.in);
}

TEST(LibmodbusHazard, WithoutAFlushALateReplyPoisonsEveryLaterRequest) {
  FaultServer server;
  modbus_t* raw = modbus_new_tcp("127.0.0.1", server.port());
  modbus_set_error_recovery(raw, MODBUS_ERROR_RECOVERY_NONE);
  modbus_set_response_timeout(raw, 0, kTimeoutMs * 1000);
  modbus_set_byte_timeout(raw, 0, 0);
  modbus_set_slave(raw, 1);
  ASSERT_EQ(modbus_connect(raw), 0);
  RoundWords words;
  server.inject(ReplyFault::kLate);
  EXPECT_EQ(
      modbus_write_and_read_registers(raw, 0, 8, words.out.data(), 0x100, 16, words.in.data()), -1);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(
        modbus_write_and_read_registers(raw, 0, 8, words.out.data(), 0x100, 16, words.in.data()),
        -1);
    EXPECT_EQ(errno, EMBBADDATA);
  }
  modbus_close(raw);
  modbus_free(raw);
}

TEST(LibmodbusHazard, ItAcceptsAnotherUnitsReply) {
  FaultServer server;
  Connection connection;
  ASSERT_EQ(connection.open("127.0.0.1", server.port(), kTimeoutMs), Outcome::kOk);
  server.inject(ReplyFault::kWrongUnit);
  RoundWords words;
  EXPECT_EQ(drive_round(connection, 7, words), Outcome::kOk);
}

struct FaultCase {
  ReplyFault fault;
  Outcome outcome;
  const char* name;
};

class ConnectionFault : public testing::TestWithParam<FaultCase> {};

TEST_P(ConnectionFault, IsReportedAsWhatItIsAndBounded) {
  FaultServer server;
  Connection connection;
  ASSERT_EQ(connection.open("127.0.0.1", server.port(), kTimeoutMs), Outcome::kOk);
  RoundWords words;
  ASSERT_EQ(drive_round(connection, 1, words), Outcome::kOk);
  server.inject(GetParam().fault);
  EXPECT_EQ(drive_round(connection, 2, words), GetParam().outcome) << connection.error();
}

INSTANTIATE_TEST_SUITE_P(
    Wire, ConnectionFault,
    testing::Values(FaultCase{ReplyFault::kLate, Outcome::kTimeout, "Late"},
                    FaultCase{ReplyFault::kSilent, Outcome::kTimeout, "Silent"},
                    FaultCase{ReplyFault::kTruncated, Outcome::kTimeout, "Truncated"},
                    FaultCase{ReplyFault::kTrickled, Outcome::kTimeout, "Trickled"},
                    FaultCase{ReplyFault::kWrongTransaction, Outcome::kProtocol,
                              "WrongTransaction"},
                    FaultCase{ReplyFault::kException, Outcome::kException, "Exception"},
                    FaultCase{ReplyFault::kClosed, Outcome::kClosed, "Closed"}),
    [](const auto& each) { return each.param.name; });

TEST(Connection, JunkBehindAReplyIsFlushedBeforeTheNextRequest) {
  FaultServer server;
  Connection connection;
  ASSERT_EQ(connection.open("127.0.0.1", server.port(), kTimeoutMs), Outcome::kOk);
  server.inject(ReplyFault::kJunk);
  RoundWords words;
  static_cast<void>(drive_round(connection, 1, words));
  for (std::uint16_t sequence = 2; sequence < 6; ++sequence) {
    ASSERT_EQ(drive_round(connection, sequence, words), Outcome::kOk) << connection.error();
    EXPECT_EQ(words.in[0], sequence);
  }
  EXPECT_EQ(connection.flushed_bytes(), 4u);
}

// libmodbus 3.1.6 aborts the whole process for a descriptor beyond FD_SETSIZE.
TEST(Connection, WithoutASmallDescriptorItRefusesInsteadOfAborting) {
  FaultServer server;
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit raised{FD_SETSIZE + 64, limit.rlim_max};
  if (limit.rlim_max < raised.rlim_cur || ::setrlimit(RLIMIT_NOFILE, &raised) != 0) {
    GTEST_SKIP() << "the limit of open files cannot be raised to " << raised.rlim_cur;
  }
  std::vector<int> taken;
  for (int fd = ::dup(0); fd >= 0 && fd < FD_SETSIZE; fd = ::dup(0)) taken.push_back(fd);
  Connection connection;
  EXPECT_EQ(connection.open("127.0.0.1", server.port(), kTimeoutMs), Outcome::kClosed);
  EXPECT_STREQ(connection.error(), "no descriptor below FD_SETSIZE is free");
  for (const int fd : taken) ::close(fd);
  EXPECT_EQ(connection.open("127.0.0.1", server.port(), kTimeoutMs), Outcome::kOk);
  connection.close();
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

TEST(Connection, ARefusedConnectionSaysWhy) {
  FaultServer server;
  const int port = server.port();
  server.stop();
  Connection connection;
  EXPECT_EQ(connection.open("127.0.0.1", port, kTimeoutMs), Outcome::kClosed);
  EXPECT_STREQ(connection.error(), "Connection refused");
  EXPECT_FALSE(connection.is_open());
}

// The image against each fault: the link comes back, and no sample is ever anything but the answer
// to the request it was made for.
class ImageFault : public testing::TestWithParam<FaultCase> {
 protected:
  FaultServer server;
  BusLoop loop{server.address(), false};

  void SetUp() override {
    ASSERT_TRUE(loop.run_until([&] { return loop.fresh(); }, kTwoSecondsOfTicks))
        << loop.link().message;
    loop.each_tick = [&] { check_sample(); };
  }

  void check_sample() {
    const DriveInput& drive = loop.input.axis[0].drive;
    if (!drive.freshness.valid || drive.freshness.sequence == last_sample_) return;
    last_sample_ = drive.freshness.sequence;
    const auto sequence = static_cast<std::uint16_t>(std::lround(drive.position * 1e3));
    // A read before the first command on this connection echoes the number of the admission, half
    // the numbers away.
    if (sequence >= 0x8000) return;
    // cmd_seq is the low word of the tick that the output came from: never one that is yet to come,
    // and never older than the sample before.
    const auto behind = static_cast<std::uint16_t>(loop.now.index - sequence);
    EXPECT_LT(behind, 1000u);
    EXPECT_LE(behind, static_cast<std::uint16_t>(loop.now.index - last_sequence_));
    last_sequence_ = sequence;
  }

 private:
  std::uint32_t last_sample_ = 0;
  std::uint16_t last_sequence_ = 0;
};

TEST_P(ImageFault, LeavesTheLinkFreshAndNoSampleWrong) {
  const std::uint64_t rounds = loop.link().counters.rounds;
  server.inject(GetParam().fault, 3);
  loop.run(300);
  ASSERT_TRUE(
      loop.run_until([&] { return loop.fresh() && loop.link().counters.rounds > rounds + 100; },
                     kTwoSecondsOfTicks))
      << loop.link().message;
}

INSTANTIATE_TEST_SUITE_P(
    Wire, ImageFault,
    testing::Values(FaultCase{ReplyFault::kNone, Outcome::kOk, "None"},
                    FaultCase{ReplyFault::kLate, Outcome::kOk, "Late"},
                    FaultCase{ReplyFault::kWrongUnit, Outcome::kOk, "WrongUnit"},
                    FaultCase{ReplyFault::kJunk, Outcome::kOk, "Junk"},
                    FaultCase{ReplyFault::kTruncated, Outcome::kOk, "Truncated"},
                    FaultCase{ReplyFault::kTrickled, Outcome::kOk, "Trickled"},
                    FaultCase{ReplyFault::kException, Outcome::kOk, "Exception"},
                    FaultCase{ReplyFault::kClosed, Outcome::kOk, "Closed"},
                    FaultCase{ReplyFault::kSilent, Outcome::kOk, "Silent"},
                    FaultCase{ReplyFault::kOldEcho, Outcome::kOk, "OldEcho"},
                    FaultCase{ReplyFault::kWrongTransaction, Outcome::kOk, "WrongTransaction"}),
    [](const auto& each) { return each.param.name; });

TEST(ImageCounters, EachFaultIsCountedUnderItsName) {
  FaultServer server;
  BusLoop loop(server.address(), false);
  ASSERT_TRUE(loop.run_until([&] { return loop.fresh(); }, kTwoSecondsOfTicks));
  const auto after = [&](ReplyFault fault, auto counter) {
    const std::uint64_t before = counter(loop.link().counters);
    server.inject(fault, 1);
    return loop.run_until([&] { return counter(loop.link().counters) > before && loop.fresh(); },
                          kTwoSecondsOfTicks);
  };
  EXPECT_TRUE(after(ReplyFault::kSilent, [](const LinkCounters& c) { return c.timeouts; }));
  EXPECT_TRUE(after(ReplyFault::kException, [](const LinkCounters& c) { return c.exceptions; }));
  EXPECT_TRUE(
      after(ReplyFault::kClosed, [](const LinkCounters& c) { return c.connection_errors; }));
  EXPECT_TRUE(after(ReplyFault::kOldEcho, [](const LinkCounters& c) { return c.echo_mismatches; }));
  EXPECT_TRUE(after(ReplyFault::kJunk, [](const LinkCounters& c) { return c.flushed_bytes; }));
  EXPECT_TRUE(after(ReplyFault::kWrongTransaction,
                    [](const LinkCounters& c) { return c.protocol_errors; }));
}

TEST(ImageFrozen, ADeviceThatRepeatsItselfGoesStaleAndIsLetGo) {
  FaultServer server;
  BusLoop loop(server.address(), false);
  ASSERT_TRUE(loop.run_until([&] { return loop.fresh(); }, kTwoSecondsOfTicks));
  server.inject(ReplyFault::kFrozen, 1'000'000);
  ASSERT_TRUE(
      loop.run_until([&] { return !loop.fresh() && loop.link().counters.frozen_samples > 0; },
                     kTwoSecondsOfTicks));
  server.inject(ReplyFault::kNone, 0);
  EXPECT_TRUE(loop.run_until([&] { return loop.fresh(); }, kTwoSecondsOfTicks))
      << loop.link().message;
}

TEST(ImageReconnect, TheLinkIsFreshAgainWithinTwoSecondsOfARestart) {
  FaultServer server;
  BusLoop loop(server.address(), false);
  ASSERT_TRUE(loop.run_until([&] { return loop.fresh(); }, kTwoSecondsOfTicks));
  const std::uint32_t epoch = loop.input.axis[0].drive.freshness.epoch;
  server.stop();
  ASSERT_TRUE(loop.run_until([&] { return !loop.input.axis[0].drive.freshness.valid; },
                             kTwoSecondsOfTicks));
  loop.run(1500);  // long enough for the back-off to have grown
  EXPECT_EQ(loop.link().state, LinkState::kDown);
  EXPECT_NE(loop.link().message.find("Connection refused"), std::string::npos)
      << loop.link().message;
  server.restart();
  // The panel follows the drive: it is believed once it has echoed a count.
  ASSERT_TRUE(loop.run_until([&] { return loop.fresh() && loop.input.panel.freshness.valid; },
                             kTwoSecondsOfTicks))
      << loop.link().message;
  EXPECT_GT(loop.input.axis[0].drive.freshness.epoch, epoch);
}

TEST(ImageStale, ALoopThatStopsRenewingItsOutputStopsFeedingTheDrive) {
  FaultServer server;
  BusLoop loop(server.address(), false);
  ASSERT_TRUE(loop.run_until([&] { return loop.fresh() && server.drive_writes() > 50; },
                             kTwoSecondsOfTicks));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const int writes = server.drive_writes();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(server.drive_writes(), writes);
  const std::uint64_t rounds = loop.link().counters.rounds;
  EXPECT_TRUE(
      loop.run_until([&] { return server.drive_writes() > writes + 10; }, kTwoSecondsOfTicks));
  EXPECT_GE(loop.link().counters.rounds, rounds);
}

TEST(ImageOutput, WhatIsNotANumberBecomesNoForceAndIsCounted) {
  FaultServer server;
  BusLoop loop(server.address(), false);
  loop.output.axis[0].force = std::numeric_limits<double>::quiet_NaN();
  loop.output.axis[0].force_limit = std::numeric_limits<double>::quiet_NaN();
  loop.output.axis[0].speed_limit = std::numeric_limits<double>::quiet_NaN();
  loop.output.axis[0].request = DriveRequest::kEnable;
  ASSERT_TRUE(loop.run_until([&] { return loop.fresh() && server.drive_writes() > 50; },
                             kTwoSecondsOfTicks));
  const auto words = server.last_write();
  EXPECT_EQ(words[3], 0);     // no torque
  EXPECT_EQ(words[4], 0);     // a limit that is no number is no force
  EXPECT_EQ(words[5], 1500);  // the machine file's speed limit: 0 would mean none
  EXPECT_EQ(words[7], 40);
}

}  // namespace
}  // namespace medius::hal::modbus
