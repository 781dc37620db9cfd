#include "plugins/quadratic_air/quadratic_air.hpp"

MEDIUS_PROFILE(medius::profiles::QuadraticAir);
