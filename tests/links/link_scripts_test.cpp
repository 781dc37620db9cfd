// Link faults against the real bus thread and loop: a first ten of the hundred random scripts that
// link_campaign plays, some made by hand, and that the judge would notice.
#include <gtest/gtest.h>

#include "tests/links/link_run.hpp"
#include "tests/links/process_counts.hpp"

namespace medius::sim::proxy {
namespace {

std::string problems(const RunResult& result) {
  std::string text = result.faults;
  for (const std::string& problem : result.problems) text += "\n  " + problem;
  return text;
}

Script script_of(std::uint64_t seed, std::initializer_list<std::pair<int, const char*>> steps) {
  Script script;
  script.seed = seed;
  for (const auto& [at_ms, text] : steps) script.steps.push_back({at_ms, *parse_fault(text)});
  return script;
}

class RandomScript : public testing::TestWithParam<int> {};

TEST_P(RandomScript, OverTcpGivesNothingStaleAndForceOnlyAfterAReset) {
  const RunOptions options{Wire::kTcp, true};
  const ProcessCounts before = process_counts();
  const RunResult result =
      run_script(campaign_script(static_cast<std::uint64_t>(GetParam()), options), options);
  EXPECT_TRUE(result.problems.empty()) << problems(result);
  EXPECT_EQ(settled_counts(before), before);
}

TEST_P(RandomScript, OnALineGivesNothingStaleAndForceOnlyAfterAReset) {
  const RunOptions options{Wire::kRtu, GetParam() % 2 == 1};
  const ProcessCounts before = process_counts();
  const RunResult result =
      run_script(campaign_script(static_cast<std::uint64_t>(GetParam()), options), options);
  EXPECT_TRUE(result.problems.empty()) << problems(result);
  EXPECT_EQ(settled_counts(before), before);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomScript, testing::Range(1, 11));

// Found by the first random script: before the first command of a connection answers were only
// read, and nothing told a replayed one from a fresh one.
TEST(LinkScript, AnAnswerOfTheConnectionBeforeIsNotTakenOnTheNextOne) {
  const Script script =
      script_of(3, {{100, "stale by=8 for=900"}, {200, "reset chance=0.05 for=700"}});
  const RunResult result = run_script(script, {Wire::kTcp, true});
  EXPECT_TRUE(result.problems.empty()) << problems(result);
  EXPECT_GT(result.faults_done, 50u);
  EXPECT_TRUE(result.latched);
}

// Found where a busy host held up the loop: rounds that only read had the number of the last
// command, and nothing told their answers apart.
TEST(LinkScript, AnOldAnswerIsNotTakenWhileTheLoopStandsStill) {
  for (const Wire wire : {Wire::kTcp, Wire::kRtu}) {
    const Script script = script_of(7, {{50, "stale by=2 unit=1 chance=0.4 for=1500"}});
    const RunResult result = run_script(script, {wire, true, 9});
    EXPECT_TRUE(result.problems.empty()) << problems(result);
    EXPECT_GT(result.faults_done, 50u);
  }
}

TEST(LinkScript, ALongOutageIsOverWithinTwoSecondsOfItsEnd) {
  for (const Wire wire : {Wire::kTcp, Wire::kRtu}) {
    const RunResult result = run_script(script_of(4, {{50, "refuse for=2500"}}), {wire, true});
    EXPECT_TRUE(result.problems.empty()) << problems(result);
    EXPECT_TRUE(result.latched);
    EXPECT_LE(result.heal_connects, 3u) << "attempts that failed though nothing was wrong";
  }
}

// Without faults nothing is latched and nothing is wrong: what the judge finds, faults have done.
TEST(LinkScript, ThatDoesNothingChangesNothing) {
  for (const Wire wire : {Wire::kTcp, Wire::kRtu}) {
    const RunResult result = run_script(script_of(5, {{50, "drop unit=9 for=300"}}), {wire, true});
    EXPECT_TRUE(result.problems.empty()) << problems(result);
    EXPECT_EQ(result.faults_done, 0u);
  }
}

// The negative control: a device without an echo behind a gateway with a cache. Its answers are
// well-formed and old, nothing in them says so, and the judge does.
TEST(LinkScript, TheJudgeFindsOldAnswersWhereNothingInThemSaysThatTheyAreOld) {
  const RunResult result =
      run_script(script_of(6, {{50, "stale by=1 unit=1 chance=0.3 for=800"}}), {Wire::kTcp, false});
  EXPECT_GT(result.stale + result.repeated, 10u);
  EXPECT_FALSE(result.problems.empty());
}

}  // namespace
}  // namespace medius::sim::proxy
