// The control side of the loop's channels: numbers commands, keeps those that did not fit, reads
// events and status, and owns the profiles that the loop holds.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "controller/rt/channels.hpp"
#include "controller/rt/profile.hpp"

namespace medius::station {

class LoopLink {
 public:
  explicit LoopLink(rt::EngineChannels& channels) : channels_(channels) {}

  // [control] For the state machine: always goes out, in order; waits here while the queue is full.
  // Returns the command's id.
  std::uint64_t send(rt::Command command);
  // [control] For orders: nothing when the queue is full or commands wait; the order is refused.
  [[nodiscard]] std::optional<std::uint64_t> try_send(rt::Command command);
  // [control] Hands a profile to the loop with kStartSet; kept until the loop retires it.
  std::uint64_t send_start(rt::Command command, std::unique_ptr<rt::ProfileInstance> profile);
  // [control] Sends what waits, drains the events, then reads the status.
  void poll(std::int64_t now_ns, const std::function<void(const rt::Event&)>& on_event);

  // [control] Reads the status alone, for an order that comes between two polls.
  void refresh(std::int64_t now_ns);

  [[nodiscard]] const rt::Status& status() const { return status_; }
  // The loop has ticked within the time.
  [[nodiscard]] bool alive(std::int64_t now_ns, std::int64_t within_ns) const {
    return status_.tick != 0 && now_ns - last_progress_ns_ <= within_ns;
  }
  // The machine's data has been young enough within the time.
  [[nodiscard]] bool machine_answers(std::int64_t now_ns, std::int64_t within_ns) const {
    return last_fresh_ns_ >= 0 && now_ns - last_fresh_ns_ <= within_ns;
  }
  // True once the loop has seen the command.
  [[nodiscard]] bool passed(std::uint64_t command_id) const {
    return status_.last_command_id >= command_id;
  }
  [[nodiscard]] std::size_t waiting() const { return outbox_.size(); }
  // [control] What a command of a set was that the loop has just answered: load, parameter, engage
  // or unload; nothing for others. Asked once: it is forgotten with the answer.
  [[nodiscard]] std::optional<rt::Command> answered(std::uint64_t command_id);
  // Profiles that the loop has not given back yet.
  [[nodiscard]] std::size_t profiles_held() const { return profiles_.size(); }

 private:
  void flush();
  void note(const rt::Command& command);
  void retire(const rt::Event& event);

  rt::EngineChannels& channels_;
  rt::Status status_;
  std::int64_t last_progress_ns_ = 0;
  std::int64_t last_fresh_ns_ = -1;  // -1: never yet
  std::uint64_t next_command_id_ = 1;
  // A set needs about ten commands; while the loop does not drain, the state machine stands still,
  // so this stays short.
  std::deque<rt::Command> outbox_;
  // Commands of a set without an answer yet, oldest first; at most kAskedMax.
  std::deque<rt::Command> asked_;
  struct Held {
    std::uint64_t start_command_id;
    std::unique_ptr<rt::ProfileInstance> profile;
  };
  std::vector<Held> profiles_;
};

}  // namespace medius::station
