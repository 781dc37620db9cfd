// The audit trail: from any thread into the store, in order, and nothing lost without being
// counted.
#include "controller/station/audit_trail.hpp"

#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medius::station {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// Runs what was posted when it is told to.
class QueueRuntime final : public Runtime {
 public:
  [[nodiscard]] std::int64_t monotonic_ns() const override { return 0; }
  [[nodiscard]] std::int64_t wall_unix_ns() const override { return 1'700'000'000'000'000'000; }
  [[nodiscard]] std::string new_id() override { return "0000000000000001"; }
  void post(Task task) override {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  TimerId at(std::int64_t, Task task) override {
    post(std::move(task));
    return 1;
  }
  void cancel(TimerId) override {}
  void run_blocking(Task work, Task done) override {
    post([work = std::move(work), done = std::move(done)] {
      work();
      done();
    });
  }
  void run() {
    for (;;) {
      Task task;
      {
        const std::lock_guard lock(mutex_);
        if (tasks_.empty()) return;
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      task();
    }
  }

 private:
  std::mutex mutex_;
  std::deque<Task> tasks_;
};

record::AuditEvent event_of(const std::string& who, int number) {
  record::AuditEvent event;
  event.who = who;
  event.action = "event";
  event.tick = static_cast<std::uint64_t>(number);
  return event;
}

struct Trail : testing::Test {
  std::unique_ptr<record::Store> store = std::move(*record::Store::open_in_memory());
  QueueRuntime runtime;
  AuditTrail trail{runtime, *store};

  std::vector<record::AuditEvent> stored() {
    std::vector<record::AuditEvent> events;
    for (const auto& row : store->audit_rows(0, 100'000)) {
      events.push_back(*record::decode_audit(row.payload));
    }
    return events;
  }
};

TEST_F(Trail, KeepsTheOrderOfEveryThread) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 1; i <= 200; ++i) trail.record(event_of(std::to_string(t), i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  runtime.run();
  const auto events = stored();
  ASSERT_THAT(events, SizeIs(800));
  std::map<std::string, std::uint64_t> last;
  for (const auto& event : events) {
    EXPECT_EQ(event.tick, last[event.who] + 1);
    last[event.who] = event.tick;
    EXPECT_EQ(event.unix_ns, runtime.wall_unix_ns());
  }
  EXPECT_EQ(trail.stored(), 800U);
}

TEST_F(Trail, StoresNothingBeforeTheRecordThreadHasIt) {
  trail.record(event_of("a", 1));
  EXPECT_EQ(trail.stored(), 0U);
  EXPECT_THAT(stored(), SizeIs(0));
  runtime.run();
  EXPECT_EQ(trail.stored(), 1U);
  trail.record(event_of("a", 2));
  runtime.run();
  EXPECT_EQ(trail.stored(), 2U);
}

TEST_F(Trail, CountsWhatFoundNoRoomInARowOfItsOwn) {
  const int count = static_cast<int>(kAuditWaitingMax) + 904;
  for (int i = 1; i <= count; ++i) trail.record(event_of("flood", i));
  runtime.run();
  const auto events = stored();
  ASSERT_THAT(events, SizeIs(kAuditWaitingMax + 1));
  int told = 0;
  for (const auto& event : events) {
    if (event.action != "audit_events_lost") continue;
    ++told;
    EXPECT_THAT(event.reason, HasSubstr("904 events"));
  }
  EXPECT_EQ(told, 1);
}

TEST_F(Trail, FlushesAtTheEndWithoutTheExecutor) {
  for (int i = 1; i <= 700; ++i) trail.record(event_of("last", i));
  trail.flush();
  EXPECT_THAT(stored(), SizeIs(700));
}

TEST_F(Trail, WakesWhoWaitsForANewRow) {
  const auto soon = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  EXPECT_EQ(trail.wait_beyond(0, soon), 0U);
  std::thread other([this] {
    trail.record(event_of("a", 1));
    runtime.run();
  });
  const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  EXPECT_EQ(trail.wait_beyond(0, late), 1U);
  other.join();
}

TEST(AuditTrailEnd, LeavesWhatWasPostedHarmless) {
  const auto store = std::move(*record::Store::open_in_memory());
  QueueRuntime runtime;
  {
    AuditTrail trail(runtime, *store);
    trail.record(event_of("a", 1));
  }
  runtime.run();
  EXPECT_THAT(store->audit_rows(0, 10), SizeIs(0));
}

}  // namespace
}  // namespace medius::station
