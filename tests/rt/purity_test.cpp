// A million ticks of the engine with a real profile: no heap, no lock, no system call. Each net has
// controls that must be caught.
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "controller/rt/host/plugin_watch.hpp"
#include "hal/guard/heartbeat.hpp"
#include "tests/rt/fake_machine.hpp"

// ---- net 1: the heap and the locks, interposed in this binary and in every library it loads ----
namespace {

constinit thread_local bool t_in_tick = false;
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

using test::Bench;
using test::FakeProfile;

constexpr std::uint64_t kTicks = 1'000'000;
constexpr std::uint64_t kControlTicks = 1'000;

// A profile through the C ABI, as the plugin host runs it.
class AbiProfile final : public ProfileInstance {
 public:
  explicit AbiProfile(const char* path) {
    library_ = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library_ == nullptr) return;
    const auto* entry = static_cast<const medius_entry_t*>(dlsym(library_, MEDIUS_ENTRY_SYMBOL));
    if (entry == nullptr || entry->abi_version != MEDIUS_ABI_VERSION) return;
    plugin_ = entry->create(&host_, entry->descriptor(0)->id);
    const medius_activation_t activation{sizeof activation, MEDIUS_COORDINATE_CABLE, kTickPeriodS,
                                         600.0, 1.5};
    if (plugin_ != nullptr && plugin_->activate(plugin_, &activation) == 0) plugin_ = nullptr;
  }
  ~AbiProfile() override {
    if (plugin_ == nullptr) return;
    plugin_->deactivate(plugin_);
    plugin_->destroy(plugin_);
  }
  [[nodiscard]] bool ready() const { return plugin_ != nullptr; }

  ProfileOutput step(const medius_step_in_t& input) noexcept override {
    medius_step_out_t output{sizeof output, 0, 0.0};
    const bool ok = plugin_->step(plugin_, &input, &output) == MEDIUS_STEP_OK;
    ++calls;
    return {output.force, ok};
  }
  void reset() noexcept override { plugin_->reset(plugin_); }
  bool queue_parameter(std::uint32_t, double) noexcept override { return true; }

  std::uint64_t calls = 0;

 private:
  static const void* no_extension(const medius_host_t*, const char*) { return nullptr; }
  void* library_ = nullptr;
  medius_host_t host_{MEDIUS_ABI_VERSION, 0, "medius", "test", &no_extension};
  const medius_plugin_t* plugin_ = nullptr;
};

// Runs ticks of a machine in full use: repetitions, load changes, pauses, sets, late ticks, faults
// and resets. Nothing outside engine.cycle() allocates either, so that it may run under a filter.
class Exercise {
 public:
  Exercise(ProfileInstance& profile, ProfileGuard* guard)
      : profile_(profile), bench_(test::fake_config(), guard) {
    heartbeat_.attach(&page_, 1, false);
    bench_.take_up();
    bench_.send(CommandKind::kStartSet, 40.0, 0.0, 0, &profile_);
    bench_.send(CommandKind::kEngage);
    bench_.run(1000);
  }

  void run(std::uint64_t ticks) {
    for (std::uint64_t i = 0; i < ticks; ++i) {
      disturb(i);
      Tick tick;
      if (!bench_.source.wait_next(tick)) return;
      t_in_tick = true;
      bench_.engine.cycle(tick);
      const Engine::Outcome outcome = bench_.engine.outcome();
      heartbeat_.beat(tick, static_cast<std::uint8_t>(outcome.reaction), outcome.hold_relay,
                      outcome.reset_pressed);
      t_in_tick = false;
      bench_.machine.step();
      Event event;
      while (bench_.channels->events.pop(event)) ++kinds_[static_cast<std::size_t>(event.kind)];
      SampleRecord sample;
      while (bench_.channels->samples.pop(sample)) ++samples_;
    }
  }
  [[nodiscard]] std::uint64_t events(EventKind kind) const {
    return kinds_[static_cast<std::size_t>(kind)];
  }
  [[nodiscard]] std::uint64_t samples() const { return samples_; }

 private:
  void disturb(std::uint64_t i) {
    const double angle = 2.0 * det::kPi * static_cast<double>(i % 4000) / 4000.0;
    bench_.machine.hand_position[0] = 0.2 - 0.2 * det::cos(angle);
    bench_.machine.hand_velocity[0] = 0.2 * det::sin(angle) * 2.0 * det::kPi / 4.0;
    switch (i % 48'000) {  // whole movements of 4 s
      case 10'000:
        bench_.send(CommandKind::kSetLoad, 50.0);
        break;
      case 20'000:
        bench_.send(CommandKind::kSetLoad, 30.0);
        bench_.send(CommandKind::kSetParameter, 1.0);
        break;
      case 25'000:
        bench_.source.disturb(900'000, 1);
        break;
      case 30'000:
        bench_.send(CommandKind::kUnload);
        break;
      case 32'000:  // the hand is at the bottom: nobody takes a load half-way
        bench_.send(CommandKind::kEndSet);
        bench_.send(CommandKind::kStartSet, 40.0, 0.0, 0, &profile_);
        bench_.send(CommandKind::kEngage);
        break;
      case 40'000:
        bench_.machine.state.axis[0].load_cell.saturated = true;
        break;
      case 40'100:
        bench_.machine.state.axis[0].load_cell.saturated = false;
        bench_.machine.state.panel.reset_pressed = true;
        break;
      case 40'200:
        bench_.machine.state.panel.reset_pressed = false;
        bench_.send(CommandKind::kEnable);
        break;
      case 40'300:
        bench_.send(CommandKind::kTakeUp, 10.0);
        break;
      case 44'000:
        bench_.send(CommandKind::kEngage);
        break;
      default:
        break;
    }
  }

  ProfileInstance& profile_;
  Bench bench_;
  guard::HeartbeatPage page_;
  guard::HeartbeatWriter heartbeat_;
  std::array<std::uint64_t, 16> kinds_{};
  std::uint64_t samples_ = 0;
};

std::unique_ptr<AbiProfile> shipped_profile() {
  return std::make_unique<AbiProfile>(MEDIUS_PLUGIN_DIR "/eccentric_emphasis.so");
}

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
struct Shared {
  std::atomic<std::uint64_t> system_calls{0};
  std::atomic<int> last_number{-1};
  std::atomic<std::uint64_t> ticks{0};
  std::atomic<bool> filtered{false};
};
Shared* g_shared = nullptr;

void on_trap(int, siginfo_t* info, void*) {
  g_shared->system_calls.fetch_add(1, std::memory_order_relaxed);
  g_shared->last_number.store(info->si_syscall, std::memory_order_relaxed);
}

// From here on this thread may only return from signal handlers and end the process.
bool trap_all_system_calls() {
  struct sigaction action {};
  action.sa_sigaction = &on_trap;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSYS, &action, nullptr);
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_rt_sigreturn, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_exit_group, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{sizeof filter / sizeof filter[0], filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

enum class Filtered { kDone, kNotPossible, kBroken };

Filtered run_filtered(ProfileInstance& profile, std::uint64_t ticks) {
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  g_shared = new (memory) Shared;
  const pid_t child = fork();
  if (child == 0) {
    PluginWatch watch(patient_plugin_watch());
    watch.attach_this_thread();
    Exercise exercise(profile, &watch);
    if (!trap_all_system_calls()) _exit(2);
    g_shared->filtered.store(true);
    exercise.run(ticks);
    g_shared->ticks.store(exercise.samples());
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status)) return Filtered::kBroken;
  return WEXITSTATUS(status) == 2 ? Filtered::kNotPossible : Filtered::kDone;
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
