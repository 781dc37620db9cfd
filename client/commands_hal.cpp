#include <fmt/format.h>

#include "client/commands.hpp"
#include "hal/check/machine_check.hpp"

namespace medius::client {

int hal_check(const CommonOptions& common, const HalCheckOptions& options) {
  std::vector<hal::MachineCheck> checks;
  for (const std::string& file : options.files) {
    hal::CheckOptions check;
    check.machine_file = file;
    check.device_directory = options.devices;
    check.damping_nspm = options.damping_nspm;
    checks.push_back(hal::check_machine(check));
  }
  if (common.json) {
    fmt::print("{}", hal::check_json(checks));
  } else {
    for (const hal::MachineCheck& check : checks) fmt::print("{}", hal::check_text(check));
  }
  for (const hal::MachineCheck& check : checks) {
    if (!check.fits) return kExitRefused;
  }
  return kExitOk;
}

}  // namespace medius::client
