#include "plugins/isometric/isometric.hpp"

MEDIUS_PROFILE(medius::profiles::Isometric);
