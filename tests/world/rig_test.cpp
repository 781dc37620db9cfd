// What appears at the cuff, judged from the plant's truth on the motion rig.
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "sim/world/rig_bench.hpp"

namespace {

using namespace medius;

sim::RigBenchOptions rig_at(double load_n, std::uint64_t seed = 1) {
  sim::RigBenchOptions options;
  options.machine_file = std::string(MEDIUS_SOURCE_DIR) + "/hal/machines/cable-station-sim.toml";
  options.plugin_directory = MEDIUS_PLUGIN_DIR;
  options.load_n = load_n;
  options.seed = seed;
  return options;
}

sim::RigBenchResult run(const sim::RigBenchOptions& options) {
  auto result = sim::run_rig(options);
  EXPECT_TRUE(result) << result.error();
  return result ? *result : sim::RigBenchResult{};
}

// Only the motor's torque, no observer and no force feedback: what "current x radius" gives.
sim::RigBenchOptions motor_torque_only(sim::RigBenchOptions options) {
  options.use_observer = false;
  options.kp = 0.0;
  options.kd_s = 0.0;
  return options;
}

TEST(Rig, RendersAnEccentricRatioOf130AtTheCuffFor60And80Newton) {
  for (const double load : {60.0, 80.0}) {
    for (const std::uint64_t seed : {1u, 2u, 3u}) {
      const auto result = run(rig_at(load, seed));
      EXPECT_NEAR(result.force.rendered_ratio, 1.30, 0.05) << load << " N, seed " << seed;
      EXPECT_EQ(result.fault, "");
    }
  }
}

TEST(Rig, KeepsTheForceErrorBelow35PercentRmsAt80And104Newton) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const auto force = run(rig_at(80.0, seed)).force;
    EXPECT_LE(force.rms_percent, 3.5);
    EXPECT_LE(std::abs(force.bias_concentric_n), 2.0);
    EXPECT_LE(std::abs(force.bias_eccentric_n), 2.0);
    EXPECT_LE(force.turn_worst_n, 12.0);
  }
}

TEST(Rig, FailsTheForceTestWithMotorTorqueOnly) {
  const auto force = run(motor_torque_only(rig_at(80.0))).force;
  EXPECT_LT(force.rendered_ratio, 1.05);  // friction is an anti-eccentric device: about 0.96
  EXPECT_GT(force.rms_percent, 3.5);
}

TEST(Rig, KeepsSmallLoadsWithinTwoNewton) {
  const auto force = run(rig_at(30.0)).force;
  EXPECT_LE(force.rms_n, 2.2);
  EXPECT_GE(force.rendered_ratio, 1.22);
}

TEST(Rig, HoldsTheForceWhenThePlantsFrictionOrTorqueConstantIsNotTheControllers) {
  for (const double scale : {0.5, 3.0}) {
    auto options = rig_at(80.0);
    options.plant.drive_friction.coulomb_n *= scale;
    options.plant.drive_friction.load_fraction *= scale;
    options.plant.drive_friction.viscous_nspm *= scale;
    EXPECT_LE(run(options).force.rms_percent, 4.5) << "drive friction x " << scale;
  }
  for (const double gain : {0.9, 1.1}) {
    auto options = rig_at(80.0);
    options.plant.torque_gain = gain;
    EXPECT_LE(run(options).force.rms_percent, 3.5) << "torque constant x " << gain;
  }
}

TEST(Rig, SeesExactly24DirectionChangesIn12Repetitions) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const auto result = run(rig_at(80.0, seed));
    EXPECT_EQ(result.direction_changes, 24u);
    EXPECT_EQ(result.reps_counted, 12u);
    EXPECT_EQ(result.force.strokes_out, 12);
    EXPECT_EQ(result.force.strokes_in, 12);
  }
}

TEST(Rig, MeasuresRangeWithin3MillimetresAndPhaseTimesWithin20Milliseconds) {
  const auto result = run(rig_at(80.0));
  ASSERT_EQ(result.reps.size(), result.force.range_m.size());
  for (std::size_t i = 0; i < result.reps.size(); ++i) {
    const auto& rep = result.reps[i];
    EXPECT_NEAR(rep.peak_position - rep.bottom_position, result.force.range_m[i], 0.003);
    EXPECT_NEAR(static_cast<double>(rep.peak_start_tick - rep.start_tick) * kTickPeriodS,
                result.force.concentric_s[i], 0.020);
    EXPECT_NEAR(static_cast<double>(rep.end_tick - rep.peak_end_tick) * kTickPeriodS,
                result.force.eccentric_s[i], 0.020);
  }
}

TEST(Rig, GivesTheSameTraceForASeedAndAnotherForAnotherSeedOrCoefficient) {
  auto options = rig_at(60.0);
  options.rig.reps = 2;
  const auto first = run(options).trace_hash;
  EXPECT_EQ(run(options).trace_hash, first);
  options.seed = 2;
  EXPECT_NE(run(options).trace_hash, first);
  options.seed = 1;
  options.plant.cuff_stiffness_npm *= 1.0 + 1e-9;
  EXPECT_NE(run(options).trace_hash, first);
}

// Stability: the attachment's stiffness, the friction and the delay change, the controller does
// not.
TEST(Rig, StaysStableAcrossAttachmentsFrictionAndDelay) {
  for (const double stiffness : {2e3, 10e3, 30e3, 100e3}) {
    for (const double friction : {0.5, 1.0, 2.0}) {
      for (const double dead_time_s : {0.0005, 0.0015, 0.004}) {
        auto options = rig_at(80.0);
        options.rig.reps = 2;
        options.plant.cuff_stiffness_npm = stiffness;
        options.plant.drive_dead_time_s = dead_time_s;
        options.plant.drive_friction.coulomb_n *= friction;
        options.plant.drive_friction.load_fraction *= friction;
        options.plant.drive_friction.viscous_nspm *= friction;
        const auto result = run(options);
        EXPECT_EQ(result.fault, "");
        EXPECT_LE(result.force.rms_percent, 6.0)
            << stiffness << " N/m, friction x " << friction << ", " << dead_time_s << " s";
      }
    }
  }
}

}  // namespace
