// Makes a process and a thread fit for the loop. Probes by doing: every step is tried, and says
// what it got or why it was refused and what would help. Nothing here is guessed from kernel names.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace medius::rt {

struct SetupStep {
  std::string name;  // "memory lock", "real-time scheduling", ...
  bool granted = false;
  bool needed = false;  // without it a real machine must not be armed
  std::string detail;   // what was got, or the refusal and the next step
};

struct ProcessSetup {
  bool lock_memory = true;
  bool hold_cpu_latency = true;  // keeps the CPU out of deep sleep while the process lives
};

// [control, before threads are started] Steps that concern the whole process. A CPU latency hold is
// kept until the process ends.
std::vector<SetupStep> set_up_process(const ProcessSetup& setup);

struct ThreadSetup {
  int fifo_priority = 80;  // 0: normal scheduling
  int cpu = -1;            // < 0: any
  std::size_t stack_touch_bytes = 256 * 1024;
};

// [the thread itself, before its loop] Scheduling (children never inherit it), CPU, timer slack,
// stack.
std::vector<SetupStep> set_up_thread(const ThreadSetup& setup);

// [control] Whether this process may schedule with SCHED_FIFO at `priority`, tried on a thread of
// its own.
[[nodiscard]] SetupStep probe_fifo(int priority);

// [any] All needed steps were granted.
[[nodiscard]] bool all_needed_granted(const std::vector<SetupStep>& steps);

}  // namespace medius::rt
