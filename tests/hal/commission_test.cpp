// The parts of commissioning that need no device: where a scan looks, and how a machine file is
// edited.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "hal/commission/machine_edit.hpp"
#include "hal/commission/scan.hpp"

namespace medius::hal {
namespace {

namespace fs = std::filesystem;

TEST(ScanTargets, AddressesRangesSubnetsPortsAndLines) {
  const auto targets = scan_targets(
      {"192.168.10.10", "192.168.10.250-252:502-503", "10.0.0.0/30:1502", "/dev/ttyUSB0"});
  ASSERT_TRUE(targets.has_value()) << targets.error();
  ASSERT_EQ(targets->size(), 1u + 6u + 2u + 1u);
  EXPECT_EQ((*targets)[0].where, "192.168.10.10");
  EXPECT_EQ((*targets)[0].port, 502);
  EXPECT_EQ((*targets)[6].where, "192.168.10.252");
  EXPECT_EQ((*targets)[6].port, 503);
  EXPECT_EQ((*targets)[7].where, "10.0.0.1");
  EXPECT_EQ((*targets)[8].where, "10.0.0.2");
  EXPECT_TRUE((*targets)[9].serial);
}

TEST(ScanTargets, MistakesNameWhatIsWrong) {
  const auto error = [](const std::string& text) {
    const auto targets = scan_targets({text});
    return targets ? std::string() : targets.error();
  };
  EXPECT_NE(error("192.168.10.20-10").find("must be 20 to 255"), std::string::npos);
  EXPECT_NE(error("192.168.10.0/8").find("16 to 32 bits"), std::string::npos);
  EXPECT_NE(error("192.168.0.0/16").find("1024 are the most"), std::string::npos);
  EXPECT_NE(error("192.168.10.1:0").find("from 1 to 65535"), std::string::npos);
  EXPECT_NE(error("192.168.10.1:x").find("from 1 to 65535"), std::string::npos);
  EXPECT_FALSE(number_list("1-300", 0, 255).has_value());
  EXPECT_FALSE(number_list("", 0, 255).has_value());
  EXPECT_FALSE(number_list("5-", 0, 255).has_value());
  EXPECT_EQ(*number_list("1-3,255,2", 0, 255), (std::vector<int>{1, 2, 3, 255}));
}

TEST(Scan, ARateThatLibmodbusDoesNotKnowIsRefused) {
  ScanOptions options;
  options.targets = {"/dev/null"};
  options.bauds = {128000};
  const auto found = scan(options, [](const std::string&, double) { return true; });
  ASSERT_FALSE(found.has_value());
  EXPECT_NE(found.error().find("128000"), std::string::npos);
}

constexpr const char* kFile = R"(# A station.
[[axis]]
name = "left"                 # the left arm
coordinate = "lever"
[axis.control]
reflected_mass_kgm2 = 0.5     # of the left one

[[axis]]
name = "right"
coordinate = "lever"
[ axis.control ]              # blanks are allowed
reflected_mass_kgm2 = 0.6     # guessed
kp = 0.05                     # stays
[axis.bounds]
force_max_nm = 100.0

[[link]]
name = "right"
)";

TEST(MachineEdit, ChangesOneLineOfTheRightAxisAndNothingElse) {
  std::vector<KeyEdit> edits{{"control", "reflected_mass_kgm2", "0.71", "identified", ""}};
  const auto text = edited(kFile, "right", edits);
  ASSERT_TRUE(text.has_value()) << text.error();
  EXPECT_EQ(edits[0].before, "0.6");
  std::string expected = kFile;
  const std::string old_line = "reflected_mass_kgm2 = 0.6     # guessed";
  expected.replace(expected.find(old_line), old_line.size(),
                   "reflected_mass_kgm2 = 0.71    # identified");
  EXPECT_EQ(*text, expected);
}

TEST(MachineEdit, AddsAMissingKeyAndKeepsACommentThatNobodyReplaces) {
  std::vector<KeyEdit> edits{{"control", "dead_time_s", "0.0030", "", ""},
                             {"control", "kp", "0.06", "", ""}};
  const auto text = edited(kFile, "right", edits);
  ASSERT_TRUE(text.has_value());
  EXPECT_NE(text->find("# blanks are allowed\ndead_time_s = 0.0030\n"), std::string::npos);
  EXPECT_NE(text->find("kp = 0.06                     # stays\n"), std::string::npos);
  EXPECT_TRUE(edits[0].before.empty());
}

TEST(MachineEdit, RefusesAnAxisOrATableThatIsNotThere) {
  std::vector<KeyEdit> edits{{"control", "kp", "0.06", "", ""}};
  EXPECT_FALSE(edited(kFile, "middle", edits).has_value());
  edits[0].table = "load_cell_error";
  const auto text = edited(kFile, "right", edits);
  ASSERT_FALSE(text.has_value());
  EXPECT_NE(text.error().find("kp = 0.06"), std::string::npos) << "says what to write by hand";
}

class MachineFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("medius-edit-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    file_ = (folder_ / "machine.toml").string();
    fs::copy_file(fs::path(MEDIUS_SOURCE_DIR) / "hal/machines/cable-station-sim.toml", file_,
                  fs::copy_options::overwrite_existing);
    source_ = {file_, std::string(MEDIUS_SOURCE_DIR) + "/hal/devices", {}};
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
  std::string file_;
  MachineSource source_;
};

IdentifyResult identified() {
  IdentifyResult result;
  result.axis = "cable";
  result.fitted = true;
  result.fit.mass = {2.6, 0.02};
  result.fit.coulomb = {5.0, 0.1};
  result.fit.dead_time_s = {0.0041, 0.0001};
  result.cell_zero = {-0.72, 0.3};
  return result;
}

TEST_F(MachineFile, TakesTheResultKeepsTheOldOneAndEveryOtherLine) {
  auto edits = edits_of(identified(), file_, "2026-01-02");
  ASSERT_TRUE(edits.has_value()) << edits.error();
  const std::string before = *read_text(file_);
  const auto text = edited(before, "cable", *edits);
  ASSERT_TRUE(text.has_value());
  const auto backup = replace_machine_file(source_, *text);
  ASSERT_TRUE(backup.has_value()) << backup.error();
  EXPECT_EQ(*read_text(*backup), before);
  const std::string after = *read_text(file_);
  EXPECT_NE(after.find("reflected_mass_kg = 2.9"), std::string::npos);
  // 4.1 ms with the drive's lag of 0.8 ms in it.
  EXPECT_NE(after.find("dead_time_s = 0.0035"), std::string::npos);
  EXPECT_NE(after.find("offset_n = 0.72"), std::string::npos);
  const auto lines = [](const std::string& each) {
    return std::count(each.begin(), each.end(), '\n');
  };
  EXPECT_EQ(lines(after), lines(before));
  EXPECT_TRUE(replace_machine_file(source_, *text).has_value());
  EXPECT_TRUE(fs::exists(file_ + ".before-identify.1")) << "a second run keeps the first backup";
  for (const auto& entry : fs::directory_iterator(folder_)) {
    EXPECT_EQ(entry.path().string().find(".new"), std::string::npos) << entry.path();
    EXPECT_EQ(entry.path().string().find("trial"), std::string::npos) << entry.path();
  }
}

TEST_F(MachineFile, IsLeftAsItIsWhenItWouldBeRefusedAfterwards) {
  const std::string before = *read_text(file_);
  const auto backup = replace_machine_file(source_, before + "\n[[link]]\nname = \"machine\"\n");
  ASSERT_FALSE(backup.has_value());
  EXPECT_EQ(*read_text(file_), before);
  EXPECT_FALSE(fs::exists(file_ + ".before-identify"));
}

}  // namespace
}  // namespace medius::hal
