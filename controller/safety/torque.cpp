// Stage 2 of the kernel: the only producer of a torque word.
#include "controller/safety/kernel.hpp"
#include "controller/safety/limits.hpp"

namespace medius::safety {

struct TorqueWordMaker {
  static TorqueWord make(double value) noexcept { return TorqueWord(value); }
};

namespace {

constexpr double kCorrectionOverFelt = 0.4;  // of the force of the set: friction never needs more
constexpr int kRetensionTicks = 50;          // tension must stay back for so long
// A brisk hand, too, slackens a light load: half of the brake force.
constexpr double kLightOverBrake = 0.5;
// The servo reels in at 0.25 m/s, of the 0.3 m/s allowed without user load: a hand may be waiting.
constexpr double kServoOverSlack = 5.0 / 3.0;
// It acts at once; in doubt the word "released" waits so long: it has then reeled in 0.75 m, more
// than a hand that outran the cable, or dropped, can be away from it.
constexpr int kDoubtTicks = 3000;
// Only a hand that moves out asks for its load again, with 1 N a millimetre from 10 mm beyond its
// innermost on, and for all of it 50 mm further out. A handle that rebounds at a post does neither.
constexpr double kReboundOverReleaseS = 0.04;
constexpr double kHandOverReleaseS = 0.2;
constexpr double kEarnedOverSlackGain = 25.0 / 3.0;

// Watches for the handle slipping away; true while the slack servo has the word.
bool track_release(const AxisBounds& bounds, const TorqueInput& input, double felt,
                   TorqueState& state) noexcept {
  const bool loaded = input.load_state == LoadState::kLoaded;
  if (!state.slack_servo) {
    const bool low = input.measured_force < bound(bounds.release_force_fraction) * felt;
    const bool inward = input.velocity < -bound(bounds.release_speed);
    if (!low) state.ran_ahead = absolute(input.velocity) > bound(bounds.release_speed);
    state.release_ticks = low && inward ? state.release_ticks + 1 : 0;
    if (!low || !inward || state.release_ticks < bounds.release_confirm_ticks) return false;
    const bool back = state.ran_ahead || felt < kLightOverBrake * bound(bounds.brake_force_max);
    // Slack again before the load is back: what is left of the doubt, none anew.
    const int doubt = state.retension_ceiling > 0.0 ? state.doubt_ticks : (back ? kDoubtTicks : 0);
    state = {.word = state.word, .doubt_ticks = loaded ? doubt : -1};
  }
  if (loaded && state.doubt_ticks < 0) state.doubt_ticks = kDoubtTicks;
  state.released = state.doubt_ticks == 0;
  if (state.doubt_ticks > 0) --state.doubt_ticks;
  const double pull = bound(bounds.slack_pull_max);
  // Half of what the servo pulls with: a hand that holds on shows more, friction alone does not.
  state.retension_ticks = input.measured_force > 0.5 * pull ? state.retension_ticks + 1 : 0;
  state.retension_ceiling = state.retension_ticks < kRetensionTicks ? 0.0 : pull;
  state.slack_servo = !(state.retension_ceiling > 0.0);  // without a pull nothing comes back
  state.released = state.released && state.slack_servo;
  return state.slack_servo;
}

// Force control's word within the machine's bounds and near the felt force.
double bounded_word(const AxisBounds& bounds, const TorqueInput& input, double felt, double dt_s,
                    TorqueOutput& out, TorqueState& state) noexcept {
  const double correction = at_most(bound(bounds.correction_floor) + kCorrectionOverFelt * felt,
                                    bound(bounds.correction_max));
  const double near_felt = clamped(input.torque, felt - correction, felt + correction);
  if (near_felt != input.torque) out.limits |= kLimitCorrection;
  double word = clamped(near_felt, 0.0, bound(bounds.force_max));
  if (word != near_felt) out.limits |= kLimitForce;
  // After the slack servo, until a hand has asked for its load and has it back. Before a load is
  // ordered anew somebody looks whether the handle is held.
  double& ceiling = state.retension_ceiling;
  if (input.load_state == LoadState::kTakeUp) ceiling = 0.0;
  if (!(ceiling > 0.0)) return word;
  const double pull = bound(bounds.slack_pull_max);
  const double rise = bound(bounds.felt_rise_per_s) * dt_s;
  state.retension_way = at_least(state.retension_way + input.velocity * dt_s, 0.0);
  const double way = state.retension_way - kReboundOverReleaseS * bound(bounds.release_speed);
  const bool hand = way > kHandOverReleaseS * bound(bounds.release_speed);
  const double earned = pull + kEarnedOverSlackGain * bound(bounds.slack_gain) * way;
  ceiling = clamped(hand ? bound(bounds.force_max) : earned, ceiling, ceiling + rise);
  // Unasked it climbs gently: a handle that rebounds at a post swings up on quick steps.
  const double climbs = at_least(state.word, 0.0) + kEngageOverRise * rise;
  const double back = at_most(word, ceiling > pull ? ceiling : at_most(climbs, ceiling));
  if (hand && !(ceiling < at_least(felt, word))) ceiling = 0.0;
  return back;
}

// Takes force away from a cable that runs in too fast, down to braking.
double governed(const AxisBounds& bounds, double velocity, double word,
                std::uint32_t& limits) noexcept {
  const double over = -velocity - bound(bounds.governor_speed);
  if (!(over > 0.0)) return word;
  limits |= kLimitGovernor;
  return at_least(word - bound(bounds.governor_gain) * over, -bound(bounds.brake_force_max));
}

}  // namespace

TorqueOutput limit_torque(const AxisBounds& bounds, const TorqueInput& input,
                          TorqueState& state) noexcept {
  TorqueOutput out;
  if (input.load_state == LoadState::kOff || input.reaction >= Reaction::kTorqueOff) {
    state = TorqueState{};
    return out;
  }
  const double dt_s = step_time(input.dt_s);
  const double force_max = bound(bounds.force_max);
  const double brake = bound(bounds.brake_force_max);
  const double last = clamped(finite_or_zero(state.word), -brake, force_max);
  const bool drive_fresh = within(input.drive_age_ns, bounds.unload_age_ns);
  const bool fresh = drive_fresh && within(input.load_cell_age_ns, bounds.unload_age_ns);
  // A sum is finite only if all its terms are.
  const bool finite =
      is_finite(input.torque + input.felt_force + input.velocity + input.measured_force);
  double word = 0.0;
  if (input.reaction >= Reaction::kFastUnload || !fresh || !finite) {
    if (!fresh) out.limits |= kLimitAge;
    if (!fresh || !finite) out.fault = fresh ? FaultCode::kNotFinite : FaultCode::kDataStale;
    word = at_least(last - bound(bounds.felt_fall_per_s) * kFastUnloadOverFall * dt_s, 0.0);
    const bool seen = drive_fresh && is_finite(input.velocity);
    if (seen) word = governed(bounds, input.velocity, word, out.limits);
    state = {.word = word};
  } else {
    const double felt = clamped(input.felt_force, 0.0, force_max);
    const double slew = bound(bounds.torque_slew_per_tick);
    const bool servo = track_release(bounds, input, felt, state);
    if (servo) {
      const double reel_in = input.velocity + kServoOverSlack * bound(bounds.slack_speed);
      const double most = smaller(bounds.slack_pull_max, force_max);
      word = clamped(bound(bounds.slack_gain) * reel_in, -brake, most);
    } else {
      word = bounded_word(bounds, input, felt, dt_s, out, state);
    }
    if (servo || state.retension_ceiling > 0.0) out.limits |= kLimitSlackServo;
    // Braking ends at once and then climbs from zero; it starts at once, too.
    const bool aging = !within(input.drive_age_ns, bounds.freeze_age_ns) ||
                       !within(input.load_cell_age_ns, bounds.freeze_age_ns);
    const double highest = at_least(last, 0.0) + (aging ? 0.0 : slew);
    if (aging && word > highest) out.limits |= kLimitAge;
    const double lowest = servo ? word : at_least(last, 0.0) - slew;
    if (word > highest || word < lowest) out.limits |= kLimitTorqueSlew;
    word = at_most(at_least(word, lowest), highest);
    word = governed(bounds, input.velocity, word, out.limits);
    if (state.released) out.fault = FaultCode::kHandleReleased;
  }
  const bool fast = drive_fresh && input.velocity < -bound(bounds.overspeed_trip);
  if (fast) out.fault = FaultCode::kOverspeed;
  state.word = word;
  out.word = TorqueWordMaker::make(word);
  return out;
}

}  // namespace medius::safety
