// What the recorder does at its bounds and between two sets.
#include <algorithm>

#include <gtest/gtest.h>

#include "controller/record/measuring.hpp"
#include "controller/record/recorder.hpp"
#include "tests/record/recorder_rig.hpp"

namespace medius::record::test {
namespace {

TEST_F(RecorderTest, TellsALostSampleFromAPeriodThatTheLoopSkippedRightAfterIt) {
  begin_in_memory();
  loop_.ticks(10, 0);
  open(2, 11);
  loop_.ticks(100, 2);
  for (int i = 0; i < 6; ++i) loop_.tick(2, false);
  loop_.tick(2, true, 4);
  const auto stored = recorder_->close_set(set_);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->set.samples_dropped, 6u);
}

TEST_F(RecorderTest, OneTickThatIsLostBetweenTwoSetsIsMissingInTheFirstOnly) {
  begin_in_memory();
  loop_.ticks(10, 0);
  open(1, 11);
  const SetRecord first = set_;
  loop_.ticks(100, 1);
  loop_.tick(1, false);
  set_.id = *store_->next_id();
  open(2, loop_.now());
  loop_.ticks(100, 2);
  const auto second = recorder_->close_set(set_);
  const auto before = recorder_->close_set(first);
  ASSERT_TRUE(before);
  ASSERT_TRUE(second);
  EXPECT_EQ(before->set.samples_dropped, 1u);
  EXPECT_EQ(second->set.samples_dropped, 0u);
  EXPECT_EQ(second->set.samples, 100u);
}

TEST_F(RecorderTest, SamplesThatComeBeforeTheirSetsWaitForEachOfThem) {
  begin_in_memory();
  for (int i = 0; i < 200; ++i) loop_.ticks(1, i % 2 == 0 ? 5 : 6);
  recorder_->drain();
  open(5, 1);
  const auto odd = recorder_->close_set(set_);
  set_.id = *store_->next_id();
  open(6, 1);
  const auto even = recorder_->close_set(set_);
  ASSERT_TRUE(odd);
  ASSERT_TRUE(even);
  EXPECT_EQ(odd->set.samples, 100u);
  EXPECT_EQ(even->set.samples, 100u);
  EXPECT_EQ(store_->samples(set_.id)->front().tick, 2u);
}

TEST_F(RecorderTest, OfSamplesThatComeTooEarlyTheLastEightThousandAreKept) {
  begin_in_memory();
  for (int i = 0; i < 9; ++i) {
    loop_.ticks(1000, 5);
    recorder_->drain();
  }
  open(5, 1);
  const auto stored = recorder_->close_set(set_);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->set.samples, 8192u);
  EXPECT_EQ(store_->samples(set_.id)->back().tick, 9000u);
}

// The last sample of a repetition is enough, and it need not be drained again.
TEST_F(RecorderTest, MeasuresARepetitionAsSoonAsItsLastSampleIsHere) {
  for (const int missing : {0, 1}) {
    channels_ = std::make_unique<rt::EngineChannels>();
    Loop loop(*channels_);
    live_reps_.clear();
    begin_in_memory();
    loop.ticks(static_cast<int>(kRepTicks) - 1, 0);
    open(1, kRepTicks);
    loop.ticks(static_cast<int>(kRepTicks) + 1 - missing, 1);
    recorder_->drain();
    recorder_->rep_closed(1, boundary_at(1, kRepTicks));
    EXPECT_EQ(live_reps_.size(), missing == 0 ? 1u : 0u);
    loop.tick(0);  // the set is over: any later sample of its axis will do
    recorder_->drain();
    EXPECT_EQ(live_reps_.size(), 1u);
  }
}

TEST_F(RecorderTest, EveryRepetitionIsInTheJournalBeforeTheSetEnds) {
  begin_in_memory();
  open(1, 1);
  loop_.ticks(5 * static_cast<int>(kRepTicks), 1);
  recorder_->drain();
  for (std::uint32_t i = 1; i <= 4; ++i) {
    recorder_->rep_closed(1, boundary_at(i, (i - 1) * kRepTicks + 1));
    const auto journaled = store_->set(set_.id);
    ASSERT_TRUE(journaled);
    EXPECT_EQ(journaled->end, SetEnd::kOpen);
    EXPECT_EQ(journaled->reps.size(), i);
  }
}

TEST_F(RecorderTest, ARepetitionGoesToTheSetOfItsSerial) {
  begin_in_memory();
  open(1, 1);
  const SetRecord first = set_;
  set_.id = *store_->next_id();
  open(2, 1);
  loop_.ticks(2 * static_cast<int>(kRepTicks) + 1, 2);
  recorder_->drain();
  recorder_->rep_closed(2, boundary_at(1, kRepTicks));
  recorder_->rep_closed(3, boundary_at(2, kRepTicks));  // nobody's
  EXPECT_EQ(live_reps_.size(), 1u);
  EXPECT_EQ(recorder_->close_set(set_)->set.reps.size(), 1u);
  EXPECT_TRUE(recorder_->close_set(first)->set.reps.empty());
}

TEST_F(RecorderTest, MeasuresTheOldestOfSixtyFiveRepetitionsThatWaitForSamples) {
  begin_in_memory();
  open(1, 1);
  for (std::uint32_t i = 1; i <= 70; ++i) recorder_->rep_closed(1, boundary_at(i, i * kRepTicks));
  ASSERT_EQ(live_reps_.size(), 6u);
  for (std::uint32_t i = 0; i < 6; ++i) EXPECT_EQ(live_reps_[i].index, i + 1);
  EXPECT_EQ(recorder_->close_set(set_)->set.reps.size(), 70u);
}

TEST_F(RecorderTest, KeepsTwoThousandRepetitionsAndShowsTheRest) {
  begin_in_memory();
  open(1, 1);
  loop_.ticks(50, 1);
  recorder_->drain();
  measure::RepBoundary boundary;
  boundary.end_tick = 40;
  for (boundary.index = 1; boundary.index <= 2003; ++boundary.index) {
    recorder_->rep_closed(1, boundary);
  }
  EXPECT_EQ(live_reps_.size(), 2003u);
  EXPECT_EQ(recorder_->close_set(set_)->set.reps.size(), 2000u);
}

// What was provisional while the set went on is judged by the range that the set knew.
TEST_F(RecorderTest, MeasuresWithTheConfigurationOfTheSet) {
  begin_in_memory();
  loop_.ticks(static_cast<int>(kRepTicks) - 1, 0);
  measure::MetricConfig config;
  config.range_reference = 0.8;  // of which the handle goes half
  set_.coordinate = hal::CoordinateKind::kLever;
  set_.start_tick = kRepTicks;
  recorder_->open_set(set_, 1, config);
  loop_.ticks(static_cast<int>(kRepTicks) + 1, 1);
  recorder_->drain();
  measure::RepBoundary boundary = boundary_at(1, kRepTicks);
  boundary.provisional = true;
  recorder_->rep_closed(1, boundary);
  std::vector<measure::MetricSample> samples;
  for (const rt::SampleRecord& sample : loop_.kept()) samples.push_back(metric_sample(sample));
  describe(set_, config);
  EXPECT_TRUE(config.lever);
  const auto live = measure::analyze_rep(samples, boundary, config);
  ASSERT_EQ(live_reps_.size(), 1u);
  EXPECT_TRUE(same(live_reps_[0], live));
  EXPECT_NE(live.quality & measure::kQualityProvisional, 0u);
  const auto stored = recorder_->close_set(set_);
  ASSERT_TRUE(stored);
  ASSERT_EQ(stored->set.reps.size(), 1u);
  EXPECT_EQ(stored->set.reps[0].kind, measure::RepKind::kPartial);
  EXPECT_EQ(stored->set.reps[0].quality & measure::kQualityProvisional, 0u);
  SetRecord expected = stored->set;
  expected.metrics = set_metrics_of(expected, samples);
  EXPECT_FALSE(expected.metrics.empty());
  EXPECT_TRUE(same(stored->set, expected));
  const auto again = recorder_->close_set(set_);
  ASSERT_FALSE(again) << "it is the store's now";
  EXPECT_NE(again.error().message.find("not open in the recorder"), std::string::npos);
}

// Only the last two minutes are at hand when a set is closed: what needs all of it says so.
TEST_F(RecorderTest, MarksWhatWasMeasuredFromTheEndOfALongIsometricSet) {
  for (const int ticks : {120'000, 120'001}) {
    channels_ = std::make_unique<rt::EngineChannels>();
    Loop loop(*channels_);
    begin_in_memory();
    set_.profile_id = "isometric";
    open(1, 1);
    for (int i = 0; i < ticks; i += 1000) {
      loop.ticks(std::min(1000, ticks - i), 1);
      recorder_->drain();
    }
    const auto stored = recorder_->close_set(set_);
    ASSERT_TRUE(stored);
    if (ticks == 120'000) {
      std::vector<measure::MetricSample> samples;
      for (const auto& sample : loop.kept()) samples.push_back(metric_sample(sample));
      SetRecord expected = stored->set;
      expected.metrics = set_metrics_of(expected, samples);
      EXPECT_TRUE(same(stored->set, expected));
    }
    bool found = false;
    for (const measure::MetricValue& value : stored->set.metrics) {
      const bool isometric = value.id >= measure::MetricId::kIsometricPeak;
      const bool marked = (value.flags & measure::kValueSamplesMissing) != 0;
      if (isometric) found = true;
      EXPECT_EQ(marked, isometric && ticks > 120'000) << static_cast<int>(value.id);
    }
    EXPECT_TRUE(found);
  }
}

TEST_F(RecorderTest, ASetThatIsBeingClosedTakesNoMoreSamples) {
  begin(std::move(*Store::open("/station", disk_)));
  open(1, 1);
  loop_.ticks(500, 1);
  disk_.fail({sim::kDiskChanges, 1, true});
  EXPECT_FALSE(recorder_->close_set(set_));
  loop_.ticks(300, 1);
  recorder_->drain();
  EXPECT_FALSE(recorder_->close_set(set_));
  disk_.heal();
  const auto stored = recorder_->close_set(set_);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->set.samples, 500u);
  EXPECT_EQ(stored->set.samples_dropped, 0u);
}

TEST_F(RecorderTest, WhatTheStoreDoesNotTakeIsToldAtOnce) {
  begin(std::move(*Store::open("/station", disk_)));
  disk_.fail({sim::kDiskChanges, 1, true});
  open(1, 1);
  ASSERT_EQ(errors_.size(), 1u);
  EXPECT_NE(errors_[0].find(set_.id), std::string::npos);
  disk_.heal();
  loop_.ticks(2 * static_cast<int>(kRepTicks) + 1, 1);
  recorder_->drain();
  errors_.clear();
  disk_.fail({sim::kDiskChanges, 1, true});
  recorder_->rep_closed(1, boundary_at(1, kRepTicks));
  ASSERT_EQ(errors_.size(), 1u);
  EXPECT_NE(errors_[0].find("repetition"), std::string::npos) << errors_[0];
  disk_.heal();
  EXPECT_EQ(recorder_->close_set(set_)->set.reps.size(), 1u);
  EXPECT_EQ(store_->set(set_.id)->reps.size(), 1u);
}

TEST_F(RecorderTest, TellsTheSameErrorOfTheStoreAgainOnlyAfterAWriteSucceeded) {
  begin(std::move(*Store::open("/station", disk_)));
  open(1, 1);
  const auto block = [&] {
    loop_.ticks(1000, 1);
    recorder_->drain();
  };
  std::vector<std::string> first;
  for (int round = 0; round < 2; ++round) {
    block();
    block();
    EXPECT_TRUE(errors_.empty());
    disk_.fail({sim::kDiskChanges, 1, true});
    block();
    ASSERT_EQ(errors_.size(), 1u);
    if (round == 1) {
      EXPECT_EQ(errors_, first);
    }
    first = errors_;
    errors_.clear();
    disk_.heal();
  }
}

TEST_F(RecorderTest, GivesUpTheOldestOfNineSetsThatTheStoreDoesNotTake) {
  begin(std::move(*Store::open("/station", disk_)));
  std::vector<SetRecord> sets(9, set_);
  for (SetRecord& set : sets) set.id = *store_->next_id();
  disk_.fail({sim::kDiskChanges, 1, true});
  for (std::uint16_t i = 0; i < 9; ++i) {
    set_ = sets[i];
    open(static_cast<std::uint16_t>(i + 1), loop_.now() + 1);
    loop_.ticks(50, static_cast<std::uint16_t>(i + 1));
    recorder_->drain();
    EXPECT_FALSE(recorder_->close_set(set_));
  }
  int given_up = 0;
  for (const std::string& error : errors_) {
    if (error.find(sets[0].id + ": given up") != std::string::npos) ++given_up;
  }
  EXPECT_EQ(given_up, 1);
  disk_.heal();
  EXPECT_FALSE(recorder_->close_set(sets[0]));
  for (std::size_t i = 1; i < 9; ++i) {
    const auto stored = recorder_->close_set(sets[i]);
    ASSERT_TRUE(stored) << stored.error().message;
    EXPECT_EQ(stored->set.samples, 50u);
  }
}

}  // namespace
}  // namespace medius::record::test
