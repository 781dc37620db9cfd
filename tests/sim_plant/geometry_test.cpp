#include <array>

#include <gtest/gtest.h>

#include "sim/plant/cable_geometry.hpp"

namespace medius::sim {
namespace {

constexpr double kRad = det::kPi / 180.0;

TEST(CableGeometry, MomentArmIsTheDerivativeOfTheLength) {
  constexpr double kStep = 1e-5;
  for (const double distance : {0.3, 0.5, 0.9, 1.5, 2.5}) {
    for (const double pulley : {0.0, 0.15, 0.6}) {
      const CableGeometry geometry{0.93, pulley, distance, 0.80};
      for (double degrees = -15.0; degrees <= 60.0; degrees += 0.5) {
        const double angle = degrees * kRad;
        const double numeric = (cable_at(geometry, angle + kStep).length_m -
                                cable_at(geometry, angle - kStep).length_m) /
                               (2.0 * kStep);
        EXPECT_NEAR(cable_at(geometry, angle).moment_arm_m, numeric, 1e-6)
            << distance << " m, " << pulley << " m, " << degrees << " degrees";
      }
    }
  }
}

TEST(CableGeometry, ReproducesTheCheckTable) {
  struct Row {
    double distance;
    std::array<double, 6> arm;
    double stroke;
  };
  constexpr std::array<double, 6> kDegrees{0, 10, 20, 30, 40, 45};
  constexpr std::array<Row, 3> kRows{{{0.5, {.799, .786, .761, .728, .688, .666}, 0.404},
                                      {0.9, {.800, .787, .758, .718, .669, .642}, 0.403},
                                      {1.5, {.800, .787, .756, .710, .653, .621}, 0.402}}};
  for (const Row& row : kRows) {
    const CableGeometry geometry{0.93, 0.15, row.distance, 0.80};
    for (std::size_t i = 0; i < kDegrees.size(); ++i) {
      EXPECT_NEAR(cable_at(geometry, kDegrees[i] * kRad).moment_arm_m, row.arm[i], 0.00051);
    }
    const double stroke =
        cable_at(geometry, 30.0 * kRad).length_m - cable_at(geometry, 0.0).length_m;
    EXPECT_NEAR(stroke, row.stroke, 0.00051);
  }
}

}  // namespace
}  // namespace medius::sim
