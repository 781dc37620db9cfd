// An exercise without the machine: drives off, paced on the screen, over when somebody says so.
#include <algorithm>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "controller/base/clamp.hpp"
#include "controller/base/tick.hpp"
#include "controller/record/export.hpp"
#include "controller/station/order_limits.hpp"
#include "controller/station/station_impl.hpp"

namespace medius::station {
namespace {

constexpr const char* kPanelName = "operator panel";
// Standing on both feet at the end of the time to get ready: what "level" is.
constexpr double kLevelS = 2.0;
// Beyond the paced time: a person may go on slowly, or look for the button.
constexpr double kConfirmTimeoutS = 300.0;
constexpr std::size_t kMaxReasonLength = 200;
constexpr std::uint32_t kMaxRepsTold = 200;

std::string side_words(record::Side side) {
  if (side == record::Side::kBoth) return "both sides";
  return fmt::format("{} side", record::to_string(side));
}

std::string asked_words(const ProgramBlock& block) {
  if (block.duration_s > 0.0) {
    return fmt::format("{} within {:g} s", block.reps, block.duration_s);
  }
  if (block.hold_s > 0.0 && block.reps == 1) return fmt::format("hold {:g} s", block.hold_s);
  if (block.hold_s > 0.0) return fmt::format("{} x {:g} s", block.reps, block.hold_s);
  return fmt::format("{} repetitions", block.reps);
}

std::string advice(const record::GuidedRecord& record, const ProgramBlock& block, bool watched) {
  return fmt::format(
      "{}, {}, {} without the machine{}{}; {}, press the reset button or send ConfirmGuided",
      record.exercise_id, side_words(record.side), asked_words(block),
      block.cue.empty() ? "" : ": ", block.cue,
      watched ? "stand on both feet until the hold begins; when the foot is down again"
              : "when it is done");
}

}  // namespace

bool Station::Impl::next_is_guided(const Session& session) const {
  return session.next < session.plan.size() &&
         session.program.blocks[session.plan[session.next].block].guided;
}

void Station::Impl::begin_guided() {
  const PlannedSet& planned = session_->plan[session_->next];
  GuidedTask task;
  task.block = session_->program.blocks[planned.block];
  task.watches_pelvis =
      session_->program.test == TestKind::kPelvicDrop && config.machine.pelvis_sensor;
  record::GuidedRecord& record = task.record;
  record.id = runtime.new_id();
  record.session_id = session_->record.id;
  record.index = static_cast<std::uint32_t>(session_->next + 1);
  record.exercise_id = task.block.exercise_id;
  record.side = planned.side;
  record.warm_up = task.block.warm_up;
  record.reps_asked = task.block.reps;
  const measure::Tempo& tempo = task.block.tempo;
  record.tempo = fmt::format("{:g}-{:g}-{:g}-{:g}", tempo.concentric_s, tempo.hold_s,
                             tempo.eccentric_s, tempo.bottom_s);
  record.hold_s = task.block.hold_s;
  record.duration_s = task.block.duration_s;
  record.start_unix_ns = runtime.wall_unix_ns();
  record.start_tick = task.last_tick = loop.status().tick;
  // Pressed since before: that press was meant for something else.
  task.button_down = loop.status().reset_pressed;
  if (task.watches_pelvis) {
    const double begin_s = kGetReadyS - kLevelS;
    records.begin_stance(record.start_tick +
                         static_cast<std::uint64_t>(begin_s / kTickPeriodS + 0.5));
  }
  guided = std::move(task);
  last_set.clear();
  paused = false;
  audit->info("guided exercise {} starts: {} {}, {}", guided->record.id, guided->record.exercise_id,
              record::to_string(guided->record.side), asked_words(guided->block));
  enter(StationState::kGuided, advice(guided->record, guided->block, guided->watches_pelvis));
}

Pace Station::Impl::guided_pace() const {
  return pace_at(guided->block, static_cast<double>(guided->paced_ticks) * kTickPeriodS);
}

void Station::Impl::step_guided() {
  const rt::Status& status = loop.status();
  if (!paused) guided->paced_ticks += status.tick - guided->last_tick;
  guided->last_tick = status.tick;
  if (guided->measuring) return;
  const bool pressed = status.reset_pressed && !guided->button_down;
  guided->button_down = status.reset_pressed;
  // While the person gets ready nothing can have been done yet.
  const bool begun = static_cast<double>(guided->paced_ticks) * kTickPeriodS >= kGetReadyS;
  if (pressed && begun) {
    end_guided({record::GuidedEnd::kConfirmed, record::ConfirmedFrom::kPanel, kPanelName,
                guided->block.reps, ""});
    return;
  }
  const double limit_s = guided_pace().total_s + kConfirmTimeoutS;
  if (!(in_state_s() > limit_s + at_most(guided->paused_s(), kPauseTimeoutS))) return;
  session_ends_after_set = true;
  end_reason = fmt::format("nobody confirmed {} within {:.0f} s after its time",
                           guided->record.exercise_id, kConfirmTimeoutS);
  end_guided({record::GuidedEnd::kNotConfirmed, record::ConfirmedFrom::kNobody, "", 0, end_reason});
}

// A stance is measured first: its last samples may still be on their way.
void Station::Impl::end_guided(const GuidedVerdict& verdict) {
  record::GuidedRecord& record = guided->record;
  record.end = verdict.end;
  record.from = verdict.from;
  record.confirmed_by = verdict.by;
  record.reps_confirmed = verdict.reps;
  record.reason = verdict.reason;
  record.end_unix_ns = runtime.wall_unix_ns();
  record.end_tick = loop.status().tick;
  audit->info("guided exercise {} ends: {}{}{}", record.id, record::to_string(record.end),
              record.confirmed_by.empty() ? "" : " by ", record.confirmed_by);
  if (!guided->watches_pelvis || record.end != record::GuidedEnd::kConfirmed) {
    close_guided();
    after_guided();
    return;
  }
  guided->measuring = true;
  changed();
  measure::StanceConfig config_of_stance;
  config_of_stance.level_s = kLevelS;
  config_of_stance.hold_s = record.hold_s;
  records.end_stance(record.end_tick, config_of_stance,
                     [this, id = record.id](const measure::StanceResult& stance) {
                       if (!guided || guided->record.id != id) return;
                       guided->record.stance = stance;
                       close_guided();
                       after_guided();
                     });
}

// By a stop or a fault. What was confirmed already stays confirmed.
void Station::Impl::end_guided_now(record::GuidedEnd why, const std::string& because) {
  record::GuidedRecord& record = guided->record;
  if (record.end == record::GuidedEnd::kOpen) {
    record.end = why;
    record.reason = because;
    record.end_unix_ns = runtime.wall_unix_ns();
    record.end_tick = loop.status().tick;
  }
  close_guided();
}

void Station::Impl::close_guided() {
  if (guided->watches_pelvis) records.drop_stance();
  records.put_guided(guided->record);
  last_guided = std::move(*guided);
  guided.reset();
}

void Station::Impl::after_guided() {
  paused = false;
  rest_or_finish(last_guided->block.rest_s);
}

// ---- orders ---------------------------------------------------------------------------------
std::optional<Refusal> Station::Impl::check_confirm(const ConfirmGuidedOrder& order) const {
  if (state != StationState::kGuided || !guided || guided->measuring) {
    return Refusal{
        RefusalCode::kWrongState,
        fmt::format("nothing waits for a confirmation (the station is {})", to_string(state))};
  }
  if (!order.guided_id.empty() && order.guided_id != guided->record.id) {
    return Refusal{RefusalCode::kWrongState,
                   fmt::format("exercise '{:.64}' is not under way, {} is; look at the station and "
                               "confirm that",
                               order.guided_id, guided->record.id)};
  }
  if (order.skip && order.reason.empty()) {
    return Refusal{RefusalCode::kInvalid, "skipping needs a reason; say why it is left out"};
  }
  if (order.reason.size() > kMaxReasonLength) {
    return Refusal{RefusalCode::kInvalid, fmt::format("reason has {} characters, at most {}; "
                                                      "shorten it",
                                                      order.reason.size(), kMaxReasonLength)};
  }
  if (order.reps && (*order.reps < 1 || *order.reps > kMaxRepsTold)) {
    return Refusal{RefusalCode::kInvalid,
                   fmt::format("{} repetitions cannot be confirmed, it must be within 1 and {}; "
                               "skip what was not done",
                               *order.reps, kMaxRepsTold)};
  }
  return std::nullopt;
}

void Station::Impl::confirm_guided(const ConfirmGuidedOrder& order, const ReceiptAnswer& answer) {
  const std::string what =
      order.skip ? fmt::format("skip_guided '{:.32}': {:.64}", order.guided_id, order.reason)
                 : fmt::format("confirm_guided '{:.32}' {}", order.guided_id,
                               order.reps ? std::to_string(*order.reps) : "as asked");
  if (!admit(order.header, what, LeaseNeed::kWhenHeld, answer)) return;
  if (const auto wrong = check_confirm(order)) {
    refuse(order.header, what, *wrong, answer);
    return;
  }
  GuidedVerdict verdict;
  verdict.end = order.skip ? record::GuidedEnd::kSkipped : record::GuidedEnd::kConfirmed;
  verdict.from = record::ConfirmedFrom::kOrder;
  verdict.by = order.header.client_name;
  verdict.reps = order.skip ? 0 : order.reps.value_or(guided->block.reps);
  verdict.reason = order.reason;
  const double told = verdict.reps;
  const double asked = guided->block.reps;
  end_guided(verdict);
  Receipt receipt = receipt_for(order.header);
  receipt.requested = asked;
  receipt.accepted = told;
  accept(order.header, what, std::move(receipt), answer);
}

}  // namespace medius::station
