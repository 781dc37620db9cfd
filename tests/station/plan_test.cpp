#include "controller/station/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/station/order_limits.hpp"
#include "controller/station/plan_tests.hpp"
#include "tests/station/station_bench.hpp"

namespace medius::station::test {
namespace {

using record::Side;
using testing::ElementsAre;
using testing::HasSubstr;

const ProgramLibrary& shipped() {
  static const ProgramLibrary library = load_programs(source_path("programs"));
  return library;
}

TEST(Plan, StrengthDaysAreAtLeast48HoursApartAndTheLastWeekEndsIt) {
  for (const auto& [id, program] : shipped().programs) {
    if (program.plan.weeks == 0 || !program.plan.strength) continue;
    std::uint32_t days = 0;
    std::uint32_t last = 0;
    while (const auto day = day_of(program.plan, days)) {
      const std::uint32_t date = day->week * 7 + day->day_of_week;
      if (days > 0) {
        EXPECT_GE(date - last, 2u) << id << " day " << days;
      }
      last = date;
      ++days;
    }
    EXPECT_EQ(days, program.plan.weeks * program.plan.days_per_week) << id;
  }
}

TEST(Plan, TestsAreDueBeforeTheFirstDayAfterFourWeeksAndAtTheEnd) {
  const PlanCalendar& plan = shipped().programs.at("glute-med-strength").plan;
  std::vector<std::uint32_t> due;
  for (std::uint32_t day = 0; day <= 24; ++day) {
    if (tests_due(plan, day)) due.push_back(day);
  }
  EXPECT_THAT(due, ElementsAre(0u, 12u, 24u));
}

TEST(Plan, TheFirstSessionIsTheProgramAndWarmUpsFollowTheWorkingLoad) {
  const Program& program = shipped().programs.at("glute-med-strength");
  PlanState state = begin_plan(program);
  Program session = next_session(program, state);
  ASSERT_EQ(session.blocks.size(), program.blocks.size() + 1);  // the last set stands apart
  EXPECT_EQ(session.blocks[0].load, 20.0);                      // 0.33 of 60 N, in steps of 0.5 N
  EXPECT_EQ(session.blocks[1].sets, 2u);
  EXPECT_EQ(session.blocks[1].reps, 6u);
  EXPECT_EQ(session.blocks[2].sets, 1u);
  EXPECT_EQ(session.blocks[2].reps, 8u);  // two extra, within 5 to 8
  state.exercises.at("cable-standing-abduction").load = 90.0;
  session = next_session(program, state);
  EXPECT_EQ(session.blocks[0].load, 29.5);
  EXPECT_EQ(session.blocks[1].load, 90.0);
  EXPECT_TRUE(session.blocks[0].warm_up);
}

TEST(Plan, MoreSetsComeInTheSecondHalf) {
  const Program& program = shipped().programs.at("glute-med-foundation");
  PlanState state = begin_plan(program);
  state.days_done = 11;
  EXPECT_EQ(next_session(program, state).blocks[1].sets, 2u);
  state.days_done = 12;
  EXPECT_EQ(next_session(program, state).blocks[1].sets, 3u);
}

TEST(Plan, WarmUpsAndFixedBlocksAreNoWorkingSets) {
  const Program& program = shipped().programs.at("glute-med-foundation");
  const PlanState state = begin_plan(program);
  const Program session = next_session(program, state);
  std::vector<record::SetRecord> sets;
  for (std::uint32_t index = 1; index <= 6; ++index) {  // 2 warm-ups, 4 working sets
    record::SetRecord set;
    set.index = index;
    set.exercise_id = "cable-standing-abduction";
    set.side = index % 2 == 1 ? Side::kLeft : Side::kRight;
    set.reps_counted = 10;
    sets.push_back(set);
  }
  EXPECT_EQ(day_figures(session, sets, "cable-standing-abduction").sets.size(), 4u);
  EXPECT_TRUE(day_figures(session, sets, "clamshell").sets.empty());
}

TEST(Plan, TakesWhatWasConfirmedOfAnExerciseWithoutTheMachine) {
  const Program& program = shipped().programs.at("glute-med-foundation");
  const Program session = next_session(program, begin_plan(program));
  std::vector<record::GuidedRecord> told(2);
  for (record::GuidedRecord& one : told) {
    one.index = 7;  // after 2 warm-ups and 4 sets
    one.exercise_id = "clamshell";
    one.reps_asked = 10;
    one.end = record::GuidedEnd::kConfirmed;
    one.reps_confirmed = 10;
  }
  told[1].index = 8;
  told[1].reps_confirmed = 6;
  const DayFigures day = guided_figures(session, told, "clamshell");
  ASSERT_EQ(day.sets.size(), 2u);
  EXPECT_TRUE(day.sets[0].ended_by_count);
  EXPECT_FALSE(day.sets[1].ended_by_count);
  EXPECT_EQ(day.sets[1].reps_full, 6u);
  EXPECT_TRUE(day.sets[0].work_j.empty());
  EXPECT_TRUE(guided_figures(session, told, "single-leg-bridge").sets.empty());
  told[0].index = 1;  // a warm-up has no progression
  EXPECT_EQ(guided_figures(session, told, "clamshell").sets.size(), 1u);
}

TEST(Plan, AFinishedDayMovesOnlyWhatWasTrained) {
  const Program& program = shipped().programs.at("glute-med-foundation");
  PlanState state = begin_plan(program);
  DayFigures day;
  for (const Side side : {Side::kLeft, Side::kRight}) {
    SetFigures set;
    set.side = side;
    set.reps_full = 10;
    day.sets.push_back(set);
  }
  const auto decisions = finish_day(program, state, 0, {{"cable-standing-abduction", day}});
  ASSERT_EQ(decisions.size(), 3u);
  EXPECT_EQ(state.days_done, 1u);
  EXPECT_EQ(state.exercises.at("cable-standing-abduction").reps, 11u);
  EXPECT_EQ(state.exercises.at("clamshell").reps, 10u);
  EXPECT_EQ(decisions[1].decision.reason, "not trained");
}

TEST(MachineShares, SkipWhatBelongsElsewhereAndSaySo) {
  const Program& program = shipped().programs.at("glute-med-strength");
  const auto cable = load_machine(source_path("hal/machines/cable-station-sim.toml"));
  ASSERT_TRUE(cable);
  const MachineShare share = share_of(program, *cable);
  EXPECT_EQ(share.program.blocks.size(), 3u);
  ASSERT_EQ(share.skipped.size(), 1u);
  EXPECT_EQ(share.skipped[0],
            "seated-abduction is skipped: it belongs to the seated hip-abduction machine, this is "
            "the cable station (simulated); do it there");
}

TEST(MachineShares, PaceAnExerciseWithoutTheMachineAtOneOfThemOnly) {
  const Program& program = shipped().programs.at("upper-glute-hypertrophy");
  int paced = 0;
  for (const char* file : {"cable-station-sim", "seated-hip-abduction-sim"}) {
    const auto machine = load_machine(source_path("hal/machines/" + std::string(file) + ".toml"));
    ASSERT_TRUE(machine);
    const MachineShare share = share_of(program, *machine);
    EXPECT_EQ(share.program.blocks.size() + share.skipped.size(), program.blocks.size());
    for (const ProgramBlock& block : share.program.blocks) paced += block.guided ? 1 : 0;
  }
  EXPECT_EQ(paced, 1);
}

TEST(MachineShares, LeaveAStanceOutWhereNothingSeesThePelvis) {
  const Program& program = shipped().programs.at("test-single-leg-stance");
  const auto blind = load_machine(source_path("hal/machines/cable-station-sim.toml"));
  const auto seeing = load_machine(source_path("hal/machines/cable-station-pelvis-sim.toml"));
  ASSERT_TRUE(blind && seeing);
  EXPECT_TRUE(share_of(program, *blind).program.blocks.empty());
  EXPECT_THAT(share_of(program, *blind).skipped.at(0), HasSubstr("cannot see the pelvis"));
  EXPECT_EQ(share_of(program, *seeing).program.blocks.size(), 1u);
}

// A program says the load of an arm; one axis for both carries twice of it.
TEST(MachineShares, OfLinkedArmsCarryTheLoadOfBoth) {
  const Program& program = shipped().programs.at("seated-short");
  const auto two = load_machine(source_path("hal/machines/seated-hip-abduction-sim.toml"));
  const auto linked = load_machine(source_path("hal/machines/seated-linked-sim.toml"));
  ASSERT_TRUE(two);
  ASSERT_TRUE(linked);
  EXPECT_EQ(share_of(program, *two).program.blocks.at(0).load, 30.0);
  EXPECT_EQ(share_of(program, *linked).program.blocks.at(0).load, 60.0);
}

// Also of a program: the other leg would be pulled along.
TEST(MachineShares, OfLinkedArmsAreNeverForOneSide) {
  PluginHost plugins;
  plugins.load_directory(MEDIUS_PLUGIN_DIR);
  const auto two = load_machine(source_path("hal/machines/seated-hip-abduction-sim.toml"));
  const auto linked = load_machine(source_path("hal/machines/seated-linked-sim.toml"));
  ASSERT_TRUE(two && linked);
  ProgramBlock block = shipped().programs.at("seated-short").blocks.at(0);
  EXPECT_EQ(check_block(*linked, plugins, block), std::nullopt);
  block.sides = {Side::kBoth, Side::kLeft};
  EXPECT_EQ(check_block(*two, plugins, block), std::nullopt);
  const auto refused = check_block(*linked, plugins, block);
  ASSERT_TRUE(refused);
  EXPECT_THAT(refused->message, HasSubstr("side is left, but linked arms move both legs"));
}

record::SetRecord tested_set(Side side, double load, double speed) {
  record::SetRecord set;
  set.side = side;
  set.load_end = load;
  for (const double share : {0.9, 1.0, 0.95}) {
    measure::RepMetrics rep;
    rep.range = 0.4 * share;
    rep.concentric.velocity_peak = speed * share;
    rep.concentric.work_j = 16.0 * share;
    set.reps.push_back(rep);
  }
  return set;
}

TEST(TestResults, TakeTheFastestRepetitionOfEachLoad) {
  std::vector<record::SetRecord> sets;
  for (const double load : {60.0, 70.0, 80.0, 90.0, 100.0}) {
    sets.push_back(tested_set(Side::kLeft, load, 2.0 - 0.01 * load));
  }
  const TestResult result = test_result(TestKind::kLoadVelocity, sets);
  ASSERT_EQ(result.sides.size(), 2u);
  EXPECT_NEAR(result.sides[0].profile.one_rm, 172.0, 1e-6);
  EXPECT_EQ(result.sides[1].value.count, 0u);  // the right side was not tested
  EXPECT_THAT(result.note, HasSubstr("fewer than four loads"));
}

TEST(TestResults, CompareSidesWithoutDiagnosing) {
  std::vector<record::SetRecord> sets{tested_set(Side::kLeft, 40.0, 1.0),
                                      tested_set(Side::kRight, 40.0, 1.0)};
  const TestResult same = test_result(TestKind::kLeftRight, sets);
  ASSERT_TRUE(same.symmetry);
  EXPECT_THAT(symmetry_text(*same.symmetry), HasSubstr("no difference told apart from none"));
  for (measure::RepMetrics& rep : sets[1].reps) rep.concentric.work_j *= 0.6;
  const TestResult other = test_result(TestKind::kLeftRight, sets);
  EXPECT_THAT(symmetry_text(*other.symmetry), HasSubstr("a difference beyond its error"));
  for (const char* word : {"weak", "deficit", "disorder", "abnormal", "pathol"}) {
    EXPECT_THAT(symmetry_text(*other.symmetry), testing::Not(HasSubstr(word)));
  }
}

TEST(TestResults, SayThatThePelvisIsNotSeen) {
  EXPECT_THAT(test_result(TestKind::kPelvicDrop, {}).note, HasSubstr("cannot see the pelvis"));
}

}  // namespace
}  // namespace medius::station::test
