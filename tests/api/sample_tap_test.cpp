#include "controller/api/sample_tap.hpp"

#include <thread>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace medius::api {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<rt::SampleRecord> block(std::uint64_t first, std::size_t count, std::uint8_t axis = 0) {
  std::vector<rt::SampleRecord> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    out[i].tick = first + i;
    out[i].axis = axis;
    out[i].position = static_cast<double>(first + i);
  }
  return out;
}

Clock::time_point at_once() {
  return Clock::now();
}

TEST(SampleTap, GivesRowsInOrderOnceABatchIsThere) {
  SampleTap tap({0, 1, 20});
  tap.push(block(1, 19));
  EXPECT_TRUE(tap.take(at_once()).rows.empty()) << "19 rows are no batch of 20";
  tap.push(block(20, 1));
  const auto batch = tap.take(at_once());
  ASSERT_EQ(batch.rows.size(), 20u);
  EXPECT_EQ(batch.rows.front().tick, 1u);
  EXPECT_EQ(batch.rows.back().tick, 20u);
  EXPECT_EQ(batch.dropped, 0u);
}

TEST(SampleTap, KeepsItsAxisAndEveryNthTickOnly) {
  SampleTap tap({1, 10, 2});
  tap.push(block(1, 100, 0));
  tap.push(block(1, 100, 1));
  const auto batch = tap.take(at_once());
  ASSERT_EQ(batch.rows.size(), 10u);
  EXPECT_EQ(batch.rows.front().tick, 10u);
}

TEST(SampleTap, ClosingWakesTheReader) {
  SampleTap tap({0, 1, 20});
  std::thread closer([&] { tap.close(); });
  const auto batch = tap.take(Clock::now() + std::chrono::hours(1));
  closer.join();
  EXPECT_TRUE(batch.closed);
}

// However pushes and takes are mixed: nothing is kept beyond the capacity, rows come in order, the
// newest row is never the one that is lost, and what was pushed is what was taken, waits, or was
// counted.
RC_GTEST_PROP(SampleTap, NeverHoldsMoreThanItsCapacityAndCountsEveryLoss, ()) {
  const auto batch_rows = *rc::gen::inRange<std::size_t>(1, 100);
  SampleTap tap({0, 1, batch_rows});
  std::uint64_t pushed = 0, taken = 0, last = 0, dropped = 0;
  const auto steps =
      *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, 900));
  for (const std::size_t step : steps) {
    if (step % 3 == 0) {
      const auto batch = tap.take(at_once());
      RC_ASSERT(batch.rows.size() <= std::min(tap.capacity(), SampleTap::kMaxRows));
      for (const TapRow& row : batch.rows) {
        RC_ASSERT(row.tick > last);
        last = row.tick;
      }
      taken += batch.rows.size();
      RC_ASSERT(batch.dropped >= dropped);
      dropped = batch.dropped;
    } else {
      tap.push(block(pushed + 1, step));
      pushed += step;
    }
  }
  tap.push(block(pushed + 1, batch_rows));
  pushed += batch_rows;
  const auto rest = tap.take(at_once());
  RC_ASSERT(!rest.rows.empty());
  RC_ASSERT(rest.rows.back().tick == pushed);
  RC_ASSERT(taken + rest.rows.size() + rest.dropped == pushed);
}

// A reader that comes back is told what it missed, by ticks of its own divider.
TEST(SampleTap, CountsWhatPassedSinceAnEarlierStreamAsDropped) {
  const auto dropped_after = [](std::uint64_t after, std::uint32_t divider, std::uint64_t first) {
    SampleTap tap({.axis = 0, .divider = divider, .batch_rows = 1, .after_tick = after});
    std::vector<rt::SampleRecord> samples(divider);
    for (std::uint32_t i = 0; i < divider; ++i) samples[i].tick = first + i;
    tap.push(samples);
    return tap.take(std::chrono::steady_clock::now()).dropped;
  };
  EXPECT_EQ(dropped_after(0, 1, 500), 0u) << "a new reader has missed nothing";
  EXPECT_EQ(dropped_after(99, 1, 100), 0u);
  EXPECT_EQ(dropped_after(99, 1, 110), 10u);
  EXPECT_EQ(dropped_after(90, 10, 120), 2u) << "100 and 110";
  EXPECT_EQ(dropped_after(900, 1, 100), 0u) << "of an earlier run of the controller";
}

}  // namespace
}  // namespace medius::api
