#include "sim/lifter/lifter.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "controller/base/clamp.hpp"
#include "sim/plant/cable_plant.hpp"

namespace medius::sim {
namespace {

// A cable with little friction whose drive does what it is told: the force law under test is the
// person's only adversary.
CablePlantConfig obedient_machine() {
  CablePlantConfig config;
  config.drive_friction = {0, 0, 0, 1.0, 0.02, 1e5, 0.0};
  config.torque_gain = 1.0;
  config.torque_ripple_n = 0.0;
  return config;
}

// Base load, times a ratio while the leg comes down (direction latch 6 mm, 0.03 m/s, 60 ms),
// blended at 12 rad/s and 150 N/s: what the shipped eccentric profile does, written down
// independently.
class EccentricLoad {
 public:
  EccentricLoad(double base_n, double ratio) : base_n_(base_n), ratio_(ratio) {}

  double tick(double position_m, double velocity_mps, bool emphasis) {
    const double side = down_ ? -1.0 : 1.0;
    extreme_m_ = down_ ? std::min(extreme_m_, position_m) : std::max(extreme_m_, position_m);
    const bool turned = side * (extreme_m_ - position_m) > 0.006 && side * velocity_mps < -0.03;
    dwell_ = turned ? dwell_ + 1 : 0;
    if (dwell_ > 60) {
      down_ = !down_;
      dwell_ = 0;
      extreme_m_ = position_m;
      if (emphasis) ++changes_;
    }
    const double wish = base_n_ * (emphasis && down_ ? ratio_ : 1.0);
    rate_ += (144.0 * (wish - force_n_) - 24.0 * rate_) * 1e-3;
    rate_ = clamped(rate_, -150.0, 150.0);
    force_n_ += rate_ * 1e-3;
    return force_n_;
  }
  void arm() { down_ = false; }
  [[nodiscard]] int changes() const { return changes_; }

 private:
  double base_n_, ratio_;
  double force_n_ = 10.0, rate_ = 0.0, extreme_m_ = 0.0;
  bool down_ = false;
  int dwell_ = 0, changes_ = 0;
};

struct Sample {
  double time_s, angle_rad, velocity_radps, ring_m, tension_n;
  LifterTruth truth;
};

struct Session {
  LifterTruth end;
  int changes = 0;  // of the latch, after the repetitions began
  std::vector<Sample> samples;
  std::uint64_t hash = 0;
  [[nodiscard]] double angle_max() const {
    double most = 0.0;
    for (const Sample& s : samples) most = std::max(most, s.angle_rad);
    return most;
  }
};

struct Scenario {
  CablePlantConfig machine = obedient_machine();
  LifterConfig lifter;
  LifterIntent intent;
  double base_n = 60.0, ratio = 1.3;
  double limit_s = 150.0;
  double settle_s = 3.0;  // watched after the last repetition
};

// Stands up, waits for the load, does the set, and stands on.
Session run(const Scenario& scenario) {
  constexpr double kStartS = 4.0;
  CablePlant plant(scenario.machine, LegConfig{});
  Lifter lifter(scenario.lifter);
  EccentricLoad load(scenario.base_n, scenario.ratio);
  Session session;
  lifter.stand();
  double over_s = -1.0;
  for (int i = 0; i < static_cast<int>(scenario.limit_s * 1e3); ++i) {
    const double t = i * 1e-3;
    const CableTruth& truth = plant.truth();
    const bool started = t >= kStartS;
    if (i == static_cast<int>(kStartS * 1e3)) {
      lifter.start_reps(scenario.intent);
      load.arm();
    }
    plant.command(load.tick(truth.drum_position_m, truth.drum_velocity_mps, started), true);
    lifter.tick(truth.hip_angle_rad, truth.hip_velocity_radps, truth.cuff_tension_n);
    for (int k = 0; k < kPlantStepsPerTick; ++k) {
      plant.step(lifter.torque_nm(plant.truth().hip_angle_rad, plant.truth().hip_velocity_radps));
    }
    session.samples.push_back({t, truth.hip_angle_rad, truth.hip_velocity_radps,
                               truth.ring_position_m, truth.cuff_tension_n, lifter.truth()});
    const LifterState state = lifter.truth().state;
    if (over_s < 0.0 && started && (state == LifterState::kDone || state == LifterState::kFailed)) {
      over_s = t;
    }
    if (over_s >= 0.0 && t > over_s + scenario.settle_s) break;
  }
  session.end = lifter.truth();
  session.changes = load.changes();
  session.hash = plant.state_hash() ^ (lifter.state_hash() * 3);
  return session;
}

TEST(Lifter, FitManDoesEightRepetitionsAtSixtyAndSeventyEightNewtonWithFatigue) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Scenario scenario;
    scenario.lifter.seed = seed;
    const Session session = run(scenario);
    EXPECT_EQ(session.end.state, LifterState::kDone) << "seed " << seed;
    EXPECT_EQ(session.end.reps_completed, 8) << "seed " << seed;
    EXPECT_FALSE(session.end.cannot_lift);
    EXPECT_GT(session.end.fatigue, 0.15);
    EXPECT_LT(session.end.fatigue, 0.40);
  }
}

TEST(Lifter, DefaultPersonIsStableAgainstAnEccentricSwitchOfEighteenNewton) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Scenario scenario;
    scenario.lifter.seed = seed;
    scenario.intent.reps = 12;
    scenario.lifter.fatigue = false;
    // Up is the latch's first direction: 12 turns down and 11 up.
    EXPECT_EQ(run(scenario).changes, 23) << "seed " << seed;
  }
}

// The judge of the test above must be able to see a limit cycle.
TEST(Lifter, TensePersonLimitCyclesAgainstTheSameSwitch) {
  Scenario scenario;
  scenario.intent.reps = 12;
  scenario.lifter.fatigue = false;
  scenario.lifter.tracking_stiffness_nmprad = 350.0;
  EXPECT_GT(run(scenario).changes, 30);
}

TEST(Lifter, KeepsTheTempoAndTheRangeWithItsOwnVariability) {
  Scenario scenario;
  scenario.lifter.fatigue = false;
  scenario.lifter.tempo_cv = scenario.lifter.range_cv = 0.0;
  const Session exact = run(scenario);
  EXPECT_NEAR(exact.angle_max(), 0.55, 0.03);
  std::vector<double> peaks;
  int begun = 0;
  double concentric_s = 0.0;
  for (const Sample& sample : exact.samples) {
    if (sample.truth.reps_started > begun) {
      begun = sample.truth.reps_started;
      peaks.push_back(0.0);
    }
    if (!peaks.empty()) peaks.back() = std::max(peaks.back(), sample.angle_rad);
    if (sample.truth.intended_phase == measure::Phase::kConcentric) concentric_s += 1e-3;
  }
  ASSERT_EQ(peaks.size(), 8u);
  EXPECT_NEAR(concentric_s / 8.0, 2.0, 0.02);
  const auto [least, most] = std::minmax_element(peaks.begin(), peaks.end());
  EXPECT_LT(*most - *least, 0.03);

  scenario.lifter.tempo_cv = 0.06;
  scenario.lifter.range_cv = 0.04;
  const Session varied = run(scenario);
  EXPECT_EQ(varied.end.reps_completed, 8);
  EXPECT_NE(varied.samples.size(), exact.samples.size());
}

TEST(Lifter, TorqueNeverExceedsCapacity) {
  Scenario scenario;
  scenario.base_n = 85.0;  // near the limit, so that the cap works
  const Session session = run(scenario);
  int capped = 0;
  for (const Sample& sample : session.samples) {
    // The passive stretch of the adductors acts on top, against abduction.
    ASSERT_LE(sample.truth.torque_nm, sample.truth.capacity_nm + 1e-9);
    if (sample.truth.torque_nm > sample.truth.capacity_nm - 2.0) ++capped;
  }
  EXPECT_GT(capped, 100);
}

TEST(Lifter, WeakPersonFailsAndSinks) {
  Scenario scenario;
  scenario.lifter.isometric_torque_nm = 60.0;
  const Session session = run(scenario);
  EXPECT_EQ(session.end.state, LifterState::kFailed);
  EXPECT_TRUE(session.end.cannot_lift);
  EXPECT_EQ(session.end.reps_completed, 0);
  // Sinks: from wherever the leg got to it ends at the bottom.
  EXPECT_GT(session.angle_max(), 0.05);
  EXPECT_LT(session.samples.back().angle_rad, 0.02);
}

// Negative control: the bug of an uncapped impedance, a weak person that never fails.
TEST(Lifter, WithoutTheCapTheWeakPersonNeverFails) {
  Scenario scenario;
  scenario.lifter.isometric_torque_nm = 60.0;
  scenario.lifter.cap_torque = false;
  const Session session = run(scenario);
  EXPECT_EQ(session.end.state, LifterState::kDone);
  EXPECT_EQ(session.end.reps_completed, 8);
}

TEST(Lifter, FatigueEndsALongSetBeforeItsLastRepetition) {
  Scenario scenario;
  scenario.intent.reps = 30;
  scenario.limit_s = 300.0;
  const Session tired = run(scenario);
  EXPECT_EQ(tired.end.state, LifterState::kFailed);
  EXPECT_GE(tired.end.reps_completed, 8);
  EXPECT_LT(tired.end.reps_completed, 20);
  EXPECT_FALSE(tired.end.cannot_lift);  // rested, the load is within reach
  scenario.lifter.fatigue = false;
  EXPECT_EQ(run(scenario).end.reps_completed, 30);
}

// 80 kg man at 30 degrees: about 90 Nm concentric, 80 N at the ankle already cost 83 Nm with the
// leg.
TEST(Lifter, SaysWhenALoadCannotBeLifted) {
  for (const auto& [load, impossible] : {std::pair{30.0, false}, std::pair{80.0, false},
                                         std::pair{125.0, true}, std::pair{200.0, true}}) {
    Scenario scenario;
    scenario.base_n = load;
    scenario.ratio = 1.0;
    scenario.intent.reps = 1;
    const Session session = run(scenario);
    EXPECT_EQ(session.end.cannot_lift, impossible) << load << " N";
    // Said truly: the intended peak of 0.55 rad (less its variability) is reached or it is not.
    EXPECT_EQ(session.angle_max() > 0.50, !impossible) << load << " N";
  }
}

TEST(Lifter, RelaxedLegHangsAndYieldsToLightTension) {
  CablePlant plant(obedient_machine(), LegConfig{});
  Lifter lifter({});
  plant.command(10.0, true);
  for (int i = 0; i < 2000; ++i) {
    lifter.tick(plant.truth().hip_angle_rad, plant.truth().hip_velocity_radps,
                plant.truth().cuff_tension_n);
    for (int k = 0; k < kPlantStepsPerTick; ++k) {
      plant.step(lifter.torque_nm(plant.truth().hip_angle_rad, plant.truth().hip_velocity_radps));
    }
  }
  EXPECT_EQ(lifter.truth().state, LifterState::kRelaxed);
  EXPECT_NEAR(plant.truth().hip_angle_rad, 0.0, 0.005);
  EXPECT_NEAR(lifter.truth().torque_nm, 0.0, 0.1);
}

TEST(Lifter, StandsStillAgainstTheLoad) {
  Scenario scenario;
  scenario.intent.reps = 1;
  const Session session = run(scenario);
  for (const Sample& sample : session.samples) {
    if (sample.time_s > 3.8 && sample.time_s < 4.0) {
      EXPECT_EQ(sample.truth.state, LifterState::kStanding);
      EXPECT_NEAR(sample.angle_rad, 0.05, 0.02);
      EXPECT_LT(std::abs(sample.velocity_radps), 0.1);
    }
  }
  // And after the set.
  EXPECT_EQ(session.end.state, LifterState::kDone);
  EXPECT_LT(std::abs(session.samples.back().velocity_radps), 0.03);
}

TEST(Lifter, RestBetweenSetsRestoresStrength) {
  Lifter lifter({});
  lifter.stand();
  for (int i = 0; i < 60'000; ++i) lifter.tick(0.05, 0.0, 100.0);
  const double tired = lifter.truth().fatigue;
  ASSERT_GT(tired, 0.1);
  lifter.relax();
  for (int i = 0; i < 120'000; ++i) lifter.tick(0.0, 0.0, 0.0);
  EXPECT_LT(lifter.truth().fatigue, 0.25 * tired);
}

TEST(Lifter, SetsCountFromZeroAgain) {
  Lifter lifter({});
  lifter.stand();
  // A leg that follows the intention exactly.
  const auto set = [&](int reps) {
    LifterIntent intent;
    intent.reps = reps;
    lifter.start_reps(intent);
    double before = lifter.truth().intended_angle_rad;
    for (int i = 0; i < 60'000; ++i) {
      const double angle = lifter.truth().intended_angle_rad;
      lifter.tick(angle, (angle - before) / 1e-3, 40.0);
      before = angle;
    }
  };
  for (const int reps : {3, 2, 5}) {
    set(reps);
    EXPECT_EQ(lifter.truth().state, LifterState::kDone);
    EXPECT_EQ(lifter.truth().reps_started, reps);
    EXPECT_EQ(lifter.truth().reps_completed, reps);
  }
}

TEST(Lifter, TremorAndSwayMoveTheLegWithinTheirSize) {
  const auto shake = [](double tremor, double sway) {
    Scenario scenario;
    scenario.intent.reps = 1;
    scenario.lifter.fatigue = false;
    scenario.lifter.tremor_fraction = tremor;
    scenario.lifter.sway_m = sway;
    scenario.settle_s = 12.0;
    scenario.machine.path_friction = {0,    0,   0,  1.0,
                                      0.02, 1e5, 0.0};  // would hold so small a motion
    const Session session = run(scenario);
    double least = 1.0, most = -1.0;
    for (std::size_t i = session.samples.size() - 2000; i < session.samples.size(); ++i) {
      least = std::min(least, session.samples[i].ring_m);
      most = std::max(most, session.samples[i].ring_m);
    }
    return most - least;
  };
  EXPECT_LT(shake(0.0, 0.0), 0.001);
  const double tremor = shake(0.12, 0.0);
  EXPECT_GT(tremor, 0.001);
  EXPECT_LT(tremor, 0.010);
  // 4 mm to both sides, seen for two seconds of slow sway.
  const double sway = shake(0.0, 0.004);
  EXPECT_GT(sway, 0.002);
  EXPECT_LT(sway, 0.009);
}

TEST(Lifter, SameSeedGivesTheSameBitsAndAnyOtherCoefficientDoesNot) {
  Scenario scenario;
  scenario.intent.reps = 2;
  const std::uint64_t hash = run(scenario).hash;
  EXPECT_EQ(run(scenario).hash, hash);
  const std::vector<std::function<void(LifterConfig&)>> changes = {
      [](LifterConfig& c) { c.seed = 2; },
      [](LifterConfig& c) { c.isometric_torque_nm += 1e-6; },
      [](LifterConfig& c) { c.fatigue_f += 1e-9; },
      [](LifterConfig& c) { c.tracking_damping_nmsprad += 1e-9; },
      [](LifterConfig& c) { c.impedance_per_nm += 1e-9; },
      [](LifterConfig& c) { c.range_rad += 1e-9; },
      [](LifterConfig& c) { c.feedback_delay_s += 1e-3; },
      [](LifterConfig& c) { c.tremor_fraction += 1e-9; }};
  for (const auto& change : changes) {
    Scenario other = scenario;
    change(other.lifter);
    EXPECT_NE(run(other).hash, hash);
  }
}

}  // namespace
}  // namespace medius::sim
