// A profile whose wish swings to and fro within its bounds: every single value is allowed, the
// person is shaken all the same. Pure.
#pragma once

namespace medius::diagnosis {

struct WishWatchState {
  double extreme = 0.0;  // the furthest of the swing under way
  int direction = 0;
  int swings = 0;
  int ticks = 0;  // of the window
};

// [rt] True once the wish has swung more than 8 times within a second by at least a tenth of the
// base load and `swing_min`. No law of training turns round more often than a person moves: 4 Hz.
bool wish_oscillates(double wish, double base_force, double swing_min,
                     WishWatchState& state) noexcept;

}  // namespace medius::diagnosis
