// Repetition tracker: phases and repetitions from position, velocity and force, one sample a tick.
// Used live in the loop, in simulation, and on recorded samples.
//
// Direction is latched (control.md section 6): it changes when the reversal from the last extremum is
// >= reversal AND |velocity| > latch_velocity in the new direction AND this has lasted dwell. Naive
// sign(v) switching gave 97-119 changes in a 12-repetition set instead of 24.
#pragma once

#include <cstdint>

#include "controller/measure/phase.hpp"

namespace medius::measure {

// All lengths in the axis' position unit (m | rad), velocities per second, forces N | Nm.
struct TrackerConfig {
  double reversal = 0.006;          // direction latch: retreat from the extremum
  double latch_velocity = 0.03;     // direction latch: speed in the new direction
  int dwell_ticks = 60;             // direction latch: how long both must hold
  double moving_velocity = 0.02;    // below: standing (decisions.md 9)
  double zigzag_floor = 0.012;      // an extremum is confirmed after max(floor, fraction x range)
  double zigzag_fraction = 0.15;
  double full_fraction = 0.70;      // rise >= this x range: full
  double partial_fraction = 0.25;   // rise >= this x range: partial; below: rejected as too short
  double rise_floor = 0.030;        // a rise below this is never a repetition while range is unknown
  double slack_force = 8.0;         // force below this (with a reference above 2x) is slack
  int slack_confirm_ticks = 20;
  int hold_confirm_ticks = 120;     // |v| below moving for this long at the peak: hold
};

struct TrackerInput {
  std::uint64_t tick = 0;
  double position = 0.0;         // m | rad
  double velocity = 0.0;         // m/s | rad/s, observer's estimate
  double force = 0.0;            // N | Nm measured
  double force_reference = 0.0;  // N | Nm the person should feel
  bool counting = false;         // a set is under way and its load is on
};

// A repetition that just closed. Ticks are the loop's (TrackerInput::tick).
struct RepBoundary {
  std::uint32_t index = 0;            // 1 for the first repetition of the set
  RepKind kind = RepKind::kFull;
  RepRejection rejection = RepRejection::kNone;
  bool provisional = false;           // range not known yet
  std::uint64_t start_tick = 0;       // concentric starts (backdated to the velocity crossing)
  std::uint64_t peak_start_tick = 0;  // concentric ends
  std::uint64_t peak_end_tick = 0;    // eccentric starts
  std::uint64_t end_tick = 0;         // eccentric ends
  double bottom_position = 0.0;       // valley before
  double peak_position = 0.0;
  double end_position = 0.0;          // valley after
};

struct TrackerOutput {
  Phase phase = Phase::kRest;
  bool phase_changed = false;
  bool direction_changed = false;
  bool concentric_validated = false;  // rose >= full_fraction of the range: refills the energy tank
  bool rep_closed = false;            // `rep` is valid
  RepBoundary rep;
};

// Fixed-size, trivially copyable, no heap, deterministic.
class Tracker {
 public:
  // [rt] wait-free. A new set: counters to zero, bottom = current position.
  void start_set(const TrackerConfig& config, double range_reference) noexcept;
  // [rt] wait-free. Closes a repetition under way as rejected (kUnfinished).
  void end_set() noexcept;
  // [rt] wait-free. One sample a tick.
  TrackerOutput update(const TrackerInput& input) noexcept;

  [[nodiscard]] Phase phase() const noexcept;
  [[nodiscard]] double bottom_position() const noexcept;   // valley of the repetition under way
  [[nodiscard]] double range_reference() const noexcept;   // 0 = not known yet
  [[nodiscard]] std::uint32_t reps_counted() const noexcept;   // full, provisional ones included
  [[nodiscard]] std::uint32_t reps_partial() const noexcept;
  [[nodiscard]] std::uint32_t direction_changes() const noexcept;
};

}  // namespace medius::measure
