// What happens to the frames of a link: replies that do not come, come late, twice, after the next
// one, in halves or garbled. Asked before each reply; the session does it.
#pragma once

#include <cstdint>
#include <vector>

#include "controller/base/random.hpp"
#include "sim/faults/faulty_image.hpp"

namespace medius::sim {

// Of one reply.
struct FramePlan {
  bool silent = false;
  bool repeat_last = false;  // the reply before it comes first, again
  bool twice = false;
  int late_ms = 0;
};

class FrameFaults {
 public:
  // From the next reply on; at most 8 at once, false when there is no room.
  bool inject(const ActiveFault& fault);
  bool heal(Injector injector, std::uint8_t axis);
  void heal();
  void tick() noexcept { ++tick_; }
  [[nodiscard]] bool link_down() const noexcept;
  // Decides about a reply and garbles or truncates it. `serial`: a frame with a CRC instead of an
  // MBAP header.
  [[nodiscard]] FramePlan act(std::vector<std::uint8_t>& reply, bool serial);

 private:
  struct Slot {
    ActiveFault fault;
    Random random{1};
    std::int64_t since_tick = 0;
  };
  void act(Slot& slot, std::vector<std::uint8_t>& reply, bool serial, FramePlan& plan) const;

  std::vector<Slot> slots_;
  std::int64_t tick_ = 0;
};

}  // namespace medius::sim
