// The loop's real thread: set up as the daemon does, it makes no system call but its sleep and
// takes no page fault. Each net has a control that must be caught.
#include <cstdint>
#include <ctime>
#include <thread>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "controller/rt/host/plugin_watch.hpp"
#include "controller/rt/host/process_setup.hpp"
#include "controller/rt/host/real_tick_source.hpp"
#include "controller/rt/host/rt_thread.hpp"
#include "tests/rt/exercise.hpp"
#include "tests/rt/system_call_trap.hpp"

namespace medius::rt {
namespace {

using test::Exercise;
using test::FakeProfile;
using test::Filtered;
using test::g_shared;

// ---- the real thread, asleep between ticks, under a filter of its own -------------------------
// Two thousand real periods; with shorter ones a busy host would only skip more of them.
constexpr std::uint64_t kSleptTicks = 2'000;
// Two whole rounds of the machine's life first: a queue's pages are met when it has been filled
// once.
constexpr std::uint64_t kWarmUpTicks = 100'000;
constexpr std::uint64_t kFaultTicks = 200'000;

// Sleeps for real; the machine behind the loop lives on simulated time, so that a stalled host is
// no fault. The first tick finds the thread set up: the filter begins there.
class FilteredSource final : public TickSource {
 public:
  FilteredSource(test::Bench& bench, void (*crime)()) : bench_(bench), crime_(crime) {}
  bool wait_next(Tick& tick) noexcept override {
    if (!filtered_) {
      filtered_ = true;
      if (!test::trap_system_calls(true)) _exit(static_cast<int>(Filtered::kNotPossible));
    }
    bench_.machine.step();
    Event event;
    while (bench_.channels->events.pop(event)) {
    }
    SampleRecord sample;
    while (bench_.channels->samples.pop(sample)) {
    }
    // Stands in for what some part of a tick could do.
    if (crime_ != nullptr) crime_();
    Tick slept;
    if (!real_.wait_next(slept) || g_shared->ticks.load() == kSleptTicks) _exit(0);
    g_shared->ticks.fetch_add(1);
    return bench_.source.wait_next(tick);
  }
  std::int64_t now_ns() const noexcept override { return real_.now_ns(); }

 private:
  test::Bench& bench_;
  void (*crime_)();
  RealTickSource real_;
  bool filtered_ = false;
};

Filtered run_thread(void (*crime)()) {
  return test::in_child([&] {
    FakeProfile profile;
    PluginWatch watch(patient_plugin_watch());
    test::Bench bench(test::fake_config(), &watch);
    bench.take_up();
    bench.send(CommandKind::kStartSet, 40.0, 0.0, 0, &profile);
    bench.send(CommandKind::kEngage);
    bench.run(1000);
    FilteredSource source(bench, crime);
    RtThread::Config config;
    config.thread.fifo_priority = 0;
    RtThread thread(source, bench.engine, &watch, config);
    thread.start();
    while (true) pause();  // the loop's thread ends the process
    return Filtered::kBroken;
  });
}

// Where the kernel offers no clock that is read without it, reading it is a system call for
// everybody.
bool clock_needs_the_kernel() {
  const Filtered result = test::in_child([] {
    if (!test::trap_system_calls(false)) return Filtered::kNotPossible;
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return Filtered::kDone;
  });
  return result == Filtered::kDone && g_shared->system_calls.load() > 0;
}

TEST(ThreadPurity, TheLoopsThreadMakesNoSystemCallButItsSleep) {
  if (clock_needs_the_kernel()) GTEST_SKIP() << "no clock in user space on this host";
  const Filtered result = run_thread(nullptr);
  if (result == Filtered::kNotPossible) GTEST_SKIP() << "no seccomp filter allowed here";
  ASSERT_EQ(result, Filtered::kDone);
  EXPECT_EQ(g_shared->ticks.load(), kSleptTicks);
  EXPECT_EQ(g_shared->system_calls.load(), 0u) << "the last was number " << g_shared->last_number;
}

TEST(ThreadPurity, TheFilterCatchesEveryOtherCallOfThatThread) {
  if (clock_needs_the_kernel()) GTEST_SKIP() << "no clock in user space on this host";
  const Filtered result = run_thread([] { sched_yield(); });
  if (result == Filtered::kNotPossible) GTEST_SKIP() << "no seccomp filter allowed here";
  ASSERT_EQ(result, Filtered::kDone);
  EXPECT_EQ(g_shared->system_calls.load(), kSleptTicks + 1) << "one before each sleep";
  EXPECT_EQ(g_shared->last_number.load(), SYS_sched_yield);
}

// ---- page faults ----------------------------------------------------------------------------
Filtered count_faults(ProfileInstance& profile, std::uint64_t ticks) {
  return test::in_child([&] {
    if (!all_needed_granted(set_up_process({.lock_memory = true, .hold_cpu_latency = false}))) {
      return Filtered::kNotPossible;
    }
    std::thread loop([&] {
      (void)set_up_thread({.fifo_priority = 0});
      PluginWatch watch(patient_plugin_watch());
      watch.attach_this_thread();
      Exercise exercise(profile, &watch);
      exercise.run(kWarmUpTicks);
      rusage before{}, after{};
      getrusage(RUSAGE_THREAD, &before);
      exercise.run(ticks);
      getrusage(RUSAGE_THREAD, &after);
      g_shared->ticks.store(exercise.samples() - kWarmUpTicks);
      g_shared->minor_faults.store(static_cast<std::uint64_t>(after.ru_minflt - before.ru_minflt));
      g_shared->major_faults.store(static_cast<std::uint64_t>(after.ru_majflt - before.ru_majflt));
      watch.detach_this_thread();
    });
    loop.join();
    return Filtered::kDone;
  });
}

TEST(ThreadPurity, TwoHundredThousandTicksTakeNoPageFault) {
  const auto profile = test::shipped_profile();
  ASSERT_TRUE(profile->ready());
  const Filtered result = count_faults(*profile, kFaultTicks);
  if (result == Filtered::kNotPossible) GTEST_SKIP() << "memory may not be locked here";
  ASSERT_EQ(result, Filtered::kDone);
  EXPECT_EQ(g_shared->ticks.load(), kFaultTicks);
  EXPECT_EQ(g_shared->minor_faults.load(), 0u);
  EXPECT_EQ(g_shared->major_faults.load(), 0u);
}

// A profile whose memory is not locked: each of these calls, all after the warm-up, touches a page
// that it has never had.
TEST(ThreadPurity, AProfileThatTouchesNewPagesIsCaughtPageByPage) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  constexpr std::size_t kPages = 2'000;
  unsigned char* fresh = nullptr;
  std::size_t touched = 0;
  FakeProfile profile;
  profile.wish = [&](const medius_step_in_t& input) {
    if (input.tick >= kWarmUpTicks + 5'000 && touched < kPages) {
      if (fresh == nullptr) {
        void* memory = mmap(nullptr, kPages * page, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        munlock(memory, kPages * page);
        madvise(memory, kPages * page, MADV_NOHUGEPAGE);
        madvise(memory, kPages * page, MADV_DONTNEED);
        fresh = static_cast<unsigned char*>(memory);
      }
      fresh[touched++ * page] = 1;
    }
    return input.base_force;
  };
  const Filtered result = count_faults(profile, kFaultTicks / 10);
  if (result == Filtered::kNotPossible) GTEST_SKIP() << "memory may not be locked here";
  ASSERT_EQ(result, Filtered::kDone);
  EXPECT_GE(g_shared->minor_faults.load(), kPages);
}

}  // namespace
}  // namespace medius::rt
