// What a machine file asks of its buses: every transaction with its time, how often and how old
// each device's values are, what force that allows. From files alone; nothing is connected.
#pragma once

#include <string>
#include <vector>

namespace medius::hal {

struct CheckOptions {
  std::string machine_file;
  std::string device_directory;  // empty: ../devices beside the machine file
  double damping_nspm = 60.0;  // of a cable axis at the handle; levers: the same at a pad 0.4 m out
};

struct CheckedTransfer {
  std::string function;  // "fc23"
  int write_address = -1, write_words = 0;
  int read_address = -1, read_words = 0;  // of bits: how many
  int every = 1;                          // exchange of the device; 0 = slowly, beside them
  int request_bytes = 0, reply_bytes = 0;
  double wire_us = 0.0, silence_us = 0.0, turnaround_us = 0.0, total_us = 0.0;
};

struct CheckedDevice {
  std::string name;
  std::string descriptor;
  std::string kind;
  std::string axis;  // empty: none
  bool lever = false;
  int unit_id = 0;
  std::vector<CheckedTransfer> transfers;
  double exchange_us_max = 0.0;
  double cycle_hz = 0.0;
  double age_ms_p50 = 0.0, age_ms_p99 = 0.0;
  double age_ms_lost_reply = 0.0;  // of a serial line, when one reply is lost; 0: not of a line
  double link_share = 0.0;         // of its link's time
  // Of a drive.
  double force_asked = 0.0, force_allowed = 0.0;  // N | Nm
  std::vector<std::string> reductions;
  double stiffness = 0.0;  // N/m | Nm/rad that can be rendered passively
};

struct CheckedLink {
  std::string name;
  std::string address;
  double load = 0.0;  // share of its time
  int response_timeout_ms = 0;
  std::vector<CheckedDevice> devices;
};

struct MachineCheck {
  std::string file;
  bool fits = false;
  std::string refusal;  // file, key, value, limit, next step
  std::vector<std::string> warnings;
  std::vector<CheckedLink> links;
};

[[nodiscard]] MachineCheck check_machine(const CheckOptions& options);

// Most stiffness that stays passive (Colgate and Schenkel 1997, with a transport delay):
// K < b / (T/2 + Td), b the damping, T the cycle in which a set point is held, Td the age of a
// sample.
[[nodiscard]] double passive_stiffness(double damping, double cycle_s, double age_s) noexcept;

[[nodiscard]] std::string check_text(const MachineCheck& check);
[[nodiscard]] std::string check_json(const std::vector<MachineCheck>& checks);

}  // namespace medius::hal
