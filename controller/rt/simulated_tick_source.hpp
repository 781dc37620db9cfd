// Simulated time: a tick is due whenever it is asked for. Lateness and missed periods are inputs.
#pragma once

#include "controller/rt/tick_source.hpp"

namespace medius::rt {

// Defined in the header so that code with and without RTTI may use it.
class SimulatedTickSource final : public TickSource {
 public:
  // [rt]
  [[nodiscard]] bool wait_next(Tick& tick) noexcept override {
    if (stopped_) return false;
    index_ += 1 + skip_;
    tick.index = index_;
    tick.nominal_ns = now_ns();
    tick.late_ns = late_ns_;
    tick.missed = skip_;
    skip_ = 0;
    late_ns_ = 0;
    return true;
  }
  // [rt] The nominal time of the tick under way.
  [[nodiscard]] std::int64_t now_ns() const noexcept override {
    return static_cast<std::int64_t>(index_) * kTickPeriodNs;
  }
  // [rt] The next tick comes `late_ns` late, after `missed` skipped periods.
  void disturb(std::int64_t late_ns, std::uint32_t missed) noexcept {
    late_ns_ = late_ns;
    skip_ = missed;
  }
  // [rt] No tick after this one.
  void stop() noexcept { stopped_ = true; }

 private:
  std::uint64_t index_ = 0;
  std::int64_t late_ns_ = 0;
  std::uint32_t skip_ = 0;
  bool stopped_ = false;
};

}  // namespace medius::rt
