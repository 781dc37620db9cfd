#include "sim/station/frame_faults.hpp"

#include <algorithm>

#include "sim/faults/fault_menu.hpp"
#include "sim/faults/intensity.hpp"

namespace medius::sim {
namespace {

constexpr std::size_t kMostAtOnce = 8;
constexpr std::size_t kMbapUnit = 6;

// A bit of what a frame carries; its addressing stays, so that it still looks like an answer.
void garble(std::vector<std::uint8_t>& reply, Random& random, bool serial) {
  const std::size_t first = serial ? 1 : kMbapUnit + 1;
  if (reply.size() <= first) return;
  const std::size_t at = first + random.below(static_cast<std::uint32_t>(reply.size() - first));
  reply[at] = static_cast<std::uint8_t>(reply[at] ^ (1u << random.below(8)));
}

// Of another transaction; of a serial line, where there is none, of another unit.
void readdress(std::vector<std::uint8_t>& reply) {
  reply[0] = static_cast<std::uint8_t>(reply[0] ^ 0x40u);
}

}  // namespace

bool FrameFaults::inject(const ActiveFault& fault) {
  if (slots_.size() == kMostAtOnce) return false;
  slots_.push_back({fault, Random(fault.seed), tick_});
  return true;
}

bool FrameFaults::heal(Injector injector, std::uint8_t axis) {
  return std::erase_if(slots_, [&](const Slot& slot) {
           return slot.fault.injector == injector && slot.fault.axis == axis;
         }) > 0;
}

void FrameFaults::heal() {
  slots_.clear();
}

bool FrameFaults::link_down() const noexcept {
  return std::any_of(slots_.begin(), slots_.end(),
                     [](const Slot& slot) { return slot.fault.injector == Injector::kLinkDown; });
}

FramePlan FrameFaults::act(std::vector<std::uint8_t>& reply, bool serial) {
  FramePlan plan;
  for (Slot& slot : slots_) act(slot, reply, serial, plan);
  return plan;
}

void FrameFaults::act(Slot& slot, std::vector<std::uint8_t>& reply, bool serial,
                      FramePlan& plan) const {
  const double intensity = slot.fault.intensity;
  const std::int64_t ticks = tick_ - slot.since_tick;
  const bool hit = slot.random.chance(frame_share(intensity));
  switch (slot.fault.injector) {
    case Injector::kLinkDown:
      plan.silent = true;
      break;
    case Injector::kLinkIntermittent:
      plan.silent = plan.silent || in_silent_burst(ticks, intensity);
      break;
    case Injector::kLateFrames:
      // To the end of the burst.
      for (int late = 0; in_late_burst(ticks + late, intensity); ++late) ++plan.late_ms;
      break;
    case Injector::kSensorDelay:
      plan.late_ms += static_cast<int>(between(22.0, 60.0, intensity));
      break;
    case Injector::kLinkSlow:
      plan.late_ms += static_cast<int>(between(5.0, 15.0, intensity));
      break;
    case Injector::kFrameGarbage:
      if (hit) garble(reply, slot.random, serial);
      break;
    case Injector::kFrameForeign:
      if (hit) readdress(reply);
      break;
    case Injector::kFrameTruncated:
      if (hit) reply.resize(reply.size() / 2);
      break;
    case Injector::kFrameDuplicate:
      plan.twice = plan.twice || hit;
      break;
    case Injector::kFrameReordered:
      plan.repeat_last = plan.repeat_last || hit;
      break;
    default:
      break;
  }
}

}  // namespace medius::sim
