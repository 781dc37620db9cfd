// A tick at once is ten steps, bit for bit, whatever the plant is doing.
#include <array>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "sim/plant/cable_plant.hpp"
#include "sim/plant/hip_drive.hpp"
#include "sim/plant/lever_plant.hpp"
#include "sim/plant/settle.hpp"

namespace medius::sim {
namespace {

// A hip that lifts for a second and lowers for a second.
HipDrive lifting(int tick) {
  HipDrive hip;
  hip.muscle_nm = tick % 2000 < 1000 ? 75.0 : 45.0;
  hip.stiffness_nmprad = 100.0;
  hip.damping_nmsprad = 12.0;
  hip.reference_rad = 0.1;
  hip.reference_radps = tick % 2000 < 1000 ? 0.2 : -0.2;
  hip.least_nm = -50.0;
  hip.most_nm = 90.0;
  hip.passive_nm = 1.5;
  hip.push_nm = 2.0;
  return hip;
}

void step_by_step(CablePlant& plant, HipDrive& hip) {
  for (int i = 0; i < kPlantStepsPerTick; ++i) {
    const CableTruth& truth = plant.truth();
    plant.step(hip.next(truth.hip_angle_rad, truth.hip_velocity_radps, kPlantStepS));
  }
}

void expect_same(const CableTruth& a, const CableTruth& b) {
  EXPECT_EQ(a.time_s, b.time_s);
  EXPECT_EQ(a.cuff_tension_n, b.cuff_tension_n);
  EXPECT_EQ(a.drum_tension_n, b.drum_tension_n);
  EXPECT_EQ(a.motor_force_n, b.motor_force_n);
  EXPECT_EQ(a.hip_angle_rad, b.hip_angle_rad);
  EXPECT_EQ(a.cable_moment_arm_m, b.cable_moment_arm_m);
}

struct CableCase {
  const char* name;
  std::function<void(CablePlant&)> before;
};

TEST(StepTick, OfTheCableIsTenStepsBitForBit) {
  const std::array<CableCase, 6> cases{{
      {"on the leg", [](CablePlant&) {}},
      {"with accounts", [](CablePlant& plant) { plant.start_energy_accounts(); }},
      {"released", [](CablePlant& plant) { plant.set_cuff_end(CuffEnd::kReleased); }},
      {"in velocity mode",
       [](CablePlant& plant) {
         plant.command(VelocityCommand{0.1, 80.0, 80.0}, true);
       }},
      {"with a speed limit", [](CablePlant& plant) { plant.set_drive_speed_limit(0.05); }},
      {"in the middle of a tick", [](CablePlant& plant) { plant.step(60.0); }},
  }};
  for (const CableCase& test : cases) {
    SCOPED_TRACE(test.name);
    CablePlant at_once{CablePlantConfig{}, LegConfig{}},
        one_by_one{CablePlantConfig{}, LegConfig{}};
    for (CablePlant* plant : {&at_once, &one_by_one}) {
      plant->command(60.0, true);
      test.before(*plant);
    }
    for (int tick = 0; tick < 3000; ++tick) {
      HipDrive a = lifting(tick), b = a;
      at_once.step_tick(a);
      step_by_step(one_by_one, b);
      ASSERT_EQ(a.reference_rad, b.reference_rad);
      ASSERT_EQ(a.torque_nm, b.torque_nm) << tick;
    }
    EXPECT_EQ(at_once.state_hash(), one_by_one.state_hash());
    expect_same(at_once.truth(), one_by_one.truth());
  }
}

TEST(StepTick, OfTwoArmsIsTenStepsOfEachBitForBit) {
  for (const bool accounts : {false, true}) {
    using Arms = std::array<LeverPlant, 2>;
    LeverPlantConfig other;
    other.seed = 7;
    other.arm_inertia_kgm2 = 0.7;
    Arms at_once{LeverPlant{{}, {}}, LeverPlant{other, {}}};
    Arms one_by_one{LeverPlant{{}, {}}, LeverPlant{other, {}}};
    for (Arms* arms : {&at_once, &one_by_one}) {
      (*arms)[0].command(25.0, true);
      (*arms)[1].command(35.0, true);
      if (accounts) (*arms)[1].start_energy_accounts();
    }
    for (int tick = 0; tick < 3000; ++tick) {
      std::array<HipDrive, 2> a{lifting(tick), lifting(tick + 300)}, b = a;
      LeverPlant::step_tick(at_once[0], a[0], at_once[1], a[1]);
      for (std::size_t arm = 0; arm < b.size(); ++arm) {
        for (int i = 0; i < kPlantStepsPerTick; ++i) {
          const LeverTruth::Leg& leg = one_by_one[arm].truth().leg[0];
          one_by_one[arm].step({b[arm].next(leg.angle_rad, leg.velocity_radps, kPlantStepS), 0.0});
        }
        ASSERT_EQ(a[arm].torque_nm, b[arm].torque_nm) << tick;
      }
    }
    for (std::size_t arm = 0; arm < at_once.size(); ++arm) {
      EXPECT_EQ(at_once[arm].state_hash(), one_by_one[arm].state_hash());
      EXPECT_EQ(at_once[arm].truth().leg[0].pad_force_n,
                one_by_one[arm].truth().leg[0].pad_force_n);
    }
  }
}

// Negative control of the two above: the hash tells a torque that differs in its last place.
TEST(StepTick, HashTellsADifferenceInTheLastPlace) {
  CablePlant a{CablePlantConfig{}, LegConfig{}}, b{CablePlantConfig{}, LegConfig{}};
  HipDrive hip = lifting(0), other = hip;
  other.muscle_nm = 75.00000000000001;
  for (int tick = 0; tick < 100; ++tick) {
    a.step_tick(hip);
    b.step_tick(other);
  }
  EXPECT_NE(a.state_hash(), b.state_hash());
}

TEST(Settle, EndsADecayAndNothingElse) {
  EXPECT_EQ(settled(9e-101), 0.0);
  EXPECT_EQ(settled(-9e-101), 0.0);
  EXPECT_EQ(settled(2e-100), 2e-100);
  EXPECT_EQ(settled(-2e-100), -2e-100);
  EXPECT_NE(settled(std::numeric_limits<double>::quiet_NaN()), 0.0);
}

// A drive that is switched off decays by a share a step: it must come to nothing, not nearly.
TEST(Settle, MotorThatIsSwitchedOffEndsAtZero) {
  CablePlant plant{CablePlantConfig{}, LegConfig{}};
  plant.command(60.0, true);
  for (int i = 0; i < 1000; ++i) plant.step(0.0);
  EXPECT_GT(plant.drive_force_n(), 59.0);
  plant.command(0.0, false);
  for (int i = 0; i < 10'000; ++i) plant.step(0.0);
  EXPECT_EQ(plant.drive_force_n(), 0.0);
}

}  // namespace
}  // namespace medius::sim
