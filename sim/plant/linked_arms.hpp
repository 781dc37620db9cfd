// The law of a linkage that ties both arms of the seated machine to one drive, given one arm of its
// own. The arms are mirrored by a pair of gear segments or a crossed toothed belt, preloaded, so
// that they share one angle: no backlash and no compliance of its own is simulated. Preloaded belts
// and segments are stiffer than 5 kNm/rad; two pads on their cushions are 2.9 kNm/rad together and
// give first. A linkage with play would show as a knock of the arm at the turn, which this law does
// not have.
//
//   inertia   = 2 arm + linkage        friction = 2 arm + (load share + linkage's) x torque
#pragma once

#include "sim/plant/lever_plant.hpp"

namespace medius::sim {

// Segments or pulleys with their shaft: 3 kg at a radius of gyration of 0.16 m.
inline constexpr double kLinkageInertiaKgM2 = 0.08;
// A well greased pair of spur segments or a toothed belt loses 1-2 % of what it passes on. It
// passes on one arm of two: half of 2 %.
inline constexpr double kLinkageLoadFraction = 0.01;

// [any] Both arms, their pads and the linkage as one lever that carries two legs; the drive is two
// of the single one's in size, its gear as well.
[[nodiscard]] constexpr LeverPlantConfig linked_arms(LeverPlantConfig arm) noexcept {
  constexpr double kBoth = 2.0;
  arm.legs = kMostLegs;
  arm.arm_inertia_kgm2 = kBoth * arm.arm_inertia_kgm2 + kLinkageInertiaKgM2;
  arm.gear_friction.coulomb_n *= kBoth;
  arm.gear_friction.viscous_nspm *= kBoth;
  arm.gear_friction.bristle_stiffness_npm *= kBoth;
  arm.gear_friction.bristle_damping_nspm *= kBoth;
  arm.gear_friction.load_fraction += kLinkageLoadFraction;
  // The arms swing mirrored: what a tilted floor takes from one it gives to the other.
  arm.arm_moment_kgm = 0.0;
  arm.torque_ripple_nm *= kBoth;
  arm.drive_brake_torque_nm *= kBoth;
  return arm;
}

}  // namespace medius::sim
