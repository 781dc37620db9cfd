// Amortised costs of the small things of a tick: exchange primitives and a profile call through the
// ABI.
#include <atomic>
#include <memory>
#include <thread>

#include <benchmark/benchmark.h>

#include "controller/rt/channels.hpp"
#include "controller/station/plugin_host.hpp"
#include "sim/machine/simulated_station.hpp"

namespace {

using namespace medius;

void seqlock_store(benchmark::State& state) {
  auto lock = std::make_unique<rt::SeqLock<rt::Status>>();
  rt::Status status;
  for (auto _ : state) {
    ++status.tick;
    lock->store(status);
  }
}
BENCHMARK(seqlock_store);

void seqlock_load(benchmark::State& state) {
  auto lock = std::make_unique<rt::SeqLock<rt::Status>>();
  for (auto _ : state) benchmark::DoNotOptimize(lock->load());
}
BENCHMARK(seqlock_load);

void seqlock_store_while_read(benchmark::State& state) {
  auto lock = std::make_unique<rt::SeqLock<rt::Status>>();
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop.load(std::memory_order_relaxed)) benchmark::DoNotOptimize(lock->load());
  });
  rt::Status status;
  for (auto _ : state) {
    ++status.tick;
    lock->store(status);
  }
  stop = true;
  reader.join();
}
BENCHMARK(seqlock_store_while_read)->UseRealTime();

void triple_buffer_store_and_load(benchmark::State& state) {
  auto buffer = std::make_unique<rt::TripleBuffer<hal::MachineInput>>();
  hal::MachineInput input;
  for (auto _ : state) {
    buffer->store(input);
    benchmark::DoNotOptimize(buffer->load(input));
  }
}
BENCHMARK(triple_buffer_store_and_load);

void sample_queue_push_and_pop(benchmark::State& state) {
  auto queue = std::make_unique<rt::SampleQueue>();
  rt::SampleRecord record;
  for (auto _ : state) {
    queue->push(record);
    benchmark::DoNotOptimize(queue->pop(record));
  }
}
BENCHMARK(sample_queue_push_and_pop);

void profile_step(benchmark::State& state, const char* id) {
  station::PluginHost host;
  host.load_directory(MEDIUS_PLUGIN_DIR);
  const medius_activation_t activation{sizeof activation, MEDIUS_COORDINATE_CABLE, 1e-3, 600.0,
                                       1.5};
  auto profile = host.create(id, {}, activation);
  if (!profile) {
    state.SkipWithError(profile.error().message.c_str());
    return;
  }
  medius_step_in_t input{};
  input.size = sizeof input;
  input.dt_s = 1e-3;
  input.base_force = 60.0;
  input.velocity = -0.2;
  input.phase = MEDIUS_PHASE_ECCENTRIC;
  for (auto _ : state) {
    ++input.tick;
    benchmark::DoNotOptimize((*profile)->step(input));
  }
}
BENCHMARK_CAPTURE(profile_step, constant_tension, "constant-tension");
BENCHMARK_CAPTURE(profile_step, eccentric_emphasis, "eccentric-emphasis");

// One tick of the simulated machine: 10 plant steps at 10 kHz and the person.
void simulated_machine_tick(benchmark::State& state) {
  sim::SimulatedStation machine{sim::SimulatedStationConfig{}};
  for (auto _ : state) machine.step_tick();
}
BENCHMARK(simulated_machine_tick);

}  // namespace

BENCHMARK_MAIN();
