// A recorded set through today's detector and today's metrics: what the loop would have counted and
// the recorder measured. With what the loop was told (SetGiven) it is the same bit for bit, unless
// detector or definitions have changed since. Pure functions.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "controller/measure/metrics.hpp"
#include "controller/record/set_record.hpp"

namespace medius::record {

// The detector, fed from a recording as the loop fed it.
class DetectorRun {
 public:
  // `otherwise` serves a set that was recorded before the tracker's numbers were kept.
  DetectorRun(const SetRecord& set, const measure::TrackerConfig& otherwise);
  // Samples of the set's axis in tick order.
  measure::TrackerOutput step(const rt::SampleRecord& sample);

  [[nodiscard]] const measure::Tracker& tracker() const noexcept { return tracker_; }

 private:
  measure::Tracker tracker_;
  double force_before_ = 0.0;
  bool first_known_ = false;
  bool any_ = false;
};

struct ReplayedSet {
  std::vector<measure::RepMetrics> reps;
  std::vector<measure::MetricValue> metrics;
  std::uint32_t reps_counted = 0;
  std::uint32_t reps_partial = 0;
  std::uint32_t direction_changes = 0;
  bool counts = true;  // false: a set of holds, which are counted from the raw tension
};

// Called after the detector has seen the sample.
using EachSample = std::function<void(const rt::SampleRecord& sample, const measure::Tracker&)>;

[[nodiscard]] ReplayedSet replay(const SetRecord& set, std::span<const rt::SampleRecord> samples,
                                 const measure::TrackerConfig& otherwise = {},
                                 const EachSample& each = {});

// What differs between the stored and the replayed set: one line a difference; empty when all of it
// is the same bit for bit.
[[nodiscard]] std::vector<std::string> differences(const SetRecord& stored,
                                                   const ReplayedSet& replayed);

// What the recording lacks for a replay to be the same bit for bit, as sentences; empty: nothing.
[[nodiscard]] std::vector<std::string> lacking(const SetRecord& set,
                                               std::span<const rt::SampleRecord> samples);

}  // namespace medius::record
