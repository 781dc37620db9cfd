#include "plugins/band/band.hpp"

MEDIUS_PROFILE(medius::profiles::Band);
