#include "plugins/constant_tension/constant_tension.hpp"

MEDIUS_PROFILE(medius::profiles::ConstantTension);
