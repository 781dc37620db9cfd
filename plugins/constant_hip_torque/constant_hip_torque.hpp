// Constant hip torque: the cable's force follows its moment arm about the hip, so that the torque
// of cable and leg together stays what it is at the bottom.
#pragma once

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"
#include "plugins/sdk/impedance.hpp"
#include "plugins/sdk/motion.hpp"
#include "plugins/sdk/profile.hpp"

namespace medius::profiles {

// The hip H at height h, the pulley at height p and lateral distance d, the cuff at distance r from
// the hip; D = |pulley - H|, abduction a. By the law of cosines l^2 = r^2 + D^2 + 2 r D s with s =
// sin(a - a0), a0 the elevation of H over the pulley, and the moment arm is dl/da = r D cos(a - a0)
// / l.
struct CableGeometry {
  // A cable this short means a pulley beside the ankle: no geometry to rely on.
  static constexpr double kLengthMin = 0.3;
  // Nor where the cable pulls almost along the leg: a little travel is then a large angle.
  static constexpr double kArmMin = 0.5;
  static constexpr double kTravelMax = 3.0;     // m, further than any leg
  static constexpr double kTravelStep = 0.005;  // m

  double radius = 0.0;  // r, m
  double reach = 0.0;   // D, m
  double drop = 0.0;    // h - p, m
  double distance = 0.0;
  double bottom_length = 0.0;  // l at the bottom of the repetition
  double bottom_arm = 0.0;
  double bottom_sine = 0.0;  // of the abduction there
  double travel_max = 0.0;   // from here on the moment arm is below kArmMin: nothing changes

  struct At {
    double arm = 0.0;   // m
    double sine = 0.0;  // of the abduction
  };

  // False if there is no such geometry, or nothing to hold on to.
  [[nodiscard]] static bool make(double radius, double drop, double distance, double bottom_rad,
                                 CableGeometry& out) noexcept {
    const det::SinCos bottom = det::sin_cos(bottom_rad);
    const double across = radius * bottom.sin + distance;
    const double down = drop - radius * bottom.cos;
    out = {radius, det::sqrt(distance * distance + drop * drop), drop, distance};
    out.bottom_length = det::sqrt(across * across + down * down);
    // cos(a - a0) > 0: beyond it the closed form below would take the other branch.
    const bool this_side = distance * bottom.cos + drop * bottom.sin > 0.0;
    if (!(radius > 0.0) || !(out.bottom_length >= kLengthMin) || !this_side) return false;
    out.travel_max = kTravelMax;
    const At there = out.at(0.0);
    if (!(there.arm >= kArmMin)) return false;
    out.bottom_arm = there.arm;
    out.bottom_sine = there.sine;
    double travel = 0.0;
    while (travel < kTravelMax && out.at(travel + kTravelStep).arm >= kArmMin) {
      travel += kTravelStep;
    }
    out.travel_max = travel;
    return true;
  }

  [[nodiscard]] At at(double x) const noexcept {
    const double length = bottom_length + at_most(x, travel_max);
    const double twice = 2.0 * radius * reach;
    const double s =
        clamped((length * length - radius * radius - reach * reach) / twice, -1.0, 1.0);
    const double c = det::sqrt(1.0 - s * s);
    return {radius * reach * c / length, (drop * c + distance * s) / reach};
  }
};

struct ConstantHipTorque {
  static constexpr double kGravity = 9.80665;
  static constexpr double kRatioMax = 1.25;  // of F0
  static constexpr double kRatioMin = 0.4;   // the leg's weight alone must not slacken the cable

  static constexpr medius_descriptor_t kDescriptor = {
      MEDIUS_ABI_VERSION,
      1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER,
      "constant-hip-torque",
      "Constant hip torque",
      "Medius",
      "1.0.0",
      "The hip bears the same torque at every angle: cable angle, lever and leg compensated."};
  enum Parameter { kAttachment, kHipHeight, kPulleyHeight, kDistance, kBottom, kLeg, kCount };
  static constexpr std::array<medius_param_info_t, kCount> kParameters = {{
      {1, MEDIUS_PARAM_NEEDS_RESTART, "attachment_m", "m",
       "Distance from the hip to the cuff; 0: not measured, the set load is kept.", 0.0, 1.2, 0.0,
       1.2, 0.0},
      {2, MEDIUS_PARAM_NEEDS_RESTART, "hip_height_m", "m", "Height of the hip above the floor.",
       0.5, 1.3, 0.93, 1.3, 0.0},
      {3, MEDIUS_PARAM_NEEDS_RESTART, "pulley_height_m", "m",
       "Height of the pulley above the floor.", 0.0, 1.5, 0.15, 1.5, 0.0},
      {4, MEDIUS_PARAM_NEEDS_RESTART, "pulley_distance_m", "m",
       "Lateral distance from the working hip to the pulley.", 0.2, 3.0, 0.9, 3.0, 0.0},
      {5, MEDIUS_PARAM_NEEDS_RESTART, "bottom_angle_rad", "rad",
       "Abduction at the bottom of the repetition.", -0.35, 0.35, 0.0, 0.35, 0.0},
      {6, MEDIUS_PARAM_NEEDS_RESTART, "leg_moment_kg_m", "kg.m",
       "Mass of the leg times its distance from the hip; 0: the leg's weight is not compensated.",
       0.0, 10.0, 0.0, 10.0, 0.0},
  }};

  struct Setup {
    bool lever = false;
    bool calibrated = false;
    CableGeometry geometry{};
    double bottom_rad = 0.0;
    double leg_torque = 0.0;  // Nm at 90 degrees
  };
  struct State {
    std::uint64_t unused = 0;
  };

  static bool activate(const medius_activation_t& activation,
                       const std::array<double, kCount>& values, Setup& setup) noexcept {
    setup.lever = sdk::is_lever(activation.coordinate);
    setup.bottom_rad = values[kBottom];
    setup.leg_torque = values[kLeg] * kGravity;
    setup.calibrated =
        CableGeometry::make(values[kAttachment], values[kHipHeight] - values[kPulleyHeight],
                            values[kDistance], values[kBottom], setup.geometry);
    return true;
  }
  static bool valid(const State&) noexcept { return true; }
  static double step(const Setup& setup, const std::array<double, kCount>&, State&,
                     const medius_step_in_t& in) noexcept {
    const double base = in.base_force;
    return clamped(wanted(setup, base, sdk::travel(in)), kRatioMin * base, kRatioMax * base);
  }

 private:
  static double wanted(const Setup& setup, double base, double x) noexcept {
    if (setup.lever) {
      const double rise = det::sin(setup.bottom_rad + x) - det::sin(setup.bottom_rad);
      return base - setup.leg_torque * rise;
    }
    if (!setup.calibrated) return base;
    const CableGeometry::At now = setup.geometry.at(x);
    const double torque = base * setup.geometry.bottom_arm -
                          setup.leg_torque * (now.sine - setup.geometry.bottom_sine);
    return torque / now.arm;
  }
};

}  // namespace medius::profiles
