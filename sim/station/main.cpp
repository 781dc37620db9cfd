// medius-sim: a simulated machine with a person in it, as a Modbus TCP server, or as the devices of
// a machine file.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "controller/base/random.hpp"
#include "sim/machine/person_setup.hpp"
#include "sim/station/device_server.hpp"
#include "sim/station/fault_bench.hpp"
#include "sim/station/machine_devices.hpp"
#include "sim/station/plan_file.hpp"
#include "sim/station/plant_option.hpp"
#include "sim/station/sim_service.hpp"
#include "sim/station/station_server.hpp"
#include "sim/station/truth_writer.hpp"
#include "sim/swarm/scenario_setup.hpp"

namespace medius::sim {
namespace {

namespace asio = boost::asio;

struct Options {
  ServerOptions server;
  std::string pace = "wall";
  std::string machine = "cable";
  std::string devices;                 // of the descriptors of a machine file
  std::optional<MachineDevices> file;  // --machine names one
  std::string load_cell = "handle";
  std::string program;
  std::string truth;
  std::vector<std::string> plant;  // "mass=3.4"
  PersonChoice person;
  std::uint64_t seed = 1;
  bool rig = false;
  bool no_reset = false;
  bool pelvis_sensor = false;
  bool json = false;
  std::string scenario_file;
  std::optional<Scenario> scenario;
  int control_port = -1;  // of medius.sim.v1; < 0: not served
};

SimulatedMachine machine_of(const Options& options) {
  if (options.file) return options.file->machine;
  if (options.machine == "seated-linked") return SimulatedMachine::kSeatedLinked;
  return options.machine == "seated" ? SimulatedMachine::kSeated : SimulatedMachine::kCable;
}

const char* person_words(const Options& options) {
  if (options.rig) return "motion rig";
  if (!options.program.empty()) return options.program.c_str();
  return machine_of(options) != SimulatedMachine::kCable
             ? "person on 30 Nm an arm, 8 repetitions of both legs"
             : "person on 60 N, 8 repetitions a side";
}

SimulatedStationConfig station_config(const Options& options, const ChosenPerson& person,
                                      std::vector<PlannedSet> plan) {
  SimulatedStationConfig config;
  if (options.person.chosen()) put_on_machine(person, config);
  config.drive.rated_force_n = options.server.rated_force_n;
  if (machine_of(options) == SimulatedMachine::kSeated) make_seated(config);
  if (machine_of(options) == SimulatedMachine::kSeatedLinked) make_seated_linked(config);
  config.plant.load_cell_after_last_pulley = options.load_cell != "drum";
  std::uint64_t mix = options.seed;
  config.seed = splitmix64(mix);
  config.plant.seed = splitmix64(mix);
  config.person.lifter[0].seed = splitmix64(mix);
  config.person.lifter[1].seed = splitmix64(mix);
  config.lever.seed = splitmix64(mix);
  config.person.plan = std::move(plan);
  config.person.repeat_plan = true;
  config.person.presses_reset_at_start = !options.no_reset;
  config.rig = options.rig;
  config.pelvis_sensor = options.pelvis_sensor;
  if (options.scenario) {
    set_up_person(*options.scenario, config.person);
    config.person.repeat_plan = false;
  }
  if (options.file) {
    config.plant.load_cell_after_last_pulley = !options.file->load_cell_at_drum;
    config.pelvis_sensor = options.file->pelvis_sensor;
    config.person.presses_reset_at_start = false;  // the server does, once all devices are in use
    use_drive(*options.file, config);
  }
  return config;
}

// The rig begins to move once it has felt a steady load for a while; nobody else is there to start
// it.
class RigStarter {
 public:
  void tick(SimulatedStation& station) {
    constexpr double kLoadN = 20.0;
    constexpr int kSteadyTicks = 2000;
    const double tension = station.truth().cuff_tension_n;
    const double change = tension - reference_n_;
    if (tension < kLoadN || change > 2.0 || change < -2.0) {
      reference_n_ = tension;
      steady_ticks_ = 0;
    } else if (++steady_ticks_ == kSteadyTicks) {
      station.start_rig();
    }
  }

 private:
  double reference_n_ = 0.0;
  int steady_ticks_ = 0;
};

void say_control(const Options& options, const SimServiceHost* control) {
  if (control == nullptr || options.json) return;
  fmt::print("medius-sim: faults on demand: medius sim fault list --sim {}\n", control->address());
}

void say_ready(const Options& options, const StationServer& server, const SimServiceHost* control) {
  say_control(options, control);
  const std::uint16_t port = server.port();
  if (server.guard_port() != 0 && !options.json) {
    fmt::print("medius-sim: guard relay on {}:{}\n", options.server.address, server.guard_port());
  }
  if (options.json) {
    const nlohmann::ordered_json ready = {
        {"listening", fmt::format("{}:{}", options.server.address, port)},
        {"machine", options.machine},
        {"pace", options.pace},
        {"seed", options.seed},
        {"guard_relay", server.guard_port()},
        {"control", control != nullptr ? control->address() : ""}};
    fmt::print("{}\n", ready.dump());
  } else {
    fmt::print("medius-sim: listening on {}:{} (pace {}, seed {}, {})\n", options.server.address,
               port, options.pace, options.seed, person_words(options));
  }
  std::fflush(stdout);
}

void say_ready(const Options& options, const DeviceServer& server, const SimServiceHost* control) {
  say_control(options, control);
  nlohmann::ordered_json links;
  std::string overrides;
  for (const auto& [name, where] : server.links()) {
    links[name] = where;
    overrides += fmt::format(" --link {}={}", name, where);
  }
  if (options.json) {
    const nlohmann::ordered_json ready = {
        {"links", links},
        {"machine", options.machine},
        {"pace", "wall"},
        {"seed", options.seed},
        {"control", control != nullptr ? control->address() : ""}};
    fmt::print("{}\n", ready.dump());
  } else {
    fmt::print("medius-sim: ready for mediusd --machine {}{} (seed {}, {})\n", options.machine,
               overrides, options.seed, person_words(options));
  }
  std::fflush(stdout);
}

// One of the two is there.
struct Servers {
  std::unique_ptr<StationServer> canonical;
  std::unique_ptr<DeviceServer> devices;
};

Servers make_servers(asio::io_context& io, const Options& options, StationView station,
                     const TickObserver& observer) {
  Servers servers;
  if (options.file) {
    servers.devices = std::make_unique<DeviceServer>(
        io, *options.file, station, DeviceServerOptions{options.server.address, !options.no_reset},
        observer);
  } else {
    servers.canonical = std::make_unique<StationServer>(io, station, options.server, observer);
  }
  return servers;
}

// 0: well. Reads the machine file, if it is one.
int look_at_machine(Options& options) {
  for (const char* const known : {"cable", "seated", "seated-linked"}) {
    if (options.machine == known) return 0;
  }
  if (!options.machine.ends_with(".toml")) {
    fmt::print(stderr,
               "medius-sim: --machine {} is neither cable, seated, seated-linked nor a machine "
               "file; write one of "
               "these, e.g. hal/machines/cable-station-lexium-32m.toml\n",
               options.machine);
    return 2;
  }
  if (options.pace == "bus" || options.server.guard_port >= 0 || options.server.port != 0) {
    fmt::print(stderr,
               "medius-sim: --pace bus, --port and --guard-port are for the canonical machine; "
               "leave them out with a machine file\n");
    return 2;
  }
  auto loaded = load_machine_devices(options.machine, options.devices);
  if (!loaded) {
    fmt::print(stderr, "medius-sim: {}\n", loaded.error());
    return 1;
  }
  if (loaded->lockstep) {
    fmt::print(
        stderr,
        "medius-sim: {}: [machine] lockstep is true, but the devices of a machine file run at "
        "wall pace; remove lockstep from a copy of the file, or use --machine cable, seated or "
        "seated-linked\n",
        options.machine);
    return 1;
  }
  options.file = std::move(*loaded);
  return 0;
}

// 0: well. Reads the scenario, which says who is on the machine.
int look_at_scenario(Options& options) {
  if (options.scenario_file.empty()) return 0;
  if (!options.program.empty() || options.rig || options.person.chosen()) {
    fmt::print(stderr,
               "medius-sim: --scenario says who does what; leave out --program, --rig and the "
               "person's options\n");
    return 2;
  }
  std::ifstream file(options.scenario_file);
  const auto json = nlohmann::json::parse(file, nullptr, false);
  if (!file || json.is_discarded()) {
    fmt::print(stderr, "medius-sim: {} cannot be read as JSON; see sim/swarm/README.md\n",
               options.scenario_file);
    return 1;
  }
  auto scenario = from_json(json.contains("scenario") ? json["scenario"] : json);
  if (!scenario) {
    fmt::print(stderr, "medius-sim: {}: {}\n", options.scenario_file, scenario.error());
    return 1;
  }
  options.seed = scenario->seed;
  if (scenario->seated && options.machine == "cable") options.machine = "seated";
  options.scenario = std::move(*scenario);
  return 0;
}

int serve(Options& options) {
  std::vector<PlannedSet> plan = default_plan(machine_of(options));
  if (!options.program.empty()) {
    auto loaded = load_plan(options.program, machine_of(options));
    if (!loaded) {
      fmt::print(stderr, "medius-sim: {}\n", loaded.error());
      return 1;
    }
    plan = std::move(*loaded);
  }
  const auto person = choose_person(options.person);
  if (!person) {
    fmt::print(stderr, "medius-sim: {}\n", person.error());
    return 1;
  }
  TruthWriter truth(options.truth, options.seed);
  if (!truth.problem().empty()) {
    fmt::print(stderr, "medius-sim: {}\n", truth.problem());
    return 1;
  }
  asio::io_context io(1);
  SimulatedStationConfig config = station_config(options, *person, std::move(plan));
  for (const std::string& each : options.plant) {
    if (const std::string wrong = apply_plant(each, config); !wrong.empty()) {
      fmt::print(stderr, "medius-sim: {}\n", wrong);
      return 2;
    }
  }
  options.server.rated_force_n = config.drive.rated_force_n;
  SimulatedStation station(config);
  FaultBench faults(station);
  if (options.scenario) {
    if (const auto played = faults.play(*options.scenario); !played) {
      fmt::print(stderr, "medius-sim: {}: {}\n", options.scenario_file, played.error());
      return 1;
    }
  }
  RigStarter rig;
  Servers servers;
  try {
    servers = make_servers(io, options, StationView(faults), [&](const TickTruth& tick) {
      faults.after_tick(tick.cmd_seq);
      truth.sample(station, tick);
      if (options.rig) rig.tick(station);
    });
  } catch (const boost::system::system_error& error) {
    fmt::print(
        stderr,
        "medius-sim: cannot listen on {}:{}: {}; choose another --port (0 picks a free one) or "
        "stop what uses it\n",
        options.server.address, options.server.port, error.code().message());
    return 1;
  }
  asio::steady_timer every_second(io);
  std::function<void()> write_truth = [&] {
    // A busy disk would hold up the devices, which nobody waits for at wall pace.
    const bool in_use =
        servers.devices && station.drive().state == hal::DriveState::kOperationEnabled;
    if (!in_use) truth.write(station);
    every_second.expires_after(std::chrono::seconds(1));
    every_second.async_wait([&](boost::system::error_code error) {
      if (!error) write_truth();
    });
  };
  write_truth();
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](boost::system::error_code, int) { io.stop(); });
  std::unique_ptr<SimServiceHost> control;
  if (options.control_port >= 0) {
    control = std::make_unique<SimServiceHost>(io, faults, options.control_port);
  }
  if (servers.devices) {
    say_ready(options, *servers.devices, control.get());
  } else {
    say_ready(options, *servers.canonical, control.get());
  }
  io.run();
  truth.write(station);
  return 0;
}

}  // namespace
}  // namespace medius::sim

int main(int argc, char** argv) {
  medius::sim::Options options;
  CLI::App app{
      "medius-sim: a simulated machine with a person in it, as a Modbus TCP server, or as the "
      "devices\nof a machine file on TCP and on pseudo-terminals.\n"
      "Unit 1 drive and load cell (seated: left arm, unit 3 right arm;\n"
      "seated-linked: left pad's cell, unit 5 the right one's), 2 panel and relay, 100 test "
      "bench\n(hal/devices/README.md)."};
  app.add_option("--port", options.server.port, "TCP port; 0 picks a free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_option("--address", options.server.address, "address to listen on")
      ->capture_default_str();
  app.add_option("--guard-port", options.server.guard_port,
                 "fits a guard: UDP port of the safe-state relay's charge pump; 0 picks a free one")
      ->check(CLI::Range(0, 65535));
  app.add_option("--pace", options.pace,
                 "wall: the plant runs with the clock; bus: a round of the controller is a tick")
      ->check(CLI::IsMember({"wall", "bus"}))
      ->capture_default_str();
  const CLI::Option* speed =
      app.add_option("--speed", options.server.speed,
                     "with --pace bus: at most so many times faster than life; a busy host and the "
                     "bus itself make it less")
          ->check(CLI::Range(0.05, 20.0))
          ->capture_default_str();
  app.add_option("--machine", options.machine,
                 "cable, seated (the hip-abduction machine, a motor an arm), seated-linked (one "
                 "motor for both), or a machine file: then each of its devices is there, with the "
                 "registers of its descriptor, at wall pace")
      ->capture_default_str();
  app.add_option("--devices", options.devices,
                 "directory of the descriptors that a machine file names (default: ../devices "
                 "beside it)");
  app.add_option("--load-cell", options.load_cell,
                 "where the cable's load cell sits: after the last pulley, or at the drum")
      ->check(CLI::IsMember({"handle", "drum"}))
      ->capture_default_str();
  app.add_option("--program", options.program, "what the person does: a programs/*.toml");
  app.add_option("--lifter", options.person.preset,
                 "who is on it: novice, trained, rehab or athlete");
  app.add_option("--sex", options.person.sex, "body table: male (default) or female");
  app.add_option("--body-mass", options.person.body_mass_kg,
                 "kg; the body table's common build otherwise");
  app.add_option("--weaker-right", options.person.weaker_right,
                 "share of strength that the right leg lacks, 0 to 0.5");
  app.add_option("--seed", options.seed, "of person and machine")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--truth", options.truth,
                 "write the plant's truth here as JSON, and 1 kHz samples beside it as CSV");
  app.add_option("--plant", options.plant,
                 "NAME=VALUE, what `medius hal identify` must find: mass (kg, of a lever kg m2), "
                 "coulomb (N, Nm), viscous (N s/m, Nm s/rad), dead-time-ms of the drive");
  CLI::Option* const rig = app.add_flag(
      "--rig", options.rig, "a motion rig instead of a person: 12 strokes at 2-1-3 (cable only)");
  app.add_flag("--pelvis-sensor", options.pelvis_sensor,
               "the person wears a pelvis-tilt sensor (unit 4)");
  app.add_option("--scenario", options.scenario_file,
                 "person, set and faults of a scenario file, as medius-swarm --replay takes it: "
                 "the faults strike where it says; the set is started at the controller")
      ->check(CLI::ExistingFile);
  app.add_option(
         "--control", options.control_port,
         "serve medius.sim.v1 (faults on demand, `medius sim fault`) on this loopback port; "
         "0 picks a free one")
      ->check(CLI::Range(0, 65535));
  app.add_flag("--no-reset", options.no_reset, "nobody presses the panel's reset at the start");
  app.add_flag("--json", options.json, "print the ready line as JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (const int wrong = medius::sim::look_at_scenario(options); wrong != 0) return wrong;
  if (const int wrong = medius::sim::look_at_machine(options); wrong != 0) return wrong;
  if (rig->count() > 0 &&
      medius::sim::machine_of(options) != medius::sim::SimulatedMachine::kCable) {
    fmt::print(stderr, "medius-sim: --rig moves a cable's handle; use --machine cable with it\n");
    return 2;
  }
  if (speed->count() > 0 && options.pace != "bus") {
    fmt::print(stderr, "medius-sim: --speed needs --pace bus; the clock cannot be made faster\n");
    return 2;
  }
  options.server.pace = options.pace == "bus" ? medius::sim::Pace::kBus : medius::sim::Pace::kWall;
  try {
    return medius::sim::serve(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "medius-sim: {}; start it again, and report this if it happens again\n",
               error.what());
    return 1;
  }
}
