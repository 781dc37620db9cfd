// The whole of Medius in one process on simulated time: plant, person, engine, profiles through the
// ABI, station and store. The same object code as the daemon; only tick source, image and Runtime
// differ. Trainers enter just below the API, by calling station().
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/record/store.hpp"
#include "controller/station/machine_config.hpp"
#include "controller/station/program.hpp"
#include "controller/station/station.hpp"
#include "hal/guard/guard.hpp"
#include "sim/faults/faulty_image.hpp"
#include "sim/lifter/presets.hpp"
#include "sim/machine/simulated_station.hpp"

namespace medius::sim {

class SimRuntime;

struct WorldOptions {
  std::string machine_file;  // hal/machines/*-sim.toml; a lever axis makes it the seated machine
  std::string program_directory;  // programs/
  std::string plugin_directory;   // <build>/plugins.d
  std::string data_directory;     // empty: the store lives in memory
  record::Disk* disk = nullptr;   // of that folder, null: this computer's; outlives the world
  // Instead of a store of its own: one that several worlds use, one after the other. What happens
  // is then written into its audit log too.
  std::shared_ptr<record::Store> store;
  std::int64_t wall_start_unix_ns = 0;  // of the simulated wall clock; 0: 2026-01-01 00:00 UTC
  std::uint64_t seed = 1;
  SimulatedStationConfig station;          // plant, drive and person; seeds are derived from `seed`
  std::vector<station::Program> programs;  // beside those of the directory, or instead of them
  rt::ProfileGuard* guard = nullptr;       // between loop and profile; outlives the world
  bool guarded = false;                    // medius-guard's decision holds the safe-state relay too
  bool faulty = false;                     // World::faults() stands between machine and loop
  // After each millisecond of the machine, also of those that the loop has missed.
  std::function<void()> each_ms;
};

class World {
 public:
  // Errors: a file that cannot be used, in one sentence.
  static tl::expected<std::unique_ptr<World>, std::string> create(const WorldOptions& options);
  ~World();

  // One tick: control events that are due, the engine, the machine. Before it the host may have
  // slept through some periods, in which only the machine went on.
  void tick(std::uint32_t missed = 0);
  // One tick of a world whose loop's process is gone. Machine and guard go on.
  void tick_without_loop();
  // The heartbeat as of a daemon that was started anew; the station's own state stays.
  void restart_heartbeat();
  // The guard pumps the safe-state output.
  [[nodiscard]] bool guard_holds() const;
  // From the last beat to when the guard last let go.
  [[nodiscard]] double guard_took_ms() const;
  // Ticks until the condition holds (checked every tick) or `limit_s` of simulated time have
  // passed. Returns whether it held.
  bool run_until(const std::function<bool()>& condition, double limit_s);
  void run_for(double seconds);
  // While the station rests between sets, or paces an exercise that no sensor watches: jumps over
  // what is left of it but its last second, with the person off the machine. Nothing is computed in
  // between. False: there is nothing to jump over.
  bool jump_rest();

  [[nodiscard]] double time_s() const;
  [[nodiscard]] station::Station& station();
  [[nodiscard]] SimulatedStation& machine();
  [[nodiscard]] record::Store& store();
  [[nodiscard]] SimRuntime& runtime();
  [[nodiscard]] FaultyImage& faults();             // between machine and loop
  [[nodiscard]] const rt::Status& status() const;  // after the last tick
  // Everything the controller put out and the plant did so far.
  [[nodiscard]] std::uint64_t trace_hash() const;

 private:
  struct Impl;
  explicit World(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct SimulateOptions {
  WorldOptions world;
  std::string program_id;
  std::optional<station::Program> program;  // instead of a file's
  station::Trainee trainee;                 // of a stored plan; empty: nobody named
  // What the person's legs can do, over the strength of their configuration: left, right.
  std::array<double, 2> strength{1.0, 1.0};
  PersonChoice person;
  // The trainer's load changes: at a repetition of a set of the session, a new load.
  struct LoadChange {
    std::uint32_t set_index = 1;
    std::uint32_t after_repetition = 0;
    double load = 0.0;
  };
  std::vector<LoadChange> load_changes;
  bool jump_rests = false;  // as World::jump_rest() does
  double limit_s = 7200.0;  // of simulated time; a session that takes longer is an error
  std::function<void(double time_s, const station::Snapshot&)> progress;  // every simulated second
};

// One set of a simulated session: what the station stored beside what the plant saw. A set of both
// sides is two of these, left and right.
struct SimulatedSet {
  record::SetRecord stored;
  SetTruth truth;
  double metres_per_unit = 1.0;       // of the axis' position, see HandleTruth
  double rendered_ratio_truth = 0.0;  // felt force, middle 80 % of each phase, from the plant
  double force_error_rms = 0.0;       // felt force against the target, same parts, N | Nm
  double force_error_percent = 0.0;   // of the target
};

struct SessionResult {
  std::string session_id;
  std::string program_id;
  std::uint64_t seed = 0;
  bool completed = false;
  std::string reason;  // why it did not complete
  double simulated_s = 0.0;
  std::uint64_t trace_hash = 0;
  std::vector<SimulatedSet> sets;
  std::vector<record::GuidedRecord> guided;  // without the machine; confirmed at the panel
  station::Program program;                  // as it was done: what this machine can do
  std::vector<std::string> skipped;          // the rest, with the reason
};

// Runs a program from start to end. The person's plan is taken from the program.
[[nodiscard]] tl::expected<SessionResult, std::string> simulate_session(
    const SimulateOptions& options);

// The person's plan for a program: what somebody who has read it means to do.
[[nodiscard]] std::vector<PlannedSet> plan_of(const station::Program& program);

}  // namespace medius::sim
