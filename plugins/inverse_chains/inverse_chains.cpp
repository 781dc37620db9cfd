#include "plugins/inverse_chains/inverse_chains.hpp"

MEDIUS_PROFILE(medius::profiles::InverseChains);
