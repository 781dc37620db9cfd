// Repetition tracker: phases and repetitions from position, velocity and force, one sample a tick.
// Used live in the loop, in simulation, and on recorded samples.
//
// Direction is latched: it changes when the reversal from the last extremum
// is
// >= reversal AND |velocity| > latch_velocity in the new direction AND this has lasted dwell, or,
// for movements slower than the latch velocity, when the reversal reaches rise_floor. Naive sign(v)
// switching gave 97-119 changes in a 12-repetition set instead of 24.
//
// Repetitions are counted by position alone (zig-zag with merging), so that a
// very slow repetition counts too. Their boundaries are backdated to the crossings of
// moving_velocity on a centred mean of the velocity, which delays the decision and not the time
// stamp.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "controller/measure/phase.hpp"

namespace medius::measure {

// Raised whenever the same samples give other phases or repetitions: recordings carry it, so that
// a replay can tell a new detector from a fault.
inline constexpr std::uint16_t kDetectorVersion = 4;

// All lengths in the axis' position unit (m | rad), velocities per second, forces N | Nm.
struct TrackerConfig {
  // direction latch
  double reversal = 0.006;       // retreat from the extremum ...
  double latch_velocity = 0.03;  // ... at more than this speed in the new direction ...
  // ... for so long. With jerks of up to 14 mm in 150 ms at the peak, 40 is the least that kept 24
  // changes in each of 40 sets (0 kept 13 sets, 30 kept 30); 60 leaves a margin and costs 60 ms of
  // the eccentric switch, which comes 195 ms after the crossing of moving_velocity at 2-1-3 over
  // 0.4 m.
  int dwell_ticks = 60;
  // Between repetitions a person settles: as the load eases off, the leg rises by up to 5 % of the
  // range and sinks back. A new concentric must have come further than this x range.
  double settle_fraction = 0.08;
  double moving_velocity = 0.02;  // below: standing

  // repetition counter; an extremum is confirmed after max(zigzag_floor, zigzag_fraction x range),
  // or max(zigzag_floor, rise_floor) while the range is not known
  double zigzag_floor = 0.012;
  double zigzag_fraction = 0.15;
  double full_fraction = 0.70;     // rise >= this x range: full
  double partial_fraction = 0.25;  // rise >= this x range: partial; below: rejected as too short
  double rise_floor = 0.030;       // a rise below this is never a repetition while range is unknown
  // While the range is not known a smaller rise earns no eccentric excess: a standing person who
  // sways by 60 mm was rocked on by it in simulation.
  double validate_floor = 0.10;
  double merge_fraction = 0.50;  // a smaller dip (x rise) is a pause or bounce of the repetition
  double close_zone_fraction = 0.20;    // early close: this near the valley (x range) ...
  double close_return_fraction = 0.60;  // ... this much of the rise returned, as any end needs ...
  int close_confirm_ticks = 40;         // ... and no longer lowering for this long; the first one
                                        // stays 600 where it ends 12-45 mm higher than it began
  double hold_zone_fraction = 0.60;     // a hold is above this x range; lower down it is a pause

  // Slack: force below this, and below this share of a reference above 2x, for so long. A spasm, a
  // drop or a hand that outruns the cable takes the tension off; nothing is counted until it is
  // back, and then the repetition goes on from where the hand is met.
  double slack_force = 8.0;
  double slack_fraction = 0.25;
  int slack_confirm_ticks = 120;
  int hold_confirm_ticks = 120;  // |v| below moving for this long at the peak: hold
  int rest_confirm_ticks = 600;  // |v| below moving for this long at the bottom: rest
  // A movement ends where it is slower than moving_velocity for longer than this; what travels less
  // than max(stroke_floor, stroke_fraction x range) beside a turn belongs to the turn.
  int pause_ticks = 100;
  double stroke_floor = 0.012;
  double stroke_fraction = 0.10;
  int gap_ticks = 100;              // more missing ticks than this spoil the repetition under way
  double range_adapt = 0.2;         // per full repetition, towards the median of the last five
  double range_adapt_floor = 0.75;  // x first reference: tiring must not redefine a full repetition
};

struct TrackerInput {
  std::uint64_t tick = 0;
  double position = 0.0;         // m | rad
  double velocity = 0.0;         // m/s | rad/s, observer's estimate
  double force = 0.0;            // N | Nm measured
  double force_reference = 0.0;  // N | Nm the person should feel
  bool counting = false;         // a set is under way and its load is on
  // The drive was lost and is back: its position may count from elsewhere. Whatever is under way is
  // given up, the bottom is where the axis now stands.
  bool relocated = false;
};

// A repetition that just closed. Ticks are the loop's (TrackerInput::tick).
struct RepBoundary {
  std::uint32_t index = 0;  // 1 for the first of the set; 0 for a rejected one
  RepKind kind = RepKind::kFull;
  RepRejection rejection = RepRejection::kNone;
  bool provisional = false;           // range not known yet
  std::uint64_t start_tick = 0;       // concentric starts (backdated to the velocity crossing)
  std::uint64_t peak_start_tick = 0;  // concentric ends
  std::uint64_t peak_end_tick = 0;    // eccentric starts
  std::uint64_t end_tick = 0;         // eccentric ends
  double bottom_position = 0.0;       // valley before
  double peak_position = 0.0;
  double end_position = 0.0;  // valley after
};

struct TrackerOutput {
  Phase phase = Phase::kRest;
  bool phase_changed = false;
  bool direction_changed = false;
  // One tick a repetition: rose >= full_fraction of the range, or, while the range is not known,
  // turned back after >= validate_floor. Refills the energy tank.
  bool concentric_validated = false;
  bool rep_closed = false;  // `rep` is valid
  RepBoundary rep;
};

// [any] Full, partial or rejected (too short) by the rise and the range; the rule of the counter.
[[nodiscard]] RepKind classify_rise(const TrackerConfig& config, double rise,
                                    double range) noexcept;

// Fixed-size, trivially copyable, no heap, deterministic.
class Tracker {
 public:
  // [rt] wait-free. A new set: counters to zero, bottom = position of the next sample.
  void start_set(const TrackerConfig& config, double range_reference) noexcept;
  // [rt] wait-free. Closes a repetition under way: as counted when it is back in the close zone,
  // else as rejected (kUnfinished). The next update() reports it.
  void end_set() noexcept;
  // [rt] wait-free. One sample a tick. A sample that is not finite is skipped.
  TrackerOutput update(const TrackerInput& input) noexcept;

  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  // Valley of the repetition under way, or of the one that may come.
  [[nodiscard]] double bottom_position() const noexcept { return valley_.position; }
  // 0 = not known yet.
  [[nodiscard]] double range_reference() const noexcept { return range_; }
  // Peak so far minus valley of the repetition under way; 0 between repetitions. What stands in for
  // the range while that is not known.
  [[nodiscard]] double rise() const noexcept;
  // The way back may be loaded beyond the base force: the range is known, or this repetition has
  // turned back after validate_floor.
  [[nodiscard]] bool excess_earned() const noexcept { return range_ > 0.0 || validated_; }
  // Full ones, provisional ones included. While the range is not known a longer repetition may turn
  // earlier ones into partial ones, so the count can fall.
  [[nodiscard]] std::uint32_t reps_counted() const noexcept { return full_; }
  [[nodiscard]] std::uint32_t reps_partial() const noexcept { return partial_; }
  [[nodiscard]] std::uint32_t direction_changes() const noexcept { return direction_changes_; }

 private:
  // Centred mean over one period of a 9 Hz tremor: what trembles is not moving. It shortens a
  // minimum-jerk stroke of 0.4 m in 2 s by about 9 ms and delays decisions, not time stamps, by
  // 55 ms.
  static constexpr int kWindow = 111;
  static constexpr int kCentre = 55;
  static constexpr int kRecent = 5;       // repetitions whose median moves the range
  static constexpr int kProvisional = 8;  // repetitions remembered while the range is not known
  static constexpr int kRangeFrom = 3;    // the third full one gives the range

  struct Sample {
    std::uint64_t tick = 0;
    double position = 0.0;
    double velocity = 0.0;
  };

  // A turning point and the crossings of moving_velocity on both sides of it.
  struct Turn {
    double position = 0.0;
    std::uint64_t tick = 0;
    double arrive_position = 0.0;
    std::uint64_t arrive_tick = 0;   // stopped
    std::uint64_t leave_tick = 0;    // left the other way
    std::uint64_t leaving_tick = 0;  // last tick moving the other way
    bool arrived = false;
    bool left = false;
    bool extending = false;  // moving on after a pause too short to be one
    [[nodiscard]] std::uint64_t arrival() const noexcept { return arrived ? arrive_tick : tick; }
    [[nodiscard]] std::uint64_t departure() const noexcept { return left ? leave_tick : tick; }
  };

  enum class Count : std::uint8_t { kWaiting, kRising, kReturning };

  void restart(const Sample& now) noexcept;
  bool push(const Sample& now, Sample& centred) noexcept;
  void follow(Turn& turn, double sign, const Sample& now, double velocity_before) const noexcept;
  bool latch_direction(const TrackerInput& input) noexcept;
  bool update_slack(const TrackerInput& input) noexcept;
  void meet_hand(const TrackerInput& input) noexcept;
  void count(const Sample& now, TrackerOutput& output) noexcept;
  void wait(const Sample& now, double velocity_before) noexcept;
  void come_back(const Sample& now, double velocity_before, TrackerOutput& output) noexcept;
  [[nodiscard]] bool in_close_zone(double position) const noexcept;
  [[nodiscard]] bool found_stance(double position) const noexcept;
  [[nodiscard]] double zigzag() const noexcept;
  [[nodiscard]] double least_stroke() const noexcept;
  [[nodiscard]] double reversal() const noexcept;
  [[nodiscard]] double range_or_rise() const noexcept;
  void close(RepRejection rejection, const Turn& end, TrackerOutput& output) noexcept;
  void abandon(RepRejection rejection, std::uint64_t tick, TrackerOutput& output) noexcept;
  void account(RepBoundary& rep, double rise) noexcept;
  void account_provisional(RepBoundary& rep, double rise) noexcept;
  void adapt_range(double rise) noexcept;
  [[nodiscard]] Phase next_phase(const TrackerInput& input) const noexcept;
  [[nodiscard]] bool validate(bool turned_back) noexcept;

  TrackerConfig config_;
  // samples
  std::array<Sample, kWindow> window_{};
  int window_count_ = 0;
  int window_next_ = 0;
  double window_sum_ = 0.0;
  double centred_velocity_ = 0.0;
  std::uint64_t last_tick_ = 0;
  bool running_ = false;  // a first sample of this stretch was seen
  bool in_set_ = false;
  // direction latch
  int direction_ = -1;  // +1 outward, -1 inward
  double extremum_ = 0.0;
  double last_rise_ = 0.0;  // of the repetition before
  int dwell_ = 0;
  int still_ticks_ = 0;
  std::uint32_t direction_changes_ = 0;
  Phase phase_ = Phase::kRest;
  // slack
  bool slack_ = false;
  int slack_ticks_ = 0;   // of force lost or back, until it counts
  int slack_length_ = 0;  // since the force was lost
  double lost_at_ = 0.0;  // velocity as it went
  // repetition counter
  Count count_ = Count::kWaiting;
  Turn valley_;  // before the repetition
  Turn peak_;
  Turn low_;  // after it
  int steady_ticks_ = 0;
  bool back_ = false;  // it has come back and stands, if only for a moment
  bool validated_ = false;
  bool pending_ = false;  // end_set() closed a repetition that the next update() reports
  RepBoundary pending_rep_;
  // range
  double range_ = 0.0;
  double range_first_ = 0.0;
  std::array<double, kRecent> recent_{};
  int recent_count_ = 0;
  std::array<double, kProvisional> rises_{};
  int rises_count_ = 0;
  std::uint32_t full_ = 0;
  std::uint32_t partial_ = 0;
};

static_assert(std::is_trivially_copyable_v<Tracker>);

}  // namespace medius::measure
