#include "hal/modbus/lockstep.hpp"

#include <cerrno>
#include <climits>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "controller/base/tick.hpp"

namespace medius::hal::modbus {
namespace {

// Far beyond the lockstep response time-out: the bus thread itself must be gone.
constexpr std::int64_t kGiveUpNs = 2'000'000'000;
constexpr std::int64_t kLookUpNs = 100'000'000;
// Jitter of the machine's own pace that is no reason to wait.
constexpr std::int64_t kMostAheadNs = kTickPeriodNs;
// One second into the source's time line, so that nothing is ever sampled at zero.
constexpr std::uint64_t kFirstTick = 1000;

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

std::uint32_t* word_of(std::atomic<std::uint32_t>& atomic) noexcept {
  return reinterpret_cast<std::uint32_t*>(&atomic);
}

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t seen,
                std::int64_t timeout_ns) noexcept {
  const timespec timeout{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
  ::syscall(SYS_futex, word_of(word), FUTEX_WAIT_PRIVATE, seen, &timeout, nullptr, 0);
}

void futex_wake(std::atomic<std::uint32_t>& word) noexcept {
  ::syscall(SYS_futex, word_of(word), FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace

std::int64_t monotonic_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void sleep_until_ns(std::int64_t deadline_ns) noexcept {
  // The kernel arms a timer even for a deadline that has passed: 70 us on a virtual machine.
  if (deadline_ns <= monotonic_ns()) return;
  const timespec deadline{deadline_ns / 1'000'000'000, deadline_ns % 1'000'000'000};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr) == EINTR) {
  }
}

void LockstepGate::signal() noexcept {
  events_.fetch_add(1, std::memory_order_release);
  futex_wake(events_);
}

std::uint32_t LockstepGate::request(std::int64_t nominal_ns) noexcept {
  nominal_ns_.store(nominal_ns, std::memory_order_relaxed);
  const std::uint32_t round = requested_.fetch_add(1, std::memory_order_release) + 1;
  futex_wake(requested_);
  return round;
}

bool LockstepGate::await(std::uint32_t round) noexcept {
  const std::int64_t give_up_ns = monotonic_ns() + kGiveUpNs;
  for (;;) {
    const std::uint32_t seen = events_.load(std::memory_order_acquire);
    const std::uint32_t done = done_.load(std::memory_order_acquire);
    if (static_cast<std::int32_t>(done - round) >= 0) return true;
    if (closed() || !link_up() || monotonic_ns() > give_up_ns) return false;
    futex_wait(events_, seen, kLookUpNs);
  }
}

bool LockstepGate::await_request(std::int64_t timeout_ns, std::int64_t& nominal_ns) noexcept {
  if (requested_.load(std::memory_order_acquire) == served_) {
    futex_wait(requested_, served_, timeout_ns);
  }
  const std::uint32_t requested = requested_.load(std::memory_order_acquire);
  if (requested == served_ || closed()) return false;
  served_ = requested;
  nominal_ns = nominal_ns_.load(std::memory_order_relaxed);
  return true;
}

void LockstepGate::complete() noexcept {
  done_.store(served_, std::memory_order_release);
  signal();
}

void LockstepGate::set_link_up(bool up) noexcept {
  if (up) {
    // Whatever was asked for while the link was down has been answered by the wall clock.
    served_ = requested_.load(std::memory_order_acquire);
    done_.store(served_, std::memory_order_release);
  }
  link_up_.store(up, std::memory_order_release);
  signal();
}

void LockstepGate::close() noexcept {
  closed_.store(true, std::memory_order_release);
  requested_.fetch_add(1, std::memory_order_release);
  futex_wake(requested_);
  signal();
}

bool LockstepTickSource::wait_next(Tick& tick) noexcept {
  if (gate_.closed()) return false;
  const std::uint64_t index = kFirstTick + next_index_;
  const auto nominal_ns = static_cast<std::int64_t>(index) * kTickPeriodNs;
  bool by_bus = false;
  if (gate_.link_up()) by_bus = gate_.await(gate_.request(nominal_ns));
  if (gate_.closed()) return false;
  // The machine sets the pace by its replies; without it the clock does. A stall is not caught up.
  slot_ns_ += by_bus ? kTickPeriodNs / kMostTimesLife : kTickPeriodNs;
  const std::int64_t now = monotonic_ns();
  if (now > slot_ns_) slot_ns_ = now;
  const std::int64_t ahead_ns = by_bus ? kMostAheadNs : 0;
  if (now < slot_ns_ - ahead_ns) sleep_until_ns(slot_ns_ - ahead_ns);
  ++next_index_;
  tick = {index, nominal_ns, 0, 0};
  return true;
}

}  // namespace medius::hal::modbus
