// What befalls a run: machine, person, computer, profile, trainer and disk.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "sim/faults/mishaps.hpp"
#include "sim/swarm/run_impl.hpp"

namespace medius::sim {
namespace {

constexpr double kHeartbeatGoneMs = 5.0;
constexpr std::uint32_t kRelayOpenTicks = 20;  // after the last beat
constexpr int kAfterKillTicks = 500;           // a machine without a loop is watched for so long
constexpr std::uint64_t kLightTicks = 75;      // from the last beat until the force has gone
constexpr std::uint64_t kAnsweredTicks = 500;  // a soft unload takes so long
constexpr std::uint64_t kCaughtSoonest = 50, kCaughtSpan = 1450;  // ticks from slipping off
constexpr int kSeenTicks = 2;
constexpr std::int64_t kDayNs = 86'400'000'000'000;

// What the controller reads is then not what the handle does: neither a release nor slack can be
// answered in time, and only the drive's own limit is left.
bool lies(Injector injector) {
  if (is_borne(injector)) return false;
  return (injector >= Injector::kEncoderStuck && injector <= Injector::kStaleRegisters) ||
         (injector >= Injector::kEncoderOff && injector <= Injector::kLoadCellIntermittent);
}

}  // namespace

bool Run::accepted(const Result& result) {
  if (!result) verdict_.refusals |= 1u << static_cast<unsigned>(result.error().code);
  return result.has_value();
}

void Run::order_load(const char* id, double load, hal::CoordinateKind kind, bool must_refuse) {
  station::AdjustLoadOrder order;
  order.header.request_id = fmt::format("{}-{}", id, ++orders_);
  order.load = load;
  order.coordinate = kind;
  if (!must_refuse) ordered_[order.header.request_id] = load;
  note_ordered();
  const auto answered = [this, must_refuse, order](const Result& result) {
    if (accepted(result)) {
      if (must_refuse) violate(fmt::format("I7 a load of {} was accepted", order.load));
    } else {
      ordered_.erase(order.header.request_id);
      note_ordered();
    }
  };
  world_->station().adjust_load(order, answered);
}

void Run::note_ordered() {
  ordered_max_ = 0.0;
  for (const auto& [id, load] : ordered_) ordered_max_ = std::max(ordered_max_, load);
}

void Run::strike_trainer(const Pending& pending) {
  const hal::CoordinateKind own = coordinate(true);
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
      order_load("unit", load, coordinate(false), true);
      break;
    case Injector::kLoadRaise:
      order_load("raise", load + 10.0 * unit() * pending.event.intensity, own, false);
      break;
    case Injector::kOrderFlood:
      for (int i = 0; i < 200; ++i) order_load("flood", load * (0.5 + 0.0025 * i), own, false);
      break;
    case Injector::kStopStorm:
      for (int i = 0; i < 50; ++i) stop(fmt::format("stop-{}", i));
      break;
    case Injector::kTrainerLost:
      order_load("last", load + 5.0 * unit(), own, false);
      station.client_lost(kTrainer);
      break;
    default:
      conflicting_orders(pending);
      break;
  }
}

// Orders that somebody else's order, or the same one, has overtaken.
void Run::conflicting_orders(const Pending& pending) {
  station::Station& station = world_->station();
  station::AdjustLoadOrder order;
  order.load = s_.load_n * unit();
  order.coordinate = coordinate(true);
  switch (pending.row->injector) {
    case Injector::kStaleOrder:
      order.header.request_id = "stale";
      order.header.expected_version = station.snapshot().version + 1000;
      station.adjust_load(order, [this](const Result& result) {
        if (accepted(result)) violate("I7 an order for another state was accepted");
      });
      break;
    case Injector::kDuplicateOrder:
      order.header.request_id = "twice";
      order.load *= 0.9;
      for (int i = 0; i < 2; ++i) {
        station.adjust_load(order, [this, i](const Result& result) {
          if (i == 1 && result && !result->duplicate) violate("I8 an order was carried out twice");
        });
      }
      break;
    case Injector::kTwoTrainers:
      order.header.expected_version = station.snapshot().version;
      for (const double share : {0.95, 0.9}) {
        order.header.request_id = fmt::format("conflict-{}", share);
        order.load = s_.load_n * unit() * share;
        station.adjust_load(order, [this](const Result& result) {
          if (accepted(result) && ++conflict_accepted_ > 1)
            violate("I7 two orders for one state accepted");
        });
      }
      break;
    case Injector::kReplayedOrder:
      station.start_set(set_order(first_set()), [this](const Result& result) {
        if (result && !result->duplicate) violate("I8 a recorded order was carried out again");
      });
      break;
    default:
      break;
  }
}

// The loop's thread gets no processor, or its process is gone: the guard has to let go in time.
void Run::strike_loop(const Pending& pending) {
  EventOutcome& outcome = verdict_.events[pending.outcome];
  const bool held = world_->guard_holds();
  if (held) light_by_ = ticks_ + kLightTicks;
  killed_ = pending.row->injector != Injector::kStarve;
  if (killed_) {
    for (int i = 0; i < kAfterKillTicks; ++i, ++ticks_) {
      world_->tick_without_loop();
      judge_guard();
      if (i >= static_cast<int>(kRelayOpenTicks) && world_->machine().safety().relay_closed) {
        violate("G6 the relay is closed although nobody beats");
        break;
      }
    }
  } else {
    tick(6 + static_cast<std::uint32_t>(94.0 * pending.event.intensity));
  }
  if (!held) return;  // something else had opened it before
  if (world_->guard_holds() || world_->guard_took_ms() > kHeartbeatGoneMs) {
    violate(fmt::format("G6 the heartbeat was gone after {} ms only", world_->guard_took_ms()));
  }
  outcome.noticed = !world_->guard_holds();
  outcome.took_ms = world_->guard_took_ms();
  outcome.as = "guard";
}

// False: not of the person's or the mechanics' kind.
bool Run::strike_person(const Pending& pending) {
  const FaultEvent& event = pending.event;
  const Injector injector = pending.row->injector;
  if (injector == Injector::kSlack) back_at_ = ticks_ + kStepInTicks;
  if (pending.slips_off()) {
    // It slips off, and something catches it on its way in.
    slipped_at_m_ = world_->machine().handle(0).position;
    world_->machine().release_handle(event.axis);
    caught_at_ = ticks_ + kCaughtSoonest +
                 static_cast<std::uint64_t>(static_cast<double>(kCaughtSpan) * event.intensity);
    return true;
  }
  return befall(world_->machine(), {injector, event.axis, event.intensity, event.seed});
}

// False: not of the computer's kind.
bool Run::strike_computer(Pending& pending) {
  const FaultEvent& event = pending.event;
  SimRuntime& runtime = world_->runtime();
  const auto day_ns = static_cast<std::int64_t>(event.intensity * static_cast<double>(kDayNs));
  switch (pending.row->injector) {
    case Injector::kPause:
      tick(6 + static_cast<std::uint32_t>(194.0 * event.intensity));
      pending.fired_tick = ticks_ - 1;  // nobody can notice it while the host sleeps
      return true;
    case Injector::kStarve:
    case Injector::kKill:
      strike_loop(pending);
      return true;
    case Injector::kOverrun:
      overrun_ = 40;
      return true;
    case Injector::kSlowProcessor:
      slow_share_ = 0.05 + 0.25 * event.intensity;
      slow_random_ = Random(event.seed);
      return true;
    case Injector::kWallJump:
      runtime.set_wall_unix_ns(runtime.wall_unix_ns() + (event.seed % 2 == 0 ? day_ns : -day_ns));
      return true;
    case Injector::kWallEpoch:
      runtime.set_wall_unix_ns(0);
      return true;
    case Injector::kStoreStall:
      runtime.set_store_delay_ns(10'000'000'000);
      return true;
    default:
      return false;
  }
}

void Run::strike(Pending& pending) {
  const FaultEvent& event = pending.event;
  pending.fired = true;
  pending.fired_tick = ticks_;
  EventOutcome outcome;
  outcome.row = event.row;
  outcome.phase = phase(event.axis);
  outcome.fired = true;
  outcome.load_n = world_->status().axis[event.axis].force_target / unit();
  outcome.in_action = reacted_at_ == 0 || ticks_ - reacted_at_ <= kAnsweredTicks;
  pending.outcome = verdict_.events.size();
  verdict_.events.push_back(outcome);
  const Injector injector = pending.row->injector;
  if (injector >= Injector::kWishNan && injector <= Injector::kProfileCrashes) {
    profile_fails_ = true;
    guard_.inject(injector, event.intensity);
    return;
  }
  makes_more_ = makes_more_ || injector == Injector::kDriveGain;
  jammed_ = jammed_ || injector == Injector::kJam;
  cable_cut_ = cable_cut_ || injector == Injector::kCableCut;
  if (strike_person(pending) || strike_computer(pending) || strike_disk(pending)) return;
  if (lies(injector)) {
    blind_[event.axis] = true;
    if (injector == Injector::kLinkDown) blind_.fill(true);
  }
  if (injector == Injector::kDriveRunaway) {
    disobeyed_ = true;
    world_->machine().press_stop(true);
  }
  world_->faults().inject({injector, event.axis, event.intensity, event.seed});
  strike_trainer(pending);
}

bool Run::due(std::size_t index) {
  Pending& pending = pending_[index];
  const FaultPhase now = phase(pending.event.axis);
  const auto delay_ticks = static_cast<std::uint64_t>(pending.event.delay_s * 1e3);
  if (pending.event.follows && index > 0) {
    const Pending& before = pending_[index - 1];
    // Once something unloads, the phase is the reaction's.
    const bool acts = pending.row->strikes(now, s_.seated) || reacted_at_ != 0;
    return acts && before.fired && ticks_ >= before.fired_tick + delay_ticks;
  }
  const bool here = now == pending.event.phase && true_reps() >= pending.event.after_reps;
  pending.phase_ticks = here ? pending.phase_ticks + 1 : 0;
  // In the tick in which the drive comes on nothing has been seen that a sample could contradict.
  const int least = now == FaultPhase::kTakeUp ? kSeenTicks : 0;
  return here && pending.phase_ticks > std::max(static_cast<int>(delay_ticks), least);
}

void Run::strike_due() {
  for (std::size_t i = 0; i < pending_.size() && !killed_; ++i) {
    if (!pending_[i].fired && due(i)) strike(pending_[i]);
  }
}

void Run::heal() {
  world_->faults().heal();
  world_->restart_heartbeat();  // a guard that has latched wants the daemon started anew
  light_by_ = 0;
  blind_ = {};
  disobeyed_ = profile_fails_ = cable_cut_ = jammed_ = false;
  guard_.inject(Injector::kNone, 0.0);
  overrun_ = 0;
  slow_share_ = 0.0;
  back_at_ = caught_at_ = hangs_since_ = 0;
  world_->runtime().set_store_delay_ns(0);
  if (disk_ != nullptr) disk_->heal();
  world_->station().client_returned(kTrainer);
  world_->machine().press_stop(false);
  mend(world_->machine());
}

}  // namespace medius::sim
