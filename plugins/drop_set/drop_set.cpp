#include "plugins/drop_set/drop_set.hpp"

MEDIUS_PROFILE(medius::profiles::DropSet);
