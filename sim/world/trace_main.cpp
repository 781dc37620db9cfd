// medius-trace: runs one simulated session and one rig run and prints their trace hashes, for
// comparing compilers, optimisation levels and machines. Needs neither gRPC nor Modbus (cmake
// -DMEDIUS_MINIMAL=ON).
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "sim/world/rig_bench.hpp"
#include "sim/world/world.hpp"

namespace {

struct Arguments {
  std::string source = ".", plugins, program = "glute-med-short";
  std::uint64_t seed = 1;
  double friction = 5.0;  // one coefficient of the plant, to show that the hash notices it
};

int usage() {
  std::fputs(
      "usage: medius-trace --source DIR --plugins DIR [--program ID] [--seed N] [--friction-n F]\n"
      "prints: session HASH rig HASH\n",
      stderr);
  return 2;
}

bool parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--source")
      arguments.source = value;
    else if (name == "--plugins")
      arguments.plugins = value;
    else if (name == "--program")
      arguments.program = value;
    else if (name == "--seed")
      arguments.seed = std::strtoull(value.c_str(), nullptr, 10);
    else if (name == "--friction-n")
      arguments.friction = std::strtod(value.c_str(), nullptr);
    else
      return false;
  }
  return argc % 2 == 1 && !arguments.plugins.empty();
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!parse(argc, argv, arguments)) return usage();
  const std::string machine = arguments.source + "/hal/machines/cable-station-sim.toml";

  medius::sim::SimulateOptions session;
  session.world.machine_file = machine;
  session.world.program_directory = arguments.source + "/programs";
  session.world.plugin_directory = arguments.plugins;
  session.world.seed = arguments.seed;
  session.world.station.plant.drive_friction.coulomb_n = arguments.friction;
  session.program_id = arguments.program;
  const auto played = medius::sim::simulate_session(session);
  if (!played) {
    std::fprintf(stderr, "medius-trace: %s\n", played.error().c_str());
    return 1;
  }

  medius::sim::RigBenchOptions rig;
  rig.machine_file = machine;
  rig.plugin_directory = arguments.plugins;
  rig.rig.reps = 2;
  rig.seed = arguments.seed;
  rig.plant.drive_friction.coulomb_n = arguments.friction;
  const auto figures = medius::sim::run_rig(rig);
  if (!figures) {
    std::fprintf(stderr, "medius-trace: %s\n", figures.error().c_str());
    return 1;
  }
  std::printf("session %016llx rig %016llx\n", static_cast<unsigned long long>(played->trace_hash),
              static_cast<unsigned long long>(figures->trace_hash));
  return 0;
}
