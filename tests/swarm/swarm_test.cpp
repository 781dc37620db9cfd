#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "sim/swarm/campaign.hpp"
#include "sim/swarm/shrink.hpp"

namespace medius::sim {
namespace {

RunFiles files() {
  spdlog::set_level(spdlog::level::off);
  return {MEDIUS_SOURCE_DIR "/hal", MEDIUS_SOURCE_DIR "/programs", MEDIUS_PLUGIN_DIR};
}

TEST(FaultTable, HasAllRowsInOrderAndEachIsInjectedOrNamesWhoShowsIt) {
  int number = 0;
  for (const FaultRow& row : fault_table()) {
    EXPECT_EQ(row.number, ++number);
    EXPECT_STRNE(row.name, "");
    if (row.injector == Injector::kNone) {
      EXPECT_STRNE(row.shown_by, "") << row.number;
    } else {
      EXPECT_NE(row.phases, 0) << row.number;
      EXPECT_EQ(row.expected.front() == safety::FaultCode::kNone, row.budget_ms == 0.0)
          << row.number;
    }
  }
  EXPECT_EQ(number, 88);
}

TEST(FaultTable, ItsPageIsUpToDate) {
  std::ifstream file(MEDIUS_SOURCE_DIR "/sim/faults/FAULTS.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), fault_page()) << "medius-swarm --table > sim/faults/FAULTS.md";
}

TEST(Scenario, ASeedAlwaysGivesTheSameOneAndItsFileGivesItBack) {
  for (std::uint64_t seed = 1; seed < 300; ++seed) {
    const nlohmann::json json = to_json(expand(seed));
    EXPECT_EQ(json, to_json(expand(seed)));
    const auto back = from_json(nlohmann::json::parse(json.dump()));
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(to_json(*back), json);
  }
}

TEST(Scenario, AThirdHasNoFaultAThirdOneAThirdMore) {
  int with[5] = {};
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) ++with[expand(seed).faults.size()];
  EXPECT_NEAR(with[0], 1000, 120);
  EXPECT_NEAR(with[1], 1000, 120);
  EXPECT_NEAR(with[2] + with[3] + with[4], 1000, 120);
}

// As many single-fault seeds as there are cells meet each of them once, wherever they begin.
TEST(Scenario, AnyRowOfSeedsMeetsEveryCellOfAFaultAPhaseAndAMachine) {
  const std::size_t cells = reachable_cells().size();
  std::set<Cell> met;
  for (std::uint64_t seed = 100'000; seed < 100'000 + 3 * cells; ++seed) {
    const Scenario s = expand(seed);
    if (s.faults.size() == 1) met.insert({s.faults[0].row, s.faults[0].phase, s.seated});
  }
  EXPECT_EQ(met.size(), cells);
}

TEST(Scenario, AnyRowOfSeedsMeetsEveryPairThatCanBe) {
  const std::size_t pairs = reachable_pairs().size();
  std::set<Pair> met;
  for (std::uint64_t seed = 7000; seed < 7000 + 3 * pairs; ++seed) {
    const Scenario s = expand(seed);
    if (s.faults.size() < 2) continue;
    const int a = s.faults[0].row, b = s.faults[1].row;
    met.insert({std::min(a, b), std::max(a, b)});
  }
  EXPECT_EQ(met.size(), pairs);
}

TEST(Scenario, AFaultStrikesOnlyWhereItsRowSaysAndNeverBesideOneItCannotActWith) {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    const Scenario s = expand(seed);
    for (const FaultEvent& event : s.faults) {
      EXPECT_TRUE(find_fault(event.row)->strikes(event.phase, s.seated)) << describe(s);
      for (const UnreachablePair& pair : unreachable_pairs()) {
        const bool both = pair.rows.first == event.row &&
                          std::any_of(s.faults.begin(), s.faults.end(), [&](const auto& other) {
                            return other.row == pair.rows.second;
                          });
        EXPECT_FALSE(both) << describe(s);
      }
    }
  }
}

TEST(Coverage, ItsBoundIsClopperAndPearsons) {
  // 1 - 0.05^(1/n) without a miss; otherwise the binomial sums to 5 % at the bound.
  EXPECT_NEAR((Coverage{300, 300}.lower_percent()), 99.0064, 1e-3);
  EXPECT_NEAR((Coverage{30, 30}.lower_percent()), 90.4966, 1e-3);
  EXPECT_NEAR((Coverage{10, 9}.lower_percent()), 60.5837, 1e-3);
  EXPECT_NEAR((Coverage{1000, 995}.lower_percent()), 98.9521, 1e-3);
  EXPECT_EQ((Coverage{0, 0}.lower_percent()), 0.0);
  EXPECT_EQ((Coverage{5, 0}.lower_percent()), 0.0);
}

TEST(Campaign, TwoOfThemAddUpToOneAndNoSeedCountsTwice) {
  CampaignOptions options;
  options.files = files();
  options.seeds = 8;
  options.workers = 1;
  const CampaignResult whole = run_campaign(options);
  options.seeds = 4;
  const nlohmann::json first = campaign_json(run_campaign(options));
  options.first_seed = 5;
  const nlohmann::json second = campaign_json(run_campaign(options));
  CampaignResult sum;
  ASSERT_TRUE(add_json(sum, first));
  ASSERT_TRUE(add_json(sum, second));
  EXPECT_EQ(sum.seeds, whole.seeds);
  EXPECT_EQ(sum.trace_hash, whole.trace_hash);
  EXPECT_EQ(sum.cells, whole.cells);
  EXPECT_EQ(sum.pairs, whole.pairs);
  EXPECT_EQ(sum.sometimes, whole.sometimes);
  const auto again = add_json(sum, second);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(),
            "seeds 5 to 8 were run by another file too (5 to 8); leave one of them out");
  EXPECT_FALSE(add_json(sum, nlohmann::json::parse("{}")));
}

TEST(Scenario, AWrongFileIsRefusedWithKeyAndLimit) {
  EXPECT_EQ(from_json(nlohmann::json::parse(R"({"reps": 1000})")).error(),
            "reps is 1000: it must lie within 1 and 100");
  EXPECT_EQ(from_json(nlohmann::json::parse(R"({"faults": [{"row": 5}]})")).error(),
            "faults[0].row is 5: no row that can be injected has this number");
  EXPECT_FALSE(from_json(nlohmann::json::parse(R"({"machine": "rowing"})")));
  EXPECT_FALSE(from_json(nlohmann::json::parse("[]")));
}

TEST(Swarm, RunsTheSameScenarioBitForBitTwice) {
  for (const std::uint64_t seed : {3u, 12u, 35u}) {
    const auto first = run_scenario(expand(seed), files());
    const auto second = run_scenario(expand(seed), files());
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->trace_hash, second->trace_hash) << seed;
  }
}

// Whatever a campaign has found stays found: scenarios that once broke something.
TEST(Swarm, WhatOnceBrokeHolds) {
  int run = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(MEDIUS_SOURCE_DIR "/tests/swarm/scenarios")) {
    std::ifstream file(entry.path());
    const auto json = nlohmann::json::parse(file);
    const auto scenario = from_json(json["scenario"]);
    ASSERT_TRUE(scenario) << entry.path() << scenario.error();
    const auto verdict = run_scenario(*scenario, files());
    ASSERT_TRUE(verdict) << verdict.error();
    EXPECT_EQ(trouble(*verdict), "") << entry.path();
    if (json.contains("notice_within_ms")) {
      ASSERT_EQ(verdict->events.size(), 1u) << entry.path();
      EXPECT_TRUE(verdict->events[0].noticed) << entry.path();
      EXPECT_LE(verdict->events[0].took_ms, json["notice_within_ms"].get<double>()) << entry.path();
    }
    ++run;
  }
  EXPECT_GE(run, 51);
}

// The control of the judge of the disk: what no store can stand must be seen.
TEST(Swarm, ADiskThatLiesAboutItsSyncsIsFoundOut) {
  RunFiles lying = files();
  lying.disk_lies = true;
  int broken = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const Scenario scenario = expand(seed, {.row = 66});
    const auto honest = run_scenario(scenario, files());
    const auto verdict = run_scenario(scenario, lying);
    ASSERT_TRUE(honest && verdict);
    EXPECT_EQ(trouble(*honest), "") << seed;
    EXPECT_NE(honest->storage & kSetKept, 0u) << seed;
    if (trouble(*verdict) == "I11") ++broken;
  }
  EXPECT_GE(broken, 3);
}

TEST(Swarm, AHarmedDiskIsSeenAtWork) {
  std::uint32_t seen = 0;
  for (const int row : {66, 69, 70}) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      const auto verdict = run_scenario(expand(seed, {.row = row}), files());
      ASSERT_TRUE(verdict) << verdict.error();
      EXPECT_EQ(trouble(*verdict), "") << row << " " << seed;
      seen |= verdict->storage;
    }
  }
  EXPECT_EQ(seen, kDiskCallFailed | kAcknowledgementWithheld | kSetKept | kSetInterrupted);
}

// Every row that can be injected strikes, and is noticed in time where the table says so.
class EveryRow : public ::testing::TestWithParam<int> {};

TEST_P(EveryRow, StrikesAndIsNoticedWithinItsBudget) {
  CampaignOptions options;
  options.files = files();
  // Where a light load hides it, some of the seeds have one.
  const FaultRow& data = *find_fault(GetParam());
  options.seeds = data.least_load_n > 0.0 ? 16 : 4;
  options.workers = 1;
  options.draw.row = GetParam();
  const CampaignResult result = run_campaign(options);
  ASSERT_EQ(result.error, "");
  EXPECT_EQ(result.violations, 0u) << campaign_text(result);
  ASSERT_EQ(result.rows.count(GetParam()), 1u) << "never struck";
  const RowResult& row = result.rows.at(GetParam());
  EXPECT_GE(row.fired, 2u);
  EXPECT_EQ(row.in_time, row.judged) << campaign_text(result);
  const bool somebody_notices = data.expected.front() != safety::FaultCode::kNone;
  EXPECT_EQ(row.judged > 0, somebody_notices) << campaign_text(result);
}

std::vector<int> injectable_rows() {
  std::vector<int> rows;
  for (const FaultRow* row : drawn_rows()) rows.push_back(row->number);
  return rows;
}

INSTANTIATE_TEST_SUITE_P(FaultTable, EveryRow, ::testing::ValuesIn(injectable_rows()),
                         [](const auto& row) { return "Row" + std::to_string(row.param); });

}  // namespace
}  // namespace medius::sim
