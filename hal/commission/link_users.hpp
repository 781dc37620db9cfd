// Who else on this computer uses a link. Two masters on a line garble each other's frames, and a
// second client can take a drive away from a controller that pulls.
#pragma once

#include <string>
#include <vector>

#include "hal/modbus/bus_plan.hpp"

namespace medius::hal {

// "mediusd (process 4711)" for each; processes of other users that cannot be looked into are named
// without their number. Other computers cannot be seen from here.
[[nodiscard]] std::vector<std::string> users_of(const modbus::LinkPlan& link);

}  // namespace medius::hal
