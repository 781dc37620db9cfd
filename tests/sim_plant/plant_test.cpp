#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "controller/base/random.hpp"
#include "sim/plant/cable_plant.hpp"

namespace medius::sim {
namespace {

constexpr double kDt = kPlantStepS;

CablePlantConfig ideal() {
  CablePlantConfig config;
  config.drive_friction = {0, 0, 0, 1.0, 0.02, 1e5, 0.0};
  config.path_friction = {0, 0, 0, 1.0, 0.02, 1e5, 0.0};
  config.torque_gain = 1.0;
  config.torque_ripple_n = 0.0;
  return config;
}

void run(CablePlant& plant, double seconds, double torque = 0.0) {
  const int steps = static_cast<int>(seconds / kDt + 0.5);
  for (int i = 0; i < steps; ++i) plant.step(torque);
}

// A leg held by a soft tracker, for tests that need a person of no interest.
void hold_leg(CablePlant& plant, double angle, double seconds) {
  const int steps = static_cast<int>(seconds / kDt + 0.5);
  for (int i = 0; i < steps; ++i) {
    const CableTruth& truth = plant.truth();
    plant.step(45.0 + 400.0 * (angle - truth.hip_angle_rad) - 40.0 * truth.hip_velocity_radps);
  }
}

TEST(Plant, TensionIsNeverNegativeWhateverHappens) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Random random(seed);
    CablePlantConfig config;
    config.seed = seed;
    config.cuff_stiffness_npm = random.uniform(2e3, 100e3);
    config.reflected_mass_kg = random.uniform(1.0, 8.0);
    CablePlant plant(config, LegConfig{});
    double torque = 0.0;
    bool slack = false, taut = false;
    for (int i = 0; i < 60'000; ++i) {
      if (i % 500 == 0) {
        torque = random.uniform(-150.0, 200.0);
        plant.command(random.uniform(-150.0, 300.0), random.chance(0.9));
      }
      if (i % 20'000 == 19'999) {
        plant.set_cuff_end(random.chance(0.5) ? CuffEnd::kReleased : CuffEnd::kLeg);
      }
      plant.step(torque);
      const CableTruth& truth = plant.truth();
      ASSERT_GE(truth.drum_tension_n, 0.0);
      ASSERT_GE(truth.cuff_tension_n, 0.0);
      ASSERT_LT(std::abs(truth.drum_position_m), 10.0) << "seed " << seed << " step " << i;
      slack = slack || truth.cuff_tension_n == 0.0;
      taut = taut || truth.cuff_tension_n > 50.0;
    }
    EXPECT_TRUE(slack && taut) << "seed " << seed << " must visit both";
  }
}

// Without control the handle feels the reflected mass and the cable path.
TEST(Plant, ApparentInertiaIsTheReflectedMass) {
  for (const double mass : {1.0, 2.6, 8.0}) {
    CablePlantConfig config = ideal();
    config.reflected_mass_kg = mass;
    CablePlant plant(config, LegConfig{});
    plant.set_cuff_end(CuffEnd::kRig);
    plant.command(100.0, true);
    // 0.25 Hz: far below the mode of 8 kg on the cuff (5 Hz), which would add 4 % at 1 Hz.
    const double w = 0.5 * M_PI;
    double force = 0.0, motion = 0.0;
    for (int i = 0; i < 120'000; ++i) {
      const double phase = w * i * kDt;
      plant.set_rig(0.15 * std::sin(phase), 0.15 * w * std::cos(phase), 1e5, 500.0, 4.4);
      plant.step(0.0);
      if (i < 40'000) continue;
      force += plant.truth().cuff_tension_n * std::sin(phase);
      motion += plant.truth().cuff_position_m * std::sin(phase);
    }
    const double apparent = -force / (motion * w * w);
    EXPECT_NEAR(apparent, mass + config.path_mass_kg, 0.03 * mass);
  }
}

// Once slack is gone nothing holds the drum, the path and the empty cuff but their masses.
TEST(Plant, ReleasedHandleAcceleratesWithForceOverMass) {
  for (const double force : {30.0, 80.0, 200.0}) {
    CablePlant plant(ideal(), LegConfig{});
    plant.set_cuff_end(CuffEnd::kReleased);
    run(plant, 0.01);
    plant.command(force, true);
    run(plant, 0.010);
    const double before = plant.truth().drum_velocity_mps;
    // One period of the empty cuff on its strap (32 Hz); later its drag on the floor counts.
    run(plant, 0.031);
    const double acceleration = (before - plant.truth().drum_velocity_mps) / 0.031;
    EXPECT_NEAR(acceleration, force / (2.6 + 0.35 + 0.25), 0.03 * force / 3.2);
  }
}

TEST(Plant, ReleaseCollapsesTheTensionWithinFiveMilliseconds) {
  CablePlantConfig config;
  config.seed = 4;
  CablePlant plant(config, LegConfig{});
  plant.command(100.0, true);
  hold_leg(plant, 0.3, 2.0);
  ASSERT_GT(plant.truth().cuff_tension_n, 80.0);
  plant.set_cuff_end(CuffEnd::kReleased);
  double most = 0.0;
  run(plant, 0.005);
  for (int i = 0; i < 200; ++i) {
    plant.step(0.0);
    most = std::max(most, plant.truth().cuff_tension_n);
  }
  EXPECT_LT(most, 35.0);  // the drum accelerates an empty cuff, nothing else
}

TEST(Plant, UnprotectedReleaseRunsAwayAndTheDrivesOwnLimitHoldsIt) {
  const auto fastest = [](double force, double limit) {
    CablePlant plant(CablePlantConfig{}, LegConfig{});
    plant.set_drive_speed_limit(limit);
    plant.command(force, true);
    hold_leg(plant, 0.5, 2.0);
    plant.set_cuff_end(CuffEnd::kReleased);
    double inward = 0.0;
    for (int i = 0; i < 10'000; ++i) {
      plant.step(0.0);
      inward = std::max(inward, -plant.truth().drum_velocity_mps);
    }
    return inward;
  };
  EXPECT_GT(fastest(200.0, 0.0), 5.0);
  for (const double force : {80.0, 200.0, 600.0}) EXPECT_LT(fastest(force, 1.5), 1.6) << force;
}

TEST(Plant, SpeedLimitLeavesExplosiveRepetitionsAlone) {
  const auto trace = [](double limit, double& inward) {
    CablePlant plant(CablePlantConfig{}, LegConfig{});
    plant.set_drive_speed_limit(limit);
    plant.command(78.0, true);
    hold_leg(plant, 0.1, 1.0);
    for (int i = 0; i < 20'000; ++i) {
      hold_leg(plant, 0.3 - 0.2 * std::cos(2.0 * M_PI * i * kDt), kDt);
      inward = std::max(inward, -plant.truth().drum_velocity_mps);
    }
    return plant.state_hash();
  };
  double inward = 0.0;
  const std::uint64_t unlimited = trace(0.0, inward);
  EXPECT_GT(inward, 0.7);
  EXPECT_EQ(trace(1.5, inward), unlimited);
  EXPECT_NE(trace(0.3, inward), unlimited);
}

TEST(Plant, CommandArrivesAfterDeadTimeAndLag) {
  CablePlantConfig config = ideal();
  config.drive_dead_time_s = 0.0023;
  CablePlant plant(config, LegConfig{});
  plant.command(100.0, true);
  run(plant, 0.0023);
  EXPECT_EQ(plant.drive_force_n(), 0.0);
  run(plant, config.drive_lag_s);
  EXPECT_NEAR(plant.drive_force_n(), 100.0 * (1.0 - std::exp(-1.0)), 0.1);
  // The feedback knows nothing of gain error: it is the drive's belief.
  run(plant, 0.02);
  EXPECT_NEAR(plant.drive_force_n(), 100.0, 1e-6);
}

TEST(Plant, CuttingThePowerActsAtOnceAndForgetsWhatWasSent) {
  CablePlant plant(ideal(), LegConfig{});
  plant.command(100.0, true);
  run(plant, 0.05);
  plant.command(100.0, false);
  run(plant, 0.0008);
  EXPECT_LT(plant.drive_force_n(), 40.0);
  run(plant, 0.02);
  plant.command(0.0, true);
  for (int i = 0; i < 200; ++i) {
    plant.step(0.0);
    ASSERT_LT(plant.drive_force_n(), 1e-6);
  }
}

TEST(Plant, NonsenseCommandsMakeNoTorque) {
  for (const double nonsense :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    CablePlant plant(ideal(), LegConfig{});
    plant.command(nonsense, true);
    run(plant, 0.1);
    EXPECT_EQ(plant.drive_force_n(), 0.0);
    EXPECT_EQ(plant.truth().drum_position_m, plant.truth().drum_position_m);
  }
}

TEST(Plant, DriveHasTheConfiguredGainAndRipple) {
  CablePlantConfig config = ideal();
  config.torque_gain = 1.02;
  config.torque_ripple_n = 1.5;
  CablePlant plant(config, LegConfig{});
  plant.set_cuff_end(CuffEnd::kRig);
  plant.command(100.0, true);
  double least = 1e9, most = 0.0;
  for (int i = 0; i < 30'000; ++i) {
    const double x = 0.02 * i * kDt;  // 4 Hz of ripple: far below the lag
    plant.set_rig(x, 0.02, 1e5, 500.0, 4.4);
    plant.step(0.0);
    if (i < 5000) continue;
    least = std::min(least, plant.truth().motor_force_n);
    most = std::max(most, plant.truth().motor_force_n);
  }
  EXPECT_NEAR(0.5 * (least + most), 102.0, 0.02);
  EXPECT_NEAR(0.5 * (most - least), 1.5, 0.02);
}

TEST(Plant, EncoderFloorsToItsQuantum) {
  for (const double quantum : {1e-6, 69e-6, 5e-3}) {
    CablePlantConfig config;
    config.encoder_quantum_m = quantum;
    CablePlant plant(config, LegConfig{});
    plant.command(30.0, true);
    for (int i = 0; i < 8000; ++i) {
      plant.step(60.0 * std::sin(i * 1e-3));
      const double off = plant.truth().drum_position_m - plant.encoder_position_m();
      ASSERT_GE(off, -1e-12);
      ASSERT_LE(off, quantum * (1.0 + 1e-9));
    }
  }
}

TEST(Plant, EncoderVelocityFollowsTheDrumWithinAFewMilliseconds) {
  CablePlant plant(CablePlantConfig{}, LegConfig{});
  plant.set_cuff_end(CuffEnd::kRig);
  plant.command(60.0, true);
  double worst = 0.0;
  for (int i = 0; i < 40'000; ++i) {
    const double phase = 2.0 * M_PI * 0.5 * i * kDt;
    plant.set_rig(-0.15 * std::cos(phase), 0.15 * M_PI * std::sin(phase), 4000.0, 120.0, 4.4);
    plant.step(0.0);
    if (i > 5000) {
      worst =
          std::max(worst, std::abs(plant.encoder_velocity_mps() - plant.truth().drum_velocity_mps));
    }
  }
  EXPECT_LT(worst, 0.02);
  EXPECT_GT(worst, 1e-5);  // it is a measurement
}

TEST(Plant, LoadCellHasItsGainOffsetAndWhiteNoise) {
  CablePlantConfig config;
  config.load_cell_gain = 1.01;
  config.load_cell_offset_n = 2.0;
  CablePlant plant(config, LegConfig{});
  plant.command(100.0, true);
  hold_leg(plant, 0.3, 3.0);
  double sum = 0.0, square = 0.0, lagged = 0.0, before = 0.0;
  constexpr int kSamples = 4000;
  for (int i = 0; i < kSamples; ++i) {
    hold_leg(plant, 0.3, 0.001);
    const double error = plant.load_cell_n() - (1.01 * plant.truth().cuff_tension_n + 2.0);
    sum += error;
    square += error * error;
    lagged += error * before;
    before = error;
  }
  EXPECT_NEAR(sum / kSamples, 0.0, 0.02);
  EXPECT_NEAR(std::sqrt(square / kSamples), 0.3, 0.015);
  EXPECT_LT(std::abs(lagged / square), 0.06);
}

TEST(Plant, LoadCellSeesTheSideItIsMountedOn) {
  CablePlantConfig config;
  config.load_cell_noise_n = config.load_cell_offset_n = 0.0;
  config.load_cell_gain = 1.0;
  for (const bool after : {true, false}) {
    config.load_cell_after_last_pulley = after;
    CablePlant plant(config, LegConfig{});
    plant.set_cuff_end(CuffEnd::kRig);
    plant.command(100.0, true);
    for (int i = 0; i < 20'000; ++i) {
      plant.set_rig(0.2 * i * kDt, 0.2, 1e5, 500.0, 4.4);
      plant.step(0.0);
    }
    const CableTruth& truth = plant.truth();
    EXPECT_NEAR(plant.load_cell_n(), after ? truth.cuff_tension_n : truth.drum_tension_n, 0.2);
    EXPECT_GT(truth.cuff_tension_n, truth.drum_tension_n + 2.5);  // 3 % in the pulleys
  }
}

TEST(Plant, HomingEndsAtTheBallStop) {
  CablePlant plant(CablePlantConfig{}, LegConfig{});
  plant.set_cuff_end(CuffEnd::kReleased);
  plant.set_drive_speed_limit(0.1);
  plant.command(15.0, true);
  run(plant, 12.0);
  EXPECT_NEAR(plant.truth().ring_position_m, -0.60, 0.003);
  EXPECT_NEAR(plant.truth().drum_velocity_mps, 0.0, 1e-3);
}

TEST(Plant, AHandBringsTheCuffBackToTheLeg) {
  CablePlant plant(CablePlantConfig{}, LegConfig{});
  EXPECT_TRUE(plant.cuff_held());
  plant.set_cuff_end(CuffEnd::kReleased);
  plant.command(15.0, true);
  run(plant, 2.0);
  ASSERT_LT(plant.truth().cuff_position_m, -0.2);
  plant.set_cuff_end(CuffEnd::kLeg);
  EXPECT_FALSE(plant.cuff_held());
  double fastest = 0.0, most = 0.0;
  for (int i = 0; i < 40'000; ++i) {
    plant.step(0.0);
    fastest = std::max(fastest, plant.truth().cuff_velocity_mps);
    most = std::max(most, plant.truth().cuff_tension_n);
  }
  EXPECT_TRUE(plant.cuff_held());
  EXPECT_NEAR(plant.truth().cuff_position_m, 0.0, 0.005);
  EXPECT_LT(fastest, 0.6);
  EXPECT_LT(most, 60.0);
}

TEST(Plant, LegRestsOnItsStopUnderLoad) {
  CablePlant plant(CablePlantConfig{}, LegConfig{});
  plant.command(100.0, true);
  run(plant, 3.0);
  EXPECT_NEAR(plant.truth().hip_angle_rad, 0.0, 0.006);
  EXPECT_NEAR(plant.truth().hip_velocity_radps, 0.0, 1e-3);
  EXPECT_NEAR(plant.truth().cuff_tension_n, 100.0, 15.0);  // friction is not compensated here
}

TEST(Plant, AnotherLegHangsAtRest) {
  CablePlant plant(CablePlantConfig{}, LegConfig{});
  hold_leg(plant, 0.4, 1.0);
  plant.set_leg({1.71, 3.40, 0.0});
  EXPECT_EQ(plant.truth().hip_angle_rad, 0.0);
  EXPECT_EQ(plant.truth().hip_velocity_radps, 0.0);
  // The cuff, half a metre out, is brought to it.
  EXPECT_FALSE(plant.cuff_held());
  run(plant, 4.0);
  EXPECT_TRUE(plant.cuff_held());
}

std::uint64_t session_hash(const CablePlantConfig& config, const LegConfig& leg = {}) {
  CablePlant plant(config, leg);
  plant.command(60.0, true);
  hold_leg(plant, 0.4, 1.5);
  plant.set_cuff_end(CuffEnd::kReleased);
  run(plant, 0.2);
  return plant.state_hash();
}

TEST(Plant, SameSeedGivesTheSameBitsAndAnyOtherConfigurationDoesNot) {
  const std::uint64_t hash = session_hash({});
  EXPECT_EQ(session_hash({}), hash);
  std::vector<CablePlantConfig> others(8);
  others[0].seed = 2;
  others[1].reflected_mass_kg *= 1.0 + 1e-9;
  others[2].drive_friction.coulomb_n += 1e-9;
  others[3].cuff_stiffness_npm += 1e-6;
  others[4].torque_gain += 1e-12;
  others[5].pulley_distance_m += 1e-9;
  others[6].drive_dead_time_s += 1e-4;
  others[7].load_cell_noise_n += 1e-6;
  for (const CablePlantConfig& other : others) EXPECT_NE(session_hash(other), hash);
  EXPECT_NE(session_hash({}, {2.98, 5.23, 0.0}), hash);
}

TEST(Plant, MovesLikeAValue) {
  CablePlant plant(CablePlantConfig{}, LegConfig{});
  run(plant, 0.1, 60.0);
  const std::uint64_t hash = plant.state_hash();
  CablePlant moved = std::move(plant);
  EXPECT_EQ(moved.state_hash(), hash);
}

}  // namespace
}  // namespace medius::sim
