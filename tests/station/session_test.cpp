// Whole sessions: left and right, how a set begins, and each way it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/station/station_bench.hpp"

namespace medius::station::test {
namespace {

using rt::CommandKind;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Session, RunsLeftThenRightAndStoresBothSets) {
  StationBench bench;
  const Result started = bench.start();
  ASSERT_TRUE(started) << started.error().message;
  EXPECT_EQ(started->effect, Effect::kScheduled);
  EXPECT_GT(started->tick, 0u);
  ASSERT_TRUE(bench.run_to(StationState::kIdle));

  using enum StationState;
  EXPECT_THAT(bench.states,
              ElementsAre(kIdle, kArming, kPretension, kReady, kWorking, kUnloading, kResting,
                          kArming, kPretension, kReady, kWorking, kUnloading, kIdle));
  const auto sets = bench.stored(started->session_id);
  ASSERT_EQ(sets.size(), 2u);
  EXPECT_EQ(sets[0].side, record::Side::kLeft);
  EXPECT_EQ(sets[1].side, record::Side::kRight);
  for (const record::SetRecord& set : sets) {
    EXPECT_EQ(set.end, record::SetEnd::kCount);
    EXPECT_EQ(set.reps_counted, 3u);
    EXPECT_EQ(set.direction_changes, 6u);
    EXPECT_EQ(set.reps.size(), 3u);
    EXPECT_EQ(set.load_start, 60.0);
    EXPECT_EQ(set.load_end, 60.0);
    EXPECT_EQ(set.profile_id, "eccentric-emphasis");
    EXPECT_LT(set.start_tick, set.end_tick);
    EXPECT_GT(set.samples, 0u);
  }
  EXPECT_EQ(sets[0].id, started->set_id);
  EXPECT_THAT(bench.now().stored_set_ids, ElementsAre(sets[0].id, sets[1].id));
  EXPECT_EQ(bench.now().session_id, "");
  EXPECT_EQ(bench.now().state_reason, "all sets are done");
  EXPECT_EQ(bench.loop.profiles_out(), 0);
  const auto session = bench.store->session(started->session_id);
  ASSERT_TRUE(session);
  EXPECT_EQ(session->program_id, "two-sides");
  EXPECT_EQ(session->client_id, "p1");
}

TEST(Session, HandsTheLoopItsCommandsInTheirOrder) {
  StationBench bench;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to(StationState::kResting));
  std::vector<CommandKind> kinds;
  for (const auto& taken : bench.loop.commands()) kinds.push_back(taken.command.kind);
  using enum CommandKind;
  // At the end hands are at the cuff: the drive is off while resting.
  EXPECT_THAT(kinds, ElementsAre(kFreezeIncreases, kSetUserLimits, kEnable, kTakeUp, kStartSet,
                                 kEngage, kUnload, kEndSet, kDisable));
  EXPECT_EQ(bench.loop.axis().load_state, safety::LoadState::kOff);
}

TEST(Session, NumbersCommandsStrictlyUpward) {
  StationBench bench;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to(StationState::kIdle));
  std::uint64_t last = 0;
  for (const auto& taken : bench.loop.commands()) {
    EXPECT_GT(taken.command.command_id, last);
    last = taken.command.command_id;
  }
}

TEST(Session, RunsEverySetOfEveryBlockInOrder) {
  StationBench bench(nullptr, [](StationConfig& config) {
    Program program;
    program.id = "blocks";
    program.blocks = {bench_block(), bench_block()};
    for (ProgramBlock& block : program.blocks) {
      block.reps = 1;
      block.rest_s = 0.1;
    }
    program.blocks[0].sets = 2;
    program.blocks[1].sides = {record::Side::kRight};
    program.blocks[1].load = 40.0;
    config.programs.programs["blocks"] = program;
  });
  const Result started = bench.start("blocks");
  ASSERT_TRUE(started);
  EXPECT_EQ(bench.now().sets_total, 5u);
  ASSERT_TRUE(bench.run_to(StationState::kIdle, 120.0));
  std::vector<std::pair<record::Side, double>> done;
  for (const auto& set : bench.stored(started->session_id)) {
    done.emplace_back(set.side, set.load_start);
  }
  using record::Side;
  EXPECT_THAT(done, ElementsAre(std::pair(Side::kLeft, 60.0), std::pair(Side::kRight, 60.0),
                                std::pair(Side::kLeft, 60.0), std::pair(Side::kRight, 60.0),
                                std::pair(Side::kRight, 40.0)));
}

TEST(Session, RestsAsLongAsPrescribed) {
  StationBench bench;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to(StationState::kResting));
  const std::uint64_t began = bench.loop.now();
  EXPECT_NEAR(bench.now().rest_remaining_s, 2.0, 0.05);
  ASSERT_TRUE(bench.run_to(StationState::kArming));
  EXPECT_NEAR(static_cast<double>(bench.loop.now() - began), 2000.0, 25.0);
}

TEST(Session, WithoutAutostartTheRestEndsByResume) {
  StationBench bench(nullptr, [](StationConfig& config) { config.autostart_next_set = false; });
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to(StationState::kResting));
  bench.run_ms(5000);
  EXPECT_EQ(bench.now().state, StationState::kResting);
  ASSERT_TRUE(bench.resume());
  EXPECT_TRUE(bench.run_to(StationState::kWorking, 3.0));
}

TEST(Session, ResumeEndsARestEarlyAndPauseHoldsIt) {
  StationBench bench;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to(StationState::kResting));
  ASSERT_TRUE(bench.pause());
  bench.run_ms(4000);
  EXPECT_EQ(bench.now().state, StationState::kResting);
  EXPECT_TRUE(bench.now().paused);
  const Result resumed = bench.resume();
  ASSERT_TRUE(resumed);
  EXPECT_EQ(resumed->effect, Effect::kScheduled);
  EXPECT_TRUE(bench.run_to(StationState::kArming, 0.1));
}

TEST(Session, ARestThatNobodyEndsEndsTheSession) {
  StationBench bench;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to(StationState::kResting));
  ASSERT_TRUE(bench.pause());
  ASSERT_TRUE(bench.run_to(StationState::kIdle, 310.0));
  EXPECT_THAT(bench.now().state_reason, HasSubstr("nobody went on"));
}

TEST(Session, TheLoadComesInOnlyAfterTheCuffWasHeldStill) {
  StationBench bench;
  bench.loop.cuff_on = false;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to(StationState::kPretension));
  bench.run_ms(3000);
  EXPECT_EQ(bench.now().state, StationState::kPretension) << "slack cable";
  bench.loop.cuff_on = true;
  bench.loop.moving_about = true;
  bench.run_ms(3000);
  EXPECT_EQ(bench.now().state, StationState::kPretension) << "moving about";
  bench.loop.moving_about = false;
  bench.run_ms(480);
  EXPECT_EQ(bench.now().state, StationState::kPretension) << "not yet 0.5 s";
  EXPECT_TRUE(bench.run_to(StationState::kReady, 0.1));
  EXPECT_EQ(bench.loop.count(CommandKind::kEngage), 0);
}

TEST(Session, EndsWhenNobodyPutsTheCuffOn) {
  StationBench bench;
  bench.loop.cuff_on = false;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to(StationState::kIdle, 185.0));
  EXPECT_THAT(bench.now().state_reason, HasSubstr("nobody held the cuff still"));
  bench.run_ms(20);
  EXPECT_EQ(bench.loop.axis().load_state, safety::LoadState::kOff);
}

TEST(Session, EndsWhenTheDriveDoesNotComeUp) {
  StationBench bench;
  bench.loop.drive_comes_up = false;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to(StationState::kIdle, 6.0));
  EXPECT_THAT(bench.now().state_reason, HasSubstr("drive of axis 'cable' did not come up"));
  EXPECT_THAT(bench.now().state_reason, HasSubstr("switch-on disabled"));
}

TEST(Session, EndsWhenTheLoopRefusesToStartTheSet) {
  StationBench bench;
  bench.loop.refuse = CommandKind::kStartSet;
  const Result started = bench.start();
  ASSERT_TRUE(started);
  ASSERT_TRUE(bench.run_to(StationState::kReady));
  ASSERT_TRUE(bench.run_to(StationState::kIdle, 5.0));
  EXPECT_THAT(bench.now().state_reason, HasSubstr("refused the start of the set"));
  EXPECT_TRUE(bench.stored(started->session_id).empty());
}

TEST(Session, EndsWhenTheLoopRefusesToEngageAndKeepsTheEmptySet) {
  StationBench bench;
  bench.loop.refuse = CommandKind::kEngage;
  const Result started = bench.start();
  ASSERT_TRUE(started);
  ASSERT_TRUE(bench.run_to(StationState::kReady));
  ASSERT_TRUE(bench.run_to(StationState::kIdle, 5.0));
  const auto sets = bench.stored(started->session_id);
  ASSERT_EQ(sets.size(), 1u);
  EXPECT_EQ(sets[0].end, record::SetEnd::kInterrupted);
  EXPECT_EQ(bench.loop.profiles_out(), 0);
}

TEST(Set, BeginsToUnloadWhenTheLastRepetitionHasClosed) {
  StationBench bench;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_until([&] { return bench.loop.axis().reps_counted == 3; }));
  const std::uint64_t closed = bench.loop.now();
  ASSERT_TRUE(bench.run_until([&] { return bench.loop.count(CommandKind::kUnload) == 1; }));
  EXPECT_LE(bench.loop.now() - closed, 12u) << "one step of the station and a tick";
}

TEST(Set, EndsWhenThePersonStandsStill) {
  StationBench bench;
  bench.loop.rep_limit = 2;
  const Result started = bench.start();
  ASSERT_TRUE(started);
  ASSERT_TRUE(bench.run_until([&] { return bench.loop.axis().reps_counted == 2; }));
  const std::uint64_t stood = bench.loop.now();
  ASSERT_TRUE(bench.run_to(StationState::kUnloading, 6.0));
  EXPECT_NEAR(static_cast<double>(bench.loop.now() - stood), 5000.0, 100.0);
  ASSERT_TRUE(bench.run_to(StationState::kResting));
  ASSERT_TRUE(bench.run_until([&] { return bench.now().stored_set_ids.size() == 1; }, 1.0));
  const auto sets = bench.stored(started->session_id);
  EXPECT_EQ(sets[0].end, record::SetEnd::kStoodStill);
  EXPECT_EQ(sets[0].reps_counted, 2u);
}

// Negative control: 6 s still in a hold that prescribes 4 s must not end a set with a 5 s time-out;
// the same 6 s with no hold prescribed must.
TEST(Set, APrescribedHoldIsNotStandingStill) {
  for (const double prescribed_s : {4.0, 0.0}) {
    StationBench bench(nullptr, [&](StationConfig& config) {
      config.programs.programs["two-sides"].blocks[0].tempo = {0.3, prescribed_s, 0.3, 0.0};
    });
    bench.loop.hold_ticks = 6000;
    const Result started = bench.start();
    ASSERT_TRUE(started);
    ASSERT_TRUE(bench.run_to(StationState::kResting));
    bench.run_ms(100);
    const auto sets = bench.stored(started->session_id);
    SCOPED_TRACE(bench.loop.now());
    EXPECT_EQ(sets[0].end,
              prescribed_s > 0.0 ? record::SetEnd::kCount : record::SetEnd::kStoodStill);
  }
}

TEST(Set, DrivesGoOffWhenTheLoadDoesNotGoOut) {
  StationBench bench;
  bench.loop.unloads = false;
  const Result started = bench.start();
  ASSERT_TRUE(started);
  ASSERT_TRUE(bench.run_to(StationState::kWorking));
  ASSERT_TRUE(bench.stop());
  ASSERT_TRUE(bench.run_until([&] { return bench.loop.count(CommandKind::kDisable) > 0; }, 1.5));
  ASSERT_TRUE(bench.run_to(StationState::kIdle, 3.0));
  EXPECT_EQ(bench.stored(started->session_id).size(), 1u);
}

TEST(Set, ShowsItsRepetitionsWhileItIsUnderWay) {
  StationBench bench;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(
      bench.run_until([&] { return bench.now().set && bench.now().set->reps.size() == 2; }));
  EXPECT_EQ(bench.now().state, StationState::kWorking);
  EXPECT_EQ(bench.now().set->reps_counted, 2u);
  EXPECT_EQ(bench.now().set_index, 1u);
  EXPECT_EQ(bench.now().block.reps, 3u);
}

TEST(Set, AFreeSetRunsItsFirstSideOnce) {
  StationBench bench;
  StartSetOrder order;
  order.header = bench.header();
  order.block = bench_block();
  order.block.sets = 7;
  const Result started = bench.wait([&](auto answer) { bench.station->start_set(order, answer); });
  ASSERT_TRUE(started) << started.error().message;
  ASSERT_TRUE(bench.run_to(StationState::kIdle));
  const auto sets = bench.stored(started->session_id);
  ASSERT_EQ(sets.size(), 1u);
  EXPECT_EQ(sets[0].side, record::Side::kLeft);
  EXPECT_EQ(bench.store->session(started->session_id)->program_id, "");
}

TEST(Snapshot, IsPublishedTwentyTimesASecondAndAtOnceOnAChange) {
  StationBench bench;
  const std::uint64_t before = bench.now().sequence;
  bench.run_ms(1000);
  EXPECT_NEAR(static_cast<double>(bench.now().sequence - before), 20.0, 1.0);
  const std::uint64_t version = bench.now().version;
  StartSessionOrder order;
  order.header = bench.header();
  order.program_id = "two-sides";
  bench.station->start_session(order, [](const auto&) {});
  EXPECT_GT(bench.now().version, version);
  EXPECT_EQ(bench.now().state, StationState::kArming);
}

TEST(Snapshot, AnObserverMayLeaveFromWithinItsOwnCall) {
  StationBench bench;
  int calls = 0;
  Station::ObserverId id = 0;
  id = bench.station->observe([&](const Snapshot&) {
    ++calls;
    bench.station->unobserve(id);
  });
  bench.run_ms(500);
  EXPECT_EQ(calls, 1);
}

TEST(Samples, ReachTheirObserversOnceAndInOrder) {
  StationBench bench;
  std::vector<std::uint64_t> ticks;
  const auto id = bench.station->observe_samples([&](std::span<const rt::SampleRecord> samples) {
    for (const auto& sample : samples) ticks.push_back(sample.tick);
  });
  bench.run_ms(1000);
  bench.station->unobserve_samples(id);
  const std::size_t seen = ticks.size();
  bench.run_ms(200);
  EXPECT_EQ(ticks.size(), seen);
  ASSERT_GT(seen, 900u);
  for (std::size_t i = 1; i < ticks.size(); ++i) EXPECT_EQ(ticks[i], ticks[i - 1] + 1);
}

TEST(Shutdown, UnloadsStoresTheOpenSetAsInterruptedAndThenIsDone) {
  StationBench bench;
  const Result started = bench.start();
  ASSERT_TRUE(started);
  ASSERT_TRUE(bench.run_until([&] { return bench.loop.axis().reps_counted == 1; }));
  bool down = false;
  bench.station->shutdown([&] { down = true; });
  ASSERT_TRUE(bench.run_until([&] { return down; }, 3.0));
  const auto sets = bench.stored(started->session_id);
  ASSERT_EQ(sets.size(), 1u);
  EXPECT_EQ(sets[0].end, record::SetEnd::kInterrupted);
  EXPECT_EQ(sets[0].reps_counted, 1u);
  EXPECT_EQ(bench.now().state, StationState::kIdle);
  const Result late = bench.start();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, RefusalCode::kUnavailable);
}

TEST(Shutdown, TellsEverybodyWhoAsked) {
  StationBench bench;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to(StationState::kWorking));
  int told = 0;
  bench.station->shutdown([&] { ++told; });
  bench.station->shutdown([&] { ++told; });
  ASSERT_TRUE(bench.run_until([&] { return told == 2; }, 3.0));
  bench.station->shutdown([&] { ++told; });
  bench.run_ms(20);
  EXPECT_EQ(told, 3);
}

TEST(Shutdown, IsDoneAtOnceWhenIdleAndInBoundedTimeWhenTheLoopIsDead) {
  StationBench idle;
  bool down = false;
  idle.station->shutdown([&] { down = true; });
  EXPECT_TRUE(idle.run_until([&] { return down; }, 0.1));

  StationBench dead;
  ASSERT_TRUE(dead.start());
  ASSERT_TRUE(dead.run_to(StationState::kWorking));
  dead.loop.running = false;
  down = false;
  dead.station->shutdown([&] { down = true; });
  EXPECT_TRUE(dead.run_until([&] { return down; }, 5.0));
}

}  // namespace
}  // namespace medius::station::test
