// How a pelvis yields to what the hip has to carry: of a leg in the cuff and of one that stands.
#pragma once

namespace medius::sim {

// A sound pelvis yields a little to the load that the standing hip carries: 2 degrees at 80 Nm.
inline constexpr double kTiltRadPerNm = 0.035 / 80.0;
// The pelvis gives way from this share of the strength on, all of it at full effort, as slowly as
// a trunk moves.
inline constexpr double kTiltFrom = 0.7;
inline constexpr double kTiltLagS = 0.3;

}  // namespace medius::sim
