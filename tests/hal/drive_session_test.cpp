// What a drive session puts on the line, exchange by exchange.
#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "hal/modbus/device_session.hpp"
#include "tests/hal/rtu_fault_server.hpp"

namespace medius::hal::modbus {
namespace {

constexpr std::uint16_t kControlword = 0x6400, kUnset = 0xAAAA;

BusPlan plan_of(const std::string& machine) {
  BusOptions options;
  options.use = PlanUse::kCheck;
  options.simulated = options.needs_panel = true;
  options.axis_names = {"cable"};
  options.axis_coordinates = {CoordinateKind::kCable};
  auto plan =
      load_bus_plan(std::string(MEDIUS_SOURCE_DIR) + "/hal/machines/" + machine + ".toml", options);
  if (!plan) throw std::runtime_error(plan.error().message);
  return std::move(*plan);
}

// The words of this drive are 10 ms apart, less than an exchange, and its controlword goes out in
// every fourth exchange only: a word that lasted its 10 ms would never be sent.
TEST(DriveSession, EveryWordOfAnEnableSequenceLastsUntilItsWindowHasItsTurn) {
  const BusPlan plan = plan_of("cable-station-nibble-packed-servo");
  const DevicePlan& drive = plan.links[0].devices[0];
  ASSERT_EQ(drive.descriptor.enable.kind, EnableKind::kWords);
  const std::vector<std::uint16_t>& words = drive.descriptor.enable.on;
  ASSERT_GE(words.size(), 3u);
  ASSERT_LT(drive.descriptor.enable.word_ms * drive.rate_hz, 1000) << "a word outlasts an exchange";
  RtuFaultServer server;
  Connection connection;
  ASSERT_EQ(connection.open_line({server.device(), 921600, 'N', 1, true}, 500), Outcome::kOk);
  DriveSession session(drive, true);
  server.set(drive.unit_id, kControlword, kUnset);
  LinkCounters counters;
  AxisInput input;
  RoundInput round;
  round.send = true;
  round.output.axis[0].request = DriveRequest::kEnable;
  std::vector<std::uint16_t> seen;
  for (int exchange = 0; exchange < 40; ++exchange) {
    ExchangeStats stats{counters};
    ++round.sequence;
    // Whatever the server's registers say of the drive's state: nothing here is a fault.
    static_cast<void>(session.exchange(connection, round, input, stats));
    const std::uint16_t word = server.get(drive.unit_id, kControlword);
    if (word != kUnset && (seen.empty() || seen.back() != word)) seen.push_back(word);
  }
  EXPECT_EQ(counters.timeouts, 0u);
  EXPECT_EQ(seen, std::vector<std::uint16_t>(words.begin(), words.end()));
}

}  // namespace
}  // namespace medius::hal::modbus
