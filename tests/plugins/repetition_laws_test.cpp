// The laws that follow a person through repetitions: spotter, drop set, tempo eccentric, stack.
#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "tests/plugins/plugin_fixture.hpp"

namespace medius {
namespace {

using test::activation;
using test::input;
using test::make;
using test::run;

constexpr double kRange = 0.4;
constexpr double kLoad = 100.0;

// A person in the hands of a test: lifts, gets stuck, lowers.
class Person {
 public:
  explicit Person(rt::ProfileInstance& profile, double range = kRange)
      : profile_(profile), range_(range) {}

  double move(medius_phase_t phase, double velocity, double seconds) {
    for (int i = 0; i < static_cast<int>(seconds * 1e3 + 0.5); ++i) {
      position_ += velocity * 1e-3;
      auto in = input(phase, velocity, kLoad);
      in.position = position_;
      in.range = range_;
      in.repetition = repetition_;
      force_ = profile_.step(in).force;
      lowest_ = std::min(lowest_, force_);
      highest_ = std::max(highest_, force_);
    }
    return force_;
  }
  double lift_to(double fraction, double velocity = 0.2) {
    return move(MEDIUS_PHASE_CONCENTRIC, velocity, (fraction * kRange - position_) / velocity);
  }
  double stuck(double seconds, double velocity = 0.0) {
    return move(MEDIUS_PHASE_CONCENTRIC, velocity, seconds);
  }
  double lower() {
    move(MEDIUS_PHASE_ECCENTRIC, -0.2, position_ / 0.2);
    close_repetition();
    return move(MEDIUS_PHASE_BOTTOM, 0.0, 1.0);
  }
  void close_repetition() { ++repetition_; }
  double repetition(double velocity = 0.2) {
    lift_to(1.0, velocity);
    move(MEDIUS_PHASE_HOLD, 0.0, 1.0);
    return lower();
  }
  double force() const { return force_; }
  double lowest() const { return lowest_; }
  double highest() const { return highest_; }

 private:
  rt::ProfileInstance& profile_;
  double range_;
  double position_ = 0.0, force_ = 0.0, lowest_ = 1e9, highest_ = 0.0;
  std::uint32_t repetition_ = 0;
};

class RepetitionLaws : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(host_.load_directory(MEDIUS_PLUGIN_DIR).empty()); }
  station::PluginHost host_;
};

// ---- spotter -------------------------------------------------------------------------------

TEST_F(RepetitionLaws, TheSpotterLeavesSomebodyAloneWhoLifts) {
  const auto profile = make(host_, "spotter");
  Person person(*profile);
  for (int i = 0; i < 5; ++i) person.repetition(i < 3 ? 0.2 : 0.06);
  EXPECT_EQ(person.lowest(), kLoad);
  EXPECT_EQ(person.highest(), kLoad);
}

TEST_F(RepetitionLaws, TheSpotterTakesATenthASecondFromSomebodyWhoIsStuck) {
  const auto profile = make(host_, "spotter");
  Person person(*profile);
  person.lift_to(0.5);
  EXPECT_EQ(person.stuck(0.799), kLoad) << "0.8 s of patience";
  EXPECT_NEAR(person.stuck(1.001), 0.9 * kLoad, 0.02);
  EXPECT_NEAR(person.stuck(1.0), 0.8 * kLoad, 0.02);
  EXPECT_NEAR(person.stuck(10.0), 0.5 * kLoad, 1e-9) << "never below half";
}

TEST_F(RepetitionLaws, TheSpotterStopsHelpingWhenTheLiftGoesOnAndNeverRisesInIt) {
  const auto profile = make(host_, "spotter");
  Person person(*profile);
  person.lift_to(0.5);
  const double helped = person.stuck(2.8);
  EXPECT_NEAR(helped, 0.8 * kLoad, 0.02);
  EXPECT_EQ(person.lift_to(1.0), helped);
  EXPECT_EQ(person.move(MEDIUS_PHASE_HOLD, 0.0, 2.0), helped);
  EXPECT_EQ(person.lower(), helped);
}

TEST_F(RepetitionLaws, TheSpotterGivesHalfOfTheCutBackForAFastRepetition) {
  const auto profile = make(host_, "spotter");
  Person person(*profile);
  person.repetition();
  person.lift_to(0.5);
  const double helped = person.stuck(2.8);
  person.lift_to(1.0);
  EXPECT_EQ(person.lower(), helped);
  EXPECT_EQ(person.repetition(), helped) << "earned now, given in the next";
  EXPECT_NEAR(person.repetition(), kLoad - 0.5 * (kLoad - helped), 0.05);
  EXPECT_NEAR(person.repetition(), kLoad - 0.25 * (kLoad - helped), 0.05);
}

TEST_F(RepetitionLaws, TheSpotterKeepsTheCutForASlowRepetition) {
  const auto profile = make(host_, "spotter");
  Person person(*profile);
  person.repetition(0.2);
  person.lift_to(0.5);
  const double helped = person.stuck(2.8);
  person.lift_to(1.0);
  person.lower();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(person.repetition(0.12), helped) << "60 % of the best";
}

TEST_F(RepetitionLaws, TheSpotterGivesNothingBackForARepetitionItHelpedIn) {
  const auto profile = make(host_, "spotter", {{"stall_time_s", 0.3}});
  Person person(*profile);
  person.repetition(0.2);
  person.lift_to(0.5);
  const double helped = person.stuck(0.5);  // short: the lift is still faster than 70 % of the best
  EXPECT_NEAR(helped, 0.98 * kLoad, 0.02);
  person.lift_to(1.0);
  person.lower();
  EXPECT_EQ(person.repetition(), helped);
  EXPECT_GT(person.repetition(), helped) << "but for the next, which it left alone";
}

TEST_F(RepetitionLaws, TheSpotterGivesNothingBackToSomebodyWhoStands) {
  const auto profile = make(host_, "spotter");
  Person person(*profile);
  person.repetition();
  person.lift_to(0.5);
  const double helped = person.stuck(2.8);
  person.lift_to(1.0);
  person.lower();
  person.repetition();
  EXPECT_EQ(person.move(MEDIUS_PHASE_CONCENTRIC, 0.015, 3.0), helped);
  EXPECT_GT(person.move(MEDIUS_PHASE_CONCENTRIC, 0.1, 0.2), helped);
}

TEST_F(RepetitionLaws, TheSpotterHelpsNobodyAtTheEndsOfTheRangeOrInAHold) {
  const auto profile = make(host_, "spotter");
  for (const double fraction : {0.2, 0.95}) {
    Person person(*profile);
    profile->reset();
    person.lift_to(fraction);
    EXPECT_EQ(person.stuck(5.0), kLoad) << fraction;
  }
  Person person(*profile);
  profile->reset();
  person.lift_to(0.85);
  EXPECT_EQ(person.move(MEDIUS_PHASE_HOLD, 0.0, 5.0), kLoad);
  // A hold below 80 % is somebody who never came up.
  profile->reset();
  Person low(*profile);
  low.lift_to(0.7);
  EXPECT_LT(low.move(MEDIUS_PHASE_HOLD, 0.0, 5.0), 0.7 * kLoad);
}

TEST_F(RepetitionLaws, TheSpotterHelpsLaterWhileTheRangeIsNotKnown) {
  const auto profile = make(host_, "spotter");
  Person person(*profile, 0.0);
  person.lift_to(0.5);
  EXPECT_EQ(person.stuck(1.9), kLoad);
  EXPECT_LT(person.stuck(1.1), 0.92 * kLoad);
}

TEST_F(RepetitionLaws, TheSpotterTakesAQuarterOfTheBestSpeedForStuck) {
  const auto profile = make(host_, "spotter");
  Person person(*profile);
  person.repetition(0.2);
  person.lift_to(0.3);
  EXPECT_LT(person.stuck(2.0, 0.045), 0.9 * kLoad);
  profile->reset();
  Person slow(*profile);  // whose best is no better
  slow.repetition(0.06);
  slow.lift_to(0.3);
  EXPECT_EQ(slow.stuck(2.0, 0.045), kLoad);
}

// ---- drop set ------------------------------------------------------------------------------

TEST_F(RepetitionLaws, ADropSetDropsByItsShareAfterALostQuarterOfSpeed) {
  const auto profile = make(host_, "drop-set");
  Person person(*profile);
  EXPECT_EQ(person.repetition(0.20), kLoad);
  EXPECT_EQ(person.repetition(0.16), kLoad) << "20 % lost";
  EXPECT_NEAR(person.repetition(0.14), 85.0, 1e-9) << "30 % lost";
  EXPECT_NEAR(person.repetition(0.20), 85.0, 1e-9) << "what is gone stays away";
  EXPECT_NEAR(person.repetition(0.14), 85.0 * 0.85, 1e-9);
}

TEST_F(RepetitionLaws, ADropSetDropsOnlyBetweenRepetitionsAndOnlyDown) {
  const auto profile = make(host_, "drop-set");
  Person person(*profile);
  person.repetition(0.2);
  person.lift_to(1.0, 0.12);
  EXPECT_EQ(person.move(MEDIUS_PHASE_ECCENTRIC, -0.2, 1.9), kLoad) << "not before the bottom";
  EXPECT_LT(person.lower(), kLoad);
  EXPECT_EQ(person.highest(), kLoad);
}

// The host may close a repetition a little before the bottom.
TEST_F(RepetitionLaws, ADropSetWaitsForTheBottomWhenTheRepetitionClosesEarly) {
  const auto profile = make(host_, "drop-set");
  Person person(*profile);
  person.repetition(0.2);
  person.lift_to(1.0, 0.12);
  person.move(MEDIUS_PHASE_ECCENTRIC, -0.2, 1.8);
  person.close_repetition();
  EXPECT_EQ(person.move(MEDIUS_PHASE_ECCENTRIC, -0.1, 0.4), kLoad);
  EXPECT_NEAR(person.move(MEDIUS_PHASE_BOTTOM, 0.0, 1.0), 0.85 * kLoad, 1e-9);
}

TEST_F(RepetitionLaws, ADropSetKnowsFourDropsAndALeastLoad) {
  const auto profile = make(host_, "drop-set");
  Person person(*profile);
  person.repetition(0.2);
  for (int i = 0; i < 8; ++i) person.repetition(0.13);
  EXPECT_NEAR(person.force(), kLoad * std::pow(0.85, 4), 1e-9);
  const auto steep = make(host_, "drop-set", {{"drop", 0.3}});
  Person weak(*steep);
  weak.repetition(0.2);
  for (int i = 0; i < 4; ++i) weak.repetition(0.13);
  EXPECT_NEAR(weak.force(), 0.4 * kLoad, 1e-9);
}

TEST_F(RepetitionLaws, ADropSetEndsAtTheLeastLoadWhenHalfOfTheSpeedIsLost) {
  const auto profile = make(host_, "drop-set");
  Person person(*profile);
  person.repetition(0.2);
  person.repetition(0.09);
  person.repetition(0.09);
  EXPECT_NEAR(person.force(), 0.4 * kLoad, 1e-9);
}

TEST_F(RepetitionLaws, ADropSetDoesNotJudgeAPartialRepetition) {
  const auto profile = make(host_, "drop-set");
  Person person(*profile);
  person.repetition(0.2);
  person.lift_to(0.5, 0.05);
  EXPECT_EQ(person.lower(), kLoad);
  EXPECT_LT(person.repetition(0.05), kLoad) << "the control: a full one is judged";
}

// ---- tempo eccentric -----------------------------------------------------------------------

// A person who lowers smoothly and yields the faster the heavier the load is: 3 % for 1 %. Under
// the set load it would take `natural_s`. The host's word comes 0.2 s late.
double lowering_s(rt::ProfileInstance& profile, double natural_s, double* lowest, double* highest) {
  auto in = input(MEDIUS_PHASE_BOTTOM, 0.0, kLoad);
  in.range = kRange;
  run(profile, in, 0.5);
  in.position = kRange;
  in.phase = MEDIUS_PHASE_HOLD;
  run(profile, in, 0.5);
  double force = kLoad, progress = 0.0;
  for (int tick = 1; tick < 20000; ++tick) {
    in.phase = tick > 200 ? MEDIUS_PHASE_ECCENTRIC : MEDIUS_PHASE_HOLD;
    progress += 1e-3 / natural_s * (1.0 + 3.0 * (force / kLoad - 1.0));
    if (progress >= 1.0) return tick * 1e-3;
    const double p = progress;
    const double before = in.position;
    in.position = kRange * (1.0 - p * p * p * (10.0 + p * (6.0 * p - 15.0)));
    in.velocity = (in.position - before) / 1e-3;
    force = profile.step(in).force;
    *lowest = std::min(*lowest, force);
    *highest = std::max(*highest, force);
  }
  return 1e9;
}

TEST_F(RepetitionLaws, ATempoHeldLoweringComesNearerToItsTime) {
  for (const double natural_s : {2.3, 2.6, 3.4, 4.0}) {
    double low = kLoad, high = kLoad;
    const double free_s = lowering_s(*make(host_, "constant-tension"), natural_s, &low, &high);
    const double held_s = lowering_s(*make(host_, "tempo-eccentric", {{"eccentric_time_s", 3.0}}),
                                     natural_s, &low, &high);
    EXPECT_LT(std::fabs(held_s - 3.0), 0.5 * std::fabs(free_s - 3.0))
        << natural_s << ": " << held_s;
    EXPECT_GE(low, 0.85 * kLoad - 1e-9);
    EXPECT_LE(high, 1.15 * kLoad + 1e-9);
    if (natural_s < 3.0) {
      EXPECT_LT(low, 0.96 * kLoad) << "who hurries gets less";
    } else {
      EXPECT_GT(high, 1.04 * kLoad) << "who lags gets more";
    }
  }
}

TEST_F(RepetitionLaws, TheTempoIsHeldWhileLoweringOnly) {
  const auto profile = make(host_, "tempo-eccentric");
  Person person(*profile);
  person.lift_to(1.0);
  EXPECT_EQ(person.move(MEDIUS_PHASE_HOLD, 0.0, 5.0), kLoad);
  EXPECT_EQ(person.lowest(), kLoad);
  EXPECT_EQ(person.highest(), kLoad);
}

// A short way under a heavy load: the spring to the plan would be F0 trim / (0.2 x way) = 3750 N/m.
TEST_F(RepetitionLaws, TheSpringToThePlanIsNoStifferThanTheLoopBears) {
  const auto settled_at = [this](double position) {
    const auto profile = make(host_, "tempo-eccentric", {{"trim_max", 0.3}});
    auto in = input(MEDIUS_PHASE_HOLD, -0.1, 150.0);
    in.position = 0.06;
    run(*profile, in, 0.1);
    in.phase = MEDIUS_PHASE_ECCENTRIC;
    in.position = position;
    return run(*profile, in, 6.0);  // the plan is at the bottom by then
  };
  const double stiffness = (settled_at(0.004) - settled_at(0.001)) / 0.003;
  EXPECT_NEAR(stiffness, 600.0, 1.0);
}

TEST_F(RepetitionLaws, ATooFastLoweringIsNotPulledHarder) {
  const auto profile = make(host_, "tempo-eccentric", {}, activation(600.0, 0.8));
  auto in = input(MEDIUS_PHASE_HOLD, 0.0, kLoad);
  in.position = kRange;
  run(*profile, in, 0.2);
  in.phase = MEDIUS_PHASE_ECCENTRIC;
  in.velocity = -0.9;
  run(*profile, in, 0.01);
  in.velocity = -0.1;  // and now hangs at the top, far behind the plan
  EXPECT_LE(run(*profile, in, 6.0), kLoad + 1e-9);
  const auto control = make(host_, "tempo-eccentric", {}, activation(600.0, 1.0));
  in.velocity = -0.9;
  run(*control, in, 0.01);
  in.velocity = -0.1;
  EXPECT_GT(run(*control, in, 6.0), 1.1 * kLoad);
}

// ---- stack ---------------------------------------------------------------------------------

std::map<std::string, double> flat(double factor) {
  std::map<std::string, double> values;
  for (const char* name :
       {"factor_bottom", "factor_quarter", "factor_half", "factor_three_quarters", "factor_top"}) {
    values[name] = factor;
  }
  return values;
}

double stacked(rt::ProfileInstance& profile, medius_phase_t phase, double position,
               double velocity) {
  auto in = input(phase, velocity, kLoad);
  in.position = position;
  in.range = kRange;
  return run(profile, in, 3.0);
}

TEST_F(RepetitionLaws, AStackIsCurveTimesGainPlusDamper) {
  auto values = flat(0.8);
  values["factor_half"] = 1.1;
  values["eccentric_ratio"] = 1.2;
  values["damping_ns_per_m"] = 50.0;
  const auto profile = make(host_, "stack", values);
  EXPECT_NEAR(stacked(*profile, MEDIUS_PHASE_CONCENTRIC, 0.2, 0.3), 110.0 + 15.0, 1e-9);
  EXPECT_NEAR(stacked(*profile, MEDIUS_PHASE_ECCENTRIC, 0.2, -0.3), 110.0 * 1.2, 1e-5);
  EXPECT_NEAR(stacked(*profile, MEDIUS_PHASE_CONCENTRIC, 0.4, 0.3), 80.0 + 15.0, 1e-5);
}

TEST_F(RepetitionLaws, AStackOfNeutralPartsIsEachOfTheOthers) {
  auto values = flat(1.0);
  values["eccentric_ratio"] = 1.3;
  values["damping_ns_per_m"] = 0.0;
  const auto stack = make(host_, "stack", values);
  const auto alone = make(host_, "eccentric-emphasis", {{"eccentric_ratio", 1.3}});
  for (int tick = 0; tick < 8000; ++tick) {
    const auto phase = tick % 4000 < 2000 ? MEDIUS_PHASE_CONCENTRIC : MEDIUS_PHASE_ECCENTRIC;
    auto in = input(phase, phase == MEDIUS_PHASE_CONCENTRIC ? 0.2 : -0.2, kLoad);
    in.range = kRange;
    ASSERT_EQ(stack->step(in).force, alone->step(in).force) << tick;
  }
}

TEST_F(RepetitionLaws, AStackOfExtremesStaysWithinWhatItsPartsMayReachAlone) {
  auto values = flat(1.5);
  values["eccentric_ratio"] = 1.5;
  values["damping_ns_per_m"] = 0.0;
  const auto heavy = make(host_, "stack", values);
  EXPECT_NEAR(stacked(*heavy, MEDIUS_PHASE_ECCENTRIC, 0.2, -0.3), 150.0, 1e-9) << "not 225 N";
  values = flat(0.3);
  values["eccentric_ratio"] = 0.5;
  const auto light = make(host_, "stack", values);
  EXPECT_NEAR(stacked(*light, MEDIUS_PHASE_ECCENTRIC, 0.2, -0.3), 30.0, 1e-9) << "not 15 N";
}

TEST_F(RepetitionLaws, AStackIsNotStifferForItsEccentricGain) {
  auto values = flat(0.3);
  values["factor_three_quarters"] = values["factor_top"] = 1.5;
  values["eccentric_ratio"] = 1.5;
  values["damping_ns_per_m"] = 0.0;
  const auto profile = make(host_, "stack", values);
  double before = stacked(*profile, MEDIUS_PHASE_ECCENTRIC, 0.15, -0.1);
  double steepest = 0.0;
  for (double x = 0.15; x < 0.4; x += 1e-4) {
    auto in = input(MEDIUS_PHASE_ECCENTRIC, -0.1, kLoad);
    in.position = x;
    in.range = kRange;
    const double force = profile->step(in).force;
    steepest = std::max(steepest, (force - before) / 1e-4);
    before = force;
  }
  EXPECT_LE(steepest, 601.0);
  EXPECT_GE(steepest, 500.0) << "the limit is at work";
}

}  // namespace
}  // namespace medius
