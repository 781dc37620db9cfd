#include "sim/station/plant_option.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace medius::sim {
namespace {

// Where a name's value goes, and what is physical.
struct Place {
  const char* name;
  double least, most;
  double scale;
  double* cable;
  double* lever;
};

}  // namespace

std::string apply_plant(const std::string& text, SimulatedStationConfig& config) {
  CablePlantConfig& cable = config.plant;
  LeverPlantConfig& lever = config.lever;
  const Place places[] = {
      {"mass", 0.1, 50.0, 1.0, &cable.reflected_mass_kg, &lever.arm_inertia_kgm2},
      {"coulomb", 0.0, 50.0, 1.0, &cable.drive_friction.coulomb_n, &lever.gear_friction.coulomb_n},
      {"viscous", 0.0, 200.0, 1.0, &cable.drive_friction.viscous_nspm,
       &lever.gear_friction.viscous_nspm},
      {"dead-time-ms", 0.0, 25.5, 1e-3, &cable.drive_dead_time_s, &lever.drive_dead_time_s},
  };
  const std::size_t equals = std::min(text.find('='), text.size());
  for (const Place& place : places) {
    if (text.substr(0, equals) != place.name) continue;
    double value = 0.0;
    const char* const begin = text.c_str() + std::min(equals + 1, text.size());
    const auto parsed = std::from_chars(begin, text.c_str() + text.size(), value);
    const bool good = parsed.ec == std::errc() && *parsed.ptr == '\0' && value >= place.least &&
                      value <= place.most;
    if (!good) {
      return fmt::format("--plant '{}' must be {} to {}; write e.g. {}={}", text, place.least,
                         place.most, place.name, place.least);
    }
    *(config.machine == SimulatedMachine::kCable ? place.cable : place.lever) = value * place.scale;
    return {};
  }
  return fmt::format(
      "--plant '{}' is none of mass, coulomb, viscous, dead-time-ms; write e.g. "
      "mass=3.4",
      text);
}

}  // namespace medius::sim
