// The little that the bus must know of a machine file's axes; controller/station reads all of it.
#pragma once

#include <string>

#include "hal/modbus/toml_reader.hpp"

namespace medius::hal {

// Options with which a plan is loaded that nothing is run on: what is not verified yet is a
// warning. Throws modbus::BusError.
[[nodiscard]] modbus::BusOptions axes_of_machine(const std::string& machine_file,
                                                 const std::string& device_directory,
                                                 const toml::table& root);

}  // namespace medius::hal
