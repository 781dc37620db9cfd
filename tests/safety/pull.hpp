// Somebody at the motion stage of the kernel, for its tests.
#pragma once

#include <limits>

#include <gtest/gtest.h>

#include "controller/safety/motion/motion.hpp"

namespace medius::safety::test {

inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kTiny = 1e-9;
inline constexpr double kDt = 0.001;

// Somebody pulls 60 N at rest, 0.3 m out, under a ceiling of 150 N.
struct Pull {
  AxisBounds bounds = machine_bounds(hal::CoordinateKind::kCable);
  MotionBounds motion = motion_bounds(hal::CoordinateKind::kCable);
  UserLimits user{200.0, 1.5};
  MotionInput input;
  MotionState state;
  MotionOutput out;

  Pull() {
    input.wish_valid = true;
    input.wish_force_max = 150.0;
    input.pretension = 10.0;
    input.position = 0.3;
    input.measured_force = 60.0;
    input.dt_s = kDt;
    input.load_state = LoadState::kLoaded;
    input.drive_age_ns = input.load_cell_age_ns = 1'000'000;
  }
  MotionOutput& tick(int ticks = 1) {
    for (int i = 0; i < ticks; ++i) out = limit_motion(bounds, motion, user, input, state);
    return out;
  }
  double speed(int ticks = 1) { return tick(ticks).velocity.value(); }
  // Pulled inward at this speed, the dead-man held.
  Pull& inward(double speed_mps) {
    input.dead_man_held = true;
    input.wish_velocity = -speed_mps;
    tick(500);
    EXPECT_NEAR(out.velocity.value(), -speed_mps, kTiny);
    EXPECT_EQ(out.fault, FaultCode::kNone);
    return *this;
  }
};

}  // namespace medius::safety::test
