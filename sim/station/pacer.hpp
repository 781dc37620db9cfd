// When the simulated plant takes its next tick. Wall: with the clock. Bus: with the controller's
// rounds, on average never faster than life (or than `speed` times it), never catching up a stall
// in a burst. All times CLOCK_MONOTONIC ns.
#pragma once

#include <cstdint>

#include "controller/base/tick.hpp"

namespace medius::sim {

enum class Pace : std::uint8_t { kWall, kBus };

class Pacer {
 public:
  // `speed`: how many times faster than life a round may be; the clock's own pace is always life's.
  explicit Pacer(Pace pace, std::int64_t now_ns, double speed = 1.0) noexcept
      : pace_(pace),
        round_period_ns_(static_cast<std::int64_t>(kTickPeriodNs / speed)),
        wall_ns_(now_ns) {}

  // Whole ticks that are due by the clock now; 0 while a controller sets the pace.
  [[nodiscard]] int wall_ticks_due(std::int64_t now_ns) noexcept;

  // A new round of the controlling connection. True: the plant takes one tick for it, and the reply
  // goes out at `reply_ns`.
  [[nodiscard]] bool bus_round(std::int64_t now_ns, std::int64_t& reply_ns) noexcept;
  // The controlling connection is gone: the plant goes on with the clock.
  void controller_gone(std::int64_t now_ns) noexcept;
  [[nodiscard]] bool in_lockstep() const noexcept { return lockstep_; }

 private:
  Pace pace_;
  std::int64_t round_period_ns_;
  bool lockstep_ = false;
  std::int64_t wall_ns_;       // plant time by the clock
  std::int64_t slot_ns_ = 0;   // when the last round's reply was due
  std::int64_t round_ns_ = 0;  // when the last round came
};

}  // namespace medius::sim
