// A person's leg from sex, mass and height (de Leva's adjustment of Zatsiorsky's segment data;
// segment lengths as fractions of height; foot as a point 0.04 m below the ankle).
#pragma once

#include <cstdint>

#include "sim/plant/cable_plant.hpp"

namespace medius::sim {

enum class Sex : std::uint8_t { kFemale = 0, kMale = 1 };

struct Body {
  Sex sex = Sex::kMale;
  double mass_kg = 80.0;
  double height_m = 1.80;
};

// [any] Knee straight: inertia and gravity moment about the hip; the stop stays at 0.
[[nodiscard]] LegConfig standing_leg(const Body& body) noexcept;
// [any] Seated, knee at 90 degrees: inertia about the vertical axis through the hip, with shank and
// foot as a point at the knee; the seat carries the weight.
[[nodiscard]] LegConfig seated_leg(const Body& body) noexcept;
// [any] Hip to cuff: the cuff sits 0.06 m above the ankle.
[[nodiscard]] double cuff_radius_m(const Body& body) noexcept;

}  // namespace medius::sim
