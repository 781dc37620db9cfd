// Faults from the loop, lost clients, stop in every state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/station/station_bench.hpp"

namespace medius::station::test {
namespace {

using rt::CommandKind;
using safety::FaultCode;
using safety::LoadState;
using safety::Reaction;
using testing::HasSubstr;

// Runs a fresh bench to the state, with a set of its own.
void bring_to(StationBench& bench, StationState state) {
  if (state == StationState::kFault) {
    bench.loop.latch(FaultCode::kEstop, Reaction::kTorqueOff);
  } else if (state != StationState::kIdle) {
    if (state == StationState::kPretension) bench.loop.moving_about = true;
    ASSERT_TRUE(bench.start());
  }
  ASSERT_TRUE(bench.run_to(state)) << to_string(state);
}

constexpr StationState kAll[] = {StationState::kIdle,       StationState::kArming,
                                 StationState::kPretension, StationState::kReady,
                                 StationState::kWorking,    StationState::kUnloading,
                                 StationState::kResting,    StationState::kFault};

TEST(Stop, IsAcceptedInEveryStateAndUnloadsWithinHalfASecond) {
  for (const StationState state : kAll) {
    SCOPED_TRACE(to_string(state));
    StationBench bench;
    bring_to(bench, state);
    OrderHeader header = bench.header();
    header.expected_version = 123456;  // stale on purpose
    std::optional<Result> answer;
    const std::uint64_t ordered = bench.loop.now();
    bench.station->stop(header, [&](Result result) { answer = std::move(result); });
    ASSERT_TRUE(bench.run_until(
        [&] {
          const LoadState load = bench.loop.axis().load_state;
          return answer && load != LoadState::kLoaded && load != LoadState::kUnloading;
        },
        0.5));
    EXPECT_LE(bench.loop.now() - ordered, 500u);
    ASSERT_TRUE(*answer) << answer->error().message;
    EXPECT_GT((*answer)->tick, 0u);
    EXPECT_TRUE(bench.run_to(
        state == StationState::kFault ? StationState::kFault : StationState::kIdle, 2.0));
    EXPECT_EQ(bench.now().session_id, "");
    bench.run_ms(20);
    EXPECT_EQ(bench.loop.axis().load_state, LoadState::kOff);
    EXPECT_EQ(bench.loop.profiles_out(), 0);
  }
}

TEST(Stop, RecordsWhatWasDone) {
  StationBench bench;
  const Result started = bench.start();
  ASSERT_TRUE(bench.run_until([&] { return bench.loop.axis().reps_counted == 2; }));
  const Result stopped = bench.stop();
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->effect, Effect::kRamping);
  EXPECT_EQ(stopped->session_id, started->session_id);
  ASSERT_TRUE(bench.run_to(StationState::kIdle));
  const auto sets = bench.stored(started->session_id);
  ASSERT_EQ(sets.size(), 1u);
  EXPECT_EQ(sets[0].end, record::SetEnd::kStopped);
  EXPECT_EQ(sets[0].reps_counted, 2u);
}

TEST(Stop, WorksWithoutARequestIdAndWithAUsedOne) {
  StationBench bench;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to(StationState::kWorking));
  AdjustLoadOrder adjust;
  adjust.header = bench.header();
  adjust.load = 50.0;
  ASSERT_TRUE(bench.adjust(adjust));
  const Result used = bench.wait([&](auto answer) { bench.station->stop(adjust.header, answer); });
  EXPECT_TRUE(used);
  EXPECT_TRUE(bench.run_to(StationState::kIdle, 2.0));
  const Result nameless = bench.wait([&](auto answer) { bench.station->stop({}, answer); });
  EXPECT_TRUE(nameless);
}

TEST(Stop, IsHandedToTheLoopAsSoonAsItsFullQueueHasRoom) {
  StationBench bench;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to_load(60.0));
  bench.loop.takes_commands = false;
  while (bench.channels->commands.push({.kind = CommandKind::kFreezeIncreases})) {
  }
  std::optional<Result> answer;
  bench.station->stop(bench.header(), [&](Result result) { answer = std::move(result); });
  bench.run_ms(50);
  EXPECT_FALSE(answer);
  bench.loop.takes_commands = true;
  ASSERT_TRUE(bench.run_until([&] { return answer.has_value(); }, 0.1));
  EXPECT_TRUE(*answer);
  EXPECT_TRUE(bench.run_to(StationState::kIdle, 2.0));
}

TEST(Stop, SaysSoWhenTheLoopIsDead) {
  StationBench bench;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to(StationState::kWorking));
  bench.loop.running = false;
  const Result stopped = bench.stop();
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, RefusalCode::kUnavailable);
  EXPECT_THAT(stopped.error().message, HasSubstr("press the emergency stop"));
}

TEST(Fault, PowerUpNeedsTheResetAtThePanel) {
  StationBench bench;
  bench.loop.latch(FaultCode::kNone, Reaction::kTorqueOff);
  ASSERT_TRUE(bench.run_to(StationState::kFault, 0.1));
  EXPECT_THAT(bench.now().state_reason, HasSubstr("press the reset button"));
  const Result refused = bench.start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, RefusalCode::kWrongState);
  EXPECT_THAT(refused.error().message, HasSubstr("press the reset button"));
  bench.loop.reset_panel();
  ASSERT_TRUE(bench.run_to(StationState::kIdle, 0.1));
  EXPECT_TRUE(bench.start());
}

TEST(Fault, IsReachedFromEveryStateWithinOneStep) {
  for (const StationState state : kAll) {
    if (state == StationState::kFault) continue;
    SCOPED_TRACE(to_string(state));
    StationBench bench;
    bring_to(bench, state);
    bench.loop.latch(FaultCode::kLinkLost, Reaction::kFastUnload);
    EXPECT_TRUE(bench.run_to(StationState::kFault, 0.012));
    EXPECT_THAT(bench.now().state_reason, HasSubstr("link-lost"));
    bench.run_ms(1000);
    EXPECT_EQ(bench.now().state, StationState::kFault) << "nothing but the panel ends it";
    bench.loop.reset_panel();
    bench.loop.moving_about = false;
    EXPECT_TRUE(bench.run_to(StationState::kIdle, 0.1));
    EXPECT_EQ(bench.now().session_id, "") << "a session is not resumed after a fault";
    EXPECT_EQ(bench.loop.profiles_out(), 0);
    const Result anew = bench.start();
    EXPECT_TRUE(anew) << anew.error().message;
    EXPECT_TRUE(bench.run_to(StationState::kWorking, 5.0)) << "ready again within 5 s";
  }
}

TEST(Fault, ClosesTheSetWithWhatWasDone) {
  StationBench bench;
  const Result started = bench.start();
  ASSERT_TRUE(bench.run_until([&] { return bench.loop.axis().reps_counted == 2; }));
  bench.loop.latch(FaultCode::kDataStale, Reaction::kFastUnload);
  ASSERT_TRUE(bench.run_to(StationState::kFault));
  bench.run_ms(100);
  const auto sets = bench.stored(started->session_id);
  ASSERT_EQ(sets.size(), 1u);
  EXPECT_EQ(sets[0].end, record::SetEnd::kFault);
  EXPECT_EQ(sets[0].fault, static_cast<std::uint16_t>(FaultCode::kDataStale));
  EXPECT_EQ(sets[0].reps_counted, 2u);
  EXPECT_EQ(sets[0].reps.size(), 2u);
  EXPECT_EQ(bench.now().stored_set_ids.size(), 1u);
}

TEST(Fault, WhileUnloadingKeepsWhyTheSetEnded) {
  StationBench bench;
  const Result started = bench.start();
  ASSERT_TRUE(bench.run_to(StationState::kUnloading));
  bench.loop.latch(FaultCode::kEstop, Reaction::kTorqueOff);
  ASSERT_TRUE(bench.run_to(StationState::kFault));
  bench.run_ms(100);
  const auto sets = bench.stored(started->session_id);
  ASSERT_EQ(sets.size(), 1u);
  EXPECT_EQ(sets[0].end, record::SetEnd::kCount);
  EXPECT_EQ(sets[0].fault, static_cast<std::uint16_t>(FaultCode::kEstop));
}

TEST(Fault, ShowsTheNextCauseWhenItChanges) {
  StationBench bench;
  bench.loop.latch(FaultCode::kLinkLost, Reaction::kFastUnload);
  ASSERT_TRUE(bench.run_to(StationState::kFault));
  bench.loop.latch(FaultCode::kEstop, Reaction::kTorqueOff);
  bench.run_ms(12);
  EXPECT_THAT(bench.now().state_reason, HasSubstr("estop"));
}

TEST(Fault, NothingEngagesBetweenTheFaultAndANewStart) {
  StationBench bench;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to(StationState::kWorking));
  bench.loop.latch(FaultCode::kLinkLost, Reaction::kFastUnload);
  ASSERT_TRUE(bench.run_to(StationState::kFault));
  const int engaged = bench.loop.count(CommandKind::kEngage);
  const int enabled = bench.loop.count(CommandKind::kEnable);
  EXPECT_FALSE(bench.adjust(70.0));
  EXPECT_FALSE(bench.resume());
  EXPECT_FALSE(bench.start());
  bench.run_ms(5000);
  bench.loop.reset_panel();
  bench.run_ms(5000);
  EXPECT_EQ(bench.loop.count(CommandKind::kEngage), engaged);
  EXPECT_EQ(bench.loop.count(CommandKind::kEnable), enabled);
}

TEST(Release, PausesTheSetAndResumeBringsTheLoadBack) {
  StationBench bench;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to_load(60.0));
  bench.loop.release_handle();
  ASSERT_TRUE(bench.run_until([&] { return bench.now().paused; }, 0.05));
  EXPECT_EQ(bench.now().state, StationState::kWorking);
  EXPECT_THAT(bench.now().state_reason, HasSubstr("handle-released"));
  bench.loop.cuff_on = false;
  bench.run_ms(600);
  const Result slack = bench.resume();
  ASSERT_FALSE(slack);
  EXPECT_THAT(slack.error().message, HasSubstr("the cable is slack"));
  bench.loop.cuff_on = true;
  bench.run_ms(20);
  const Result resumed = bench.resume();
  ASSERT_TRUE(resumed) << resumed.error().message;
  EXPECT_TRUE(bench.run_to_load(60.0));
  EXPECT_FALSE(bench.now().paused);
}

TEST(LostClient, FreezesIncreasesAndTheSetGoesOnToItsCount) {
  StationBench bench;
  const Result started = bench.start("two-sides", "tablet");
  ASSERT_TRUE(bench.run_to_load(60.0));
  bench.station->client_lost("somebody else");
  bench.run_ms(20);
  EXPECT_FALSE(bench.loop.axis().increases_frozen);
  bench.station->client_lost("tablet");
  bench.run_ms(20);
  EXPECT_TRUE(bench.loop.axis().increases_frozen);
  const Result increase = bench.adjust(65.0);
  ASSERT_FALSE(increase);
  EXPECT_EQ(increase.error().code, RefusalCode::kWrongState);
  EXPECT_THAT(increase.error().message, HasSubstr("client 'tablet' is lost"));
  EXPECT_FALSE(bench.set_parameter("eccentric_ratio", 1.4));
  EXPECT_TRUE(bench.adjust(55.0)) << "a decrease is always possible";
  EXPECT_FALSE(bench.now().warnings.empty());
  ASSERT_TRUE(bench.run_to(StationState::kResting));
  bench.run_ms(100);
  EXPECT_EQ(bench.stored(started->session_id)[0].end, record::SetEnd::kCount);
  bench.run_ms(10'000);
  EXPECT_EQ(bench.now().state, StationState::kResting) << "no next set without its client";
  EXPECT_FALSE(bench.resume());
  bench.station->client_returned("tablet");
  EXPECT_TRUE(bench.run_to(StationState::kWorking, 3.0));
  EXPECT_FALSE(bench.loop.axis().increases_frozen);
}

TEST(LostClient, BeforeTheLoadIsInNothingIsEngaged) {
  StationBench bench;
  bench.loop.moving_about = true;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to(StationState::kPretension));
  bench.station->client_lost("tablet");
  bench.loop.moving_about = false;
  bench.run_ms(3000);
  EXPECT_EQ(bench.now().state, StationState::kPretension);
  bench.station->client_returned("tablet");
  EXPECT_TRUE(bench.run_to(StationState::kWorking, 2.0));
}

TEST(LostClient, ANewSessionIsNotFrozen) {
  StationBench bench;
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to(StationState::kWorking));
  bench.station->client_lost("tablet");
  ASSERT_TRUE(bench.stop());
  ASSERT_TRUE(bench.run_to(StationState::kIdle));
  ASSERT_TRUE(bench.start("two-sides", "phone"));
  ASSERT_TRUE(bench.run_to_load(60.0));
}

}  // namespace
}  // namespace medius::station::test
