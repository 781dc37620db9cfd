#include "sim/plant/lever_plant.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "sim/plant/body.hpp"

namespace medius::sim {
namespace {

using Torques = std::array<double, kMostLegs>;

std::array<LegConfig, kMostLegs> legs() {
  return {seated_leg({}), seated_leg({})};
}

LeverPlantConfig quiet() {
  LeverPlantConfig config;
  config.gear_friction = {0.0, 0.0, 0.0, 1.0, 0.05, 14e3, 0.0};
  config.seat_damping_nmsprad = 0.0;
  config.torque_ripple_nm = 0.0;
  config.torque_gain = 1.0;
  config.load_cell_noise_nm = config.load_cell_offset_nm = 0.0;
  config.load_cell_gain = 1.0;
  return config;
}

void run(LeverPlant& plant, double seconds, const Torques& hip) {
  for (int i = 0; i < static_cast<int>(seconds / kPlantStepS + 0.5); ++i) plant.step(hip);
}

// 80 kg, 1.80 m: thigh 0.60, shank and foot 0.87 kg m2.
TEST(SeatedLeg, HasTheInertiaOfAThighWithTheShankAtItsEnd) {
  EXPECT_NEAR(seated_leg({}).inertia_kgm2, 1.47, 0.01);
  EXPECT_EQ(seated_leg({}).gravity_moment_kgm, 0.0);
  EXPECT_LT(seated_leg({Sex::kFemale, 62.0, 1.66}).inertia_kgm2, 1.1);
}

TEST(LeverPlant, ArmAndLegAccelerateTogetherByTorqueOverBothInertias) {
  LeverPlant plant(quiet(), legs());
  const double inertia = quiet().arm_inertia_kgm2 + legs()[0].inertia_kgm2;
  run(plant, 0.05, {5.0, 0.0});  // the pad is compressed, the ringing has begun
  const double before = plant.truth().arm_velocity_radps;
  run(plant, 0.2, {5.0, 0.0});
  const double acceleration = (plant.truth().arm_velocity_radps - before) / 0.2;
  EXPECT_NEAR(acceleration, 5.0 / inertia, 0.1 * 5.0 / inertia);
}

TEST(LeverPlant, HeldAgainstTheMotorThePadCarriesItsTorque) {
  LeverPlant plant(quiet(), legs());
  plant.command(40.0, true);
  for (int i = 0; i < 20'000; ++i) {
    const auto& leg = plant.truth().leg[0];
    plant.step({40.0 + 300.0 * (0.3 - leg.angle_rad) - 40.0 * leg.velocity_radps, 0.0});
  }
  EXPECT_NEAR(plant.truth().leg[0].pad_torque_nm, 40.0, 0.1);
  EXPECT_NEAR(plant.truth().leg[0].pad_force_n, 40.0 / 0.38, 0.3);
  EXPECT_NEAR(plant.load_cell_nm(0), plant.truth().leg[0].pad_torque_nm, 0.01);
  EXPECT_NEAR(plant.truth().leg[0].angle_rad, 0.3, 0.002);
}

TEST(LeverPlant, TheCommandComesAfterTheDeadTimeThroughTheLag) {
  LeverPlant plant(quiet(), legs());
  plant.command(30.0, true);
  run(plant, 0.0015, {});
  EXPECT_EQ(plant.truth().motor_torque_nm, 0.0);
  run(plant, 0.0008, {});
  EXPECT_NEAR(plant.truth().motor_torque_nm, 30.0 * (1.0 - std::exp(-1.0)), 0.5);
  plant.command(30.0, false);
  run(plant, 0.008, {});
  EXPECT_NEAR(plant.truth().motor_torque_nm, 0.0, 0.01);
}

TEST(LeverPlant, ThePadNeverPullsTheLeg) {
  LeverPlant plant(LeverPlantConfig{}, legs());
  double least = 1e9;
  bool left = false;
  for (int i = 0; i < 100'000; ++i) {
    plant.command(i % 20'000 < 10'000 ? 30.0 : 0.0, true);
    // Kicks outward and jerks back faster than the arm can follow.
    plant.step({i % 7'000 < 3'000 ? 60.0 : -40.0, 0.0});
    const LeverTruth& truth = plant.truth();
    least = std::min(least, truth.leg[0].pad_force_n);
    if (truth.leg[0].angle_rad < truth.arm_angle_rad - 0.01) {
      left = true;
      EXPECT_EQ(truth.leg[0].pad_force_n, 0.0);
    }
  }
  EXPECT_TRUE(left);  // the leg has been off its pad
  EXPECT_GE(least, 0.0);
}

TEST(LeverPlant, HardStopsHoldTheArmAtBothEnds) {
  LeverPlant plant(LeverPlantConfig{}, legs());
  plant.set_leg_in_place(0, false);
  plant.command(100.0, true);
  run(plant, 3.0, {});
  EXPECT_NEAR(plant.truth().arm_angle_rad, quiet().inner_stop_rad, 0.006);
  EXPECT_EQ(plant.truth().leg[0].pad_force_n, 0.0);
  plant.command(-100.0, true);
  run(plant, 3.0, {});
  EXPECT_NEAR(plant.truth().arm_angle_rad, quiet().outer_stop_rad, 0.006);
}

TEST(LeverPlant, ALegThatIsPutBackFeelsThePadOnlyOnceItPressesOnIt) {
  LeverPlant plant(LeverPlantConfig{}, legs());
  plant.set_leg_in_place(0, false);
  run(plant, 0.5, {20.0, 0.0});
  EXPECT_GT(plant.truth().leg[0].angle_rad, plant.truth().arm_angle_rad + 0.2);
  plant.set_leg_in_place(0, true);
  plant.step({});
  EXPECT_LT(plant.truth().leg[0].pad_force_n, 1.0);
  run(plant, 0.5, {20.0, 0.0});
  EXPECT_GT(plant.truth().leg[0].pad_force_n, 5.0);
}

TEST(LeverPlant, TheDrivesOwnSpeedLimitHoldsAnArmWithoutALeg) {
  const auto fastest = [](double limit_radps) {
    LeverPlantConfig config;
    config.inner_stop_rad = -3.0;
    LeverPlant plant(config, legs());
    plant.set_leg_in_place(0, false);
    plant.set_drive_speed_limit(limit_radps);
    plant.command(80.0, true);
    double most = 0.0;
    for (int i = 0; i < 3'000; ++i) {
      plant.step({});
      most = std::max(most, -plant.truth().arm_velocity_radps);
    }
    return most;
  };
  EXPECT_LT(fastest(3.9), 4.6);
  EXPECT_GT(fastest(0.0), 15.0);
}

TEST(LeverPlant, TwoDegreesOfTiltAreNineTenthsOfANewtonMetre) {
  LeverPlantConfig config = quiet();
  config.tilt_rad = 2.0 * 3.14159265358979 / 180.0;
  LeverPlant plant(config, legs());
  plant.command(10.0, true);
  for (int i = 0; i < 20'000; ++i) {
    const auto& leg = plant.truth().leg[0];
    plant.step({10.0 + 300.0 * (0.05 - leg.angle_rad) - 40.0 * leg.velocity_radps, 0.0});
  }
  EXPECT_NEAR(plant.truth().leg[0].pad_torque_nm, 10.9, 0.05);
}

// Linked arms have one angle; each pad's cell sees its own leg.
TEST(LeverPlant, LinkedArmsMoveAsOneAndEachPadCarriesItsOwnLeg) {
  LeverPlantConfig config = quiet();
  config.legs = 2;
  config.arm_inertia_kgm2 = 1.0;
  LeverPlant plant(config, legs());
  plant.command(60.0, true);
  for (int i = 0; i < 30'000; ++i) {
    const auto& at = plant.truth().leg;
    const auto hip = [](const LeverTruth::Leg& leg, double share_nm) {
      return share_nm + 300.0 * (0.3 - leg.angle_rad) - 40.0 * leg.velocity_radps;
    };
    plant.step({hip(at[0], 40.0), hip(at[1], 20.0)});
  }
  const auto& leg = plant.truth().leg;
  EXPECT_NEAR(leg[0].pad_torque_nm + leg[1].pad_torque_nm, 60.0, 0.1);
  EXPECT_GT(leg[0].pad_torque_nm, leg[1].pad_torque_nm + 10.0);
  EXPECT_NEAR(plant.load_cell_nm(1), leg[1].pad_torque_nm, 0.01);
}

TEST(LeverPlant, RepeatsItselfForASeed) {
  const auto hash = [](std::uint64_t seed) {
    LeverPlantConfig config;
    config.seed = seed;
    LeverPlant plant(config, legs());
    plant.command(20.0, true);
    run(plant, 0.2, {22.0, 0.0});
    return plant.state_hash();
  };
  EXPECT_EQ(hash(3), hash(3));
  EXPECT_NE(hash(3), hash(4));
}

// Repetitions with a kick off the pad, both stops and, for linked arms, unequal legs.
TEST(LeverEnergy, InputIsStoredOrDissipated) {
  LeverPlantConfig linked, stiff, tilted;
  linked.legs = 2;
  stiff.pad_stiffness_npm = 100e3;
  tilted.tilt_rad = 0.035;
  for (const LeverPlantConfig& config : {LeverPlantConfig{}, linked, stiff, tilted}) {
    LeverPlant plant(config, legs());
    plant.start_energy_accounts();
    double throughput = 0.0;
    for (int i = 0; i < 200'000; ++i) {
      const double t = i * kPlantStepS;
      const LeverTruth truth = plant.truth();
      if (i % 10 == 0) plant.command(std::fmod(t, 4.0) < 2.0 ? 30.0 : 39.0, true);
      if (i == 93'000) plant.set_leg_in_place(0, false);
      const auto hip = [&](const LeverTruth::Leg& leg, double share) {
        const double target = 0.5 * (1.0 - std::cos(2.0 * 3.14159265 * t / 4.0));
        return share * 34.0 + 150.0 * (target - leg.angle_rad) - 15.0 * leg.velocity_radps;
      };
      throughput += std::abs(truth.motor_torque_nm * truth.arm_velocity_radps) * kPlantStepS;
      plant.step({hip(truth.leg[0], 1.0), config.legs == 2 ? hip(truth.leg[1], 0.7) : 0.0});
    }
    const LeverEnergy energy = plant.energy();
    const double residual =
        energy.motor_j + energy.person_j - energy.dissipated_j - energy.stored_j;
    ASSERT_GT(throughput, 50.0);
    EXPECT_LT(std::abs(residual), 0.001 * throughput) << residual << " J of " << throughput;
    EXPECT_GT(energy.dissipated_j, 0.02 * throughput);
  }
}

}  // namespace
}  // namespace medius::sim
