// Lockstep with a simulated machine: a tick is a bus round. The loop asks for a round when its tick
// is done and sleeps until the round has been made; a host that stalls therefore stalls plant and
// loop alike. While the link is down ticks come from the wall clock, so that the loop and its
// reactions go on.
#pragma once

#include <atomic>
#include <cstdint>

#include "controller/rt/tick_source.hpp"

namespace medius::hal::modbus {

// [any] CLOCK_MONOTONIC.
[[nodiscard]] std::int64_t monotonic_ns() noexcept;
// [any] Sleeps until the time has come.
void sleep_until_ns(std::int64_t deadline_ns) noexcept;

// A simulated machine may be played so many times faster than life (medius-sim --speed); one that
// answers at once, without a pace of its own, does not make the loop race beyond it.
inline constexpr int kMostTimesLife = 20;

// Where the loop and the bus thread meet.
class LockstepGate {
 public:
  // [rt] Asks for the round of a tick. Returns its number.
  std::uint32_t request(std::int64_t nominal_ns) noexcept;
  // [rt] Sleeps until the round is made; false when the link is down, the gate is closed, or the
  // bus thread has not answered for far longer than every time-out of it.
  [[nodiscard]] bool await(std::uint32_t round) noexcept;
  [[nodiscard]] bool link_up() const noexcept { return link_up_.load(std::memory_order_acquire); }
  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  // [bus] Sleeps until a round is asked for, at most `timeout_ns`. True with its nominal time.
  [[nodiscard]] bool await_request(std::int64_t timeout_ns, std::int64_t& nominal_ns) noexcept;
  // [bus] The round asked for last is made (or failed).
  void complete() noexcept;
  // [bus]
  void set_link_up(bool up) noexcept;

  // [control] Wakes everybody; the tick source ends.
  void close() noexcept;

 private:
  void signal() noexcept;

  std::atomic<std::uint32_t> events_{0};     // futex: anything below changed, for the loop
  std::atomic<std::uint32_t> requested_{0};  // futex, for the bus thread
  std::atomic<std::uint32_t> done_{0};
  std::atomic<std::int64_t> nominal_ns_{0};
  std::atomic<bool> link_up_{false};
  std::atomic<bool> closed_{false};
  std::uint32_t served_ = 0;  // [bus]
};

class LockstepTickSource final : public rt::TickSource {
 public:
  explicit LockstepTickSource(LockstepGate& gate) noexcept : gate_(gate) {}

  [[nodiscard]] bool wait_next(Tick& tick) noexcept override;
  [[nodiscard]] std::int64_t now_ns() const noexcept override { return monotonic_ns(); }

 private:
  LockstepGate& gate_;
  std::uint64_t next_index_ = 0;
  std::int64_t slot_ns_ = 0;
};

}  // namespace medius::hal::modbus
