// Everything that a machine file maps, read again and again: what the devices say, how old it is,
// how long they take, what went wrong. Never writes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "hal/commission/device_reader.hpp"
#include "hal/commission/machine_plan.hpp"

namespace medius::hal {

struct MonitoredRegister {
  RegisterValue value;
  double age_ms = -1.0;  // < 0: never read
};

struct MonitoredDevice {
  std::string name;
  std::string descriptor;  // its file
  int unit = 0;
  std::vector<MonitoredRegister> registers;
  std::uint64_t transactions = 0, errors = 0;
  double rtt_ms_p50 = 0.0, rtt_ms_p99 = 0.0, rtt_ms_max = 0.0;  // of one transaction
};

struct MonitoredLink {
  std::string name, address;
  bool up = false;
  std::string problem;  // why it is not
  std::uint64_t connects = 0;
  std::vector<MonitoredDevice> devices;
};

struct MonitorSnapshot {
  double seconds = 0.0;  // since the start
  std::vector<MonitoredLink> links;
};

class Monitor {
 public:
  // [control] The error is a sentence: the file, or a line that somebody uses.
  [[nodiscard]] static tl::expected<std::unique_ptr<Monitor>, std::string> start(
      const MachineSource& source);
  ~Monitor();
  [[nodiscard]] MonitorSnapshot snapshot() const;
  // Of the file, and who else is connected.
  [[nodiscard]] const std::vector<std::string>& warnings() const noexcept;

 private:
  struct Impl;
  explicit Monitor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

[[nodiscard]] std::vector<std::string> monitor_lines(const MonitorSnapshot& snapshot);
// One line of JSON.
[[nodiscard]] std::string monitor_json(const MonitorSnapshot& snapshot);

}  // namespace medius::hal
