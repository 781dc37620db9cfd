// Descriptors and machine files: the shipped ones load; each broken one says file, key, value and
// what to do, in one sentence.
#include "hal/modbus/bus_plan.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "hal/modbus/bus_timing.hpp"
#include "tests/hal/bus_loop.hpp"

namespace medius::hal::modbus {
namespace {

namespace fs = std::filesystem;

std::string read_all(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string devices() {
  return std::string(MEDIUS_SOURCE_DIR) + "/hal/devices/";
}

class Files : public testing::Test {
 protected:
  fs::path folder =
      fs::path(testing::TempDir()) /
      ("medius-plan-" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
  void SetUp() override {
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  void TearDown() override { fs::remove_all(folder); }
  std::string put(const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << text;
    return (folder / name).string();
  }
  // A file with the first `from` replaced.
  static std::string changed(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << "'" << from << "' is not in the file: the test is blind";
    return text.replace(at, from.size(), to);
  }
};

using DescriptorFile = Files;
using MachineFile = Files;

TEST(Descriptor, TheShippedOnesLoad) {
  const auto drive = load_descriptor(devices() + "canonical-drive.toml", CoordinateKind::kCable);
  ASSERT_TRUE(drive) << drive.error().message;
  EXPECT_EQ(drive->unit_id, 1);
  EXPECT_EQ(drive->write.words, 11);
  EXPECT_EQ(drive->velocity_mode, 9);
  EXPECT_EQ(drive->read.windows[0].address, 0x100);
  EXPECT_TRUE(drive->has_sequence_echo);
  EXPECT_FALSE(drive->hardware_verified);
  const auto panel = load_descriptor(devices() + "canonical-panel.toml", CoordinateKind::kCable);
  ASSERT_TRUE(panel) << panel.error().message;
  EXPECT_EQ(panel->kind, DeviceKind::kPanel);
}

TEST(Descriptor, ALeverTakesItsOwnScales) {
  const auto drive = load_descriptor(devices() + "canonical-drive.toml", CoordinateKind::kLever);
  ASSERT_TRUE(drive) << drive.error().message;
  EXPECT_NEAR(drive->field(Field::kSpeedLimit).scale, 0.1 * 3.14159265358979 / 180.0, 1e-12);
}

TEST_F(DescriptorFile, EachMistakeIsNamed) {
  const std::string good = read_all(devices() + "canonical-drive.toml");
  struct Mistake {
    const char *from, *to, *says;
  };
  const Mistake mistakes[] = {
      {"type = \"u16\"", "type = \"u24\"",
       "'type' is 'u24', must be one of u16, i16, i8, u8, u32, i32, f32"},
      {"name = \"controlword\"", "name = \"kontrollwort\"", "no such register"},
      {"address = 0x0001", "address = 0x0000", "'address' 0 is used by another register too"},
      {"address = 0x000A", "address = 0x000B", "'address' is 11, its block is 0..10"},
      {"velocity_mode = 9", "velocity_mode = 2", "'velocity_mode' is 2, must be 3 to 9"},
      {"[[register]]\nname = \"mode_display\"\nblock = \"read\"\naddress = 0x0102\ntype = \"i8\"\n",
       "", "'velocity_mode' is 9, which needs the registers mode, mode_display"},
      {"rate_hz = 1000", "rate_hz = 5000", "'rate_hz' is 5000, must be 1 to 1000"},
      {"rate_hz = 1000", "rate = 1000", "unknown key 'rate'"},
      {"read_address = 0x0100", "read_address = 0x0004", "overlap"},
      {"unit = \"rated\"", "unit = \"pounds\"", "'unit' is 'pounds'"},
      {"scale = 0.001", "scale = 0", "'scale' is 0"},
      {"verified = \"simulator\"", "verified = \"maybe\"", "'verified' is 'maybe'"},
      {"echo = \"cmd_seq_echo\"", "echo = \"position_echo\"", "'echo' is 'position_echo'"},
      {"word_order = \"high-first\"", "word_order = 1", "'word_order' must be a text"},
      {"unit_id = 1", "unit_id = 300", "'unit_id' is 300, must be 0 to 255"},
      {"[enable]", "[enabel]", "unknown key 'enabel'"},
      {"name = \"statusword\"\nblock = \"read\"", "name = \"statusword\"\nblock = \"config\"",
       "belongs into another block"},
      {"type = \"u16\"", "type = \"u16\"\npersistent = true", "permanent memory"},
  };
  for (const Mistake& mistake : mistakes) {
    const std::string path = put("drive.toml", changed(good, mistake.from, mistake.to));
    const auto loaded = load_descriptor(path, CoordinateKind::kCable);
    ASSERT_FALSE(loaded) << "accepted: " << mistake.to;
    EXPECT_NE(loaded.error().message.find(mistake.says), std::string::npos)
        << loaded.error().message;
    EXPECT_NE(loaded.error().message.find("drive.toml"), std::string::npos);
    EXPECT_EQ(loaded.error().message.find('\n'), std::string::npos) << "more than one sentence";
  }
}

TEST_F(DescriptorFile, ABrokenLineIsNamedByItsNumber) {
  const std::string path = put("drive.toml", "[device]\nid = \n");
  const auto loaded = load_descriptor(path, CoordinateKind::kCable);
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("drive.toml:2"), std::string::npos)
      << loaded.error().message;
}

TEST(Plan, TheShippedMachineLoads) {
  const auto plan = load_bus_plan(machine_file(), bus_options("", true));
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_EQ(plan->links.size(), 1u);
  EXPECT_EQ(plan->links[0].numeric_ip, "127.0.0.1");
  ASSERT_EQ(plan->links[0].devices.size(), 2u);
  EXPECT_EQ(plan->links[0].devices[0].every_rounds, 1);
  EXPECT_EQ(plan->links[0].devices[1].every_rounds, 4);
  EXPECT_TRUE(plan->relay_stands_in);
}

TEST(Plan, ANameIsResolvedForLibmodbus) {
  const auto plan = load_bus_plan(machine_file(), bus_options("localhost:1502", true));
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->links[0].numeric_ip, "127.0.0.1");
  EXPECT_EQ(plan->links[0].port, 1502);
}

TEST(Plan, AnUnverifiedDeviceIsRefusedOutsideTheSimulator) {
  BusOptions options = bus_options("", false);
  options.simulated = false;
  const auto plan = load_bus_plan(machine_file(), options);
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().message.find("verified only against the simulator"), std::string::npos);
}

TEST(Plan, BadLinkOverridesAreNamed) {
  for (const char* text : {"machine", "machine=", "machine=127.0.0.1", "machine=127.0.0.1:99999",
                           "machine=:1502", "other=127.0.0.1:1502", "machine=127.0.0.1:15x"}) {
    BusOptions options = bus_options("", false);
    options.link_overrides = {text};
    const auto plan = load_bus_plan(machine_file(), options);
    ASSERT_FALSE(plan) << text;
    EXPECT_NE(plan.error().message.find(text), std::string::npos) << plan.error().message;
  }
}

TEST_F(MachineFile, EachMistakeIsNamed) {
  const std::string good = read_all(machine_file());
  struct Mistake {
    const char *from, *to, *says;
  };
  const Mistake mistakes[] = {
      {"transport = \"tcp\"", "transport = \"can\"",
       "'transport' is 'can', must be one of tcp, rtu"},
      {"port = 15020", "port = 0", "'port' is 0, must be 1 to 65535"},
      {"host = \"127.0.0.1\"", "host = \"no-such-host.invalid\"", "has no IPv4 address"},
      {"link = \"machine\"", "link = \"other\"", "there is no such [[link]]"},
      {"axis = \"cable\"", "axis = \"arm\"", "there is no such [[axis]]"},
      {"descriptor = \"canonical-drive\"", "descriptor = \"acme\"", "acme.toml: no such file"},
      {"force_limit_n = 600.0", "force_limit_nm = 600.0", "'force_limit_n' is missing"},
      {"\nspeed_limit_mps = 1.5", "\nspeed_limit = 1.5", "unknown key 'speed_limit'"},
      {"watchdog_ms = 40", "watchdog_ms = 500", "'watchdog_ms' is 500, must be 5 to 200"},
      {"axis = \"cable\"", "", "'axis' is missing"},
  };
  for (const Mistake& mistake : mistakes) {
    BusOptions options = bus_options("", false);
    options.device_directory = devices();
    const auto plan =
        load_bus_plan(put("machine.toml", changed(good, mistake.from, mistake.to)), options);
    ASSERT_FALSE(plan) << "accepted: " << mistake.to;
    EXPECT_NE(plan.error().message.find(mistake.says), std::string::npos) << plan.error().message;
    EXPECT_EQ(plan.error().message.find('\n'), std::string::npos);
  }
}

TEST(Descriptor, TheShippedPelvisSensorIsOnlyRead) {
  const auto pelvis =
      load_descriptor(devices() + "canonical-pelvis-tilt.toml", CoordinateKind::kCable);
  ASSERT_TRUE(pelvis) << pelvis.error().message;
  EXPECT_EQ(pelvis->kind, DeviceKind::kPelvisTilt);
  EXPECT_EQ(pelvis->transaction, Transaction::kFc3);
  EXPECT_EQ(pelvis->write.words, 0);
  EXPECT_EQ(pelvis->read.words, 2);
  EXPECT_EQ(pelvis->field(Field::kTilt).scale, 1e-4);
}

TEST_F(DescriptorFile, ASensorThatWouldBeWrittenToIsRefused) {
  const std::string good = read_all(devices() + "canonical-pelvis-tilt.toml");
  const auto writes = load_descriptor(
      put("sensor.toml", changed(good, "transaction = \"fc3\"", "transaction = \"fc23\"")),
      CoordinateKind::kCable);
  ASSERT_FALSE(writes);
  EXPECT_NE(writes.error().message.find("writes to a sensor; write transaction = \"fc3\""),
            std::string::npos)
      << writes.error().message;
  const auto mute =
      load_descriptor(put("drive.toml", changed(read_all(devices() + "canonical-drive.toml"),
                                                "transaction = \"fc23\"", "transaction = \"fc3\"")),
                      CoordinateKind::kCable);
  ASSERT_FALSE(mute);
  EXPECT_NE(mute.error().message.find("which cannot write"), std::string::npos)
      << mute.error().message;
}

TEST_F(MachineFile, APelvisSensorIsPromisedAndThereOnceOrNotAtAll) {
  const std::string without = read_all(machine_file());
  const std::string sensor =
      "\n[[device]]\nname = \"pelvis\"\nlink = \"machine\"\n"
      "descriptor = \"canonical-pelvis-tilt\"\n";
  const std::string again = changed(sensor, "\"pelvis\"", "\"pelvis-2\"");
  const std::string on_axis = sensor + "axis = \"cable\"\n";
  BusOptions options = bus_options("", false);
  options.device_directory = devices();
  const auto says = [&](const std::string& text, bool promised) -> std::string {
    options.pelvis_sensor = promised;
    const auto plan = load_bus_plan(put("machine.toml", text), options);
    return plan ? "" : plan.error().message;
  };
  EXPECT_EQ(says(without + sensor, true), "");
  EXPECT_EQ(says(without, false), "");
  EXPECT_NE(says(without, true).find("pelvis_sensor is true, but no [[device]] is one"),
            std::string::npos);
  EXPECT_NE(says(without + sensor, false).find("[machine] does not say so"), std::string::npos);
  EXPECT_NE(says(without + sensor + again, true).find("is a second pelvis sensor"),
            std::string::npos);
  EXPECT_NE(says(without + on_axis, true).find("which has no 'axis'"), std::string::npos);
}

TEST_F(MachineFile, LinkedArmsHaveADriveAndTheirRightPadsCellOnOneLink) {
  const std::string machines = fs::path(machine_file()).parent_path().string();
  const std::string good = read_all(machines + "/seated-linked-sim.toml");
  BusOptions options;
  options.simulated = true;
  options.lockstep = true;
  options.needs_panel = true;
  options.axis_names = {"arms"};
  options.axis_coordinates = {CoordinateKind::kLever};
  options.axis_velocity_modes = {true};
  options.device_directory = devices();
  const auto says = [&](const std::string& text, bool linked) -> std::string {
    options.axis_linked_arms = {linked};
    const auto plan = load_bus_plan(put("machine.toml", text), options);
    return plan ? "" : plan.error().message;
  };
  EXPECT_EQ(says(good, true), "");
  EXPECT_NE(says(good, false)
                .find("another load cell measures already; remove one, or write "
                      "linked_arms = true"),
            std::string::npos);
  const std::string cell =
      "[[device]]\nname = \"right-pad\"\nlink = \"machine\"\n"
      "descriptor = \"canonical-load-cell\"  # the right pad's cell\naxis = \"arms\"\n";
  const std::string again = changed(cell, "\"right-pad\"", "\"right-pad-2\"");
  EXPECT_NE(says(changed(good, cell, ""), true).find("but only 'drive' measures a pad"),
            std::string::npos);
  EXPECT_NE(says(good + "\n" + again, true).find("a third load cell"), std::string::npos);
  EXPECT_NE(says(changed(good, cell, changed(cell, "axis = \"arms\"\n", "")), true)
                .find("'axis' is missing"),
            std::string::npos);
  const std::string elsewhere =
      "[[link]]\nname = \"other\"\ntransport = \"tcp\"\nhost = \"127.0.0.1\"\nport = 15021\n\n";
  const std::string apart = changed(changed(good, cell, changed(cell, "\"machine\"", "\"other\"")),
                                    "[[device]]", elsewhere + "[[device]]");
  EXPECT_NE(says(apart, true).find("are on different links"), std::string::npos)
      << says(apart, true);
}

TEST_F(MachineFile, OfLinkedArmsTheDrivesOwnCellIsTheLeftPadsAndOfTwoAmplifiersTheFirst) {
  const std::string machines = fs::path(machine_file()).parent_path().string();
  const std::string good = read_all(machines + "/seated-linked-sim.toml");
  BusOptions options;
  options.simulated = true;
  options.lockstep = true;
  options.axis_names = {"arms"};
  options.axis_coordinates = {CoordinateKind::kLever};
  options.axis_linked_arms = {true};
  options.device_directory = (folder / "devices").string();
  fs::copy(devices(), folder / "devices");
  using Pads = std::vector<std::pair<std::string, int>>;
  const auto pads = [&](const std::string& text) {
    Pads found;
    const auto plan = load_bus_plan(put("machine.toml", text), options);
    EXPECT_TRUE(plan) << plan.error().message;
    if (!plan) return found;
    for (const DevicePlan& device : plan->links[0].devices) {
      found.emplace_back(device.name, device.pad);
    }
    return found;
  };
  const std::string cell =
      "[[device]]\nname = \"cell\"\nlink = \"machine\"\ndescriptor = \"canonical-load-cell\"\n"
      "unit_id = 6\naxis = \"arms\"\n";
  EXPECT_EQ(pads(good), (Pads{{"drive", 0}, {"right-pad", 1}, {"panel", -1}}));
  const auto plan = load_bus_plan((folder / "machine.toml").string(), options);
  ASSERT_TRUE(plan) << plan.error().message;
  const LinkPlan& pair = plan->links[0];
  LinkPlan single = pair;
  single.devices[0].pad = single.devices[1].pad = -1;
  EXPECT_NEAR(data_age(pair, pair.devices[0]).p99_us - data_age(single, single.devices[0]).p99_us,
              exchange_us_max(pair, pair.devices[1]), 1e-9)
      << "the drive's sample waits for the other pad's";
  const std::string without =
      changed(good,
              "[[device]]\nname = \"right-pad\"\nlink = \"machine\"\n"
              "descriptor = \"canonical-load-cell\"  # the right pad's cell\naxis = \"arms\"\n",
              "");
  EXPECT_EQ(pads(changed(without, "[[device]]", cell + "[[device]]")),
            (Pads{{"cell", 1}, {"drive", 0}, {"panel", -1}}));
  const std::string drive = read_all(devices() + "canonical-drive.toml");
  const std::size_t at = drive.find("[[register]]\nname = \"load_cell\"");
  ASSERT_NE(at, std::string::npos);
  put("devices/canonical-drive.toml",
      drive.substr(0, at) + drive.substr(drive.find("[[register]]", at + 1)));
  EXPECT_EQ(pads(changed(good, "[[device]]", cell + "[[device]]")),
            (Pads{{"cell", 0}, {"drive", -1}, {"right-pad", 1}, {"panel", -1}}));
}

TEST(Descriptor, TheShippedLoadCellIsOnlyReadAndReadsMilliNewtonMetresOfALever) {
  const auto cell = load_descriptor(devices() + "canonical-load-cell.toml", CoordinateKind::kLever);
  ASSERT_TRUE(cell) << cell.error().message;
  EXPECT_EQ(cell->kind, DeviceKind::kLoadCell);
  EXPECT_EQ(cell->transaction, Transaction::kFc3);
  EXPECT_EQ(cell->write.words, 0);
  EXPECT_EQ(cell->field(Field::kLoadCell).scale, 1e-3);
  EXPECT_TRUE(cell->bit(Bit::kLoadCellSaturated).present);
}

TEST_F(MachineFile, ABusThatCannotCarryItsDevicesIsRefusedWithTheNumbers) {
  const std::string slow = changed(read_all(devices() + "canonical-drive.toml"),
                                   "turnaround_us = 300", "turnaround_us = 6100");
  fs::create_directories(folder / "devices");
  std::ofstream(folder / "devices" / "canonical-drive.toml") << slow;
  fs::copy_file(devices() + "canonical-panel.toml", folder / "devices" / "canonical-panel.toml");
  BusOptions options = bus_options("", false);
  options.device_directory = (folder / "devices").string();
  const auto plan = load_bus_plan(machine_file(), options);
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().message.find("needs 6.24 ms per cycle of 1 ms, 0.90 ms available"),
            std::string::npos)
      << plan.error().message;
}

TEST_F(MachineFile, ADriveWithoutALoadCellIsRefused) {
  const std::string descriptor = read_all(devices() + "canonical-drive.toml");
  const std::size_t at = descriptor.find("[[register]]\nname = \"load_cell\"");
  ASSERT_NE(at, std::string::npos);
  const std::size_t next = descriptor.find("[[register]]", at + 1);
  fs::create_directories(folder / "devices");
  std::ofstream(folder / "devices" / "canonical-drive.toml")
      << descriptor.substr(0, at) << descriptor.substr(next);
  fs::copy_file(devices() + "canonical-panel.toml", folder / "devices" / "canonical-panel.toml");
  BusOptions options = bus_options("", false);
  options.device_directory = (folder / "devices").string();
  const auto plan = load_bus_plan(machine_file(), options);
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().message.find("has no register load_cell, and nobody else measures"),
            std::string::npos)
      << plan.error().message;
}

TEST_F(MachineFile, LockstepTakesOneLink) {
  const std::string two =
      read_all(machine_file()) +
      "\n[[link]]\nname = \"second\"\ntransport = \"tcp\"\nhost = \"127.0.0.1\"\nport = 1\n"
      "[[device]]\nname = \"p2\"\nlink = \"second\"\ndescriptor = \"canonical-pelvis-tilt\"\n";
  BusOptions options = bus_options("", true);
  options.pelvis_sensor = true;
  options.device_directory = devices();
  const auto plan = load_bus_plan(put("machine.toml", two), options);
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().message.find("exactly one [[link]]"), std::string::npos)
      << plan.error().message;
}

}  // namespace
}  // namespace medius::hal::modbus
