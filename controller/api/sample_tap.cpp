#include "controller/api/sample_tap.hpp"

#include <algorithm>

namespace medius::api {

SampleTap::SampleTap(const TapConfig& config)
    : config_(config), ring_(2 * config.batch_rows + kDrainRows) {}

void SampleTap::push(std::span<const rt::SampleRecord> samples) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    for (const rt::SampleRecord& sample : samples) {
      if (sample.axis != config_.axis || sample.tick % config_.divider != 0) continue;
      if (!begun_) count_missed_before(sample.tick);
      if (count_ == ring_.size()) {
        first_ = (first_ + 1) % ring_.size();
        --count_;
        ++dropped_;
      }
      ring_[(first_ + count_) % ring_.size()] = {
          sample.tick,         sample.position,     sample.velocity, sample.force_measured,
          sample.force_target, sample.force_output, sample.phase};
      ++count_;
    }
    wake = count_ >= config_.batch_rows;
  }
  if (wake) filled_.notify_all();
}

// An earlier run of the controller counted other ticks: a larger one tells nothing.
void SampleTap::count_missed_before(std::uint64_t first_tick) {
  begun_ = true;
  if (config_.after_tick == 0 || config_.after_tick >= first_tick) return;
  dropped_ += (first_tick - 1) / config_.divider - config_.after_tick / config_.divider;
}

void SampleTap::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  filled_.notify_all();
}

SampleTap::Batch SampleTap::take(std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(mutex_);
  const bool ready =
      filled_.wait_until(lock, until, [&] { return closed_ || count_ >= config_.batch_rows; });
  Batch batch;
  batch.dropped = dropped_;
  batch.closed = closed_;
  const std::size_t rows = ready ? std::min(count_, kMaxRows) : 0;
  batch.rows.reserve(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    batch.rows.push_back(ring_[(first_ + i) % ring_.size()]);
  }
  first_ = (first_ + rows) % ring_.size();
  count_ -= rows;
  return batch;
}

}  // namespace medius::api
