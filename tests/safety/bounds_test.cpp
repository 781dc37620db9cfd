#include <algorithm>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "controller/base/clamp.hpp"
#include "controller/safety/kernel.hpp"
#include "tests/safety/hostile.hpp"

namespace medius::safety {
namespace {

using hal::CoordinateKind;
using Field = double AxisBounds::*;

const std::vector<Field> kLowerIsSafer = {
    &AxisBounds::force_max,      &AxisBounds::felt_rise_per_s,    &AxisBounds::outward_hold_speed,
    &AxisBounds::governor_speed, &AxisBounds::overspeed_trip,     &AxisBounds::slack_speed,
    &AxisBounds::pretension_max, &AxisBounds::eccentric_ratio_max};
const std::vector<Field> kFixed = {
    &AxisBounds::torque_slew_per_tick, &AxisBounds::correction_max,
    &AxisBounds::correction_floor,     &AxisBounds::slack_pull_max,
    &AxisBounds::brake_force_max,      &AxisBounds::felt_fall_per_s,
    &AxisBounds::governor_gain,        &AxisBounds::release_force_fraction,
    &AxisBounds::release_speed,        &AxisBounds::slack_gain,
    &AxisBounds::refill_rise};

TEST(Bounds, AreThoseOfTheDecisionsForEachMachine) {
  const AxisBounds cable = machine_bounds(CoordinateKind::kCable);
  EXPECT_EQ(cable.force_max, 600.0);
  EXPECT_EQ(cable.brake_force_max, 150.0);
  EXPECT_EQ(cable.freeze_age_ns, 10'000'000);
  EXPECT_EQ(cable.unload_age_ns, 20'000'000);
  const AxisBounds lever = machine_bounds(CoordinateKind::kLever);
  EXPECT_EQ(lever.force_max, 250.0);
  // At the pad both machines brake and trip at the same speed.
  EXPECT_NEAR(lever.governor_speed * 0.38, cable.governor_speed, 1e-12);
  EXPECT_NEAR(lever.overspeed_trip * 0.38, cable.overspeed_trip, 1e-12);
  EXPECT_NEAR(lever.brake_force_max / 0.38, cable.brake_force_max, 1e-12);
  // A gain turns a speed at the pad into a force at the pad.
  EXPECT_NEAR(lever.governor_gain / (0.38 * 0.38), cable.governor_gain, 1e-9);
  EXPECT_NEAR(lever.slack_gain / (0.38 * 0.38), cable.slack_gain, 1e-9);
  EXPECT_EQ(cable.correction_max, 240.0);  // 0.4 x force_max
  EXPECT_EQ(lever.correction_max, 100.0);
}

TEST(Bounds, KeepInvariantI2OfTheSlew) {
  for (const auto kind : {CoordinateKind::kCable, CoordinateKind::kLever}) {
    const double scale = kind == CoordinateKind::kCable ? 1.0 : 0.38;
    const AxisBounds b = machine_bounds(kind);
    EXPECT_LE(b.felt_rise_per_s, 500.0 * scale);
    EXPECT_LE(b.felt_rise_per_s * 1e-3, 2.0 * scale);
    EXPECT_LE(b.felt_fall_per_s * 1e-3, 4.0 * scale * (1.0 + 1e-15));
  }
}

TEST(Bounds, AConfigurationNeverLoosensAny) {
  Random random(11);
  for (int round = 0; round < 20'000; ++round) {
    const auto kind = round % 2 == 0 ? CoordinateKind::kCable : CoordinateKind::kLever;
    const AxisBounds machine = machine_bounds(kind);
    AxisBounds configured = machine;
    for (const auto& fields : {kLowerIsSafer, kFixed}) {
      for (const Field field : fields) configured.*field = test::hostile(random, 1000.0);
    }
    configured.freeze_age_ns = test::hostile_age_ns(random);
    configured.unload_age_ns = test::hostile_age_ns(random);
    configured.panel_age_ns = test::hostile_age_ns(random);
    const AxisBounds b = tightened(machine, configured);
    for (const Field field : kLowerIsSafer) {
      ASSERT_GE(b.*field, 0.0);
      ASSERT_LE(b.*field, machine.*field);
      if (!is_finite(configured.*field) || configured.*field < 0.0) {
        ASSERT_EQ(b.*field, 0.0);
      } else {
        ASSERT_LE(b.*field, configured.*field);
      }
    }
    for (const Field field : kFixed) ASSERT_EQ(b.*field, machine.*field);
    ASSERT_GE(b.freeze_age_ns, 0);
    ASSERT_LE(b.freeze_age_ns, 30'000'000);
    ASSERT_GE(b.unload_age_ns, 0);
    ASSERT_LE(b.unload_age_ns, 60'000'000);
    ASSERT_GE(b.panel_age_ns, 0);
    ASSERT_LE(b.panel_age_ns, 60'000'000);
  }
}

TEST(Bounds, TheSameConfigurationChangesNothing) {
  const AxisBounds machine = machine_bounds(CoordinateKind::kCable);
  const AxisBounds b = tightened(machine, machine);
  for (const Field field : kLowerIsSafer) EXPECT_EQ(b.*field, machine.*field);
  EXPECT_EQ(b.unload_age_ns, machine.unload_age_ns);
}

TEST(Bounds, AMissingConfigurationMeansNoForce) {
  const AxisBounds b = tightened(machine_bounds(CoordinateKind::kCable), AxisBounds{});
  EXPECT_EQ(b.force_max, 0.0);
  EXPECT_EQ(b.unload_age_ns, 0);
}

TEST(Bounds, AgesFollowTheConfigurationUpToTheirCeilings) {
  const AxisBounds machine = machine_bounds(CoordinateKind::kCable);
  for (const std::int64_t ms : {1, 8, 15, 30, 60, 200}) {
    AxisBounds configured = machine;
    configured.freeze_age_ns = configured.unload_age_ns = configured.panel_age_ns = ms * 1'000'000;
    const AxisBounds b = tightened(machine, configured);
    EXPECT_EQ(b.freeze_age_ns, std::min<std::int64_t>(ms, 30) * 1'000'000);
    EXPECT_EQ(b.unload_age_ns, std::min<std::int64_t>(ms, 60) * 1'000'000);
    EXPECT_EQ(b.panel_age_ns, std::min<std::int64_t>(ms, 60) * 1'000'000);
  }
}

TEST(Bounds, ASlowLinkLowersTheForceSoThatForceTimesAgeStays) {
  const AxisBounds machine = machine_bounds(CoordinateKind::kCable);
  AxisBounds configured = machine;
  configured.unload_age_ns = 40'000'000;
  EXPECT_DOUBLE_EQ(tightened(machine, configured).force_max, 300.0);
  configured.unload_age_ns = 90'000'000;  // more than the bounds allow
  EXPECT_DOUBLE_EQ(tightened(machine, configured).force_max, 200.0);
  configured.unload_age_ns = 15'000'000;
  EXPECT_DOUBLE_EQ(tightened(machine, configured).force_max, 600.0);
}

}  // namespace
}  // namespace medius::safety
