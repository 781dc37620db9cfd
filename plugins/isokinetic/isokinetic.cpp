#include "plugins/isokinetic/isokinetic.hpp"

MEDIUS_PROFILE(medius::profiles::Isokinetic);
