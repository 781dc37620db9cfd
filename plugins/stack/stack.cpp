#include "plugins/stack/stack.hpp"

MEDIUS_PROFILE(medius::profiles::Stack);
