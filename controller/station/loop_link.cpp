#include "controller/station/loop_link.hpp"

#include <algorithm>
#include <utility>

namespace medius::station {
namespace {

// Twice what the queue of commands holds: with more the oldest go, as their answers were dropped.
constexpr std::size_t kAskedMax = 512;

}  // namespace

std::uint64_t LoopLink::send(rt::Command command) {
  command.command_id = next_command_id_++;
  note(command);
  outbox_.push_back(command);
  flush();
  return command.command_id;
}

std::optional<std::uint64_t> LoopLink::try_send(rt::Command command) {
  flush();
  if (!outbox_.empty()) return std::nullopt;
  command.command_id = next_command_id_;
  if (!channels_.commands.push(command)) return std::nullopt;
  note(command);
  return next_command_id_++;
}

void LoopLink::note(const rt::Command& command) {
  switch (command.kind) {
    case rt::CommandKind::kSetLoad:
    case rt::CommandKind::kSetParameter:
    case rt::CommandKind::kEngage:
    case rt::CommandKind::kUnload:
      asked_.push_back(command);
      if (asked_.size() > kAskedMax) asked_.pop_front();
      break;
    default:
      break;
  }
}

std::optional<rt::Command> LoopLink::answered(std::uint64_t command_id) {
  // Answers come in the order of the commands: whatever is older got none.
  while (!asked_.empty() && asked_.front().command_id < command_id) asked_.pop_front();
  if (asked_.empty() || asked_.front().command_id != command_id) return std::nullopt;
  const rt::Command command = asked_.front();
  asked_.pop_front();
  return command;
}

std::uint64_t LoopLink::send_start(rt::Command command,
                                   std::unique_ptr<rt::ProfileInstance> profile) {
  command.kind = rt::CommandKind::kStartSet;
  command.profile = profile.get();
  const std::uint64_t id = send(command);
  profiles_.push_back({id, std::move(profile)});
  return id;
}

void LoopLink::flush() {
  while (!outbox_.empty() && channels_.commands.push(outbox_.front())) outbox_.pop_front();
}

void LoopLink::retire(const rt::Event& event) {
  for (auto held = profiles_.begin(); held != profiles_.end(); ++held) {
    if (held->profile.get() != event.profile) continue;
    // A call into it was ended half-way: its memory is lost, its code is never entered again.
    if (event.fault != safety::FaultCode::kNone) static_cast<void>(held->profile.release());
    profiles_.erase(held);
    return;
  }
}

void LoopLink::poll(std::int64_t now_ns, const std::function<void(const rt::Event&)>& on_event) {
  flush();
  rt::Event event;
  while (channels_.events.pop(event)) {
    if (event.kind == rt::EventKind::kProfileRetired) retire(event);
    if (event.kind == rt::EventKind::kCommandRefused) {
      // A refused start never reached the loop's hands.
      std::erase_if(profiles_,
                    [&](const Held& held) { return held.start_command_id == event.command_id; });
    }
    on_event(event);
  }
  refresh(now_ns);  // after the events: at least as new as they are, but for the tick under way
}

void LoopLink::refresh(std::int64_t now_ns) {
  const rt::Status status = channels_.status.load();
  if (status.tick != status_.tick) last_progress_ns_ = now_ns;
  if (status.link_fresh) last_fresh_ns_ = now_ns;
  status_ = status;
}

}  // namespace medius::station
