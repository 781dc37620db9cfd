#include "sim/lifter/behaviour.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "sim/lifter/presets.hpp"
#include "sim/plant/cable_plant.hpp"

namespace medius::sim {
namespace {

using measure::Phase;

struct Sample {
  double time_s, angle_rad, velocity_radps, ring_m, tension_n;
  LifterTruth truth;
};

// Stands up under a steady load, then does the set.
std::vector<Sample> run(const LifterConfig& lifter_config, const LifterIntent& intent,
                        double load_n = 40.0) {
  CablePlantConfig machine;
  machine.drive_friction = {0, 0, 0, 1.0, 0.02, 1e5, 0.0};
  machine.torque_gain = 1.0;
  machine.torque_ripple_n = 0.0;
  const CableGeometry geometry = cable_geometry(lifter_config, lifter_config.exercise);
  machine.hip_height_m = geometry.hip_height_m;
  machine.pulley_distance_m = geometry.pulley_distance_m;
  machine.cuff_radius_m = geometry.cuff_radius_m;
  LegConfig leg;
  leg.inertia_kgm2 = lifter_config.leg_inertia_kgm2;
  leg.gravity_moment_kgm = lifter_config.leg_gravity_moment_kgm;
  leg.gravity_turn_rad = motion_of(lifter_config.exercise).gravity_turn_rad;
  CablePlant plant(machine, leg);
  Lifter lifter(lifter_config);
  std::vector<Sample> samples;
  lifter.stand();
  double over_s = 0.0;
  for (int i = 0; i < 90'000 && over_s < 2.0; ++i) {
    if (i == 4000) lifter.start_reps(intent);
    const CableTruth& truth = plant.truth();
    plant.command(std::min(load_n, 10.0 + 0.02 * i), true);
    lifter.tick(truth.hip_angle_rad, truth.hip_velocity_radps, truth.cuff_tension_n);
    plant.set_body(lifter.truth().body_m, lifter.truth().body_mps);
    for (int k = 0; k < kPlantStepsPerTick; ++k) {
      plant.step(lifter.torque_nm(plant.truth().hip_angle_rad, plant.truth().hip_velocity_radps));
    }
    samples.push_back({i * 1e-3, truth.hip_angle_rad, truth.hip_velocity_radps,
                       truth.ring_position_m, truth.cuff_tension_n, lifter.truth()});
    const LifterState state = lifter.truth().state;
    if (state == LifterState::kDone || state == LifterState::kFailed) over_s += 1e-3;
  }
  return samples;
}

LifterConfig exact() {
  LifterConfig config;
  config.tempo_cv = config.range_cv = config.tremor_fraction = 0.0;
  config.fatigue = false;
  return config;
}

LifterIntent three_reps(std::vector<Behaviour> events) {
  LifterIntent intent;
  intent.reps = 3;
  intent.events = std::move(events);
  return intent;
}

double peak_of(const std::vector<Sample>& samples, int rep) {
  double peak = 0.0;
  for (const Sample& s : samples) {
    if (s.truth.reps_started == rep) peak = std::max(peak, s.angle_rad);
  }
  return peak;
}

// Seconds of a phase of a repetition that a condition holds for.
template <typename Condition>
double seconds_of(const std::vector<Sample>& samples, int rep, Phase phase, Condition condition) {
  double seconds = 0.0;
  for (const Sample& s : samples) {
    if (s.truth.reps_started == rep && s.truth.intended_phase == phase && condition(s)) {
      seconds += 1e-3;
    }
  }
  return seconds;
}
double seconds_of(const std::vector<Sample>& samples, int rep, Phase phase) {
  return seconds_of(samples, rep, phase, [](const Sample&) { return true; });
}
bool still(const Sample& s) {
  return std::fabs(s.velocity_radps) < 0.02;
}

TEST(Behaviour, APersonWithoutEventsDoesNoneOfIt) {
  const std::vector<Sample> samples = run(exact(), three_reps({}));
  EXPECT_EQ(samples.back().truth.reps_completed, 3);
  for (int rep = 1; rep <= 3; ++rep) {
    EXPECT_NEAR(peak_of(samples, rep), 0.55, 0.03);
    EXPECT_NEAR(seconds_of(samples, rep, Phase::kConcentric), 2.0, 0.02);
    EXPECT_NEAR(seconds_of(samples, rep, Phase::kEccentric), 3.0, 0.02);
  }
  for (const Sample& s : samples) {
    EXPECT_FALSE(s.truth.lets_go);
    EXPECT_EQ(s.truth.body_m, 0.0);
    EXPECT_GE(s.truth.pelvic_tilt_rad, 0.0);
  }
}

TEST(Behaviour, APartialRepetitionStopsWhereItWasTold) {
  const auto samples = run(exact(), three_reps({{Act::kPartial, 2, Phase::kConcentric, 0, 0.4}}));
  EXPECT_NEAR(peak_of(samples, 1), 0.55, 0.03);
  EXPECT_NEAR(peak_of(samples, 2), 0.05 + 0.4 * 0.5, 0.03);
  EXPECT_NEAR(peak_of(samples, 3), 0.55, 0.03);
  EXPECT_EQ(samples.back().truth.reps_completed, 2);
}

TEST(Behaviour, MomentumSwingsBackLiftsFastAndLiftsThePelvis) {
  LifterConfig config = exact();
  config.start_rad = 0.2;  // room for the swing
  const auto samples =
      run(config, three_reps({{Act::kMomentum, 2, Phase::kConcentric, 0, 0.12, 0.7}}));
  const auto lowest = [&](int rep) {
    double angle = 1.0;
    for (const Sample& s : samples) {
      const bool up = s.truth.intended_phase == Phase::kConcentric;
      if (up && s.truth.reps_started == rep) angle = std::min(angle, s.angle_rad);
    }
    return angle;
  };
  EXPECT_LT(lowest(2), lowest(1) - 0.04);
  EXPECT_LT(seconds_of(samples, 2, Phase::kConcentric), 1.1);
  const auto tilt = std::min_element(samples.begin(), samples.end(), [](auto& a, auto& b) {
    return a.truth.pelvic_tilt_rad < b.truth.pelvic_tilt_rad;
  });
  EXPECT_LT(tilt->truth.pelvic_tilt_rad, -0.05);
  EXPECT_EQ(tilt->truth.reps_started, 2);
}

TEST(Behaviour, APauseInMidPhaseStandsStillThereAndAtThePeak) {
  const auto samples = run(exact(), three_reps({{Act::kPause, 2, Phase::kConcentric, 0.5, 0, 1.5},
                                                {Act::kPause, 3, Phase::kHold, 0, 0, 3.0}}));
  const auto halfway = [](const Sample& s) {
    return still(s) && s.angle_rad > 0.2 && s.angle_rad < 0.4;
  };
  EXPECT_LT(seconds_of(samples, 1, Phase::kConcentric, halfway), 0.3);
  EXPECT_GT(seconds_of(samples, 2, Phase::kConcentric, halfway), 0.9);
  EXPECT_NEAR(seconds_of(samples, 3, Phase::kHold), 3.0, 0.05);
  EXPECT_EQ(samples.back().truth.reps_completed, 3);
}

TEST(Behaviour, AnEarlyReversalTurnsBackWithoutAHoldOnEitherWay) {
  const auto samples = run(exact(), three_reps({{Act::kReversal, 1, Phase::kConcentric, 0.5},
                                                {Act::kReversal, 2, Phase::kEccentric, 0.5}}));
  EXPECT_NEAR(peak_of(samples, 1), 0.3, 0.04);
  EXPECT_LT(seconds_of(samples, 1, Phase::kHold), 0.1);
  // On the way down the leg rises again.
  const auto rising = [](const Sample& s) { return s.velocity_radps > 0.1; };
  EXPECT_GT(seconds_of(samples, 2, Phase::kEccentric, rising), 0.5);
  EXPECT_LT(seconds_of(samples, 3, Phase::kEccentric, rising), 0.05);
}

TEST(Behaviour, ADoubleBounceRisesTwiceAtTheBottom) {
  const auto samples = run(exact(), three_reps({{Act::kDoubleBounce, 2, Phase::kBottom}}));
  int rises = 0;
  bool up = false;
  for (const Sample& s : samples) {
    if (s.truth.reps_started != 2 || s.truth.intended_phase != Phase::kBottom) continue;
    if (s.velocity_radps > 0.05 && !up) ++rises;
    up = s.velocity_radps > 0.05 || (up && s.velocity_radps > -0.05);
  }
  EXPECT_EQ(rises, 2);
}

TEST(Behaviour, LettingGoIsSaidAtTheMomentAndNotBefore) {
  const auto samples = run(exact(), three_reps({{Act::kRelease, 2, Phase::kEccentric, 0.5}}));
  const auto first =
      std::find_if(samples.begin(), samples.end(), [](const Sample& s) { return s.truth.lets_go; });
  ASSERT_NE(first, samples.end());
  EXPECT_EQ(first->truth.reps_started, 2);
  EXPECT_EQ(first->truth.intended_phase, Phase::kEccentric);
}

TEST(Behaviour, RegripSlackensTheCable) {
  const auto least = [](const std::vector<Sample>& samples) {
    double tension_n = 1e9;
    for (const Sample& s : samples) {
      if (s.truth.reps_started == 1 && s.truth.intended_phase == Phase::kBottom) {
        tension_n = std::min(tension_n, s.tension_n);
      }
    }
    return tension_n;
  };
  EXPECT_GT(least(run(exact(), three_reps({}))), 25.0);
  EXPECT_LT(least(run(exact(), three_reps({{Act::kRegrip, 1, Phase::kBottom}}))), 8.0);
}

TEST(Behaviour, ASpasmKicksTheLegEitherWay) {
  const auto reference = run(exact(), three_reps({}));
  for (const double kick_radps : {2.0, -2.0}) {
    const auto samples =
        run(exact(), three_reps({{Act::kSpasm, 2, Phase::kHold, 0.5, kick_radps}}));
    double most = 0.0;
    for (std::size_t i = 0; i < std::min(samples.size(), reference.size()); ++i) {
      const double more = samples[i].velocity_radps - reference[i].velocity_radps;
      if (samples[i].truth.reps_started == 2) most = std::max(most, kick_radps > 0 ? more : -more);
    }
    EXPECT_GT(most, 0.4) << kick_radps;
  }
}

TEST(Behaviour, CoContractionStiffensTheLegForHalfASecond) {
  // Seen by its damping and stiffness against a spasm in the same moment.
  const auto deviation = [](std::vector<Behaviour> events) {
    const auto calm = run(exact(), three_reps({}));
    const auto samples = run(exact(), three_reps(std::move(events)));
    double most = 0.0;
    for (std::size_t i = 0; i < std::min(samples.size(), calm.size()); ++i) {
      if (samples[i].truth.reps_started == 2) {
        most = std::max(most, std::fabs(samples[i].angle_rad - calm[i].angle_rad));
      }
    }
    return most;
  };
  const Behaviour kick{Act::kSpasm, 2, Phase::kHold, 0.5, -2.0};
  const Behaviour stiff{Act::kCoContraction, 2, Phase::kHold, 0.45};
  EXPECT_LT(deviation({kick, stiff}), 0.8 * deviation({kick}));
}

TEST(Behaviour, AFailureInMidRepetitionSinksAndDoesNotFreeze) {
  const auto samples =
      run(exact(), three_reps({{Act::kFailure, 2, Phase::kConcentric, 0.6, 0.25}}), 60.0);
  EXPECT_EQ(samples.back().truth.state, LifterState::kFailed);
  EXPECT_EQ(samples.back().truth.reps_completed, 1);
  EXPECT_GT(peak_of(samples, 2), 0.2);
  EXPECT_LT(samples.back().angle_rad, 0.05);
}

TEST(Behaviour, ADropFallsInAThirdOfASecond) {
  const auto samples = run(exact(), three_reps({{Act::kDrop, 2, Phase::kEccentric}}));
  EXPECT_NEAR(seconds_of(samples, 1, Phase::kEccentric), 3.0, 0.02);
  EXPECT_NEAR(seconds_of(samples, 2, Phase::kEccentric), 0.35, 0.02);
}

TEST(Behaviour, ThePelvisDropsUnderEffortAndWhenTold) {
  const auto tilt = [](const std::vector<Sample>& samples) {
    double most = 0.0;
    for (const Sample& s : samples) most = std::max(most, s.truth.pelvic_tilt_rad);
    return most;
  };
  EXPECT_LT(tilt(run(exact(), three_reps({}), 20.0)), 0.025) << "a sound one yields a degree";
  EXPECT_GT(tilt(run(exact(), three_reps({}), 85.0)), 0.05);
  EXPECT_LE(tilt(run(exact(), three_reps({}), 85.0)), 0.14);
  EXPECT_GT(tilt(run(exact(), three_reps({{Act::kPelvicDrop, 2, Phase::kHold, 0, 0.1}}), 20.0)),
            0.08);
}

TEST(Behaviour, ASetupTugComesBeforeTheFirstRepetitionAndIsNone) {
  const auto samples = run(exact(), three_reps({{Act::kSetupTug, 0, Phase::kRest, 0, 0.15}}));
  double most = 0.0;
  for (const Sample& s : samples) {
    if (s.time_s > 4.0 && s.truth.reps_started == 0) most = std::max(most, s.angle_rad);
  }
  EXPECT_GT(most, 0.05 + 0.1 * 0.5);
  EXPECT_EQ(samples.back().truth.reps_completed, 3);
}

TEST(Behaviour, TheFootComesDownOnTheFloorAtTheBottom) {
  const auto lowest = [](const std::vector<Sample>& samples) {
    double angle = 1.0;
    for (const Sample& s : samples) {
      if (s.truth.reps_started == 2 && s.truth.intended_phase == Phase::kBottom) {
        angle = std::min(angle, s.angle_rad);
      }
    }
    return angle;
  };
  EXPECT_GT(lowest(run(exact(), three_reps({}))), 0.03);
  EXPECT_LT(lowest(run(exact(), three_reps({{Act::kFoot, 2, Phase::kBottom, 0, 0, 1.0}}))), 0.02);
}

TEST(Behaviour, ALateLegBeginsLater) {
  LifterConfig late = exact();
  late.start_late_s = 0.2;
  EXPECT_NEAR(seconds_of(run(late, three_reps({})), 2, Phase::kBottom) -
                  seconds_of(run(exact(), three_reps({})), 2, Phase::kBottom),
              0.2, 0.01);
}

TEST(Behaviour, SameSeedDoesTheSameAndTheMixHoldsEveryRepeatableAct) {
  std::vector<bool> seen(14, false);
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const auto events = random_behaviours(seed, 12);
    const auto again = random_behaviours(seed, 12);
    ASSERT_EQ(events.size(), again.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
      EXPECT_EQ(events[i].amount, again[i].amount);
      seen[static_cast<std::size_t>(events[i].act)] = true;
    }
  }
  for (const Act act :
       {Act::kPartial, Act::kMomentum, Act::kPause, Act::kReversal, Act::kDoubleBounce, Act::kSpasm,
        Act::kCoContraction, Act::kDrop, Act::kPelvicDrop, Act::kSetupTug, Act::kFoot}) {
    EXPECT_TRUE(seen[static_cast<std::size_t>(act)]) << static_cast<int>(act);
  }
  for (const Act act : {Act::kRelease, Act::kRegrip, Act::kFailure}) {
    EXPECT_FALSE(seen[static_cast<std::size_t>(act)]) << static_cast<int>(act);
  }
}

// What the ring travels in each exercise, and what moves it.
TEST(Exercise, EachHasItsOwnMotion) {
  struct Row {
    Exercise exercise;
    double least_m, most_m, body_m;
  };
  for (const Row& row :
       {Row{Exercise::kStandingAbduction, 0.35, 0.45, 0.0},
        Row{Exercise::kSideLyingAbduction, 0.28, 0.50, 0.0},
        Row{Exercise::kStepUpAbduction, 0.40, 0.50, 0.06},
        Row{Exercise::kHipHike, 0.04, 0.06, 0.05}, Row{Exercise::kLateralWalk, 0.37, 0.43, 0.40},
        Row{Exercise::kSplitSquat, 0.32, 0.38, 0.35}}) {
    LifterConfig config = exact();
    config.exercise = row.exercise;
    const auto samples = run(config, three_reps({}), 30.0);
    double top = 0.0, bottom = 1.0, body = 0.0;
    for (const Sample& s : samples) {
      if (s.truth.reps_started == 0) continue;
      top = std::max(top, s.ring_m);
      bottom = std::min(bottom, s.ring_m);
      body = std::max(body, s.truth.body_m);
    }
    const std::string_view id = motion_of(row.exercise).id;
    EXPECT_EQ(samples.back().truth.reps_completed, 3) << id;
    EXPECT_GT(top - bottom, row.least_m) << id;
    EXPECT_LT(top - bottom, row.most_m) << id;
    EXPECT_NEAR(body, row.body_m, 0.001) << id;
    EXPECT_EQ(exercise_named(id), row.exercise);
  }
}

// Lying on the side the whole weight of the leg acts at the bottom, standing none of it.
TEST(Exercise, GravityActsAcrossALyingLeg) {
  const auto torque_at_the_bottom = [](Exercise exercise) {
    LifterConfig config = exact();
    config.exercise = exercise;
    const auto samples = run(config, three_reps({}), 15.0);
    return samples[3900].truth.torque_nm -
           15.0 * cable_at(cable_geometry(config, exercise), 0.05).moment_arm_m;
  };
  EXPECT_NEAR(torque_at_the_bottom(Exercise::kStandingAbduction), 5.23 * 9.81 * 0.05, 2.0);
  EXPECT_NEAR(torque_at_the_bottom(Exercise::kSideLyingAbduction), 5.23 * 9.81, 3.0);
}

}  // namespace
}  // namespace medius::sim
