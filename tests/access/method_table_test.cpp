#include "controller/access/method_table.hpp"

#include <set>

#include <gtest/gtest.h>

#include "controller/access/token_bucket.hpp"

namespace medius::access {
namespace {

TEST(MethodTable, WhatLeadsTrainingOnNeedsTheLeaseAndWhatLetsLoadOutDoesNot) {
  for (const char* method : {"StartSession", "StartSet", "AdjustLoad", "SetParameter", "Resume",
                             "ConfirmGuided", "SkipGuided"}) {
    const MethodRule* rule = find_rule(std::string("/medius.v1.StationService/") + method);
    ASSERT_NE(rule, nullptr) << method;
    EXPECT_EQ(rule->lease, LeaseRule::kRaising) << method;
  }
  for (const char* method : {"Pause", "Stop", "GetStation", "WatchStation"}) {
    const MethodRule* rule = find_rule(std::string("/medius.v1.StationService/") + method);
    ASSERT_NE(rule, nullptr) << method;
    EXPECT_EQ(rule->lease, LeaseRule::kNone) << method;
  }
}

// Limits, latched faults and trust belong to the panel and the machine's files.
TEST(MethodTable, HasNothingThatRaisesLimitsClearsFaultsOrTrustsProfilesFromAfar) {
  for (const MethodRule& rule : method_rules()) {
    if (rule.rate == Rate::kRead) continue;  // reads of faults change none
    for (const char* word : {"Limit", "Fault", "Reset", "Trust", "Plugin", "InstallProfile"}) {
      EXPECT_EQ(rule.path.find(word), std::string_view::npos) << rule.path;
    }
  }
}

TEST(MethodTable, StopPassesAtLeastTwentyTimesASecond) {
  EXPECT_GE(bucket_of(Rate::kStop).per_second, 20.0);
}

TEST(MethodTable, DeniesWhatItDoesNotName) {
  EXPECT_EQ(find_rule(""), nullptr);
  EXPECT_EQ(find_rule("/medius.v1.StationService/Stop "), nullptr);
  EXPECT_EQ(find_rule("/medius.v1.StationService/RaiseLimits"), nullptr);
}

TEST(MethodTable, NamesEveryMethodOnce) {
  std::set<std::string_view> seen;
  for (const MethodRule& rule : method_rules()) EXPECT_TRUE(seen.insert(rule.path).second);
}

TEST(MethodTable, LetsEveryRoleStopMoreOftenThanTwentyTimesASecond) {
  const MethodRule* stop = find_rule("/medius.v1.StationService/Stop");
  ASSERT_NE(stop, nullptr);
  for (const Role role : kRoles) EXPECT_TRUE(stop->roles.has(role));
  PeerRates rates;
  int taken = 0;
  for (int i = 0; i < 40; ++i) taken += rates.take("a", stop->rate, 0.025 * i) ? 1 : 0;
  EXPECT_EQ(taken, 40);
}

TEST(MethodTable, LetsNobodyWhoOnlyWatchesOrKeepsTheMachineChangeALoad) {
  const MethodRule* adjust = find_rule("/medius.v1.StationService/AdjustLoad");
  ASSERT_NE(adjust, nullptr);
  EXPECT_FALSE(adjust->roles.has(Role::kObserver));
  EXPECT_FALSE(adjust->roles.has(Role::kTechnician));
  EXPECT_FALSE(adjust->roles.has(Role::kAdmin));
  EXPECT_TRUE(adjust->roles.has(Role::kTrainer));
}

TEST(Roles, AreReadAsTheyAreWritten) {
  for (const Role role : kRoles) EXPECT_EQ(role_from(to_string(role)), role);
  EXPECT_FALSE(role_from("Trainer"));
  EXPECT_FALSE(role_from(""));
}

TEST(PeerRates, LetABurstThroughAndThenTheRate) {
  PeerRates rates;
  const Bucket bucket = bucket_of(Rate::kOrder);
  int taken = 0;
  for (int i = 0; i < 1000; ++i) taken += rates.take("a", Rate::kOrder, 0.0) ? 1 : 0;
  EXPECT_EQ(taken, static_cast<int>(bucket.burst));
  taken = 0;
  for (int ms = 1; ms <= 10000; ++ms) taken += rates.take("a", Rate::kOrder, 1e-3 * ms) ? 1 : 0;
  EXPECT_NEAR(taken, 10.0 * bucket.per_second, 1.0);
}

TEST(PeerRates, KeepPeersAndKindsApart) {
  PeerRates rates;
  while (rates.take("a", Rate::kOrder, 0.0)) {
  }
  EXPECT_TRUE(rates.take("b", Rate::kOrder, 0.0));
  EXPECT_TRUE(rates.take("a", Rate::kStop, 0.0));
  EXPECT_TRUE(rates.take("a", Rate::kRead, 0.0));
}

TEST(PeerRates, DoNotGiveForAClockThatRunsBackwards) {
  PeerRates rates;
  while (rates.take("a", Rate::kOrder, 100.0)) {
  }
  EXPECT_FALSE(rates.take("a", Rate::kOrder, 1.0));
}

}  // namespace
}  // namespace medius::access
