// The motion of a plot: concentric-eccentric cycles on a minimum-jerk path, and what a profile
// wishes on it.
#pragma once

#include <vector>

#include "plugins/plot/profile.hpp"

namespace medius::plot {

struct CycleOptions {
  std::uint32_t coordinate = MEDIUS_COORDINATE_CABLE;
  double load = 0.0;   // N | Nm
  double range = 0.0;  // m | rad
  double concentric_s = 2.0;
  double hold_s = 1.0;
  double eccentric_s = 3.0;
  double bottom_s = 0.5;
  int cycles = 1;        // drawn; one more comes before, in which the profile learns the range
  double stall_s = 0.0;  // a stop at half of the range on the way up
  double slowing = 1.0;  // each lift takes so many times as long as the one before
};

enum class Part { kLifting, kHolding, kLowering, kBottom };

struct Sample {
  Part part = Part::kBottom;
  int cycle = 0;  // from 1
  double position = 0.0, velocity = 0.0, force = 0.0;
  double time_s = 0.0;
};

// Every 10 ms of the drawn cycles. Throws Error if the profile fails.
[[nodiscard]] std::vector<Sample> run_cycles(const Profile& profile, const CycleOptions& options);

// Of a profile that commands motion: the handle goes as it is commanded while somebody pulls with
// half of the set load; a handle that is not pulled back is brought back at the tempo's pace.
// Commanded speed over position and time. Throws Error.
[[nodiscard]] std::vector<Sample> run_motion(const Profile& profile, const CycleOptions& options);

// Of a profile whose handle stands still: the pull of somebody, in `position`, from nothing to half
// more than the set load; what it is held with, in `force`; the commanded speed. Throws Error.
[[nodiscard]] std::vector<Sample> run_hold(const Profile& profile, const CycleOptions& options);

}  // namespace medius::plot
