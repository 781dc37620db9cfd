#include "plugins/eccentric_emphasis/eccentric_emphasis.hpp"

MEDIUS_PROFILE(medius::profiles::EccentricEmphasis);
