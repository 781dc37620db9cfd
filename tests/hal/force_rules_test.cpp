// What a drive and its line cost: the bits on the wire, the age of a sample, and each refusal and
// reduction of force with its reason.
#include "hal/modbus/force_rules.hpp"

#include <gtest/gtest.h>

#include "hal/modbus/bus_timing.hpp"

namespace medius::hal::modbus {
namespace {

// A drive that may pull with all its force on a fast link.
DevicePlan good_drive(int write_words = 8, int read_words = 16) {
  DevicePlan device;
  device.name = "drive";
  DeviceDescriptor& d = device.descriptor;
  d.path = "x.toml";
  d.write.words = static_cast<std::uint16_t>(write_words);
  d.write.windows = {{FunctionCode::kReadWriteRegisters, 0, d.write.words, 0, 0, 1}};
  d.read.words = static_cast<std::uint16_t>(read_words);
  d.read.windows = {{FunctionCode::kReadWriteRegisters, 0x100, d.read.words, 0, 0, 1}};
  d.cyclic = {{0, 0, 1, 0}};
  d.watchdog = WatchdogCounts::kWriteTelegrams;
  d.watchdog_min_ms = 5;
  d.watchdog_max_ms = 1000;
  d.torque_limit = d.speed_limit = LimitHeld::kRegister;
  d.turnaround_us = 300;
  device.force_limit = 600.0;
  device.speed_limit = 1.5;
  device.watchdog_s = 0.04;
  device.rate_hz = 1000;
  return device;
}

LinkPlan tcp() {
  LinkPlan link;
  link.name = "link";
  return link;
}
LinkPlan rtu(int baud, bool short_gap) {
  LinkPlan link = tcp();
  link.transport = Transport::kRtu;
  link.line = {"/dev/ttyS0", baud, 'E', 1, short_gap};
  return link;
}

std::string refusal(const LinkPlan& link, DevicePlan device, bool relay = false) {
  try {
    apply_force_rules("m.toml: [[device]] 'drive'", link, device, 2.8, relay);
  } catch (const BusError& error) {
    return error.message;
  }
  return "";
}
DevicePlan ruled(const LinkPlan& link, DevicePlan device, bool relay = false) {
  apply_force_rules("m.toml: [[device]] 'drive'", link, device, 2.8, relay);
  return device;
}

// 11 bits a character: 66 bytes and two gaps of 3.5 characters at 115200 baud are 6.97 ms, with the
// standard's gaps 9.80 ms; published arithmetic of Modbus RTU.
TEST(WireTime, IsThatOfTheBitsOnTheLine) {
  DevicePlan device = good_drive();
  device.descriptor.turnaround_us = 0;
  const auto time = [&](const LinkPlan& link) {
    return transfer_time(link, device, device.descriptor.read, device.descriptor.cyclic[0]);
  };
  EXPECT_EQ(time(rtu(115200, true)).request_bytes, 29);
  EXPECT_EQ(time(rtu(115200, true)).reply_bytes, 37);
  EXPECT_NEAR(time(rtu(115200, true)).total_us(), 6970.0, 5.0);
  EXPECT_NEAR(time(rtu(115200, false)).total_us(), 9800.0, 5.0);
  EXPECT_NEAR(time(rtu(19200, false)).total_us(), 41800.0, 50.0);
  EXPECT_NEAR(time(rtu(921600, true)).total_us(), 870.0, 5.0);
  EXPECT_EQ(time(tcp()).request_bytes, 33);
  EXPECT_EQ(time(tcp()).reply_bytes, 41);
}

TEST(WireTime, OneRegisterAndItsEchoAreSixteenBytes) {
  DevicePlan device = good_drive();
  device.descriptor.write.windows[0].function = FunctionCode::kWriteRegister;
  device.descriptor.write.windows[0].words = 1;
  const TransferTime time =
      transfer_time(rtu(115200, true), device, device.descriptor.read, {0, -1, 1, 0});
  EXPECT_EQ(time.request_bytes + time.reply_bytes, 16);
}

// Measured with a device of 6 ms: p50 6.5 ms, p90 9.1 ms.
TEST(DataAge, IsHalfATransactionAndTheCycleThatFollows) {
  LinkPlan link = tcp();
  DevicePlan device = good_drive();
  device.descriptor.turnaround_us = 6300;
  link.round_us = 6370;
  link.devices = {device};
  const DataAge age = data_age(link, link.devices[0]);
  EXPECT_NEAR(age.p50_us, 6500.0, 300.0);
  EXPECT_NEAR(age.p99_us, 3150.0 + 0.99 * 6370.0, 1.0);
}

TEST(DataAge, AWindowThatIsRarelyDueIsSpreadOverTheExchanges) {
  DevicePlan device = good_drive();
  device.descriptor.read.windows.assign(5, {FunctionCode::kReadRegisters, 0, 1, 0, 0, 4});
  device.descriptor.cyclic.clear();
  for (int i = 0; i < 5; ++i) device.descriptor.cyclic.push_back({-1, i, i == 0 ? 1 : 4, i % 4});
  device.descriptor.cyclic[0].phase = 0;
  const double one = transfer_time(tcp(), device, device.descriptor.read, {-1, 0, 1, 0}).total_us();
  EXPECT_DOUBLE_EQ(exchange_us_max(tcp(), device), 2.0 * one);
  EXPECT_DOUBLE_EQ(exchange_us_mean(tcp(), device), 2.0 * one);
}

TEST(ForceRules, AGoodDriveOnAFastLinkIsNotReduced) {
  const DevicePlan device = ruled(tcp(), good_drive());
  EXPECT_EQ(device.force_cap, 600.0);
  EXPECT_TRUE(device.reductions.empty());
}

TEST(ForceRules, WithoutATorqueLimitThereIsNoForce) {
  DevicePlan device = good_drive();
  device.descriptor.torque_limit = LimitHeld::kNone;
  EXPECT_NE(refusal(tcp(), device).find("describes no torque limit"), std::string::npos);
  EXPECT_NE(refusal(tcp(), device, true), "") << "a relay does not stand in for a torque limit";
}

TEST(ForceRules, WithoutAWatchdogOnlyARelayHelps) {
  DevicePlan device = good_drive();
  device.descriptor.watchdog = WatchdogCounts::kNone;
  EXPECT_NE(refusal(tcp(), device).find("no communication watchdog within 200 ms"),
            std::string::npos);
  EXPECT_EQ(refusal(tcp(), device, true), "");
  device = good_drive();
  device.descriptor.watchdog_min_ms = 500;
  EXPECT_NE(refusal(tcp(), device).find("[watchdog] min_ms = 500"), std::string::npos);
  EXPECT_EQ(refusal(tcp(), device, true), "");
}

TEST(ForceRules, AddressesThatNobodyKnowsAreNotUsed) {
  DevicePlan device = good_drive();
  device.descriptor.not_established = {"target_torque"};
  EXPECT_NE(refusal(tcp(), device).find("has no address for target_torque"), std::string::npos);
}

TEST(ForceRules, SilenceThatTheDeviceDemandsMakesItTooSlow) {
  DevicePlan device = good_drive();
  device.descriptor.silence_us = 10'000;
  EXPECT_NE(refusal(rtu(115200, true), device).find("20.0 ms of it silence"), std::string::npos);
  device.descriptor.silence_us = 0;
  EXPECT_EQ(refusal(rtu(115200, true), device), "");
}

TEST(ForceRules, ACycleOfMoreThanFifteenMillisecondsIsRefused) {
  LinkPlan link = tcp();
  link.round_us = 16'000;
  EXPECT_NE(refusal(link, good_drive()).find("a cycle of 16.0 ms; 15 ms is the most"),
            std::string::npos);
}

struct Reduction {
  void (*change)(DevicePlan&);
  const char* says;
};
class ForceReductions : public testing::TestWithParam<Reduction> {};

TEST_P(ForceReductions, LeaveTwoHundredNewton) {
  DevicePlan device = good_drive();
  GetParam().change(device);
  const DevicePlan reduced = ruled(tcp(), device);
  EXPECT_EQ(reduced.force_cap, 200.0);
  ASSERT_EQ(reduced.reductions.size(), 1u);
  EXPECT_NE(reduced.reductions[0].why.find(GetParam().says), std::string::npos)
      << reduced.reductions[0].why;
  device.force_limit = 150.0;
  EXPECT_TRUE(ruled(tcp(), device).reductions.empty()) << "nothing is taken from 150 N";
  device.force_limit = 600.0;
  device.coordinate = CoordinateKind::kLever;
  EXPECT_EQ(ruled(tcp(), device).force_cap, 83.0);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, ForceReductions,
    testing::Values(
        Reduction{[](DevicePlan& d) { d.watchdog_s = 0.15; }, "its watchdog takes 150 ms"},
        Reduction{[](DevicePlan& d) { d.descriptor.speed_limit = LimitHeld::kNone; },
                  "holds no speed limit"},
        Reduction{[](DevicePlan& d) { d.speed_limit = 15.0; }, "its speed limit is 15 "},
        Reduction{[](DevicePlan& d) { d.descriptor.speed_limit = LimitHeld::kCommissioned; },
                  "speed limit was entered by hand"},
        Reduction{[](DevicePlan& d) { d.descriptor.torque_limit = LimitHeld::kCommissioned; },
                  "torque limit was entered by hand"}));

TEST(ForceRules, ASlowLinkIsLeftWhatTheControllerStillCatches) {
  LinkPlan link = rtu(115200, true);
  link.round_us = 8000;
  DevicePlan device = good_drive();
  link.devices = {device};
  const double most = releasable_force(link, device, 2.8);
  const DevicePlan reduced = ruled(link, device);
  EXPECT_EQ(reduced.force_cap, most);
  // m v / t with t = age p99 + 4 cycles.
  const double age_s = data_age(link, device).p99_us * 1e-6;
  EXPECT_NEAR(most, 2.8 * 1.2 / (age_s + 4.0 * 0.008), 1e-9);
  EXPECT_LT(most, 100.0);
  EXPECT_LT(releasable_force(link, device, 0.0), most) << "an unknown mass counts as a light one";
}

}  // namespace
}  // namespace medius::hal::modbus
