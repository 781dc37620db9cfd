// Exercises without the machine: paced, confirmed, stored as told; and every other way they end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/station/station_bench.hpp"

namespace medius::station::test {
namespace {

using record::ConfirmedFrom;
using record::GuidedEnd;
using record::GuidedRecord;
using testing::ElementsAre;
using testing::HasSubstr;

ProgramBlock guided_block() {
  ProgramBlock block;
  block.exercise_id = "clamshell";
  block.sides = {record::Side::kLeft, record::Side::kRight};
  block.reps = 3;
  block.tempo = {1.0, 0.0, 1.0, 0.0};
  block.rest_s = 1.0;
  block.guided = true;
  return block;
}

std::function<void(StationConfig&)> with_blocks(std::vector<ProgramBlock> blocks) {
  return [blocks = std::move(blocks)](StationConfig& config) {
    Program program;
    program.id = "floor";
    program.blocks = blocks;
    config.programs.programs["floor"] = program;
  };
}

class Guided : public ::testing::Test {
 protected:
  explicit Guided(std::vector<ProgramBlock> blocks = {guided_block()})
      : bench(nullptr, with_blocks(std::move(blocks))) {}

  void begin() {
    const Result started = bench.start("floor");
    ASSERT_TRUE(started) << started.error().message;
    session = started->session_id;
    ASSERT_TRUE(bench.run_to(StationState::kGuided, 5.0));
  }
  Result confirm(ConfirmGuidedOrder order = {}) {
    order.header = bench.header();
    return bench.wait([&](auto answer) { bench.station->confirm_guided(order, answer); });
  }
  Result skip(const std::string& reason) {
    ConfirmGuidedOrder order;
    order.skip = true;
    order.reason = reason;
    return confirm(order);
  }
  void press_button() {
    bench.loop.reset_pressed = true;
    bench.run_ms(200);
    bench.loop.reset_pressed = false;
    bench.run_ms(50);
  }
  std::vector<GuidedRecord> stored() {
    bench.run_ms(100);
    return bench.store->guided_of(session);
  }

  StationBench bench;
  std::string session;
};

TEST_F(Guided, WaitsWithTheDrivesOffUntilSomebodyConfirms) {
  begin();
  EXPECT_EQ(bench.loop.count(rt::CommandKind::kEnable), 0);
  ASSERT_TRUE(bench.now().guided);
  EXPECT_EQ(bench.now().guided->record.end, GuidedEnd::kOpen);
  EXPECT_THAT(bench.now().state_reason, HasSubstr("clamshell, left side, 3 repetitions"));
  // 5 s to get ready and 3 x 2 s; then it waits.
  bench.run_ms(6500);
  EXPECT_EQ(bench.now().guided->pace.phase, PacePhase::kLower);
  EXPECT_EQ(bench.now().guided->pace.repetition, 1u);
  bench.run_ms(30'000);
  EXPECT_EQ(bench.now().state, StationState::kGuided);
  EXPECT_EQ(bench.now().guided->pace.phase, PacePhase::kOver);
  EXPECT_TRUE(stored().empty()) << "nobody has said anything yet";
  const Result confirmed = confirm();
  ASSERT_TRUE(confirmed) << confirmed.error().message;
  EXPECT_EQ(confirmed->requested, 3.0);
  EXPECT_EQ(confirmed->accepted, 3.0);
  EXPECT_EQ(bench.now().state, StationState::kResting);
  EXPECT_EQ(bench.loop.count(rt::CommandKind::kEnable), 0);
}

TEST_F(Guided, StoresWhatWasAskedWhatWasToldByWhomAndWhenAndNoSet) {
  begin();
  bench.run_ms(12'000);
  ConfirmGuidedOrder fewer;
  fewer.reps = 2;
  ASSERT_TRUE(confirm(fewer));
  ASSERT_TRUE(bench.run_to(StationState::kGuided, 5.0));
  bench.run_ms(12'000);
  press_button();
  ASSERT_TRUE(bench.run_to(StationState::kIdle, 10.0));
  const auto records = stored();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].index, 1u);
  EXPECT_EQ(records[0].exercise_id, "clamshell");
  EXPECT_EQ(records[0].side, record::Side::kLeft);
  EXPECT_EQ(records[0].reps_asked, 3u);
  EXPECT_EQ(records[0].tempo, "1-0-1-0");
  EXPECT_EQ(records[0].end, GuidedEnd::kConfirmed);
  EXPECT_EQ(records[0].from, ConfirmedFrom::kOrder);
  EXPECT_EQ(records[0].confirmed_by, "tablet");
  EXPECT_EQ(records[0].reps_confirmed, 2u);
  EXPECT_NEAR(static_cast<double>(records[0].end_tick - records[0].start_tick), 12'000.0, 50.0);
  EXPECT_GT(records[0].end_unix_ns, records[0].start_unix_ns);
  EXPECT_FALSE(records[0].stance);
  EXPECT_EQ(records[1].side, record::Side::kRight);
  EXPECT_EQ(records[1].from, ConfirmedFrom::kPanel);
  EXPECT_EQ(records[1].confirmed_by, "operator panel");
  EXPECT_EQ(records[1].reps_confirmed, 3u);
  EXPECT_TRUE(bench.stored(session).empty()) << "no set, no work";
  EXPECT_EQ(bench.now().state_reason, "all sets are done");
}

TEST_F(Guided, AButtonThatWasHeldBeforeOrNeverPressedConfirmsNothing) {
  bench.loop.reset_pressed = true;
  bench.run_ms(50);
  begin();
  bench.run_ms(20'000);
  EXPECT_EQ(bench.now().state, StationState::kGuided);
  bench.loop.reset_pressed = false;
  bench.run_ms(5000);
  EXPECT_EQ(bench.now().state, StationState::kGuided);
  press_button();
  EXPECT_NE(bench.now().state, StationState::kGuided);
}

TEST_F(Guided, IsSkippedWithAReasonOnlyAndThenHasNoRepetitions) {
  begin();
  const Result silent = skip("");
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, RefusalCode::kInvalid);
  EXPECT_FALSE(skip(std::string(201, 'x')));
  ASSERT_TRUE(skip("the band is broken"));
  const auto records = stored();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].end, GuidedEnd::kSkipped);
  EXPECT_EQ(records[0].reason, "the band is broken");
  EXPECT_EQ(records[0].reps_confirmed, 0u);
  EXPECT_EQ(bench.now().state, StationState::kResting) << "the session goes on";
}

TEST_F(Guided, RefusesConfirmationsThatMeanNothing) {
  EXPECT_EQ(confirm().error().code, RefusalCode::kWrongState) << "nothing is under way";
  begin();
  for (const std::uint32_t reps : {0u, 201u}) {
    ConfirmGuidedOrder order;
    order.reps = reps;
    EXPECT_EQ(confirm(order).error().code, RefusalCode::kInvalid) << reps;
  }
  ConfirmGuidedOrder other;
  other.guided_id = "00000000000000ff";
  EXPECT_THAT(confirm(other).error().message, HasSubstr("is not under way"));
  EXPECT_TRUE(stored().empty());
  EXPECT_EQ(bench.now().state, StationState::kGuided);
}

TEST_F(Guided, ARepeatedConfirmationIsAnsweredAgainAndStoredOnce) {
  begin();
  ConfirmGuidedOrder order;
  order.header = bench.header();
  const auto send = [&] {
    return bench.wait([&](auto answer) { bench.station->confirm_guided(order, answer); });
  };
  const Result first = send();
  const Result again = send();
  ASSERT_TRUE(first && again);
  EXPECT_FALSE(first->duplicate);
  EXPECT_TRUE(again->duplicate);
  ASSERT_TRUE(bench.run_to(StationState::kGuided, 5.0)) << "the right side is still to be done";
  EXPECT_EQ(stored().size(), 1u);
}

TEST_F(Guided, WithoutAnybodyEndsAsNotConfirmed) {
  begin();
  ASSERT_TRUE(bench.run_to(StationState::kIdle, 400.0));
  const auto records = stored();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].end, GuidedEnd::kNotConfirmed);
  EXPECT_EQ(records[0].reps_confirmed, 0u);
  EXPECT_EQ(records[0].from, ConfirmedFrom::kNobody);
  EXPECT_THAT(bench.now().state_reason, HasSubstr("nobody confirmed clamshell"));
}

TEST_F(Guided, AStopAndAFaultEndItWithTheirOwnWords) {
  begin();
  ASSERT_TRUE(bench.stop());
  EXPECT_EQ(bench.now().state, StationState::kIdle);
  ASSERT_EQ(stored().size(), 1u);
  EXPECT_EQ(stored()[0].end, GuidedEnd::kStopped);
  begin();
  bench.loop.latch(safety::FaultCode::kEstop, safety::Reaction::kTorqueOff);
  ASSERT_TRUE(bench.run_to(StationState::kFault, 1.0));
  ASSERT_EQ(stored().size(), 1u);
  EXPECT_EQ(stored()[0].end, GuidedEnd::kFault);
  EXPECT_EQ(stored()[0].reps_confirmed, 0u);
}

TEST_F(Guided, APauseStopsThePace) {
  begin();
  bench.run_ms(6000);
  ASSERT_TRUE(bench.pause());
  const Pace before = bench.now().guided->pace;
  bench.run_ms(10'000);
  EXPECT_NEAR(bench.now().guided->pace.remaining_s, before.remaining_s, 0.03);
  ASSERT_TRUE(bench.resume());
  bench.run_ms(1000);
  EXPECT_NEAR(bench.now().guided->pace.remaining_s, before.remaining_s - 1.0, 0.03);
}

class BetweenSets : public Guided {
 protected:
  static std::vector<ProgramBlock> blocks() {
    ProgramBlock loaded = bench_block();
    loaded.sides = {record::Side::kLeft};
    loaded.reps = 1;
    ProgramBlock floor = guided_block();
    floor.sides = {record::Side::kBoth};
    return {loaded, floor, loaded};
  }
  BetweenSets() : Guided(blocks()) {}
};

TEST_F(BetweenSets, TakesItsPlaceAndItsNumberInTheSession) {
  begin();
  EXPECT_EQ(bench.now().sets_total, 3u);
  EXPECT_EQ(bench.now().set_index, 2u);
  EXPECT_FALSE(bench.now().set);
  EXPECT_EQ(bench.loop.axis().load_state, safety::LoadState::kOff);
  ASSERT_TRUE(confirm());
  ASSERT_TRUE(bench.run_to(StationState::kIdle, 60.0));
  const auto sets = bench.stored(session);
  ASSERT_EQ(sets.size(), 2u);
  EXPECT_EQ(sets[0].index, 1u);
  EXPECT_EQ(sets[1].index, 3u);
  ASSERT_EQ(stored().size(), 1u);
  EXPECT_EQ(stored()[0].index, 2u);
  using enum StationState;
  EXPECT_THAT(bench.states, ElementsAre(kIdle, kArming, kPretension, kReady, kWorking, kUnloading,
                                        kResting, kGuided, kResting, kArming, kPretension, kReady,
                                        kWorking, kUnloading, kIdle));
}

TEST(Pace, GoesThroughEveryRepetitionInOrderAndThenIsOver) {
  ProgramBlock block = guided_block();
  block.tempo = {2.0, 1.0, 3.0, 0.5};
  EXPECT_EQ(pace_at(block, 0.0).phase, PacePhase::kGetReady);
  const double total_s = kGetReadyS + 3 * 6.5;
  EXPECT_DOUBLE_EQ(pace_at(block, 0.0).total_s, total_s);
  EXPECT_EQ(pace_at(block, kGetReadyS + 6.5 + 2.5).phase, PacePhase::kHold);
  EXPECT_EQ(pace_at(block, kGetReadyS + 6.5 + 2.5).repetition, 2u);
  EXPECT_EQ(pace_at(block, total_s - 0.1).phase, PacePhase::kPause);
  EXPECT_EQ(pace_at(block, total_s).phase, PacePhase::kOver);
  EXPECT_EQ(pace_at(block, total_s).repetition, 0u);
}

TEST(Pace, HoldsAndTimedSetsAndFreeOnes) {
  ProgramBlock block = guided_block();
  block.tempo = {};
  block.hold_s = 30.0;
  block.reps = 1;
  EXPECT_EQ(pace_at(block, kGetReadyS + 29.0).phase, PacePhase::kHold);
  EXPECT_EQ(pace_at(block, kGetReadyS + 30.0).phase, PacePhase::kOver);
  block.hold_s = 0.0;
  EXPECT_EQ(pace_at(block, 1000.0).phase, PacePhase::kFree);
  block.reps = 10;
  block.duration_s = 30.0;  // a side plank with ten lifts
  const Pace lifts = pace_at(block, kGetReadyS + 10.0);
  EXPECT_EQ(lifts.phase, PacePhase::kMove);
  EXPECT_EQ(lifts.repetition, 4u);
  EXPECT_EQ(pace_at(block, kGetReadyS + 30.0).phase, PacePhase::kOver);
}

RC_GTEST_PROP(Pace, NeverGoesBackNorBeyondWhatWasAsked, ()) {
  const int reps = *rc::gen::inRange(1, 201);
  const int tenths = *rc::gen::inRange(0, 10'000);
  ProgramBlock block = guided_block();
  block.reps = static_cast<std::uint32_t>(reps);
  block.tempo = {1.5, 0.5, 2.0, 0.0};
  const double at_s = 0.1 * tenths;
  const Pace now = pace_at(block, at_s), later = pace_at(block, at_s + 0.05);
  RC_ASSERT(now.repetition <= block.reps);
  RC_ASSERT(later.remaining_s <= now.remaining_s);
  RC_ASSERT(later.repetition >= now.repetition || later.phase == PacePhase::kOver);
  RC_ASSERT(now.phase == PacePhase::kOver || now.phase_elapsed_s <= now.phase_s + 1e-9);
}

}  // namespace
}  // namespace medius::station::test
