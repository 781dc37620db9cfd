#include "hal/commission/identify_session.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "controller/base/clamp.hpp"
#include "controller/base/tick.hpp"
#include "controller/rt/host/process_setup.hpp"
#include "hal/modbus/cia402.hpp"
#include "hal/modbus/codec.hpp"
#include "hal/modbus/lockstep.hpp"

namespace medius::hal {
namespace {

constexpr double kNsPerS = 1e9;
constexpr double kNsPerMs = 1e6;
constexpr int kRestTicks = 1500;
constexpr int kLinkTicksMost = 15'000;   // for links to come up
constexpr int kEnableTicksMost = 8'000;  // for the drive to become enabled
constexpr int kSettleTicks = 300;        // enabled, without force
constexpr int kGoodbyeTicks = 150;       // disabled, so that the slowest bus says so
constexpr int kRecordEvery = 5;
constexpr double kSpeedFilterS = 0.004;
constexpr double kRestSpeed = 0.02;  // m/s | rad/s

// Position's own speed: a difference from sample to sample, smoothed a little.
class SpeedMeter {
 public:
  void take(std::int64_t stamp_ns, double position) noexcept {
    if (last_ns_ != 0 && stamp_ns > last_ns_) {
      const double dt_s = static_cast<double>(stamp_ns - last_ns_) / kNsPerS;
      const double speed = (position - last_position_) / dt_s;
      speed_ += (speed - speed_) * dt_s / (dt_s + kSpeedFilterS);
    }
    last_ns_ = stamp_ns;
    last_position_ = position;
  }
  [[nodiscard]] double speed() const noexcept { return speed_; }

 private:
  std::int64_t last_ns_ = 0;
  double last_position_ = 0.0;
  double speed_ = 0.0;
};

enum class Phase : std::uint8_t { kLinks, kRest, kEnable, kSettle, kRun, kGoodbye, kEnd };

class Session {
 public:
  Session(modbus::MachineBus& bus, const SessionOptions& options)
      : bus_(bus),
        options_(options),
        excitation_(options.excitation),
        coarse_(options.excitation.force_step > coarse_step(options.excitation.coordinate)),
        counts_(options.excitation.force_step, options.excitation.limits.force) {}

  void run() {
    Tick tick;
    while (phase_ != Phase::kEnd && next(tick)) {
      bus_.image().read(tick, input_);
      take_samples(tick);
      MachineOutput output;
      output.tick = tick.index;
      AxisOutput& axis = output.axis[options_.axis];
      axis.force_limit = options_.excitation.limits.force;
      axis.speed_limit = options_.excitation.limits.speed;
      output.hold_relay = phase_ != Phase::kEnd;
      step(tick, axis);
      note_command(tick, axis.force);
      bus_.image().write(tick, output);
      ++ticks_;
      publish();
    }
  }

  SessionRecord& record() noexcept { return record_; }
  void ask_to_stop() noexcept { asked_to_stop_ = true; }
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  [[nodiscard]] double share() const noexcept { return share_; }
  [[nodiscard]] int shown_stage() const noexcept { return shown_stage_; }
  void end() noexcept { ended_ = true; }

 private:
  bool next(Tick& tick) noexcept {
    if (rt::TickSource* const source = bus_.lockstep_source(); source != nullptr) {
      return source->wait_next(tick);
    }
    if (next_ns_ == 0) next_ns_ = modbus::monotonic_ns();
    next_ns_ += kTickPeriodNs;
    modbus::sleep_until_ns(next_ns_);
    const std::int64_t late_ns = modbus::monotonic_ns() - next_ns_;
    tick = {++index_, next_ns_, late_ns, 0};
    // Periods that have passed are skipped, never run back to back.
    next_ns_ += late_ns / kTickPeriodNs * kTickPeriodNs;
    return true;
  }

  [[nodiscard]] const DriveInput& drive() const noexcept {
    return input_.axis[options_.axis].drive;
  }
  [[nodiscard]] const LoadCellInput& cell() const noexcept {
    return input_.axis[options_.axis].load_cell;
  }

  void take_samples(const Tick& tick) {
    const Freshness& fresh = drive().freshness;
    if (!fresh.valid || fresh.sequence == sequence_) return;
    if (sequence_ != 0 && phase_ == Phase::kRun) {
      record_.cycles_ms.push_back(static_cast<double>(fresh.stamp_ns - stamp_ns_) / kNsPerMs);
    }
    sequence_ = fresh.sequence;
    stamp_ns_ = fresh.stamp_ns;
    speed_.take(fresh.stamp_ns, drive().position);
    if (phase_ != Phase::kRun) return;
    record_.ages_ms.push_back(static_cast<double>(age_ns(tick, fresh)) / kNsPerMs);
    if (excitation_.stage() != Stage::kStrokes) return;
    record_.motion.push_back({time_of(fresh.stamp_ns), drive().position, cell().force - zero_});
    record_.velocity_product += drive().velocity * speed_.speed();
    record_.velocity_squares += speed_.speed() * speed_.speed();
  }

  void step(const Tick& tick, AxisOutput& axis) {
    if (asked_to_stop_ && phase_ != Phase::kGoodbye) leave("interrupted");
    switch (phase_) {
      case Phase::kLinks:
        step_links();
        break;
      case Phase::kRest:
        step_rest();
        break;
      case Phase::kEnable:
        step_enable(axis);
        break;
      case Phase::kSettle:
        axis.request = DriveRequest::kEnable;
        start_ = drive().position;
        if (const char* const why = reason(tick); why != nullptr) leave(why);
        if (++phase_ticks_ > kSettleTicks) enter(Phase::kRun);
        break;
      case Phase::kRun:
        step_run(tick, axis);
        break;
      case Phase::kGoodbye:
        if (drive_left_) name_cause(tick);
        if (++phase_ticks_ > kGoodbyeTicks) enter(Phase::kEnd);
        break;
      case Phase::kEnd:
        break;
    }
  }

  void step_links() {
    const bool there = drive().freshness.valid && cell().freshness.valid &&
                       (!options_.panel_is_there || input_.panel.freshness.valid);
    if (there) {
      enter(Phase::kRest);
    } else if (++phase_ticks_ > kLinkTicksMost) {
      leave("not all links came up within 15 s");
    }
  }

  void step_rest() {
    if (cell().freshness.sequence != cell_sequence_) {
      cell_sequence_ = cell().freshness.sequence;
      record_.rest_cell.push_back(cell().force);
    }
    if (absolute(speed_.speed()) > kRestSpeed) {
      leave("it moves although the drive is off; hold it still, then try again");
    }
    if (++phase_ticks_ <= kRestTicks) return;
    for (const double each : record_.rest_cell) {
      zero_ += each / static_cast<double>(record_.rest_cell.size());
    }
    enter(Phase::kEnable);
  }

  void step_enable(AxisOutput& axis) {
    const bool faulted =
        drive().state == DriveState::kFault || drive().state == DriveState::kFaultReactionActive;
    axis.request = faulted ? DriveRequest::kResetFault : DriveRequest::kEnable;
    record_.moved_at_all = true;
    const bool chain = !input_.safety.freshness.valid ||
                       (input_.safety.estop_released && input_.safety.relay_closed);
    if (drive().state == DriveState::kOperationEnabled && chain) {
      enter(Phase::kSettle);
    } else if (++phase_ticks_ > kEnableTicksMost) {
      leave(fmt::format(
          "the drive stays in '{}'{}{}{}; check supply, safe torque off, e-stop and "
          "the panel's relay",
          to_string(drive().state), drive().sto_active ? ", safe torque off is active" : "",
          input_.safety.estop_released ? "" : ", the e-stop chain is open",
          input_.safety.relay_closed ? "" : ", the safe-state relay is open"));
    }
  }

  void step_run(const Tick& tick, AxisOutput& axis) {
    if (const char* const why = reason(tick); why != nullptr) {
      drive_left_ = drive().state != DriveState::kOperationEnabled;
      leave(fmt::format("{} (at {:.3f} from the start, speed {:.3f}, while {})", why,
                        drive().position - start_, speed_.speed(), to_string(excitation_.stage())));
      return;
    }
    axis.request = DriveRequest::kEnable;
    const double force = excitation_.step({drive().position, speed_.speed(), cell().force - zero_});
    // Whole counts change when a sample has come: then each lasts a bus cycle.
    if (coarse_ && sequence_ != counted_sequence_) counted_ = counts_.next(force);
    counted_sequence_ = sequence_;
    axis.force = coarse_ ? counted_ : force;
    record_.speed_reached = at_least(record_.speed_reached, absolute(speed_.speed()));
    record_.force_reached = at_least(record_.force_reached, absolute(axis.force));
    if (ticks_ % kRecordEvery == 0) {
      record_.ticks.push_back({time_of(tick.nominal_ns), drive().position - start_, speed_.speed(),
                               cell().force - zero_, axis.force, excitation_.stage()});
    }
    if (excitation_.stage() != Stage::kDone) return;
    record_.excitation = excitation_.result();
    axis.force = 0.0;
    enter(Phase::kGoodbye);
  }

  // The drive was off first: the panel's bits, read less often, now say why.
  void name_cause(const Tick& tick) {
    const char* const chain = chain_reason(watched(tick));
    if (chain == nullptr) return;
    drive_left_ = false;
    if (record_.stopped.find(chain) == std::string::npos) {
      record_.stopped = fmt::format("{}: {}", chain, record_.stopped);
    }
  }

  [[nodiscard]] const char* reason(const Tick& tick) const {
    return reason_to_stop(watched(tick), options_.excitation.limits);
  }

  [[nodiscard]] WatchInput watched(const Tick& tick) const {
    WatchInput watch;
    watch.position = drive().position;
    watch.start = start_;
    watch.velocity = speed_.speed();
    watch.drive_age_ms = static_cast<double>(age_ns(tick, drive().freshness)) / kNsPerMs;
    watch.cell_age_ms = static_cast<double>(age_ns(tick, cell().freshness)) / kNsPerMs;
    watch.tick_late_ms = static_cast<double>(tick.late_ns) / kNsPerMs;
    watch.cell_saturated = cell().saturated;
    watch.state = drive().state;
    watch.watchdog_tripped = drive().watchdog_tripped;
    watch.stop_pressed = input_.panel.stop_pressed;
    if (input_.safety.freshness.valid) {
      watch.estop_released = input_.safety.estop_released;
      watch.relay_closed = input_.safety.relay_closed;
      watch.safety_fresh =
          static_cast<double>(age_ns(tick, input_.safety.freshness)) / kNsPerMs <= 100.0;
    } else {
      watch.safety_fresh = !safety_seen_;
    }
    return watch;
  }

  void enter(Phase phase) {
    phase_ = phase;
    phase_ticks_ = 0;
    safety_seen_ = safety_seen_ || input_.safety.freshness.valid;
  }

  // Torque and request of this tick's output are zero already.
  void leave(std::string why) {
    if (record_.stopped.empty()) record_.stopped = std::move(why);
    if (phase_ == Phase::kRun) record_.excitation = excitation_.result();
    enter(Phase::kGoodbye);
  }

  void note_command(const Tick& tick, double force) {
    modbus::RegisterSpec spec = options_.force_register;
    spec.index = 0;
    std::array<std::uint16_t, 2> words{};
    modbus::put_raw(spec, modbus::to_raw(spec, force, options_.rated_force).raw, words.data());
    const double understood = modbus::get_value(spec, words.data(), options_.rated_force);
    if (!record_.commands.empty() && record_.commands.back().force == understood) return;
    const std::int64_t now_ns =
        options_.lockstep ? tick.nominal_ns : tick.nominal_ns + tick.late_ns;
    record_.commands.push_back({time_of(now_ns), understood});
  }

  [[nodiscard]] double time_of(std::int64_t ns) {
    if (origin_ns_ == 0) origin_ns_ = ns;
    return static_cast<double>(ns - origin_ns_) / kNsPerS;
  }

  void publish() noexcept {
    share_ = phase_ == Phase::kRun ? excitation_.progress() : phase_ < Phase::kRun ? 0.0 : 1.0;
    shown_stage_ = phase_ == Phase::kRun ? 10 + static_cast<int>(excitation_.stage())
                                         : static_cast<int>(phase_);
  }

  modbus::MachineBus& bus_;
  const SessionOptions options_;
  Excitation excitation_;
  const bool coarse_;  // the drive's force comes in steps that are felt
  WholeCounts counts_;
  double counted_ = 0.0;
  std::uint32_t counted_sequence_ = 0;
  MachineInput input_;
  SessionRecord record_;
  Phase phase_ = Phase::kLinks;
  int phase_ticks_ = 0;
  std::uint64_t ticks_ = 0;
  std::uint64_t index_ = 0;
  std::int64_t next_ns_ = 0;
  std::int64_t origin_ns_ = 0;
  std::uint32_t sequence_ = 0, cell_sequence_ = 0;
  std::int64_t stamp_ns_ = 0;
  double zero_ = 0.0;
  double start_ = 0.0;
  bool safety_seen_ = false;
  bool drive_left_ = false;  // its state ended the run; the cause may still come
  SpeedMeter speed_;
  std::atomic<bool> asked_to_stop_{false};
  std::atomic<bool> ended_{false};
  std::atomic<double> share_{0.0};
  std::atomic<int> shown_stage_{0};
};

std::string shown(int stage) {
  switch (stage) {
    case static_cast<int>(Phase::kLinks):
      return "waiting for the links";
    case static_cast<int>(Phase::kRest):
      return "load cell at rest";
    case static_cast<int>(Phase::kEnable):
      return "enabling the drive";
    case static_cast<int>(Phase::kSettle):
      return "enabled, without force";
    default:
      return stage >= 10 ? to_string(static_cast<Stage>(stage - 10)) : "disabling the drive";
  }
}

}  // namespace

SessionRecord run_session(
    modbus::MachineBus& bus, const SessionOptions& options,
    const std::function<bool(const std::string& what, double share)>& progress) {
  Session session(bus, options);
  std::thread loop([&] {
    if (options.fifo_priority > 0) {
      rt::ThreadSetup setup;
      setup.fifo_priority = options.fifo_priority;
      static_cast<void>(rt::set_up_thread(setup));
    }
    session.run();
    session.end();
  });
  while (!session.ended()) {
    if (!progress(shown(session.shown_stage()), session.share())) session.ask_to_stop();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  loop.join();
  return std::move(session.record());
}

}  // namespace medius::hal
