#include "controller/diagnosis/signals.hpp"

#include <algorithm>

#include "controller/base/clamp.hpp"

namespace medius::diagnosis {

using safety::FaultCode;
using safety::LoadState;
using safety::Reaction;

namespace {

constexpr SignalLimits kCableLimits = {
    .speed_max = 4.0,
    .tension_step_max = 400.0,
    .mirror_speed = 0.08,
    .stuck_speed = 0.05,
    .stuck_tension = 10.0,
    .runaway_force = 25.0,
    .runaway_speed = 0.3,
    .idle_force = 6.0,
    .inward_margin = 0.20,
    .sign_speed = 0.05,
    .sign_tension = 3.0,
    .sign_force = 5.0,
    .push_max = 5.0,
    .wish_swing = 5.0,
};
constexpr SignalLimits lever_limits() {
  using Limits = SignalLimits;
  SignalLimits l = kCableLimits;
  for (double Limits::*const force :
       {&Limits::tension_step_max, &Limits::stuck_tension, &Limits::runaway_force,
        &Limits::idle_force, &Limits::sign_tension, &Limits::sign_force, &Limits::push_max,
        &Limits::wish_swing}) {
    l.*force *= safety::kPadLeverM;
  }
  for (double Limits::*const length :
       {&Limits::speed_max, &Limits::mirror_speed, &Limits::stuck_speed, &Limits::runaway_speed,
        &Limits::inward_margin, &Limits::sign_speed}) {
    l.*length /= safety::kPadLeverM;
  }
  return l;
}
constexpr SignalLimits kLeverLimits = lever_limits();

constexpr int kJumpWindow = 20;   // a second jump of the encoder within so many ticks is a fault
constexpr int kSpikeWindow = 50;  // three spikes of the load cell within so many ticks are one
constexpr int kSpikesMax = 3;
constexpr int kStuckMoving = 10;  // equal samples of something that moved
constexpr int kStuckResting = 100;
constexpr int kStuckTension = 200;  // an amplifier's noise never repeats so often
constexpr int kRunawayTicks = 20;   // longer than dead time and lag of any drive
constexpr int kSignTicks = 50;
constexpr int kSupplyTicks = 5;  // a spike of the measurement is no brown-out
constexpr int kInwardTicks = 20;
constexpr int kPushTicks = 20;
constexpr std::uint32_t kGapMax = 100;  // caps what a pause allows

// A jump is what is faster than anything that hangs on the machine, over the time since the last
// believed sample.
bool plausible(double value, double last, double step_max, std::uint32_t gap) noexcept {
  return absolute(value - last) <= step_max * static_cast<double>(std::min(gap, kGapMax));
}

bool held(bool condition, int ticks, int& counter) noexcept {
  counter = condition ? std::min(counter + 1, ticks) : 0;
  return counter >= ticks;
}

// From one millisecond to the next the way runs back as fast as it came, steadily before and after,
// and without a sample in between in which it turned: no mass does that. A count whose sign has
// changed does, and close to where it counts from it jumps by less than people may move.
bool mirrored(const SignalLimits& limits, const SignalInput& input, SignalState& state) noexcept {
  constexpr double kAlike = 0.25, kTurning = 0.75;  // of the step
  constexpr double kNeverTurning = 2.5;             // of the least step: 200 m/s^2 over two of them
  if (state.position_gap > 2) state.steps_known = 0;  // one that was held is the jump itself
  const double step = input.position - state.position;
  const auto [after, middle, before, first] = state.steps;
  state.steps = {step, after, middle, before};
  if (state.steps_known < 4) {
    ++state.steps_known;
    return false;
  }
  const double size = absolute(before);
  const auto alike = [size](double a, double b) { return absolute(a - b) < kAlike * size; };
  const double least = limits.mirror_speed * input.dt_s;
  const bool turned = absolute(middle) <= kTurning * size && size < kNeverTurning * least;
  return size >= least && !turned && alike(first, before) && alike(after, -before) &&
         alike(step, after);
}

bool check_position(const SignalLimits& limits, const SignalInput& input, SignalState& state,
                    FaultCode& fault) noexcept {
  if (!input.position_fresh) return false;
  const bool known = state.any_position && !input.reconnected;
  // The drive counts from elsewhere: so does where the load came in.
  if (input.reconnected) state.loaded_position += input.position - state.position;
  const double step_max = limits.speed_max * input.dt_s;
  if (known && !plausible(input.position, state.position, step_max, state.position_gap)) {
    state.jumps = state.since_jump <= kJumpWindow ? state.jumps + 1 : 1;
    state.since_jump = 0;
    if (state.jumps >= 2) fault = FaultCode::kEncoderImplausible;
    return false;
  }
  if (!known) state.steps_known = 0;
  if (known && mirrored(limits, input, state)) fault = FaultCode::kEncoderImplausible;
  if (known && input.position == state.position) {
    if (state.same_positions == 0) {
      state.was_moving = absolute(input.velocity) > limits.stuck_speed;
    }
    // A drum that its drive presses onto the end stop rests until somebody pulls harder than that.
    const bool pressed = input.expected_force - input.tension > limits.runaway_force;
    if (state.same_positions == 0 || pressed) {
      state.same_unpressed = 0;
      state.tension_low = state.tension_high = input.tension;
    }
    state.same_positions = std::min(state.same_positions + 1, kStuckResting);
    state.same_unpressed = std::min(state.same_unpressed + 1, kStuckResting);
    state.tension_low = at_most(input.tension, state.tension_low);
    state.tension_high = at_least(input.tension, state.tension_high);
    const bool pulled = state.tension_high - state.tension_low > limits.stuck_tension;
    if ((state.was_moving && state.same_positions >= kStuckMoving) ||
        (pulled && state.same_unpressed >= kStuckResting)) {
      fault = FaultCode::kEncoderStuck;
    }
  } else {
    state.same_positions = 0;
  }
  state.position = input.position;
  state.any_position = true;
  state.position_gap = 0;
  return true;
}

bool check_tension(const SignalLimits& limits, const SignalInput& input, SignalState& state,
                   FaultCode& fault) noexcept {
  if (!input.tension_fresh) return false;
  if (state.any_tension &&
      !plausible(input.tension, state.tension, limits.tension_step_max, state.tension_gap)) {
    state.spikes = state.since_spike <= kSpikeWindow ? state.spikes + 1 : 1;
    state.since_spike = 0;
    if (state.spikes >= kSpikesMax) fault = FaultCode::kLoadCellImplausible;
    return false;
  }
  // A slack cable may well read the same; a cell that sticks there is found against the drive.
  const bool same =
      state.any_tension && input.tension == state.tension && input.tension > limits.sign_tension;
  state.same_tensions = same ? std::min(state.same_tensions + 1, kStuckTension) : 0;
  if (state.same_tensions >= kStuckTension) fault = FaultCode::kLoadCellStuck;
  if (held(!(input.tension >= -limits.push_max), kPushTicks, state.push_ticks)) {
    fault = FaultCode::kLoadCellImplausible;
  }
  state.tension = input.tension;
  state.any_tension = true;
  state.tension_gap = 0;
  return true;
}

// A drive that pulls although it was told not to: off, or to brake what runs in. An empty handle
// shows no tension; that it runs in shows who pulls. Once a fault has taken the load away the
// drive's own word is enough: opening the relay costs nobody anything, and the load cell may be
// what lies.
bool runs_away(const SignalLimits& limits, const SignalInput& input, SignalState& state) noexcept {
  const bool told_off =
      input.load_state == LoadState::kOff || input.reaction >= Reaction::kFastUnload;
  const double ordered = at_least(input.expected_force, 0.0);
  const double expected = ordered + limits.runaway_force;
  const bool runs_in = input.velocity < -limits.runaway_speed;
  const bool taut = told_off && input.tension > expected;
  const bool empty = runs_in && (told_off || input.expected_force < 0.0);
  // Less than a hand may be pulled with still drives an empty handle faster than it may come in.
  const bool idle = told_off && runs_in && ordered < limits.idle_force &&
                    input.drive_force > ordered + limits.idle_force;
  const bool faulted = told_off && input.reaction >= Reaction::kSoftUnload;
  const bool pulls = input.drive_force > expected && (taut || empty || faulted);
  return held(pulls || idle, kRunawayTicks, state.runaway_ticks);
}

FaultCode check_drive(const SignalLimits& limits, const SignalInput& input,
                      SignalState& state) noexcept {
  const bool low =
      limits.bus_voltage_min_v > 0.0 && !(input.bus_voltage_v >= limits.bus_voltage_min_v);
  const bool high =
      limits.bus_voltage_max_v > 0.0 && !(input.bus_voltage_v <= limits.bus_voltage_max_v);
  if (held(low || high, kSupplyTicks, state.supply_ticks)) return FaultCode::kSupplyVoltage;
  if (limits.temperature_max_c > 0.0 && !(input.temperature_c <= limits.temperature_max_c)) {
    return FaultCode::kOverTemperature;
  }
  return FaultCode::kNone;
}

// The cable pays out ever faster under an inward word although nothing pulls at it: the sign is
// wrong. A drum that coasts after a brisk hand gets slower.
bool sign_wrong(const SignalLimits& limits, const SignalInput& input, SignalState& state) noexcept {
  const bool impossible = input.velocity > limits.sign_speed &&
                          input.tension < limits.sign_tension &&
                          input.expected_force > limits.sign_force;
  if (state.sign_ticks == 0) state.sign_from = input.velocity;
  return held(impossible, kSignTicks, state.sign_ticks) && input.velocity >= state.sign_from;
}

// The load must not pull a limb further in than where the person took it.
bool pulled_too_far(const SignalLimits& limits, const SignalInput& input,
                    SignalState& state) noexcept {
  const bool loaded = input.load_state == LoadState::kLoaded;
  if (loaded && !state.loaded) state.loaded_position = state.position;
  state.loaded = loaded;
  return held(loaded && state.position < state.loaded_position - limits.inward_margin, kInwardTicks,
              state.inward_ticks);
}

}  // namespace

SignalLimits signal_limits(hal::CoordinateKind kind) noexcept {
  return kind == hal::CoordinateKind::kCable ? kCableLimits : kLeverLimits;
}

SignalOutput check_signals(const SignalLimits& limits, const SignalInput& input,
                           SignalState& state) noexcept {
  const std::uint32_t passed = std::min(input.missed_ticks, kGapMax) + 1;
  state.position_gap = std::min(state.position_gap + passed, kGapMax);
  state.tension_gap = std::min(state.tension_gap + passed, kGapMax);
  state.since_jump = std::min(state.since_jump + 1, kJumpWindow + 1);
  state.since_spike = std::min(state.since_spike + 1, kSpikeWindow + 1);

  SignalOutput out;
  FaultCode fault = FaultCode::kNone;
  if (input.load_state == LoadState::kOff) {
    // Without torque a handle may be moved, hung or unplugged as people like.
    const int runaway_ticks = state.runaway_ticks;
    state = SignalState{};
    state.runaway_ticks = runaway_ticks;
    out.use_position = input.position_fresh;
    out.use_tension = input.tension_fresh;
  } else {
    // A slack cable pulls nobody: whoever let it in so far holds it no longer.
    if (pulled_too_far(limits, input, state)) {
      fault = input.slack ? FaultCode::kHandleReleased : FaultCode::kPulledTooFar;
    }
    const FaultCode drive = check_drive(limits, input, state);
    if (drive != FaultCode::kNone) fault = drive;
    if (sign_wrong(limits, input, state)) fault = FaultCode::kEncoderImplausible;
    out.use_tension = check_tension(limits, input, state, fault);
    out.use_position = check_position(limits, input, state, fault);
  }
  if (runs_away(limits, input, state)) fault = FaultCode::kDriveRunaway;
  out.cause = safety::caused_by(fault);
  return out;
}

}  // namespace medius::diagnosis
