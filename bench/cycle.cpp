// Distribution of one whole engine cycle and of one profile call, with the real plant and profile
// and the watch over the profile as the daemon has it. usage: medius-bench-cycle MACHINE-FILE
// PLUGIN-DIR TICKS
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>

#include "bench/percentiles.hpp"
#include "controller/rt/engine.hpp"
#include "controller/rt/host/plugin_watch.hpp"
#include "controller/station/machine_config.hpp"
#include "controller/station/plugin_host.hpp"
#include "sim/world/world_image.hpp"

namespace {

using namespace medius;

std::int64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

// A machine on the rig, loaded, with the rig moving for ever.
struct LoadedEngine {
  explicit LoadedEngine(const station::MachineConfig& config, rt::ProfileInstance& profile)
      : machine(simulated()), image(machine), engine(config.engine(), image, channels, &watch) {
    watch.attach_this_thread();
    run(500);
    send({.kind = rt::CommandKind::kEnable});
    run(500);
    send({.kind = rt::CommandKind::kSetUserLimits, .value = 200.0, .value2 = 1.5});
    send({.kind = rt::CommandKind::kTakeUp, .value = 10.0});
    run(1000);
    rt::Command start{.kind = rt::CommandKind::kStartSet};
    start.value = 80.0;
    start.profile = &profile;
    send(start);
    send({.kind = rt::CommandKind::kEngage});
    run(3000);
    machine.start_rig();
  }

  ~LoadedEngine() { watch.detach_this_thread(); }
  LoadedEngine(const LoadedEngine&) = delete;
  LoadedEngine& operator=(const LoadedEngine&) = delete;

  static sim::SimulatedStationConfig simulated() {
    sim::SimulatedStationConfig config;
    config.rig = true;
    config.rig_config.reps = 1 << 20;
    return config;
  }
  void send(rt::Command command) {
    command.command_id = ++command_id;
    channels.commands.push(command);
  }
  void after() {
    channels.events.consume_all([](const rt::Event&) {});
    channels.samples.consume_all([](const rt::SampleRecord&) {});
    machine.step_tick();
    ++index;
  }
  [[nodiscard]] Tick tick() const {
    return {index, static_cast<std::int64_t>(index) * kTickPeriodNs, 0, 0};
  }
  void run(int ticks) {
    for (int i = 0; i < ticks; ++i) {
      engine.cycle(tick());
      after();
    }
  }

  sim::SimulatedStation machine;
  sim::WorldImage image;
  rt::EngineChannels channels;
  rt::PluginWatch watch{rt::patient_plugin_watch()};
  rt::Engine engine;
  std::uint64_t index = 0;
  std::uint64_t command_id = 0;
};

bench::Percentiles time_cycles(LoadedEngine& loaded, std::size_t ticks) {
  bench::Percentiles cycle;
  cycle.reserve(ticks);
  for (std::size_t i = 0; i < ticks; ++i) {
    const Tick tick = loaded.tick();
    const std::int64_t start = now_ns();
    loaded.engine.cycle(tick);
    cycle.add(now_ns() - start);
    loaded.after();
  }
  return cycle;
}

bench::Percentiles time_plugin(rt::ProfileInstance& profile) {
  constexpr int kBatch = 64;
  bench::Percentiles call;
  medius_step_in_t input{};
  input.size = sizeof input;
  input.dt_s = kTickPeriodS;
  input.base_force = 80.0;
  input.phase = MEDIUS_PHASE_ECCENTRIC;
  input.velocity = -0.15;
  for (int round = 0; round < 20000; ++round) {
    const std::int64_t start = now_ns();
    for (int i = 0; i < kBatch; ++i) {
      ++input.tick;
      profile.step(input);
    }
    call.add((now_ns() - start) / kBatch);
  }
  return call;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: medius-bench-cycle MACHINE-FILE PLUGIN-DIR TICKS\n", stderr);
    return 2;
  }
  const auto machine = station::load_machine(argv[1]);
  if (!machine) {
    std::fprintf(stderr, "medius-bench-cycle: %s\n", machine.error().message.c_str());
    return 1;
  }
  station::PluginHost plugins;
  plugins.load_directory(argv[2]);
  const medius_activation_t activation{sizeof activation, MEDIUS_COORDINATE_CABLE, kTickPeriodS,
                                       600.0, 1.5};
  auto profile = plugins.create("eccentric-emphasis", {{"eccentric_ratio", 1.3}}, activation);
  if (!profile) {
    std::fprintf(stderr, "medius-bench-cycle: %s\n", profile.error().message.c_str());
    return 1;
  }
  bench::Percentiles call = time_plugin(**profile);
  auto loaded = std::make_unique<LoadedEngine>(*machine, **profile);
  bench::Percentiles cycle =
      time_cycles(*loaded, static_cast<std::size_t>(std::strtoull(argv[3], nullptr, 10)));
  bench::Percentiles clock;
  for (int i = 0; i < 100000; ++i) {
    const std::int64_t start = now_ns();
    clock.add(now_ns() - start);
  }
  std::printf("{\"cycle_ns\": %s, \"plugin_call_ns\": %s, \"clock_ns\": %s}\n",
              cycle.json().c_str(), call.json().c_str(), clock.json().c_str());
  return 0;
}
