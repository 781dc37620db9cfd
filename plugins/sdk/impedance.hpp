// How stiff, damped and heavy a law may be before the loop's delay makes it swing. A force that
// answers to motion comes late: by the sensor, half a period, the link and the drive. The limits
// below hold for the machine the project is built for; a lever's follow from its pad at 0.38 m.
#pragma once

#include <cstdint>

#include "plugins/abi/medius/plugin.h"

namespace medius::sdk {

struct ImpedanceLimits {
  double stiffness = 0.0;  // N/m | Nm/rad
  double damping = 0.0;    // N s/m | Nm s/rad
  double inertia = 0.0;    // kg | kg m^2
};

// Stiffness: Colgate and Schenkel's K < 2 b / (T + 2 t_d) asks b / (T/2 + t_d); with a fifth of it
// as margin, b = 10 N s/m of drive friction and 0.5 + 2 ms it is 800 N/m.
inline constexpr double kStiffnessMaxNpm = 600.0;
// Damping: half of mass over delay, 0.5 x 2.6 kg / 3.6 ms = 361 N s/m.
inline constexpr double kDampingMaxNspm = 300.0;
// Inertia: M/m < 1 by small gain (delayed acceleration feedback may come back in any phase), 0.7 of
// the 2.6 kg that the drive reflects to the cable.
inline constexpr double kInertiaMaxKg = 1.8;

// Lever: the same at the pad, L = 0.38 m: x L^2; the inertia 0.7 of the lightest arm's 0.3 kg m^2.
inline constexpr double kStiffnessMaxNmprad = 80.0;
inline constexpr double kDampingMaxNmsprad = 40.0;
inline constexpr double kInertiaMaxKgm2 = 0.2;

[[nodiscard]] constexpr bool is_lever(std::uint32_t coordinate) noexcept {
  return coordinate == MEDIUS_COORDINATE_LEVER;
}

[[nodiscard]] constexpr ImpedanceLimits impedance_limits(std::uint32_t coordinate) noexcept {
  if (is_lever(coordinate)) return {kStiffnessMaxNmprad, kDampingMaxNmsprad, kInertiaMaxKgm2};
  return {kStiffnessMaxNpm, kDampingMaxNspm, kInertiaMaxKg};
}

// The kernel lets at most this much of the base force be felt while lowering at a user's own
// settings, so a law that rises above it would feel different up and down.
inline constexpr double kForceRatioMax = 1.5;

}  // namespace medius::sdk
