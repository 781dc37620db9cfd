#include "plugins/spotter/spotter.hpp"

MEDIUS_PROFILE(medius::profiles::Spotter);
