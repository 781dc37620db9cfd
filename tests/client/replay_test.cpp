// Which parameters a replay uses and from when, and what is said about it.
#include "client/replay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/replay_text.hpp"

namespace medius::client {
namespace {

using record::GivenKind;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kRatio = "eccentric_ratio";

const station::PluginHost& profiles() {
  static station::PluginHost host;
  static const bool loaded = [] {
    EXPECT_THAT(host.load_directory(MEDIUS_PLUGIN_DIR), IsEmpty());
    return true;
  }();
  EXPECT_TRUE(loaded);
  return host;
}

record::SetRecord recorded() {
  record::SetRecord set;
  set.id = "0000000000000002";
  set.session_id = "0000000000000001";
  set.profile_id = "eccentric-emphasis";
  set.parameters = {{kRatio, 1.2}};
  set.start_tick = 1000;
  set.given.detector_version = measure::kDetectorVersion;
  set.given.changes = {{1000, GivenKind::kEngaged, "", 0.0},
                       {3000, GivenKind::kLoadRequested, "", 55.0},
                       {6000, GivenKind::kParameter, kRatio, 1.4}};
  return set;
}

std::vector<ParameterUse> of_ratio(const std::vector<ParameterUse>& all) {
  std::vector<ParameterUse> out;
  for (const ParameterUse& one : all) {
    if (one.name == kRatio) out.push_back(one);
  }
  return out;
}

TEST(ReplayParameters, AreThoseOfTheSetAndWhatWasOrderedDuringIt) {
  const auto planned = plan_parameters(recorded(), "eccentric-emphasis", {}, profiles());
  ASSERT_TRUE(planned) << planned.error();
  const auto ratio = of_ratio(*planned);
  ASSERT_EQ(ratio.size(), 2u);
  EXPECT_EQ(ratio[0].source, ParameterSource::kRecorded);
  EXPECT_EQ(ratio[0].value, 1.2);
  EXPECT_EQ(ratio[0].tick, 1000u);
  EXPECT_EQ(ratio[1].source, ParameterSource::kOrdered);
  EXPECT_EQ(ratio[1].tick, 6000u);
  EXPECT_EQ(ratio[1].value, 1.4);
  EXPECT_EQ(ratio[1].unused, "");
}

TEST(ReplayParameters, ThatWereAskedForFromTheStartHoldThroughoutAndSaySo) {
  const std::vector<AskedParameter> asked{{kRatio, 1.5, 0.0}};
  const auto planned = plan_parameters(recorded(), "eccentric-emphasis", asked, profiles());
  ASSERT_TRUE(planned) << planned.error();
  const auto ratio = of_ratio(*planned);
  ASSERT_EQ(ratio.size(), 2u);
  EXPECT_EQ(ratio[0].source, ParameterSource::kAsked);
  EXPECT_EQ(ratio[0].value, 1.5);
  EXPECT_THAT(ratio[1].unused, HasSubstr("--params"));
}

TEST(ReplayParameters, ThatWereAskedForFromATimeOnComeBetweenWhatWasOrdered) {
  const std::vector<AskedParameter> asked{{kRatio, 1.5, 2.5}};
  const auto planned = plan_parameters(recorded(), "eccentric-emphasis", asked, profiles());
  ASSERT_TRUE(planned) << planned.error();
  const auto ratio = of_ratio(*planned);
  ASSERT_EQ(ratio.size(), 3u);
  EXPECT_EQ(ratio[1].tick, 3500u);
  EXPECT_EQ(ratio[1].source, ParameterSource::kAsked);
  EXPECT_EQ(ratio[2].source, ParameterSource::kOrdered);
}

TEST(ReplayParameters, OfAnotherProfileAreItsDefaultsAndNothingThatWasOrderedOfTheFirst) {
  const auto planned = plan_parameters(recorded(), "chains", {}, profiles());
  ASSERT_TRUE(planned) << planned.error();
  for (const ParameterUse& one : *planned) {
    if (one.source == ParameterSource::kOrdered) {
      EXPECT_THAT(one.unused, HasSubstr("eccentric-emphasis"));
    } else {
      EXPECT_EQ(one.source, ParameterSource::kDefault);
    }
  }
}

TEST(ReplayParameters, ThatCannotBeAreRefusedByName) {
  for (const auto& [name, value] : {std::pair{"nonsense", 1.0}, std::pair{kRatio, 17.0}}) {
    const std::vector<AskedParameter> asked{{name, value, 0.0}};
    const auto planned = plan_parameters(recorded(), "eccentric-emphasis", asked, profiles());
    ASSERT_FALSE(planned) << name;
    EXPECT_THAT(planned.error(), HasSubstr(name));
  }
  const auto nobody = plan_parameters(recorded(), "nobody", {}, profiles());
  ASSERT_FALSE(nobody);
  EXPECT_THAT(nobody.error(), HasSubstr("nobody"));
}

TEST(ReplayParameters, AreReadWithAndWithoutATime) {
  const auto plain = parse_parameter("eccentric_ratio=1.3");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->value, 1.3);
  EXPECT_EQ(plain->from_s, 0.0);
  const auto later = parse_parameter("eccentric_ratio=1.3@12.5");
  ASSERT_TRUE(later);
  EXPECT_EQ(later->from_s, 12.5);
  for (const char* bad : {"", "x", "x=", "=1", "x=1@", "x=1@-2", "x=nan", "x=1@2@3", "x=1 "}) {
    const auto refused = parse_parameter(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_THAT(refused.error(), HasSubstr("NAME=NUMBER@SECONDS"));
  }
}

TEST(ReplayLines, SayWhichParametersWereUsedFromWhenAndWhatTheRecordingLacks) {
  const record::SetRecord set = recorded();
  const std::vector<AskedParameter> asked{{kRatio, 1.5, 0.0}};
  const auto planned = plan_parameters(set, "eccentric-emphasis", asked, profiles());
  ASSERT_TRUE(planned);
  Replay replay;
  replay.differences = {"direction changes: 16 stored, 18 replayed"};
  replay.lacking = {"7 samples were lost"};
  const ReplayedText text{set, {}, replay, *planned, "eccentric-emphasis", 0};
  const std::vector<std::string> lines = replay_lines(text);
  EXPECT_THAT(lines, Contains(HasSubstr("from the start   eccentric_ratio 1.5, by --params")));
  EXPECT_THAT(lines, Contains(HasSubstr("eccentric_ratio 1.4, ordered from 5.000 s")));
  EXPECT_THAT(lines, Contains(HasSubstr("2.000 s      load 55 N asked for")));
  EXPECT_THAT(lines, Contains(HasSubstr("differs: direction changes: 16 stored")));
  EXPECT_THAT(lines, Contains(HasSubstr("lacks: 7 samples were lost")));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("every repetition, boundary"))));
  replay.differences.clear();
  EXPECT_THAT(replay_lines({set, {}, replay, *planned, "eccentric-emphasis", 0}),
              Contains(HasSubstr("every repetition, boundary, count and metric the same")));
}

}  // namespace
}  // namespace medius::client
