// What recomputation changed, as a person and as a program read it.
#include <gtest/gtest.h>

#include "client/recompute_text.hpp"

namespace medius::client {
namespace {

RecomputedSet example() {
  RecomputedSet set{"sessions/s/sets/t", {}};
  v1::MetricChange* change = set.answer.add_changes();
  change->set_repetition(3);
  change->mutable_before()->set_key("concentric_work");
  change->mutable_before()->set_value(23.5);
  change->mutable_before()->set_uncertainty(0.25);
  change->mutable_before()->set_version(1);
  change->mutable_after()->set_key("concentric_work");
  change->mutable_after()->set_value(24.0);
  change->mutable_after()->set_uncertainty(0.25);
  change->mutable_after()->set_unit("J");
  change->mutable_after()->set_version(2);
  v1::MetricChange* of_set = set.answer.add_changes();
  of_set->mutable_after()->set_key("one_rm_epley");
  of_set->mutable_after()->set_unit("N");
  of_set->mutable_after()->add_flags("missing");
  of_set->mutable_after()->set_version(1);
  set.answer.set_stored(true);
  return set;
}

TEST(RecomputeLines, SayOldAndNewWithUnitAndVersions) {
  const auto lines = recompute_lines(example(), false);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], "sessions/s/sets/t: 2 values changed");
  EXPECT_EQ(lines[1],
            "  repetition 3 concentric_work: 23.5 ± 0.25 -> 24 ± 0.25 J, definition 1 -> 2");
  EXPECT_EQ(lines[2], "  set one_rm_epley: none -> - [missing] N, definition 1");
  EXPECT_EQ(recompute_lines(example(), true)[0], "sessions/s/sets/t: 2 values would change");
  EXPECT_EQ(recompute_lines({"sessions/s/sets/t", {}}, false),
            std::vector<std::string>{"sessions/s/sets/t: nothing changed"});
}

TEST(RecomputeJson, HasNullWhereThereIsNoValue) {
  const auto json = recompute_json({example()}, true);
  EXPECT_EQ(json["dry_run"], true);
  const auto& set = json["sets"][0];
  EXPECT_EQ(set["stored"], true);
  EXPECT_EQ(set["changes"][0]["before"]["version"], 1);
  EXPECT_EQ(set["changes"][0]["after"]["value"], 24.0);
  EXPECT_TRUE(set["changes"][1]["repetition"].is_null());
  EXPECT_TRUE(set["changes"][1]["before"].is_null());
  EXPECT_TRUE(set["changes"][1]["after"]["value"].is_null());
}

}  // namespace
}  // namespace medius::client
