// Profiles that hang and crash, with real signals on a real loop thread.
#include "controller/rt/host/plugin_watch.hpp"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <ostream>
#include <thread>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "tests/rt/fake_machine.hpp"

namespace medius::rt::test {

// Visible outside this file, so that the compiler cannot conclude that nobody ever changes them.
std::atomic<int> zero{0};
int dig(int depth);
std::atomic<int (*)(int)> deeper{&dig};

[[gnu::noinline]] int dig(int depth) {
  volatile char frame[4096];
  frame[depth % 4096] = 1;
  return deeper.load()(depth + 1) + frame[0];
}

}  // namespace medius::rt::test

namespace medius::rt {
namespace {

using safety::FaultCode;
using safety::LoadState;
using test::Bench;

// Quick to find a call that does not come back, in no hurry otherwise: the host of the tests is
// busy.
constexpr PluginWatchConfig kTestWatch{1'000'000, 20'000'000, 300'000'000, 0};

enum class Crime {
  kNone,
  kLoop,
  kSleep,
  kNullPointer,
  kDivision,
  kIllegal,
  kBus,
  kAbort,
  kDeepStack
};

[[gnu::noinline]] double commit(Crime crime) {
  switch (crime) {
    case Crime::kNone:
      return 60.0;
    case Crime::kLoop:
      while (test::zero.load(std::memory_order_relaxed) == 0) {
      }
      return 0.0;
    case Crime::kSleep:
      for (;;) {
        const timespec pause{3600, 0};
        nanosleep(&pause, nullptr);
      }
    case Crime::kNullPointer: {
      static std::atomic<volatile int*> nowhere{nullptr};
      return *nowhere.load();
    }
    case Crime::kDivision:
#if defined(__x86_64__) || defined(__i386__)
      return 1000 / test::zero.load();
#else
      raise(SIGFPE);  // integer division does not trap here
      return 0.0;
#endif
    case Crime::kIllegal:
      __builtin_trap();
    case Crime::kBus: {
      // A mapping behind the end of its file.
      std::FILE* file = std::tmpfile();
      void* memory = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);
      return *static_cast<volatile char*>(memory);
    }
    case Crime::kAbort:
      std::abort();
    case Crime::kDeepStack:
      return test::deeper.load()(1);
  }
  return 0.0;
}

struct Offender {
  const char* name;
  Crime crime;
  FaultCode fault;
};
void PrintTo(const Offender& offender, std::ostream* out) {
  *out << offender.name;
}
class OffendingProfile : public testing::TestWithParam<Offender> {};

TEST_P(OffendingProfile, IsEndedAndCostsTheSetAndNeverTheLoop) {
  const Offender& offender = GetParam();
  PluginWatch watch(kTestWatch);
  // The loop runs on a thread of its own, as in the daemon.
  std::thread([&] {
    watch.attach_this_thread();
    Bench bench(test::fake_config(), &watch);
    bench.load(60.0);
    const std::uint64_t calls = bench.profile[0].calls;
    bench.profile[0].wish = [&](const medius_step_in_t&) { return commit(offender.crime); };
    bench.tick();  // it comes back: that is the point
    EXPECT_EQ(bench.status.fault, offender.fault);
    EXPECT_TRUE(bench.status.axis[0].profile_latched_off);
    EXPECT_GT(bench.word(), 40.0) << "the base force stands in";
    bench.run(600);
    EXPECT_EQ(bench.profile[0].calls, calls + 1) << "never called again";
    EXPECT_EQ(bench.status.axis[0].load_state, LoadState::kTakeUp);
    EXPECT_LE(bench.machine.plant[0].tension, 30.0);
    bench.send(CommandKind::kEndSet);
    bench.run(2);
    const Event* retired = bench.find(EventKind::kProfileRetired);
    ASSERT_NE(retired, nullptr);
    EXPECT_EQ(retired->fault, offender.fault) << "control must not destroy it";
    watch.detach_this_thread();
  }).join();
  const bool hung = offender.fault == FaultCode::kPluginOverBudget;
  EXPECT_EQ(watch.calls_over_budget(), hung ? 1u : 0u);
  EXPECT_EQ(watch.calls_crashed(), hung ? 0u : 1u);
}
INSTANTIATE_TEST_SUITE_P(
    PluginWatch, OffendingProfile,
    testing::Values(Offender{"loops", Crime::kLoop, FaultCode::kPluginOverBudget},
                    Offender{"sleeps", Crime::kSleep, FaultCode::kPluginOverBudget},
                    Offender{"null_pointer", Crime::kNullPointer, FaultCode::kPluginCrashed},
                    Offender{"divides_by_zero", Crime::kDivision, FaultCode::kPluginCrashed},
                    Offender{"illegal_instruction", Crime::kIllegal, FaultCode::kPluginCrashed},
                    Offender{"bus_error", Crime::kBus, FaultCode::kPluginCrashed},
                    Offender{"aborts", Crime::kAbort, FaultCode::kPluginCrashed},
                    Offender{"endless_recursion", Crime::kDeepStack, FaultCode::kPluginCrashed}),
    [](const auto& offender) { return std::string(offender.param.name); });

TEST(PluginWatch, EndsOneOffenderAfterTheOther) {
  PluginWatch watch(kTestWatch);
  constexpr std::uint64_t kRounds = 20;
  std::thread([&] {
    watch.attach_this_thread();
    test::FakeProfile profile;
    medius_step_in_t input{};
    ProfileOutput output;
    for (std::uint64_t i = 0; i < kRounds; ++i) {
      profile.wish = [](const medius_step_in_t&) { return commit(Crime::kNullPointer); };
      EXPECT_EQ(watch.call(profile, input, output), GuardVerdict::kCrashed);
      profile.wish = [](const medius_step_in_t&) { return commit(Crime::kLoop); };
      EXPECT_EQ(watch.call(profile, input, output), GuardVerdict::kOverBudget);
      profile.wish = nullptr;
      input.base_force = static_cast<double>(i);
      EXPECT_EQ(watch.call(profile, input, output), GuardVerdict::kReturned);
      EXPECT_EQ(output.force, static_cast<double>(i));
    }
    watch.detach_this_thread();
  }).join();
  EXPECT_EQ(watch.calls_over_budget(), kRounds);
  EXPECT_EQ(watch.calls_crashed(), kRounds);
}

TEST(PluginWatch, AProfileThatDoesNotSurviveItsResetStartsNoSet) {
  PluginWatch watch(kTestWatch);
  std::thread([&] {
    watch.attach_this_thread();
    Bench bench(test::fake_config(), &watch);
    bench.take_up();
    bench.profile[0].on_reset = [] { commit(Crime::kLoop); };
    bench.send(CommandKind::kStartSet, 60.0, 0.0, 0, &bench.profile[0]);
    bench.run(2);
    const Event* refused = bench.find(EventKind::kCommandRefused, bench.last_id);
    ASSERT_NE(refused, nullptr);
    EXPECT_EQ(refused->fault, FaultCode::kPluginOverBudget);
    EXPECT_EQ(bench.status.axis[0].set_serial, 0);
    EXPECT_EQ(bench.profile[0].calls, 0u);
    watch.detach_this_thread();
  }).join();
}

TEST(PluginWatch, LeavesHonestCallsAlone) {
  // A watch that looks as often as it can, against a million short calls.
  PluginWatch watch({10'000, 20'000'000, 300'000'000, 0});
  std::uint64_t returned = 0;
  std::thread([&] {
    watch.attach_this_thread();
    test::FakeProfile profile;
    medius_step_in_t input{};
    ProfileOutput output;
    for (int i = 0; i < 1'000'000; ++i) {
      if (watch.call(profile, input, output) == GuardVerdict::kReturned) ++returned;
    }
    watch.detach_this_thread();
  }).join();
  EXPECT_EQ(returned, 1'000'000u);
  EXPECT_EQ(watch.calls_over_budget() + watch.calls_crashed(), 0u);
}

TEST(PluginWatchDeathTest, ACrashOutsideAProfileStillEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        PluginWatch watch(kTestWatch);
        watch.attach_this_thread();
        commit(Crime::kNullPointer);
      },
      testing::KilledBySignal(SIGSEGV), "");
}

TEST(PluginWatchDeathTest, AnAbortOutsideAProfileStillEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        PluginWatch watch(kTestWatch);
        watch.attach_this_thread();
        commit(Crime::kAbort);
      },
      testing::KilledBySignal(SIGABRT), "");
}

}  // namespace
}  // namespace medius::rt
