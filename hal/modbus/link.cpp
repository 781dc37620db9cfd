#include "hal/modbus/link.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <pthread.h>

#include "controller/base/tick.hpp"
#include "hal/modbus/descriptor_names.hpp"

namespace medius::hal::modbus {
namespace {

// The bus round begins when the loop's output of the tick is there, and ends well before the next
// tick.
constexpr std::int64_t kPhaseAfterTickNs = 300'000;
// How fast the bus' phase follows the loop's.
constexpr std::int64_t kPhaseStepNs = 50'000;
// Wrong answers in a row after which the stream is thought to be out of step.
constexpr int kMaxNotAccepted = 5;
// A refused device is looked at again: it may have been replaced or reconfigured.
constexpr int kRefusedRetryMs = 1000;
constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kLockstepLookUpNs = 100'000'000;

std::int64_t wrapped_phase(std::int64_t difference_ns) noexcept {
  std::int64_t phase = difference_ns % kTickPeriodNs;
  if (phase > kTickPeriodNs / 2) phase -= kTickPeriodNs;
  if (phase < -kTickPeriodNs / 2) phase += kTickPeriodNs;
  return phase;
}

}  // namespace

Link::Link(const LinkPlan& plan, const BusPlan& bus, LockstepGate* gate)
    : plan_(plan),
      lockstep_(bus.lockstep),
      realtime_priority_(bus.realtime_priority),
      round_ns_(plan.round_us * 1000ll),
      has_pads_(plan.has_pads()),
      gate_(gate),
      backoff_ms_(plan.reconnect_min_ms) {
  for (const DevicePlan& device : plan_.devices) {
    switch (device.descriptor.kind) {
      case DeviceKind::kDrive:
        drives_.emplace_back(device, bus.relay_stands_in);
        break;
      case DeviceKind::kPanel:
        panels_.emplace_back(device);
        gives_panel_ = gives_safety_ = true;
        break;
      case DeviceKind::kIo:
        ios_.emplace_back(device);
        gives_panel_ = gives_panel_ || gives_panel(device.descriptor);
        gives_safety_ = gives_safety_ || gives_safety(device.descriptor);
        break;
      case DeviceKind::kLoadCell:
        cells_.emplace_back(device);
        break;
      case DeviceKind::kPelvisTilt:
        pelvis_.emplace_back(device);
        input_.pelvis.present = true;
        break;
    }
  }
}

void Link::start() {
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
}

void Link::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

LinkStatus Link::status() const {
  LinkStatus status;
  status.name = plan_.name;
  status.address = plan_.address;
  status.counters = published_counters_.load();
  status.rtt_ns_p50 = rtt_.quantile_ns(0.50);
  status.rtt_ns_p99 = rtt_.quantile_ns(0.99);
  status.rtt_ns_max = rtt_.max_ns();
  const std::lock_guard lock(mutex_);
  status.state = state_;
  status.message = message_;
  status.warnings = warnings_;
  status.epoch = published_epoch_;
  return status;
}

void Link::read(MachineInput& input) noexcept {
  inputs_.load(seen_);
  const auto take_cells = [&](std::size_t axis) {
    input.axis[axis].load_cell = seen_.axis[axis].load_cell;
    input.axis[axis].pad = seen_.axis[axis].pad;
  };
  for (const DriveSession& drive : drives_) {
    const auto axis = static_cast<std::size_t>(drive.plan().axis);
    input.axis[axis].drive = seen_.axis[axis].drive;
    if (drive.plan().descriptor.measures_force()) take_cells(axis);
  }
  for (const LoadCellSession& cell : cells_) {
    take_cells(static_cast<std::size_t>(cell.plan().axis));
  }
  if (gives_panel_) input.panel = seen_.panel;
  if (gives_safety_) input.safety = seen_.safety;
  if (!pelvis_.empty()) {
    input.pelvis = seen_.pelvis;
    input.pelvis.present = true;
  }
}

void Link::write(const Tick& tick, const MachineOutput& output) noexcept {
  orders_.store({output, tick.index, tick.nominal_ns, true});
}

void Link::run() {
  ::pthread_setname_np(::pthread_self(), ("bus " + plan_.name).substr(0, 15).c_str());
  set_realtime();
  while (!stopping_) {
    if (!connection_.is_open() && !connect()) continue;
    RoundInput round;
    if (await_round(round)) make_round(round);
  }
  if (connection_.is_open()) {
    for (DriveSession& drive : drives_) drive.farewell(connection_);
    for (PanelSession& panel : panels_) panel.farewell(connection_);
  }
  lose("stopped");
}

void Link::set_realtime() const {
  if (realtime_priority_ <= 0) return;
  sched_param parameters{};
  parameters.sched_priority = realtime_priority_;
  // Without the permission the thread stays as it is; who may run without it is decided elsewhere.
  ::pthread_setschedparam(::pthread_self(), SCHED_FIFO, &parameters);
}

Outcome Link::open() {
  return plan_.transport == Transport::kTcp
             ? connection_.open(plan_.numeric_ip, plan_.port, plan_.response_timeout_ms)
             : connection_.open_line(plan_.line, plan_.response_timeout_ms);
}

// False when a device is refused: then the link is closed and says why.
bool Link::admit_all(std::string& problem, std::vector<std::string>& warnings) {
  const auto admit = [&](auto& sessions) {
    for (auto& session : sessions) {
      if (!problem.empty()) return true;
      Admission admission = session.admit(connection_);
      if (!admission.refusal.empty()) {
        connection_.close();
        set_state(LinkState::kRefused, admission.refusal);
        return false;
      }
      if (admission.outcome != Outcome::kOk) {
        problem = fmt::format(
            "{} ({}): {} does not answer while it is set up: {}; check unit id and "
            "register map, and that no other controller is connected",
            plan_.name, plan_.address, session.plan().name, connection_.error());
      }
      std::move(admission.warnings.begin(), admission.warnings.end(), std::back_inserter(warnings));
    }
    return true;
  };
  return admit(drives_) && admit(panels_) && admit(ios_) && admit(cells_) && admit(pelvis_);
}

bool Link::connect() {
  set_state(LinkState::kConnecting, message_);
  std::string problem;
  std::vector<std::string> warnings;
  if (open() != Outcome::kOk) {
    problem = fmt::format("{} ({}): no connection: {}; start the device or correct the [[link]]",
                          plan_.name, plan_.address, connection_.error());
  } else if (!admit_all(problem, warnings)) {
    publish_counters();
    pause_ms(kRefusedRetryMs);
    return false;
  }
  if (!problem.empty()) {
    ++counters_.connection_errors;
    publish_counters();
    connection_.close();
    set_state(LinkState::kDown, problem);
    pause_ms(backoff_ms_);
    backoff_ms_ = std::min(2 * backoff_ms_, plan_.reconnect_max_ms);
    return false;
  }
  ++epoch_;
  ++counters_.connects;
  backoff_ms_ = plan_.reconnect_min_ms;
  not_accepted_in_a_row_ = 0;
  flushed_before_ = connection_.flushed_bytes();
  next_round_ns_ = monotonic_ns();
  round_number_ = 0;  // every device has its turn in the first round
  {
    const std::lock_guard lock(mutex_);
    warnings_ = std::move(warnings);
    published_epoch_ = epoch_;
  }
  set_state(LinkState::kUp, "");
  if (gate_ != nullptr) gate_->set_link_up(true);
  return true;
}

bool Link::await_round(RoundInput& round) {
  if (lockstep_) {
    std::int64_t nominal_ns = 0;
    if (!gate_->await_request(kLockstepLookUpNs, nominal_ns)) return false;
    round = next_round(nominal_ns);
    return true;
  }
  const std::int64_t now = monotonic_ns();
  next_round_ns_ += round_ns_;
  if (order_.valid && round_ns_ == kTickPeriodNs) {
    const std::int64_t error =
        wrapped_phase(order_.nominal_ns + kPhaseAfterTickNs - next_round_ns_);
    next_round_ns_ += std::clamp(error, -kPhaseStepNs, kPhaseStepNs);
  }
  if (next_round_ns_ < now - round_ns_) next_round_ns_ = now;  // skip whole periods, keep going
  sleep_until_ns(next_round_ns_);
  round = next_round(0);
  return true;
}

RoundInput Link::next_round(std::int64_t lockstep_nominal_ns) {
  orders_.load(order_);
  RoundInput round;
  round.epoch = epoch_;
  round.stamp_ns = lockstep_nominal_ns;
  const bool renewed = order_.valid && order_.tick != sent_tick_;
  if (lockstep_) {
    // The machine waits for this round. Without a first output of the loop it gets a harmless one.
    round.send = true;
    round.sequence = renewed ? static_cast<std::uint16_t>(order_.tick)
                             : static_cast<std::uint16_t>(sequence_ + 1);
    if (order_.valid) round.output = order_.output;
  } else {
    // A loop that does not renew its output must not keep the machine's watchdogs content.
    int stale_ms = 20;
    for (const DriveSession& drive : drives_) stale_ms = drive.plan().descriptor.stale_ms;
    const bool stale = monotonic_ns() - order_.nominal_ns > stale_ms * kNsPerMs;
    if (order_.valid && stale) ++counters_.output_stale;
    round.send = renewed && !stale;
    round.sequence = static_cast<std::uint16_t>(order_.tick);
    round.output = order_.output;
  }
  if (round.send) {
    sent_tick_ = order_.tick;
    sequence_ = round.sequence;
  }
  return round;
}

void Link::make_round(const RoundInput& round) {
  const std::int64_t started_ns = monotonic_ns();
  const Exchange result = make_exchanges(round);
  ++round_number_;
  if (result == Exchange::kLinkFailed) {
    lose(fmt::format("{} ({}): {}; reconnecting", plan_.name, plan_.address, connection_.error()));
    return;
  }
  not_accepted_in_a_row_ = result == Exchange::kAccepted ? 0 : not_accepted_in_a_row_ + 1;
  const std::uint64_t flushed = connection_.flushed_bytes() - flushed_before_;
  counters_.flushed_bytes += flushed;
  flushed_before_ += flushed;
  if (not_accepted_in_a_row_ >= kMaxNotAccepted) {
    lose(fmt::format(
        "{} ({}): {} answers in a row were not to be trusted (exception, old sequence echo "
        "or a device clock that stands still); check that no other controller writes",
        plan_.name, plan_.address, not_accepted_in_a_row_));
    pause_ms(backoff_ms_);
    return;
  }
  publish();
  publish_counters();
  if (!lockstep_) return;
  // The machine did not make this tick: nothing but the clock holds the loop back.
  if (result != Exchange::kAccepted) sleep_until_ns(started_ns + kTickPeriodNs);
  gate_->complete();
}

bool Link::due(const DevicePlan& device) const noexcept {
  return round_number_ % static_cast<std::uint64_t>(device.every_rounds) == 0;
}

Exchange Link::exchange_drive(DriveSession& drive, const RoundInput& round, ExchangeStats& stats) {
  const DevicePlan& plan = drive.plan();
  const auto axis = static_cast<std::size_t>(plan.axis);
  Exchange worst = drive.exchange(connection_, round, input_.axis[axis], stats);
  if (worst == Exchange::kLinkFailed) return worst;
  rtt_.add(stats.rtt_ns);
  // A sample need not wait for the other devices of a slow line; a pad waits for the other one.
  if (!lockstep_ && !has_pads_) publish();
  const std::int64_t slow_ns = plan.descriptor.config_period_ms * kNsPerMs;
  const auto period = static_cast<std::uint64_t>(std::max<std::int64_t>(2, slow_ns / round_ns_));
  if (round_number_ % period == 1) {
    worst = std::max(worst, drive.read_limits(connection_, stats));
  }
  if (drive.trouble() != trouble_shown_) {
    trouble_shown_ = drive.trouble();
    set_state(LinkState::kUp, trouble_shown_);
  }
  return worst;
}

Exchange Link::exchange_cells(const RoundInput& round, ExchangeStats& stats) {
  Exchange worst = Exchange::kAccepted;
  // Where the drive's own cell is one of two pads, none is renewed without the other.
  if (has_pads_ && std::any_of(drives_.begin(), drives_.end(), [&](const DriveSession& drive) {
        return proves_nothing(drive.plan().descriptor, round);
      })) {
    return worst;
  }
  for (LoadCellSession& cell : cells_) {
    if (!due(cell.plan())) continue;
    AxisInput& axis = input_.axis[static_cast<std::size_t>(cell.plan().axis)];
    worst = std::max(worst, cell.exchange(connection_, round, cell_of(cell.plan(), axis), stats));
    if (worst == Exchange::kLinkFailed) return worst;
    if (drives_.empty()) rtt_.add(stats.rtt_ns);
  }
  if (!lockstep_ && has_pads_) publish();
  return worst;
}

Exchange Link::exchange_sensors(const RoundInput& round, ExchangeStats& stats) {
  Exchange worst = exchange_cells(round, stats);
  if (worst == Exchange::kLinkFailed) return worst;
  for (PanelSession& panel : panels_) {
    if (!due(panel.plan())) continue;
    worst = std::max(worst, panel.exchange(connection_, round, input_, stats));
    if (worst == Exchange::kLinkFailed) return worst;
  }
  for (IoSession& io : ios_) {
    if (!due(io.plan())) continue;
    worst = std::max(worst, io.exchange(connection_, round, input_, stats));
    if (worst == Exchange::kLinkFailed) return worst;
  }
  for (PelvisSession& sensor : pelvis_) {
    if (!due(sensor.plan())) continue;
    // An exception of a sensor is no reason to distrust the drives' samples.
    if (sensor.exchange(connection_, round, input_.pelvis, stats) == Exchange::kLinkFailed) {
      return Exchange::kLinkFailed;
    }
  }
  return worst;
}

Exchange Link::make_exchanges(const RoundInput& round) {
  ExchangeStats stats{counters_};
  Exchange worst = Exchange::kAccepted;
  for (DriveSession& drive : drives_) {
    if (!due(drive.plan())) continue;
    worst = std::max(worst, exchange_drive(drive, round, stats));
    if (worst == Exchange::kLinkFailed) return worst;
  }
  return std::max(worst, exchange_sensors(round, stats));
}

void Link::lose(const std::string& why) {
  connection_.close();
  for (AxisInput& axis : input_.axis) {
    axis.drive.freshness.valid = false;
    axis.load_cell.freshness.valid = false;
    for (LoadCellInput& pad : axis.pad) pad.freshness.valid = false;
  }
  input_.panel.freshness.valid = false;
  input_.safety.freshness.valid = false;
  input_.pelvis.freshness.valid = false;
  publish();
  publish_counters();
  set_state(LinkState::kDown, why);
  if (gate_ != nullptr) gate_->set_link_up(false);
}

void Link::publish() noexcept {
  for (const DevicePlan& device : plan_.devices) {
    if (device.pad != 0) continue;
    // What the loop is to hold of linked arms is both.
    AxisInput& axis = input_.axis[static_cast<std::size_t>(device.axis)];
    axis.load_cell = both_pads(axis.pad);
  }
  inputs_.store(input_);
}
void Link::publish_counters() noexcept {
  published_counters_.store(counters_);
}

void Link::pause_ms(int milliseconds) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, std::chrono::milliseconds(milliseconds),
                 [this] { return stopping_.load(); });
}

void Link::set_state(LinkState state, std::string message) {
  const std::lock_guard lock(mutex_);
  state_ = state;
  message_ = std::move(message);
}

}  // namespace medius::hal::modbus
