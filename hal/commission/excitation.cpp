#include "hal/commission/excitation.hpp"

#include <array>

#include "controller/base/clamp.hpp"
#include "controller/base/tick.hpp"

namespace medius::hal {
namespace {

// Strokes at several speeds, so that what grows with speed is told from what does not.
constexpr std::array kCableSpeeds = {0.05, 0.10, 0.12, 0.07, 0.11};
constexpr double kCoarseShare = 0.85;
constexpr double kLeverOfCable = 2.5;  // 1 m/s at a pad 0.4 m out

// Speed control of the strokes, in N s/m and N/m: soft enough for samples that are 40 ms old (20 x
// 0.04 s is a third of the 2 kg of the lightest station), stiff enough to reach a speed in a
// stroke.
constexpr double kSpeedGain = 20.0;
constexpr double kSpeedIntegral = 50.0;
constexpr double kLeverGain = 0.16;  // of a force at 0.4 m about the axis, per speed there

constexpr double kRampPerS = 8.0;  // N/s of the breakaway ramp
constexpr double kReleasePerS = 20.0;
constexpr double kMoved = 0.002;        // m: beyond presliding, which ends below 0.1 mm
constexpr double kMargin = 0.01;        // m, between where it began and where strokes turn
constexpr double kStrokeLength = 0.11;  // m
constexpr double kShakeMost = 3.0;      // N
constexpr double kShakeBegin = 1.0;
constexpr double kShakeLeast = 0.3;
constexpr double kShakeSpeedLeast = 0.06;  // m/s: slower strokes would stop under it
constexpr std::array kShakeTicks = {70, 100};
constexpr double kPullSpeed = 0.04;  // m/s
constexpr double kStill = 0.005;     // m/s
constexpr int kHeldTicks = 1000;
constexpr int kStuckTicks = 250;  // longer than any turn takes
constexpr int kPullTicksMost = 12'000;
constexpr int kReturnTicksMost = 8'000;

}  // namespace

const char* to_string(Stage stage) noexcept {
  switch (stage) {
    case Stage::kBreakaway:
      return "breaking away";
    case Stage::kStrokes:
      return "strokes";
    case Stage::kReturn:
      return "going back";
    case Stage::kPull:
      return "pulling against the held handle";
    case Stage::kRelease:
      return "releasing";
    case Stage::kDone:
      return "done";
  }
  return "done";
}

namespace {

struct Scale {
  double length, speed, force, gain;
};
constexpr Scale scale_of(CoordinateKind coordinate) noexcept {
  return coordinate == CoordinateKind::kCable
             ? Scale{1.0, 1.0, 1.0, 1.0}
             : Scale{kLeverOfCable, kLeverOfCable, 0.4, kLeverGain};
}

}  // namespace

Excitation::Excitation(const ExcitationConfig& config) : config_(config) {
  shake_force_ = kShakeBegin * scale_of(config.coordinate).force;
}

void Excitation::next_stage(Stage stage) noexcept {
  stage_ = stage;
  ticks_ = 0;
  still_ticks_ = 0;
}

double Excitation::progress() const noexcept {
  switch (stage_) {
    case Stage::kBreakaway:
      return 0.0;
    case Stage::kStrokes:
      return 0.05 + 0.75 * clamped(ticks_ * kTickPeriodS / config_.seconds, 0.0, 1.0);
    case Stage::kReturn:
      return 0.82;
    case Stage::kPull:
      return 0.9;
    case Stage::kRelease:
      return 0.98;
    case Stage::kDone:
      break;
  }
  return 1.0;
}

double Excitation::step(const ExcitationInput& input) noexcept {
  if (!started_) {
    started_ = true;
    start_ = input.position;
  }
  ++ticks_;
  double outward = 0.0;
  switch (stage_) {
    case Stage::kBreakaway:
      outward = step_breakaway(input);
      break;
    case Stage::kStrokes:
      outward = step_strokes(input);
      break;
    case Stage::kReturn:
      outward = step_return(input);
      break;
    case Stage::kPull:
      outward = step_pull(input);
      break;
    case Stage::kRelease:
      outward = step_release();
      break;
    case Stage::kDone:
      break;
  }
  force_ = clamped(outward, -config_.limits.force, config_.limits.force);
  return -force_;
}

double Excitation::step_breakaway(const ExcitationInput& input) noexcept {
  const Scale scale = scale_of(config_.coordinate);
  const double moved = input.position - start_;
  if (absolute(moved) > kMoved * scale.length) {
    result_.moved = true;
    result_.moved_outward = moved > 0.0;
    result_.breakaway_force = absolute(force_);
    integral_ = 0.8 * absolute(force_);
    next_stage(result_.moved_outward ? Stage::kStrokes : Stage::kRelease);
    return force_;
  }
  const double force = force_ + kRampPerS * scale.force * kTickPeriodS;
  if (force >= config_.limits.force) {
    next_stage(Stage::kRelease);  // all the force there is, and it does not move
  }
  return force;
}

// PI on the speed; the integral part turns with the direction, as friction does.
double Excitation::follow(double goal_speed, double speed) noexcept {
  const Scale scale = scale_of(config_.coordinate);
  const double direction = goal_speed > 0.0 ? 1.0 : -1.0;
  const double error = goal_speed - speed;
  // While it turns round the error says nothing about friction.
  const bool under_way = speed * direction > 0.3 * absolute(goal_speed);
  if (stage_ != Stage::kPull) still_ticks_ = under_way ? 0 : still_ticks_ + 1;
  const bool stuck = still_ticks_ > kStuckTicks;
  if (under_way || stuck || stage_ == Stage::kPull) {
    integral_ = clamped(integral_ + direction * kSpeedIntegral * scale.gain * error * kTickPeriodS,
                        0.0, config_.limits.force);
  }
  return direction * integral_ + kSpeedGain * scale.gain * error;
}

// A square wave on top, as strong as the speed bears: it must neither stop nor run away.
double Excitation::shake(double goal_speed, double speed) noexcept {
  const Scale scale = scale_of(config_.coordinate);
  const double along = goal_speed > 0.0 ? speed : -speed;
  const double goal = absolute(goal_speed);
  if (goal < kShakeSpeedLeast * scale.speed || along < 0.4 * goal) return 0.0;
  const bool outside = along < 0.5 * goal || along > 1.35 * goal;
  shake_outside_ = shake_outside_ || outside;
  if (++shake_ticks_ >= kShakeTicks[stroke_ % kShakeTicks.size()]) {
    // Gentler after a half wave that left the band, stronger after one that did not.
    shake_force_ = clamped((shake_outside_ ? 0.85 : 1.1) * shake_force_, kShakeLeast * scale.force,
                           kShakeMost * scale.force);
    shake_ticks_ = 0;
    shake_outside_ = false;
    shake_sign_ = -shake_sign_;
  }
  if (outside) return 0.0;
  return shake_sign_ * shake_force_;
}

double Excitation::stroke_speed() const noexcept {
  // Whole counts throw the speed about: slower strokes keep it within the limit.
  const double share = config_.force_step > coarse_step(config_.coordinate) ? kCoarseShare : 1.0;
  return kCableSpeeds[(stroke_ / 2) % kCableSpeeds.size()] * scale_of(config_.coordinate).speed *
         share;
}

double Excitation::step_strokes(const ExcitationInput& input) noexcept {
  const Scale scale = scale_of(config_.coordinate);
  const double low = start_ + kMargin * scale.length;
  const double high = low + kStrokeLength * scale.length;
  if (goal_ == 0.0) goal_ = stroke_speed();
  if ((goal_ > 0.0 && input.position > high) || (goal_ < 0.0 && input.position < low)) {
    ++stroke_;
    shake_ticks_ = 0;
    goal_ = goal_ > 0.0 ? -stroke_speed() : stroke_speed();
  }
  if (ticks_ * kTickPeriodS >= config_.seconds) next_stage(Stage::kReturn);
  return follow(goal_, input.velocity) + shake(goal_, input.velocity);
}

double Excitation::step_return(const ExcitationInput& input) noexcept {
  const Scale scale = scale_of(config_.coordinate);
  if (input.position < start_ + 0.5 * kMargin * scale.length || ticks_ > kReturnTicksMost) {
    next_stage(config_.pull ? Stage::kPull : Stage::kRelease);
  }
  return follow(-kPullSpeed * scale.speed, input.velocity);
}

double Excitation::step_pull(const ExcitationInput& input) noexcept {
  const Scale scale = scale_of(config_.coordinate);
  const double outward = follow(-kPullSpeed * scale.speed, input.velocity);
  still_ticks_ = absolute(input.velocity) < kStill * scale.speed ? still_ticks_ + 1 : 0;
  const bool strong = outward < -0.95 * config_.limits.force;
  if (still_ticks_ > kHeldTicks && strong) {
    pull_force_sum_ += -force_;
    pull_tension_sum_ += input.tension;
    if (++pull_count_ == kHeldTicks / 2) {
      result_.pulled = true;
      result_.pull_force = pull_force_sum_ / pull_count_;
      result_.pull_tension = pull_tension_sum_ / pull_count_;
      next_stage(Stage::kRelease);
    }
  }
  const double gone = start_ - input.position;
  if (gone > 0.8 * config_.limits.travel_in || ticks_ > kPullTicksMost) {
    next_stage(Stage::kRelease);  // nothing holds the handle
  }
  return outward;
}

double Excitation::step_release() noexcept {
  const double step = kReleasePerS * scale_of(config_.coordinate).force * kTickPeriodS;
  if (absolute(force_) <= step) {
    next_stage(Stage::kDone);
    return 0.0;
  }
  return force_ > 0.0 ? force_ - step : force_ + step;
}

double WholeCounts::next(double force) noexcept {
  if (!(step_ > 0.0)) return force;
  const double wanted = clamped(force, -limit_, limit_) + left_;
  double counts =
      static_cast<double>(static_cast<std::int64_t>(wanted / step_ + (wanted > 0.0 ? 0.5 : -0.5)));
  while (absolute(counts) * step_ > limit_) counts += counts > 0.0 ? -1.0 : 1.0;
  left_ = clamped(wanted - counts * step_, -step_, step_);
  return counts * step_;
}

const char* chain_reason(const WatchInput& input) noexcept {
  if (!input.estop_released) return "the e-stop chain is open";
  if (!input.relay_closed) return "the safe-state relay is open";
  if (input.stop_pressed) return "stop was pressed at the panel";
  return nullptr;
}

const char* reason_to_stop(const WatchInput& input, const IdentifyLimits& limits) noexcept {
  // Older than the slowest drive that may pull at all (60 ms), and a stall of the host.
  constexpr double kAgeMostMs = 100.0;
  if (!input.safety_fresh) return "the safety chain's bits are older than 100 ms";
  if (const char* const chain = chain_reason(input); chain != nullptr) return chain;
  if (input.watchdog_tripped) return "the drive's own watchdog has tripped";
  if (input.state != DriveState::kOperationEnabled) return "the drive is no longer enabled";
  if (!(input.tick_late_ms <= kAgeMostMs)) return "this computer stalled for more than 100 ms";
  if (!(input.drive_age_ms <= kAgeMostMs)) return "the drive's values are older than 100 ms";
  if (!(input.cell_age_ms <= kAgeMostMs)) return "the load cell's values are older than 100 ms";
  if (input.cell_saturated) return "the load cell is at its rail";
  if (!(absolute(input.velocity) <= limits.speed)) return "it moves faster than the speed limit";
  const double moved = input.position - input.start;
  if (!(moved <= limits.travel_out)) return "it has left the travel outward";
  if (!(-moved <= limits.travel_in)) return "it has left the travel inward";
  return nullptr;
}

}  // namespace medius::hal
