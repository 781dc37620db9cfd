// Drop set: F = F0 g, where g falls by a share after each repetition that was too slow.
#pragma once

#include "controller/base/clamp.hpp"
#include "plugins/sdk/motion.hpp"
#include "plugins/sdk/profile.hpp"

namespace medius::profiles {

struct DropSet {
  static constexpr medius_descriptor_t kDescriptor = {
      MEDIUS_ABI_VERSION,
      1u << MEDIUS_COORDINATE_CABLE | 1u << MEDIUS_COORDINATE_LEVER,
      "drop-set",
      "Drop set",
      "Medius",
      "1.0.0",
      "The set load, less of it after each repetition that has lost too much speed."};
  enum Parameter { kLoss, kDrop, kDrops, kCount };
  static constexpr std::array<medius_param_info_t, kCount> kParameters = {{
      {1, MEDIUS_PARAM_NEEDS_RESTART, "velocity_loss", "1",
       "Loss of mean lifting speed against the set's best that drops the load.", 0.1, 0.45, 0.25,
       0.45, 0.0},
      {2, MEDIUS_PARAM_NEEDS_RESTART, "drop", "1", "A drop takes this share of the load away.",
       0.05, 0.3, 0.15, 0.3, 0.0},
      {3, MEDIUS_PARAM_NEEDS_RESTART | MEDIUS_PARAM_STEPPED, "drops_max", "1",
       "So many drops at the most.", 1.0, 4.0, 4.0, 4.0, 0.0},
  }};
  static constexpr double kEndLoss = 0.5;  // beyond it the set is over: straight to the least load
  static constexpr double kGainMin = 0.4;  // less is no training load
  static constexpr double kFall = 0.2;     // of F0, per s

  struct Setup {
    double dt_s = 0.0;
  };
  struct State {
    double gain = 1.0;
    double target = 1.0;
    double next = 1.0;  // target from the next bottom on
    double best = 0.0;  // mean lifting speed of the set
    sdk::LiftMeter lift{};
    std::uint64_t drops = 0;
    std::uint64_t repetition = 0;
  };

  static bool activate(const medius_activation_t& activation, Setup& setup) noexcept {
    setup.dt_s = activation.dt_s;
    return true;
  }
  static bool valid(const State& state) noexcept {
    return state.next >= kGainMin && state.next <= state.target && state.target <= state.gain &&
           state.gain <= 1.0 && state.best >= 0.0 && state.best <= 1e6 && sdk::valid(state.lift) &&
           state.drops <= 4 && state.repetition <= UINT32_MAX;
  }
  static double step(const Setup& setup, const std::array<double, kCount>& values, State& state,
                     const medius_step_in_t& in) noexcept {
    sdk::measure_lift(in, setup.dt_s, state.lift);
    if (in.repetition != state.repetition) {
      if (in.repetition > state.repetition && state.lift.speed > 0.0) judge(values, state);
      state.repetition = in.repetition;
    }
    if (sdk::at_the_bottom(in)) state.target = state.next;
    state.gain = sdk::approach(state.gain, state.target, kFall * setup.dt_s);
    return in.base_force * state.gain;
  }

 private:
  static void judge(const std::array<double, kCount>& values, State& state) noexcept {
    state.best = at_least(state.lift.speed, state.best);
    const double loss = 1.0 - state.lift.speed / state.best;
    if (loss > kEndLoss) {
      state.next = kGainMin;
    } else if (loss > values[kLoss] && static_cast<double>(state.drops) < values[kDrops]) {
      ++state.drops;
      state.next = at_least(state.next * (1.0 - values[kDrop]), kGainMin);
    }
  }
};

}  // namespace medius::profiles
