// A recorder between a made-up loop and a store that may fail.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "controller/base/det_math.hpp"
#include "controller/record/recorder.hpp"
#include "sim/disk/simulated_disk.hpp"
#include "tests/record/fixtures.hpp"

namespace medius::record::test {

inline constexpr std::uint64_t kRepTicks = 4000;

// A made-up loop: a handle that goes out and back in 4 s, one sample a tick.
class Loop {
 public:
  explicit Loop(rt::EngineChannels& channels) : channels_(channels) {}

  // `pushed` false: the queue was full, the sample is lost.
  void tick(std::uint16_t serial, bool pushed = true, std::uint32_t missed = 0) {
    tick_ += 1 + missed;
    rt::SampleRecord sample;
    sample.tick = tick_;
    sample.set_serial = serial;
    sample.missed = missed;
    const double angle =
        2.0 * det::kPi * static_cast<double>(tick_ % kRepTicks) / static_cast<double>(kRepTicks);
    sample.position = 0.2 - 0.2 * det::cos(angle);
    sample.velocity = 0.2 * 2.0 * det::kPi / 4.0 * det::sin(angle);
    sample.force_measured = sample.velocity >= 0.0 ? 60.0 : 78.0;
    sample.force_target = sample.force_measured;
    if (!pushed) return;
    ASSERT_TRUE(channels_.samples.push(sample));
    if (serial != 0) kept_.push_back(sample);
  }
  void ticks(int count, std::uint16_t serial) {
    for (int i = 0; i < count; ++i) tick(serial);
  }

  [[nodiscard]] std::uint64_t now() const { return tick_; }
  [[nodiscard]] const std::vector<rt::SampleRecord>& kept() const { return kept_; }

 private:
  rt::EngineChannels& channels_;
  std::uint64_t tick_ = 0;
  std::vector<rt::SampleRecord> kept_;
};

inline measure::RepBoundary boundary_at(std::uint32_t index, std::uint64_t start) {
  measure::RepBoundary boundary;
  boundary.index = index;
  boundary.start_tick = start;
  boundary.peak_start_tick = start + kRepTicks / 2;
  boundary.peak_end_tick = start + kRepTicks / 2;
  boundary.end_tick = start + kRepTicks;
  boundary.peak_position = 0.4;
  return boundary;
}

class RecorderTest : public ::testing::Test {
 protected:
  void begin(std::unique_ptr<Store> store) {
    store_ = std::move(store);
    Recorder::Callbacks callbacks;
    callbacks.on_rep = [this](const std::string& id, const measure::RepMetrics& rep) {
      EXPECT_EQ(id, set_.id);
      live_reps_.push_back(rep);
    };
    callbacks.on_samples = [this](std::span<const rt::SampleRecord> samples) {
      live_samples_ += samples.size();
    };
    callbacks.on_store_error = [this](const StoreError& error) {
      errors_.push_back(error.message);
    };
    recorder_ = std::make_unique<Recorder>(*store_, *channels_, callbacks);
    set_.id = *store_->next_id();
    set_.session_id = *store_->next_id();
    set_.end = SetEnd::kCount;
  }
  void begin_in_memory() { begin(std::move(*Store::open_in_memory())); }

  void open(std::uint16_t serial, std::uint64_t start_tick) {
    set_.start_tick = start_tick;
    recorder_->open_set(set_, serial, {});
  }

  std::unique_ptr<rt::EngineChannels> channels_ = std::make_unique<rt::EngineChannels>();
  Loop loop_{*channels_};
  sim::SimulatedDisk disk_{1};  // outlives the store
  std::unique_ptr<Store> store_;
  std::unique_ptr<Recorder> recorder_;
  SetRecord set_;
  std::vector<measure::RepMetrics> live_reps_;
  std::size_t live_samples_ = 0;
  std::vector<std::string> errors_;
};

}  // namespace medius::record::test
