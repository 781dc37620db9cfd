#include "controller/measure/tracker.hpp"

#include "controller/base/clamp.hpp"
#include "controller/base/tick.hpp"

namespace medius::measure {
namespace {

// A stance that has shifted and stays so long is the new bottom of the next repetition: soon after
// a small shift, late after one that may be a pause just above the bottom (0.5-2 s).
constexpr int kRebaseTicks = 600;
constexpr int kRebasePauseTicks = 3000;
// A stance creeps a little. Of the moving velocity: a repetition slower than that over the whole
// range (0.4 m in 80 s) is none.
constexpr double kCreepFraction = 0.25;

// Of the rise that a repetition needs while the range is not known: 15 mm, twice the sway of +-4
// mm.
constexpr double kLeastOfFloor = 0.5;

// Of the moving velocity: whoever outruns the cable comes in at 0.6 m/s and more ...
constexpr double kOutrunsAt = 30.0;
// ... and moves at 0.3 m/s and more as the tension goes: the slack servo keeps up with slower ones.
constexpr double kLostAt = 15.0;
// Of the rise floor: as the load comes in, a stance shifts by up to 45 mm.
constexpr double kStanceShift = 1.5;

double larger(double a, double b) noexcept {
  return a > b ? a : b;
}

double median(const std::array<double, 5>& values, int count) noexcept {
  std::array<double, 5> sorted = values;
  for (int i = 1; i < count; ++i) {
    const double value = sorted[static_cast<std::size_t>(i)];
    int j = i;
    for (; j > 0 && sorted[static_cast<std::size_t>(j - 1)] > value; --j) {
      sorted[static_cast<std::size_t>(j)] = sorted[static_cast<std::size_t>(j - 1)];
    }
    sorted[static_cast<std::size_t>(j)] = value;
  }
  const auto middle = static_cast<std::size_t>(count / 2);
  return count % 2 == 1 ? sorted[middle] : 0.5 * (sorted[middle - 1] + sorted[middle]);
}

}  // namespace

RepKind classify_rise(const TrackerConfig& config, double rise, double range) noexcept {
  if (!(range > 0.0)) return rise >= config.rise_floor ? RepKind::kFull : RepKind::kRejected;
  if (rise >= config.full_fraction * range) return RepKind::kFull;
  // On a short range a standing person's sway and a bounce make a quarter of it.
  const double least = larger(config.partial_fraction * range, kLeastOfFloor * config.rise_floor);
  if (rise >= least) return RepKind::kPartial;
  return RepKind::kRejected;
}

void Tracker::start_set(const TrackerConfig& config, double range_reference) noexcept {
  const bool pending = pending_;
  const RepBoundary pending_rep = pending_rep_;
  *this = Tracker{};
  pending_ = pending;
  pending_rep_ = pending_rep;
  config_ = config;
  range_ = is_finite(range_reference) && range_reference > 0.0 ? range_reference : 0.0;
  range_first_ = range_;
  in_set_ = true;
}

void Tracker::end_set() noexcept {
  if (in_set_ && !pending_) {
    TrackerOutput output;
    abandon(RepRejection::kUnfinished, last_tick_, output);
    pending_ = output.rep_closed;
    pending_rep_ = output.rep;
  }
  in_set_ = false;
}

double Tracker::rise() const noexcept {
  return count_ == Count::kWaiting ? 0.0 : peak_.position - valley_.position;
}

double Tracker::zigzag() const noexcept {
  const double step = range_ > 0.0 ? config_.zigzag_fraction * range_ : config_.rise_floor;
  return larger(config_.zigzag_floor, step);
}

double Tracker::least_stroke() const noexcept {
  return larger(config_.stroke_floor,
                config_.stroke_fraction * (range_ > 0.0 ? range_ : last_rise_));
}

double Tracker::range_or_rise() const noexcept {
  return range_ > 0.0 ? range_ : rise();
}

// How far a movement the other way must have come.
double Tracker::reversal() const noexcept {
  if (direction_ > 0 || count_ != Count::kWaiting) return config_.reversal;
  return larger(config_.reversal, config_.settle_fraction * (range_ > 0.0 ? range_ : last_rise_));
}

// Everything that belongs to one stretch of movement starts again from here; counters stay.
void Tracker::restart(const Sample& now) noexcept {
  running_ = true;
  window_count_ = 0;
  window_next_ = 0;
  window_sum_ = 0.0;
  centred_velocity_ = 0.0;
  direction_ = -1;
  extremum_ = now.position;
  dwell_ = 0;
  still_ticks_ = 0;
  phase_ = Phase::kRest;
  slack_ = false;
  slack_ticks_ = 0;
  count_ = Count::kWaiting;
  valley_ = Turn{};
  valley_.position = now.position;
  valley_.tick = now.tick;
  steady_ticks_ = 0;
  validated_ = false;
}

// True once the window is full; `centred` is then its middle sample with the mean velocity.
bool Tracker::push(const Sample& now, Sample& centred) noexcept {
  const auto next = static_cast<std::size_t>(window_next_);
  if (window_count_ == kWindow) {
    window_sum_ -= window_[next].velocity;
  } else {
    ++window_count_;
  }
  window_[next] = now;
  window_sum_ += now.velocity;
  window_next_ = (window_next_ + 1) % kWindow;
  if (window_count_ < kWindow) return false;
  if (window_next_ == 0) {  // the running sum must not collect rounding errors for hours
    window_sum_ = 0.0;
    for (const Sample& sample : window_) window_sum_ += sample.velocity;
  }
  centred = window_[static_cast<std::size_t>((window_next_ + kCentre) % kWindow)];
  centred.velocity = window_sum_ / kWindow;
  return true;
}

// Keeps a turning point: sign +1 a peak, -1 a valley.
void Tracker::follow(Turn& turn, double sign, const Sample& now,
                     double velocity_before) const noexcept {
  const double position = sign * now.position;
  const double speed = sign * now.velocity;
  const double speed_before = sign * velocity_before;
  const double moving = config_.moving_velocity;
  if (position > sign * turn.position) {
    turn.position = now.position;
    turn.tick = now.tick;
    turn.left = false;
  }
  const auto pause = static_cast<std::uint64_t>(config_.pause_ticks);
  if (speed >= moving && speed_before < moving) {
    turn.extending = turn.arrived && now.tick - turn.arrive_tick <= pause;
  }
  if (speed < moving && speed_before >= moving &&
      (!turn.arrived || turn.extending ||
       position > sign * turn.arrive_position + least_stroke())) {
    turn.arrived = true;
    turn.arrive_tick = now.tick;
    turn.arrive_position = now.position;
  }
  if (speed > -moving) return;
  const bool going_on = turn.left && now.tick - turn.leaving_tick <= pause;
  if (speed_before > -moving && !going_on &&
      (!turn.left || position > sign * turn.position - least_stroke())) {
    turn.left = true;
    turn.leave_tick = now.tick;
  }
  turn.leaving_tick = now.tick;
}

// True when the direction changed with this sample.
bool Tracker::latch_direction(const TrackerInput& input) noexcept {
  const double position = direction_ * input.position;
  if (position > direction_ * extremum_) extremum_ = input.position;
  const double retreat = direction_ * extremum_ - position;
  const bool reversing =
      retreat >= reversal() && -direction_ * input.velocity > config_.latch_velocity;
  dwell_ = reversing ? dwell_ + 1 : 0;
  const bool fast = reversing && dwell_ > config_.dwell_ticks;
  const bool slow = retreat >= larger(config_.rise_floor, reversal());
  if (!fast && !slow) return false;
  direction_ = -direction_;
  extremum_ = input.position;
  dwell_ = 0;
  ++direction_changes_;
  return true;
}

// True while there is no tension. A force that is not a number is no evidence either way.
bool Tracker::update_slack(const TrackerInput& input) noexcept {
  const bool none = input.force < config_.slack_force;
  const bool expected = input.force_reference > 2.0 * config_.slack_force;
  const bool lost =
      none && expected && input.force < config_.slack_fraction * input.force_reference;
  const bool back = input.force >= config_.slack_force;
  // A reference that is light for a moment says nothing: a profile may shake it.
  const bool unsure = !slack_ && none && !expected;
  if (!unsure) slack_ticks_ = (slack_ ? back : lost) ? slack_ticks_ + 1 : 0;
  if (!slack_ && slack_ticks_ <= 1) {
    slack_length_ = 0;
    lost_at_ = input.velocity;
  }
  ++slack_length_;
  if (slack_ticks_ >= config_.slack_confirm_ticks) {
    if (slack_) meet_hand(input);
    slack_ = !slack_;
    slack_ticks_ = 0;
  }
  return slack_;
}

// The tension is back. A hand that outran the cable and is met on its way out has been further in:
// for half of the time, at the speed with which it was lost or faster.
void Tracker::meet_hand(const TrackerInput& input) noexcept {
  if (count_ != Count::kReturning || !(input.velocity > config_.latch_velocity) ||
      absolute(lost_at_) < kLostAt * config_.moving_velocity) {
    return;
  }
  const double away_s = kTickPeriodS * (slack_length_ - config_.slack_confirm_ticks);
  const double unseen = 0.5 * away_s * at_least(-lost_at_, kOutrunsAt * config_.moving_velocity);
  const double deepest = at_least(low_.position - at_least(unseen, 0.0), valley_.position);
  low_.position = at_most(low_.position, deepest);
}

TrackerOutput Tracker::update(const TrackerInput& input) noexcept {
  TrackerOutput output;
  const Phase phase_before = phase_;
  if (pending_) {
    pending_ = false;
    output.rep_closed = true;
    output.rep = pending_rep_;
  }
  if (!is_finite(input.position) || !is_finite(input.velocity)) {
    output.phase = phase_;
    return output;
  }
  const Sample now{input.tick, input.position, input.velocity};
  const bool late = input.tick > last_tick_ + 1 + static_cast<std::uint64_t>(config_.gap_ticks);
  const bool gap = running_ && (late || input.relocated);
  if (!in_set_ || !input.counting) {
    if (in_set_ && running_) abandon(RepRejection::kUnfinished, last_tick_, output);
    restart(now);
    running_ = false;
  } else {
    if (gap) abandon(RepRejection::kLinkLost, last_tick_, output);
    if (gap || !running_) restart(now);
    const bool slack = update_slack(input);
    output.direction_changed = latch_direction(input);
    still_ticks_ = absolute(input.velocity) < config_.moving_velocity ? still_ticks_ + 1 : 0;
    Sample centred;
    if (push(now, centred)) count(centred, output);
    if (!slack) output.concentric_validated = validate(output.direction_changed && direction_ < 0);
    phase_ = slack ? Phase::kSlack : next_phase(input);
  }
  last_tick_ = input.tick;
  output.phase = phase_;
  output.phase_changed = phase_ != phase_before;
  return output;
}

bool Tracker::validate(bool turned_back) noexcept {
  if (validated_ || count_ == Count::kWaiting) return false;
  validated_ = range_ > 0.0 ? rise() >= config_.full_fraction * range_
                            : turned_back && rise() >= config_.validate_floor;
  return validated_;
}

Phase Tracker::next_phase(const TrackerInput& input) const noexcept {
  const bool resting = still_ticks_ >= config_.rest_confirm_ticks;
  if (direction_ < 0) {
    if (count_ != Count::kWaiting && !(count_ == Count::kReturning && back_)) {
      return Phase::kEccentric;
    }
    return resting || phase_ == Phase::kRest || phase_ == Phase::kSlack ? Phase::kRest
                                                                        : Phase::kBottom;
  }
  if (count_ == Count::kWaiting) return resting ? Phase::kRest : Phase::kConcentric;
  const double height = input.position - valley_.position;
  const bool high =
      height >= (range_ > 0.0 ? config_.hold_zone_fraction * range_ : config_.rise_floor);
  const bool stopped = still_ticks_ >= config_.hold_confirm_ticks;
  const bool staying = phase_ == Phase::kHold && !(input.velocity > config_.latch_velocity);
  return high && (stopped || staying) ? Phase::kHold : Phase::kConcentric;
}

// The counter sees the centred sample: 55 ticks old, with the mean velocity around it.
void Tracker::count(const Sample& now, TrackerOutput& output) noexcept {
  const double velocity_before = centred_velocity_;
  centred_velocity_ = now.velocity;
  if (count_ == Count::kWaiting) {
    wait(now, velocity_before);
    return;
  }
  follow(peak_, 1.0, now, velocity_before);
  if (count_ == Count::kRising) {
    if (peak_.position - now.position < zigzag()) return;
    count_ = Count::kReturning;
    back_ = false;
    low_ = Turn{};
    low_.position = now.position;
    low_.tick = now.tick;
    steady_ticks_ = 0;
    return;
  }
  come_back(now, velocity_before, output);
}

// Between repetitions: the valley follows the stance until the axis has risen by the zig-zag step.
void Tracker::wait(const Sample& now, double velocity_before) noexcept {
  follow(valley_, -1.0, now, velocity_before);
  const double risen = now.position - valley_.position;
  steady_ticks_ = absolute(now.velocity) < config_.moving_velocity ? steady_ticks_ + 1 : 0;
  // Before the first repetition a person is still finding their stance under the load.
  const bool finding_stance = last_rise_ == 0.0;
  const int rebase_ticks =
      finding_stance || risen < config_.zigzag_floor ? kRebaseTicks : kRebasePauseTicks;
  // A drift is followed at once only far below the accuracy of the range (3 mm).
  const bool drifting = risen < 0.25 * config_.reversal;
  const bool sinking = now.velocity <= 0.0;
  const bool creeping = now.velocity <= kCreepFraction * config_.moving_velocity;
  if ((drifting && sinking) || (steady_ticks_ >= rebase_ticks && creeping)) {
    valley_.position = now.position;
    valley_.tick = now.tick;
    valley_.left = false;
    return;
  }
  if (risen < zigzag()) return;
  count_ = Count::kRising;
  validated_ = false;
  peak_ = Turn{};
  peak_.position = now.position;
  peak_.tick = now.tick;
}

bool Tracker::in_close_zone(double position) const noexcept {
  const double returned = peak_.position - position;
  return position <= valley_.position + config_.close_zone_fraction * range_or_rise() &&
         returned >= config_.close_return_fraction * rise();
}

// Before the first repetition a person finds their stance under the load: it is where they come
// back to.
bool Tracker::found_stance(double position) const noexcept {
  const double shift = position - valley_.position;
  return last_rise_ == 0.0 && shift > config_.zigzag_floor &&
         shift < kStanceShift * config_.rise_floor;
}

// On the way back: close at the bottom, go on after a dip, or start the next one from a new valley.
void Tracker::come_back(const Sample& now, double velocity_before, TrackerOutput& output) noexcept {
  follow(low_, -1.0, now, velocity_before);
  steady_ticks_ = now.velocity > -config_.moving_velocity ? steady_ticks_ + 1 : 0;
  if (slack_) return;  // an empty handle that is reeled in comes back, too
  const double again = now.position - low_.position;
  const double dip = peak_.position - low_.position;
  // The first rise may begin with a shift of stance: then of the range, where that is shorter.
  const double way = last_rise_ == 0.0 ? at_most(rise(), range_or_rise()) : rise();
  const bool returned = dip >= config_.close_return_fraction * way;
  const bool turned = again >= zigzag() || now.position >= peak_.position;
  if (turned && dip < config_.merge_fraction * rise()) {
    count_ = Count::kRising;
    return;
  }
  // Not down yet, and out again by too little to be a repetition: a stop on the way back.
  if (turned && !returned && again < config_.partial_fraction * range_or_rise()) return;
  back_ = in_close_zone(now.position) && steady_ticks_ >= config_.close_confirm_ticks;
  // Higher than it began, the first one may only have paused: a stance stays.
  const bool stays = !found_stance(low_.position) || steady_ticks_ >= kRebaseTicks;
  if (!turned && !(back_ && stays)) return;
  if (output.rep_closed) return;  // one a tick; this one closes with the next
  close(returned ? RepRejection::kNone : RepRejection::kUnfinished, low_, output);
  valley_ = low_;
  valley_.arrived = false;
  count_ = Count::kWaiting;
  steady_ticks_ = 0;
}

// A repetition that cannot be finished, unless it is already back at the bottom.
void Tracker::abandon(RepRejection rejection, std::uint64_t tick, TrackerOutput& output) noexcept {
  if (count_ == Count::kWaiting || output.rep_closed) return;
  if (slack_) rejection = RepRejection::kSlack;
  const bool down = rejection == RepRejection::kUnfinished && in_close_zone(low_.position);
  const bool finished = count_ == Count::kReturning && (back_ || down);
  Turn end = low_;
  if (count_ == Count::kRising) end = peak_;
  if (!finished) end.tick = tick, end.arrived = false;
  close(finished ? RepRejection::kNone : rejection, end, output);
  count_ = Count::kWaiting;
}

void Tracker::close(RepRejection rejection, const Turn& end, TrackerOutput& output) noexcept {
  const auto not_before = [](std::uint64_t tick, std::uint64_t floor) noexcept {
    return tick < floor ? floor : tick;
  };
  if (rejection == RepRejection::kNone && found_stance(end.position)) {
    valley_.position = end.position;
  }
  if (rejection == RepRejection::kNone) last_rise_ = rise();
  RepBoundary& rep = output.rep;
  rep = RepBoundary{};
  rep.start_tick = valley_.departure();
  rep.peak_start_tick = not_before(peak_.arrival(), rep.start_tick);
  rep.peak_end_tick = not_before(peak_.departure(), rep.peak_start_tick);
  rep.end_tick = not_before(end.arrival(), rep.peak_end_tick);
  rep.bottom_position = valley_.position;
  rep.peak_position = peak_.position;
  rep.end_position = end.position;
  rep.rejection = rejection;
  account(rep, rise());
  output.rep_closed = true;
}

void Tracker::account(RepBoundary& rep, double rise) noexcept {
  rep.provisional = !(range_ > 0.0);
  if (rep.rejection != RepRejection::kNone) {
    rep.kind = RepKind::kRejected;
    return;
  }
  if (rep.provisional) {
    account_provisional(rep, rise);
  } else {
    rep.kind = classify_rise(config_, rise, range_);
    if (rep.kind == RepKind::kFull) ++full_;
    if (rep.kind == RepKind::kPartial) ++partial_;
    if (rep.kind == RepKind::kFull) adapt_range(rise);
  }
  if (rep.kind == RepKind::kRejected) {
    rep.rejection = RepRejection::kTooShort;
  } else {
    rep.index = full_ + partial_;
  }
}

// While the range is not known the longest rise stands in for it, and a longer one judges the
// earlier ones anew. The longest, not the median: two partial repetitions of three must not become
// the norm.
void Tracker::account_provisional(RepBoundary& rep, double rise) noexcept {
  rises_[static_cast<std::size_t>(rises_count_++)] = rise;
  double longest = 0.0;
  for (int i = 0; i < rises_count_; ++i) {
    longest = larger(longest, rises_[static_cast<std::size_t>(i)]);
  }
  full_ = partial_ = 0;
  for (int i = 0; i < rises_count_; ++i) {
    const RepKind kind = classify_rise(config_, rises_[static_cast<std::size_t>(i)], longest);
    if (kind == RepKind::kFull) ++full_;
    if (kind == RepKind::kPartial) ++partial_;
  }
  rep.kind = classify_rise(config_, rise, longest);
  if (full_ >= kRangeFrom || rises_count_ == kProvisional) {
    range_ = range_first_ = longest;
    rep.provisional = false;
  }
}

void Tracker::adapt_range(double rise) noexcept {
  for (int i = kRecent - 1; i > 0; --i) {
    recent_[static_cast<std::size_t>(i)] = recent_[static_cast<std::size_t>(i - 1)];
  }
  recent_[0] = rise;
  if (recent_count_ < kRecent) ++recent_count_;
  range_ += config_.range_adapt * (median(recent_, recent_count_) - range_);
  range_ = at_least(range_, config_.range_adapt_floor * range_first_);
}

}  // namespace medius::measure
