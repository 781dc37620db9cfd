#include "controller/station/progression.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace medius::station::test {
namespace {

using record::Side;
using testing::HasSubstr;

SetFigures set_of(Side side, std::uint32_t reps, double load = 60.0) {
  SetFigures set;
  set.side = side;
  set.load = load;
  set.reps_asked = set.reps_full = reps;
  set.range = 0.40;
  set.work_j.assign(reps, 0.40 * load);
  for (std::size_t i = 0; i < set.work_j.size(); ++i) set.work_j[i] *= i % 2 == 0 ? 0.98 : 1.02;
  set.ended_by_count = true;
  return set;
}

DayFigures good_day(std::uint32_t reps, std::uint32_t last_reps = 0, double load = 60.0) {
  DayFigures day;
  for (const Side side : {Side::kLeft, Side::kRight}) day.sets.push_back(set_of(side, reps, load));
  for (const Side side : {Side::kLeft, Side::kRight}) {
    day.sets.push_back(set_of(side, last_reps > 0 ? last_reps : reps, load));
  }
  return day;
}

ProgressionRules rules_for(Progression rule) {
  ProgressionRules rules;
  rules.rule = rule;
  rules.reps_min = 5;
  rules.reps_max = 8;
  return rules;
}

ExerciseState state_at(double load, std::uint32_t reps) {
  ExerciseState state;
  state.load = load;
  state.reps = reps;
  return state;
}

TEST(RepsFirst, FillsTheRangeAndThenAddsLoadAndStartsAnew) {
  const ProgressionRules rules = rules_for(Progression::kRepsFirst);
  ExerciseState state = state_at(60.0, 5);
  for (const std::uint32_t reps : {5u, 6u, 7u}) {
    const Decision decision = progress(rules, state, good_day(reps));
    EXPECT_EQ(decision.change, Change::kMoreReps);
    EXPECT_EQ(state.reps, reps + 1);
    EXPECT_EQ(state.load, 60.0);
  }
  const Decision decision = progress(rules, state, good_day(8));
  EXPECT_EQ(decision.change, Change::kMoreLoad);
  EXPECT_EQ(state.load, 63.0);
  EXPECT_EQ(state.reps, 5u);
  EXPECT_THAT(decision.reason, HasSubstr("load 60 to 63 (+5.0 %)"));
}

TEST(TwoForTwo, NeedsTwoExtraRepetitionsOnTwoDaysInARow) {
  const ProgressionRules rules = rules_for(Progression::kTwoForTwo);
  ExerciseState state = state_at(60.0, 6);
  EXPECT_EQ(progress(rules, state, good_day(6, 8)).change, Change::kHold);
  EXPECT_EQ(progress(rules, state, good_day(6, 7)).change, Change::kHold);  // the row is broken
  EXPECT_EQ(progress(rules, state, good_day(6, 8)).change, Change::kHold);
  EXPECT_EQ(progress(rules, state, good_day(6, 8)).change, Change::kMoreLoad);
  EXPECT_EQ(state.load, 63.0);
  EXPECT_EQ(state.surplus_days, 0u);
}

TEST(TwoForTwo, TheWeakerSideDecides) {
  const ProgressionRules rules = rules_for(Progression::kTwoForTwo);
  ExerciseState state = state_at(60.0, 6);
  for (int day = 0; day < 5; ++day) {
    DayFigures figures = good_day(6, 8);
    figures.sets.back().reps_full = 7;  // the right side's last set
    EXPECT_EQ(progress(rules, state, figures).change, Change::kHold);
  }
}

struct Fall {
  const char* what;
  void (*spoil)(DayFigures&);
  const char* sentence;
};
constexpr Fall kFalls[] = {
    {"range", [](DayFigures& day) { day.sets[1].range = 0.34; },
     "right: range fell by 15 % (limit 10 %)"},
    {"tempo", [](DayFigures& day) { day.sets[0].tempo_off_share = 0.5; },
     "left: tempo was off in 50 % of the repetitions (limit 34 %)"},
    {"momentum", [](DayFigures& day) { day.sets[2].momentum_share = 0.25; },
     "left: momentum in 25 % of the repetitions (limit 20 %)"},
    {"partials", [](DayFigures& day) { day.sets[0].reps_partial = 2; },
     "left: 2 of 10 repetitions were partial (limit 10 %)"},
    {"asymmetry",
     [](DayFigures& day) {
       for (SetFigures& set : day.sets) {
         if (set.side != Side::kRight) continue;
         for (double& work : set.work_j) work *= 0.75;
       }
     },
     "the sides differ by 29 %, 29 points more than on the first day (limit 10)"},
};

TEST(Quality, AFallRefusesTheIncreaseAndSaysWhy) {
  const ProgressionRules rules = rules_for(Progression::kRepsFirst);
  for (const Fall& fall : kFalls) {
    ExerciseState state = state_at(60.0, 8);
    DayFigures first = good_day(8);
    first.sets[0].reps_full = 7;  // not done: nothing changes, but the references are set
    ASSERT_EQ(progress(rules, state, first).change, Change::kHold);
    DayFigures day = good_day(8);
    fall.spoil(day);
    const Decision decision = progress(rules, state, day);
    EXPECT_TRUE(decision.refused) << fall.what;
    EXPECT_EQ(decision.change, Change::kHold) << fall.what;
    EXPECT_EQ(state.load, 60.0) << fall.what;
    EXPECT_THAT(decision.reason, HasSubstr(fall.sentence));
    // The same day without the fault goes up: the fault alone refused it.
    EXPECT_EQ(progress(rules, state, good_day(8)).change, Change::kMoreLoad) << fall.what;
  }
}

TEST(Shortfall, TwoDaysInARowTakeSomethingAway) {
  const ProgressionRules rules = rules_for(Progression::kRepsFirst);
  ExerciseState state = state_at(60.0, 5);
  DayFigures day = good_day(5);
  day.sets[3].reps_full = 3;
  EXPECT_EQ(progress(rules, state, day).change, Change::kHold);
  const Decision decision = progress(rules, state, day);
  EXPECT_EQ(decision.change, Change::kLessLoad);
  EXPECT_EQ(state.load, 57.0);
  EXPECT_THAT(decision.reason, HasSubstr("a set had 3 of 5 repetitions on two days"));
}

TEST(Therapist, ACapIsNeverPassedAndAProposalNeverAppliedByItself) {
  const ProgressionRules rules = rules_for(Progression::kRepsFirst);
  ExerciseState capped = state_at(60.0, 8);
  capped.load_cap = 61.0;
  EXPECT_THAT(progress(rules, capped, good_day(8)).reason, HasSubstr("the therapist's limit"));
  EXPECT_EQ(capped.load, 61.0);
  capped.reps = 8;
  const Decision at_cap = progress(rules, capped, good_day(8));
  EXPECT_TRUE(at_cap.refused);
  EXPECT_THAT(at_cap.reason, HasSubstr("only a therapist raises it"));

  ExerciseState proposed = state_at(60.0, 8);
  proposed.proposals_only = true;
  const Decision decision = progress(rules, proposed, good_day(8));
  EXPECT_FALSE(decision.applied);
  EXPECT_EQ(decision.load, 63.0);
  EXPECT_EQ(proposed.load, 60.0);
  EXPECT_EQ(proposed.reps, 8u);
  EXPECT_THAT(decision.reason, HasSubstr("proposed to the therapist"));
}

// Whatever happens: an increase is 2 to 10 %, never past the cap, never with fallen quality, and
// nothing moves for somebody whose therapist decides.
TEST(Progress, KeepsItsPromisesForAnyDays) {
  EXPECT_TRUE(rc::check([] {
    ProgressionRules rules =
        rules_for(*rc::gen::element(Progression::kRepsFirst, Progression::kTwoForTwo));
    ExerciseState state =
        state_at(*rc::gen::inRange(4, 180), static_cast<std::uint32_t>(*rc::gen::inRange(5, 9)));
    state.proposals_only = *rc::gen::arbitrary<bool>();
    if (*rc::gen::arbitrary<bool>()) state.load_cap = *rc::gen::inRange(4, 200);
    for (int i = 0; i < 12; ++i) {
      DayFigures day;
      for (const Side side : {Side::kLeft, Side::kRight, Side::kLeft, Side::kRight}) {
        SetFigures set = set_of(side, static_cast<std::uint32_t>(*rc::gen::inRange(3, 12)));
        set.reps_partial = static_cast<std::uint32_t>(*rc::gen::inRange(0, 3));
        set.range = 0.01 * *rc::gen::inRange(30, 45);
        set.momentum_share = 0.1 * *rc::gen::inRange(0, 4);
        day.sets.push_back(set);
      }
      const ExerciseState before = state;
      const auto fell = quality_fell(rules, before, day);
      const Decision decision = progress(rules, state, day);
      RC_ASSERT(!decision.reason.empty());
      RC_ASSERT(state.reps <= std::max(rules.reps_max, before.reps));
      if (state.load > before.load) {
        RC_ASSERT(!fell && !before.proposals_only);
        const bool to_cap = before.load_cap && state.load == *before.load_cap;
        RC_ASSERT(to_cap || state.load >= before.load * 1.0199);
        RC_ASSERT(state.load <= before.load * 1.1001);
        RC_ASSERT(!before.load_cap || state.load <= *before.load_cap);
      }
      if (before.proposals_only) {
        RC_ASSERT(state.load == before.load && state.reps == before.reps);
      }
    }
  }));
}

TEST(Days, LessThan48HoursApartAreWarnedOf) {
  constexpr std::int64_t kHourNs = 3'600'000'000'000;
  EXPECT_FALSE(too_soon(0, 48 * kHourNs));
  ASSERT_TRUE(too_soon(0, 47 * kHourNs));
  EXPECT_THAT(*too_soon(0, 24 * kHourNs), HasSubstr("only 24 h since the last strength day"));
}

}  // namespace
}  // namespace medius::station::test
