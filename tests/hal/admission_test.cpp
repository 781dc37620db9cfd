// What a drive must prove at connect, and what it costs when it cannot.
#include <gtest/gtest.h>

#include "tests/hal/bus_loop.hpp"
#include "tests/hal/fault_server.hpp"

namespace medius::hal::modbus {
namespace {

using testing::Test;

// CONFIG registers.
constexpr int kMapVersion = 0, kRatedLow = 2, kCoordinate = 3, kForceLimit = 4, kSpeedLimit = 5,
              kWatchdog = 6;

class Admission : public Test {
 protected:
  FaultServer server;

  LinkStatus settle() {
    BusLoop loop(server.address(), false);
    loop.output.axis[0].force_limit = 600.0;
    loop.run_until([&] { return loop.fresh() || loop.link().state == LinkState::kRefused; },
                   kTwoSecondsOfTicks);
    loop.run(150);  // the limits in force have been read
    input = loop.input;
    return loop.link();
  }

  MachineInput input;
};

TEST_F(Admission, ADriveThatKeepsWhatItIsToldIsAdmittedWithoutAWord) {
  const LinkStatus link = settle();
  EXPECT_EQ(link.state, LinkState::kUp) << link.message;
  EXPECT_TRUE(link.warnings.empty());
  EXPECT_NEAR(input.axis[0].drive.force_limit, 600.0, 0.5);
  EXPECT_DOUBLE_EQ(input.axis[0].drive.speed_limit, 1.5);
}

struct Refusal {
  int index;
  std::uint16_t value;
  const char* says;
  const char* name;
};

class Refused : public Admission, public testing::WithParamInterface<Refusal> {};

TEST_P(Refused, IsNotFreshAndTheReasonNamesValueAndNextStep) {
  server.set_config(GetParam().index, GetParam().value);
  const LinkStatus link = settle();
  EXPECT_EQ(link.state, LinkState::kRefused);
  EXPECT_NE(link.message.find(GetParam().says), std::string::npos) << link.message;
  EXPECT_FALSE(input.axis[0].drive.freshness.valid);
}

INSTANTIATE_TEST_SUITE_P(
    Config, Refused,
    testing::Values(Refusal{kMapVersion, 9, "register map version is 9", "MapVersion"},
                    Refusal{kCoordinate, 1, "coordinate kind 1", "Coordinate"},
                    Refusal{kRatedLow, 0, "the machine file says 341.0", "RatedForce"},
                    Refusal{kForceLimit, 3000, "where 600.0 was asked for", "TorqueLimit"}),
    [](const auto& each) { return each.param.name; });

TEST_F(Admission, WithoutASpeedLimitTheForceLimitIsReducedAndSaid) {
  server.set_config(kSpeedLimit, 0);
  const LinkStatus link = settle();
  EXPECT_EQ(link.state, LinkState::kUp);
  ASSERT_EQ(link.warnings.size(), 1u);
  EXPECT_NE(link.warnings[0].find("no speed limit of its own; its force limit is reduced to 200 N"),
            std::string::npos)
      << link.warnings[0];
  EXPECT_LE(input.axis[0].drive.force_limit, 200.5);
  EXPECT_LE(server.last_write()[4], 587);  // 200 N of 341 N
}

TEST_F(Admission, ASpeedLimitThatStaysHigherThanAskedIsNone) {
  server.set_config(kSpeedLimit, 4000);
  const LinkStatus link = settle();
  ASSERT_EQ(link.warnings.size(), 1u);
  EXPECT_LE(server.last_write()[4], 587);
}

TEST_F(Admission, ASlowWatchdogReducesTheForceLimit) {
  server.set_config(kWatchdog, 150);
  const LinkStatus link = settle();
  ASSERT_EQ(link.warnings.size(), 1u);
  EXPECT_NE(link.warnings[0].find("150 ms"), std::string::npos) << link.warnings[0];
  EXPECT_LE(server.last_write()[4], 587);
}

TEST_F(Admission, WithoutAWatchdogOnlyTheSafetyRelaySavesIt) {
  server.set_config(kWatchdog, 0);
  const LinkStatus link = settle();
  EXPECT_EQ(link.state, LinkState::kUp);
  ASSERT_EQ(link.warnings.size(), 1u);
  EXPECT_NE(link.warnings[0].find("the safe-state relay stands in"), std::string::npos);
}

TEST_F(Admission, ADriveWithoutAWatchdogIsRefusedWhereNoRelayStandsIn) {
  server.set_config(kWatchdog, 0);
  const std::string file = testing::TempDir() + "medius-no-relay.toml";
  std::FILE* out = std::fopen(file.c_str(), "w");
  ASSERT_NE(out, nullptr);
  std::fprintf(
      out,
      "[[link]]\nname = \"machine\"\ntransport = \"tcp\"\nhost = \"127.0.0.1\"\nport = %d\n"
      "[[device]]\nname = \"d\"\nlink = \"machine\"\ndescriptor = \"canonical-drive\"\n"
      "axis = \"cable\"\nrated_force_n = 341.0\nforce_limit_n = 600.0\n"
      "speed_limit_mps = 1.5\nwatchdog_ms = 50\n",
      server.port());
  std::fclose(out);
  BusOptions options = bus_options("", false);
  options.device_directory = std::string(MEDIUS_SOURCE_DIR) + "/hal/devices";
  auto bus = MachineBus::create(file, options);
  ASSERT_TRUE(bus) << bus.error().message;
  (*bus)->start();
  for (int i = 0; i < 200 && (*bus)->status()[0].state != LinkState::kRefused; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_NE((*bus)->status()[0].message.find("refused for force"), std::string::npos)
      << (*bus)->status()[0].message;
}

}  // namespace
}  // namespace medius::hal::modbus
