#include "controller/rt/observer.hpp"

#include <limits>
#include <ostream>

#include <gtest/gtest.h>

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"
#include "controller/rt/force_control.hpp"

namespace medius::rt {
namespace {

struct GainRow {
  double bandwidth, l1, l2, l3;
};
void PrintTo(const GainRow& row, std::ostream* out) {
  *out << row.bandwidth << " rad/s";
}
class ObserverGainTable : public testing::TestWithParam<GainRow> {};

TEST_P(ObserverGainTable, MatchesTheReferencePage) {
  const GainRow& row = GetParam();
  const ObserverGains gains = observer_gains(row.bandwidth, 1e-3);
  EXPECT_NEAR(gains.position, row.l1, 5e-7);
  EXPECT_NEAR(gains.velocity_per_s, row.l2, 5e-5);
  EXPECT_NEAR(gains.disturbance_per_s2, row.l3, 5e-3);
}
// Computed from the closed form by hand.
INSTANTIATE_TEST_SUITE_P(ControlPage, ObserverGainTable,
                         testing::Values(GainRow{60, 0.164730, 9.8779, 197.50},
                                         GainRow{120, 0.302324, 36.1920, 1445.95},
                                         GainRow{200, 0.451188, 89.6413, 5956.24}));

// A mass pulled by a known force against a constant disturbance, sampled every `every` ticks.
struct Trial {
  double velocity_error = 0.0, disturbance = 0.0;
};
Trial follow(int every, double mass_ratio, double friction) {
  const ObserverConfig config = observer_config(120.0, 2.6 * mass_ratio, 1e-3, 600.0);
  ObserverState state;
  double position = 0.3, velocity = 0.0;
  Trial trial;
  for (int i = 0; i < 3000; ++i) {
    const double tension = 80.0 + 15.0 * det::sin(0.006 * i);
    const double drive = 80.0;
    for (int j = 0; j < 10; ++j) {
      velocity += (tension - drive - friction) / 2.6 * 1e-4;
      position += velocity * 1e-4;
    }
    ObserverInput input;
    input.fresh = i % every == 0;
    input.position = input.fresh ? position : -1.0;  // a stale value must not be looked at
    input.tension = tension;
    input.drive_force = drive;
    observe(config, input, state);
    if (i > 1000) {
      trial.velocity_error = at_least(trial.velocity_error, absolute(state.velocity - velocity));
    }
  }
  trial.disturbance = state.disturbance;
  return trial;
}

TEST(Observer, FindsConstantFrictionAndSpeed) {
  const Trial trial = follow(1, 1.0, 9.0);
  EXPECT_NEAR(trial.disturbance, -9.0, 0.1);
  EXPECT_LT(trial.velocity_error, 0.002);
}

TEST(Observer, BridgesTheTicksBetweenSamplesOfASlowBus) {
  const Trial trial = follow(5, 1.0, 9.0);
  EXPECT_NEAR(trial.disturbance, -9.0, 0.3);
  EXPECT_LT(trial.velocity_error, 0.01);
}

TEST(Observer, AWrongMassShowsAsDisturbanceAndNotAsSpeed) {
  EXPECT_LT(follow(1, 1.3, 9.0).velocity_error, 0.01);
}

TEST(Observer, AMissedPeriodIsNotTakenForSpeed) {
  const ObserverConfig config = observer_config(120.0, 2.6, 1e-3, 600.0);
  ObserverState state;
  double position = 0.0;
  ObserverInput input;
  input.fresh = true;
  for (int i = 0; i < 500; ++i) {
    input.position = position += 0.5e-3;
    observe(config, input, state);
  }
  EXPECT_NEAR(state.velocity, 0.5, 1e-3);
  input.missed = 3;
  input.position = position += 4 * 0.5e-3;
  observe(config, input, state);
  EXPECT_NEAR(state.velocity, 0.5, 2e-3);
}

TEST(Observer, StartsAfreshAfterALongGapAndStandsStillWithoutSamples) {
  const ObserverConfig config = observer_config(120.0, 2.6, 1e-3, 600.0);
  ObserverState state;
  ObserverInput input;
  input.fresh = true;
  for (int i = 0; i < 500; ++i) {
    input.position += 0.5e-3;
    observe(config, input, state);
  }
  input.fresh = false;
  for (int i = 0; i < kMaxCoastTicks; ++i) observe(config, input, state);
  EXPECT_GT(state.velocity, 0.3) << "still bridging";
  observe(config, input, state);
  EXPECT_EQ(state.velocity, 0.0);
  EXPECT_FALSE(state.running);
  input.fresh = true;
  input.position = 7.0;
  observe(config, input, state);
  EXPECT_EQ(state.position, 7.0);
  EXPECT_EQ(state.velocity, 0.0);
}

TEST(Observer, WithoutAMassItStillFollowsThePosition) {
  const ObserverConfig config = observer_config(120.0, 0.0, 1e-3, 600.0);
  ObserverState state;
  ObserverInput input;
  input.fresh = true;
  input.tension = 500.0;
  for (int i = 0; i < 500; ++i) {
    input.position += 0.2e-3;
    observe(config, input, state);
  }
  EXPECT_NEAR(state.velocity, 0.2, 0.01);
  EXPECT_EQ(state.disturbance, 0.0);
}

TEST(DriveModel, DelaysByWholeTicksAndThenLags) {
  const DriveModelConfig config = drive_model(0.002, 0.0008, 1e-3);
  EXPECT_EQ(config.dead_ticks, 2);
  EXPECT_NEAR(config.lag_gain, 1.0 - det::exp(-1.25), 1e-15);
  DriveModelState state;
  push_word(state, 100.0);
  EXPECT_EQ(advance_drive(config, state), 0.0);
  push_word(state, 100.0);
  EXPECT_NEAR(advance_drive(config, state), 100.0 * config.lag_gain, 1e-9);
  for (int i = 0; i < 50; ++i) {
    push_word(state, 100.0);
    advance_drive(config, state);
  }
  EXPECT_NEAR(state.force, 100.0, 1e-6);
}

TEST(DriveModel, AnAbsurdDeadTimeIsHeldAtTheEndOfTheRing) {
  EXPECT_EQ(drive_model(1e9, 0.0008, 1e-3).dead_ticks, kMaxDeadTicks);
  EXPECT_EQ(drive_model(-1.0, 0.0008, 1e-3).dead_ticks, 1);
  EXPECT_EQ(drive_model(std::numeric_limits<double>::quiet_NaN(), 0.0008, 1e-3).dead_ticks, 1);
}

ForceControlConfig d10() {
  ForceControlConfig config;
  config.observer_limit = 40.0;
  config.reflected_mass = 2.6;
  return config;
}

double settled(const ForceControlConfig& config, const ForceControlInput& input) {
  ForceControlState state;
  double torque = 0.0;
  for (int i = 0; i < 100; ++i) {
    torque = control_force(config, low_pass_gain(600.0, 1e-3), 1e-3, input, state);
  }
  return torque;
}

TEST(ForceControl, IsTheFormulaOfTheControlPage) {
  ForceControlInput input;
  input.felt_force = 80.0;
  input.tension = 70.0;
  input.tension_fresh = true;
  input.disturbance = -12.0;
  EXPECT_NEAR(settled(d10(), input), 80.0 - 12.0 + 0.1 * 10.0, 1e-9);
}

TEST(ForceControl, C0IsFeedForwardAndBoundedDisturbanceOnly) {
  ForceControlConfig config = d10();
  config.kp = config.kd_s = 0.0;
  ForceControlInput input;
  input.felt_force = 80.0;
  input.tension = 10.0;
  input.tension_fresh = true;
  input.disturbance = -300.0;
  EXPECT_EQ(settled(config, input), 80.0 - 40.0);
}

TEST(ForceControl, WithoutTheObserverOnlyTheFeltForceIsLeft) {
  ForceControlConfig config = d10();
  config.use_observer = false;
  ForceControlInput input;
  input.felt_force = 80.0;
  input.tension = 10.0;
  input.tension_fresh = true;
  input.disturbance = -12.0;
  EXPECT_EQ(settled(config, input), 80.0);
}

TEST(ForceControl, ThePulleyTermFollowsTheDirectionWithoutAJump) {
  ForceControlConfig config = d10();
  config.kp = config.kd_s = 0.0;
  config.pulley_loss = 0.03;
  ForceControlInput input;
  input.felt_force = 100.0;
  input.tension_fresh = true;
  input.velocity = 1.0;
  EXPECT_NEAR(settled(config, input), 97.0, 1e-9);
  input.velocity = -1.0;
  EXPECT_NEAR(settled(config, input), 103.0, 1e-9);
  input.velocity = 0.0;
  EXPECT_NEAR(settled(config, input), 100.0, 1e-9);
  config.pulley_friction = 0.5;
  EXPECT_NEAR(settled(config, input), 100.0, 1e-9);
  input.velocity = -1.0;
  EXPECT_NEAR(settled(config, input), 103.5, 1e-9);
}

TEST(ForceControl, AHandleIsFeltThroughThePulleysThatTheCellAtTheDrumDoesNotSee) {
  ForceControlConfig config = d10();
  EXPECT_EQ(handle_force(config, 97.0, 1.0), 97.0) << "no loss: the cell's own word";
  config.pulley_loss = 0.03;
  EXPECT_NEAR(handle_force(config, 97.0, 1.0), 100.0, 1e-9);
  EXPECT_NEAR(handle_force(config, 103.0, -1.0), 100.0, 1e-9);
  EXPECT_EQ(handle_force(config, 100.0, 0.0), 100.0);
  config.pulley_friction = 0.5;
  EXPECT_NEAR(handle_force(config, 96.5, 1.0), 100.0, 1e-9);
  EXPECT_NEAR(handle_force(config, 103.5, -1.0), 100.0, 1e-9);
}

TEST(ForceControl, TheDerivativeTermUsesTheTimeBetweenSamples) {
  ForceControlConfig config = d10();
  config.kp = 0.0;
  config.kd_s = 1.0;  // large, so that only the slope counts
  for (const int every : {1, 5}) {
    ForceControlState state;
    ForceControlInput input;
    double torque = 0.0;
    for (int i = 0; i < 1000; ++i) {
      input.tension_fresh = i % every == 0;
      if (input.tension_fresh) input.tension = 0.02 * i;  // 20 N/s
      torque = control_force(config, 0.45, 1e-3, input, state);
    }
    EXPECT_NEAR(torque, -20.0, 1e-6) << "a sample every " << every << " ticks";
  }
}

bool oscillation_found(double amplitude, double hertz, double ramp_per_s, int ticks) {
  OscillationState state;
  bool found = false;
  for (int i = 0; i < ticks; ++i) {
    const double t = 1e-3 * i;
    found = detect_oscillation(
        80.0 + ramp_per_s * t + amplitude * det::sin(2.0 * det::kPi * hertz * t), 3.0, state);
  }
  return found;
}

TEST(OscillationDetector, FindsTheBandThatForceControlCanShakeIn) {
  for (const double hertz : {8.0, 12.0, 20.0, 35.0}) {
    EXPECT_TRUE(oscillation_found(12.0, hertz, 0.0, 1000)) << hertz << " Hz";
  }
}

TEST(OscillationDetector, LeavesTrainingAndShortShakesAlone) {
  EXPECT_FALSE(oscillation_found(30.0, 0.5, 0.0, 10000)) << "eccentric emphasis at a fast tempo";
  EXPECT_FALSE(oscillation_found(10.0, 1.0, 0.0, 10000));
  EXPECT_FALSE(oscillation_found(0.0, 1.0, 150.0, 2000)) << "a load ramp";
  EXPECT_FALSE(oscillation_found(12.0, 20.0, 0.0, 120)) << "shorter than 150 ms";
  EXPECT_FALSE(oscillation_found(2.0, 20.0, 0.0, 5000)) << "below the threshold";
}

TEST(ForceControl, AnOscillationSwitchesToC0) {
  ForceControlConfig config = d10();
  config.kp = 10.0;
  ForceControlState state;
  state.oscillation.latched = true;
  ForceControlInput input;
  input.felt_force = 80.0;
  input.tension_fresh = true;
  EXPECT_EQ(control_force(config, 0.45, 1e-3, input, state), 80.0);
}

TEST(TakeUp, PullsWithPretensionWhenTautAndReelsInSlowlyWhenSlack) {
  const safety::AxisBounds bounds = safety::machine_bounds(hal::CoordinateKind::kCable);
  TakeUpInput input{15.0, 15.0, 15.0, 0.0, 0.0};
  EXPECT_EQ(take_up(bounds, input), 15.0);
  input.tension = 0.0;
  EXPECT_NEAR(take_up(bounds, input), bounds.slack_gain * bounds.slack_speed, 1e-9);
  input.velocity = -bounds.slack_speed;
  EXPECT_NEAR(take_up(bounds, input), 0.0, 1e-9) << "no pull beyond the reel-in speed";
  input.pretension = 0.0;
  EXPECT_EQ(take_up(bounds, input), 0.0);
}

TEST(TakeUp, HasNoJumpBetweenSlackAndTaut) {
  const safety::AxisBounds bounds = safety::machine_bounds(hal::CoordinateKind::kCable);
  double before = take_up(bounds, {30.0, 30.0, 0.0, -0.1, 0.0});
  for (double tension = 0.01; tension < 40.0; tension += 0.01) {
    const double now = take_up(bounds, {30.0, 30.0, tension, -0.1, 0.0});
    ASSERT_LT(absolute(now - before), 0.05) << "at " << tension << " N";
    before = now;
  }
}

}  // namespace
}  // namespace medius::rt
