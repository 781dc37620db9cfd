#include "controller/record/replay.hpp"

#include <algorithm>
#include <bit>

#include "controller/record/measuring.hpp"
#include "controller/record/rows.hpp"

namespace medius::record {
namespace {

// A difference a repetition is enough to see what is wrong; a broken recording has thousands.
constexpr std::size_t kDifferencesMax = 50;

bool same(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

bool same_bounds(const measure::RepMetrics& a, const measure::RepMetrics& b) {
  return a.start_tick == b.start_tick && a.peak_start_tick == b.peak_start_tick &&
         a.peak_end_tick == b.peak_end_tick && a.end_tick == b.end_tick;
}

bool same_value(const measure::MetricValue& a, const measure::MetricValue& b) {
  return a.id == b.id && a.version == b.version && a.flags == b.flags && same(a.value, b.value) &&
         same(a.uncertainty, b.uncertainty);
}

std::string key_of(const measure::MetricValue& value) {
  const measure::MetricDefinition* metric = measure::find_metric(value.id);
  return metric != nullptr ? std::string(metric->key)
                           : "metric " + std::to_string(static_cast<int>(value.id));
}

std::string differing_keys(const std::vector<measure::MetricValue>& a,
                           const std::vector<measure::MetricValue>& b) {
  if (a.size() != b.size()) {
    return std::to_string(a.size()) + " metrics stored, " + std::to_string(b.size()) + " replayed";
  }
  std::string keys;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!same_value(a[i], b[i])) keys += (keys.empty() ? "" : ", ") + key_of(b[i]);
  }
  return keys;
}

void compare_rep(std::size_t ordinal, const measure::RepMetrics& stored,
                 const measure::RepMetrics& replayed, std::vector<std::string>& out) {
  if (encode_rep(stored) == encode_rep(replayed)) return;
  std::string what;
  if (stored.kind != replayed.kind || stored.rejection != replayed.rejection ||
      stored.index != replayed.index) {
    what = "another kind or number";
  } else if (!same_bounds(stored, replayed)) {
    what = "other boundaries";
  } else if (stored.definition_version != replayed.definition_version) {
    what = "measured by definitions " + std::to_string(stored.definition_version) +
           ", replayed by " + std::to_string(replayed.definition_version);
  } else {
    const std::string keys = differing_keys(stored.values, replayed.values);
    what = keys.empty() ? "other plain values" : "other values of " + keys;
  }
  out.push_back("repetition " + std::to_string(ordinal) + ": " + what);
}

void compare_count(const char* what, std::uint32_t stored, std::uint32_t replayed,
                   std::vector<std::string>& out) {
  if (stored == replayed) return;
  out.push_back(std::string(what) + ": " + std::to_string(stored) + " stored, " +
                std::to_string(replayed) + " replayed");
}

}  // namespace

DetectorRun::DetectorRun(const SetRecord& set, const measure::TrackerConfig& otherwise) {
  const bool known = set.given.known();
  tracker_.start_set(known ? set.given.tracker : otherwise, set.given.range_target);
  force_before_ = set.given.force_before;
  first_known_ = known;
}

measure::TrackerOutput DetectorRun::step(const rt::SampleRecord& sample) {
  measure::TrackerInput input;
  input.tick = sample.tick;
  input.position = sample.position;
  input.velocity = sample.velocity;
  input.force = sample.force_measured;
  // The loop decides on what was felt a tick ago.
  input.force_reference = any_ || first_known_ ? force_before_ : sample.force_target;
  if ((sample.detector & rt::kDetectorKnown) != 0) {
    input.counting = (sample.detector & rt::kDetectorCounting) != 0;
    input.relocated = (sample.detector & rt::kDetectorRelocated) != 0;
  } else {
    input.counting = sample.load_state == static_cast<std::uint8_t>(safety::LoadState::kLoaded);
  }
  force_before_ = sample.force_target;
  any_ = true;
  return tracker_.update(input);
}

ReplayedSet replay(const SetRecord& set, std::span<const rt::SampleRecord> samples,
                   const measure::TrackerConfig& otherwise, const EachSample& each) {
  ReplayedSet out;
  measure::MetricConfig config = metric_config(set.given);
  if (!set.given.known()) {
    config.tempo = tempo_of(set.tempo);
    config.tracker = otherwise;
  }
  describe(set, config);
  const double range_target = config.range_reference;
  DetectorRun detector(set, otherwise);
  std::vector<measure::MetricSample> all;
  all.reserve(samples.size());
  const auto take = [&](const measure::TrackerOutput& tracked) {
    if (!tracked.rep_closed) return;
    const auto before_tick = [](const measure::MetricSample& sample, std::uint64_t tick) {
      return sample.tick < tick;
    };
    const auto first =
        std::lower_bound(all.begin(), all.end(), tracked.rep.start_tick, before_tick);
    const auto last = std::lower_bound(first, all.end(), tracked.rep.end_tick + 1, before_tick);
    const measure::RepMetrics rep = measure::analyze_rep({first, last}, tracked.rep, config);
    if (rep.kind != measure::RepKind::kRejected) config.previous_end_tick = rep.end_tick;
    out.reps.push_back(rep);
  };
  for (const rt::SampleRecord& sample : samples) {
    if (sample.axis != set.axis) continue;
    all.push_back(metric_sample(sample));
    // A fault closes a set at once, and its last samples come later: what the loop gave up in them
    // was nobody's any more.
    if (set.end_tick == 0 || sample.tick <= set.end_tick) take(detector.step(sample));
    if (each) each(sample, detector.tracker());
  }
  measure::resolve_provisional(out.reps, range_target, config.tracker);
  out.reps_counted = detector.tracker().reps_counted();
  out.reps_partial = detector.tracker().reps_partial();
  out.direction_changes = detector.tracker().direction_changes();
  out.counts = !(set.given.hold_s > 0.0);
  SetRecord whole = set;
  whole.reps = out.reps;
  const std::span<const measure::MetricSample> every(all);
  out.metrics =
      closing_metrics(whole, every.last(std::min(every.size(), kClosingSamplesMax)), every.size());
  return out;
}

std::vector<std::string> differences(const SetRecord& stored, const ReplayedSet& replayed) {
  std::vector<std::string> out;
  compare_count("repetitions found", static_cast<std::uint32_t>(stored.reps.size()),
                static_cast<std::uint32_t>(replayed.reps.size()), out);
  if (replayed.counts) {
    compare_count("full repetitions", stored.reps_counted, replayed.reps_counted, out);
    compare_count("partial repetitions", stored.reps_partial, replayed.reps_partial, out);
  }
  compare_count("direction changes", stored.direction_changes, replayed.direction_changes, out);
  const std::size_t count = std::min(stored.reps.size(), replayed.reps.size());
  for (std::size_t i = 0; i < count && out.size() < kDifferencesMax; ++i) {
    compare_rep(i + 1, stored.reps[i], replayed.reps[i], out);
  }
  const std::string keys = differing_keys(stored.metrics, replayed.metrics);
  if (!keys.empty()) out.push_back("of the set as a whole: " + keys);
  return out;
}

std::vector<std::string> lacking(const SetRecord& set, std::span<const rt::SampleRecord> samples) {
  std::vector<std::string> out;
  if (!set.given.known()) {
    out.emplace_back(
        "recorded before a set kept what the loop was told: the range that was prescribed and the "
        "detector's numbers are not known (the range is found anew), and changes of parameters "
        "during the set are not known");
  }
  const bool flags = std::all_of(samples.begin(), samples.end(), [](const auto& sample) {
    return (sample.detector & rt::kDetectorKnown) != 0;
  });
  if (!flags) {
    out.emplace_back(
        "the samples do not say when the loop counted: it is taken from the state of the load, "
        "which a fault changes a tick earlier");
  }
  if (set.samples_dropped > 0) {
    out.push_back(std::to_string(set.samples_dropped) +
                  " samples were lost on the way to the recorder: the loop saw them, a replay "
                  "does not");
  }
  if (set.given.known() && set.end == SetEnd::kInterrupted) {
    out.emplace_back(
        "the recording was interrupted: what was ordered during the set and up to a second of its "
        "end were not kept");
  }
  if (set.given.changes_lost) {
    out.push_back("more than " + std::to_string(kGivenChangesMax) +
                  " changes were ordered: the later ones were not kept");
  }
  return out;
}

}  // namespace medius::record
