// The control plane's Runtime on simulated time: one ordered queue of events. Same posts, same
// order, every run; nothing waits.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "controller/base/random.hpp"
#include "controller/station/runtime.hpp"

namespace medius::sim {

class SimRuntime final : public station::Runtime {
 public:
  explicit SimRuntime(std::uint64_t seed, std::int64_t wall_start_unix_ns);

  [[nodiscard]] std::int64_t monotonic_ns() const override { return now_ns_; }
  [[nodiscard]] std::int64_t wall_unix_ns() const override { return wall_start_unix_ns_ + now_ns_; }
  [[nodiscard]] std::string new_id() override;
  void post(Task task) override;
  TimerId at(std::int64_t monotonic_ns, Task task) override;
  void cancel(TimerId timer) override;
  void run_blocking(Task work, Task done) override;

  // Moves time on and runs everything that is due by then, in order of time, then of posting.
  void advance_to(std::int64_t monotonic_ns);
  // Time passes and nothing runs; what was due by then runs with the next advance, at its end.
  void skip_to(std::int64_t monotonic_ns) {
    if (monotonic_ns > now_ns_) now_ns_ = monotonic_ns;
  }
  // Earliest event, INT64_MAX when there is none: the world may jump to it while the machine idles.
  [[nodiscard]] std::int64_t next_event_ns() const;
  // Ids of a store that others use too.
  void hand_out_ids_from(std::uint64_t first) { next_id_ = first - 1; }
  // The wall clock as somebody sets it; it goes on from there.
  void set_wall_unix_ns(std::int64_t unix_ns) { wall_start_unix_ns_ = unix_ns - now_ns_; }
  // How long a store transaction takes from now on; the store's completions are delayed by it.
  void set_store_delay_ns(std::int64_t delay_ns) { store_delay_ns_ = delay_ns; }

 private:
  using Key = std::pair<std::int64_t, TimerId>;
  std::map<Key, Task> queue_;
  std::map<TimerId, std::int64_t> due_;
  std::int64_t now_ns_ = 0;
  std::int64_t wall_start_unix_ns_;
  std::int64_t store_delay_ns_ = 0;
  TimerId next_timer_ = 1;
  std::uint64_t next_id_;
};

}  // namespace medius::sim
