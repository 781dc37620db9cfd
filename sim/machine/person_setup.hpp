// Puts a person of choice on a machine: strength, leg, and the place of hip and cuff.
#pragma once

#include "sim/lifter/presets.hpp"
#include "sim/machine/simulated_station.hpp"

namespace medius::sim {

// [any] Before make_seated(), which seats whoever is there.
void put_on_machine(const ChosenPerson& person, SimulatedStationConfig& config);

}  // namespace medius::sim
