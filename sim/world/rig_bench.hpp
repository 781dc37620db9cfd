// Force figures on the motion rig: a handle moved on minimum-jerk paths with human impedance, no
// fatigue, no station. The engine, the profile and the plant are the real ones.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/rt/engine.hpp"
#include "sim/checkers/force_truth.hpp"
#include "sim/lifter/presets.hpp"
#include "sim/machine/simulated_station.hpp"

namespace medius::sim {

struct RigBenchOptions {
  // A machine with a lever is moved at its left pad; every m, N and kg of the options and the
  // result is then at the pad, only the profile's parameters are the lever's. Linked arms are moved
  // at both: load and force are the sum of the pads, masses and friction of the options one arm's.
  std::string machine_file;      // hal/machines/cable-station-sim.toml
  std::string plugin_directory;  // <build>/plugins.d
  std::string profile = "eccentric-emphasis";
  std::map<std::string, double> parameters = {{"eccentric_ratio", 1.3}};
  double load_n = 80.0;
  RigConfig rig;           // 12 repetitions at 2-1-3
  CablePlantConfig plant;  // friction, stiffness, dead time ... of the plant only
  LeverPlantConfig lever;  // the same of a machine with a lever
  // Changes to force control, e.g. for negative controls; the machine file's values stay otherwise.
  bool use_observer = true;
  double kp = -1.0, kd_s = -1.0;  // < 0: as in the machine file
  double mass_ratio = 1.0;        // controller's mass over the machine file's
  double left_share = 0.5;        // of the load, where the arms are linked; 0.2 to 0.8
  double range_m = 0.0;           // told to the tracker as the person's range; 0 = not known
  double release_after_s = -1.0;  // of movement: the handle is let go, and the run ends; < 0: never
  bool freeze_at_release = false;  // ... and the loop writes nothing any more: drive and relay act
  double drive_speed_limit_mps = 1.5;  // of the drive itself, at the handle; negative controls
  bool release_one_leg = false;        // linked arms: only the left leg lets go
  // A person instead of the rig: lifts as soon as the load feels steady, until they are done.
  struct Lifting {
    ChosenPerson person;
    PlannedSet set;
  };
  std::optional<Lifting> lifting;
  std::uint64_t seed = 1;
};

struct RigBenchResult {
  ForceTruth force;
  std::uint32_t reps_counted = 0;  // full ones, by the loop's tracker
  std::uint32_t reps_partial = 0;
  std::uint32_t direction_changes = 0;  // by the loop's tracker
  int lifted = 0;                       // repetitions that a person completed, by the plant's truth
  // The rested person could not carry this load through the range, or gave the set up.
  bool cannot_lift = false;
  std::uint64_t trace_hash = 0;
  double simulated_s = 0.0;
  // Ticks in which stage 1 of the kernel let something else be felt than the profile wished.
  std::uint64_t clipped_ticks = 0;
  // ... of these by the energy tank, by the phase (no excess outside of effort), by the slew.
  std::uint64_t clipped_by_tank = 0, clipped_by_phase = 0, clipped_by_slew = 0;
  bool oscillated = false;                 // the oscillation detector latched
  std::string fault;                       // name of the first fault while it moved; empty = none
  std::size_t fault_sample = 0;            // when
  std::vector<measure::RepBoundary> reps;  // as the loop's tracker closed them
  std::uint64_t first_tick = 0;            // of the samples
  std::size_t moved = 0;  // samples until the movement ended or the handle was let go
  std::vector<ForceTruthSample> samples;
  std::vector<double> velocity_seen_mps;  // the controller's, one a sample
  std::vector<double> drive_mps;          // the plant's drum or arm, one a sample
  // Where the ring or the pad would be if nothing ever hung slack: the hand's own way, one a
  // sample.
  std::vector<double> taut_m;
  // Linked arms, one a sample: the plant's truth and what the cells say, N at the left and the
  // right pad.
  struct Pads {
    std::array<double, hal::kPads> truth_n{}, seen_n{};
  };
  std::vector<Pads> pads;
};

[[nodiscard]] tl::expected<RigBenchResult, std::string> run_rig(const RigBenchOptions& options);

}  // namespace medius::sim
