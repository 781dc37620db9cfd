#include "sim/checkers/rep_truth.hpp"

#include <algorithm>

#include "controller/base/clamp.hpp"

namespace medius::sim {
namespace {

constexpr std::size_t kHalfWindow = 55;  // of 111 ms
constexpr double kSampleS = 1e-3;
constexpr double kMovingMps = 0.02;
constexpr std::size_t kPause = 100;
constexpr double kLeastStrokeM = 0.012, kSettlingShare = 0.10;
constexpr double kLeastRepShare = 0.25, kReturnedShare = 0.60, kBounceShare = 0.50;
// Standing: slower than moving for so long, not rising faster than a creep, not further than a
// shift of the stance.
constexpr std::size_t kStance = 600;
constexpr double kCreepMps = 0.005, kShiftM = 0.012, kFirstShiftM = 0.045;

struct Stroke {
  std::size_t from = 0, to = 0;
  bool outward = false;
};

class Judge {
 public:
  Judge(std::span<const double> position_m, double range_m)
      : position_m_(position_m), range_m_(range_m) {}

  std::vector<RepTruth> run() {
    for (const Stroke& stroke : strokes()) {
      if (stroke.outward) {
        go_out(stroke);
      } else if (out_) {
        come_back(stroke);
      }
    }
    finish();
    return std::move(reps_);
  }

 private:
  [[nodiscard]] double velocity(std::size_t i) const {
    return (position_m_[i + kHalfWindow] - position_m_[i - kHalfWindow]) /
           (2.0 * static_cast<double>(kHalfWindow) * kSampleS);
  }

  // Runs of motion, pauses bridged, settling left out, those of one direction joined.
  [[nodiscard]] std::vector<Stroke> strokes() const {
    std::vector<Stroke> found;
    std::vector<Stroke> runs;
    for (std::size_t i = kHalfWindow; i + kHalfWindow < position_m_.size(); ++i) {
      const double now_mps = velocity(i);
      if (absolute(now_mps) < kMovingMps) continue;
      const bool outward = now_mps > 0.0;
      if (!runs.empty() && runs.back().outward == outward && i - runs.back().to <= kPause) {
        runs.back().to = i;
      } else {
        runs.push_back({i, i, outward});
      }
    }
    for (const Stroke& run : runs) {
      const double travel_m = absolute(position_m_[run.to] - position_m_[run.from]);
      if (travel_m < std::max(kLeastStrokeM, kSettlingShare * range_m_)) continue;
      if (!found.empty() && found.back().outward == run.outward) {
        found.back().to = run.to;
      } else {
        found.push_back(run);
      }
    }
    return found;
  }

  // Where the ring last stood before a stroke.
  [[nodiscard]] double stance(std::size_t from, std::size_t to) const {
    double lowest_m = position_m_[from];
    std::size_t still = 0;
    for (std::size_t i = std::max(from, kHalfWindow); i <= to; ++i) {
      const double now_mps = velocity(i);
      still = absolute(now_mps) < kMovingMps ? still + 1 : 0;
      const bool stands =
          still > kStance && now_mps < kCreepMps && position_m_[i] - lowest_m < kShiftM;
      lowest_m = stands ? position_m_[i] : std::min(position_m_[i], lowest_m);
    }
    return lowest_m;
  }

  [[nodiscard]] double highest(std::size_t from, std::size_t to) const {
    return *std::max_element(position_m_.begin() + static_cast<std::ptrdiff_t>(from),
                             position_m_.begin() + static_cast<std::ptrdiff_t>(to) + 1);
  }

  void go_out(const Stroke& stroke) {
    if (out_ && back_) {
      const double dip_m = peak_m_ - position_m_[stroke.from];
      const double again_m = highest(stroke.from, stroke.to);
      // Not down yet, and too short to be a repetition: a stop on the way back.
      if (dip_m < kReturnedShare * (peak_m_ - valley_m_) &&
          again_m - position_m_[stroke.from] < kLeastRepShare * range_m_ &&
          again_m < peak_m_ - kLeastStrokeM) {
        return;
      }
      if (dip_m < kBounceShare * (peak_m_ - valley_m_)) {
        if (again_m < peak_m_ - kLeastStrokeM) return;  // not up again: the way back goes on
        if (again_m > peak_m_ + kLeastStrokeM) rep_.peak_start = stroke.to;
        peak_m_ = std::max(peak_m_, again_m);
        back_ = false;
        return;
      }
    }
    finish();
    rep_ = RepTruth{};
    rep_.start = stroke.from;
    rep_.peak_start = stroke.to;
    valley_m_ = stance(last_end_, stroke.from);
    out_ = true;
    back_ = false;
  }

  void come_back(const Stroke& stroke) {
    if (!back_) {
      rep_.peak_end = stroke.from;
      peak_m_ = highest(rep_.start, stroke.from);
      back_ = true;
    }
    rep_.end = stroke.to;
  }

  void finish() {
    if (out_ && back_) {
      // The first one is preceded by finding a stance under the load: it is where it ends.
      const double shift_m = position_m_[rep_.end] - valley_m_;
      if (last_end_ == 0 && shift_m > kShiftM && shift_m < kFirstShiftM) valley_m_ += shift_m;
      rep_.range_m = peak_m_ - valley_m_;
      const double returned_m = peak_m_ - position_m_[rep_.end];
      if (rep_.range_m >= kLeastRepShare * range_m_ &&
          returned_m >= kReturnedShare * rep_.range_m) {
        reps_.push_back(rep_);
      }
      last_end_ = rep_.end;
    }
    out_ = back_ = false;
  }

  std::span<const double> position_m_;
  double range_m_ = 0.0;
  std::vector<RepTruth> reps_;
  RepTruth rep_;
  double valley_m_ = 0.0, peak_m_ = 0.0;
  std::size_t last_end_ = 0;
  bool out_ = false, back_ = false;
};

}  // namespace

std::vector<RepTruth> find_reps(std::span<const double> position_m, double range_m) {
  if (position_m.size() <= 2 * kHalfWindow) return {};
  return Judge(position_m, range_m).run();
}

}  // namespace medius::sim
