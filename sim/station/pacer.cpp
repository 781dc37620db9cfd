#include "sim/station/pacer.hpp"

namespace medius::sim {
namespace {

// A controller that is silent for so long has gone: real time goes on and the drive's watchdog
// acts.
constexpr std::int64_t kSilenceNs = 500'000'000;
// After a longer stall of the host the plant skips time instead of racing.
constexpr int kMostTicksAtOnce = 250;

}  // namespace

int Pacer::wall_ticks_due(std::int64_t now_ns) noexcept {
  if (lockstep_ && now_ns - round_ns_ > kSilenceNs) controller_gone(now_ns);
  if (lockstep_) return 0;
  const std::int64_t due = (now_ns - wall_ns_) / kTickPeriodNs;
  if (due <= 0) return 0;
  wall_ns_ += due * kTickPeriodNs;
  return due > kMostTicksAtOnce ? kMostTicksAtOnce : static_cast<int>(due);
}

bool Pacer::bus_round(std::int64_t now_ns, std::int64_t& reply_ns) noexcept {
  reply_ns = now_ns;
  if (pace_ != Pace::kBus) return false;
  if (!lockstep_) {
    lockstep_ = true;
    slot_ns_ = now_ns;
  }
  round_ns_ = now_ns;
  slot_ns_ += round_period_ns_;
  if (now_ns - slot_ns_ > round_period_ns_) slot_ns_ = now_ns;
  if (slot_ns_ > now_ns) reply_ns = slot_ns_;
  return true;
}

void Pacer::controller_gone(std::int64_t now_ns) noexcept {
  if (!lockstep_) return;
  lockstep_ = false;
  wall_ns_ = now_ns;
}

}  // namespace medius::sim
