#include "controller/rt/force_control.hpp"

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"
#include "controller/base/tick.hpp"

namespace medius::rt {
namespace {

// Coefficients for 1 kHz.
constexpr double kHighPassGain = 0.963'003;  // exp(-2 pi 6 Hz Ts)
constexpr double kLowPassGain = 0.222'232;   // 1 - exp(-2 pi 40 Hz Ts)
constexpr double kMeanSquareGain = 0.02;     // 50 ms: at 6 Hz the ripple of the square is small
constexpr int kOscillationTicks = 150;
constexpr int kLongAgoTicks = 1'000'000;  // a load cell that is gone for a month overflows nothing

// Slack is where the tension is under a quarter of the pretension, taut where it is above three
// quarters; the blend between them cannot chatter.
constexpr double kSlackFraction = 0.25;
constexpr double kTautSpan = 0.5;

}  // namespace

bool detect_oscillation(double tension, double rms_max, OscillationState& state) noexcept {
  if (!state.primed) {
    state.tension = tension;
    state.primed = true;
  }
  const double first = state.high_pass[0];
  state.high_pass[0] = kHighPassGain * (first + tension - state.tension);
  state.high_pass[1] = kHighPassGain * (state.high_pass[1] + state.high_pass[0] - first);
  state.tension = tension;
  state.low_pass += kLowPassGain * (state.high_pass[1] - state.low_pass);
  state.mean_square += kMeanSquareGain * (state.low_pass * state.low_pass - state.mean_square);
  const bool above = state.mean_square > rms_max * rms_max;
  state.ticks_above = above ? state.ticks_above + 1 : 0;
  if (state.ticks_above >= kOscillationTicks) state.latched = true;
  return state.latched;
}

namespace {

// -1 paying in .. +1 paying out; 0 where the pulleys cost nothing.
double pulley_direction(const ForceControlConfig& config, double velocity) noexcept {
  if (!(config.pulley_loss > 0.0 && config.pulley_blend_velocity > 0.0)) return 0.0;
  return saturated(velocity, config.pulley_blend_velocity);
}

}  // namespace

double handle_force(const ForceControlConfig& config, double tension, double velocity) noexcept {
  const double direction = pulley_direction(config, velocity);
  return (tension + config.pulley_friction * direction) / (1.0 - config.pulley_loss * direction);
}

double low_pass_gain(double cutoff_radps, double dt_s) noexcept {
  return cutoff_radps > 0.0 ? 1.0 - det::exp(-cutoff_radps * dt_s) : 1.0;
}

double control_force(const ForceControlConfig& config, double derivative_gain, double dt_s,
                     const ForceControlInput& input, ForceControlState& state) noexcept {
  if (state.ticks_since_sample < kLongAgoTicks) {
    state.ticks_since_sample += 1 + static_cast<int>(input.missed < 1000 ? input.missed : 0);
  }
  if (input.tension_fresh) {
    if (!state.primed) state.tension = input.tension;
    const double interval_s = dt_s * state.ticks_since_sample;
    const double rate = (input.tension - state.tension) / interval_s;
    state.tension_rate += derivative_gain * (rate - state.tension_rate);
    state.tension = input.tension;
    state.ticks_since_sample = 0;
    state.primed = true;
  }
  const bool oscillating =
      detect_oscillation(input.tension, config.oscillation_rms, state.oscillation);
  if (!config.use_observer) return input.felt_force;

  const double direction = pulley_direction(config, input.velocity);
  const double wanted = input.felt_force * (1.0 - config.pulley_loss * direction) -
                        config.pulley_friction * direction;
  double torque =
      wanted + clamped(input.disturbance, -config.observer_limit, config.observer_limit);
  if (!oscillating) {
    torque += config.kp * (wanted - input.tension) - config.kd_s * state.tension_rate;
  }
  return torque;
}

double take_up(const safety::AxisBounds& bounds, const TakeUpInput& input) noexcept {
  if (!(input.pretension > 0.0)) return 0.0;
  const double servo = clamped(bounds.slack_gain * (input.velocity + bounds.slack_speed),
                               -bounds.brake_force_max, bounds.slack_pull_max);
  // Friction is taken off the servo, or a stiff drive would never reel in.
  const double reel_in = servo + input.disturbance;
  const double taut =
      clamped((input.tension / input.pretension - kSlackFraction) / kTautSpan, 0.0, 1.0);
  return taut * input.torque + (1.0 - taut) * reel_in;
}

}  // namespace medius::rt
