// Laws that command motion on the motion rig: somebody moves the handle by a script, the engine,
// the profile, the drive's velocity loop and the plant are the real ones.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/rt/engine.hpp"
#include "sim/machine/simulated_station.hpp"

namespace medius::sim {

struct MotionBenchOptions {
  std::string machine_file;      // hal/machines/cable-station-sim.toml
  std::string plugin_directory;  // <build>/plugins.d
  std::string profile = "isokinetic";
  std::map<std::string, double> parameters;
  double load_n = 200.0;  // the most the handle is held with
  RigConfig rig;          // a script
  CablePlantConfig plant;
  bool drive_velocity_mode = true;  // false: the soft servo in force mode
  bool drive_has_mode = true;       // false: a drive that does not change over though it should
  bool dead_man = false;            // held from the start ...
  double dead_man_until_s = 1e9;    // ... until then, in seconds of movement
  double release_after_s = 1e9;     // of movement: the handle is let go
  bool freeze_at_release = false;   // ... and the loop writes nothing any more
  double run_s = 0.0;               // of movement recorded; 0 = until the script ends and 1 s more
  std::uint64_t seed = 1;
};

// One tick; the plant's truth and what the controller wanted.
struct MotionSample {
  double time_s = 0.0;  // of movement
  double ring_m = 0.0, ring_mps = 0.0;
  double drum_m = 0.0, drum_mps = 0.0;
  double felt_n = 0.0, motor_n = 0.0;
  double target_mps = 0.0;  // the kernel's set point
  bool velocity_mode = false;
  std::uint8_t load_state = 0;
};

struct MotionBenchResult {
  std::vector<MotionSample> samples;
  std::string fault;  // name of the first since the engagement; empty = none
  double fault_s = -1.0;
  double entered_s =
      -1.0;  // seconds before the movement that velocity mode was entered; < 0: never
  double compliance_m_per_n = 0.0;  // of the fallback's hold, from the machine file's mass
  std::uint64_t trace_hash = 0;
};

[[nodiscard]] tl::expected<MotionBenchResult, std::string> run_motion(
    const MotionBenchOptions& options);

}  // namespace medius::sim
