#include "controller/station/station.hpp"

#include <utility>

#include <spdlog/spdlog.h>

#include "controller/base/tick.hpp"
#include "controller/station/station_impl.hpp"

namespace medius::station {
namespace {

std::shared_ptr<spdlog::logger> silent_logger() {
  auto logger = std::make_shared<spdlog::logger>("silent");
  logger->set_level(spdlog::level::off);
  return logger;
}

}  // namespace

const char* to_string(StationState state) noexcept {
  switch (state) {
    case StationState::kIdle:
      return "idle";
    case StationState::kArming:
      return "arming";
    case StationState::kPretension:
      return "pretension";
    case StationState::kReady:
      return "ready";
    case StationState::kWorking:
      return "working";
    case StationState::kUnloading:
      return "unloading";
    case StationState::kResting:
      return "resting";
    case StationState::kFault:
      return "fault";
    case StationState::kGuided:
      return "guided";
  }
  return "unknown";
}

Station::Impl::Impl(Runtime& the_runtime, rt::EngineChannels& channels, PluginHost& the_plugins,
                    record::Store& store, StationConfig the_config)
    : runtime(the_runtime),
      plugins(the_plugins),
      config(std::move(the_config)),
      audit(config.audit ? config.audit : silent_logger()),
      loop(channels),
      records(the_runtime, channels, store,
              {[this](const std::string& id, const measure::RepMetrics& rep) { on_rep(id, rep); },
               [this](const record::StoredSet& stored) { on_stored(stored); },
               [this](const std::string& message) { on_store_trouble(message); }}),
      plans(the_runtime, store, config.programs, config.machine,
            {[this](const SettledSession& settled) { on_plan_settled(settled); },
             [this](const std::string& message) { audit->error("plan: {}", message); }}) {
  fill(snapshot);
}

void Station::Impl::start() {
  audit->info("station starts: machine '{}' ({}), {} programs, {} profiles", config.machine.name,
              config.machine.simulated ? "simulated" : "real", config.programs.programs.size(),
              plugins.profiles().size());
  now_ns = runtime.monotonic_ns();
  next_step_ns = now_ns;
  plans.start();
  schedule_step();
}

// Keeps the phase; after a stall it goes on from now.
void Station::Impl::schedule_step() {
  next_step_ns += kStepNs;
  if (next_step_ns < now_ns) next_step_ns = now_ns;
  const std::weak_ptr<char> weak = alive;
  timer = runtime.at(next_step_ns, [this, weak] {
    if (weak.lock()) step();
  });
}

// Everything the station does by itself happens here, in this order.
void Station::Impl::step() {
  now_ns = runtime.monotonic_ns();
  ++steps;
  loop.poll(now_ns, [this](const rt::Event& event) { on_event(event); });
  expire_orders();
  look_after_trainer();
  watch_load_change();
  watch_fault();
  switch (state) {
    case StationState::kIdle:
      break;
    case StationState::kArming:
      step_arming();
      break;
    case StationState::kPretension:
      step_pretension();
      break;
    case StationState::kReady:
      step_ready();
      break;
    case StationState::kWorking:
      step_working();
      break;
    case StationState::kUnloading:
      step_unloading();
      break;
    case StationState::kResting:
      step_resting();
      break;
    case StationState::kFault:
      step_fault();
      break;
    case StationState::kGuided:
      step_guided();
      break;
  }
  records.step(now_ns);
  plans.step(now_ns, records.unacknowledged() == 0);
  if (steps % kDrainSteps == 0) records.drain();
  check_shutdown();
  publish_if_due();
  schedule_step();
}

void Station::Impl::shutdown(std::function<void()> done) {
  if (shutting_down) {
    auto both = [first = std::exchange(shutdown_done, nullptr), second = std::move(done)] {
      if (first) first();
      if (second) second();
    };
    if (is_down) {
      runtime.post(both);
    } else {
      shutdown_done = both;
    }
    return;
  }
  shutting_down = true;
  now_ns = runtime.monotonic_ns();
  loop.refresh(now_ns);
  shutdown_done = std::move(done);
  shutdown_deadline_ns = now_ns + static_cast<std::int64_t>(kShutdownTimeoutS * 1e9);
  audit->info("station shuts down in state {}", to_string(state));
  session_ends_after_set = true;
  end_reason = "the controller shuts down";
  stop_now(record::SetEnd::kInterrupted, end_reason);
}

// Ends when everything is stored, or after its time with what was left open (closed as interrupted
// by the next start).
void Station::Impl::check_shutdown() {
  if (!shutdown_done) return;
  const bool at_rest = state == StationState::kIdle || state == StationState::kFault;
  const bool all_kept = records.unacknowledged() == 0 && plans.unsettled() == 0;
  if (!(at_rest && all_kept) && now_ns < shutdown_deadline_ns) return;
  if (!at_rest) drives_off();
  audit->info("station is down; {} sets not stored", records.unacknowledged());
  publish();
  is_down = true;
  runtime.post(std::exchange(shutdown_done, nullptr));  // posted: it may destroy the station
}

double Station::Impl::in_state_s() const {
  return static_cast<double>(loop.status().tick - state_tick) * kTickPeriodS;
}

const rt::AxisStatus& Station::Impl::axis_status() const {
  return loop.status().axis[set ? set->first().axis : 0];
}

std::uint64_t Station::Impl::send_to_sides(rt::Command command) {
  std::uint64_t id = 0;
  for (const SetSide& side : set->sides) {
    command.axis = side.axis;
    id = loop.send(command);
  }
  return id;
}

Station::Station(Runtime& runtime, rt::EngineChannels& channels, PluginHost& plugins,
                 record::Store& store, StationConfig config)
    : impl_(std::make_unique<Impl>(runtime, channels, plugins, store, std::move(config))) {}

Station::~Station() {
  impl_->runtime.cancel(impl_->timer);
}

void Station::start() {
  impl_->start();
}
void Station::shutdown(std::function<void()> done) {
  impl_->shutdown(std::move(done));
}
void Station::start_session(const StartSessionOrder& order, Answer<Receipt> answer) {
  impl_->start_session(order, answer);
}
void Station::start_set(const StartSetOrder& order, Answer<Receipt> answer) {
  impl_->start_set(order, answer);
}
void Station::adjust_load(const AdjustLoadOrder& order, Answer<Receipt> answer) {
  impl_->adjust_load(order, answer);
}
void Station::set_parameter(const SetParameterOrder& order, Answer<Receipt> answer) {
  impl_->set_parameter(order, answer);
}
void Station::pause(const OrderHeader& header, Answer<Receipt> answer) {
  impl_->pause(header, answer);
}
void Station::resume(const OrderHeader& header, Answer<Receipt> answer) {
  impl_->resume(header, answer);
}
void Station::confirm_guided(const ConfirmGuidedOrder& order, Answer<Receipt> answer) {
  impl_->confirm_guided(order, answer);
}
void Station::stop(const OrderHeader& header, Answer<Receipt> answer) {
  impl_->stop(header, answer);
}
tl::expected<LeaseGrant, Refusal> Station::acquire_lease(const LeaseRequest& request) {
  return impl_->acquire_lease(request);
}
tl::expected<Lease, Refusal> Station::renew_lease(const LeaseClaim& claim) {
  return impl_->renew_lease(claim);
}
tl::expected<void, Refusal> Station::release_lease(const LeaseClaim& claim) {
  return impl_->release_lease(claim);
}
tl::expected<Lease, Refusal> Station::hand_over_lease(const LeaseClaim& claim,
                                                      const std::string& to) {
  return impl_->hand_over_lease(claim, to);
}
void Station::client_lost(const std::string& client_name) {
  impl_->client_lost(client_name);
}
void Station::client_returned(const std::string& client_name) {
  impl_->client_returned(client_name);
}
const Snapshot& Station::snapshot() const {
  return impl_->snapshot;
}
const ProgramLibrary& Station::programs() const {
  return impl_->config.programs;
}

PeopleDesk Station::people() const {
  return impl_->plans.desk();
}

Station::ObserverId Station::observe(Observer observer) {
  const ObserverId id = impl_->next_observer++;
  impl_->observers.emplace(id, std::make_shared<Observer>(std::move(observer)));
  return id;
}
void Station::unobserve(ObserverId id) {
  impl_->observers.erase(id);
}
Station::ObserverId Station::observe_samples(SampleObserver observer) {
  return impl_->records.observe_samples(std::move(observer));
}
void Station::unobserve_samples(ObserverId id) {
  impl_->records.unobserve_samples(id);
}

}  // namespace medius::station
