// Machine files, both halves: the links and devices that the bus makes of one, and the axes that
// the station reads.
#include <cstring>

#include <netdb.h>

#include "controller/station/machine_config.hpp"
#include "hal/modbus/bus_plan.hpp"
#include "tests/fuzz/fuzz.hpp"

// Names are looked up when a file is loaded; a fuzzer asks no name server.
extern "C" int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo** found) {
  *found = nullptr;
  return EAI_NONAME;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace medius;
  const fuzz::InputFile file(data, size);
  hal::modbus::BusOptions options;
  options.simulated = true;
  options.axis_names = {"cable", "left"};
  options.axis_coordinates = {hal::CoordinateKind::kCable, hal::CoordinateKind::kLever};
  options.device_directory = std::string(MEDIUS_SOURCE_DIR) + "/hal/devices";
  const auto plan = hal::modbus::load_bus_plan(file.path(), options);
  if (!plan) {
    fuzz::must(!plan.error().message.empty(), "an error says something");
  } else {
    for (const auto& link : plan->links) {
      fuzz::must(link.round_us > 0 && link.response_timeout_ms > 0, "a link has a pace");
      for (const auto& device : link.devices) {
        fuzz::must(device.axis < hal::kMaxAxes, "an axis is one of the machine's");
        fuzz::must(device.force_cap >= 0.0 && device.force_cap <= device.force_limit,
                   "a cap is within the limit");
        fuzz::must(device.every_rounds > 0, "a device has its turn");
      }
    }
  }
  const auto machine = station::load_machine(file.path());
  if (!machine) fuzz::must(!machine.error().message.empty(), "an error says something");
  return 0;
}
