// `medius-sim --plant NAME=VALUE`: what identifying the machine has to find out.
#pragma once

#include <string>

#include "sim/machine/simulated_station.hpp"

namespace medius::sim {

// mass (kg, of a lever kg m2), coulomb (N | Nm), viscous (N s/m | Nm s/rad), dead-time-ms: of the
// drive. Returns what is wrong with the text; empty = it was applied.
[[nodiscard]] std::string apply_plant(const std::string& text, SimulatedStationConfig& config);

}  // namespace medius::sim
