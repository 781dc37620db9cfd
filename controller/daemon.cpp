#include "controller/daemon.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <map>
#include <thread>
#include <vector>

#include <pthread.h>
#include <spdlog/fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "controller/access/authority.hpp"
#include "controller/api/server.hpp"
#include "controller/guard_link.hpp"
#include "controller/metrics/endpoint.hpp"
#include "controller/record/store.hpp"
#include "controller/rt/engine.hpp"
#include "controller/rt/host/plugin_watch.hpp"
#include "controller/rt/host/real_tick_source.hpp"
#include "controller/rt/host/rt_thread.hpp"
#include "controller/station/asio_runtime.hpp"
#include "controller/station/audit_trail.hpp"
#include "controller/station/force_budget.hpp"
#include "controller/station/machine_config.hpp"
#include "controller/station/plugin_host.hpp"
#include "controller/station/program.hpp"
#include "controller/station/station.hpp"
#include "hal/guard/guard_file.hpp"
#include "hal/modbus/machine_bus.hpp"

namespace medius {
namespace {

namespace fs = std::filesystem;
using Failure = tl::unexpected<std::string>;

// The station gives up unloading after 4 s; this only guards against a control thread that hangs.
constexpr std::chrono::seconds kStationDown{8};

// With a guard that is there and a reset pressed at once the proof test takes less than a second;
// otherwise it goes on while the daemon serves.
constexpr std::chrono::seconds kProofWait{2};

// Locked memory locks every thread's stack whole: 8 MB each would be half a gigabyte.
void use_small_stacks() {
  constexpr std::size_t kStackBytes = 1024 * 1024;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
}

void log_steps(const std::vector<rt::SetupStep>& steps) {
  for (const rt::SetupStep& step : steps) {
    if (step.granted) {
      spdlog::debug("{}: {}", step.name, step.detail);
    } else {
      spdlog::log(step.needed ? spdlog::level::warn : spdlog::level::info, "{}: {}", step.name,
                  step.detail);
    }
  }
}

// A handful by name; the rest is counted, and the store keeps naming them at every start.
void log_ids(const char* what, const std::vector<std::string>& ids) {
  constexpr std::size_t kNamed = 32;
  if (ids.empty()) return;
  const std::size_t named = std::min(ids.size(), kNamed);
  const auto end = ids.begin() + static_cast<std::ptrdiff_t>(named);
  spdlog::warn("store: {} records {}: {}{}", ids.size(), what, fmt::join(ids.begin(), end, " "),
               named < ids.size() ? " ..." : "");
}

tl::expected<std::uint64_t, std::string> first_id_of(record::Store& store) {
  // The Runtime hands ids out by itself; they stay its own for as long as the process lives.
  const auto id = store.next_ids(record::Store::kIdsInARowMax);
  if (!id) return Failure(id.error().message);
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(id->data(), id->data() + id->size(), value, 16);
  if (error != std::errc{} || stop != id->data() + id->size()) {
    return Failure("the store gave the id '" + *id + "', which is not a hexadecimal number");
  }
  return value;
}

// An ended certificate keeps peers from elsewhere out; the local address needs none.
void say_certificate(const fs::path& folder) {
  constexpr std::int64_t kDayS = 86400;
  const auto facts = access::server_facts(folder);
  if (!facts) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t left_s =
      facts->not_after_unix_s - std::chrono::duration_cast<std::chrono::seconds>(now).count();
  if (left_s < 0) {
    spdlog::warn(
        "the server's certificate has ended: nobody can connect from elsewhere; issue a "
        "new one with 'medius pki renew-server' and start again");
  } else if (left_s < access::kWarnDays * kDayS) {
    spdlog::warn(
        "the server's certificate ends in {} days; issue a new one with 'medius pki "
        "renew-server' and start again",
        left_s / kDayS);
  }
}

tl::expected<void, std::string> check_directory(const char* option, const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return {};
  return Failure(std::string(option) + " " + path +
                 ": there is no such directory; name the one that holds the files");
}

}  // namespace

struct Daemon::Impl {
  // Built from first to last and destroyed from last to first.
  DaemonOptions options;
  station::MachineConfig machine;
  station::PluginHost plugins;
  std::unique_ptr<record::Store> store;
  std::unique_ptr<hal::modbus::MachineBus> bus;
  rt::EngineChannels channels;
  std::unique_ptr<GuardLink> guard;
  std::unique_ptr<rt::PluginWatch> watch;
  std::unique_ptr<rt::Engine> engine;
  rt::RealTickSource real_source;
  std::unique_ptr<rt::RtThread> loop;
  std::unique_ptr<station::AsioRuntime> runtime;
  std::unique_ptr<station::AuditTrail> audit;
  std::unique_ptr<station::Station> station;
  std::thread control;
  std::unique_ptr<api::ApiServer> api;
  std::shared_ptr<metrics::StationMetrics> figures;
  std::unique_ptr<metrics::Endpoint> figures_endpoint;
  bool realtime = false;
  std::map<std::string, std::string> link_words;  // what was last said of each link

  tl::expected<void, std::string> load();
  tl::expected<void, std::string> ask_for_realtime();
  tl::expected<void, std::string> open_store();
  tl::expected<void, std::string> load_plugins();
  tl::expected<void, std::string> create_bus();
  tl::expected<void, std::string> create_guard();
  tl::expected<void, std::string> build_station();
  tl::expected<void, std::string> serve_figures();
  void note_opening();
  void start_loop();
  void await_proof();
  tl::expected<void, std::string> serve();
  void stop();
};

tl::expected<void, std::string> Daemon::Impl::load() {
  auto loaded = station::load_machine(options.machine);
  if (!loaded) return Failure(loaded.error().message);
  machine = std::move(*loaded);
  if (auto ok = check_directory("--programs", options.programs); !ok) return ok;
  return check_directory("--plugins", options.plugins);
}

tl::expected<void, std::string> Daemon::Impl::ask_for_realtime() {
  const rt::SetupStep fifo = rt::probe_fifo(options.rt_priority);
  realtime = fifo.granted;
  if (!realtime && !machine.simulated) {
    return Failure("machine '" + machine.name + "' is real and is not armed without real-time " +
                   "scheduling: " + fifo.detail);
  }
  if (!realtime) {
    spdlog::warn("no real-time scheduling ({}); fine with a simulated machine only", fifo.detail);
  }
  if (machine.simulated && machine.lockstep) return {};  // stalls are the plant's too
  const auto steps = rt::set_up_process({});
  log_steps(steps);
  if (!machine.simulated && !rt::all_needed_granted(steps)) {
    for (const rt::SetupStep& step : steps) {
      if (step.needed && !step.granted) {
        return Failure("machine '" + machine.name +
                       "' is real and is not armed without a real-time " + "process: " + step.name +
                       ": " + step.detail);
      }
    }
  }
  return {};
}

tl::expected<void, std::string> Daemon::Impl::open_store() {
  auto opened = record::Store::open(options.data);
  if (!opened) return Failure(opened.error().message);
  store = std::move(*opened);
  const record::StoreReport& report = store->opening_report();
  spdlog::info("store {}: {} sessions, {} sets", report.path, report.sessions, report.sets);
  for (const std::string& note : report.notes) spdlog::warn("store: {}", note);
  log_ids("missing although acknowledged", report.missing_ids);
  log_ids("damaged", report.damaged_ids);
  log_ids("interrupted when the last process ended", report.interrupted_ids);
  return {};
}

tl::expected<void, std::string> Daemon::Impl::load_plugins() {
  for (const station::PluginError& error : plugins.load_directory(options.plugins)) {
    spdlog::warn("profile not usable: {}", error.message);
  }
  if (plugins.profiles().empty()) {
    return Failure("--plugins " + options.plugins +
                   ": no resistance profile in it can be used; build them or name their directory");
  }
  return {};
}

tl::expected<void, std::string> Daemon::Impl::create_bus() {
  hal::modbus::BusOptions bus_options;
  bus_options.simulated = machine.simulated;
  bus_options.lockstep = machine.lockstep;
  bus_options.needs_panel = true;
  bus_options.pelvis_sensor = machine.pelvis_sensor;
  for (const station::AxisMachineConfig& axis : machine.axes) {
    bus_options.axis_names.push_back(axis.name);
    bus_options.axis_coordinates.push_back(axis.engine.coordinate);
    bus_options.axis_velocity_modes.push_back(axis.engine.drive_velocity_mode);
    bus_options.axis_masses.push_back(axis.engine.control.reflected_mass);
    bus_options.axis_linked_arms.push_back(axis.engine.linked_arms);
  }
  bus_options.link_overrides = options.links;
  bus_options.device_directory = options.devices;
  bus_options.realtime_priority = realtime ? options.rt_priority - 1 : 0;
  auto created = hal::modbus::MachineBus::create(options.machine, bus_options);
  if (!created) return Failure(created.error().message);
  bus = std::move(*created);
  for (const std::string& warning : bus->warnings()) spdlog::warn("{}", warning);
  return {};
}

tl::expected<void, std::string> Daemon::Impl::create_guard() {
  const auto file = guard::load_guard_file(options.machine);
  if (!file) return Failure(file.error());
  const std::string name = options.guard.empty() ? file->name : options.guard;
  if (name.empty()) return {};
  if (!guard::valid_name(name)) {
    return Failure("--guard " + name + ": write 1-64 letters, digits, '-' or '_'");
  }
  auto link = GuardLink::create(name, machine.lockstep);
  if (!link) return Failure(link.error());
  guard = std::move(*link);
  return {};
}

// The relay must have been seen open before anybody may order a set.
void Daemon::Impl::await_proof() {
  if (!guard) return;
  const auto end = std::chrono::steady_clock::now() + kProofWait;
  std::string why;
  while (!guard->proof_ended() && std::chrono::steady_clock::now() < end) {
    why = guard->refusal(channels.status.load());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (!guard->proof_ended()) {
    spdlog::warn("not armed: {}", why);
  } else {
    spdlog::info("guard: proof test ended");
  }
}

tl::expected<void, std::string> Daemon::Impl::build_station() {
  const auto first_id = first_id_of(*store);
  if (!first_id) return Failure(first_id.error());
  runtime = std::make_unique<station::AsioRuntime>(station::AsioRuntime::Options{*first_id});
  station::StationConfig config;
  config.machine = machine;
  config.programs = station::load_programs(options.programs);
  config.realtime_granted = realtime;
  config.audit = spdlog::default_logger();
  audit = std::make_unique<station::AuditTrail>(*runtime, *store);
  config.audit_sink = audit.get();
  note_opening();
  if (guard) {
    config.arming_refusal = [this] { return guard->refusal(channels.status.load()); };
  } else if (!machine.simulated) {
    config.arming_refusal = [this] {
      return "machine '" + machine.name +
             "' is real and is not armed without a guard; add [guard] to " + options.machine +
             " and start medius-guard with it";
    };
  }
  for (const station::ProgramError& error : config.programs.errors) {
    spdlog::warn("program not usable: {}", error.message);
  }
  station =
      std::make_unique<station::Station>(*runtime, channels, plugins, *store, std::move(config));
  return {};
}

// Before the control thread runs: the station is still nobody's.
tl::expected<void, std::string> Daemon::Impl::serve_figures() {
  if (options.metrics.empty()) return {};
  const auto address = api::parse_listen(options.metrics);
  if (!address || address->is_unix) {
    return Failure("--metrics " + options.metrics +
                   ": figures are served to this computer only; write 127.0.0.1:PORT");
  }
  figures = std::make_shared<metrics::StationMetrics>();
  auto endpoint = metrics::Endpoint::start(address->host, address->port, figures);
  if (!endpoint) return Failure(endpoint.error());
  figures_endpoint = std::move(*endpoint);
  station->observe([seen = figures](const station::Snapshot& now) { seen->see(now); });
  station->observe_samples(
      [seen = figures](std::span<const rt::SampleRecord> samples) { seen->see(samples); });
  return {};
}

// What the store had to say when it was opened belongs to what is kept.
void Daemon::Impl::note_opening() {
  const record::StoreReport& report = store->opening_report();
  record::AuditEvent event;
  event.kind = record::AuditKind::kStore;
  event.who = event.role = "station";
  event.action = "store_opened";
  event.subject = "store";
  event.details = {{"machine", machine.name},
                   {"version", MEDIUS_VERSION},
                   {"schema", std::to_string(report.schema_version)},
                   {"sessions", std::to_string(report.sessions)},
                   {"sets", std::to_string(report.sets)},
                   {"missing", std::to_string(report.missing_ids.size())},
                   {"damaged", std::to_string(report.damaged_ids.size())},
                   {"interrupted", std::to_string(report.interrupted_ids.size())}};
  if (!report.notes.empty()) {
    event.result = record::AuditResult::kFailed;
    event.reason = report.notes.front();
  }
  audit->record(std::move(event));
}

void Daemon::Impl::start_loop() {
  rt::PluginWatchConfig watch_config;
  if (machine.simulated) {
    watch_config = rt::patient_plugin_watch();
  } else {
    watch_config.fifo_priority = options.rt_priority + 2;
  }
  watch = std::make_unique<rt::PluginWatch>(watch_config);
  engine = std::make_unique<rt::Engine>(machine.engine(), bus->image(), channels, watch.get());
  rt::TickSource* lockstep = bus->lockstep_source();
  rt::TickSource& source = lockstep != nullptr ? *lockstep : real_source;
  rt::RtThread::Config config;
  config.thread.fifo_priority = realtime ? options.rt_priority : 0;
  config.thread.cpu = options.rt_cpu;
  config.heartbeat = guard ? guard->heartbeat() : nullptr;
  loop = std::make_unique<rt::RtThread>(source, *engine, watch.get(), config);
  bus->start();
  log_steps(loop->start());
  for (const station::AxisMachineConfig& axis : machine.axes) {
    spdlog::info(station::budget_sentence(axis));
  }
  runtime->post([this] { station->start(); });
  control = std::thread([this] { runtime->run(); });
}

tl::expected<void, std::string> Daemon::Impl::serve() {
  const auto listen = api::parse_listen(options.listen);
  if (!listen) return Failure(listen.error());
  api::ServerOptions server;
  server.listen = *listen;
  if (!options.remote.empty()) {
    const auto remote = api::parse_remote(options.remote);
    if (!remote) return Failure(remote.error());
    server.remote = api::RemoteOptions{*remote, options.tls};
  }
  std::error_code error;
  server.store_path = fs::absolute(options.data, error).lexically_normal().string();
  auto started = api::ApiServer::start(server, {*runtime, *station, plugins, *store, audit.get()});
  if (!started) return Failure(started.error());
  api = std::move(*started);
  if (!options.remote.empty()) say_certificate(options.tls);
  return {};
}

void Daemon::Impl::stop() {
  if (api) api->refuse_orders();
  if (control.joinable()) {
    const auto down = std::make_shared<std::promise<void>>();
    runtime->post([this, down] { station->shutdown([down] { down->set_value(); }); });
    if (down->get_future().wait_for(kStationDown) != std::future_status::ready) {
      // Whatever keeps the control thread would keep its join too.
      spdlog::critical("the station did not come down in time; the drive's watchdog unloads");
      spdlog::shutdown();
      std::_Exit(1);
    }
    if (api) api->shutdown();
    runtime->stop();
    control.join();
    // The record thread may still be at work for the station, which is destroyed before it.
    std::promise<void> idle;
    runtime->run_blocking([&idle] { idle.set_value(); }, {});
    idle.get_future().wait();
    record::AuditEvent event;
    event.kind = record::AuditKind::kSession;
    event.who = event.role = "station";
    event.action = "controller_stopped";
    audit->record(std::move(event));
    audit->flush();
  }
  if (bus) bus->stop_lockstep_source();
  real_source.request_stop();
  if (loop) loop->stop();
  if (bus) bus->stop();
}

Daemon::Daemon(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Daemon::~Daemon() {
  stop();
}

tl::expected<std::unique_ptr<Daemon>, std::string> Daemon::start(const DaemonOptions& options) {
  const auto listen = api::parse_listen(options.listen);
  if (!listen) return Failure(listen.error());
  use_small_stacks();
  std::unique_ptr<Daemon> daemon(new Daemon(std::make_unique<Impl>()));
  Impl& impl = *daemon->impl_;
  impl.options = options;
  // What can be refused comes before what is started.
  if (auto ok = impl.load(); !ok) return Failure(ok.error());
  if (auto ok = impl.ask_for_realtime(); !ok) return Failure(ok.error());
  if (!impl.machine.simulated) {
    if (auto ok = api::check_private(*listen); !ok) return Failure(ok.error());
  }
  if (auto ok = api::check_free(*listen); !ok) return Failure(ok.error());
  if (auto ok = impl.load_plugins(); !ok) return Failure(ok.error());
  if (auto ok = impl.create_bus(); !ok) return Failure(ok.error());
  if (auto ok = impl.create_guard(); !ok) return Failure(ok.error());
  if (auto ok = impl.open_store(); !ok) return Failure(ok.error());
  if (auto ok = impl.build_station(); !ok) return Failure(ok.error());
  if (auto ok = impl.serve_figures(); !ok) return Failure(ok.error());
  impl.start_loop();
  impl.await_proof();
  if (auto ok = impl.serve(); !ok) return Failure(ok.error());
  return daemon;
}

std::string Daemon::remote_address() const {
  return impl_->api->remote_address();
}

std::string Daemon::metrics_address() const {
  return impl_->figures_endpoint ? impl_->figures_endpoint->address() : std::string();
}

std::string Daemon::address() const {
  return impl_->api->address();
}

bool Daemon::look_after() {
  std::vector<std::string> notes;
  const std::vector<hal::modbus::LinkStatus> links = impl_->bus->status();
  if (impl_->figures) impl_->figures->see(links);
  for (const hal::modbus::LinkStatus& link : links) {
    std::string words = hal::modbus::to_string(link.state);
    if (!link.message.empty()) words += ": " + link.message;
    if (impl_->link_words[link.name] != words) {
      impl_->link_words[link.name] = words;
      const bool well = link.state == hal::modbus::LinkState::kUp;
      spdlog::log(well ? spdlog::level::info : spdlog::level::warn, "link {} ({}): {}", link.name,
                  link.address, words);
    }
    if (!link.message.empty()) notes.push_back("link " + link.name + ": " + link.message);
    for (const std::string& warning : link.warnings) notes.push_back(warning);
  }
  impl_->api->set_notes(std::move(notes));
  return impl_->loop->running();
}

void Daemon::stop() {
  impl_->stop();
}

}  // namespace medius
