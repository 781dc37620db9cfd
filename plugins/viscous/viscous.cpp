#include "plugins/viscous/viscous.hpp"

MEDIUS_PROFILE(medius::profiles::Viscous);
