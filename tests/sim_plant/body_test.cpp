#include "sim/plant/body.hpp"

#include <gtest/gtest.h>

#include "controller/base/det_math.hpp"

namespace medius::sim {
namespace {

struct Row {
  Body body;
  double inertia, moment, gravity_at_30, radius, apparent_mass;
};

// Printed with two decimals (three digits); the cuff's place is given to 10-30 mm.
constexpr Row kRows[] = {{{Sex::kMale, 80.0, 1.80}, 2.97, 5.23, 25.7, 0.815, 4.4},
                         {{Sex::kFemale, 62.0, 1.66}, 1.71, 3.40, 16.7, 0.71, 3.4},
                         {{Sex::kMale, 100.0, 1.90}, 4.13, 6.90, 33.9, 0.87, 5.4},
                         {{Sex::kFemale, 50.0, 1.55}, 1.20, 2.56, 12.6, 0.66, 2.8}};

TEST(Body, ReproducesTheLegTable) {
  for (const Row& row : kRows) {
    const LegConfig leg = standing_leg(row.body);
    EXPECT_NEAR(leg.inertia_kgm2, row.inertia, 0.006);
    EXPECT_NEAR(leg.gravity_moment_kgm, row.moment, 0.006);
    EXPECT_NEAR(leg.gravity_moment_kgm * 9.81 * det::sin(det::kPi / 6.0), row.gravity_at_30, 0.06);
    const double radius = cuff_radius_m(row.body);
    EXPECT_NEAR(radius, row.radius, 0.016);
    EXPECT_NEAR(leg.inertia_kgm2 / (radius * radius), row.apparent_mass, 0.06);
  }
}

TEST(Body, DefaultLegIsTheEightyKilogramMan) {
  const LegConfig leg = standing_leg({});
  const LegConfig standard;
  EXPECT_NEAR(leg.inertia_kgm2, standard.inertia_kgm2, 0.006);
  EXPECT_NEAR(leg.gravity_moment_kgm, standard.gravity_moment_kgm, 0.006);
}

}  // namespace
}  // namespace medius::sim
