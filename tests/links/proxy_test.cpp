// The fault proxy by itself: frames, faults as text, scripts, and what each fault does to traffic.
#include <fstream>

#include <gtest/gtest.h>
#include <modbus/modbus.h>
#include <nlohmann/json.hpp>
#include <rapidcheck/gtest.h>

#include "hal/modbus/connection.hpp"
#include "sim/proxy/fault_proxy.hpp"
#include "sim/proxy/frame_faults.hpp"
#include "sim/station/rtu_frame.hpp"
#include "tests/links/counting_device.hpp"
#include "tests/links/process_counts.hpp"

namespace medius::sim::proxy {
namespace {

using hal::modbus::Connection;
using hal::modbus::Outcome;

Bytes tcp_reply(std::uint16_t transaction, std::uint8_t unit, std::uint16_t value) {
  return {static_cast<std::uint8_t>(transaction >> 8),
          static_cast<std::uint8_t>(transaction & 0xFF),
          0,
          0,
          0,
          5,
          unit,
          3,
          2,
          static_cast<std::uint8_t>(value >> 8),
          static_cast<std::uint8_t>(value & 0xFF)};
}

FaultSpec fault(const std::string& text) {
  const auto parsed = parse_fault(text);
  if (!parsed) throw std::runtime_error(parsed.error().message);
  return *parsed;
}

RC_GTEST_PROP(Frames, ThatArriveInAnyPiecesComeOutWhole, ()) {
  const auto count = *rc::gen::inRange(1, 6);
  std::vector<Bytes> frames;
  Bytes stream;
  for (int i = 0; i < count; ++i) {
    frames.push_back(tcp_reply(*rc::gen::arbitrary<std::uint16_t>(),
                               *rc::gen::arbitrary<std::uint8_t>(), static_cast<std::uint16_t>(i)));
    stream.insert(stream.end(), frames.back().begin(), frames.back().end());
  }
  FrameSplitter splitter(Wire::kTcp, Way::kReply);
  std::vector<Bytes> out;
  while (!stream.empty()) {
    const auto piece = std::min<std::size_t>(stream.size(), *rc::gen::inRange<std::size_t>(1, 20));
    splitter.add(std::span<const std::uint8_t>(stream).first(piece));
    stream.erase(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(piece));
    while (const auto frame = splitter.next()) out.push_back(*frame);
  }
  RC_ASSERT(out == frames);
  RC_ASSERT(!splitter.holds_back());
}

// Two implementations of the same polynomial, written apart.
RC_GTEST_PROP(Frames, HaveTheCrcThatTheSimulatedDevicesMake, (const Bytes& bytes)) {
  RC_ASSERT(line_crc(bytes) == rtu_crc(bytes));
}

TEST(Frames, ThatAreBrokenAreSaidToBe) {
  Bytes good = tcp_reply(7, 1, 3);
  EXPECT_TRUE(inspect(Wire::kTcp, good).whole);
  good[5] = 6;
  EXPECT_FALSE(inspect(Wire::kTcp, good).whole);
  Bytes line{1, 3, 2, 0, 5, 0, 0};
  EXPECT_FALSE(inspect(Wire::kRtu, line).whole);
  mend_crc(line);
  EXPECT_TRUE(inspect(Wire::kRtu, line).whole);
}

TEST(FaultText, IsReadBackAsItWasWritten) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    for (const ScriptStep& step : random_script(seed, {}).steps) {
      const std::string text = to_text(step.fault);
      EXPECT_EQ(to_text(fault(text)), text);
      EXPECT_EQ(fault(text).chance, step.fault.chance);
    }
  }
}

TEST(FaultText, ThatMakesNoSenseSaysWhatWould) {
  const auto why = [](const char* text) { return parse_fault(text).error().message; };
  EXPECT_NE(why("vanish").find("'vanish' is no fault; use one of delay, drop"), std::string::npos);
  EXPECT_NE(why("").find("is no fault"), std::string::npos);
  EXPECT_EQ(why("delay ms=-1"), "ms=-1: must be a whole number from 0 to 60000");
  EXPECT_EQ(why("drop chance=nan"), "chance=nan: must be above 0 and at most 1");
  EXPECT_NE(why("drop often").find("must be key=value"), std::string::npos);
  EXPECT_NE(why("drop speed=3").find("'speed' is no key of a fault"), std::string::npos);
  EXPECT_EQ(why("drop way=up"), "way=up: must be requests, replies or both");
}

TEST(Scripts, SurviveBeingWrittenAndRead) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Script script = random_script(seed, {});
    const auto read = parse_script(to_toml(script), "test");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(to_toml(*read), to_toml(script));
    EXPECT_LE(script.end_ms(), 1500);
    EXPECT_GT(script.end_ms(), 0);
  }
}

TEST(Scripts, ThatAreWrongSayWhere) {
  const auto why = [](const char* toml) { return parse_script(toml, "a.toml").error().message; };
  EXPECT_EQ(why("title = 'x'"), "a.toml: no [[step]]; add one with at_ms and fault");
  EXPECT_EQ(why("[[step]]\nat_ms = 1\nfault = 'delay ms=x'"),
            "a.toml: step 1: fault: ms=x: must be a whole number from 0 to 60000");
  EXPECT_EQ(why("[[step]]\nat_ms = -1\nfault = 'drop'"),
            "a.toml: step 1: 'at_ms' must be a whole number from 0 to 3600000");
  EXPECT_EQ(why("sped = 1"), "a.toml: key 'sped' is unknown; use title, seed and [[step]]");
  EXPECT_NE(why("[[step").find("a.toml:1: "), std::string::npos);
}

TEST(FrameFaults, OfTheSameSeedDoTheSame) {
  std::vector<Bytes> seen[2];
  for (auto& each : seen) {
    FrameFaults faults(Wire::kTcp, 5);
    faults.add(1, fault("corrupt bits=2 chance=0.5"));
    for (std::uint16_t i = 0; i < 200; ++i) {
      each.push_back(faults.judge(Way::kReply, tcp_reply(i, 1, i)).bytes);
    }
  }
  EXPECT_EQ(seen[0], seen[1]);
}

TEST(FrameFaults, SpareOtherUnitsAndTheOtherWay) {
  FrameFaults faults(Wire::kTcp, 1);
  faults.add(1, fault("drop unit=2"));
  EXPECT_FALSE(faults.judge(Way::kReply, tcp_reply(1, 1, 1)).bytes.empty());
  EXPECT_FALSE(faults.judge(Way::kRequest, tcp_reply(1, 2, 1)).bytes.empty());
  EXPECT_TRUE(faults.judge(Way::kReply, tcp_reply(1, 2, 1)).bytes.empty());
}

TEST(FrameFaults, EndWithTheirCount) {
  FrameFaults faults(Wire::kTcp, 1);
  faults.add(9, fault("drop count=2"));
  EXPECT_TRUE(faults.judge(Way::kReply, tcp_reply(1, 1, 1)).ended.empty());
  EXPECT_EQ(faults.judge(Way::kReply, tcp_reply(2, 1, 1)).ended, std::vector<std::uint32_t>{9});
}

TEST(FrameFaults, StaleIsAnOldAnswerUnderTheNewNumber) {
  FrameFaults faults(Wire::kTcp, 1);
  for (std::uint16_t i = 0; i < 5; ++i) {
    static_cast<void>(
        faults.judge(Way::kReply, tcp_reply(i, 1, static_cast<std::uint16_t>(100 + i))));
  }
  faults.add(1, fault("stale by=3"));
  EXPECT_EQ(faults.judge(Way::kReply, tcp_reply(5, 1, 105)).bytes, tcp_reply(5, 1, 102));
}

TEST(FrameFaults, TurnSoManyBitsAndNoValueOnTcp) {
  FrameFaults faults(Wire::kTcp, 3);
  faults.add(1, fault("corrupt bits=3"));
  for (std::uint16_t i = 0; i < 100; ++i) {
    const Bytes good = tcp_reply(i, 1, i);
    const Bytes bad = faults.judge(Way::kReply, good).bytes;
    int turned = 0;
    for (std::size_t at = 0; at < good.size(); ++at) {
      turned += __builtin_popcount(static_cast<unsigned>(good[at] ^ bad[at]));
      if (at >= 8) {
        EXPECT_EQ(good[at], bad[at]);
      }
    }
    EXPECT_EQ(turned, 3);
  }
}

// What a client of the proxy finds, on both wires.
class Traffic : public testing::TestWithParam<Wire> {
 protected:
  static constexpr int kTimeoutMs = 200;  // loopback on a busy host
  CountingDevice device{GetParam(), 1};
  FaultProxy proxy{{.wire = GetParam(), .upstream = device.where()}};
  Connection connection;

  [[nodiscard]] Outcome open() {
    const std::string& where = proxy.address();
    if (GetParam() == Wire::kTcp) {
      return connection.open("127.0.0.1", std::stoi(where.substr(where.rfind(':') + 1)),
                             kTimeoutMs);
    }
    const Outcome outcome = connection.open_line({where, 921600, 'N', 1, true}, kTimeoutMs);
    connection.set_pauses({300, 0});
    return outcome;
  }
  [[nodiscard]] Outcome ask(std::uint16_t& word) {
    std::array<std::uint16_t, 16> words{};
    const Outcome outcome = connection.read(1, 0x0100, words);
    word = words[5];  // low word of the count
    return outcome;
  }
  void stand(const std::string& text) {
    proxy.add(fault(text));
    while (proxy.healed()) std::this_thread::yield();
  }
  void heal() {
    proxy.clear();
    while (!proxy.healed()) std::this_thread::yield();
  }
};

TEST_P(Traffic, PassesUntouched) {
  ASSERT_EQ(open(), Outcome::kOk);
  for (std::uint16_t i = 1; i < 50; ++i) {
    std::uint16_t count = 0;
    ASSERT_EQ(ask(count), Outcome::kOk) << connection.error();
    EXPECT_EQ(count, i);
  }
  EXPECT_EQ(proxy.counters().requests, 49u);
  EXPECT_EQ(proxy.counters().faults, 0u);
}

TEST_P(Traffic, SuffersEachFaultAndGoesOnWhenItIsTakenAway) {
  const bool tcp = GetParam() == Wire::kTcp;
  const std::pair<const char*, Outcome> cases[] = {
      {"drop", Outcome::kTimeout},
      {"drop way=requests unit=1", Outcome::kTimeout},
      {"delay ms=400", Outcome::kTimeout},
      {"truncate bytes=5", Outcome::kTimeout},
      {"trickle gap_us=20000", Outcome::kTimeout},
      {"throttle baud=300", Outcome::kTimeout},
      {"black-hole", Outcome::kTimeout},
      {"reorder", Outcome::kTimeout},
      {"reset", Outcome::kClosed},
      {"half-close", Outcome::kClosed},
      {"drop unit=2", Outcome::kOk},
      {"delay ms=5", Outcome::kOk},
      {"duplicate", Outcome::kOk},
  };
  for (const auto& [text, outcome] : cases) {
    SCOPED_TRACE(text);
    while (open() != Outcome::kOk) std::this_thread::yield();
    stand(text);
    std::uint16_t count = 0;
    const Outcome found = ask(count);
    if (!tcp && outcome == Outcome::kClosed) {
      EXPECT_NE(found, Outcome::kOk) << connection.error();  // an adapter that is gone, or silent
    } else {
      EXPECT_EQ(found, outcome) << connection.error();
    }
    heal();
    connection.close();
    while (open() != Outcome::kOk) std::this_thread::yield();
    ASSERT_EQ(ask(count), Outcome::kOk) << connection.error();
    EXPECT_EQ(count, device.answers() & 0xFFFF);
    connection.close();
  }
}

TEST_P(Traffic, IsRefusedAndTakenAgain) {
  ASSERT_EQ(open(), Outcome::kOk);
  stand("refuse");
  std::uint16_t count = 0;
  EXPECT_NE(ask(count), Outcome::kOk);
  connection.close();
  EXPECT_EQ(open(), Outcome::kClosed);
  heal();
  while (open() != Outcome::kOk) std::this_thread::yield();
  EXPECT_EQ(ask(count), Outcome::kOk) << connection.error();
}

TEST_P(Traffic, IsWrittenDownForAnAnalyser) {
  const std::string path = testing::TempDir() + "medius-proxy-" + std::to_string(::getpid()) +
                           (GetParam() == Wire::kTcp ? "-tcp.pcap" : "-rtu.pcap");
  {
    CountingDevice other(GetParam(), 2);  // a line has one reader
    FaultProxy writing({.wire = GetParam(), .upstream = other.where(), .pcap = path});
    Connection client;
    if (GetParam() == Wire::kTcp) {
      const std::string& where = writing.address();
      ASSERT_EQ(client.open("127.0.0.1", std::stoi(where.substr(where.rfind(':') + 1)), kTimeoutMs),
                Outcome::kOk);
    } else {
      ASSERT_EQ(client.open_line({writing.address(), 921600, 'N', 1, true}, kTimeoutMs),
                Outcome::kOk);
    }
    std::array<std::uint16_t, 16> words{};
    ASSERT_EQ(client.read(1, 0x0100, words), Outcome::kOk);
  }
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const int headers = GetParam() == Wire::kTcp ? 2 * (16 + 40) : 2 * 16;
  const int frames = GetParam() == Wire::kTcp ? 12 + 41 : 8 + 37;
  EXPECT_EQ(file.tellg(), 24 + headers + frames);
  ::unlink(path.c_str());
}

INSTANTIATE_TEST_SUITE_P(Wires, Traffic, testing::Values(Wire::kTcp, Wire::kRtu),
                         [](const auto& each) { return each.param == Wire::kTcp ? "Tcp" : "Rtu"; });

TEST(Proxy, LeavesNoFileAndNoThreadBehind) {
  const ProcessCounts before = process_counts();
  for (const Wire wire : {Wire::kTcp, Wire::kRtu}) {
    CountingDevice device(wire, 1);
    for (int i = 0; i < 5; ++i) {
      FaultProxy proxy({.wire = wire, .upstream = device.where()});
      proxy.run(random_script(1, {.wire = wire}));
    }
  }
  EXPECT_EQ(settled_counts(before), before);
}

TEST(Proxy, SaysWhatItCannotReach) {
  EXPECT_THROW(FaultProxy({.wire = Wire::kRtu, .upstream = "/dev/medius-nothing"}),
               std::system_error);
  EXPECT_THROW(FaultProxy({.upstream = "127.0.0.1:1", .listen = "somewhere"}), std::system_error);
}

TEST(ProxyEvents, AreLinesOfJson) {
  const Bytes bytes = tcp_reply(1, 2, 3);
  const ProxyEvent event{5, EventKind::kFault,          4,     Way::kReply,
                         9, inspect(Wire::kTcp, bytes), bytes, "drop"};
  const auto json = nlohmann::json::parse(to_json(event));
  EXPECT_EQ(json["event"], "fault");
  EXPECT_EQ(json["way"], "reply");
  EXPECT_EQ(json["unit"], 2);
  EXPECT_EQ(json["bytes"], "0001000000050203020003");
}

}  // namespace
}  // namespace medius::sim::proxy
