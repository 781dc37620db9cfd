#include "plugins/constant_hip_torque/constant_hip_torque.hpp"

MEDIUS_PROFILE(medius::profiles::ConstantHipTorque);
