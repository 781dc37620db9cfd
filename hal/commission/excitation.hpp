// How an axis is moved to be identified: a few slow strokes with a little shaking on top, inside
// hard limits of force, speed and travel. Pure: state and input in, force out; no clock, no bus.
//
// Speeds and positions are > 0 outward; the force that comes out is the motor's, > 0 inward.
#pragma once

#include <cstdint>
#include <string>

#include "hal/image/machine_image.hpp"

namespace medius::hal {

// Nobody is on the machine; these are what a hand in the wrong place still bears. 15 N is half of
// the force that power-up may have, 0.2 m/s less than half of the reel-in speed; a lever's are the
// same at a pad 0.4 m out.
struct IdentifyLimits {
  double force = 15.0;       // N | Nm: no command is greater
  double speed = 0.20;       // m/s | rad/s: faster ends it
  double travel_out = 0.20;  // m | rad from where it began: further ends it
  double travel_in = 0.06;
};
[[nodiscard]] constexpr IdentifyLimits identify_limits(CoordinateKind coordinate) noexcept {
  return coordinate == CoordinateKind::kCable ? IdentifyLimits{}
                                              : IdentifyLimits{6.0, 0.50, 0.40, 0.10};
}

struct ExcitationConfig {
  CoordinateKind coordinate = CoordinateKind::kCable;
  IdentifyLimits limits;
  double seconds = 20.0;    // of strokes
  double force_step = 0.0;  // N | Nm: one count of the drive's torque register
  bool pull = true;         // at the end against the held handle: the load cell's sign
};

// Coarser than this a drive's force cannot follow the shaking; it then gets whole counts that are
// right on the average.
[[nodiscard]] constexpr double coarse_step(CoordinateKind coordinate) noexcept {
  return coordinate == CoordinateKind::kCable ? 1.0 : 0.4;
}

// A force as whole counts of a register: what one leaves over goes into the next, so that their
// mean is the force that was asked for. To be asked once a bus cycle.
class WholeCounts {
 public:
  WholeCounts(double step, double limit) noexcept : step_(step), limit_(limit) {}
  // [any]
  double next(double force) noexcept;

 private:
  double step_, limit_;
  double left_ = 0.0;
};

enum class Stage : std::uint8_t {
  kBreakaway = 0,  // force grows outward until it moves
  kStrokes,
  kReturn,  // to where it began
  kPull,    // inward against the held handle
  kRelease,
  kDone,
};
[[nodiscard]] const char* to_string(Stage stage) noexcept;

struct ExcitationInput {
  double position = 0.0;
  double velocity = 0.0;  // from the positions
  double tension = 0.0;   // load cell without its zero
};

struct ExcitationResult {
  double breakaway_force = 0.0;  // outward, as a magnitude
  bool moved = false;
  bool moved_outward = false;  // with an outward force: torque and position agree
  bool pulled = false;         // the handle held against the pull
  double pull_force = 0.0;     // while it was held, inward
  double pull_tension = 0.0;
};

class Excitation {
 public:
  explicit Excitation(const ExcitationConfig& config);

  // [any] One tick of 1 ms. Returns the motor's force, inward, never beyond the limits.
  double step(const ExcitationInput& input) noexcept;

  [[nodiscard]] Stage stage() const noexcept { return stage_; }
  [[nodiscard]] double progress() const noexcept;
  [[nodiscard]] const ExcitationResult& result() const noexcept { return result_; }

 private:
  double step_breakaway(const ExcitationInput& input) noexcept;
  double step_strokes(const ExcitationInput& input) noexcept;
  double step_return(const ExcitationInput& input) noexcept;
  double step_pull(const ExcitationInput& input) noexcept;
  double step_release() noexcept;
  [[nodiscard]] double follow(double goal_speed, double speed) noexcept;
  [[nodiscard]] double stroke_speed() const noexcept;
  [[nodiscard]] double shake(double goal_speed, double speed) noexcept;
  void next_stage(Stage stage) noexcept;

  ExcitationConfig config_;
  Stage stage_ = Stage::kBreakaway;
  ExcitationResult result_;
  double start_ = 0.0;  // position
  bool started_ = false;
  double force_ = 0.0;     // outward, last
  double integral_ = 0.0;  // outward
  double goal_ = 0.0;      // signed speed
  std::size_t stroke_ = 0;
  int ticks_ = 0;  // of the stage
  int shake_ticks_ = 0;
  double shake_sign_ = 1.0;
  double shake_force_ = 0.0;
  bool shake_outside_ = false;  // in this half wave
  int still_ticks_ = 0;
  double pull_force_sum_ = 0.0, pull_tension_sum_ = 0.0;
  int pull_count_ = 0;
};

// Why the run must end now; null: go on. Looked at every tick, before anything is sent.
struct WatchInput {
  double position = 0.0, start = 0.0, velocity = 0.0;
  double drive_age_ms = 0.0, cell_age_ms = 0.0;
  double tick_late_ms = 0.0;
  bool estop_released = true, relay_closed = true, stop_pressed = false;
  bool safety_fresh = true;
  bool cell_saturated = false;
  DriveState state = DriveState::kOperationEnabled;
  bool watchdog_tripped = false;
};
[[nodiscard]] const char* reason_to_stop(const WatchInput& input,
                                         const IdentifyLimits& limits) noexcept;

// What a hand at the machine did; null: nothing. The drive may leave its state before the panel's
// bits, which are read less often, say why.
[[nodiscard]] const char* chain_reason(const WatchInput& input) noexcept;

}  // namespace medius::hal
