// What a descriptor can say beyond the canonical map, and each mistake in it: named with file, key,
// value and what to do, in one sentence.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "hal/modbus/bus_plan.hpp"
#include "hal/modbus/enable_words.hpp"
#include "tests/hal/bus_loop.hpp"

namespace medius::hal::modbus {
namespace {

namespace fs = std::filesystem;

std::string source(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(std::string(MEDIUS_SOURCE_DIR) + path).rdbuf();
  return text.str();
}

std::string changed(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << "'" << from << "' is not in the file: the test is blind";
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

class Language : public testing::Test {
 protected:
  fs::path folder = fs::path(testing::TempDir()) /
                    ("medius-language-" +
                     std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
  void SetUp() override {
    fs::remove_all(folder);
    fs::create_directories(folder / "devices");
    for (const auto& entry :
         fs::directory_iterator(std::string(MEDIUS_SOURCE_DIR) + "/hal/devices")) {
      if (entry.path().extension() == ".toml") fs::copy(entry.path(), folder / "devices");
    }
  }
  void TearDown() override { fs::remove_all(folder); }

  // What is said of a shipped descriptor with one change; empty when it loads.
  std::string mistake(const std::string& device, const std::string& from, const std::string& to) {
    const std::string path = (folder / "devices" / (device + ".toml")).string();
    std::ofstream(path) << changed(source("/hal/devices/" + device + ".toml"), from, to);
    const auto loaded = load_descriptor(path, CoordinateKind::kCable);
    return loaded ? "" : loaded.error().message;
  }
  // Likewise of a shipped machine file.
  std::string machine_mistake(const std::string& machine, const std::string& from,
                              const std::string& to) {
    const std::string path = (folder / "machine.toml").string();
    std::ofstream(path) << changed(source("/hal/machines/" + machine + ".toml"), from, to);
    BusOptions options = bus_options("", false);
    options.device_directory = (folder / "devices").string();
    options.needs_panel = true;
    const auto plan = load_bus_plan(path, options);
    return plan ? "" : plan.error().message;
  }
};

TEST_F(Language, EachMistakeOfADescriptorIsNamed) {
  struct Mistake {
    const char *device, *from, *to, *says;
  };
  const Mistake mistakes[] = {
      {"kinco-fd", "address = 0x3C00\nwords = 1", "address = 0x3C00\nwords = 2",
       "1 are the most for fc6; split the window"},
      {"kinco-fd", "address = 0x3C00\nwords = 1", "address = 0x3C00\nwords = 1\nfunction = \"fc3\"",
       "'function' does not fit its block"},
      {"kinco-fd", "[freshness]\nstand_in = \"quarantine\"\n", "",
       "a late reply looks like a fresh one"},
      {"kinco-fd", "turnaround_max_us = 20000", "turnaround_max_us = 500",
       "'turnaround_max_us' is 500, less than 'turnaround_us' 1000"},
      {"kinco-fd", "sequence = \"cia402\"", "sequence = \"cia402\"\non = [1]",
       "'on' is for sequence = \"words\""},
      {"kinco-fd", "value = 4", "value = 4\nvalue_from = \"watchdog\"",
       "needs either 'value' or 'value_from'"},
      {"kinco-fd", "type = \"i8\"", "type = \"i32\"", "fc6 writes one; write function = \"fc16\""},
      {"nanotec-pd4", "write_words = 6", "write_words = 5", "is not aligned to 2 words"},
      {"lexium-32m", "separate_areas = true", "separate_areas = false",
       "overlap; move one of them"},
      {"lexium-32m", "value_from = \"watchdog\"", "value_from = \"watchdog\"\nread_back = false",
       "sets a limit, which must be read back"},
      {"lexium-32m", "counts = \"any-telegram\"", "counts = \"any-telegram\"\nregister = \"guard\"",
       "'register' is 'guard', which is not described"},
      {"inovance-sv6xx", "persistent = true", "persistent = true\nread_back = false",
       "would be written at every connect and wear out"},
      {"stepperonline-a6-rs", "address = 0x0000\ntype", "address = 0x0A05\ntype",
       "covers 2565, which must not be written"},
      {"stepperonline-a6-rs", "value = 3", "value = 3\nmask = 1", "has bits outside 'mask'"},
      {"stepperonline-a6-rs", "on = [1]\n", "", "'on' is missing"},
      {"laumas-tlb", "read_words = 5", "read_words = 33", "32 are the most; split the window"},
      {"laumas-tlb", "type = \"bits\"", "type = \"bits\"\nscale = 2.0", "is a word of bits"},
      {"laumas-tlb", "transaction = \"fc3\"", "transaction = \"fc23\"", "writes to a sensor"},
      {"advantech-adam-6050", "type = \"bits\"", "type = \"u16\"", "its 'type' must be bits"},
      {"advantech-adam-6050", "[[bit]]\nname = \"stop\"\nregister = \"inputs\"\nbit = 3\n", "",
       "gives all of reset, key, dead_man and stop"},
      {"kollmorgen-akd", "\"controlword\", ", "", "register 'controlword' is missing"},
      {"kollmorgen-akd", "\"controlword\", ", "\"controlword\", \"velocity\", ",
       "names 'velocity', which is described"},
      {"canonical-drive", "register = \"device_time\"", "register = \"position\"",
       "must be device_time"},
      {"canonical-drive", "[enable]", "[limits]\nspeed = \"commissioned\"\n[enable]",
       "'speed' is held by a register"},
  };
  for (const Mistake& each : mistakes) {
    const std::string said = mistake(each.device, each.from, each.to);
    EXPECT_NE(said.find(each.says), std::string::npos)
        << each.device << " '" << each.to << "': " << said;
    EXPECT_NE(said.find(std::string(each.device) + ".toml"), std::string::npos) << said;
    EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  }
}

TEST_F(Language, EachMistakeOfAMachineFileIsNamed) {
  struct Mistake {
    const char *machine, *from, *to, *says;
  };
  const Mistake mistakes[] = {
      {"cable-station-kinco-fd", "baud = 115200", "baud = 250000",
       "'baud' is 250000, which libmodbus does not know for sure"},
      {"cable-station-kinco-fd", "parity = \"none\"", "parity = \"none\"\nhost = \"10.0.0.1\"",
       "'host' is for transport = \"tcp\""},
      {"cable-station-inovance-sv6xx", "parity = \"none\"",
       "parity = \"none\"\nresponse_timeout_ms = 5", "the longest transaction takes"},
      {"cable-station-kinco-fd", "transport = \"tcp\"", "transport = \"tcp\"\nbaud = 9600",
       "'baud' is for transport = \"rtu\""},
      {"cable-station-kinco-fd", "travel_per_rev_m = 0.04398", "travel_per_rev_m = 0.0",
       "'travel_per_rev_m' is 0, must not be"},
      {"cable-station-kinco-fd", "force_per_count_n = 0.01", "unit_id = 1",
       "'force_per_count_n' is missing"},
      {"cable-station-kinco-fd", "watchdog_ms = 40", "watchdog_ms = 40\nrate_hz = 90",
       "lower 'rate_hz' of 'cable-drive', raise 'baud'"},
      {"cable-station-kinco-fd", "watchdog_ms = 40", "watchdog_ms = 40\nrate_hz = 50",
       "'rate_hz' is 50, a cycle of 20.0 ms; 15 ms is the most for force; raise it"},
      {"cable-station-kinco-fd", "baud = 115200", "baud = 38400", "15 ms is the most for force"},
      {"cable-station-kinco-fd", "descriptor = \"kinco-fd\"",
       "descriptor = \"kinco-fd\"\nunit_id = 248", "'unit_id' is 248, a serial line has 1 to 247"},
      {"cable-station-lexium-32m", "descriptor = \"beckhoff-ek9000\"",
       "descriptor = \"schneider-xps-mc\"", "there is no operator panel"},
      {"cable-station-lexium-32m",
       "link = \"cell\"\ndescriptor = \"laumas-tlb\"\naxis = \"cable\"\n",
       "link = \"cell\"\ndescriptor = \"laumas-tlb\"\n",
       "name the [[axis]] whose force it measures"},
      {"cable-station-sim", "[[device]]\nname = \"panel\"",
       "[[device]]\nname = \"cell\"\nlink = \"machine\"\ndescriptor = \"flintec-dad-141\"\naxis = "
       "\"cable\"\nforce_per_count_n = 0.01\n[[device]]\nname = \"panel\"",
       "that another load cell measures already"},
      {"cable-station-sim", "[[device]]\nname = \"panel\"",
       "[[device]]\nname = \"keys\"\nlink = \"machine\"\ndescriptor = \"beckhoff-ek9000\"\n"
       "[[device]]\nname = \"panel\"",
       "which another device gives already"},
  };
  for (const Mistake& each : mistakes) {
    const std::string said = machine_mistake(each.machine, each.from, each.to);
    EXPECT_NE(said.find(each.says), std::string::npos)
        << each.machine << " '" << each.to << "': " << said;
    EXPECT_NE(said.find("machine.toml"), std::string::npos) << said;
    EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  }
}

TEST_F(Language, TheDirectionOfTheMotorTurnsTorqueAndTravelTogether) {
  const std::string path = (folder / "machine.toml").string();
  const std::string good = source("/hal/machines/cable-station-kinco-fd.toml");
  BusOptions options = bus_options("", false);
  options.device_directory = (folder / "devices").string();
  std::ofstream(path) << good;
  const auto forwards = load_bus_plan(path, options);
  ASSERT_TRUE(forwards) << forwards.error().message;
  std::ofstream(path) << changed(good, "travel_per_rev_m = 0.04398", "travel_per_rev_m = -0.04398");
  const auto backwards = load_bus_plan(path, options);
  ASSERT_TRUE(backwards) << backwards.error().message;
  const auto scale = [](const BusPlan& plan, Field field) {
    return plan.links[0].devices[0].descriptor.field(field).scale;
  };
  EXPECT_NEAR(scale(*forwards, Field::kPosition), 0.04398 / 65536.0, 1e-12);
  EXPECT_EQ(scale(*forwards, Field::kPosition), -scale(*backwards, Field::kPosition));
  EXPECT_EQ(scale(*forwards, Field::kTargetForce), -0.01) << "inward is against a positive turn";
  EXPECT_EQ(scale(*backwards, Field::kTargetForce), 0.01);
}

TEST(EnableWords, GoOutOneAfterTheOtherAndTheLastStays) {
  EnableSpec enable;
  enable.kind = EnableKind::kWords;
  enable.on = {0x00, 0x06, 0x0F};
  enable.quick_stop = 2;
  enable.reset_high = 0x80;
  EnableWords words;
  const WordPace pace{2, 3};
  const auto next = [&](DriveState state, DriveRequest request) {
    return words.next(enable, state, request, pace);
  };
  std::vector<int> sent;
  for (int i = 0; i < 7; ++i) {
    sent.push_back(next(DriveState::kSwitchOnDisabled, DriveRequest::kEnable));
  }
  EXPECT_EQ(sent, (std::vector<int>{0, 0, 6, 6, 15, 15, 15}));
  EXPECT_EQ(next(DriveState::kOperationEnabled, DriveRequest::kQuickStop), 2);
  EXPECT_EQ(next(DriveState::kOperationEnabled, DriveRequest::kDisable), 0);
  EXPECT_EQ(next(DriveState::kOperationEnabled, DriveRequest::kEnable), 0) << "begins anew";
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(next(DriveState::kFault, DriveRequest::kEnable), 0)
        << "a fault is never enabled over";
  }
  sent.clear();
  for (int i = 0; i < 7; ++i) sent.push_back(next(DriveState::kFault, DriveRequest::kResetFault));
  EXPECT_EQ(sent, (std::vector<int>{0, 0, 0, 0x80, 0x80, 0x80, 0}));
}

TEST(EnableWords, StatesComeFromTheTableOrFromCia402) {
  EnableSpec enable;
  EXPECT_EQ(drive_state(enable, 0x0027), DriveState::kOperationEnabled);
  enable.states = {{0x3000, 0x2000, DriveState::kOperationEnabled},
                   {0x3000, 0x3000, DriveState::kFault}};
  EXPECT_EQ(drive_state(enable, 0x2001), DriveState::kOperationEnabled);
  EXPECT_EQ(drive_state(enable, 0x3FFF), DriveState::kFault);
  EXPECT_EQ(drive_state(enable, 0x0027), DriveState::kUnknown);
}

}  // namespace
}  // namespace medius::hal::modbus
