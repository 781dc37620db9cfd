// The server's side of Modbus: what it takes, and what it refuses with which exception.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "sim/station/modbus_server_codec.hpp"
#include "sim/station/register_map.hpp"

namespace medius::sim {
namespace {

using Bytes = std::vector<std::uint8_t>;

ModbusException parsed(const Bytes& pdu) {
  ModbusRequest request;
  return parse_request(pdu, request);
}

RC_GTEST_PROP(ServerCodec, NoBytesAreReadBeyondThePdu, (Bytes pdu)) {
  if (pdu.empty()) pdu.push_back(3);
  if (pdu.size() > kMaxPduSize) pdu.resize(kMaxPduSize);
  // An exact heap block: the address sanitizer sees every byte too far.
  const std::vector<std::uint8_t> exact(pdu.begin(), pdu.end());
  ModbusRequest request;
  const ModbusException result = parse_request(exact, request);
  if (result == ModbusException::kNone) {
    RC_ASSERT(request.read_count <= 2000u);
    RC_ASSERT(request.values.size() <= 1968u);
  }
}

RC_GTEST_PROP(ServerCodec, ByteCountsMustMatchEveryFunction,
              (std::uint8_t function, std::uint8_t extra)) {
  for (const std::uint8_t code : Bytes{15, 16, 23}) {
    Bytes pdu{code, 0, 0};
    if (code == 23) pdu.insert(pdu.end(), {0, 1, 0, 0});
    pdu.insert(pdu.end(), {0, 2});
    const std::uint8_t right = code == 15 ? 1 : 4;
    pdu.push_back(right);
    pdu.insert(pdu.end(), right, 0);
    RC_ASSERT(parsed(pdu) == ModbusException::kNone);
    Bytes longer = pdu;
    longer.insert(longer.end(), 1 + extra % 8, function);
    RC_ASSERT(parsed(longer) == ModbusException::kIllegalValue);
    Bytes shorter = pdu;
    shorter.pop_back();
    RC_ASSERT(parsed(shorter) == ModbusException::kIllegalValue);
  }
}

TEST(ServerCodec, UnknownFunctionsAreIllegal) {
  for (int code = 0; code < 256; ++code) {
    switch (code) {
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
      case 15:
      case 16:
      case 22:
      case 23:
        continue;
      default:
        break;
    }
    EXPECT_EQ(parsed({static_cast<std::uint8_t>(code), 0, 0, 0, 1}),
              ModbusException::kIllegalFunction)
        << code;
  }
}

TEST(ServerCodec, QuantitiesOutsideTheSpecificationAreIllegalValues) {
  EXPECT_EQ(parsed({3, 0, 0, 0, 0}), ModbusException::kIllegalValue);
  EXPECT_EQ(parsed({3, 0, 0, 0, 126}), ModbusException::kIllegalValue);
  EXPECT_EQ(parsed({3, 0, 0, 0, 125}), ModbusException::kNone);
  EXPECT_EQ(parsed({1, 0, 0, 0x07, 0xD1}), ModbusException::kIllegalValue);
  EXPECT_EQ(parsed({5, 0, 0, 0x12, 0x34}), ModbusException::kIllegalValue);
  EXPECT_EQ(parsed({5, 0, 0, 0xFF, 0x00}), ModbusException::kNone);
}

TEST(ServerCodec, AHeaderThatIsNotModbusEndsTheConnection) {
  MbapHeader header;
  EXPECT_TRUE(parse_mbap(std::array<std::uint8_t, 7>{0, 1, 0, 0, 0, 6, 1}, header));
  EXPECT_EQ(header.pdu_size, 5u);
  EXPECT_FALSE(parse_mbap(std::array<std::uint8_t, 7>{0, 1, 1, 0, 0, 6, 1}, header));
  EXPECT_FALSE(parse_mbap(std::array<std::uint8_t, 7>{0, 1, 0, 0, 0, 1, 1}, header));
  EXPECT_FALSE(parse_mbap(std::array<std::uint8_t, 7>{0, 1, 0, 0, 0, 255, 1}, header));
  EXPECT_TRUE(parse_mbap(std::array<std::uint8_t, 7>{0, 1, 0, 0, 0, 254, 1}, header));
}

class Map : public testing::Test {
 protected:
  SimulatedStation station{SimulatedStationConfig{}};
  RegisterMap map{station, 341.0};

  ModbusException ask(std::uint8_t unit, const Bytes& pdu) {
    ModbusRequest request;
    const ModbusException wrong = parse_request(pdu, request);
    if (wrong != ModbusException::kNone) return wrong;
    const ModbusException refused = check(map, unit, request);
    if (refused != ModbusException::kNone) return refused;
    reply.clear();
    answer(map, unit, request, reply);
    return ModbusException::kNone;
  }
  Bytes reply;
};

TEST_F(Map, BlocksAreReadAndNothingBesideThem) {
  EXPECT_EQ(ask(1, {3, 0x01, 0x00, 0, 16}), ModbusException::kNone);
  EXPECT_EQ(reply.size(), 34u);
  EXPECT_EQ(ask(1, {3, 0x01, 0x00, 0, 17}), ModbusException::kIllegalAddress);
  EXPECT_EQ(ask(1, {3, 0x00, 0x0B, 0, 1}), ModbusException::kIllegalAddress);
  EXPECT_EQ(ask(1, {3, 0x01, 0x27, 0, 1}), ModbusException::kNone);
  EXPECT_EQ(ask(1, {3, 0x01, 0x28, 0, 1}), ModbusException::kIllegalAddress);
  EXPECT_EQ(ask(2, {3, 0x00, 0x10, 0, 3}), ModbusException::kNone);
  EXPECT_EQ(ask(7, {3, 0x00, 0x00, 0, 1}), ModbusException::kGatewayNoTarget);
}

TEST_F(Map, ReadBlocksCannotBeWritten) {
  EXPECT_EQ(ask(1, {6, 0x01, 0x00, 0, 1}), ModbusException::kIllegalAddress);
  EXPECT_EQ(ask(1, {6, 0x01, 0x20, 0, 1}), ModbusException::kIllegalAddress);
  EXPECT_EQ(ask(1, {16, 0, 10, 0, 2, 4, 0, 0, 0, 0}), ModbusException::kIllegalAddress);
}

TEST_F(Map, AMaskedWriteChangesTheBitsItNames) {
  ASSERT_EQ(ask(1, {6, 0, 1, 0x00, 0x06}), ModbusException::kNone);
  ASSERT_EQ(ask(1, {22, 0, 1, 0xFF, 0xFE, 0x00, 0x01}), ModbusException::kNone);
  ASSERT_EQ(ask(1, {3, 0, 1, 0, 1}), ModbusException::kNone);
  EXPECT_EQ(reply, (Bytes{3, 2, 0x00, 0x07}));
}

TEST_F(Map, AReadWriteWritesBeforeItReads) {
  ASSERT_EQ(ask(1, {23, 0x01, 0x00, 0, 1, 0, 0, 0, 1, 2, 0xAB, 0xCD}), ModbusException::kNone);
  EXPECT_EQ(reply, (Bytes{23, 2, 0xAB, 0xCD}));
}

TEST_F(Map, TheRelayNeedsANewCountWithEveryHold) {
  const auto hold = [&](std::uint8_t count) { ask(2, {16, 0, 0, 0, 2, 4, 0, 1, 0, count}); };
  for (std::uint8_t i = 1; i < 100; ++i) {
    hold(i);
    station.step_tick();
  }
  EXPECT_TRUE(station.safety().relay_closed);
  for (int i = 0; i < 60; ++i) {
    hold(99);
    station.step_tick();
  }
  EXPECT_FALSE(station.safety().relay_closed);
}

TEST_F(Map, HandsWorkTheBenchByRegistersAndByCoils) {
  ASSERT_EQ(ask(100, {6, 0, 4, 0, 1}), ModbusException::kNone);
  EXPECT_FALSE(station.safety().estop_released);
  ASSERT_EQ(ask(100, {5, 0, 4, 0, 0}), ModbusException::kNone);
  EXPECT_TRUE(station.safety().estop_released);
  ASSERT_EQ(ask(100, {6, 0, 0, 0, 50}), ModbusException::kNone);
  EXPECT_TRUE(station.panel().reset_pressed);
  for (int i = 0; i < 51; ++i) station.step_tick();
  EXPECT_FALSE(station.panel().reset_pressed);
  ASSERT_EQ(ask(100, {15, 0, 1, 0, 3, 1, 0x05}),
            ModbusException::kNone);  // stop, key off, dead-man
  EXPECT_TRUE(station.panel().stop_pressed);
  EXPECT_FALSE(station.panel().key_on);
  EXPECT_TRUE(station.panel().dead_man_held);
  ASSERT_EQ(ask(2, {2, 0, 0, 0, 4}), ModbusException::kNone);
  EXPECT_EQ(reply, (Bytes{2, 1, 0x0C}));
}

SimulatedStationConfig seated_config() {
  SimulatedStationConfig config;
  make_seated(config);
  return config;
}

class SeatedMap : public Map {
 protected:
  SeatedMap() : seated{seated_config()}, seated_map{seated, 130.0} {}

  ModbusException ask(std::uint8_t unit, const Bytes& pdu) {
    ModbusRequest request;
    const ModbusException wrong = parse_request(pdu, request);
    if (wrong != ModbusException::kNone) return wrong;
    const ModbusException refused = check(seated_map, unit, request);
    if (refused != ModbusException::kNone) return refused;
    reply.clear();
    answer(seated_map, unit, request, reply);
    return ModbusException::kNone;
  }
  SimulatedStation seated;
  RegisterMap seated_map;
};

TEST_F(SeatedMap, EachArmHasADriveOfItsOwnWithALeversUnits) {
  EXPECT_EQ(seated_map.last_drive_unit(), kSecondDriveUnit);
  // Cyclic torque, 10.0 % of rated, limit 50.0 %, 100.0 degrees/s, to the right arm alone.
  ASSERT_EQ(ask(3, {16, 0, 0, 0, 8, 16, 0, 5, 0, 6, 0, 10, 0, 100, 1, 244, 3, 232, 0, 0, 0, 40}),
            ModbusException::kNone);
  EXPECT_EQ(seated_map.cmd_seq(), 5u);
  EXPECT_NEAR(seated.drive(1).force_limit, 65.0, 1e-9);
  EXPECT_NEAR(seated.drive(1).speed_limit, 1.7453, 1e-3);
  EXPECT_EQ(seated.drive(0).force_limit, 0.0);
  EXPECT_EQ(seated.drive(0).mode_display, 0);
  // Map version 2, rated 130 Nm, coordinate 1 = lever.
  ASSERT_EQ(ask(3, {3, 0x01, 0x20, 0, 4}), ModbusException::kNone);
  EXPECT_EQ(reply, (Bytes{3, 8, 0, 2, 0x00, 0x01, 0xFB, 0xD0, 0, 1}));
}

TEST_F(SeatedMap, TheBenchTakesEachLegOffItsPad) {
  ASSERT_EQ(ask(100, {6, 0, 6, 0, 1}), ModbusException::kNone);
  EXPECT_EQ(ask(100, {6, 0, 7, 0, 1}), ModbusException::kIllegalAddress);
  // A cable station has no second drive and no second handle.
  EXPECT_EQ(Map::ask(3, {3, 0x01, 0x00, 0, 1}), ModbusException::kGatewayNoTarget);
  EXPECT_EQ(Map::ask(100, {6, 0, 6, 0, 1}), ModbusException::kIllegalAddress);
}

}  // namespace
}  // namespace medius::sim
