// The command path against the reference model, and whether the model would notice.
#include <gtest/gtest.h>

#include "tests/station/commands_model/campaign.hpp"

namespace medius::station::model {
namespace {

TEST(CommandsModel, NothingStaleRepeatedConflictingOrUnauthorisedIsAppliedAndEachRefusalIsRight) {
  CampaignConfig config;
  config.interleavings = 10'000;
  const CampaignResult result = run_campaign(config);
  EXPECT_EQ(result.disagreements(), 0u) << result.first_wrong;
  for (std::size_t verdict = 0; verdict < result.expected.size(); ++verdict) {
    if (static_cast<Verdict>(verdict) == Verdict::kOther) continue;
    EXPECT_GT(result.expected[verdict], 0u) << to_string(static_cast<Verdict>(verdict));
  }
  for (const std::uint64_t seen :
       {result.repeated, result.reordered, result.lost, result.sessions, result.times_frozen,
        result.leases_run_out, result.increases_taken_back, result.forgotten}) {
    EXPECT_GT(seen, 0u) << "the campaign must get everywhere";
  }
}

TEST(CommandsModel, TheSameSeedGivesTheSameVerdicts) {
  CampaignConfig config;
  config.interleavings = 500;
  const std::uint64_t first = run_campaign(config).hash;
  EXPECT_EQ(run_campaign(config).hash, first);
  config.seed = 2;
  EXPECT_NE(run_campaign(config).hash, first);
}

TEST(CommandsModel, AnInterleavingIsTheSameWhereverTheCampaignBegins) {
  CampaignConfig config;
  config.interleavings = kInterleavingsAStation + 40;
  config.tell_from = config.tell_to = kInterleavingsAStation + 39;
  const CampaignResult whole = run_campaign(config);
  config.first = config.tell_to;
  const CampaignResult only = run_campaign(config);
  EXPECT_EQ(only.interleavings, 40u);
  ASSERT_EQ(only.stories.size(), 1u);
  EXPECT_EQ(only.stories, whole.stories);
}

struct Planted {
  Plant plant;
  std::uint64_t CampaignResult::*counter;
  std::uint64_t interleavings = 2'000;
};

class CommandsModelControl : public testing::TestWithParam<Planted> {};

TEST_P(CommandsModelControl, APlantedDefectIsNoticedAsWhatItIs) {
  CampaignConfig config;
  config.interleavings = GetParam().interleavings;
  config.plant = GetParam().plant;
  const CampaignResult result = run_campaign(config);
  EXPECT_GT(result.*(GetParam().counter), 0u);
  EXPECT_FALSE(result.first_wrong.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Each, CommandsModelControl,
    testing::Values(  // Few messages wait so long, and only what is far apart is forgotten.
        Planted{Plant::kNoTimeToLive, &CampaignResult::stale, kInterleavingsAStation},
        Planted{Plant::kNoVersion, &CampaignResult::stale},
        Planted{Plant::kNoLease, &CampaignResult::conflicting},
        Planted{Plant::kNoIds, &CampaignResult::duplicate},
        Planted{Plant::kNoOldIds, &CampaignResult::duplicate, kInterleavingsAStation},
        Planted{Plant::kNoRoles, &CampaignResult::unauthorised}));

}  // namespace
}  // namespace medius::station::model
