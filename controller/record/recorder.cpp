#include "controller/record/recorder.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <vector>

#include "controller/record/measuring.hpp"
#include "controller/record/sample_block.hpp"

namespace medius::record {
namespace {

using rt::SampleRecord;

// One call moves at most what the queue can hold, so that a call ends even while the loop pushes.
constexpr std::size_t kDrainMax = 32768;
// Samples handed to live streams at a time.
constexpr std::size_t kChunk = 1024;
// The longest repetition that is measured whole: two minutes (9 MB a set). A longer one is measured
// from what is left and marked kQualitySamplesMissing.
constexpr std::size_t kHistoryMax = kClosingSamplesMax;
// Samples with a serial that no open set has yet: four seconds of two axes (1 MB). The oldest go
// first.
constexpr std::size_t kEarlyMax = 8192;
// Samples that wait for a store in trouble: ten minutes of one axis (72 MB) over all sets. Beyond,
// whole blocks are dropped and counted in samples_dropped.
constexpr std::size_t kWaitingMax = 600'000;
// Sets whose close failed, beside the one under way. With one more the oldest is given up; its
// journal is closed as interrupted at the next start.
constexpr std::size_t kOpenSetsMax = 8;
// Far above any set; more are measured and reported live, not kept.
constexpr std::size_t kRepsMax = 2000;
constexpr std::size_t kBoundariesMax = 64;
constexpr std::size_t kClosedSerials = 16;

// A sample, how many ticks of its axis were lost just before it, and what was felt a tick before.
struct Arrived {
  SampleRecord sample;
  std::uint64_t lost = 0;
  double force_before = 0.0;
};

struct OpenSet {
  SetRecord set;
  std::uint16_t serial = 0;
  measure::MetricConfig config;
  bool journaled = false;  // the store knows it
  bool closing = false;    // takes no more samples
  std::uint64_t samples = 0;
  std::uint64_t dropped = 0;
  std::uint64_t previous_end_tick = 0;
  std::size_t reps_journaled = 0;
  std::vector<SampleRecord> block;
  std::deque<std::vector<SampleRecord>> waiting;  // sealed blocks the store has not taken
  std::deque<measure::MetricSample> history;
  std::deque<measure::RepBoundary> boundaries;  // whose samples are not all here
  std::vector<measure::RepMetrics> reps;
};

struct AxisTrack {
  bool seen = false;
  std::uint64_t tick = 0;
  std::uint16_t serial = 0;
  double force_target = 0.0;
};

}  // namespace

struct Recorder::Impl {
  Impl(Store& the_store, rt::EngineChannels& the_channels, Callbacks the_callbacks)
      : store(the_store), channels(the_channels), callbacks(std::move(the_callbacks)) {}

  Store& store;
  rt::EngineChannels& channels;
  Callbacks callbacks;
  std::deque<OpenSet> sets;  // oldest first; at most kOpenSetsMax
  std::array<AxisTrack, hal::kMaxAxes> track{};
  std::deque<Arrived> early;
  std::deque<std::uint16_t> closed_serials;  // their stragglers are nobody's
  std::size_t waiting_samples = 0;
  std::string reported;  // the store error that was reported last, until a write succeeds
  std::vector<SampleRecord> chunk;
  std::vector<measure::MetricSample> scratch;

  void report(const StoreError& error);
  OpenSet* find(std::uint16_t serial, std::uint8_t axis);
  Arrived arrive(const SampleRecord& sample);
  void route(const Arrived& arrived);
  void append(OpenSet& open, const Arrived& arrived);
  void seal_block(OpenSet& open);
  [[nodiscard]] tl::expected<void, StoreError> flush(OpenSet& open);
  void measure_due(OpenSet& open, bool all);
  void measure_one(OpenSet& open, const measure::RepBoundary& boundary);
  void drain();
};

void Recorder::Impl::report(const StoreError& error) {
  if (error.message == reported) return;
  reported = error.message;
  if (callbacks.on_store_error) callbacks.on_store_error(error);
}

OpenSet* Recorder::Impl::find(std::uint16_t serial, std::uint8_t axis) {
  for (OpenSet& open : sets) {
    if (open.serial == serial && open.set.axis == axis && !open.closing) return &open;
  }
  return nullptr;
}

// A full queue loses samples; a skipped period never had one.
Arrived Recorder::Impl::arrive(const SampleRecord& sample) {
  if (sample.axis >= track.size()) return {sample};
  AxisTrack& axis = track[sample.axis];
  std::uint64_t lost = 0;
  if (axis.seen && sample.tick > axis.tick) {
    const std::uint64_t gap = sample.tick - axis.tick - 1;
    lost = gap > sample.missed ? gap - sample.missed : 0;
    // A gap between a set and what follows may have been the set's last samples: it bears the loss.
    if (lost > 0 && axis.serial != sample.set_serial) {
      if (OpenSet* before = find(axis.serial, sample.axis); before != nullptr) {
        before->dropped += lost;
        lost = 0;
      }
    }
  }
  const double force_before = axis.force_target;
  axis = {true, sample.tick, sample.set_serial, sample.force_target};
  return {sample, lost, force_before};
}

void Recorder::Impl::route(const Arrived& arrived) {
  const SampleRecord& sample = arrived.sample;
  if (sample.set_serial == 0) return;
  if (OpenSet* open = find(sample.set_serial, sample.axis); open != nullptr) {
    append(*open, arrived);
    return;
  }
  if (std::find(closed_serials.begin(), closed_serials.end(), sample.set_serial) !=
      closed_serials.end()) {
    return;
  }
  early.push_back(arrived);
  if (early.size() > kEarlyMax) early.pop_front();
}

void Recorder::Impl::append(OpenSet& open, const Arrived& arrived) {
  const SampleRecord& sample = arrived.sample;
  if (sample.tick < open.set.start_tick) return;
  // Ticks lost before the set began are not the set's.
  open.dropped += std::min(arrived.lost, sample.tick - open.set.start_tick);
  if (!open.block.empty() && (sample.tick - open.block.front().tick >= kMaxBlockTicks ||
                              open.block.size() == kMaxBlockSamples)) {
    seal_block(open);
  }
  open.block.push_back(sample);
  if (open.samples == 0 && open.set.given.known()) {
    open.set.given.force_before = arrived.force_before;
  }
  ++open.samples;
  open.history.push_back(metric_sample(sample));
  if (open.history.size() > kHistoryMax) open.history.pop_front();
}

void Recorder::Impl::seal_block(OpenSet& open) {
  if (open.block.empty()) return;
  if (waiting_samples + open.block.size() > kWaitingMax) {
    open.samples -= open.block.size();
    open.dropped += open.block.size();
  } else {
    waiting_samples += open.block.size();
    open.waiting.push_back(std::move(open.block));
  }
  open.block.clear();
  open.block.reserve(kMaxBlockTicks);
  if (const auto flushed = flush(open); !flushed) report(flushed.error());
}

// Brings the store up to what is here; stops at its first error.
tl::expected<void, StoreError> Recorder::Impl::flush(OpenSet& open) {
  if (!open.journaled) {
    if (auto opened = store.open_set(open.set); !opened) return opened;
    open.journaled = true;
  }
  while (open.reps_journaled < open.reps.size()) {
    if (auto added = store.add_rep(open.set.id, open.reps[open.reps_journaled]); !added) {
      return added;
    }
    ++open.reps_journaled;
  }
  while (!open.waiting.empty()) {
    if (auto added = store.add_samples(open.set.id, open.waiting.front()); !added) return added;
    waiting_samples -= open.waiting.front().size();
    open.waiting.pop_front();
  }
  reported.clear();
  return {};
}

void Recorder::Impl::measure_due(OpenSet& open, bool all) {
  while (!open.boundaries.empty()) {
    const measure::RepBoundary boundary = open.boundaries.front();
    const std::uint64_t here = open.history.empty() ? 0 : open.history.back().tick;
    // Any later sample of the axis will do: the set itself may have ended with the repetition.
    const std::uint64_t drained = open.set.axis < track.size() ? track[open.set.axis].tick : here;
    if (!all && std::max(here, drained) < boundary.end_tick) return;
    open.boundaries.pop_front();
    measure_one(open, boundary);
  }
}

void Recorder::Impl::measure_one(OpenSet& open, const measure::RepBoundary& boundary) {
  const auto before = [](const measure::MetricSample& sample, std::uint64_t tick) {
    return sample.tick < tick;
  };
  const auto first =
      std::lower_bound(open.history.begin(), open.history.end(), boundary.start_tick, before);
  const auto last = std::lower_bound(first, open.history.end(), boundary.end_tick + 1, before);
  scratch.assign(first, last);
  measure::MetricConfig config = open.config;
  config.previous_end_tick = open.previous_end_tick;
  const measure::RepMetrics rep = measure::analyze_rep(scratch, boundary, config);
  if (rep.kind != measure::RepKind::kRejected) open.previous_end_tick = rep.end_tick;
  if (open.reps.size() < kRepsMax) open.reps.push_back(rep);
  if (const auto flushed = flush(open); !flushed) report(flushed.error());
  if (callbacks.on_rep) callbacks.on_rep(open.set.id, rep);
}

void Recorder::Impl::drain() {
  chunk.resize(kChunk);
  for (std::size_t moved = 0; moved < kDrainMax;) {
    const std::size_t count = channels.samples.pop(chunk.data(), chunk.size());
    if (count == 0) break;
    moved += count;
    const std::span<const SampleRecord> samples(chunk.data(), count);
    for (const SampleRecord& sample : samples) {
      route(arrive(sample));
    }
    if (callbacks.on_samples) callbacks.on_samples(samples);
  }
  for (OpenSet& open : sets) {
    if (!open.closing) measure_due(open, false);
  }
}

Recorder::Recorder(Store& store, rt::EngineChannels& channels, Callbacks callbacks)
    : impl_(std::make_unique<Impl>(store, channels, std::move(callbacks))) {}

Recorder::~Recorder() = default;

void Recorder::drain() {
  impl_->drain();
}

void Recorder::open_set(const SetRecord& set, std::uint16_t set_serial,
                        const measure::MetricConfig& config) {
  Impl& impl = *impl_;
  if (impl.sets.size() == kOpenSetsMax) {
    impl.report({"set " + impl.sets.front().set.id + ": given up after " +
                 std::to_string(kOpenSetsMax) +
                 " sets that the store did not take; its journal is closed as interrupted at the "
                 "next start"});
    for (const auto& block : impl.sets.front().waiting) impl.waiting_samples -= block.size();
    impl.sets.pop_front();
  }
  OpenSet& open = impl.sets.emplace_back();
  open.set = set;
  open.set.reps.clear();
  open.serial = set_serial;
  open.config = config;
  describe(open.set, open.config);
  std::erase(impl.closed_serials, set_serial);  // serials wrap after 65535 sets

  std::deque<Arrived> others;
  for (const Arrived& arrived : impl.early) {
    const bool ours =
        arrived.sample.set_serial == set_serial && arrived.sample.axis == open.set.axis;
    if (ours) {
      impl.append(open, arrived);
    } else {
      others.push_back(arrived);
    }
  }
  impl.early = std::move(others);
  // After them: what was felt before the first sample is journaled with the set.
  if (const auto flushed = impl.flush(open); !flushed) impl.report(flushed.error());
}

void Recorder::rep_closed(std::uint16_t set_serial, const measure::RepBoundary& boundary) {
  for (OpenSet& open : impl_->sets) {
    if (open.serial != set_serial || open.closing) continue;
    if (open.boundaries.size() == kBoundariesMax) {  // measured from the samples there are
      impl_->measure_one(open, open.boundaries.front());
      open.boundaries.pop_front();
    }
    open.boundaries.push_back(boundary);
    impl_->measure_due(open, false);
    return;
  }
}

tl::expected<StoredSet, StoreError> Recorder::close_set(const SetRecord& summary) {
  Impl& impl = *impl_;
  const auto open = std::find_if(impl.sets.begin(), impl.sets.end(), [&](const OpenSet& candidate) {
    return candidate.set.id == summary.id;
  });
  if (open == impl.sets.end()) {
    return tl::unexpected(
        StoreError{"set " + summary.id + ": not open in the recorder; open_set() comes first"});
  }
  if (!open->closing) {
    impl.drain();
    impl.measure_due(*open, true);
    impl.seal_block(*open);
    open->closing = true;
    impl.closed_serials.push_back(open->serial);
    if (impl.closed_serials.size() > kClosedSerials) impl.closed_serials.pop_front();
    measure::resolve_provisional(open->reps, open->config.range_reference, open->config.tracker);
  }
  if (auto flushed = impl.flush(*open); !flushed) return tl::unexpected(flushed.error());

  SetRecord closed = summary;
  closed.samples = open->samples;
  closed.samples_dropped = open->dropped;
  closed.reps = open->reps;
  closed.given.force_before = open->set.given.force_before;
  impl.scratch.assign(open->history.begin(), open->history.end());
  closed.metrics = closing_metrics(closed, impl.scratch, open->samples);
  auto stored = impl.store.close_set(closed);
  if (stored) impl.sets.erase(open);
  return stored;
}

}  // namespace medius::record
