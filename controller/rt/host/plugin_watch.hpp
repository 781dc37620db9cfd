// Ends a profile's call that hangs or crashes, so that it costs the set and never the loop.
//
// The loop marks "in the plugin since call n" in one word and calls the profile; no system call. A
// watch thread above it looks at the word every now and then. The same call over its budget gets a
// signal whose handler jumps back to before the call; a processor fault in the profile does the
// same by itself. What this cannot contain is a profile that writes into our memory: that is what
// the allow-list of hashes and medius-plugin-check are for.
#pragma once

#include <atomic>
#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <memory>

#include "controller/rt/profile_guard.hpp"

namespace medius::rt {

struct PluginWatchConfig {
  // A call is first seen up to one period after it began, and ended when its budget is spent from
  // then on: the loop gets its thread back after 0.3 to 0.4 ms.
  std::int64_t look_period_ns = 100'000;
  std::int64_t cpu_budget_ns = 300'000;     // of the loop's thread
  std::int64_t wall_budget_ns = 3'000'000;  // a call that sleeps or waits uses no CPU
  int fifo_priority = 90;                   // above the loop; 0: normal scheduling
};

// [any] For the simulator: a host that stalls for tens of milliseconds must not end an honest call.
[[nodiscard]] constexpr PluginWatchConfig patient_plugin_watch() noexcept {
  return {2'000'000, 100'000'000, 500'000'000, 0};
}

class PluginWatch final : public ProfileGuard {
 public:
  // [control] Installs handlers for SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP and one
  // real-time signal;
  // faults outside a profile go on to whatever handled them before. One watch a process.
  explicit PluginWatch(const PluginWatchConfig& config);
  // [control] After the loop's thread has detached.
  ~PluginWatch() override;
  PluginWatch(const PluginWatch&) = delete;
  PluginWatch& operator=(const PluginWatch&) = delete;

  // [the loop's thread, before and after its loop] Gives the thread its signal stack.
  void attach_this_thread();
  void detach_this_thread();

  // [rt] wait-free.
  GuardVerdict call(ProfileInstance& profile, const medius_step_in_t& input,
                    ProfileOutput& output) noexcept override;
  // [rt] wait-free.
  GuardVerdict reset(ProfileInstance& profile) noexcept override;

  // [any] What was ended so far.
  [[nodiscard]] std::uint64_t calls_over_budget() const noexcept;
  [[nodiscard]] std::uint64_t calls_crashed() const noexcept;

 private:
  struct Watcher;
  template <typename Call>
  GuardVerdict guarded(const Call& profile_call) noexcept;
  static void on_signal(int number, siginfo_t* info, void* context) noexcept;
  // [rt, in a signal handler] Does not return when the signal ended a call.
  void end_call(int number) noexcept;

  sigjmp_buf before_call_{};
  std::uint64_t calls_ = 0;
  std::atomic<std::uint64_t> in_call_{0};      // number of the call under way, 0: none
  std::atomic<std::uint64_t> end_request_{0};  // number of the call that is to end
  std::atomic<std::uint8_t> verdict_{0};
  std::atomic<std::uint64_t> over_budget_{0};
  std::atomic<std::uint64_t> crashed_{0};
  std::unique_ptr<unsigned char[]> signal_stack_;
  std::unique_ptr<Watcher> watcher_;
};

}  // namespace medius::rt
