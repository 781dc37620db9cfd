#include "plugins/chains/chains.hpp"

MEDIUS_PROFILE(medius::profiles::Chains);
