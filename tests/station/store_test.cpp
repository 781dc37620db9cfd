// The store in trouble: the machine trains on, an acknowledgement means that the set is stored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/disk/simulated_disk.hpp"
#include "tests/station/station_bench.hpp"

namespace medius::station::test {
namespace {

using testing::HasSubstr;

class OnDisk : public testing::Test {
 protected:
  std::unique_ptr<record::Store> open() {
    auto store = record::Store::open("/station", disk);
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }

  sim::SimulatedDisk disk{1};
};

TEST_F(OnDisk, AFullDiskWithholdsTheAcknowledgementUntilThereIsRoom) {
  StationBench bench(open());
  const Result started = bench.start();
  ASSERT_TRUE(bench.run_until([&] { return bench.loop.axis().reps_counted == 1; }));
  disk.fill();
  ASSERT_TRUE(bench.run_to(StationState::kResting));
  bench.run_ms(1000);
  EXPECT_TRUE(bench.now().stored_set_ids.empty());
  ASSERT_FALSE(bench.now().warnings.empty());
  EXPECT_THAT(bench.now().warnings.back(), HasSubstr("not stored yet (1 waiting)"));
  ASSERT_TRUE(bench.run_to(StationState::kWorking, 10.0)) << "training goes on";
  disk.heal();
  ASSERT_TRUE(bench.run_to(StationState::kIdle));
  ASSERT_TRUE(bench.run_until([&] { return bench.now().stored_set_ids.size() == 2; }, 5.0));
  const auto sets = bench.stored(started->session_id);
  ASSERT_EQ(sets.size(), 2u);
  for (const auto& set : sets) EXPECT_EQ(set.reps.size(), 3u);
  bench.run_ms(3000);
  EXPECT_TRUE(bench.now().warnings.empty());
}

TEST_F(OnDisk, ASessionEndsInBoundedTimeWhenTheStoreTakesNothing) {
  StationBench bench(open());
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to(StationState::kWorking));
  disk.fill();
  EXPECT_TRUE(bench.run_to(StationState::kIdle, 40.0));
  EXPECT_TRUE(bench.now().stored_set_ids.empty());
}

TEST_F(OnDisk, NoNewSetStartsWhenTooManyWaitForTheStore) {
  StationBench bench(open(), [](StationConfig& config) {
    ProgramBlock& block = config.programs.programs["two-sides"].blocks[0];
    block.sets = 10;
    block.reps = 1;
    block.rest_s = 0.1;
  });
  const Result started = bench.start();
  ASSERT_TRUE(bench.run_to(StationState::kWorking));
  disk.fill();
  ASSERT_TRUE(bench.run_to(StationState::kIdle, 120.0));
  EXPECT_THAT(bench.now().state_reason, HasSubstr("6 sets wait for the store"));
  const Result refused = bench.start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, RefusalCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("mend the store first"));
  disk.heal();
  bench.run_ms(5000);
  EXPECT_EQ(bench.stored(started->session_id).size(), 6u) << "not one set is lost";
  EXPECT_TRUE(bench.start());
}

TEST(StalledStore, TheSetGoesOnAndTheSessionWaitsForItsLastSetForABoundedTime) {
  StationBench bench;
  const Result started = bench.start();
  ASSERT_TRUE(bench.run_to(StationState::kWorking));
  bench.runtime.stall_record_thread(true);
  ASSERT_TRUE(bench.run_to(StationState::kResting));
  EXPECT_TRUE(bench.now().stored_set_ids.empty());
  ASSERT_TRUE(bench.run_to(StationState::kIdle, 30.0));
  bench.runtime.stall_record_thread(false);
  bench.run_ms(100);
  EXPECT_EQ(bench.now().stored_set_ids.size(), 2u);
  const auto sets = bench.stored(started->session_id);
  ASSERT_EQ(sets.size(), 2u);
  for (const auto& set : sets) EXPECT_EQ(set.reps.size(), 3u);
}

TEST(StalledStore, WithAStoreThatWorksTheAcknowledgementComesBeforeIdle) {
  StationBench bench;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to(StationState::kIdle));
  EXPECT_EQ(bench.now().stored_set_ids.size(), 2u);
}

}  // namespace
}  // namespace medius::station::test
