#include "controller/station/asio_runtime.hpp"

#include <csignal>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace medius::station::test {
namespace {

constexpr std::int64_t kMs = 1'000'000;

TEST(AsioRuntime, RunsPostedTasksInOrderOnTheThreadThatRuns) {
  AsioRuntime runtime({});
  std::vector<int> order;
  std::thread::id where;
  for (int i = 0; i < 100; ++i) runtime.post([&, i] { order.push_back(i); });
  runtime.post([&] {
    where = std::this_thread::get_id();
    runtime.stop();
  });
  runtime.run();
  EXPECT_EQ(where, std::this_thread::get_id());
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(AsioRuntime, TimersRunNotBeforeTheirTimeAndInItsOrder) {
  AsioRuntime runtime({});
  const std::int64_t start = runtime.monotonic_ns();
  std::vector<int> order;
  std::int64_t first_ran = 0;
  runtime.at(start + 20 * kMs, [&] {
    order.push_back(2);
    runtime.stop();
  });
  runtime.at(start + 10 * kMs, [&] {
    first_ran = runtime.monotonic_ns();
    order.push_back(1);
  });
  runtime.run();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  EXPECT_GE(first_ran, start + 10 * kMs);
}

TEST(AsioRuntime, ACancelledTimerNeverRunsEvenWhenItIsDue) {
  AsioRuntime runtime({});
  bool ran = false;
  const std::int64_t now = runtime.monotonic_ns();
  Runtime::TimerId second = 0;
  // Both are due at once: the first one to run cancels the other.
  runtime.at(now, [&] { runtime.cancel(second); });
  second = runtime.at(now + 1, [&] { ran = true; });
  runtime.at(now + 5 * kMs, [&] { runtime.stop(); });
  runtime.cancel(987654);
  runtime.run();
  EXPECT_FALSE(ran);
}

TEST(AsioRuntime, BlockingWorkRunsElsewhereAndInOrderAndReportsBackHere) {
  AsioRuntime runtime({});
  std::vector<int> worked;  // touched by the record thread only, until all is done
  std::vector<int> done;
  const std::thread::id here = std::this_thread::get_id();
  bool elsewhere = true;
  for (int i = 0; i < 50; ++i) {
    runtime.run_blocking(
        [&, i] {
          elsewhere = elsewhere && std::this_thread::get_id() != here;
          worked.push_back(i);
        },
        [&, i] {
          EXPECT_EQ(std::this_thread::get_id(), here);
          done.push_back(i);
          if (i == 49) runtime.stop();
        });
  }
  runtime.run();
  EXPECT_TRUE(elsewhere);
  EXPECT_EQ(worked, done);
  EXPECT_EQ(done.size(), 50u);
}

TEST(AsioRuntime, WhatIsPostedDuringBlockingWorkComesBeforeItsDone) {
  AsioRuntime runtime({});
  std::vector<int> order;
  runtime.run_blocking([&] { runtime.post([&] { order.push_back(1); }); },
                       [&] {
                         order.push_back(2);
                         runtime.stop();
                       });
  runtime.run();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(AsioRuntime, IdsAreSixteenHexDigitsAndIncrease) {
  AsioRuntime runtime({.first_id = 0xfe});
  EXPECT_EQ(runtime.new_id(), "00000000000000fe");
  std::string last = runtime.new_id();
  for (int i = 0; i < 1000; ++i) {
    const std::string next = runtime.new_id();
    EXPECT_EQ(next.size(), 16u);
    EXPECT_GT(next, last);
    last = next;
  }
}

TEST(AsioRuntime, SignalsBecomeTasks) {
  AsioRuntime runtime({});
  int count = 0;
  runtime.on_signals({SIGUSR1}, [&] {
    if (++count == 2) {
      runtime.stop();
    } else {
      std::raise(SIGUSR1);
    }
  });
  runtime.post([] { std::raise(SIGUSR1); });
  runtime.run();
  EXPECT_EQ(count, 2);
}

TEST(AsioRuntime, WorkUnderWayIsFinishedBeforeItIsGone) {
  bool worked = false;
  {
    AsioRuntime runtime({});
    runtime.run_blocking(
        [&] {
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
          worked = true;
        },
        [] { ADD_FAILURE() << "nobody runs the control executor any more"; });
  }
  EXPECT_TRUE(worked);
}

}  // namespace
}  // namespace medius::station::test
