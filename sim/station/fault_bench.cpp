#include "sim/station/fault_bench.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "controller/base/tick.hpp"
#include "hal/modbus/cia402.hpp"
#include "sim/faults/mishaps.hpp"
#include "sim/swarm/scenario_setup.hpp"

namespace medius::sim {
namespace {

constexpr std::size_t kMostAtOnce = 8;
constexpr unsigned kStateBits = 0x006F;
constexpr double kStrokeM = 0.1;     // less is no repetition
constexpr double kMovingMps = 0.08;  // a phase of motion; a slower one is a turn or a rest
constexpr double kLoadIsIn = 0.85;   // of the scenario's load: the set is under way

bool is_of_machine(Injector injector) noexcept {
  switch (injector) {
    case Injector::kRelease:
    case Injector::kJam:
    case Injector::kCableCut:
    case Injector::kHooked:
    case Injector::kWeak:
    case Injector::kWalksIn:
    case Injector::kSlack:
    case Injector::kStopsLifting:
    case Injector::kEstop:
      return true;
    default:
      return false;
  }
}

}  // namespace

FaultBench::FaultBench(SimulatedStation& station) : station_(station), image_(*this) {}

std::string FaultBench::cannot(int row) {
  const FaultRow* const found = find_fault(row);
  if (found == nullptr) {
    return fmt::format("row {} is not in the failure table; `medius sim fault list` has all", row);
  }
  const Injector injector = found->injector;
  if (is_of_image(injector) || is_of_machine(injector)) return "";
  return fmt::format(
      "row {} ({}) happens to the controller's computer, profiles, trainers or disk, and "
      "medius-sim "
      "is only machine, person, drive and link; play it with medius-swarm --replay, or leave it "
      "out",
      row, found->name);
}

tl::expected<std::uint32_t, std::string> FaultBench::set(const FaultWish& wish) {
  if (std::string why = cannot(wish.row); !why.empty()) return tl::make_unexpected(std::move(why));
  if (wish.axis >= station_.axis_count()) {
    return tl::make_unexpected(
        fmt::format("axis {} is not there: this machine has {}, counted from 0", wish.axis,
                    station_.axis_count()));
  }
  if (!(wish.intensity >= 0.0 && wish.intensity <= 1.0)) {
    return tl::make_unexpected(fmt::format(
        "intensity {} is outside 0 (mild) to 1 (severe); choose one within", wish.intensity));
  }
  const FaultRow& row = *find_fault(wish.row);
  const ActiveFault fault{row.injector, wish.axis, wish.intensity, wish.seed, -1};
  const bool full = active_.size() >= kMostAtOnce;
  if (full) {
    return tl::make_unexpected(
        fmt::format("{} faults are active, the most at once; clear one first", kMostAtOnce));
  }
  if (is_of_frames(row.injector)) {
    frames_.inject(fault);
  } else if (!befall(station_, fault)) {
    if (row.injector == Injector::kDriveRunaway) station_.press_stop(true);
    image_.inject(fault);
    bent_ = true;
  }
  if (row.injector == Injector::kSlack) steps_back_at_ = tick_ + kStepInTicks;
  active_.push_back({++last_id_, wish, tick_});
  return last_id_;
}

// What befell machine and person is mended as one.
void FaultBench::mend_unless_others() {
  const bool others = std::any_of(active_.begin(), active_.end(), [](const BenchFault& fault) {
    return is_of_machine(find_fault(fault.wish.row)->injector);
  });
  if (others) return;
  mend(station_);
  for (std::size_t hold = 0; hold < station_.hold_count(); ++hold) station_.grip(hold);
}

std::size_t FaultBench::clear(std::uint32_t id) {
  std::vector<BenchFault> ended;
  for (const BenchFault& fault : active_) {
    if (id == 0 || fault.id == id) ended.push_back(fault);
  }
  std::erase_if(active_, [&](const BenchFault& fault) { return id == 0 || fault.id == id; });
  for (const BenchFault& fault : ended) {
    const Injector injector = find_fault(fault.wish.row)->injector;
    frames_.heal(injector, fault.wish.axis);
    image_.heal(injector, fault.wish.axis);
    if (injector == Injector::kDriveRunaway) station_.press_stop(false);
    if (is_of_machine(injector)) mend_unless_others();
  }
  bent_ = std::any_of(active_.begin(), active_.end(), [](const BenchFault& fault) {
    const Injector injector = find_fault(fault.wish.row)->injector;
    return is_of_image(injector) && !is_of_frames(injector);
  });
  return ended.size();
}

int FaultBench::reps() const {
  return reps_done(station_.set_truth(0));
}

tl::expected<void, std::string> FaultBench::play(const Scenario& scenario) {
  if (scenario.seated != (station_.coordinate() == hal::CoordinateKind::kLever)) {
    return tl::make_unexpected(
        fmt::format("the scenario is for a {} machine, and this is a {} one; start medius-sim with "
                    "--machine {}",
                    scenario.seated ? "seated" : "cable", scenario.seated ? "cable" : "seated",
                    scenario.seated ? "seated" : "cable"));
  }
  for (const FaultEvent& event : scenario.faults) {
    if (std::string why = cannot(event.row); !why.empty()) {
      return tl::make_unexpected(std::move(why));
    }
  }
  clear(0);
  pending_.clear();
  strikes_.clear();
  for (const FaultEvent& event : scenario.faults) pending_.push_back({event});
  load_ = scenario.load_n * load_unit(scenario);
  seated_ = scenario.seated;
  reps_before_ = reps();
  return {};
}

Tick FaultBench::now() const noexcept {
  return {tick_, static_cast<std::int64_t>(tick_) * kTickPeriodNs, 0, 0};
}

// As the plant shows it: of the controller only the drive's state and the force it makes are known.
FaultPhase FaultBench::look_at_phase() noexcept {
  const hal::DriveInput& drive = station_.drive(0);
  const HandleTruth handle = station_.handle(0);
  if (drive.state != hal::DriveState::kOperationEnabled) {
    worked_ = false;
    const bool rising = drive.state == hal::DriveState::kReadyToSwitchOn ||
                        drive.state == hal::DriveState::kSwitchedOn;
    return rising ? FaultPhase::kArming : FaultPhase::kIdle;
  }
  worked_ = worked_ || handle.force > kLoadIsIn * load_;
  if (!worked_) {
    lowest_ = highest_ = handle.position;
    return FaultPhase::kTakeUp;
  }
  lowest_ = std::min(lowest_, handle.position);
  highest_ = std::max(highest_, handle.position);
  const double speed = handle.velocity * handle.metres_per_unit;
  if (speed > kMovingMps) return FaultPhase::kConcentric;
  if (speed < -kMovingMps) return FaultPhase::kEccentric;
  const bool high = highest_ - lowest_ > kStrokeM / handle.metres_per_unit &&
                    handle.position > 0.5 * (lowest_ + highest_);
  return high ? FaultPhase::kTurnAround : FaultPhase::kRest;
}

bool FaultBench::due(std::size_t index) {
  Pending& pending = pending_[index];
  const auto delay_ticks = static_cast<std::uint64_t>(pending.event.delay_s * 1e3);
  if (pending.event.follows && index > 0) {
    const Pending& before = pending_[index - 1];
    return before.struck && tick_ >= before.struck_tick + delay_ticks;
  }
  const bool here =
      phase_ == pending.event.phase && reps() - reps_before_ >= pending.event.after_reps;
  pending.phase_ticks = here ? pending.phase_ticks + 1 : 0;
  return here && pending.phase_ticks > static_cast<int>(delay_ticks);
}

void FaultBench::strike_due(std::uint16_t cmd_seq) {
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    Pending& pending = pending_[i];
    if (pending.struck || !due(i)) continue;
    const FaultEvent& event = pending.event;
    pending.struck = true;
    pending.struck_tick = tick_;
    if (set({event.row, event.axis, event.intensity, event.seed, 0.0})) {
      strikes_.push_back({event.row, phase_, tick_, cmd_seq});
    }
  }
}

void FaultBench::after_tick(std::uint16_t cmd_seq) {
  ++tick_;
  frames_.tick();
  phase_ = look_at_phase();
  strike_due(cmd_seq);
  if (steps_back_at_ != 0 && tick_ >= steps_back_at_) {
    steps_back_at_ = 0;
    station_.suffer(Mishap::kWalksIn, 0, 0.0);
  }
  for (std::size_t i = active_.size(); i-- > 0;) {
    const double seconds = active_[i].wish.seconds;
    const auto ticks = static_cast<std::uint64_t>(seconds * 1e3);
    if (seconds > 0.0 && tick_ >= active_[i].since_tick + ticks) clear(active_[i].id);
  }
  image_.read(now(), seen_);
  // Registers have the word, faults change the state.
  for (std::size_t axis = 0; axis < station_.axis_count(); ++axis) {
    hal::DriveInput& drive = seen_.axis[axis].drive;
    if (drive.state == station_.drive(axis).state) continue;
    drive.statusword = static_cast<std::uint16_t>((drive.statusword & ~kStateBits) |
                                                  hal::cia402_statusword(drive.state));
  }
}

const hal::DriveInput& FaultBench::drive(std::size_t axis) const noexcept {
  return bent_ ? seen_.axis[std::min(axis, seen_.axis.size() - 1)].drive : station_.drive(axis);
}
const hal::LoadCellInput& FaultBench::load_cell(std::size_t axis) const noexcept {
  return bent_ ? seen_.axis[std::min(axis, seen_.axis.size() - 1)].load_cell
               : station_.load_cell(axis);
}
const hal::LoadCellInput& FaultBench::pad_cell(std::size_t pad) const noexcept {
  return bent_ ? seen_.axis[0].pad[std::min(pad, seen_.axis[0].pad.size() - 1)]
               : station_.pad_cell(pad);
}

void FaultBench::read(const Tick& tick, hal::MachineInput& input) noexcept {
  const hal::Freshness fresh{tick.nominal_ns, static_cast<std::uint32_t>(tick.index), 1, true};
  for (std::size_t i = 0; i < station_.axis_count(); ++i) {
    hal::AxisInput& axis = input.axis[i];
    axis.drive = station_.drive(i);
    axis.drive.freshness = fresh;
    axis.load_cell = station_.load_cell(i);
    axis.load_cell.freshness = fresh;
    for (std::size_t pad = 0; station_.linked() && pad < axis.pad.size(); ++pad) {
      axis.pad[pad] = station_.pad_cell(pad);
      axis.pad[pad].freshness = fresh;
    }
  }
}

void FaultBench::write(const Tick&, const hal::MachineOutput& output) noexcept {
  passed_ = output;
}

void FaultBench::write_drive(const DriveCommand& command, std::size_t axis) noexcept {
  if (axis >= orders_.axis.size()) return;
  hal::AxisOutput& order = orders_.axis[axis];
  order.force = command.force_n;
  const bool enables =
      (command.controlword & hal::kControlEnableOperation) == hal::kControlEnableOperation;
  order.request = enables ? hal::DriveRequest::kEnable : hal::DriveRequest::kDisable;
  passed_.reset();
  image_.write(now(), orders_);
  if (!bent_) {
    station_.write_drive(command, axis);
    return;
  }
  if (!passed_) return;  // it does not arrive
  const hal::AxisOutput& passed = passed_->axis[axis];
  DriveCommand arrives = command;
  arrives.force_n = passed.force;
  if (passed.request != order.request) {
    arrives.controlword = hal::cia402_controlword(station_.drive(axis).state, passed.request);
  }
  station_.write_drive(arrives, axis);
}

}  // namespace medius::sim
