// The laws over position: chains, inverse chains, band, custom curve, constant hip torque.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "controller/base/random.hpp"
#include "plugins/constant_hip_torque/constant_hip_torque.hpp"
#include "plugins/custom_curve/monotone_curve.hpp"
#include "tests/plugins/plugin_fixture.hpp"

namespace medius {
namespace {

using test::input;
using test::lever;
using test::make;

class PositionLaws : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(host_.load_directory(MEDIUS_PLUGIN_DIR).empty()); }

  // Moved far and long enough for a law to know the range.
  static double at(rt::ProfileInstance& profile, double position, double base, double range = 0.4) {
    auto in = input(MEDIUS_PHASE_CONCENTRIC, 0.2, base);
    in.position = position;
    in.range = range;
    return test::run(profile, in, 1.2);
  }
  station::PluginHost host_;
};

TEST_F(PositionLaws, ChainsAddTheirStiffnessTimesTheWayUpToHalfOfTheLoad) {
  const auto profile = make(host_, "chains", {{"stiffness_n_per_m", 100.0}});
  EXPECT_EQ(at(*profile, 0.0, 60.0), 60.0);
  EXPECT_DOUBLE_EQ(at(*profile, 0.25, 60.0), 85.0);
  EXPECT_DOUBLE_EQ(at(*profile, 0.30, 60.0), 90.0);
  EXPECT_DOUBLE_EQ(at(*profile, 0.50, 60.0), 90.0);
  EXPECT_EQ(at(*profile, -0.05, 60.0), 60.0);
  const auto seated = make(host_, "chains", {{"stiffness_nm_per_rad", 20.0}}, lever());
  EXPECT_DOUBLE_EQ(at(*seated, 0.5, 40.0), 50.0);
}

TEST_F(PositionLaws, InverseChainsTakeItAwayDownToHalfOfTheLoad) {
  const auto profile = make(host_, "inverse-chains", {{"stiffness_n_per_m", 100.0}});
  EXPECT_EQ(at(*profile, 0.0, 60.0), 60.0);
  EXPECT_DOUBLE_EQ(at(*profile, 0.25, 60.0), 35.0);
  EXPECT_DOUBLE_EQ(at(*profile, 0.50, 60.0), 30.0);
  EXPECT_EQ(at(*profile, -0.05, 60.0), 60.0);
  const auto seated = make(host_, "inverse-chains", {{"stiffness_nm_per_rad", 20.0}}, lever());
  EXPECT_DOUBLE_EQ(at(*seated, 0.5, 40.0), 30.0);
}

TEST_F(PositionLaws, ALinearBandIsASpring) {
  const auto profile = make(host_, "band", {{"kind", 0.0}, {"stiffness_n_per_m", 80.0}});
  EXPECT_DOUBLE_EQ(at(*profile, 0.25, 60.0), 80.0);
  EXPECT_DOUBLE_EQ(at(*profile, 0.40, 60.0), 90.0) << "limited to half of the load";
  EXPECT_EQ(at(*profile, -0.4, 60.0), 60.0) << "a band does not push";
}

TEST_F(PositionLaws, ARubberBandFollowsItsStretchAndFlattens) {
  const std::map<std::string, double> rubber = {
      {"kind", 1.0}, {"stiffness_n_per_m", 90.0}, {"rest_length_m", 0.5}};
  const auto profile = make(host_, "band", rubber);
  // A = K L / 3 = 15 N; at twice its length A (2 - 1/4).
  EXPECT_NEAR(at(*profile, 0.5, 100.0), 100.0 + 15.0 * 1.75, 1e-12);
  const double dx = 1e-6;
  const double at_bottom = (at(*profile, dx, 100.0) - at(*profile, 0.0, 100.0)) / dx;
  EXPECT_NEAR(at_bottom, 90.0, 0.01);
  double before = at_bottom;
  for (double x = 0.05; x < 0.6; x += 0.05) {
    const double slope = (at(*profile, x + dx, 100.0) - at(*profile, x, 100.0)) / dx;
    EXPECT_LT(slope, before) << x;
    EXPECT_GT(slope, 30.0 - 0.01) << x;
    before = slope;
  }
}

// What goes in on the way up comes out on the way down, and no more.
TEST_F(PositionLaws, LawsOverPositionGiveBackWhatTheyTook) {
  for (const char* id : {"chains", "inverse-chains", "band", "custom-curve"}) {
    const auto profile = make(host_, id);
    at(*profile, 0.2, 60.0);
    double energy = 0.0, up = 0.0;
    for (int i = 0; i < 4000; ++i) {
      const double angle = 2.0 * 3.14159265358979 * (i + 0.5) / 4000.0;
      auto in = input(MEDIUS_PHASE_CONCENTRIC, 0.4 * std::sin(angle), 60.0);
      in.position = 0.2 - 0.2 * std::cos(angle);
      in.range = 0.4;
      const double work = profile->step(in).force * in.velocity * 1e-3;
      energy += work;
      if (work > 0.0) up += work;
    }
    EXPECT_GT(up, 20.0) << id;
    EXPECT_NEAR(energy, 0.0, 1e-6 * up) << id;
  }
}

// ---- custom curve --------------------------------------------------------------------------

std::map<std::string, double> points(const std::vector<std::pair<double, double>>& list) {
  std::map<std::string, double> values = {{"points", static_cast<double>(list.size())}};
  for (std::size_t i = 0; i < list.size(); ++i) {
    values["fraction_" + std::to_string(i + 1)] = list[i].first;
    values["factor_" + std::to_string(i + 1)] = list[i].second;
  }
  return values;
}

TEST_F(PositionLaws, ACustomCurveGoesThroughItsPointsAndStaysFlatOutside) {
  const std::vector<std::pair<double, double>> list = {
      {0.1, 0.8}, {0.4, 1.2}, {0.7, 1.2}, {0.9, 0.7}};
  const auto profile = make(host_, "custom-curve", points(list));
  for (const auto& [fraction, factor] : list) {
    EXPECT_NEAR(at(*profile, fraction * 0.4, 50.0), 50.0 * factor, 1e-9) << fraction;
  }
  EXPECT_NEAR(at(*profile, 0.0, 50.0), 40.0, 1e-9);
  EXPECT_NEAR(at(*profile, -0.2, 50.0), 40.0, 1e-9);
  EXPECT_NEAR(at(*profile, 0.39, 50.0), 35.0, 1e-9);
  EXPECT_NEAR(at(*profile, 0.22, 50.0), 60.0, 1e-9) << "flat between equal points";
}

TEST_F(PositionLaws, ACustomCurveIsTheSetLoadUntilTheRangeIsKnownAndComesInSlowly) {
  const auto profile = make(host_, "custom-curve", points({{0.0, 0.5}, {1.0, 0.5}}));
  auto in = input(MEDIUS_PHASE_CONCENTRIC, 0.2, 60.0);
  in.position = 0.2;
  EXPECT_EQ(test::run(*profile, in, 1.0), 60.0);
  in.range = 0.4;
  EXPECT_NEAR(test::run(*profile, in, 0.5), 45.0, 1e-6);
  EXPECT_NEAR(test::run(*profile, in, 0.6), 30.0, 1e-6);
  in.range = std::nan("");  // unknown again
  EXPECT_NEAR(test::run(*profile, in, 1.1), 60.0, 1e-6);
  in.range = 0.4;
  in.velocity = 0.0;
  EXPECT_NEAR(test::run(*profile, in, 3.0), 60.0, 1e-6)
      << "nothing changes under somebody who stands";
}

TEST_F(PositionLaws, ACustomCurveWithPointsOutOfOrderIsTheSetLoad) {
  for (const auto& list :
       {std::vector<std::pair<double, double>>{{0.5, 0.5}, {0.2, 0.6}},
        std::vector<std::pair<double, double>>{{0.5, 0.5}, {0.54, 0.6}},
        std::vector<std::pair<double, double>>{{0.0, 0.5}, {0.5, 0.6}, {0.5, 0.7}}}) {
    const auto profile = make(host_, "custom-curve", points(list));
    EXPECT_EQ(at(*profile, 0.2, 60.0), 60.0);
  }
  // The control: in order they do work.
  const auto profile = make(host_, "custom-curve", points({{0.2, 0.6}, {0.5, 0.5}}));
  EXPECT_NEAR(at(*profile, 0.2, 60.0), 30.0, 1e-9);
}

TEST_F(PositionLaws, ACliffInACustomCurveIsFlattenedToWhatTheLoopBears) {
  const auto cliff = points({{0.0, 0.3}, {0.45, 0.3}, {0.5, 1.5}, {1.0, 1.5}});
  double steepest = 0.0;
  const auto profile = make(host_, "custom-curve", cliff);
  double before = at(*profile, 0.16, 150.0);
  for (double x = 0.1601; x < 0.22; x += 1e-4) {
    const double force = at(*profile, x, 150.0);
    steepest = std::max(steepest, (force - before) / 1e-4);
    before = force;
  }
  // Unlimited it would be 1.5 x 1.2 x 150 N over 20 mm: 13500 N/m.
  EXPECT_LE(steepest, 600.0 * 1.001);
  EXPECT_GE(steepest, 590.0);
}

TEST(MonotoneCurve, NeverLeavesTheBandOfItsNeighboursAndKeepsTheirDirection) {
  Random random(7);
  for (int round = 0; round < 2000; ++round) {
    const std::size_t count = 2 + random.below(6);
    std::array<double, 7> x{}, y{};
    double where = random.uniform(0.0, 0.1);
    for (std::size_t i = 0; i < count; ++i) {
      x[i] = where;
      where += random.uniform(0.05, 0.15);
      y[i] = random.chance(0.2) && i > 0 ? y[i - 1] : random.uniform(0.3, 1.5);
    }
    profiles::MonotoneCurve curve;
    ASSERT_TRUE(profiles::MonotoneCurve::make(x.data(), y.data(), count, curve));
    for (std::size_t i = 0; i + 1 < count; ++i) {
      const double low = std::min(y[i], y[i + 1]), high = std::max(y[i], y[i + 1]);
      const double direction = y[i + 1] - y[i];
      double before = curve.at(x[i]);
      ASSERT_NEAR(before, y[i], 1e-12);
      for (int k = 1; k <= 20; ++k) {
        const double step = (x[i + 1] - x[i]) / 20.0;
        const double now = curve.at(x[i] + step * k);
        ASSERT_GE(now, low - 1e-12);
        ASSERT_LE(now, high + 1e-12);
        ASSERT_GE((now - before) * direction, -1e-12) << "monotone between two points";
        ASSERT_LE(std::fabs(now - before), curve.steepest * step * (1.0 + 1e-9) + 1e-12);
        before = now;
      }
    }
  }
}

// The steepest slope is the curve's own, not merely a bound.
TEST(MonotoneCurve, KnowsItsSteepestSlope) {
  const double x[] = {0.0, 0.5, 1.0}, y[] = {0.3, 0.3, 1.5};
  profiles::MonotoneCurve curve;
  ASSERT_TRUE(profiles::MonotoneCurve::make(x, y, 3, curve));
  double steepest = 0.0;
  for (double at = 0.5; at < 1.0; at += 1e-4) {
    steepest = std::max(steepest, (curve.at(at + 1e-4) - curve.at(at)) / 1e-4);
  }
  EXPECT_NEAR(curve.steepest, steepest, 1e-3 * steepest);
}

// ---- constant hip torque -------------------------------------------------------------------

constexpr double kRadian = 3.14159265358979323846 / 180.0;

struct Standing {
  double radius = 0.8, hip = 0.93, pulley = 0.15, distance = 0.9;
  double length(double angle) const {
    return std::hypot(radius * std::sin(angle) + distance, hip - pulley - radius * std::cos(angle));
  }
  double arm(double angle) const { return (length(angle + 1e-6) - length(angle - 1e-6)) / 2e-6; }
  std::map<std::string, double> parameters(double leg = 0.0) const {
    return {{"attachment_m", radius},
            {"hip_height_m", hip},
            {"pulley_height_m", pulley},
            {"pulley_distance_m", distance},
            {"leg_moment_kg_m", leg}};
  }
};

// Moment arms in closed form, tabled by hand for three distances of the pulley.
TEST_F(PositionLaws, TheMomentArmIsTheOneOfTheTable) {
  const double angles[] = {0, 10, 20, 30, 40, 45};
  const struct {
    double distance;
    double arms[6];
  } rows[] = {{0.5, {.799, .786, .761, .728, .688, .666}},
              {0.9, {.800, .787, .758, .718, .669, .642}},
              {1.5, {.800, .787, .756, .710, .653, .621}}};
  for (const auto& row : rows) {
    Standing person;
    person.distance = row.distance;
    profiles::CableGeometry geometry;
    ASSERT_TRUE(profiles::CableGeometry::make(0.8, 0.93 - 0.15, row.distance, 0.0, geometry));
    for (int i = 0; i < 6; ++i) {
      const double angle = angles[i] * kRadian;
      const auto there = geometry.at(person.length(angle) - person.length(0.0));
      EXPECT_NEAR(there.arm, row.arms[i], 0.00051) << row.distance << " m, " << angles[i];
      EXPECT_NEAR(there.arm, person.arm(angle), 1e-8);
      EXPECT_NEAR(there.sine, std::sin(angle), 1e-9);
    }
  }
}

TEST_F(PositionLaws, HipTorqueStaysConstantAtEveryAngle) {
  const Standing person;
  for (const double leg : {0.0, 2.0}) {
    const auto profile = make(host_, "constant-hip-torque", person.parameters(leg));
    for (double degrees = 0.0; degrees <= 40.0; degrees += 2.0) {
      const double angle = degrees * kRadian;
      const double force = at(*profile, person.length(angle) - person.length(0.0), 60.0);
      const double torque = force * person.arm(angle) + leg * 9.80665 * std::sin(angle);
      EXPECT_NEAR(torque, 60.0 * person.arm(0.0), 1e-4) << degrees << " degrees, leg " << leg;
    }
  }
  // The control: the set load alone loses 10 % of its torque by 30 degrees.
  EXPECT_NEAR(person.arm(30.0 * kRadian) / person.arm(0.0), 0.90, 0.01);
}

TEST_F(PositionLaws, HipTorqueIsBoundedBothWays) {
  const Standing person;
  const auto light = make(host_, "constant-hip-torque", person.parameters(10.0));
  EXPECT_DOUBLE_EQ(at(*light, 0.4, 40.0), 16.0) << "the leg alone is more than enough";
  const auto far = make(host_, "constant-hip-torque", person.parameters());
  EXPECT_DOUBLE_EQ(at(*far, 0.65, 40.0), 50.0) << "not beyond a quarter more";
  EXPECT_DOUBLE_EQ(at(*far, 9.0, 40.0), 50.0) << "where no leg can be";
}

TEST_F(PositionLaws, HipTorqueWithoutACalibratedGeometryIsTheSetLoad) {
  Standing none;
  none.radius = 0.0;
  EXPECT_EQ(at(*make(host_, "constant-hip-torque"), 0.3, 60.0), 60.0);
  EXPECT_EQ(at(*make(host_, "constant-hip-torque", none.parameters(5.0)), 0.3, 60.0), 60.0);
  Standing beside;  // the pulley hangs at the ankle
  beside.pulley = 0.13;
  beside.distance = 0.25;
  EXPECT_EQ(at(*make(host_, "constant-hip-torque", beside.parameters()), 0.3, 60.0), 60.0);
  EXPECT_NE(at(*make(host_, "constant-hip-torque", Standing{}.parameters()), 0.3, 60.0), 60.0);
}

TEST_F(PositionLaws, AShortAttachmentRestsOnTheFloorOfTheMomentArm) {
  Standing thigh;
  thigh.radius = 0.35;
  const auto profile = make(host_, "constant-hip-torque", thigh.parameters());
  EXPECT_EQ(at(*profile, 0.2, 60.0), 60.0);
}

TEST_F(PositionLaws, OnALeverHipTorqueIsTheSetTorqueLessTheLeg) {
  EXPECT_EQ(at(*make(host_, "constant-hip-torque", {}, lever()), 0.5, 40.0), 40.0);
  const auto tilted = make(host_, "constant-hip-torque", {{"leg_moment_kg_m", 2.0}}, lever());
  EXPECT_NEAR(at(*tilted, 0.5, 40.0), 40.0 - 2.0 * 9.80665 * std::sin(0.5), 1e-12);
}

TEST_F(PositionLaws, NoGeometryMakesHipTorqueStifferThanTheLoopBears) {
  Random random(3);
  for (int round = 0; round < 400; ++round) {
    const auto profile = make(host_, "constant-hip-torque",
                              {{"attachment_m", random.uniform(0.0, 1.2)},
                               {"hip_height_m", random.uniform(0.5, 1.3)},
                               {"pulley_height_m", random.uniform(0.0, 1.5)},
                               {"pulley_distance_m", random.uniform(0.2, 3.0)},
                               {"bottom_angle_rad", random.uniform(-0.35, 0.35)},
                               {"leg_moment_kg_m", random.uniform(0.0, 10.0)}});
    auto in = input(MEDIUS_PHASE_CONCENTRIC, 0.2, 150.0);
    double before = profile->step(in).force;
    for (in.position = 0.001; in.position < 1.0; in.position += 0.001) {
      const double force = profile->step(in).force;
      ASSERT_LE(std::fabs(force - before), 600.0 * 0.001)
          << "round " << round << " at " << in.position;
      before = force;
    }
  }
}

}  // namespace
}  // namespace medius
