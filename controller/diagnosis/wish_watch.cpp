#include "controller/diagnosis/wish_watch.hpp"

#include "controller/base/clamp.hpp"

namespace medius::diagnosis {
namespace {

constexpr int kWindowTicks = 1000;
constexpr int kSwingsMax = 8;
constexpr double kSwingOverBase = 0.1;

}  // namespace

bool wish_oscillates(double wish, double base_force, double swing_min,
                     WishWatchState& state) noexcept {
  if (!is_finite(wish)) return false;  // refused elsewhere
  if (++state.ticks > kWindowTicks) {
    state.ticks = 0;
    state.swings = 0;
  }
  const double least = at_least(kSwingOverBase * base_force, swing_min);
  const double back = wish - state.extreme;
  if (state.direction == 0) {
    if (absolute(back) >= least) {
      state.direction = back > 0.0 ? 1 : -1;
      state.extreme = wish;
    }
  } else if (back * static_cast<double>(state.direction) >= 0.0) {
    state.extreme = wish;
  } else if (absolute(back) >= least) {
    state.direction = -state.direction;
    state.extreme = wish;
    ++state.swings;
  }
  return state.swings > kSwingsMax;
}

}  // namespace medius::diagnosis
