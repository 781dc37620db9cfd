#include "sim/checkers/law_truth.hpp"

#include <algorithm>
#include <cstddef>

#include "controller/base/clamp.hpp"
#include "controller/base/det_math.hpp"

namespace medius::sim {
namespace {

constexpr double kRaiseMost = 1.5;  // of F0, for what grows over the way
constexpr double kFallMost = 0.5;

// Direction of a repetition as the eccentric law is promised to follow it.
class Lowering {
 public:
  Lowering(double dt_s, double ratio) : dt_s_(dt_s), ratio_(ratio) {}

  // Is the handle being lowered? `mean_mps`: over the last 111 ms, one period of a tremor.
  bool step(double position_m, double velocity_mps, double mean_mps) {
    if (!lowering_) {
      const bool still = absolute(velocity_mps) < kMovingMps;
      still_s_ = still ? still_s_ + dt_s_ : 0.0;
      if (velocity_mps > kReversalMps) held_ = false;
      if (still_s_ > kHoldS) held_ = true;
      if (position_m > extremum_m_) extremum_m_ = position_m;
      if (position_m < bottom_m_) bottom_m_ = position_m;
      const double back_m = extremum_m_ - position_m;
      count(back_m >= kReversalM && velocity_mps < -kReversalMps, latch_s_);
      count(repeated_ && held_ && back_m >= kLeftHoldM && velocity_mps < -kMovingMps, left_s_);
      const bool went_out = extremum_m_ - bottom_m_ > kRepetitionM;
      if (went_out && (latch_s_ > kDwellS || left_s_ > kLeftS || back_m >= kSlowReversalM)) {
        lowering_ = true;
        peak_m_ = extremum_m_;
        stopped_s_ = ending_s_ = 0.0;
      }
      return lowering_;
    }
    // Over at the bottom, once it no longer goes in.
    const bool low = position_m - bottom_m_ < kBottomShare * (peak_m_ - bottom_m_);
    count(low && mean_mps > -kMovingMps, stopped_s_);
    const double above_m = position_m - bottom_m_;
    const double left_s = velocity_mps < 0.0 ? -3.0 * above_m / velocity_mps : 0.0;
    const bool ending = above_m < kEndShare * (peak_m_ - bottom_m_) &&
                        (velocity_mps > -kEndMps || left_s < kEndLeftS * (ratio_ - 1.0));
    if (ending_s_ <= kLeftS) count(repeated_ && ending, ending_s_);
    if (stopped_s_ > kBottomS) {
      lowering_ = false;
      extremum_m_ = bottom_m_ = position_m;
      latch_s_ = left_s_ = still_s_ = 0.0;
      held_ = false;
      repeated_ = true;
    }
    return lowering_;
  }

  // ... and the movement dies away at the bottom.
  [[nodiscard]] bool ended() const { return lowering_ && ending_s_ > kLeftS; }

 private:
  static constexpr double kReversalM = 0.006, kReversalMps = 0.03, kDwellS = 0.060;
  static constexpr double kSlowReversalM = 0.030, kRepetitionM = 0.030;
  static constexpr double kHoldS = 0.120, kLeftHoldM = 0.002, kLeftS = 0.020;
  static constexpr double kMovingMps = 0.02, kBottomShare = 0.35, kBottomS = 0.040;
  static constexpr double kEndShare = 0.1, kEndMps = 0.04, kEndLeftS = 0.45;

  void count(bool condition, double& seconds) const { seconds = condition ? seconds + dt_s_ : 0.0; }

  double dt_s_, ratio_;
  bool lowering_ = false, held_ = false, repeated_ = false;
  double extremum_m_ = -1e9, bottom_m_ = 1e9, peak_m_ = 0.0;
  double latch_s_ = 0.0, left_s_ = 0.0, still_s_ = 0.0, stopped_s_ = 0.0, ending_s_ = 0.0;
};

// Gain of the eccentric law: a ramp with rounded corners, by small steps of the differential
// equation.
class Gain {
 public:
  double step(const LawTruth& law, bool lowering, double velocity_mps) {
    const bool standing = absolute(velocity_mps) < law.standing_mps;
    const double target = lowering ? law.value : 1.0;
    const bool up = target > ramp_;
    const double release_s =
        std::clamp(kReleaseS * det::sqrt(kReleaseLoadN / law.load_n), 0.35, kReleaseS);
    const double whole_s = lowering || up ? kTurnS : release_s;
    double steepest_nps = up ? kRiseNps : kFallNps;
    if (lowering && !up)
      steepest_nps = std::min(steepest_nps, kFallNpm * std::max(-velocity_mps, 0.0));
    const double slope =
        std::min(std::max(absolute(law.value - 1.0), kLeast) / whole_s, steepest_nps / law.load_n);
    const double way = slope * law.dt_s;
    const double last = ramp_;
    ramp_ = up ? std::min(ramp_ + way, target) : std::max(ramp_ - way, target);
    // What is less comes back with a lift, in full from 0.04 m/s.
    const bool less = law.value < 1.0;
    const double share =
        less ? std::clamp((velocity_mps - law.standing_mps) / (kLiftingMps - law.standing_mps), 0.0,
                          1.0)
             : (standing ? 0.0 : 1.0);
    if (up && less) ramp_ -= (1.0 - share) * (ramp_ - last);
    if (up && !less && standing) ramp_ = std::min(ramp_, gain_);
    constexpr int kParts = 10;
    const double radps = law.value < 1.0 ? kUnloadRadps : lowering ? kTurnRadps : kReleaseRadps;
    double gain = gain_, rate = rate_;
    for (int i = 0; i < kParts; ++i) {
      const double part_s = law.dt_s / kParts;
      rate += part_s * (radps * radps * (ramp_ - gain) - 2.0 * radps * rate);
      gain += part_s * rate;
    }
    const bool rose = gain > gain_;
    const double kept = less ? 1.0 - (1.0 - share) * kUnloadRadps * law.dt_s : share;
    if (rose) {
      const double most =
          std::min(std::max(absolute(law.value - 1.0), kLeast) / kTurnS, kRiseNps / law.load_n);
      gain_ += share * std::min(gain - gain_, most * law.dt_s);
      rate_ = kept * std::min(rate, most);
    } else {
      gain_ = gain;
      rate_ = rate;
    }
    return gain_;
  }

 private:
  static constexpr double kTurnS = 0.25, kReleaseS = 0.8, kReleaseLoadN = 60.0;
  static constexpr double kTurnRadps = 16.0, kUnloadRadps = 30.0, kReleaseRadps = 12.0;
  static constexpr double kLiftingMps = 0.04, kRiseNps = 480.0, kFallNps = 400.0, kFallNpm = 8000.0;
  static constexpr double kLeast = 0.2;

  double gain_ = 1.0, rate_ = 0.0, ramp_ = 1.0;
};

void fill_eccentric(const LawTruth& law, std::span<ForceTruthSample> samples) {
  constexpr double kMeanS = 0.111;
  const auto window = static_cast<std::size_t>(kMeanS / law.dt_s + 0.5);
  Lowering direction(law.dt_s, law.value);
  Gain gain;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    ForceTruthSample& sample = samples[i];
    const double mean_mps =
        i < window ? 0.0 : (sample.ring_position_m - samples[i - window].ring_position_m) / kMeanS;
    const bool lowering =
        direction.step(sample.ring_position_m, sample.ring_velocity_mps, mean_mps);
    sample.target_n =
        law.load_n * gain.step(law, lowering && !(direction.ended() && law.value > 1.0),
                               sample.ring_velocity_mps);
  }
}

double at_height(const LawTruth& law, double x_m) {
  const double most_n = kRaiseMost * law.load_n;
  if (law.kind == LawKind::kInverseChains) {
    return std::max(law.load_n - law.value * x_m, kFallMost * law.load_n);
  }
  if (law.kind == LawKind::kRubberBand) {
    const double stretch = 1.0 + x_m / law.length_m;
    const double band_n = law.value * law.length_m / 3.0 * (stretch - 1.0 / (stretch * stretch));
    return std::min(law.load_n + band_n, most_n);
  }
  return std::min(law.load_n + law.value * x_m, most_n);
}

// The bottom of a repetition is where it began to go out: the lowest point since the one before was
// above its middle, once the handle has left it by a reversal.
void fill_over_height(const LawTruth& law, std::span<ForceTruthSample> samples) {
  constexpr double kLeftM = 0.006;
  if (samples.empty()) return;
  double low_m = samples.front().ring_position_m, high_m = low_m;
  for (const ForceTruthSample& sample : samples) {
    low_m = std::min(low_m, sample.ring_position_m);
    high_m = std::max(high_m, sample.ring_position_m);
  }
  const double middle_m = 0.5 * (low_m + high_m);
  double bottom_m = samples.front().ring_position_m, lowest_m = bottom_m;
  bool above = false;
  for (ForceTruthSample& sample : samples) {
    const double position_m = sample.ring_position_m;
    if (position_m > middle_m) {
      above = true;
    } else if (above) {
      above = false;
      lowest_m = position_m;
    } else if (position_m < lowest_m) {
      lowest_m = position_m;
    } else if (position_m > lowest_m + kLeftM) {
      bottom_m = lowest_m;
    }
    sample.target_n = at_height(law, std::max(position_m - bottom_m, 0.0));
  }
}

}  // namespace

void fill_law_targets(const LawTruth& law, std::span<ForceTruthSample> samples) {
  switch (law.kind) {
    case LawKind::kConstant:
      for (ForceTruthSample& sample : samples) sample.target_n = law.load_n;
      return;
    case LawKind::kEccentric:
      fill_eccentric(law, samples);
      return;
    case LawKind::kViscous:
    case LawKind::kAir:
      for (ForceTruthSample& sample : samples) {
        const double v_mps = std::max(sample.ring_velocity_mps, 0.0);
        sample.target_n =
            law.load_n + law.value * v_mps * (law.kind == LawKind::kAir ? v_mps : 1.0);
      }
      return;
    case LawKind::kChains:
    case LawKind::kInverseChains:
    case LawKind::kLinearBand:
    case LawKind::kRubberBand:
      fill_over_height(law, samples);
      return;
  }
}

}  // namespace medius::sim
