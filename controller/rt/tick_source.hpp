// The loop's seam to time. The engine, the profiles and the images never read a clock.
#pragma once

#include "controller/base/tick.hpp"

namespace medius::rt {

class TickSource {
 public:
  virtual ~TickSource() = default;
  // [rt] Blocks until the next period; false when the source was told to stop. Keeps the phase: a
  // late wake-up skips whole periods and says how many, it never yields two ticks back to back.
  [[nodiscard]] virtual bool wait_next(Tick& tick) noexcept = 0;
  // [any] Monotonic nanoseconds for budgets and latency figures only; simulated sources return the
  // nominal time.
  [[nodiscard]] virtual std::int64_t now_ns() const noexcept = 0;
};

}  // namespace medius::rt
