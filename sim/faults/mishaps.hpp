// Faults that happen to the machine itself and to the person on it, as opposed to what is seen and
// told of them (faulty_image).
#pragma once

#include "sim/faults/faulty_image.hpp"
#include "sim/machine/simulated_station.hpp"

namespace medius::sim {

// How long a person who stepped toward the pulley stays there.
inline constexpr int kStepInTicks = 1000;

// [any] False: it is of another kind, and nothing has happened.
bool befall(SimulatedStation& machine, const ActiveFault& fault) noexcept;
// [any] All of them are over.
void mend(SimulatedStation& machine) noexcept;

}  // namespace medius::sim
