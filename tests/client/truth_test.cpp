#include "client/truth.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace medius::client {
namespace {

// A set of four strokes out and in, 0.3 m, 2 s each way: 60 N out and 78 N in at the cuff.
struct Movement {
  double position = 0.0, velocity = 0.0, tension = 0.0;
};
Movement movement_at(double t) {
  constexpr double kPi = 3.14159265358979323846;
  Movement m;
  m.position = 0.15 * (1.0 - std::cos(kPi * t / 2.0));
  m.velocity = 0.15 * kPi / 2.0 * std::sin(kPi * t / 2.0);
  m.tension = m.velocity >= 0.0 ? 60.0 : 78.0;
  return m;
}

constexpr int kTicks = 16'000;

// Truth from a plant that has run for `lead` ticks before the set, whose first tick is `first`.
Truth truth_of(std::uint64_t first, std::uint64_t lead, double tension_factor) {
  Truth truth;
  truth.sets.push_back({"left", 4, 8, {0.3, 0.3, 0.3, 0.3}, 1});
  for (std::uint64_t i = 0; i < lead + kTicks + 500; ++i) {
    const std::uint64_t tick = first - lead + i;
    Movement m;
    if (tick >= first) m = movement_at(1e-3 * static_cast<double>(tick - first));
    truth.rows.push_back(
        {static_cast<std::uint16_t>(tick), m.position, m.velocity, tension_factor * m.tension});
  }
  return truth;
}

v1::RecordedSamples samples_of(std::uint64_t first) {
  v1::RecordedSamples samples;
  for (std::uint64_t i = 0; i < kTicks; ++i) {
    const Movement m = movement_at(1e-3 * static_cast<double>(i));
    samples.add_tick(first + i);
    samples.add_force_target(m.tension);
    samples.add_force_measured(m.tension);
  }
  return samples;
}

record::SetRecord left_set() {
  record::SetRecord set;
  set.index = 1;
  set.side = record::Side::kLeft;
  return set;
}

TEST(Truth, JoinsEveryTickOfTheSetAcrossWrapsOfTheSequence) {
  for (const std::uint64_t first : {std::uint64_t{1'000}, std::uint64_t{60'000},
                                    std::uint64_t{65'536}, std::uint64_t{1'000'000}}) {
    const Truth truth = truth_of(first, std::min<std::uint64_t>(first, 90'000), 1.0);
    const auto rows = join(truth.rows, samples_of(first));
    ASSERT_EQ(rows.size(), static_cast<std::size_t>(kTicks)) << first;
    for (const JoinedRow& row : rows) {
      ASSERT_EQ(row.truth.cuff_tension_n, row.target_n);
    }
  }
}

TEST(Truth, GivesRatioErrorAndCountsOfTheSet) {
  const auto exact = judge_set(truth_of(5'000, 5'000, 1.0), left_set(), samples_of(5'000));
  EXPECT_EQ(exact.reps, 4);
  EXPECT_EQ(exact.direction_changes, 8);
  ASSERT_TRUE(exact.rendered_ratio);
  EXPECT_NEAR(*exact.rendered_ratio, 1.3, 1e-6);
  EXPECT_NEAR(*exact.rms_error_percent, 0.0, 1e-6);
  EXPECT_NEAR(*exact.range_mean, 0.3, 1e-9);
  const auto off = judge_set(truth_of(5'000, 5'000, 1.05), left_set(), samples_of(5'000));
  EXPECT_NEAR(*off.rms_error_percent, 5.0, 0.2) << "negative control: 5 % too much is seen";
}

TEST(Truth, OfAnotherSideOrTimeIsNotMixedIn) {
  record::SetRecord right = left_set();
  right.side = record::Side::kRight;
  EXPECT_FALSE(judge_set(truth_of(5'000, 5'000, 1.0), right, samples_of(5'000)).reps);
  EXPECT_TRUE(join({}, samples_of(5'000)).empty());
  EXPECT_TRUE(join(truth_of(5'000, 100, 1.0).rows, v1::RecordedSamples{}).empty());
}

TEST(Truth, IsReadFromTheFilesOfTheSimulator) {
  std::string folder = std::filesystem::temp_directory_path() / "medius-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/t.json")
      << R"({"machine":"cable","seed":1,"samples":"/elsewhere/t.csv",)"
      << R"("metres_per_unit":1,"sets":[{"number":1,"side":"left","reps":8,)"
      << R"("direction_changes":16,"range_m":[0.3,0.31],"concentric_s":[2.0]}]})";
  std::ofstream(folder + "/t.csv") << "wall_ns,cmd_seq,ring_m,ring_mps,cuff_n,motor_n\n"
                                   << "1,65535,0.1,0.01,60.5,62\n2,0,0.2,0.02,61.5,62\n3,1,0.3";
  const auto truth = load_truth(folder + "/t.json");
  ASSERT_TRUE(truth) << truth.error();
  ASSERT_EQ(truth->sets.size(), 1u);
  EXPECT_EQ(truth->sets[0].reps, 8);
  ASSERT_EQ(truth->rows.size(), 2u) << "the half line at the end is still being written";
  EXPECT_EQ(truth->rows[0].command_sequence, 65535);
  EXPECT_EQ(truth->rows[1].cuff_tension_n, 61.5);

  std::ofstream(folder + "/t.csv") << "wall_ns,cmd_seq\n1,2\n";
  const auto columns = load_truth(folder + "/t.json");
  ASSERT_FALSE(columns);
  EXPECT_NE(columns.error().find("ring_m"), std::string::npos);
  std::ofstream(folder + "/t.json") << "{";
  EXPECT_FALSE(load_truth(folder + "/t.json"));
  EXPECT_FALSE(load_truth(folder + "/none.json"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace medius::client
