#include "controller/rt/host/plugin_watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <ctime>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <pthread.h>
#include <sys/mman.h>

#include "controller/rt/host/process_setup.hpp"

namespace medius::rt {
namespace {

// Looking more often would take the processor from the loop.
constexpr std::int64_t kShortestPauseNs = 20'000;
constexpr std::size_t kSignalStackBytes = 64 * 1024;
// SIGABRT: a failed assertion in a profile. abort() gives its lock back before it raises.
constexpr std::array<int, 6> kCrashSignals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};

// Set in the loop's thread only. Constant-initialised: reading it in a signal handler needs no
// dynamic initialisation.
constinit thread_local PluginWatch* t_watch = nullptr;
// What handled the crash signals before us.
std::array<struct sigaction, kCrashSignals.size()> g_previous{};

int watch_signal() noexcept {
  return SIGRTMIN + 3;
}

std::int64_t clock_ns(clockid_t clock) noexcept {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

// The thread that looks. Its own lock is never touched by the loop.
struct PluginWatch::Watcher {
  Watcher(PluginWatch& plugin_watch, const PluginWatchConfig& watch_config)
      : watch(plugin_watch), config(watch_config), thread([this] { run(); }) {}
  ~Watcher() {
    stop.store(true, std::memory_order_relaxed);
    thread.join();
  }

  void attach(pthread_t loop_thread, clockid_t cpu_clock) {
    const std::lock_guard lock(mutex);
    loop = loop_thread;
    loop_clock = cpu_clock;
    attached = true;
  }
  void detach() {
    const std::lock_guard lock(mutex);
    attached = false;
  }

  void run() {
    pthread_setname_np(pthread_self(), "plugin-watch");
    set_up_thread({config.fifo_priority, -1, 0});
    std::int64_t pause_ns = config.look_period_ns;
    while (!stop.load(std::memory_order_relaxed)) {
      const timespec pause{pause_ns / 1'000'000'000, pause_ns % 1'000'000'000};
      clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
      pause_ns = look();
    }
  }

  // Returns when to look again: a call that was seen is met just when its budget is spent.
  std::int64_t look() {
    const std::uint64_t call = watch.in_call_.load(std::memory_order_acquire);
    if (call == 0) {
      seen_call = 0;
      return config.look_period_ns;
    }
    const std::lock_guard lock(mutex);  // the thread cannot end while it is signalled
    if (!attached) return config.look_period_ns;
    const std::int64_t cpu_ns = clock_ns(loop_clock);
    const std::int64_t wall_ns = clock_ns(CLOCK_MONOTONIC);
    if (call != seen_call) {
      seen_call = call;
      seen_cpu_ns = cpu_ns;
      seen_wall_ns = wall_ns;
    }
    const std::int64_t spent_ns = cpu_ns - seen_cpu_ns;
    if (spent_ns < config.cpu_budget_ns && wall_ns - seen_wall_ns < config.wall_budget_ns) {
      const std::int64_t left_ns = config.cpu_budget_ns - spent_ns;
      return std::clamp(left_ns, kShortestPauseNs, config.look_period_ns);
    }
    // Once a call: signals queue up while the loop's thread is not scheduled, and their handlers
    // would then nest until the signal stack is full.
    if (call == signalled_call) return config.look_period_ns;
    watch.end_request_.store(call, std::memory_order_release);
    if (pthread_kill(loop, watch_signal()) == 0) signalled_call = call;
    return config.look_period_ns;
  }

  PluginWatch& watch;
  PluginWatchConfig config;
  std::mutex mutex;
  pthread_t loop{};
  clockid_t loop_clock{};
  bool attached = false;
  std::uint64_t seen_call = 0;
  std::uint64_t signalled_call = 0;
  std::int64_t seen_cpu_ns = 0;
  std::int64_t seen_wall_ns = 0;
  std::atomic<bool> stop{false};
  std::thread thread;  // last: it uses all of the above
};

PluginWatch::PluginWatch(const PluginWatchConfig& config) {
  struct sigaction action {};
  action.sa_sigaction = &PluginWatch::on_signal;
  // NODEFER: the handler leaves by a jump that restores no signal mask, so none may be blocked.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kCrashSignals.size(); ++i) {
    if (sigaction(kCrashSignals[i], &action, &g_previous[i]) != 0) {
      throw std::runtime_error("plugin watch: a handler for signal " +
                               std::to_string(kCrashSignals[i]) + " was refused");
    }
  }
  sigaction(watch_signal(), &action, nullptr);
  watcher_ = std::make_unique<Watcher>(*this, config);
}

PluginWatch::~PluginWatch() {
  watcher_.reset();
  for (std::size_t i = 0; i < kCrashSignals.size(); ++i) {
    sigaction(kCrashSignals[i], &g_previous[i], nullptr);
  }
  // A signal still on its way must find no default action, which would end the process.
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(watch_signal(), &ignore, nullptr);
}

void PluginWatch::attach_this_thread() {
  signal_stack_ = std::make_unique<unsigned char[]>(kSignalStackBytes);
  stack_t stack{};
  stack.ss_sp = signal_stack_.get();
  stack.ss_size = kSignalStackBytes;
  sigaltstack(&stack, nullptr);
  clockid_t cpu_clock{};
  pthread_getcpuclockid(pthread_self(), &cpu_clock);
  t_watch = this;
  watcher_->attach(pthread_self(), cpu_clock);
}

void PluginWatch::detach_this_thread() {
  watcher_->detach();
  t_watch = nullptr;
  stack_t stack{};
  stack.ss_flags = SS_DISABLE;
  sigaltstack(&stack, nullptr);
  signal_stack_.reset();
}

template <typename Call>
GuardVerdict PluginWatch::guarded(const Call& profile_call) noexcept {
  // Without the signal mask: saving it would be a system call.
  if (sigsetjmp(before_call_, 0) == 0) {
    in_call_.store(++calls_, std::memory_order_release);
    profile_call();
    in_call_.store(0, std::memory_order_release);
    return GuardVerdict::kReturned;
  }
  return static_cast<GuardVerdict>(verdict_.load(std::memory_order_relaxed));
}

GuardVerdict PluginWatch::call(ProfileInstance& profile, const medius_step_in_t& input,
                               ProfileOutput& output) noexcept {
  const GuardVerdict verdict = guarded([&] { output = profile.step(input); });
  if (verdict != GuardVerdict::kReturned) output = ProfileOutput{};
  return verdict;
}

GuardVerdict PluginWatch::reset(ProfileInstance& profile) noexcept {
  return guarded([&] { profile.reset(); });
}

void PluginWatch::end_call(int number) noexcept {
  std::uint64_t call = in_call_.load(std::memory_order_acquire);
  if (call == 0) return;
  GuardVerdict verdict = GuardVerdict::kCrashed;
  if (number == watch_signal()) {
    // The signal may have been on its way while the call it was meant for came back.
    if (end_request_.load(std::memory_order_acquire) != call) return;
    verdict = GuardVerdict::kOverBudget;
  }
  // A crash and the watch's signal may meet; one of the two handlers ends the call.
  if (!in_call_.compare_exchange_strong(call, 0, std::memory_order_acq_rel)) return;
  auto& counter = verdict == GuardVerdict::kCrashed ? crashed_ : over_budget_;
  counter.fetch_add(1, std::memory_order_relaxed);
  verdict_.store(static_cast<std::uint8_t>(verdict), std::memory_order_relaxed);
  siglongjmp(before_call_, 1);
}

void PluginWatch::on_signal(int number, siginfo_t* info, void*) noexcept {
  const int saved_errno = errno;
  if (t_watch != nullptr) t_watch->end_call(number);
  for (std::size_t i = 0; i < kCrashSignals.size(); ++i) {
    if (kCrashSignals[i] != number) continue;
    // Not in a profile: put back what was there before. The fault happens again on return; one that
    // was sent does not, so it is sent again.
    sigaction(number, &g_previous[i], nullptr);
    if (info->si_code <= 0) raise(number);
  }
  errno = saved_errno;
}

std::uint64_t PluginWatch::calls_over_budget() const noexcept {
  return over_budget_.load(std::memory_order_relaxed);
}

std::uint64_t PluginWatch::calls_crashed() const noexcept {
  return crashed_.load(std::memory_order_relaxed);
}

}  // namespace medius::rt
