#include "plugins/custom_curve/custom_curve.hpp"

MEDIUS_PROFILE(medius::profiles::CustomCurve);
