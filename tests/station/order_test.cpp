// Orders: every refusal and its sentence, remembered answers, versions, when a load takes effect.
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/station/station_bench.hpp"

namespace medius::station::test {
namespace {

using rt::CommandKind;
using testing::AllOf;
using testing::HasSubstr;

void expect_refused(const Result& result, RefusalCode code, const char* sentence) {
  ASSERT_FALSE(result) << "accepted, expected: " << sentence;
  EXPECT_EQ(result.error().code, code) << result.error().message;
  EXPECT_THAT(result.error().message, HasSubstr(sentence));
}

// A set under way with its 60 N fully in.
class Working : public testing::Test {
 protected:
  Working() {
    EXPECT_TRUE(bench.start());
    EXPECT_TRUE(bench.run_to_load(60.0));
  }
  Result adjust_in(hal::CoordinateKind kind, double load, std::uint8_t axis = 0) {
    AdjustLoadOrder order;
    order.header = bench.header();
    order.load = load;
    order.coordinate = kind;
    order.axis = axis;
    return bench.adjust(order);
  }
  StationBench bench;
};

// ---- load ----------------------------------------------------------------------------------
TEST_F(Working, AnIncreaseWaitsForTheBottomOfTheRepetition) {
  ASSERT_TRUE(
      bench.run_until([&] { return bench.loop.axis().phase == measure::Phase::kConcentric; }));
  const Result receipt = bench.adjust(65.0);
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_EQ(receipt->effect, Effect::kAtBottom);
  EXPECT_EQ(receipt->requested, 65.0);
  EXPECT_EQ(receipt->accepted, 65.0);
  EXPECT_LE(receipt->tick, bench.loop.now());
  EXPECT_EQ(bench.loop.axis().load_applied, 60.0);
  const auto taken = bench.loop.commands().back();
  EXPECT_EQ(taken.command.kind, CommandKind::kSetLoad);
  EXPECT_EQ(receipt->tick, taken.tick) << "the tick at which the loop took it";
  ASSERT_TRUE(bench.run_to_load(65.0));
  ASSERT_TRUE(bench.run_until([&] { return bench.now().set->load_end == 65.0; }, 1.0));
}

TEST_F(Working, ADecreaseRampsAtOnce) {
  ASSERT_TRUE(
      bench.run_until([&] { return bench.loop.axis().phase == measure::Phase::kConcentric; }));
  const Result receipt = bench.adjust(30.0);
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->effect, Effect::kRamping);
  bench.run_ms(20);
  EXPECT_LT(bench.loop.axis().load_applied, 60.0);
}

TEST_F(Working, AbsurdLoadsAreRefusedWithTheLimitNamed) {
  const double inf = std::numeric_limits<double>::infinity();
  expect_refused(bench.adjust(9000.0), RefusalCode::kOverLimit,
                 "a load of 9000 N is over user_force_max of axis 'cable', 200 N; lower it");
  expect_refused(bench.adjust(-5.0), RefusalCode::kInvalid,
                 "a load of -5 N is not possible; send a finite load of 0 N or more");
  expect_refused(bench.adjust(std::nan("")), RefusalCode::kInvalid, "a load of nan N");
  expect_refused(bench.adjust(inf), RefusalCode::kInvalid, "a load of inf N");
  expect_refused(bench.adjust(-inf), RefusalCode::kInvalid, "a load of -inf N");
  expect_refused(bench.adjust(1e308), RefusalCode::kOverLimit, "user_force_max");
  expect_refused(
      bench.adjust(160.0), RefusalCode::kOverLimit,
      "times eccentric ratio 1.3 is 208.0 N, over user_force_max of axis 'cable', 200 N; "
      "lower the load to 153.8 N");
  expect_refused(
      bench.adjust(91.0), RefusalCode::kOverLimit,
      "31.0 N above the load in force, 60.0 N; load_step_max is 30 N: raise it to 90.0 N "
      "first");
  expect_refused(adjust_in(hal::CoordinateKind::kLever, 60.0), RefusalCode::kInvalid,
                 "the load is in Nm, but axis 'cable' takes N; send it in N");
  expect_refused(adjust_in(hal::CoordinateKind::kCable, 60.0, 3), RefusalCode::kInvalid,
                 "there is no axis 3; this machine has 1");
  EXPECT_EQ(bench.loop.count(CommandKind::kSetLoad), 0) << "a refused order changes nothing";
  EXPECT_EQ(bench.loop.axis().load_requested, 60.0);
}

TEST_F(Working, StepsThatWaitForTheBottomDoNotAddUpBeyondTheLargestStep) {
  ASSERT_TRUE(
      bench.run_until([&] { return bench.loop.axis().phase == measure::Phase::kConcentric; }));
  EXPECT_TRUE(bench.adjust(90.0));
  expect_refused(bench.adjust(120.0), RefusalCode::kOverLimit, "load_step_max is 30 N");
  ASSERT_TRUE(bench.run_to_load(90.0));
  bench.run_ms(20);
  EXPECT_TRUE(bench.adjust(120.0));
}

TEST_F(Working, AfterADecreaseTheStepCountsFromTheLowerLoad) {
  EXPECT_TRUE(bench.adjust(20.0));
  expect_refused(bench.adjust(60.0), RefusalCode::kOverLimit, "above the load in force, 20.0 N");
}

TEST(AdjustLoad, NeedsASetOrASession) {
  StationBench bench;
  expect_refused(bench.adjust(50.0), RefusalCode::kWrongState,
                 "no set is under way (the station is idle); start one first");
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to(StationState::kUnloading));
  expect_refused(bench.adjust(50.0), RefusalCode::kWrongState, "the station is unloading");
  bench.loop.latch(safety::FaultCode::kEstop, safety::Reaction::kTorqueOff);
  ASSERT_TRUE(bench.run_to(StationState::kFault));
  expect_refused(bench.adjust(50.0), RefusalCode::kWrongState, "the station is in fault; estop");
}

TEST(AdjustLoad, BeforeASetChangesItsPlan) {
  StationBench bench;
  bench.loop.moving_about = true;
  const Result started = bench.start();
  ASSERT_TRUE(bench.run_to(StationState::kPretension));
  const Result planned = bench.adjust(45.0);
  ASSERT_TRUE(planned) << planned.error().message;
  EXPECT_EQ(planned->effect, Effect::kScheduled);
  EXPECT_EQ(planned->tick, 0u);
  expect_refused(bench.adjust(80.0), RefusalCode::kOverLimit, "load_step_max is 30 N");
  expect_refused(bench.adjust(500.0), RefusalCode::kOverLimit, "user_force_max");
  bench.loop.moving_about = false;
  ASSERT_TRUE(bench.run_to_load(45.0));
  ASSERT_TRUE(bench.run_to(StationState::kResting));
  ASSERT_TRUE(bench.adjust(50.0));
  ASSERT_TRUE(bench.run_to(StationState::kIdle));
  const auto sets = bench.stored(started->session_id);
  EXPECT_EQ(sets[0].load_start, 45.0);
  EXPECT_EQ(sets[1].load_start, 50.0);
}

TEST(AdjustLoad, HoldsForTheSidesLaterSetsOfTheBlock) {
  StationBench bench(nullptr, [](StationConfig& config) {
    ProgramBlock& block = config.programs.programs["two-sides"].blocks[0];
    block.sets = 2;
    block.rest_s = 0.1;
  });
  const Result started = bench.start();
  ASSERT_TRUE(bench.run_to_load(60.0));
  ASSERT_TRUE(bench.adjust(40.0));
  ASSERT_TRUE(bench.run_to(StationState::kIdle));
  const auto sets = bench.stored(started->session_id);
  ASSERT_EQ(sets.size(), 4u);
  EXPECT_EQ(sets[1].load_start, 60.0) << "the other leg keeps its prescription";
  EXPECT_EQ(sets[2].load_start, 40.0);
}

TEST(AdjustLoad, WithoutLimitsInTheMachineFileThereIsNoForce) {
  StationBench bench(nullptr,
                     [](StationConfig& config) { config.machine.axes[0].user_force_max = 0.0; });
  expect_refused(bench.start(), RefusalCode::kOverLimit, "has no user_force_max, which means 0 N");
}

// ---- parameters ----------------------------------------------------------------------------
TEST_F(Working, AParameterReachesTheLoopWithItsId) {
  const Result receipt = bench.set_parameter("eccentric_ratio", 1.4);
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_EQ(receipt->effect, Effect::kRamping);
  EXPECT_EQ(receipt->accepted, 1.4);
  EXPECT_EQ(bench.loop.commands().back().command.kind, CommandKind::kSetParameter);
  EXPECT_EQ(bench.loop.commands().back().command.parameter_id, 1u);
}

TEST_F(Working, ATherapistRaisesAParameterBeyondTheUsersAndNobodyBeyondTheLaws) {
  const Result receipt =
      bench.set_parameter("eccentric_ratio", 1.8, ParameterAuthority::kTherapist);
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_EQ(receipt->accepted, 1.8);
  expect_refused(bench.set_parameter("eccentric_ratio", 2.1, ParameterAuthority::kTherapist),
                 RefusalCode::kOverLimit, "is 2.1, it must be within 0.5 and 2");
  expect_refused(bench.set_parameter("eccentric_ratio", 1.9), RefusalCode::kOverLimit,
                 "at most 1.5 without a therapist");
}

TEST_F(Working, ParametersAreRefusedOutsideTheirRange) {
  expect_refused(bench.set_parameter("eccentric_ratio", 3.0), RefusalCode::kOverLimit,
                 "is 3, it must be within 0.5 and 2");
  expect_refused(bench.set_parameter("eccentric_ratio", 1.8), RefusalCode::kOverLimit,
                 "at most 1.5 without a therapist");
  expect_refused(bench.set_parameter("eccentric_ratio", std::nan("")), RefusalCode::kInvalid,
                 "must be finite");
  expect_refused(bench.set_parameter("colour", 1.0), RefusalCode::kNotFound,
                 "profile 'eccentric-emphasis' has no parameter 'colour'");
}

TEST_F(Working, ARatioThatLiftsTheFeltForceOverTheUsersLimitIsRefused) {
  ASSERT_TRUE(bench.adjust(90.0));
  ASSERT_TRUE(bench.run_to_load(90.0));
  bench.run_ms(20);
  ASSERT_TRUE(bench.adjust(120.0));
  ASSERT_TRUE(bench.run_to_load(120.0));
  bench.run_ms(20);
  ASSERT_TRUE(bench.adjust(140.0));
  expect_refused(bench.set_parameter("eccentric_ratio", 1.5), RefusalCode::kOverLimit,
                 "times eccentric ratio 1.5 is 210.0 N");
}

TEST(SetParameter, NeedsASetUnderWay) {
  StationBench bench;
  expect_refused(bench.set_parameter("eccentric_ratio", 1.2), RefusalCode::kWrongState,
                 "no set is under way on axis 0 (the station is idle)");
}

// ---- starting ------------------------------------------------------------------------------
TEST(Start, RefusesAnUnknownProgramAndNamesThoseThereAre) {
  StationBench bench;
  expect_refused(bench.start("no-such"), RefusalCode::kNotFound,
                 "program 'no-such' is not known; choose one of: two-sides");
  EXPECT_EQ(bench.now().state, StationState::kIdle);
}

TEST(Start, RefusesAProgramThatThisMachineCannotRun) {
  const auto refused_with = [](const std::function<void(ProgramBlock&)>& change, RefusalCode code,
                               const char* sentence) {
    StationBench bench(nullptr, [&](StationConfig& config) {
      change(config.programs.programs["two-sides"].blocks[0]);
    });
    expect_refused(bench.start(), code, sentence);
    EXPECT_TRUE(bench.loop.commands().empty());
  };
  refused_with([](ProgramBlock& block) { block.profile.id = "levitation"; }, RefusalCode::kNotFound,
               "profile 'levitation' is not loaded; choose one of: ");
  refused_with([](ProgramBlock& block) { block.profile.parameters["spin"] = 1.0; },
               RefusalCode::kNotFound, "has no parameter 'spin'");
  refused_with([](ProgramBlock& block) { block.profile.parameters["eccentric_ratio"] = 1.7; },
               RefusalCode::kOverLimit, "at most 1.5 without a therapist");
  refused_with([](ProgramBlock& block) { block.load = 180.0; }, RefusalCode::kOverLimit,
               "times eccentric ratio 1.3");
  refused_with([](ProgramBlock& block) { block.coordinate = hal::CoordinateKind::kLever; },
               RefusalCode::kInvalid, "needs a lever axis, which bench does not have");
  refused_with([](ProgramBlock& block) { block.sides.clear(); }, RefusalCode::kInvalid,
               "names no side");
  refused_with([](ProgramBlock& block) { block.reps = 0; }, RefusalCode::kInvalid, "reps is 0");
  refused_with([](ProgramBlock& block) { block.sets = 21; }, RefusalCode::kInvalid, "sets is 21");
  refused_with([](ProgramBlock& block) { block.tempo.hold_s = -1.0; }, RefusalCode::kInvalid,
               "a tempo of -1 s");
  refused_with([](ProgramBlock& block) { block.tempo.hold_s = std::nan(""); },
               RefusalCode::kInvalid, "a tempo of nan s");
  refused_with([](ProgramBlock& block) { block.rest_s = 1e9; }, RefusalCode::kInvalid, "rest is");
  refused_with([](ProgramBlock& block) { block.range_target = -0.1; }, RefusalCode::kInvalid,
               "range_target is -0.1");
}

TEST(Start, RefusesASecondSession) {
  StationBench bench;
  const Result first = bench.start();
  ASSERT_TRUE(first);
  expect_refused(bench.start(), RefusalCode::kWrongState,
                 ("session " + first->session_id + " is under way").c_str());
}

TEST(Start, RefusesToArmARealMachineWithoutRealTimeScheduling) {
  StationBench bench(nullptr, [](StationConfig& config) {
    config.machine.simulated = false;
    config.realtime_granted = false;
  });
  expect_refused(bench.start(), RefusalCode::kUnavailable, "may not use real-time scheduling");
  StationBench simulated(nullptr, [](StationConfig& config) { config.realtime_granted = false; });
  EXPECT_TRUE(simulated.start());
  EXPECT_THAT(simulated.now().warnings[0], HasSubstr("no permission for real-time scheduling"));
}

TEST(Start, RefusesWhenTheMachineDoesNotAnswer) {
  StationBench bench;
  bench.loop.link_fresh = false;
  bench.run_ms(150);
  expect_refused(bench.start(), RefusalCode::kUnavailable, "the machine does not answer");
}

// A burst of late telegrams is over before the drives are up: nothing pulls before it is.
TEST(Start, WaitsForTelegramsThatAreLateAtThatMoment) {
  StationBench bench;
  bench.run_ms(20);
  bench.loop.link_fresh = false;
  bench.run_ms(20);
  EXPECT_TRUE(bench.start());
  bench.run_ms(1000);
  EXPECT_EQ(bench.now().state, StationState::kArming);
  bench.loop.link_fresh = true;
  bench.run_ms(100);
  EXPECT_EQ(bench.now().state, StationState::kPretension);
}

TEST(Start, RefusesWhenTheLoopStandsStill) {
  StationBench bench;
  bench.loop.running = false;
  bench.run_ms(300);
  expect_refused(bench.start(), RefusalCode::kUnavailable, "the loop stands still at tick 50");
  EXPECT_THAT(bench.now().warnings.back(), HasSubstr("the loop stands still"));
}

TEST(Start, IsRefusedWhenTheLoopRefusesToEnable) {
  StationBench bench;
  bench.loop.refuse = CommandKind::kEnable;
  expect_refused(bench.start(), RefusalCode::kWrongState, "the loop refused start_session");
  EXPECT_TRUE(bench.run_to(StationState::kIdle, 0.1));
}

// ---- pause and resume ----------------------------------------------------------------------
TEST_F(Working, PauseTakesTheLoadOffAndResumeBringsItBack) {
  const Result paused = bench.pause();
  ASSERT_TRUE(paused);
  EXPECT_EQ(paused->effect, Effect::kRamping);
  EXPECT_TRUE(bench.now().paused || bench.run_until([&] { return bench.now().paused; }, 0.02));
  expect_refused(bench.resume(), RefusalCode::kWrongState, "the load is still going out");
  bench.run_ms(600);
  EXPECT_EQ(bench.loop.axis().load_state, safety::LoadState::kTakeUp);
  EXPECT_EQ(bench.now().state, StationState::kWorking);
  const Result again = bench.pause();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->effect, Effect::kApplied);
  const Result resumed = bench.resume();
  ASSERT_TRUE(resumed) << resumed.error().message;
  EXPECT_EQ(resumed->effect, Effect::kRamping);
  EXPECT_TRUE(bench.run_to_load(60.0));
  EXPECT_FALSE(bench.now().paused);
  expect_refused(bench.resume(), RefusalCode::kWrongState, "nothing is paused");
}

TEST_F(Working, StandingStillIsNotCountedDuringAPauseButAPauseEnds) {
  ASSERT_TRUE(bench.pause());
  bench.run_ms(20'000);
  EXPECT_EQ(bench.now().state, StationState::kWorking);
  EXPECT_TRUE(bench.run_to(StationState::kUnloading, 290.0));
  EXPECT_THAT(bench.now().state_reason, HasSubstr("nobody resumed"));
}

TEST(Pause, NeedsASetOrARest) {
  StationBench bench;
  expect_refused(bench.pause(), RefusalCode::kWrongState, "nothing to pause");
  expect_refused(bench.resume(), RefusalCode::kWrongState, "nothing is paused");
}

// ---- request ids and versions --------------------------------------------------------------
TEST_F(Working, ADuplicateGetsTheFirstAnswerAndIsAppliedOnce) {
  AdjustLoadOrder order;
  order.header = bench.header();
  order.load = 50.0;
  const Result first = bench.adjust(order);
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->duplicate);
  order.header.expected_version = 1;  // stale by now
  const Result second = bench.adjust(order);
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->duplicate);
  EXPECT_EQ(second->tick, first->tick);
  EXPECT_EQ(second->accepted, 50.0);
  EXPECT_EQ(second->version, first->version);
  EXPECT_EQ(bench.loop.count(CommandKind::kSetLoad), 1);
}

TEST_F(Working, AnotherOrderWithAUsedIdIsRefusedAndDoesNotGetTheFirstOnesAnswer) {
  AdjustLoadOrder order;
  order.header = bench.header();
  order.load = 50.0;
  ASSERT_TRUE(bench.adjust(order));
  order.load = 70.0;
  expect_refused(bench.adjust(order), RefusalCode::kInvalid,
                 "was used for adjust_load 50 N on axis 0 already, this is adjust_load 70 N on "
                 "axis 0; choose a new id for each order");
  expect_refused(bench.wait([&](auto answer) { bench.station->resume(order.header, answer); }),
                 RefusalCode::kInvalid, "this is resume");
  EXPECT_EQ(bench.loop.count(CommandKind::kSetLoad), 1);
}

TEST_F(Working, TheSameIdOfAnotherClientIsAnotherOrder) {
  AdjustLoadOrder order;
  order.header = bench.header("tablet");
  order.load = 50.0;
  ASSERT_TRUE(bench.adjust(order));
  order.header.client_name = "phone";
  const Result second = bench.adjust(order);
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->duplicate);
  EXPECT_EQ(bench.loop.count(CommandKind::kSetLoad), 2);
}

TEST_F(Working, ADuplicateOfAnOrderUnderWayWaitsForItsAnswer) {
  AdjustLoadOrder order;
  order.header = bench.header();
  order.load = 50.0;
  std::vector<Result> answers;
  for (int i = 0; i < 3; ++i) {
    bench.station->adjust_load(order, [&](Result result) { answers.push_back(std::move(result)); });
  }
  EXPECT_TRUE(answers.empty());
  bench.run_ms(25);
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_FALSE(answers[0]->duplicate);
  EXPECT_TRUE(answers[1]->duplicate);
  EXPECT_EQ(answers[2]->tick, answers[0]->tick);
  EXPECT_EQ(bench.loop.count(CommandKind::kSetLoad), 1);
}

TEST_F(Working, ARefusalIsRememberedToo) {
  AdjustLoadOrder order;
  order.header = bench.header();
  order.load = 91.0;  // too large a step
  const Result first = bench.adjust(order);
  ASSERT_FALSE(first);
  ASSERT_TRUE(bench.adjust(80.0));
  ASSERT_TRUE(bench.run_to_load(80.0));
  const Result second = bench.adjust(order);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, first.error().message);
}

TEST_F(Working, AFloodOfRefusedOrdersDoesNotPushOutWhatWasApplied) {
  AdjustLoadOrder applied;
  applied.header = bench.header();
  applied.load = 50.0;
  ASSERT_TRUE(bench.adjust(applied));
  for (int i = 0; i < 3000; ++i) {
    AdjustLoadOrder absurd;
    absurd.header = bench.header();
    absurd.load = -1.0;
    bench.station->adjust_load(absurd, [](const auto&) {});
  }
  const Result again = bench.adjust(applied);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(bench.loop.count(CommandKind::kSetLoad), 1);
}

TEST_F(Working, BadRequestIdsAreRefused) {
  for (const std::string& id : {std::string(), std::string(65, 'x'), std::string("a b"),
                                std::string("a\nb"), std::string("\xff")}) {
    AdjustLoadOrder order;
    order.header.request_id = id;
    order.load = 50.0;
    expect_refused(bench.adjust(order), RefusalCode::kInvalid, "send 1 to 64 printable ones");
  }
}

TEST_F(Working, AStaleVersionIsRefusedAndTheCurrentOneAccepted) {
  AdjustLoadOrder order;
  order.header = bench.header();
  order.load = 50.0;
  order.header.expected_version = bench.now().version + 1;
  expect_refused(bench.adjust(order), RefusalCode::kVersionConflict, "look at its state and order");
  order.header = bench.header();
  order.header.expected_version = bench.now().version;
  const Result receipt = bench.adjust(order);
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_GT(receipt->version, *order.header.expected_version);
}

TEST_F(Working, OfTwoTrainersWithTheSameVersionOneWins) {
  std::vector<Result> answers;
  const std::uint64_t version = bench.now().version;
  for (const double load : {50.0, 55.0}) {
    AdjustLoadOrder order;
    order.header = bench.header();
    order.header.expected_version = version;
    order.load = load;
    bench.station->adjust_load(order, [&](Result result) { answers.push_back(std::move(result)); });
  }
  bench.run_ms(30);
  ASSERT_EQ(answers.size(), 2u);
  int won = 0;
  for (const Result& answer : answers) won += answer ? 1 : 0;
  EXPECT_EQ(won, 1);
  EXPECT_EQ(bench.loop.axis().load_requested, 50.0);
}

// ---- the loop's queue ----------------------------------------------------------------------
TEST_F(Working, AFullCommandQueueIsBusy) {
  bench.loop.takes_commands = false;
  while (bench.channels->commands.push({.kind = CommandKind::kFreezeIncreases})) {
  }
  expect_refused(bench.adjust(50.0), RefusalCode::kBusy, "command queue is full (256)");
  bench.loop.takes_commands = true;
  bench.run_ms(20);
  EXPECT_TRUE(bench.adjust(50.0));
}

TEST_F(Working, WhatWasBusyMayBeSentAgainWithTheSameId) {
  bench.loop.takes_commands = false;
  while (bench.channels->commands.push({.kind = CommandKind::kFreezeIncreases})) {
  }
  AdjustLoadOrder order;
  order.header = bench.header();
  order.load = 50.0;
  expect_refused(bench.adjust(order), RefusalCode::kBusy, "full");
  bench.loop.takes_commands = true;
  bench.run_ms(20);
  const Result again = bench.adjust(order);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->duplicate);
}

// What the loop and the store report by themselves must not make a trainer's order stale.
TEST_F(Working, RepetitionsAndAppliedLoadsDoNotRaiseTheVersion) {
  ASSERT_TRUE(bench.adjust(50.0));
  const std::uint64_t version = bench.now().version;
  const std::uint32_t reps = bench.loop.axis().reps_counted;
  ASSERT_TRUE(bench.run_until([&] { return bench.loop.axis().reps_counted > reps; }));
  EXPECT_EQ(bench.now().set->load_end, 50.0);
  EXPECT_EQ(bench.now().version, version);
}

TEST_F(Working, AnOrderThatTheLoopDoesNotTakeInTimeIsUnavailableAndTakenBackLater) {
  bench.loop.takes_commands = false;
  const std::uint64_t ordered = bench.loop.now();
  const Result receipt = bench.adjust(70.0);
  expect_refused(receipt, RefusalCode::kUnavailable,
                 "the loop has not taken adjust_load 70 N on axis 0 within 200 ms");
  EXPECT_NEAR(static_cast<double>(bench.loop.now() - ordered), 200.0, 15.0);
  bench.loop.takes_commands = true;
  bench.run_ms(50);
  EXPECT_EQ(bench.loop.axis().load_requested, 60.0) << "a stale increase does not stay";
}

TEST_F(Working, MoreOrdersThanMayWaitAreBusy) {
  bench.loop.takes_commands = false;
  int busy = 0;
  int answered = 0;
  for (int i = 0; i < 100; ++i) {
    AdjustLoadOrder order;
    order.header = bench.header();
    order.load = 50.0;
    bench.station->adjust_load(order, [&](const Result& result) {
      ++answered;
      if (!result && result.error().code == RefusalCode::kBusy) ++busy;
    });
  }
  EXPECT_EQ(busy, 36);
  bench.loop.takes_commands = true;
  bench.run_ms(50);
  EXPECT_EQ(answered, 100);
}

TEST_F(Working, ALoopThatRefusesIsToldAsWrongState) {
  bench.loop.refuse = CommandKind::kSetLoad;
  expect_refused(bench.adjust(50.0), RefusalCode::kWrongState,
                 "the loop refused adjust_load 50 N on axis 0 at tick");
}

TEST(Lockstep, AStalledHostDoesNotFailAnOrder) {
  StationBench bench(nullptr, [](StationConfig& config) { config.machine.lockstep = true; });
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_to_load(60.0));
  std::optional<Result> answer;
  AdjustLoadOrder order;
  order.header = bench.header();
  order.load = 50.0;
  bench.loop.running = false;
  bench.station->adjust_load(order, [&](Result result) { answer = std::move(result); });
  bench.run_ms(1000);
  EXPECT_FALSE(answer);
  EXPECT_EQ(bench.now().state, StationState::kWorking);
  bench.loop.running = true;
  bench.run_ms(30);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(*answer);
}

}  // namespace
}  // namespace medius::station::test
