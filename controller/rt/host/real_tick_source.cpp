#include "controller/rt/host/real_tick_source.hpp"

#include <cerrno>
#include <ctime>

namespace medius::rt {
namespace {

constexpr std::int64_t kNsPerS = 1'000'000'000;

std::int64_t clock_ns() noexcept {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kNsPerS + time.tv_nsec;
}

void sleep_until(std::int64_t deadline_ns) noexcept {
  const timespec deadline{deadline_ns / kNsPerS, deadline_ns % kNsPerS};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr) == EINTR) {
  }
}

}  // namespace

TickPlan plan_before_sleep(std::int64_t last_ns, std::int64_t now_ns,
                           std::int64_t period_ns) noexcept {
  TickPlan plan{last_ns + period_ns, 0};
  if (now_ns < plan.nominal_ns) return plan;
  const std::int64_t skip = (now_ns - plan.nominal_ns) / period_ns + 1;
  plan.nominal_ns += skip * period_ns;
  plan.missed = static_cast<std::uint32_t>(skip);
  return plan;
}

TickPlan plan_after_sleep(const TickPlan& plan, std::int64_t now_ns,
                          std::int64_t period_ns) noexcept {
  TickPlan woken = plan;
  const std::int64_t late_ns = now_ns - plan.nominal_ns;
  if (late_ns < period_ns) return woken;
  const std::int64_t skip = late_ns / period_ns;
  woken.nominal_ns += skip * period_ns;
  woken.missed += static_cast<std::uint32_t>(skip);
  return woken;
}

bool RealTickSource::wait_next(Tick& tick) noexcept {
  if (stop_.load(std::memory_order_acquire)) return false;
  const std::int64_t before_ns = clock_ns();
  if (!started_) {
    nominal_ns_ = before_ns;
    started_ = true;
  }
  TickPlan plan = plan_before_sleep(nominal_ns_, before_ns, period_ns_);
  sleep_until(plan.nominal_ns);
  const std::int64_t after_ns = clock_ns();
  plan = plan_after_sleep(plan, after_ns, period_ns_);
  nominal_ns_ = plan.nominal_ns;
  index_ += 1 + plan.missed;
  tick.index = index_;
  tick.nominal_ns = nominal_ns_;
  tick.late_ns = after_ns > nominal_ns_ ? after_ns - nominal_ns_ : 0;
  tick.missed = plan.missed;
  return !stop_.load(std::memory_order_acquire);
}

std::int64_t RealTickSource::now_ns() const noexcept {
  return clock_ns();
}

}  // namespace medius::rt
