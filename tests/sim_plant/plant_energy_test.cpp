#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "controller/base/random.hpp"
#include "sim/plant/cable_plant.hpp"

namespace medius::sim {
namespace {

struct Case {
  const char* name;
  CablePlantConfig config;
  double release_s;  // 0 = never
};

CablePlantConfig with_friction(double factor) {
  CablePlantConfig config;
  config.drive_friction.coulomb_n *= factor;
  config.drive_friction.load_fraction *= factor;
  config.drive_friction.viscous_nspm *= factor;
  config.path_friction.load_fraction *= factor;
  return config;
}

// A leg driven by a soft tracker through repetitions, with the load switched, in 20 s.
CableEnergy run(const Case& test, double& throughput_j) {
  CablePlant plant(test.config, LegConfig{});
  plant.start_energy_accounts();
  throughput_j = 0.0;
  for (int i = 0; i < 200'000; ++i) {
    const double t = i * kPlantStepS;
    const CableTruth& truth = plant.truth();
    if (i % 10 == 0) plant.command(std::fmod(t, 4.0) < 2.0 ? 60.0 : 78.0, true);
    if (test.release_s > 0.0 && i == static_cast<int>(test.release_s / kPlantStepS)) {
      plant.set_drive_speed_limit(1.5);
      plant.set_cuff_end(CuffEnd::kReleased);
    }
    const double target = 0.27 * (1.0 - std::cos(2.0 * 3.14159265 * t / 4.0));
    const double torque =
        55.0 + 200.0 * (target - truth.hip_angle_rad) - 20.0 * truth.hip_velocity_radps;
    throughput_j += std::abs(truth.motor_force_n * truth.drum_velocity_mps) * kPlantStepS;
    plant.step(torque);
  }
  return plant.energy();
}

TEST(PlantEnergy, InputIsStoredOrDissipated) {
  CablePlantConfig stiff;
  stiff.cuff_stiffness_npm = 100e3;
  CablePlantConfig heavy;
  heavy.reflected_mass_kg = 8.0;
  const Case cases[] = {{"nominal", {}, 0.0},
                        {"low friction", with_friction(0.15), 0.0},
                        {"high friction", with_friction(3.0), 0.0},
                        {"stiff attachment", stiff, 0.0},
                        {"heavy drive", heavy, 0.0},
                        {"released on the way", {}, 9.3}};
  for (const Case& test : cases) {
    double throughput = 0.0;
    const CableEnergy energy = run(test, throughput);
    const double residual =
        energy.motor_j + energy.person_j - energy.dissipated_j - energy.stored_j;
    ASSERT_GT(throughput, 100.0) << test.name;
    EXPECT_LT(std::abs(residual), 0.0005 * throughput)
        << test.name << ": " << residual << " J of " << throughput;
    // Every account matters: leaving one out would break the balance.
    EXPECT_GT(energy.dissipated_j, 0.02 * throughput) << test.name;
    EXPECT_GT(std::abs(energy.motor_j), 0.01 * throughput) << test.name;
  }
}

// The most useful unit of work for a checker: nothing in the machine makes energy, so a dead motor
// and a passive leg only lose it.
TEST(PlantEnergy, AloneItOnlyLosesEnergy) {
  CablePlantConfig config;
  config.torque_ripple_n = 0.0;
  CablePlant plant(config, LegConfig{});
  for (int i = 0; i < 6'000; ++i) plant.step(40.0);  // lifted, then left to itself
  plant.start_energy_accounts();
  double stored = plant.energy().stored_j;
  const double at_start = stored;
  for (int i = 0; i < 100'000; ++i) {
    plant.step(0.0);
    if (i % 1000 != 999) continue;
    const double now = plant.energy().stored_j;
    // The energy of a semi-implicit step is off by dt/2 x power: 5e-5 s x 50 Nm x 2 rad/s = 5 mJ.
    EXPECT_LT(now, stored + 0.005);
    stored = now;
  }
  EXPECT_LT(stored, at_start - 1.0);
}

}  // namespace
}  // namespace medius::sim
