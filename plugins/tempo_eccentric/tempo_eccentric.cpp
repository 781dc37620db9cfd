#include "plugins/tempo_eccentric/tempo_eccentric.hpp"

MEDIUS_PROFILE(medius::profiles::TempoEccentric);
