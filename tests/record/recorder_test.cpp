#include "controller/record/recorder.hpp"

#include <array>

#include <gtest/gtest.h>

#include "tests/record/recorder_rig.hpp"

namespace medius::record::test {
namespace {

// The loop decides on what was felt a tick ago; of a set's first tick no sample of the set tells.
TEST_F(RecorderTest, KeepsWhatWasFeltATickBeforeASetThatKnowsWhatTheLoopWasTold) {
  for (const bool known : {true, false}) {
    channels_ = std::make_unique<rt::EngineChannels>();
    Loop loop(*channels_);
    begin_in_memory();
    set_.given = {};
    if (known) set_.given.detector_version = measure::kDetectorVersion;
    loop.ticks(kRepTicks - 1, 0);  // on the way back: 78
    recorder_->drain();
    open(3, kRepTicks);
    loop.ticks(50, 3);  // on the way out: 60
    const auto stored = recorder_->close_set(set_);
    ASSERT_TRUE(stored) << stored.error().message;
    EXPECT_EQ(stored->set.given.force_before, known ? 78.0 : 0.0);
    EXPECT_TRUE(same(*store_->set(set_.id), stored->set));
  }
}

TEST_F(RecorderTest, KeepsEverySampleOfASetAndNoOther) {
  begin_in_memory();
  loop_.ticks(500, 0);
  recorder_->drain();
  open(3, 501);
  for (int i = 0; i < 50; ++i) {
    loop_.ticks(97, 3);
    recorder_->drain();
  }
  loop_.ticks(300, 0);
  const auto stored = recorder_->close_set(set_);
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(stored->set.samples, 50u * 97u);
  EXPECT_EQ(stored->set.samples_dropped, 0u);
  const auto samples = store_->samples(set_.id);
  ASSERT_TRUE(samples);
  EXPECT_TRUE(same(*samples, loop_.kept()));
  EXPECT_EQ(live_samples_, 500u + 50u * 97u + 300u);
}

TEST_F(RecorderTest, TakesSamplesThatWereDrainedBeforeTheSetWasOpened) {
  begin_in_memory();
  loop_.ticks(10, 0);
  loop_.ticks(700, 9);
  recorder_->drain();
  open(9, 11);
  loop_.ticks(700, 9);
  const auto stored = recorder_->close_set(set_);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->set.samples, 1400u);
  EXPECT_TRUE(same(*store_->samples(set_.id), loop_.kept()));
}

TEST_F(RecorderTest, MeasuresRepetitionsFromTheirSamplesHoweverLateTheBoundaryComes) {
  for (const int late_ticks : {-2000, -1, 0, 1, 2500, 9000}) {
    SCOPED_TRACE(late_ticks);
    channels_ = std::make_unique<rt::EngineChannels>();
    Loop loop(*channels_);
    live_reps_.clear();
    begin_in_memory();
    loop.ticks(static_cast<int>(kRepTicks) - 1, 0);
    open(1, kRepTicks);
    std::vector<measure::RepBoundary> boundaries;
    for (std::uint32_t i = 0; i < 3; ++i)
      boundaries.push_back(boundary_at(i + 1, kRepTicks * (i + 1)));
    std::size_t told = 0;
    for (int i = 0; i < 24'000; ++i) {
      loop.tick(1);
      if (i % 100 == 0) recorder_->drain();
      if (told < boundaries.size() &&
          static_cast<std::int64_t>(loop.now()) >=
              static_cast<std::int64_t>(boundaries[told].end_tick) + late_ticks) {
        recorder_->rep_closed(1, boundaries[told++]);
      }
    }
    const auto stored = recorder_->close_set(set_);
    ASSERT_TRUE(stored);
    ASSERT_EQ(stored->set.reps.size(), 3u);
    ASSERT_EQ(live_reps_.size(), 3u);

    std::vector<measure::MetricSample> all;
    for (const rt::SampleRecord& sample : loop.kept()) {
      all.push_back({sample.tick, sample.position, sample.velocity, sample.force_measured,
                     sample.force_target});
    }
    for (std::size_t i = 0; i < 3; ++i) {
      measure::MetricConfig config;
      if (i > 0) config.previous_end_tick = boundaries[i - 1].end_tick;
      const auto expected = measure::analyze_rep(all, boundaries[i], config);
      EXPECT_TRUE(same(stored->set.reps[i], expected)) << "repetition " << i + 1;
      EXPECT_EQ(expected.quality & measure::kQualitySamplesMissing, 0u);
      EXPECT_NEAR(stored->set.reps[i].rendered_ratio, 1.3, 1e-9);
    }
  }
}

TEST_F(RecorderTest, MeasuresAtTheCloseWhatNoLaterSampleConfirms) {
  begin_in_memory();
  loop_.ticks(static_cast<int>(kRepTicks) - 1, 0);
  open(1, kRepTicks);
  loop_.ticks(static_cast<int>(kRepTicks) - 100, 1);
  recorder_->rep_closed(1, boundary_at(1, kRepTicks));  // its last 100 samples never come
  const auto stored = recorder_->close_set(set_);
  ASSERT_TRUE(stored);
  ASSERT_EQ(stored->set.reps.size(), 1u);
  EXPECT_NE(stored->set.reps[0].quality & measure::kQualitySamplesMissing, 0u);
}

TEST_F(RecorderTest, CountsDroppedTicksOfTheSetWhereverTheyFall) {
  struct Case {
    const char* what;
    int before, at_start, inside, at_end, after;
    std::uint64_t expected;
  };
  for (const Case& c : {Case{"none", 0, 0, 0, 0, 0, 0}, Case{"inside", 0, 0, 37, 0, 0, 37},
                        Case{"first samples", 0, 5, 0, 0, 0, 5}, Case{"last", 0, 0, 0, 11, 0, 11},
                        Case{"outside", 20, 0, 0, 0, 20, 0}, Case{"all", 3, 4, 5, 6, 0, 15}}) {
    SCOPED_TRACE(c.what);
    channels_ = std::make_unique<rt::EngineChannels>();
    Loop loop(*channels_);
    begin_in_memory();
    const auto lose = [&loop](int count, std::uint16_t serial) {
      for (int i = 0; i < count; ++i) loop.tick(serial, false);
    };
    loop.ticks(100, 0);
    lose(c.before, 0);
    open(5, loop.now() + 1);
    lose(c.at_start, 5);
    loop.ticks(1500, 5);
    lose(c.inside, 5);
    loop.ticks(1500, 5);
    lose(c.at_end, 5);
    loop.ticks(50, 0);
    lose(c.after, 0);
    loop.ticks(50, 0);
    const auto stored = recorder_->close_set(set_);
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->set.samples, 3000u);
    EXPECT_EQ(stored->set.samples_dropped, c.expected);
  }
}

TEST_F(RecorderTest, DoesNotCallAPeriodTheLoopSkippedADroppedSample) {
  begin_in_memory();
  loop_.ticks(10, 0);
  open(2, 11);
  loop_.ticks(100, 2);
  loop_.tick(2, true, 3);
  loop_.ticks(100, 2);
  const auto stored = recorder_->close_set(set_);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->set.samples, 201u);
  EXPECT_EQ(stored->set.samples_dropped, 0u);
}

TEST_F(RecorderTest, MovesABoundedNumberOfSamplesACall) {
  begin_in_memory();
  bool endless = true;
  Recorder::Callbacks callbacks;
  // A loop that pushes as fast as the recorder drains.
  callbacks.on_samples = [&](std::span<const rt::SampleRecord> samples) {
    live_samples_ += samples.size();
    for (std::size_t i = 0; endless && i < samples.size(); ++i) loop_.tick(0);
  };
  Recorder recorder(*store_, *channels_, callbacks);
  loop_.ticks(2000, 0);
  recorder.drain();
  EXPECT_LE(live_samples_, 32768u + 1024u);
  EXPECT_GE(live_samples_, 2000u);
}

TEST_F(RecorderTest, KeepsTheSetThroughABrokenDiskAndClosesItOnceHealed) {
  begin(std::move(*Store::open("/station", disk_)));
  loop_.ticks(static_cast<int>(kRepTicks) - 1, 0);
  recorder_->drain();
  open(1, kRepTicks);
  loop_.ticks(2500, 1);
  recorder_->drain();
  EXPECT_TRUE(errors_.empty());

  disk_.fail({sim::kDiskChanges, 1, true});
  loop_.ticks(2500, 1);
  recorder_->rep_closed(1, boundary_at(1, kRepTicks));
  recorder_->drain();
  EXPECT_FALSE(errors_.empty());
  ASSERT_EQ(live_reps_.size(), 1u) << "a repetition is measured and shown, stored or not";
  for (int attempt = 0; attempt < 3; ++attempt) EXPECT_FALSE(recorder_->close_set(set_));

  disk_.heal();
  const auto stored = recorder_->close_set(set_);
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(stored->set.samples, 5000u);
  EXPECT_EQ(stored->set.samples_dropped, 0u);
  ASSERT_EQ(stored->set.reps.size(), 1u);
  recorder_.reset();
  store_.reset();
  store_ = std::move(*Store::open("/station", disk_));
  EXPECT_TRUE(same(*store_->samples(set_.id), loop_.kept()));
  EXPECT_TRUE(same(*store_->set(set_.id), stored->set));
}

TEST_F(RecorderTest, BoundsWhatItKeepsForABrokenDiskAndCountsTheRest) {
  begin(std::move(*Store::open("/station", disk_)));
  loop_.ticks(10, 0);
  open(1, 11);
  disk_.fail({sim::kDiskChanges, 1, true});
  constexpr std::uint64_t kTicks = 650'000;  // the recorder keeps 600,000
  for (std::uint64_t i = 0; i < kTicks / 1000; ++i) {
    loop_.ticks(1000, 1);
    recorder_->drain();
  }
  disk_.heal();
  const auto stored = recorder_->close_set(set_);
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(stored->set.samples + stored->set.samples_dropped, kTicks);
  EXPECT_LE(stored->set.samples, 600'000u + 1000u);
  EXPECT_GE(stored->set.samples, 599'000u);
  EXPECT_EQ(store_->samples(set_.id)->size(), stored->set.samples);
  // What was taken at last makes room again.
  set_.id = *store_->next_id();
  open(2, loop_.now() + 1);
  loop_.ticks(5000, 2);
  const auto next = recorder_->close_set(set_);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->set.samples, 5000u);
  EXPECT_EQ(next->set.samples_dropped, 0u);
}

TEST_F(RecorderTest, SaysThatASetWasNeverOpened) {
  begin_in_memory();
  const auto refused = recorder_->close_set(set_);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(set_.id), std::string::npos);
}

TEST_F(RecorderTest, RecordsSetAfterSetAcrossTheWrapOfTheSerial) {
  begin_in_memory();
  loop_.ticks(10, 0);
  constexpr std::array<std::uint16_t, 5> kSerials{65534, 65535, 1, 2, 65535};
  for (const std::uint16_t serial : kSerials) {
    set_.id = *store_->next_id();
    open(serial, loop_.now() + 1);
    loop_.ticks(1234, serial);
    const auto stored = recorder_->close_set(set_);
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->set.samples, 1234u) << serial;
    EXPECT_EQ(stored->set.samples_dropped, 0u) << serial;
    loop_.ticks(20, serial);  // stragglers of a closed set
    recorder_->drain();
  }
}

}  // namespace
}  // namespace medius::record::test
