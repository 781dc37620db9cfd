// What every part of medius-bench is told.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/world/rig_bench.hpp"

namespace medius::bench {

// How force control acts: the product's, or what it is compared with.
enum class Control : std::uint8_t {
  kMachineFile,      // as the machine file says
  kMotorTorqueOnly,  // no observer, no feedback: "current x radius"
  kC0,               // observer only
  kD8,
  kD25,
};

struct BenchOptions {
  std::string machine_file;         // of the cable station
  std::string seated_machine_file;  // of the seated machine
  std::string linked_machine_file;  // of the one with one motor and linked arms
  std::string plugin_directory;
  std::vector<std::string> filters;  // column=prefix
  std::string plot_directory;        // of the SVG plots; empty: none
  Control control = Control::kMachineFile;
  std::uint64_t seed = 1;
  bool quick = false;
  bool json = false;
};

// [any] The options of a rig run for this bench, control included.
[[nodiscard]] sim::RigBenchOptions rig_options(const BenchOptions& options);

// The canonical link's dead time, command to torque: the middle of its 0.5-2 ms.
inline constexpr double kCanonicalDelayS = 0.0015;
inline constexpr double kDriveKg = 2.6;  // reflected mass of the canonical drive
// The seated machine's arm and gear, 0.5 kg m^2, at the pad's 0.38 m; and how far the pad goes, 30
// degrees.
inline constexpr double kArmKg = 0.5 / (0.38 * 0.38);
// Linked arms with their linkage, 1.08 kg m^2.
inline constexpr double kLinkedArmsKg = 1.08 / (0.38 * 0.38);
inline constexpr double kPadTravelM = 0.20;

}  // namespace medius::bench
