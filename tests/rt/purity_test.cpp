// A million ticks of the engine with a real profile: no heap, no lock, no system call. Each net has
// controls that must be caught.
#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "controller/rt/host/plugin_watch.hpp"
#include "tests/rt/exercise.hpp"
#include "tests/rt/system_call_trap.hpp"

// ---- net 1: the heap and the locks, interposed in this binary and in every library it loads ----
namespace {

using medius::rt::test::t_in_tick;

std::atomic<std::uint64_t> g_heap_calls{0};
std::atomic<std::uint64_t> g_lock_calls{0};

void note(std::atomic<std::uint64_t>& counter) {
  if (t_in_tick) counter.fetch_add(1, std::memory_order_relaxed);
}

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);

void* malloc(std::size_t size) {
  note(g_heap_calls);
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  note(g_heap_calls);
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
  note(g_heap_calls);
  return __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  note(g_heap_calls);
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  note(g_heap_calls);
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}
void free(void* memory) {
  note(g_heap_calls);
  __libc_free(memory);
}

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static const auto real = next<int (*)(pthread_mutex_t*)>("pthread_mutex_lock");
  note(g_lock_calls);
  return real(mutex);
}
int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
  static const auto real = next<int (*)(pthread_mutex_t*)>("pthread_mutex_trylock");
  note(g_lock_calls);
  return real(mutex);
}
int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
  static const auto real = next<int (*)(pthread_rwlock_t*)>("pthread_rwlock_rdlock");
  note(g_lock_calls);
  return real(lock);
}
int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
  static const auto real = next<int (*)(pthread_rwlock_t*)>("pthread_rwlock_wrlock");
  note(g_lock_calls);
  return real(lock);
}
int sem_wait(sem_t* semaphore) {
  static const auto real = next<int (*)(sem_t*)>("sem_wait");
  note(g_lock_calls);
  return real(semaphore);
}
}

namespace medius::rt {
namespace {

using test::Exercise;
using test::FakeProfile;
using test::shipped_profile;

constexpr std::uint64_t kTicks = 1'000'000;
constexpr std::uint64_t kControlTicks = 1'000;

// Sinks that the compiler cannot see through: a control that is optimised away controls nothing.
std::atomic<void*> g_sink{nullptr};
std::mutex g_mutex;
std::shared_mutex g_shared_mutex;

void allocate() {
  g_sink.store(std::malloc(48));
  std::free(g_sink.load());
}
void build_a_closure() {
  std::array<double, 8> captured{};
  const std::function<double()> closure = [captured] { return captured[0]; };
  static std::atomic<double> result{0.0};
  result.store(closure());
}
void lock() {
  const std::lock_guard guard(g_mutex);
  g_sink.store(&g_mutex);
}
void lock_shared() {
  const std::shared_lock guard(g_shared_mutex);
  g_sink.store(&g_shared_mutex);
}
void call_the_kernel() {
  static std::atomic<long> result{0};
  result.store(syscall(SYS_getppid));
}
void yield_the_cpu() {
  sched_yield();
}

struct Crime {
  const char* name;
  void (*commit)();
};

std::unique_ptr<FakeProfile> guilty(void (*crime)()) {
  auto profile = std::make_unique<FakeProfile>();
  profile->wish = [crime](const medius_step_in_t& input) {
    if (t_in_tick) crime();
    return input.base_force;
  };
  return profile;
}

void expect_a_busy_life(const Exercise& exercise) {
  EXPECT_EQ(exercise.samples(), kTicks);
  EXPECT_GE(exercise.events(EventKind::kRepClosed), 100u);
  EXPECT_GE(exercise.events(EventKind::kLoadApplied), 40u);
  EXPECT_GE(exercise.events(EventKind::kProfileRetired), 20u);
  EXPECT_GE(exercise.events(EventKind::kFault), 20u);
  EXPECT_GE(exercise.events(EventKind::kFaultCleared), 20u);
  EXPECT_GE(exercise.events(EventKind::kUnloaded), 20u);
}

TEST(Purity, AMillionTicksUseNoHeapAndNoLock) {
  const auto profile = shipped_profile();
  ASSERT_TRUE(profile->ready()) << dlerror();
  PluginWatch watch(patient_plugin_watch());
  watch.attach_this_thread();
  Exercise exercise(*profile, &watch);
  g_heap_calls = g_lock_calls = 0;
  exercise.run(kTicks);
  watch.detach_this_thread();
  EXPECT_EQ(g_heap_calls.load(), 0u);
  EXPECT_EQ(g_lock_calls.load(), 0u);
  EXPECT_GT(profile->calls, kTicks / 2) << "the profile did run";
  expect_a_busy_life(exercise);
}

TEST(Purity, TheNetCatchesEveryUseOfTheHeap) {
  for (const Crime& crime : {Crime{"malloc", allocate}, Crime{"std::function", build_a_closure}}) {
    const auto profile = guilty(crime.commit);
    Exercise exercise(*profile, nullptr);
    g_heap_calls = 0;
    exercise.run(kControlTicks);
    EXPECT_EQ(g_heap_calls.load(), 2 * kControlTicks) << crime.name << ": taken and given back";
  }
}

TEST(Purity, TheNetCatchesEveryLock) {
  for (const Crime& crime : {Crime{"mutex", lock}, Crime{"shared mutex", lock_shared}}) {
    const auto profile = guilty(crime.commit);
    Exercise exercise(*profile, nullptr);
    g_lock_calls = 0;
    exercise.run(kControlTicks);
    EXPECT_EQ(g_lock_calls.load(), kControlTicks) << crime.name;
  }
}

// ---- net 2: system calls, trapped by a filter in a child of its own -----------------------------
using test::Filtered;
using test::g_shared;

Filtered run_filtered(ProfileInstance& profile, std::uint64_t ticks) {
  return test::in_child([&] {
    PluginWatch watch(patient_plugin_watch());
    watch.attach_this_thread();
    Exercise exercise(profile, &watch);
    if (!test::trap_system_calls(false)) return Filtered::kNotPossible;
    exercise.run(ticks);
    test::g_shared->ticks.store(exercise.samples());
    return Filtered::kDone;
  });
}

TEST(Purity, AMillionTicksMakeNoSystemCall) {
  const auto profile = shipped_profile();
  ASSERT_TRUE(profile->ready()) << dlerror();
  const Filtered result = run_filtered(*profile, kTicks);
  if (result == Filtered::kNotPossible) GTEST_SKIP() << "no seccomp filter allowed here";
  ASSERT_EQ(result, Filtered::kDone);
  EXPECT_EQ(g_shared->ticks.load(), kTicks);
  EXPECT_EQ(g_shared->system_calls.load(), 0u) << "the last was number " << g_shared->last_number;
}

TEST(Purity, TheFilterCatchesEverySystemCall) {
  for (const Crime& crime :
       {Crime{"getppid", call_the_kernel}, Crime{"sched_yield", yield_the_cpu}}) {
    const auto profile = guilty(crime.commit);
    const Filtered result = run_filtered(*profile, kControlTicks);
    if (result == Filtered::kNotPossible) GTEST_SKIP() << "no seccomp filter allowed here";
    ASSERT_EQ(result, Filtered::kDone) << crime.name;
    EXPECT_EQ(g_shared->system_calls.load(), kControlTicks) << crime.name;
  }
}

}  // namespace
}  // namespace medius::rt
