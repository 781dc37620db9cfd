// Two pads on one drive: what each cell says by itself, and whether both legs are there. The sum of
// the cells is watched as any load cell is (signals.hpp); this is what the sum hides. Pure
// functions; what they find can only take force away.
//
// A cell that reads nothing looks like a leg that is off its pad, and is treated as one: the set
// pauses. Which of the two it is only the drive can tell: a leg that pushes unseen is missing in
// the sum, and the sum is then below the drive's torque (safety's plausibility, from a quarter of
// the set force on). Below that, or with the sum right, nobody but a person who looks can tell.
#pragma once

#include <array>

#include "controller/diagnosis/signals.hpp"

namespace medius::diagnosis {

struct PadInput {
  std::array<double, hal::kPads> force{};  // as they came in
  std::array<bool, hal::kPads> fresh{};
  double felt_force = 0.0;  // what both legs together should feel
  safety::LoadState load_state = safety::LoadState::kOff;
};

struct PadState {
  std::array<double, hal::kPads> force{};  // last one, finite
  std::array<int, hal::kPads> same{}, push{}, off{};
  int held = 0;          // ticks for which both pads have been held again
  bool leg_off = false;  // stands until then
};

struct PadOutput {
  bool one_leg = false;  // one pad carries nothing now: the other leg has all of it
  safety::SuperviseOutput cause;
};

// [rt] One tick of linked arms.
PadOutput check_pads(const SignalLimits& limits, const PadInput& input, PadState& state) noexcept;

}  // namespace medius::diagnosis
