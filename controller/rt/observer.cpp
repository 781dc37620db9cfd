#include "controller/rt/observer.hpp"

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"

namespace medius::rt {

ObserverGains observer_gains(double bandwidth_radps, double interval_s) noexcept {
  const double b = det::exp(-bandwidth_radps * interval_s);
  const double c = 1.0 - b;
  return {1.0 - b * b * b, 1.5 * c * c * (1.0 + b) / interval_s,
          c * c * c / (interval_s * interval_s)};
}

DriveModelConfig drive_model(double dead_time_s, double lag_s, double dt_s) noexcept {
  DriveModelConfig config;
  // The newest word the model can know is the last tick's, hence at least one tick.
  const double ticks = clamped(dead_time_s / dt_s + 0.5, 1.0, kMaxDeadTicks);
  config.dead_ticks = static_cast<int>(ticks);
  config.lag_gain = lag_s > 0.0 ? 1.0 - det::exp(-dt_s / lag_s) : 1.0;
  return config;
}

void push_word(DriveModelState& state, double word) noexcept {
  state.words[state.next % state.words.size()] = word;
  ++state.next;
}

double advance_drive(const DriveModelConfig& config, DriveModelState& state) noexcept {
  const std::uint32_t at = state.next - static_cast<std::uint32_t>(config.dead_ticks);
  state.force += config.lag_gain * (state.words[at % state.words.size()] - state.force);
  return state.force;
}

ObserverConfig observer_config(double bandwidth_radps, double mass, double dt_s,
                               double disturbance_max) noexcept {
  ObserverConfig config;
  config.dt_s = dt_s;
  config.mass = at_least(mass, 0.0);
  config.disturbance_max = at_least(disturbance_max, 0.0);
  for (std::size_t ticks = 1; ticks < config.gains.size(); ++ticks) {
    config.gains[ticks] = observer_gains(bandwidth_radps, static_cast<double>(ticks) * dt_s);
  }
  config.gains[0] = config.gains[1];
  return config;
}

namespace {

void predict(const ObserverConfig& config, const ObserverInput& input,
             ObserverState& state) noexcept {
  const double dt_s = config.dt_s;
  state.acceleration = config.mass > 0.0
                           ? (input.tension - input.drive_force + state.disturbance) / config.mass
                           : 0.0;
  state.position += dt_s * state.velocity + 0.5 * dt_s * dt_s * state.acceleration;
  state.velocity += dt_s * state.acceleration;
}

void correct(const ObserverConfig& config, const ObserverGains& gains, double measured,
             ObserverState& state) noexcept {
  const double innovation = measured - state.position;
  state.position += gains.position * innovation;
  state.velocity += gains.velocity_per_s * innovation;
  state.disturbance =
      clamped(state.disturbance + config.mass * gains.disturbance_per_s2 * innovation,
              -config.disturbance_max, config.disturbance_max);
}

}  // namespace

void observe(const ObserverConfig& config, const ObserverInput& input,
             ObserverState& state) noexcept {
  constexpr std::uint32_t kTooMany = kMaxCoastTicks;
  const int missed = static_cast<int>(input.missed < kTooMany ? input.missed : kTooMany);
  const int gap = state.ticks_since_sample + 1 + missed;
  if (!state.running || gap > kMaxCoastTicks) {
    // Standing still is the only honest guess without samples; the position stays where it was.
    const double position = input.fresh ? input.position : state.position;
    state = ObserverState{};
    state.position = position;
    state.running = input.fresh;
    return;
  }
  for (int i = 0; i <= missed; ++i) predict(config, input, state);
  if (input.fresh) {
    correct(config, config.gains[static_cast<std::size_t>(gap)], input.position, state);
  }
  state.ticks_since_sample = input.fresh ? 0 : gap;
}

}  // namespace medius::rt
