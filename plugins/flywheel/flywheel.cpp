#include "plugins/flywheel/flywheel.hpp"

MEDIUS_PROFILE(medius::profiles::Flywheel);
