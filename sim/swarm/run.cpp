#include "sim/swarm/run.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "sim/swarm/run_impl.hpp"
#include "sim/swarm/scenario_setup.hpp"

namespace medius::sim {
namespace {

constexpr double kSetLimitS = 150.0;
constexpr double kAfterFaultS = 2.0;   // a faulted machine is watched for so long
constexpr double kReadyWithinS = 5.0;  // after healing and the reset
constexpr double kResetS = 0.2;        // the button is held for so long
constexpr double kNoRepS = 30.0;       // longer than any repetition, take-up or standing still
constexpr double kStalledCommitS = 11.0;

}  // namespace

double Run::unit() const {
  return load_unit(s_);
}

hal::CoordinateKind Run::coordinate(bool own) const {
  return s_.seated == own ? hal::CoordinateKind::kLever : hal::CoordinateKind::kCable;
}

Run::Prescription Run::first_set() const {
  return {"set", s_.reps, {s_.out_s, s_.hold_s, s_.back_s, 0.0}};
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
  options.each_ms = [this] { look(); };
  options.guarded = std::any_of(s_.faults.begin(), s_.faults.end(), [](const FaultEvent& event) {
    const Injector injector = find_fault(event.row)->injector;
    return injector == Injector::kStarve || injector == Injector::kKill ||
           injector == Injector::kPowerLost;
  });
  if (std::any_of(s_.faults.begin(), s_.faults.end(), [](const FaultEvent& event) {
        return harms_disk(find_fault(event.row)->injector);
      })) {
    disk_ = std::make_unique<SimulatedDisk>(s_.seed);
    if (files_.disk_lies) disk_->lie();
    options.data_directory = kStationFolder;
    options.disk = disk_.get();
  }
  set_up_person(s_, options.station.person);
  return options;
}

station::StartSetOrder Run::set_order(const Prescription& set) const {
  station::StartSetOrder order;
  order.header.request_id = set.request_id;
  order.header.client_name = kTrainer;
  station::ProgramBlock& block = order.block;
  block.exercise_id = s_.seated ? "seated-abduction" : "cable-standing-abduction";
  block.sides = {s_.seated ? record::Side::kBoth
                           : (s_.side == 1 ? record::Side::kLeft : record::Side::kRight)};
  block.coordinate = coordinate(true);
  block.reps = static_cast<std::uint32_t>(set.reps);
  block.load = s_.load_n * unit();
  block.tempo = set.tempo;
  block.profile.id = s_.profile;
  if (s_.profile == "eccentric-emphasis") {
    block.profile.parameters["eccentric_ratio"] = s_.eccentric_ratio;
  }
  return order;
}

void Run::begin_set(const Prescription& set) {
  ordered_ = {{set.request_id, s_.load_n * unit()}};
  note_ordered();
  stopped_ = false;
  makes_more_ = false;  // not as it heals: what it pulls with in that moment is still its own
  world_->station().start_set(set_order(set), [this](const Result& result) {
    if (!result) violate("the set was refused: " + result.error().message);
  });
}

void Run::raise_load() {
  if (raised_ || s_.raise_after_reps == 0) return;
  if (world_->status().axis[0].reps_counted < static_cast<std::uint32_t>(s_.raise_after_reps)) {
    return;
  }
  raised_ = true;
  order_load("trainer", (s_.load_n + s_.raise_n) * unit(), coordinate(true), false);
}

bool Run::over() const {
  const station::StationState state = world_->station().snapshot().state;
  return state == station::StationState::kIdle || state == station::StationState::kFault;
}

void Run::safety_part() {
  begin_set(first_set());
  bool began = false;
  int fault_ticks = 0, idle_ticks = 0, last_reps = 0;
  std::uint64_t last_rep_tick = ticks_;
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
    if (set_must_go_on() && fault_ticks == 1) {
      violate("I15 the set stopped although nothing that failed may stop it: " +
              std::string(safety::fault_info(world_->status().fault).name));
    }
    if (fault_ticks > static_cast<int>(kAfterFaultS * 1e3) || idle_ticks > 200) break;
    if (true_reps() != last_reps) last_rep_tick = ticks_;
    last_reps = true_reps();
    // A row without a detector may keep a set from ending, e.g. a lost trainer before it began.
    if (!faultless() && ticks_ - last_rep_tick > static_cast<std::uint64_t>(kNoRepS * 1e3)) break;
  }
  if (faultless() && ticks_ >= limit) verdict_.nuisance = "the set did not end";
  if (verdict_.nuisance.empty()) judge_reps(faultless(), s_.reps);
}

void Run::stop(const std::string& id) {
  station::OrderHeader header;
  header.request_id = id;
  world_->station().stop(header, [this](const Result& result) {
    if (!result) violate("a stop was refused: " + result.error().message);
    stopped_ = true;
  });
}

void Run::liveness_part() {
  stop("end-of-set");
  for (std::size_t axis = 0; axis < watches_.size(); ++axis) {
    world_->machine().suffer(Mishap::kStopsLifting, axis, 0.0);  // the person hears of it
  }
  heal();
  settle();
  const bool stalled = std::any_of(pending_.begin(), pending_.end(), [](const Pending& pending) {
    return pending.fired && pending.row->injector == Injector::kStoreStall;
  });
  for (int i = 0; stalled && i < static_cast<int>(kStalledCommitS * 1e3); ++i) tick();
  judge_healed_disk();
  world_->machine().press_reset(kResetS);
  reset_until_ = ticks_ + static_cast<std::uint64_t>(kResetS * 1e3);
  stop("end-of-fault");
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
  begin_set({"live", kLiveReps, kLiveTempo});
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
  pulls_.assign(watches_.size(), PullWatch(unit()));
  for (const FaultEvent& event : s_.faults) {
    Pending pending;
    pending.event = event;
    pending.row = find_fault(event.row);
    pending_.push_back(pending);
  }
  if (files_.trace != nullptr) {
    *files_.trace
        << "time_s,axis,station,load_state,phase,position,velocity,reel_velocity,held,force,"
           "motor_force,felt_target,word,load,reps,fault\n";
  }
  for (int i = 0; i < 1000; ++i) {
    tick();
    if (i > 500) strike_due();
    if (killed_) break;
  }
  safety_part();
  if (!faultless() && !killed_) liveness_part();
  const auto take = [this](const std::vector<Violation>& found) {
    verdict_.violations.insert(verdict_.violations.end(), found.begin(), found.end());
  };
  for (const InvariantWatch& watch : watches_) take(watch.violations());
  for (const PullWatch& pull : pulls_) take(pull.violations());
  verdict_.simulated_s = static_cast<double>(ticks_) * kTickPeriodS;
  verdict_.trace_hash = world_->trace_hash();
  if (disk_ != nullptr) judge_disk();
  return std::move(verdict_);
}

tl::expected<Verdict, std::string> run_scenario(const Scenario& scenario, const RunFiles& files) {
  return Run(scenario, files).play();
}

}  // namespace medius::sim
