#include "sim/machine/person_setup.hpp"

namespace medius::sim {

void put_on_machine(const ChosenPerson& person, SimulatedStationConfig& config) {
  config.person.lifter[0] = person.left;
  config.person.lifter[1] = person.right;
  for (std::size_t side = 0; side < 2; ++side) {
    const LifterConfig& lifter = config.person.lifter[side];
    LegConfig& leg = config.person.leg[side];
    leg.inertia_kgm2 = lifter.leg_inertia_kgm2;
    leg.gravity_moment_kgm = lifter.leg_gravity_moment_kgm;
  }
  // One body: both legs meet the machine alike.
  config.plant.hip_height_m = person.left.hip_height_m;
  config.plant.pulley_height_m = person.left.pulley_height_m;
  config.plant.pulley_distance_m = person.left.pulley_distance_m;
  config.plant.cuff_radius_m = person.left.cuff_radius_m;
}

}  // namespace medius::sim
