// Isometric tests as sessions: a block with holds, from the program file to the store.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "tests/world/live_world.hpp"

namespace {

using namespace medius;
namespace fs = std::filesystem;

// A directory of programs with the catalogue and one block of holds.
class Holds : public testing::Test {
 protected:
  void SetUp() override {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    directory_ = fs::path(testing::TempDir()) / ("medius-holds-" + name);
    fs::create_directories(directory_);
    fs::copy_file(std::string(MEDIUS_SOURCE_DIR) + "/programs/exercises.toml",
                  directory_ / "exercises.toml", fs::copy_options::overwrite_existing);
  }
  void TearDown() override { fs::remove_all(directory_); }

  sim::SessionResult play(const std::string& machine, const std::string& block) {
    std::ofstream(directory_ / "test.toml") << "title = \"Isometric test\"\n[[block]]\n" << block;
    sim::WorldOptions options = test::world_options(machine, 1);
    options.program_directory = directory_.string();
    return test::play(options, "test");
  }
  fs::path directory_;
};

TEST_F(Holds, AnIsometricHipAbductionTestRunsOnBothSidesOfTheCableStation) {
  const auto result = play("cable-station-sim", R"(
exercise = "cable-standing-abduction"
sides = ["left", "right"]
sets = 1
holds = 3
hold_s = 4.0
load_n = 100.0
rest_s = 10.0
profile = "isometric"
)");
  ASSERT_TRUE(result.completed) << result.reason;
  ASSERT_EQ(result.sets.size(), 2u);
  for (const sim::SimulatedSet& set : result.sets) {
    EXPECT_EQ(set.stored.end, record::SetEnd::kCount);
    EXPECT_EQ(set.stored.reps_counted, 3u);
    EXPECT_EQ(set.stored.reps_partial, 0u);
    EXPECT_EQ(set.truth.reps, 3);
    double peak = 0.0, rfd = 0.0, spread = -1.0;
    for (const measure::MetricValue& value : set.stored.metrics) {
      if (value.id == measure::MetricId::kIsometricPeak) peak = value.value;
      if (value.id == measure::MetricId::kIsometricRfd200) rfd = value.value;
      if (value.id == measure::MetricId::kIsometricVariation) spread = value.value;
    }
    std::printf("peak %.1f N, RFD200 %.0f N/s, variation %.2f %%\n", peak, rfd, spread);
    EXPECT_NEAR(peak, 80.0, 12.0);  // what the person pushes with, above the pretension
    EXPECT_GT(rfd, 150.0);
    EXPECT_LT(spread, 10.0);
  }
}

TEST_F(Holds, AreRefusedOnADriveThatGivesWay) {
  const fs::path machine = directory_ / "soft.toml";
  std::ifstream file(std::string(MEDIUS_SOURCE_DIR) + "/hal/machines/cable-station-sim.toml");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::string key = "drive_velocity_mode = true";
  text.replace(text.find(key), key.size(), "drive_velocity_mode = false");
  std::ofstream(machine) << text;
  std::ofstream(directory_ / "test.toml") << R"(title = "Isometric test"
[[block]]
exercise = "cable-standing-abduction"
sides = ["left"]
holds = 3
hold_s = 4.0
load_n = 100.0
profile = "isometric"
)";
  sim::SimulateOptions options;
  options.world = test::world_options("cable-station-sim", 1);
  options.world.machine_file = machine.string();
  options.world.program_directory = directory_.string();
  options.program_id = "test";
  const auto result = sim::simulate_session(options);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().find("gives way by 60 mm for 100 N"), std::string::npos)
      << result.error();
}

TEST_F(Holds, RunOnBothArmsOfTheSeatedMachine) {
  const auto result = play("seated-hip-abduction-sim", R"(
exercise = "seated-abduction"
sides = ["both"]
sets = 1
holds = 1
hold_s = 3.0
load_nm = 40.0
profile = "isometric"
)");
  ASSERT_TRUE(result.completed) << result.reason;
  ASSERT_EQ(result.sets.size(), 2u);
  for (const sim::SimulatedSet& set : result.sets) {
    EXPECT_EQ(set.stored.end, record::SetEnd::kCount);
    EXPECT_EQ(set.stored.reps_counted, 1u);
    EXPECT_EQ(set.truth.reps, 1);
  }
}

}  // namespace
