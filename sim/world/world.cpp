#include "sim/world/world.hpp"

#include <utility>

#include "controller/base/random.hpp"
#include "controller/base/trace_hash.hpp"
#include "controller/record/rows.hpp"
#include "controller/rt/engine.hpp"
#include "controller/station/audit_trail.hpp"
#include "sim/world/sim_runtime.hpp"
#include "sim/world/world_image.hpp"

namespace medius::sim {
namespace {

// Simulated wall clock: 2026-01-01 00:00 UTC. Only a label in the records.
constexpr std::int64_t kWallStartUnixNs = 1'767'225'600'000'000'000;
// A session's sets, guided exercises and itself, with room to spare.
constexpr std::uint64_t kIdsOfAWorld = 1024;

void derive_seeds(SimulatedStationConfig& config, std::uint64_t seed) {
  std::uint64_t mix = seed;
  config.seed = splitmix64(mix);
  config.plant.seed = splitmix64(mix);
  config.person.lifter[0].seed = splitmix64(mix);
  config.person.lifter[1].seed = splitmix64(mix);
  config.lever.seed = splitmix64(mix);
}

// The machine file says which machine stands behind it.
void become(const station::MachineConfig& machine, SimulatedStationConfig& config) {
  const rt::AxisConfig& axis = machine.axes.front().engine;
  if (config.machine != SimulatedMachine::kCable) return;  // somebody has made it already
  if (axis.linked_arms) {
    make_seated_linked(config);
  } else if (axis.coordinate == hal::CoordinateKind::kLever) {
    make_seated(config);
  }
}

}  // namespace

struct World::Impl {
  Impl(SimulatedStationConfig config, std::uint64_t seed, std::int64_t wall_start_unix_ns)
      : runtime(seed, wall_start_unix_ns != 0 ? wall_start_unix_ns : kWallStartUnixNs),
        machine(config),
        image(machine),
        faults(image) {}

  SimRuntime runtime;
  rt::EngineChannels channels;
  SimulatedStation machine;
  WorldImage image;
  FaultyImage faults;
  station::PluginHost plugins;
  std::shared_ptr<record::Store> store;
  std::unique_ptr<station::AuditTrail> audit;
  std::unique_ptr<rt::Engine> engine;
  std::unique_ptr<station::Station> station;
  std::uint64_t next_tick = 0;
  std::uint64_t resting_since = 0;
  rt::Status status;  // after the last tick
  TraceHash trace;
  std::function<void()> each_ms;
  bool guarded = false;
  bool guard_holds = false;
  std::int64_t guard_took_ns = 0;
  std::uint64_t epoch = 1;
  guard::HeartbeatPage page;
  guard::HeartbeatWriter heartbeat;
  guard::GuardState guard_state;

  void tick(std::uint32_t missed = 0);
  void tick_without_loop();
  void look_after_loop(std::int64_t tick_ns);
};

// The guard looks twice a period, as the process does, the second time in the middle of it.
void World::Impl::look_after_loop(std::int64_t tick_ns) {
  if (!guarded) return;
  for (const std::int64_t at_ns : {tick_ns, tick_ns + kTickPeriodNs / 2}) {
    guard::GuardInput input;
    input.before_ns = input.after_ns = at_ns;
    input.readable = page.content.try_load(input.beat);
    const bool held = guard_holds;
    guard_holds = guard::look(guard::GuardConfig{}, guard_state, input);
    if (held && !guard_holds) guard_took_ns = at_ns - input.beat.nominal_ns;
    if (guard_holds) machine.pump_relay();
  }
}

void World::Impl::tick_without_loop() {
  look_after_loop(static_cast<std::int64_t>(next_tick) * kTickPeriodNs);
  machine.step_tick();
  ++next_tick;
  if (each_ms) each_ms();
}

void World::Impl::tick(std::uint32_t missed) {
  for (std::uint32_t i = 0; i < missed; ++i) tick_without_loop();
  const Tick now{next_tick, static_cast<std::int64_t>(next_tick) * kTickPeriodNs, 0, missed};
  runtime.advance_to(now.nominal_ns);
  engine->cycle(now);
  if (guarded) {
    const rt::Engine::Outcome outcome = engine->outcome();
    heartbeat.beat(now, static_cast<std::uint8_t>(outcome.reaction), outcome.hold_relay,
                   outcome.reset_pressed);
    look_after_loop(now.nominal_ns);
  }
  machine.step_tick();
  ++next_tick;
  while (!channels.status.try_load(status)) {  // never twice: the writer is this thread
  }
  for (std::size_t i = 0; i < machine.axis_count(); ++i) {
    trace.add(status.axis[i].force_output);
    trace.add(status.axis[i].force_target);
    trace.add(status.axis[i].position_absolute);
    trace.add(machine.handle(i).force);
  }
  if (each_ms) each_ms();
}

World::World(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
World::~World() {
  if (impl_->audit) impl_->audit->flush();
}

tl::expected<std::unique_ptr<World>, std::string> World::create(const WorldOptions& options) {
  auto machine = station::load_machine(options.machine_file);
  if (!machine) return tl::make_unexpected(machine.error().message);
  SimulatedStationConfig simulated = options.station;
  become(*machine, simulated);
  derive_seeds(simulated, options.seed);
  simulated.pelvis_sensor = machine->pelvis_sensor;
  simulated.plant.load_cell_after_last_pulley =
      machine->axes.front().load_cell.place != station::LoadCellPlace::kDrum;
  auto impl = std::make_unique<Impl>(simulated, options.seed, options.wall_start_unix_ns);
  impl->store = options.store;
  if (!impl->store) {
    auto store =
        options.data_directory.empty()
            ? record::Store::open_in_memory()
            : record::Store::open(options.data_directory,
                                  options.disk != nullptr ? *options.disk : record::real_disk());
    if (!store) return tl::make_unexpected(store.error().message);
    impl->store = std::move(*store);
  } else {
    const auto first = impl->store->next_ids(kIdsOfAWorld);
    if (!first) return tl::make_unexpected(first.error().message);
    impl->runtime.hand_out_ids_from(record::id_number(*first));
    impl->audit = std::make_unique<station::AuditTrail>(impl->runtime, *impl->store);
  }
  for (const station::PluginError& error : impl->plugins.load_directory(options.plugin_directory)) {
    return tl::make_unexpected(error.message);
  }
  hal::MachineImage& image = impl->image;
  hal::MachineImage& seen = options.faulty ? impl->faults : image;
  impl->engine =
      std::make_unique<rt::Engine>(machine->engine(), seen, impl->channels, options.guard);
  station::StationConfig config;
  config.machine = *machine;
  config.programs = station::load_programs(options.program_directory);
  for (const station::Program& program : options.programs) {
    config.programs.programs.insert_or_assign(program.id, program);
  }
  config.realtime_granted = true;
  config.audit_sink = impl->audit.get();
  impl->station = std::make_unique<station::Station>(impl->runtime, impl->channels, impl->plugins,
                                                     *impl->store, std::move(config));
  impl->each_ms = options.each_ms;
  impl->guarded = options.guarded;
  if (options.guarded) {
    impl->machine.fit_guard();
    impl->heartbeat.attach(&impl->page, impl->epoch, false);
  }
  impl->station->start();
  return std::unique_ptr<World>(new World(std::move(impl)));
}

void World::tick(std::uint32_t missed) {
  impl_->tick(missed);
}

void World::tick_without_loop() {
  impl_->tick_without_loop();
}

void World::restart_heartbeat() {
  if (impl_->guarded) impl_->heartbeat.attach(&impl_->page, ++impl_->epoch, false);
}

double World::guard_took_ms() const {
  return static_cast<double>(impl_->guard_took_ns) * 1e-6;
}

bool World::guard_holds() const {
  return impl_->guard_holds;
}

bool World::run_until(const std::function<bool()>& condition, double limit_s) {
  const auto limit = impl_->next_tick + static_cast<std::uint64_t>(limit_s / kTickPeriodS);
  while (impl_->next_tick < limit) {
    if (condition()) return true;
    impl_->tick();
  }
  return condition();
}

void World::run_for(double seconds) {
  const auto end = impl_->next_tick + static_cast<std::uint64_t>(seconds / kTickPeriodS + 0.5);
  while (impl_->next_tick < end) impl_->tick();
}

bool World::jump_rest() {
  // Long enough for what the set left behind to come to rest, and for the next to begin as ever.
  constexpr double kSettleS = 3.0, kBeforeEndS = 1.0, kWorthwhileS = 1.0;
  const station::Snapshot& now = impl_->station->snapshot();
  const bool paced =
      now.state == station::StationState::kGuided && now.guided && !now.guided->watches_pelvis;
  if (now.state != station::StationState::kResting && !paced) {
    impl_->resting_since = impl_->next_tick;
    return false;
  }
  const double rested_s =
      static_cast<double>(impl_->next_tick - impl_->resting_since) * kTickPeriodS;
  const double left_s = paced ? now.guided->pace.remaining_s : now.rest_remaining_s;
  const double jump_s = left_s - kBeforeEndS;
  if (rested_s < kSettleS || jump_s < kWorthwhileS || !impl_->machine.rest(jump_s)) return false;
  impl_->next_tick += static_cast<std::uint64_t>(jump_s / kTickPeriodS);
  impl_->runtime.skip_to(static_cast<std::int64_t>(impl_->next_tick) * kTickPeriodNs);
  impl_->resting_since = impl_->next_tick;
  return true;
}

double World::time_s() const {
  return static_cast<double>(impl_->next_tick) * kTickPeriodS;
}
station::Station& World::station() {
  return *impl_->station;
}
SimulatedStation& World::machine() {
  return impl_->machine;
}
record::Store& World::store() {
  return *impl_->store;
}
SimRuntime& World::runtime() {
  return impl_->runtime;
}
FaultyImage& World::faults() {
  return impl_->faults;
}
const rt::Status& World::status() const {
  return impl_->status;
}

std::uint64_t World::trace_hash() const {
  TraceHash hash = impl_->trace;
  hash.add(impl_->machine.state_hash());
  return hash.value();
}

}  // namespace medius::sim
