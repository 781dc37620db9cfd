// The real clock's side of the loop. Judged by counts and order; wall time decides nothing here.
#include <cstdlib>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "controller/base/random.hpp"
#include "controller/rt/host/lateness_histogram.hpp"
#include "controller/rt/host/process_setup.hpp"
#include "controller/rt/host/real_tick_source.hpp"
#include "controller/rt/host/rt_thread.hpp"
#include "tests/rt/fake_machine.hpp"

namespace medius::rt {
namespace {

constexpr std::int64_t kPeriod = 1'000'000;

TEST(RealTickSource, KeepsThePhaseAndNeverRunsBackToBack) {
  // A loop on an invented clock: cycles of any length, wake-ups of any lateness.
  Random random(7);
  std::int64_t clock = 123, last_nominal = 123;
  std::uint64_t index = 0;
  for (int i = 0; i < 200'000; ++i) {
    TickPlan plan = plan_before_sleep(last_nominal, clock, kPeriod);
    ASSERT_GT(plan.nominal_ns, clock) << "always sleeps: no tick right behind another";
    clock = plan.nominal_ns + static_cast<std::int64_t>(random.below(100'000));
    if (random.chance(0.01)) clock += random.below(40'000'000);  // a stalled host
    plan = plan_after_sleep(plan, clock, kPeriod);
    const std::int64_t advance = plan.nominal_ns - last_nominal;
    ASSERT_EQ(advance % kPeriod, 0) << "phase";
    ASSERT_EQ(advance / kPeriod, 1 + plan.missed) << "every period is ticked or counted as missed";
    ASSERT_GE(clock, plan.nominal_ns);
    ASSERT_LT(clock - plan.nominal_ns, kPeriod) << "whole periods are skipped";
    index += 1 + plan.missed;
    last_nominal = plan.nominal_ns;
    clock += random.below(random.chance(0.02) ? 5'000'000 : 300'000);  // the cycle itself
  }
  EXPECT_EQ(static_cast<std::int64_t>(index) * kPeriod + 123, last_nominal);
}

TEST(RealTickSource, CountsPeriodsOnTheRealClock) {
  RealTickSource source;
  Tick tick, before;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(source.wait_next(tick));
    EXPECT_GE(tick.late_ns, 0);
    EXPECT_GE(source.now_ns(), tick.nominal_ns) << "not before its time";
    if (i > 0) {
      EXPECT_EQ(tick.index, before.index + 1 + tick.missed);
      EXPECT_EQ(tick.nominal_ns - before.nominal_ns,
                static_cast<std::int64_t>(1 + tick.missed) * kPeriod);
    }
    before = tick;
  }
}

TEST(RealTickSource, StopsFromAnotherThread) {
  RealTickSource source;
  std::thread stopper([&] { source.request_stop(); });
  Tick tick;
  while (source.wait_next(tick)) {
  }
  stopper.join();
  EXPECT_FALSE(source.wait_next(tick));
}

TEST(SimulatedTickSource, YieldsEveryPeriodAndTheDisturbancesItIsTold) {
  SimulatedTickSource source;
  Tick tick;
  ASSERT_TRUE(source.wait_next(tick));
  EXPECT_EQ(tick.index, 1u);
  EXPECT_EQ(tick.nominal_ns, kPeriod);
  source.disturb(400'000, 3);
  ASSERT_TRUE(source.wait_next(tick));
  EXPECT_EQ(tick.index, 5u);
  EXPECT_EQ(tick.missed, 3u);
  EXPECT_EQ(tick.late_ns, 400'000);
  EXPECT_EQ(source.now_ns(), 5 * kPeriod);
  ASSERT_TRUE(source.wait_next(tick));
  EXPECT_EQ(tick.missed, 0u);
  source.stop();
  EXPECT_FALSE(source.wait_next(tick));
}

TEST(LatenessHistogram, BinsCoverEveryValueOnceWithinSixPercent) {
  std::int64_t before = -1;
  for (int bin = 0; bin < LatenessHistogram::kBins - 1; ++bin) {
    const std::int64_t edge = LatenessHistogram::upper_edge(bin);
    ASSERT_GT(edge, before);
    ASSERT_EQ(LatenessHistogram::bin_of(static_cast<std::uint64_t>(edge)), bin);
    ASSERT_EQ(LatenessHistogram::bin_of(static_cast<std::uint64_t>(before + 1)), bin);
    ASSERT_LE(static_cast<double>(edge - before - 1), 0.0667 * static_cast<double>(edge) + 1.0);
    before = edge;
  }
  EXPECT_EQ(LatenessHistogram::bin_of(UINT64_MAX), LatenessHistogram::kBins - 1);
}

TEST(LatenessHistogram, ReadsOutPercentiles) {
  LatenessHistogram histogram;
  EXPECT_EQ(histogram.percentile_ns(0.5), 0);
  for (int i = 1; i <= 10'000; ++i) histogram.add(i * 100);
  histogram.add(-5);
  EXPECT_EQ(histogram.count(), 10'001u);
  EXPECT_EQ(histogram.max_ns(), 1'000'000);
  EXPECT_NEAR(static_cast<double>(histogram.percentile_ns(0.5)), 500e3, 0.07 * 500e3);
  EXPECT_NEAR(static_cast<double>(histogram.percentile_ns(0.99)), 990e3, 0.07 * 990e3);
  EXPECT_EQ(histogram.percentile_ns(1.0), 1'000'000);
}

TEST(ProcessSetup, ReportsEveryStepWithWhatItGotOrWhyNot) {
  std::vector<SetupStep> steps;
  std::thread([&] { steps = set_up_thread({80, 0, 64 * 1024}); }).join();
  ASSERT_EQ(steps.size(), 3u);
  for (const SetupStep& step : steps) {
    EXPECT_FALSE(step.name.empty());
    EXPECT_FALSE(step.detail.empty()) << step.name;
  }
  EXPECT_TRUE(steps[1].granted) << "CPU 0 is always there: " << steps[1].detail;
}

TEST(ProcessSetup, WhatIsGrantedIsInForceAndNotInherited) {
  int policy = -1, child_policy = -1;
  SetupStep fifo;
  std::thread([&] {
    fifo = set_up_thread({10, -1, 0}).front();
    policy = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
    std::thread([&] { child_policy = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK; }).join();
  }).join();
  EXPECT_EQ(fifo.granted, policy == SCHED_FIFO) << fifo.detail;
  EXPECT_EQ(child_policy, SCHED_OTHER);
}

TEST(ProcessSetup, ARefusalNamesTheNextStep) {
  SetupStep step;
  std::thread([&] { step = set_up_thread({1000, -1, 0}).front(); }).join();
  EXPECT_FALSE(step.granted) << "there is no priority 1000";
  EXPECT_NE(step.detail.find("SCHED_FIFO 1000"), std::string::npos) << step.detail;
  EXPECT_NE(step.detail.find("LimitRTPRIO"), std::string::npos) << step.detail;
  EXPECT_FALSE(all_needed_granted({step}));
  step.granted = true;
  EXPECT_TRUE(all_needed_granted({step}));
}

TEST(RtThread, RunsTheEngineOnTheRealClockUntilStopped) {
  test::FakeMachine machine(1);
  auto channels = std::make_unique<EngineChannels>();
  Engine engine(test::fake_config(), machine, *channels);
  RealTickSource source;
  RtThread::Config config;
  config.thread.fifo_priority = 0;
  RtThread thread(source, engine, nullptr, config);
  const std::vector<SetupStep> steps = thread.start();
  EXPECT_FALSE(steps.empty());
  EXPECT_TRUE(thread.running());
  while (channels->status.load().tick < 100) std::this_thread::yield();
  thread.stop();
  EXPECT_FALSE(thread.running());
  const Status status = channels->status.load();
  SampleRecord sample;
  std::uint64_t samples = 0, missed = 0;
  while (channels->samples.pop(sample)) {
    ++samples;
    missed += sample.missed;
  }
  EXPECT_EQ(samples + missed, status.tick) << "one record a tick";
  EXPECT_EQ(thread.lateness().count(), samples - 1) << "all but the first";
  EXPECT_EQ(thread.cycle_time().count(), samples - 1);
}

}  // namespace
}  // namespace medius::rt
