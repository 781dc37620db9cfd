#include "plugins/weight_stack/weight_stack.hpp"

MEDIUS_PROFILE(medius::profiles::WeightStack);
