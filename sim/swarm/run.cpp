#include "sim/swarm/run.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "controller/base/tick.hpp"
#include "sim/swarm/faulty_guard.hpp"
#include "sim/world/sim_runtime.hpp"
#include "sim/world/world.hpp"

namespace medius::sim {
namespace {

constexpr double kPadLeverM = 0.38;
constexpr double kMovingMps = 0.08;  // a phase of motion; a slower one is a turn or a rest
constexpr double kSetLimitS = 150.0;
constexpr double kAfterFaultS = 2.0;   // a faulted machine is watched for so long
constexpr double kReadyWithinS = 5.0;  // after healing and the reset
constexpr double kResetS = 0.2;        // the button is held for so long
constexpr int kLiveReps = 3;
constexpr int kGiveUpTicks = 6000;
constexpr double kHeartbeatGoneMs = 5.0;
constexpr std::uint32_t kRelayOpenTicks = 20;  // after the last beat
constexpr int kAfterKillTicks = 500;           // a machine without a loop is watched for so long
constexpr double kCuffRadiusM = 0.80;
constexpr int kBothSides = 3;

// A partial repetition is counted as partial, a rejected one not at all; a provisional one says
// that nobody knows the range yet.
bool is_full(const measure::RepMetrics& rep) {
  return rep.kind == measure::RepKind::kFull && (rep.quality & measure::kQualityProvisional) == 0;
}

class Run {
 public:
  Run(const Scenario& scenario, const RunFiles& files) : s_(scenario), files_(files) {}
  tl::expected<Verdict, std::string> play();

 private:
  using Result = tl::expected<station::Receipt, station::Refusal>;
  struct Pending {
    FaultEvent event;
    const FaultRow* row = nullptr;
    int phase_ticks = 0;
    std::uint64_t fired_tick = 0;
    std::size_t outcome = 0;
    bool fired = false;
  };

  [[nodiscard]] double unit() const { return s_.seated ? kPadLeverM : 1.0; }
  [[nodiscard]] WorldOptions world_options();
  [[nodiscard]] PlannedSet planned(int reps) const;
  [[nodiscard]] station::StartSetOrder set_order(const char* id, int reps) const;
  void begin_set(const char* id, int reps);
  void tick(std::uint32_t missed = 0);
  void write_trace();
  [[nodiscard]] FaultPhase phase() const;
  void strike_due();
  void strike(Pending& pending);
  void strike_trainer(const Pending& pending);
  void strike_loop(const Pending& pending);
  void order_load(const char* id, double load, hal::CoordinateKind kind, bool must_refuse);
  void notice();
  void raise_load();
  void safety_part();
  void liveness_part();
  void heal();
  void violate(std::string what);
  void judge_reps(bool exact, int planned_reps);
  [[nodiscard]] bool over() const;
  [[nodiscard]] bool faultless() const { return s_.faults.empty(); }
  [[nodiscard]] int true_reps() const;

  const Scenario& s_;
  const RunFiles& files_;
  FaultyGuard guard_;
  std::unique_ptr<World> world_;
  std::vector<InvariantWatch> watches_;
  std::vector<Pending> pending_;
  Verdict verdict_;
  std::string session_id_;  // of the set under faults
  std::uint64_t ticks_ = 0;
  std::uint64_t reset_until_ = 0;
  std::uint32_t overrun_ = 0;
  bool raised_ = false;
  bool killed_ = false;
  int orders_ = 0;
};

PlannedSet Run::planned(int reps) const {
  PlannedSet set;
  set.side = s_.seated ? kBothSides : s_.side;
  set.load_n = s_.load_n * unit();
  set.intent.tempo = {s_.out_s, s_.hold_s, s_.back_s, 0.0};
  set.intent.reps = reps;
  return set;
}

WorldOptions Run::world_options() {
  WorldOptions options;
  options.machine_file = files_.hal_directory + "/machines/" +
                         (s_.seated ? "seated-hip-abduction-sim.toml" : "cable-station-sim.toml");
  options.program_directory = files_.program_directory;
  options.plugin_directory = files_.plugin_directory;
  options.seed = s_.seed;
  options.guard = &guard_;
  options.faulty = true;
  options.guarded = std::any_of(s_.faults.begin(), s_.faults.end(), [](const FaultEvent& event) {
    const Injector injector = find_fault(event.row)->injector;
    return injector == Injector::kStarve || injector == Injector::kKill;
  });
  for (LifterConfig& lifter : options.station.person.lifter) {
    lifter.range_rad = s_.range_rad;
    lifter.sway_m = s_.sway_m;
    lifter.tempo_cv = s_.tempo_cv;
    lifter.cuff_radius_m = kCuffRadiusM;
    lifter.fatigue = false;  // somebody who tires is a nuisance of another kind
  }
  options.station.person.plan = {planned(s_.reps), planned(kLiveReps)};
  return options;
}

station::StartSetOrder Run::set_order(const char* id, int reps) const {
  station::StartSetOrder order;
  order.header.request_id = id;
  station::ProgramBlock& block = order.block;
  block.exercise_id = s_.seated ? "seated-abduction" : "cable-standing-abduction";
  block.sides = {s_.seated ? record::Side::kBoth
                           : (s_.side == 1 ? record::Side::kLeft : record::Side::kRight)};
  block.coordinate = s_.seated ? hal::CoordinateKind::kLever : hal::CoordinateKind::kCable;
  block.reps = static_cast<std::uint32_t>(reps);
  block.load = s_.load_n * unit();
  block.tempo = {s_.out_s, s_.hold_s, s_.back_s, 0.0};
  block.profile.id = s_.profile;
  if (s_.profile == "eccentric-emphasis") {
    block.profile.parameters["eccentric_ratio"] = s_.eccentric_ratio;
  }
  return order;
}

void Run::violate(std::string what) {
  verdict_.violations.push_back({ticks_, std::move(what)});
}

void Run::begin_set(const char* id, int reps) {
  world_->station().start_set(set_order(id, reps), [this](const Result& result) {
    if (!result) violate("the set was refused: " + result.error().message);
  });
}

int Run::true_reps() const {
  const auto& truth = world_->machine().set_truth(0);
  return truth.empty() ? 0 : truth.back().reps;
}

FaultPhase Run::phase() const {
  const station::Snapshot& now = world_->station().snapshot();
  switch (now.state) {
    case station::StationState::kArming:
      return FaultPhase::kArming;
    case station::StationState::kPretension:
    case station::StationState::kReady:
      return FaultPhase::kTakeUp;
    case station::StationState::kUnloading:
      return FaultPhase::kUnloading;
    case station::StationState::kWorking:
      break;
    default:
      return FaultPhase::kIdle;
  }
  const HandleTruth handle = world_->machine().handle(0);
  const double speed = handle.velocity * handle.metres_per_unit;
  if (speed > kMovingMps) return FaultPhase::kConcentric;
  if (speed < -kMovingMps) return FaultPhase::kEccentric;
  const rt::AxisStatus axis = world_->status().axis[0];
  const bool high = axis.position > 0.5 * axis.range_reference && axis.range_reference > 0.0;
  return high ? FaultPhase::kTurnAround : FaultPhase::kRest;
}

void Run::write_trace() {
  constexpr std::uint64_t kEvery = 10;
  if (files_.trace == nullptr || ticks_ % kEvery != 0) return;
  const rt::Status status = world_->status();
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    const HandleTruth handle = world_->machine().handle(i);
    const rt::AxisStatus& axis = status.axis[i];
    *files_.trace << fmt::format(
        "{:.3f},{},{},{},{},{:.4f},{:.3f},{:.2f},{:.2f},{:.2f},{:.2f},{},{}\n",
        static_cast<double>(ticks_) * kTickPeriodS, i,
        to_string(world_->station().snapshot().state), static_cast<int>(axis.load_state),
        static_cast<int>(axis.phase), handle.position, handle.velocity, handle.force,
        axis.force_target, world_->faults().written().axis[i].force, axis.load_applied,
        axis.reps_counted, safety::fault_info(status.fault).name);
  }
}

void Run::tick(std::uint32_t missed) {
  if (overrun_ > 0 && missed == 0) {
    --overrun_;
    missed = 1;
  }
  world_->tick(missed);
  ticks_ += 1 + missed;
  const rt::Status status = world_->status();
  const hal::MachineOutput& wire = world_->faults().written();
  const bool latched =
      status.reaction >= safety::Reaction::kSoftUnload && safety::fault_info(status.fault).latched;
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    const HandleTruth handle = world_->machine().handle(i);
    InvariantSample sample;
    sample.wire_force = wire.axis[i].force;
    sample.felt_target = status.axis[i].force_target;
    sample.latched = latched;
    sample.torque_off = status.reaction >= safety::Reaction::kTorqueOff;
    sample.relay_held = wire.hold_relay;
    sample.reaction = static_cast<int>(status.reaction);
    sample.reset_pressed = ticks_ < reset_until_;
    sample.base_load = status.axis[i].load_applied;
    sample.handle_force = handle.force;
    sample.handle_mps = handle.velocity * handle.metres_per_unit;
    sample.held = world_->machine().held(i);
    watches_[i].feed(ticks_, sample);
  }
  write_trace();
}

void Run::order_load(const char* id, double load, hal::CoordinateKind kind, bool must_refuse) {
  station::AdjustLoadOrder order;
  order.header.request_id = fmt::format("{}-{}", id, ++orders_);
  order.load = load;
  order.coordinate = kind;
  world_->station().adjust_load(order, [this, must_refuse, load](const Result& result) {
    if (result && must_refuse) violate(fmt::format("I7 a load of {} was accepted", load));
  });
}

void Run::strike_trainer(const Pending& pending) {
  const hal::CoordinateKind own =
      s_.seated ? hal::CoordinateKind::kLever : hal::CoordinateKind::kCable;
  const hal::CoordinateKind other =
      s_.seated ? hal::CoordinateKind::kCable : hal::CoordinateKind::kLever;
  const double load = s_.load_n * unit();
  station::Station& station = world_->station();
  switch (pending.row->injector) {
    case Injector::kAbsurdLoad:
      for (const double absurd : {9000.0, -5.0, 1e308, std::numeric_limits<double>::quiet_NaN(),
                                  std::numeric_limits<double>::infinity()}) {
        order_load("absurd", absurd, own, true);
      }
      break;
    case Injector::kWrongAxis:
      order_load("unit", load, other, true);
      break;
    case Injector::kLoadRaise:
      order_load("raise", load + 10.0 * unit() * pending.event.intensity, own, false);
      break;
    case Injector::kOrderFlood:
      for (int i = 0; i < 200; ++i) order_load("flood", load * (0.5 + 0.0025 * i), own, false);
      break;
    case Injector::kStaleOrder: {
      station::AdjustLoadOrder order;
      order.header.request_id = "stale";
      order.header.expected_version = station.snapshot().version + 1000;
      order.load = load;
      order.coordinate = own;
      station.adjust_load(order, [this](const Result& result) {
        if (result) violate("I7 an order for another state was accepted");
      });
      break;
    }
    case Injector::kDuplicateOrder:
      for (int i = 0; i < 2; ++i) {
        station::AdjustLoadOrder order;
        order.header.request_id = "twice";
        order.load = load * 0.9;
        order.coordinate = own;
        station.adjust_load(order, [this, i](const Result& result) {
          if (i == 1 && result && !result->duplicate) violate("I8 an order was carried out twice");
        });
      }
      break;
    case Injector::kStopStorm:
      for (int i = 0; i < 50; ++i) {
        station::OrderHeader header;
        header.request_id = fmt::format("stop-{}", i);
        station.stop(header, [this](const Result& result) {
          if (!result) violate("a stop was refused: " + result.error().message);
        });
      }
      break;
    default:
      break;
  }
}

// The loop's thread gets no processor, or its process is gone: the guard has to let go in time.
void Run::strike_loop(const Pending& pending) {
  EventOutcome& outcome = verdict_.events[pending.outcome];
  const bool held = world_->guard_holds();
  killed_ = pending.row->injector == Injector::kKill;
  if (killed_) {
    for (int i = 0; i < kAfterKillTicks; ++i, ++ticks_) {
      world_->tick_without_loop();
      if (i >= static_cast<int>(kRelayOpenTicks) && world_->machine().safety().relay_closed) {
        violate("G6 the relay is closed although nobody beats");
        break;
      }
    }
  } else {
    tick(6 + static_cast<std::uint32_t>(94.0 * pending.event.intensity));
  }
  if (!held) {
    outcome.superseded = true;  // something else had opened it before
    return;
  }
  if (world_->guard_holds() || world_->guard_took_ms() > kHeartbeatGoneMs) {
    violate(fmt::format("G6 the heartbeat was gone after {} ms only", world_->guard_took_ms()));
  }
  outcome.noticed = !world_->guard_holds();
  outcome.took_ms = world_->guard_took_ms();
  outcome.as = "guard";
}

void Run::strike(Pending& pending) {
  const FaultEvent& event = pending.event;
  pending.fired = true;
  pending.fired_tick = ticks_;
  EventOutcome outcome;
  outcome.row = event.row;
  outcome.phase = event.phase;
  outcome.fired = true;
  pending.outcome = verdict_.events.size();
  verdict_.events.push_back(outcome);
  switch (pending.row->injector) {
    case Injector::kRelease:
      world_->machine().release_handle(event.axis);
      break;
    case Injector::kPause:
      tick(6 + static_cast<std::uint32_t>(194.0 * event.intensity));
      pending.fired_tick = ticks_ - 1;  // nobody can notice it while the host sleeps
      break;
    case Injector::kStarve:
    case Injector::kKill:
      strike_loop(pending);
      break;
    case Injector::kOverrun:
      overrun_ = 40;
      break;
    case Injector::kWishNan:
    case Injector::kWishHuge:
    case Injector::kWishShakes:
    case Injector::kProfileHangs:
    case Injector::kProfileCrashes:
      guard_.inject(pending.row->injector, event.intensity);
      break;
    case Injector::kStoreStall:
      world_->runtime().set_store_delay_ns(10'000'000'000);
      break;
    case Injector::kDriveRunaway:
      world_->machine().press_stop(true);
      [[fallthrough]];
    default:
      world_->faults().inject({pending.row->injector, event.axis, event.intensity, event.seed});
      strike_trainer(pending);
      break;
  }
}

void Run::strike_due() {
  const FaultPhase now = phase();
  for (Pending& pending : pending_) {
    if (pending.fired) continue;
    const bool here = now == pending.event.phase && true_reps() >= pending.event.after_reps;
    pending.phase_ticks = here ? pending.phase_ticks + 1 : 0;
    if (here && pending.phase_ticks > static_cast<int>(pending.event.delay_s * 1e3)) {
      strike(pending);
    }
  }
}

// Who noticed what since the last tick.
void Run::notice() {
  const rt::Status status = world_->status();
  if (status.reaction < safety::Reaction::kSoftUnload) return;
  for (const Pending& pending : pending_) {
    if (!pending.fired) continue;
    EventOutcome& outcome = verdict_.events[pending.outcome];
    if (outcome.noticed) continue;
    const auto& codes = pending.row->expected;
    if (std::find(codes.begin(), codes.end(), status.fault) != codes.end()) {
      outcome.noticed = true;
      outcome.took_ms = static_cast<double>(ticks_ - pending.fired_tick);
      outcome.as = safety::fault_info(status.fault).name;
    } else {
      outcome.superseded = true;
      if (outcome.as.empty()) outcome.as = safety::fault_info(status.fault).name;
    }
  }
}

void Run::raise_load() {
  if (raised_ || s_.raise_after_reps == 0) return;
  if (world_->status().axis[0].reps_counted < static_cast<std::uint32_t>(s_.raise_after_reps)) {
    return;
  }
  raised_ = true;
  order_load("trainer", (s_.load_n + s_.raise_n) * unit(),
             s_.seated ? hal::CoordinateKind::kLever : hal::CoordinateKind::kCable, false);
}

bool Run::over() const {
  const station::StationState state = world_->station().snapshot().state;
  return state == station::StationState::kIdle || state == station::StationState::kFault;
}

void Run::judge_reps(bool exact, int planned_reps) {
  const auto sets = world_->store().sets_of(session_id_);
  for (std::size_t axis = 0; axis < watches_.size(); ++axis) {
    const auto& truths = world_->machine().set_truth(axis);
    const int truth = truths.empty() ? 0 : truths.back().reps;
    int counted = -1;
    for (const record::SetRecord& set : sets) {
      if (set.axis != axis) continue;
      if (exact && set.end == record::SetEnd::kOpen) {
        violate(fmt::format("I11 axis {}: the set is over, but open in the store", axis));
      }
      counted = static_cast<int>(std::count_if(set.reps.begin(), set.reps.end(), is_full));
    }
    if (counted < 0) {
      if (exact) violate(fmt::format("I11 axis {} has no stored set", axis));
      continue;
    }
    verdict_.true_reps += truth;
    verdict_.counted_reps += counted;
    // For the truth a handle let go of on the way back ends the set; the counter may see the cable
    // come in for the rest of that repetition.
    const bool let_go = std::any_of(pending_.begin(), pending_.end(), [](const Pending& pending) {
      return pending.fired && pending.row->injector == Injector::kRelease &&
             pending.event.phase == FaultPhase::kEccentric;
    });
    if (counted > truth + (let_go ? 1 : 0)) {
      verdict_.phantom_reps += counted - truth;
      violate(fmt::format("I10 phantom: {} counted, {} done on axis {}", counted, truth, axis));
    }
    if (exact && (counted != planned_reps || truth != planned_reps)) {
      verdict_.nuisance = fmt::format("axis {}: {} repetitions meant, {} done, {} counted", axis,
                                      planned_reps, truth, counted);
    }
  }
}

void Run::safety_part() {
  begin_set("set", s_.reps);
  bool began = false;
  int fault_ticks = 0, idle_ticks = 0;
  const auto limit = ticks_ + static_cast<std::uint64_t>(kSetLimitS * 1e3);
  while (ticks_ < limit) {
    strike_due();
    if (killed_) return;  // what a fresh daemon makes of it, a test with real processes shows
    tick();
    raise_load();
    notice();
    const station::Snapshot& now = world_->station().snapshot();
    if (!now.session_id.empty()) session_id_ = now.session_id;
    began = began || now.state != station::StationState::kIdle;
    fault_ticks = now.state == station::StationState::kFault ? fault_ticks + 1 : 0;
    idle_ticks = began && now.state == station::StationState::kIdle ? idle_ticks + 1 : 0;
    if (faultless() && now.state == station::StationState::kFault && verdict_.nuisance.empty()) {
      verdict_.nuisance =
          "fault without a cause: " + std::string(safety::fault_info(world_->status().fault).name);
    }
    if (fault_ticks > static_cast<int>(kAfterFaultS * 1e3) || idle_ticks > 200) break;
    // A row without a detector may keep a set from ending, e.g. a stalled disk.
  }
  if (faultless() && ticks_ >= limit) verdict_.nuisance = "the set did not end";
  if (verdict_.nuisance.empty()) judge_reps(faultless(), s_.reps);
}

void Run::heal() {
  world_->faults().heal();
  world_->restart_heartbeat();  // a guard that has latched wants the daemon started anew
  guard_.inject(Injector::kNone, 0.0);
  overrun_ = 0;
  world_->runtime().set_store_delay_ns(0);
  world_->machine().press_stop(false);
  for (std::size_t axis = 0; axis < watches_.size(); ++axis) world_->machine().grip(axis);
}

void Run::liveness_part() {
  heal();
  // The person gives the set up (a pause of 3 s might still go on) and late commits arrive.
  for (int i = 0; i < kGiveUpTicks; ++i) tick();
  world_->machine().press_reset(kResetS);
  reset_until_ = ticks_ + static_cast<std::uint64_t>(kResetS * 1e3);
  station::OrderHeader header;
  header.request_id = "end";
  world_->station().stop(header, [](const Result&) {});
  const auto ready_by = ticks_ + static_cast<std::uint64_t>(kReadyWithinS * 1e3);
  while (ticks_ < ready_by && world_->station().snapshot().state != station::StationState::kIdle) {
    tick();
  }
  if (world_->station().snapshot().state != station::StationState::kIdle) {
    violate("I18 not ready 5 s after the reset: " +
            std::string(to_string(world_->station().snapshot().state)) + ", " +
            world_->station().snapshot().state_reason);
    return;
  }
  // A profile that crashed or hung is latched off for good; the other one still serves.
  begin_set("live", kLiveReps);
  const auto limit = ticks_ + static_cast<std::uint64_t>(kSetLimitS * 1e3);
  for (int i = 0; i < 500; ++i) tick();
  while (ticks_ < limit && !over()) tick();
  if (!over()) violate("I18 the set after the reset did not end");
  const int counted = static_cast<int>(world_->status().axis[0].reps_counted);
  if (world_->station().snapshot().state == station::StationState::kFault) {
    violate("I18 fault in the set after the reset: " +
            std::string(safety::fault_info(world_->status().fault).name));
  } else if (counted != kLiveReps) {
    violate(fmt::format("I18 {} of {} repetitions counted after the reset, {} done", counted,
                        kLiveReps, true_reps()));
  }
}

tl::expected<Verdict, std::string> Run::play() {
  auto created = World::create(world_options());
  if (!created) return tl::make_unexpected(created.error());
  world_ = std::move(*created);
  const InvariantLimits limits = [this] {
    InvariantLimits l;
    l.force_unit = unit();
    l.machine_max = s_.seated ? 250.0 : 600.0;
    l.user_max = s_.seated ? 110.0 : 200.0;  // of the machine files
    return l;
  }();
  watches_.assign(world_->machine().axis_count(), InvariantWatch(limits));
  for (const FaultEvent& event : s_.faults) {
    Pending pending;
    pending.event = event;
    pending.row = find_fault(event.row);
    pending_.push_back(pending);
  }
  if (files_.trace != nullptr) {
    *files_.trace
        << "time_s,axis,station,load_state,phase,position,velocity,force,felt_target,word,"
           "load,reps,fault\n";
  }
  for (int i = 0; i < 1000; ++i) {
    tick();
    if (i > 500) strike_due();
    if (killed_) break;
  }
  safety_part();
  if (!faultless() && !killed_) liveness_part();
  for (const InvariantWatch& watch : watches_) {
    verdict_.violations.insert(verdict_.violations.end(), watch.violations().begin(),
                               watch.violations().end());
  }
  verdict_.simulated_s = static_cast<double>(ticks_) * kTickPeriodS;
  verdict_.trace_hash = world_->trace_hash();
  return std::move(verdict_);
}

}  // namespace

tl::expected<Verdict, std::string> run_scenario(const Scenario& scenario, const RunFiles& files) {
  return Run(scenario, files).play();
}

}  // namespace medius::sim
