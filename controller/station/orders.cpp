// Every order's way in: request ids and their remembered answers, leases, versions, sessions.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "controller/record/export.hpp"
#include "controller/station/order_limits.hpp"
#include "controller/station/plan.hpp"
#include "controller/station/station_impl.hpp"

namespace medius::station {
namespace {

// Telegrams come late in bursts of some 10 ms; a set does not begin before the data is fresh
// anyway.
constexpr std::int64_t kAnswerWithinNs = 100'000'000;
constexpr int kRefusalsLoggedPerSecond = 10;  // a flood of orders must not flood the log

Outcome<Receipt> as_duplicate(Outcome<Receipt> outcome) {
  if (outcome) outcome->duplicate = true;
  return outcome;
}

std::string list_programs(const ProgramLibrary& library) {
  std::string ids;
  for (const auto& [id, program] : library.programs) ids += (ids.empty() ? "" : ", ") + id;
  return ids.empty() ? "none" : ids;
}

}  // namespace

std::string answer_key(const OrderHeader& header) {
  return header.request_id + '\n' + header.client_name;
}

// True when it has been answered, or will be with the order that is under way.
bool Station::Impl::answered_before(const OrderHeader& header, const std::string& what,
                                    const ReceiptAnswer& answer) {
  const std::string key = answer_key(header);
  const auto another = [&](const std::string& first) {
    return tl::make_unexpected(
        Refusal{RefusalCode::kInvalid,
                fmt::format("request id '{}' was used for {:.96} already, this is {:.96}; choose a "
                            "new id for each order",
                            header.request_id, first, what)});
  };
  // A stop is carried out whatever its id; one with the id of a refused order has not made it its
  // own.
  for (const auto* memory : {&refused, &accepted}) {
    if (const Remembered* first = memory->find(key)) {
      answer(first->what == what ? as_duplicate(first->outcome) : another(first->what));
      return true;
    }
  }
  const auto under_way = pending_by_request.find(key);
  if (under_way == pending_by_request.end()) {
    if (!used.contains(key)) return false;
    answer(tl::make_unexpected(Refusal{
        RefusalCode::kInvalid,
        fmt::format("request id '{}' was carried out before and its answer is remembered no "
                    "more (the last {} are); look at the station and order with a new id",
                    header.request_id, kAnswersRemembered)}));
    return true;
  }
  PendingOrder& first = pending.at(under_way->second);
  if (first.what != what) {
    answer(another(first.what));
  } else if (first.waiters.size() < kOrdersUnderWayMax) {
    first.waiters.emplace_back(answer, true);
  } else {
    answer(tl::make_unexpected(
        Refusal{RefusalCode::kBusy, fmt::format("order '{}' was sent {} times already and waits "
                                                "for its answer; wait too",
                                                header.request_id, first.waiters.size())}));
  }
  return true;
}

// True when the order is new and may be looked at; otherwise it has been answered.
bool Station::Impl::admit(const OrderHeader& header, const std::string& what, LeaseNeed need,
                          const ReceiptAnswer& answer) {
  now_ns = runtime.monotonic_ns();
  loop.refresh(now_ns);
  look_after_trainer();
  if (auto wrong = check_request_id(header.request_id)) {
    refuse(header, what, *wrong, answer);
    return false;
  }
  if (answered_before(header, what, answer)) return false;
  if (shutting_down) {
    refuse(header, what, {RefusalCode::kUnavailable, "the controller shuts down; start it again"},
           answer);
    return false;
  }
  const std::int64_t age_ns = now_ns - header.received_ns;
  if (header.time_to_live_ns != 0 && age_ns > header.time_to_live_ns) {
    refuse(header, what,
           {RefusalCode::kExpired,
            fmt::format("order {} waited {} us, longer than its time to live of {} us; look at the "
                        "station and order again",
                        header.request_id, age_ns / 1000, header.time_to_live_ns / 1000)},
           answer);
    return false;
  }
  if (need == LeaseNeed::kWhenHeld && header.lease_required) need = LeaseNeed::kAlways;
  if (auto wrong = leases.check(header.client_name, header.lease_epoch, need, now_ns)) {
    refuse(header, what, *wrong, answer);
    return false;
  }
  if (header.expected_version && *header.expected_version != version) {
    refuse(
        header, what,
        {RefusalCode::kVersionConflict,
         fmt::format("the order was made for version {}, the station is at {}; look at its state "
                     "and order again",
                     *header.expected_version, version)},
        answer);
    return false;
  }
  if (pending.size() >= kOrdersUnderWayMax) {
    refuse(header, what,
           {RefusalCode::kBusy, fmt::format("{} orders wait for the loop, at most {}; send fewer",
                                            pending.size(), kOrdersUnderWayMax)},
           answer);
    return false;
  }
  return true;
}

bool Station::Impl::log_refusal(const std::string& what, const std::string& id,
                                const std::string& who, const std::string& why) {
  if (now_ns - refusal_window_ns >= 1'000'000'000) {
    if (refusals_muted > 0) {
      audit->warn("{} more refusals not logged", refusals_muted);
      note_muted();
    }
    refusal_window_ns = now_ns;
    refusals_in_window = 0;
    refusals_muted = 0;
  }
  if (refusals_in_window >= kRefusalsLoggedPerSecond) {
    ++refusals_muted;
    return false;
  }
  ++refusals_in_window;
  // Cut short: a client chooses these texts.
  audit->warn("refused {:.96} '{:.64}' of '{:.64}': {}", what, id, who, why);
  return true;
}

void Station::Impl::refuse(const OrderHeader& header, const std::string& what, Refusal refusal,
                           const ReceiptAnswer& answer) {
  if (log_refusal(what, header.request_id, header.client_name, refusal.message)) {
    note_refused(header, what, refusal);
  }
  // What was refused for want of room was not looked at: the same order may be sent again.
  const bool remembered =
      refusal.code != RefusalCode::kBusy && !check_request_id(header.request_id);
  const Outcome<Receipt> outcome = tl::make_unexpected(std::move(refusal));
  if (remembered) refused.remember(answer_key(header), {what, outcome});
  answer(outcome);
}

void Station::Impl::remember_accepted(const std::string& key, Remembered answer) {
  used.add(key);
  accepted.remember(key, std::move(answer));
}

// An order that the state machine carries out by itself.
void Station::Impl::accept(const OrderHeader& header, const std::string& what, Receipt receipt,
                           const ReceiptAnswer& answer) {
  audit->info("accepted {:.96} '{:.64}' of '{:.64}'", what, header.request_id, header.client_name);
  remember_accepted(answer_key(header), {what, receipt});
  note_accepted(header, what, receipt);
  if (publish_now) publish();
  answer(std::move(receipt));
}

Receipt Station::Impl::receipt_for(const OrderHeader& header) const {
  Receipt receipt;
  receipt.request_id = header.request_id;
  receipt.version = version;
  if (session_) receipt.session_id = session_->record.id;
  if (set) receipt.set_id = set->first().record.id;
  return receipt;
}

std::optional<Refusal> Station::Impl::may_start() const {
  if (state == StationState::kFault) {
    return Refusal{RefusalCode::kWrongState, fmt::format("the station is in fault ({})", reason)};
  }
  if (state != StationState::kIdle) {
    return Refusal{RefusalCode::kWrongState,
                   fmt::format("session {} is under way ({}); stop it first", session_->record.id,
                               to_string(state))};
  }
  if (!config.machine.simulated && !config.realtime_granted) {
    return Refusal{RefusalCode::kUnavailable,
                   "this process may not use real-time scheduling, and a real machine needs it; "
                   "grant rtprio and memlock limits and start the controller again"};
  }
  if (config.arming_refusal) {
    if (std::string why = config.arming_refusal(); !why.empty()) {
      return Refusal{RefusalCode::kUnavailable, std::move(why)};
    }
  }
  if (!loop.alive(now_ns, order_timeout_ns())) {
    return Refusal{RefusalCode::kUnavailable,
                   fmt::format("the loop stands still at tick {}; start the controller again",
                               loop.status().tick)};
  }
  if (!loop.machine_answers(now_ns, kAnswerWithinNs)) {
    return Refusal{
        RefusalCode::kUnavailable,
        "the machine does not answer (its data is stale); look at power, cable and link"};
  }
  if (records.unstored_sets() >= kUnstoredSetsMax) {
    return Refusal{RefusalCode::kUnavailable,
                   fmt::format("{} sets wait for the store, at most {} ({}); mend the store first",
                               records.unstored_sets(), kUnstoredSetsMax, store_trouble)};
  }
  return std::nullopt;
}

void Station::Impl::start_session(const StartSessionOrder& order, const ReceiptAnswer& answer) {
  std::string what =
      fmt::format("start_session '{:.64}' for '{:.64}'", order.program_id, order.client_id);
  if (!order.plan_id.empty()) what += fmt::format(" of plan '{:.64}'", order.plan_id);
  if (!admit(order.header, what, LeaseNeed::kWhenHeld, answer)) return;
  if (order.planned) {
    if (!*order.planned) {
      refuse(order.header, what, order.planned->error(), answer);
      return;
    }
    const PlannedSession& planned = **order.planned;
    start(order.header, what, share_of(planned.program, config.machine), planned.program,
          planned.trainee, answer);
    return;
  }
  const auto program = config.programs.programs.find(order.program_id);
  if (program == config.programs.programs.end()) {
    refuse(order.header, what,
           {RefusalCode::kNotFound, fmt::format("program '{:.64}' is not known; choose one of: {}",
                                                order.program_id, list_programs(config.programs))},
           answer);
    return;
  }
  start(order.header, what, share_of(program->second, config.machine), program->second,
        Trainee{order.client_id, "", {}, {}}, answer);
}

void Station::Impl::start_set(const StartSetOrder& order, const ReceiptAnswer& answer) {
  const std::string what =
      fmt::format("start_set '{:.64}' {} x {} for '{:.64}'", order.block.exercise_id,
                  order.block.reps, order.block.load, order.client_id);
  if (!admit(order.header, what, LeaseNeed::kWhenHeld, answer)) return;
  Program free_set;
  free_set.blocks.push_back(order.block);
  free_set.blocks.front().sets = 1;
  if (order.block.sides.size() > 1) free_set.blocks.front().sides.resize(1);
  if (order.block.exercise_id.empty() || order.block.exercise_id.size() > kMaxTextLength) {
    refuse(
        order.header, what,
        {RefusalCode::kInvalid, "the prescription names no exercise; use a row of the catalogue"},
        answer);
    return;
  }
  MachineShare share = share_of(free_set, config.machine);
  // An order names the axis' own load, a program that of one arm.
  if (!share.program.blocks.empty()) share.program.blocks = free_set.blocks;
  start(order.header, what, std::move(share), std::move(free_set),
        Trainee{order.client_id, "", order.caps, {}}, answer);
}

void Station::Impl::start(const OrderHeader& header, const std::string& what, MachineShare share,
                          Program program, Trainee trainee, const ReceiptAnswer& answer) {
  std::optional<Refusal> wrong = may_start();
  const std::string& client_id = trainee.client_id;
  if (!wrong && client_id.size() > kMaxTextLength) {
    wrong = Refusal{RefusalCode::kInvalid,
                    fmt::format("client has {} characters, at most {}; shorten it",
                                client_id.size(), kMaxTextLength)};
  }
  const bool nothing_here = share.program.blocks.empty();
  if (!wrong && nothing_here && !program.blocks.empty() && program.blocks.front().guided) {
    wrong = Refusal{RefusalCode::kInvalid, share.skipped.front()};
  }
  // A program of nothing but other machines' exercises is refused with the sentence of the check.
  if (!nothing_here) program = std::move(share.program);
  for (const ProgramBlock& block : program.blocks) {
    if (!wrong) wrong = check_block(config.machine, plugins, block);
    if (wrong || block.guided) continue;
    const auto over = over_cap(trainee, block.exercise_id, block.coordinate, block.load, arms());
    if (over) wrong = Refusal{RefusalCode::kOverLimit, *over};
  }
  if (wrong) {
    refuse(header, what, *wrong, answer);
    return;
  }
  Session next;
  next.record.id = runtime.new_id();
  next.record.program_id = program.id;
  next.record.client_id = client_id;
  next.record.plan_id = trainee.plan_id;
  next.trainee = std::move(trainee);
  next.record.start_unix_ns = runtime.wall_unix_ns();
  next.client_name = header.client_name;
  next.skipped = std::move(share.skipped);
  for (std::size_t block = 0; block < program.blocks.size(); ++block) {
    for (std::uint32_t round = 0; round < program.blocks[block].sets; ++round) {
      for (const record::Side side : program.blocks[block].sides)
        next.plan.push_back({block, side});
    }
  }
  next.program = std::move(program);
  if (next_is_guided(next)) {
    begin_session(std::move(next));
    begin_guided();
    Receipt receipt = receipt_for(header);
    receipt.effect = Effect::kScheduled;
    accept(header, what, std::move(receipt), answer);
    return;
  }
  auto first = prepare(next, 0);
  if (!first) {
    refuse(header, what, first.error(), answer);
    return;
  }
  begin_session(std::move(next));
  set = std::move(*first);
  arm();
  PendingOrder order;
  order.receipt = receipt_for(header);
  order.receipt.effect = Effect::kScheduled;
  order.receipt.requested = order.receipt.accepted = set->block.load;
  order.what = what;
  await(set->sides.back().enable_id, header, std::move(order), answer);
}

double Station::Impl::arms() const {
  const bool linked = !config.machine.axes.empty() && config.machine.axes[0].engine.linked_arms;
  return linked ? 2.0 : 1.0;
}

}  // namespace medius::station
