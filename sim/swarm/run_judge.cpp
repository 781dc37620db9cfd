// What is made of a run: the phase it is in, what the judges are fed, who noticed what, what the
// store says.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sim/swarm/run_impl.hpp"
#include "sim/swarm/scenario_setup.hpp"

namespace medius::sim {
namespace {

constexpr double kStroke = 0.1;      // m; less is no repetition
constexpr double kMovingMps = 0.08;  // a phase of motion; a slower one is a turn or a rest
constexpr double kLightN = 50.0;     // what may be left once the guard has let go
// What has caught a cuff asks for nothing: slack tension, which is 30 N at most, and friction. What
// a drive of its own makes of that stays below the 65 N that a person's face stands, the least of
// all of them (ISO/TS 15066, quasi-static).
constexpr double kCaughtN = 35.0, kSurpriseN = 65.0;
// Caught after less than this it is where a person's leg may be who gives way a little.
constexpr double kUnseenSlipM = 0.01;
constexpr std::uint64_t kJerkTicks = 200;  // the drum stops on the cable's own spring
constexpr int kStillTicks = 300;
constexpr std::uint64_t kTakenAwayTicks = 600;  // 500 ms of a soft unload, and the drive's own time
constexpr double kSlackPullN = 35.0;  // slack tension, at most 30 N, and the drive's ripple
constexpr double kStillMps = 0.02;
constexpr int kGiveUpTicks = 6000;

// A partial repetition is counted as partial, a rejected one not at all; a provisional one says
// that nobody knows the range yet.
bool is_full(const measure::RepMetrics& rep) {
  return rep.kind == measure::RepKind::kFull && (rep.quality & measure::kQualityProvisional) == 0;
}

bool is_partial(const measure::RepMetrics& rep) {
  return rep.kind == measure::RepKind::kPartial;
}

}  // namespace

void Run::violate(std::string what) {
  verdict_.violations.push_back({ticks_, std::move(what)});
}

int Run::true_reps() const {
  return reps_done(world_->machine().set_truth(0));
}

// Of an axis: two legs need not move at once.
FaultPhase Run::phase(std::size_t axis) const {
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
  const HandleTruth handle = world_->machine().handle(axis);
  const double speed = handle.velocity * handle.metres_per_unit;
  if (speed > kMovingMps) return FaultPhase::kConcentric;
  if (speed < -kMovingMps) return FaultPhase::kEccentric;
  return high(axis) ? FaultPhase::kTurnAround : FaultPhase::kRest;
}

// In the upper half of what this set's strokes have been.
bool Run::high(std::size_t axis) const {
  const HandleTruth handle = world_->machine().handle(axis);
  return highest_[axis] - lowest_[axis] > kStroke / handle.metres_per_unit &&
         handle.position > 0.5 * (lowest_[axis] + highest_[axis]);
}

// How far each handle has been in this set, by the plant's truth.
void Run::follow_stroke() {
  const bool working = world_->station().snapshot().state == station::StationState::kWorking;
  for (std::size_t axis = 0; axis < watches_.size(); ++axis) {
    const double position = world_->machine().handle(axis).position;
    lowest_[axis] = working ? std::min(lowest_[axis], position) : position;
    highest_[axis] = working ? std::max(highest_[axis], position) : position;
  }
}

void Run::write_trace() {
  constexpr std::uint64_t kEvery = 10;
  if (files_.trace == nullptr || ticks_ % kEvery != 0) return;
  const rt::Status status = world_->status();
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    const HandleTruth handle = world_->machine().handle(i);
    const rt::AxisStatus& axis = status.axis[i];
    *files_.trace << fmt::format(
        "{:.3f},{},{},{},{},{:.4f},{:.3f},{:.3f},{},{:.2f},{:.2f},{:.2f},{:.2f},{:.2f},{},{}\n",
        static_cast<double>(ticks_) * kTickPeriodS, i,
        to_string(world_->station().snapshot().state), static_cast<int>(axis.load_state),
        static_cast<int>(axis.phase), handle.position, handle.velocity, handle.reel_velocity,
        world_->machine().held(i) ? 1 : 0, handle.force, handle.motor_force, axis.force_target,
        world_->faults().written().axis[i].force, axis.load_applied, axis.reps_counted,
        safety::fault_info(status.fault).name);
  }
}

void Run::tick(std::uint32_t missed) {
  if (overrun_ > 0 && missed == 0) {
    --overrun_;
    missed = 1;
  }
  if (slow_share_ > 0.0 && missed == 0 && slow_random_.chance(slow_share_)) missed = 1;
  if (back_at_ > 0 && ticks_ >= back_at_) {
    back_at_ = 0;
    world_->machine().suffer(Mishap::kWalksIn, 0, 0.0);
  }
  catch_cuff();
  world_->tick(missed);
  ticks_ += 1 + missed;
  note_acknowledged();
  judge_guard();
  follow_stroke();
  const rt::Status& status = world_->status();
  verdict_.states |= 1u << static_cast<unsigned>(world_->station().snapshot().state);
  verdict_.reactions |= 1u << static_cast<unsigned>(status.reaction);
  for (std::size_t i = 0; i < watches_.size(); ++i) watches_[i].feed(ticks_, sample_of(i));
  write_trace();
}

InvariantSample Run::sample_of(std::size_t axis) const {
  const rt::Status& status = world_->status();
  const hal::MachineOutput& wire = world_->faults().written();
  const HandleTruth handle = world_->machine().handle(axis);
  InvariantSample sample;
  sample.wire_force = wire.axis[axis].force;
  sample.felt_target = status.axis[axis].force_target;
  sample.latched =
      status.reaction >= safety::Reaction::kSoftUnload && safety::fault_info(status.fault).latched;
  sample.torque_off = status.reaction >= safety::Reaction::kTorqueOff;
  sample.relay_held = wire.hold_relay;
  sample.reaction = static_cast<int>(status.reaction);
  sample.reset_pressed = ticks_ < reset_until_;
  sample.base_load = status.axis[axis].load_applied;
  sample.motor_force = handle.motor_force;
  sample.handle_force = handle.force;
  sample.handle_mps = handle.velocity * handle.metres_per_unit;
  sample.reel_mps = handle.reel_velocity * handle.metres_per_unit;
  sample.held = world_->machine().held(axis);
  // Once it is noticed the force is taken away, whatever the signals say.
  const bool answered = reacted_at_ != 0 && ticks_ > reacted_at_ + kTakenAwayTicks;
  sample.told_truth = !blind_[axis] || answered;
  sample.obeyed = !disobeyed_;
  return sample;
}

bool Run::set_must_go_on() const {
  return !faultless() && std::all_of(pending_.begin(), pending_.end(), [](const Pending& pending) {
    return is_borne(pending.row->injector);
  });
}

// What the machine does, each of its milliseconds.
void Run::look() {
  ++looked_;
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    PullSample pull{sample_of(i)};
    watches_[i].feed_motion(looked_, pull);
    pull.ordered_max = ordered_max_;
    pull.profile_ratio = s_.profile == "eccentric-emphasis" ? s_.eccentric_ratio : 1.0;
    pull.stopped = stopped_;
    pull.high = high(i);
    pull.slack_said = (world_->status().axis[i].limits & safety::kLimitSlackServo) != 0;
    pull.cable_whole = !cable_cut_;
    pull.profile_sound = !profile_fails_;
    pull.smooth = !jammed_;
    pull.powered = world_->machine().safety().relay_closed && !killed_;
    pull.makes_more = makes_more_;
    pull.faultless = faultless();
    pulls_[i].feed(looked_, pull);
  }
}

// A cuff that slipped off hangs on something while it is reeled in: no hand asks for the load back,
// so it gets no more than may meet a person by surprise.
void Run::catch_cuff() {
  if (caught_at_ > 0 && ticks_ >= caught_at_) {
    caught_at_ = 0;
    const double slipped_m = slipped_at_m_ - world_->machine().handle(0).position;
    hangs_since_ = slipped_m < kUnseenSlipM ? 0 : ticks_;
    world_->machine().suffer(Mishap::kHooked, 0, 0.0);
  }
  if (hangs_since_ == 0 || ticks_ < hangs_since_ + kJerkTicks || blind_[0] || disobeyed_) return;
  const double force_n = world_->machine().handle(0).force;
  const double most_n = std::clamp(kCaughtN * world_->faults().drive_gain(0), kCaughtN, kSurpriseN);
  if (force_n > most_n) {
    violate(fmt::format("I4 {:.1f} N pull at a cuff that something has caught, at most {:.1f}",
                        force_n, most_n));
    hangs_since_ = 0;
  }
}

// The guard has let go: the drives make no torque, nobody is pulled at any more.
void Run::judge_guard() {
  if (light_by_ == 0 || ticks_ < light_by_) return;
  for (std::size_t axis = 0; axis < watches_.size(); ++axis) {
    // The drive's: against a jam or a post the person pulls by themselves.
    const double force_n = world_->machine().handle(axis).motor_force / unit();
    if (!(force_n < kLightN)) {
      violate(fmt::format("G6 the drive pulls {:.1f} N after the guard let go", force_n));
    }
  }
  light_by_ = 0;
}

// Who noticed what since the last tick.
void Run::notice() {
  const rt::Status& status = world_->status();
  const bool unloads = status.reaction >= safety::Reaction::kSoftUnload;
  if (unloads && reacted_at_ == 0) reacted_at_ = ticks_;
  for (const Pending& pending : pending_) {
    if (!pending.fired) continue;
    EventOutcome& outcome = verdict_.events[pending.outcome];
    if (outcome.noticed) continue;
    const rt::AxisStatus& axis = status.axis[pending.event.axis];
    if (outcome.servo_ms < 0.0 && (axis.limits & safety::kLimitSlackServo) != 0) {
      outcome.servo_ms = static_cast<double>(ticks_ - pending.fired_tick);
    }
    const double pull_n = world_->machine().handle(pending.event.axis).motor_force / unit();
    if (pull_n > kSlackPullN) outcome.pulled_ms += 1.0;
    if (!unloads) {
      if (axis.load_state != safety::LoadState::kOff) {
        outcome.exposed_ms = static_cast<double>(ticks_ - pending.fired_tick);
      }
      continue;
    }
    const auto& codes = pending.row->expected;
    if (std::find(codes.begin(), codes.end(), status.fault) != codes.end()) {
      outcome.noticed = true;
      outcome.took_ms = static_cast<double>(ticks_ - pending.fired_tick);
      outcome.as = safety::fault_info(status.fault).name;
      outcome.reaction = static_cast<int>(status.reaction);
    } else {
      outcome.superseded = true;
      if (outcome.as.empty()) outcome.reaction = static_cast<int>(status.reaction);
      if (outcome.as.empty()) outcome.as = safety::fault_info(status.fault).name;
    }
  }
}

// Until the person has given the set up: everything held, nobody busy, nothing moving. A pause of
// 3 s might still go on.
void Run::settle() {
  const SimulatedStation& machine = world_->machine();
  for (int ticks = 0, still = 0; ticks < kGiveUpTicks && still < kStillTicks; ++ticks) {
    tick();
    ++still;
    for (std::size_t axis = 0; axis < watches_.size(); ++axis) {
      const HandleTruth handle = machine.handle(axis);
      const double speed_mps = std::abs(handle.velocity * handle.metres_per_unit);
      if (!machine.held(axis) || speed_mps > kStillMps ||
          machine.lifter_truth(axis).state != LifterState::kRelaxed) {
        still = 0;
      }
    }
  }
}

void Run::judge_reps(bool exact, int planned_reps) {
  const auto sets = world_->store().sets_of(session_id_);
  for (std::size_t axis = 0; axis < watches_.size(); ++axis) {
    const auto& truths = world_->machine().set_truth(axis);
    const int truth = reps_done(truths);
    int counted = -1, partial = 0;
    for (const record::SetRecord& set : sets) {
      if (set.axis != axis) continue;
      if (exact && set.end == record::SetEnd::kOpen) {
        violate(fmt::format("I11 axis {}: the set is over, but open in the store", axis));
      }
      counted = static_cast<int>(std::count_if(set.reps.begin(), set.reps.end(), is_full));
      partial = static_cast<int>(std::count_if(set.reps.begin(), set.reps.end(), is_partial));
    }
    if (counted < 0) {
      if (exact) violate(fmt::format("I11 axis {} has no stored set", axis));
      continue;
    }
    verdict_.true_reps += truth;
    verdict_.counted_reps += counted;
    const auto befell = [&](Injector injector) {
      return std::any_of(pending_.begin(), pending_.end(), [&](const Pending& pending) {
        return pending.fired && pending.row->injector == injector;
      });
    };
    // For the truth a handle let go of on the way back ends the set; the counter may see the cable
    // come in for the rest of that repetition, and a cuff caught near the bottom as its end.
    const bool let_go = std::any_of(pending_.begin(), pending_.end(), [&](const Pending& pending) {
      if (!pending.fired) return false;
      const Injector injector = pending.row->injector;
      const FaultPhase struck = verdict_.events[pending.outcome].phase;
      const bool back = struck == FaultPhase::kEccentric;
      const bool up = struck == FaultPhase::kConcentric || struck == FaultPhase::kTurnAround;
      // Who lets go with one leg gives up with both: the load takes the other one back down.
      if (pending.event.axis != axis) return (back || up) && injector == Injector::kRelease;
      // Whoever walks in on the way back takes the cuff back, too; who stops at the top and steps
      // in lets it come on a slack cable.
      const bool ends_set = injector == Injector::kRelease || injector == Injector::kWalksIn;
      const bool stops = injector == Injector::kStopsLifting && befell(Injector::kSlack);
      return (back && ends_set) || ((back || up) && (stops || pending.slips_off()));
    });
    if (counted > truth + reps_undecided(truths) + (let_go ? 1 : 0)) {
      verdict_.phantom_reps += counted - truth;
      violate(fmt::format("I10 phantom: {} counted, {} done on axis {}", counted, truth, axis));
    }
    // A repetition that was partial may be told as one instead.
    const int shorter = reps_short(truths);
    const int told = counted + std::min(partial, shorter);
    if (exact && (counted > planned_reps || told < planned_reps || truth != planned_reps)) {
      verdict_.nuisance =
          fmt::format("axis {}: {} repetitions meant, {} done, {} counted, {} short", axis,
                      planned_reps, truth, counted, shorter);
    }
  }
}

}  // namespace medius::sim
