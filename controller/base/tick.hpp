// One period of the 1 kHz loop. A leaf header: the loop, the images and the simulator share it.
#pragma once

#include <cstdint>

namespace medius {

// The loop's nominal period. dt is a constant of every law and filter; lateness is only supervised.
inline constexpr std::int64_t kTickPeriodNs = 1'000'000;
inline constexpr double kTickPeriodS = 1e-3;

// What a TickSource yields. Nothing below the source reads a clock.
struct Tick {
  std::uint64_t index = 0;      // counts periods, skipped ones included; never goes back
  std::int64_t nominal_ns = 0;  // planned start on the source's monotonic time line
  std::int64_t late_ns = 0;     // wake-up minus planned start, >= 0
  std::uint32_t missed = 0;     // whole periods skipped just before this one
};

}  // namespace medius
