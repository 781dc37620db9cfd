// One [[link]] of a machine file: where it leads and how fast it is.
#pragma once

#include <string>

#include "hal/modbus/bus_plan.hpp"
#include "hal/modbus/toml_reader.hpp"

namespace medius::hal::modbus {

// Throws BusError. A host name is resolved here: libmodbus takes numbers only.
[[nodiscard]] LinkPlan link_from_toml(const TomlReader& t);
// "NAME=HOST:PORT" or, for a serial line, "NAME=/dev/ttyUSB0". Throws BusError.
void override_link(LinkPlan& link, const std::string& text);

}  // namespace medius::hal::modbus
