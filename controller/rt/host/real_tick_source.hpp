// The real tick source: absolute deadlines on CLOCK_MONOTONIC. Keeps the phase: after a late
// wake-up or an overrun it skips whole periods and says how many; it never yields two ticks back to
// back.
#pragma once

#include <atomic>

#include "controller/rt/tick_source.hpp"

namespace medius::rt {

class RealTickSource final : public TickSource {
 public:
  // [any] The first tick comes one period after the first wait_next().
  explicit RealTickSource(std::int64_t period_ns = kTickPeriodNs) noexcept
      : period_ns_(period_ns) {}

  // [rt] The loop's one system call is the sleep in here.
  [[nodiscard]] bool wait_next(Tick& tick) noexcept override;
  // [any]
  [[nodiscard]] std::int64_t now_ns() const noexcept override;
  // [any] wait_next() returns false from its next wake-up on.
  void request_stop() noexcept { stop_.store(true, std::memory_order_release); }

 private:
  std::int64_t period_ns_;
  std::int64_t nominal_ns_ = 0;
  std::uint64_t index_ = 0;
  bool started_ = false;
  std::atomic<bool> stop_{false};
};

// [any] What the rules of wait_next() make of a clock reading; apart from the sleep, so that they
// can be tested without one.
struct TickPlan {
  std::int64_t nominal_ns = 0;
  std::uint32_t missed = 0;
};
// [any] Next deadline when the last nominal was `last_ns` and it is `now_ns` before sleeping: an
// overrun skips to the next period that is still ahead.
[[nodiscard]] TickPlan plan_before_sleep(std::int64_t last_ns, std::int64_t now_ns,
                                         std::int64_t period_ns) noexcept;
// [any] After waking at `now_ns`: whole periods slept through are skipped too.
[[nodiscard]] TickPlan plan_after_sleep(const TickPlan& plan, std::int64_t now_ns,
                                        std::int64_t period_ns) noexcept;

}  // namespace medius::rt
