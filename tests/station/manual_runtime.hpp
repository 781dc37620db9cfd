// A Runtime whose clock is moved by hand: one ordered queue, nothing waits.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "controller/station/runtime.hpp"

namespace medius::station::test {

class ManualRuntime final : public Runtime {
 public:
  [[nodiscard]] std::int64_t monotonic_ns() const override { return now_ns_; }
  [[nodiscard]] std::int64_t wall_unix_ns() const override {
    return 1'700'000'000'000'000'000 + now_ns_;
  }
  [[nodiscard]] std::string new_id() override;
  void post(Task task) override { at(now_ns_, std::move(task)); }
  TimerId at(std::int64_t monotonic_ns, Task task) override;
  void cancel(TimerId timer) override;
  void run_blocking(Task work, Task done) override;

  // Runs everything that is due by then, in order of time, then of posting.
  void advance(std::int64_t by_ns);
  // While stalled the record thread does nothing; afterwards it catches up in order.
  void stall_record_thread(bool stalled);

 private:
  using Key = std::pair<std::int64_t, TimerId>;
  std::map<Key, Task> queue_;
  std::map<TimerId, std::int64_t> due_;
  std::deque<Task> record_backlog_;
  std::int64_t now_ns_ = 5'000'000'000;
  TimerId next_timer_ = 1;
  std::uint64_t next_id_ = 0x100;
  bool record_stalled_ = false;
};

}  // namespace medius::station::test
