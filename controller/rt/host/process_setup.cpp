#include "controller/rt/host/process_setup.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>

#include <alloca.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace medius::rt {
namespace {

std::string reason(int error) {
  return std::generic_category().message(error);
}

SetupStep lock_memory() {
  SetupStep step{"memory lock", false, true, {}};
  // Freed memory stays mapped and large blocks come from the heap: no page is returned and faulted
  // in again later.
  mallopt(M_TRIM_THRESHOLD, -1);
  mallopt(M_MMAP_MAX, 0);
  if (mlockall(MCL_CURRENT | MCL_FUTURE) == 0) {
    step.granted = true;
    step.detail = "all present and future pages are locked";
  } else {
    step.detail = "mlockall refused (" + reason(errno) +
                  "); set LimitMEMLOCK=infinity for the service or run it with CAP_IPC_LOCK";
  }
  return step;
}

SetupStep hold_cpu_latency() {
  SetupStep step{"CPU latency", false, false, {}};
  const char* path = "/dev/cpu_dma_latency";
  const int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) {
    step.detail = std::string(path) + " cannot be opened (" + reason(errno) +
                  "); give the service write access to it, or limit C-states in the firmware";
    return step;
  }
  const std::int32_t latency_us = 0;
  if (write(file, &latency_us, sizeof latency_us) == sizeof latency_us) {
    step.granted = true;  // the hold lasts as long as the descriptor is open: it is never closed
    step.detail = "held at 0 us";
  } else {
    step.detail = std::string(path) + " refused 0 us (" + reason(errno) + ")";
    close(file);
  }
  return step;
}

SetupStep schedule_fifo(int priority) {
  SetupStep step{"real-time scheduling", false, true, {}};
  const std::string wanted = "SCHED_FIFO " + std::to_string(priority);
  sched_param parameter{};
  parameter.sched_priority = priority;
  if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameter) != 0) {
    step.detail = wanted + " refused (" + reason(errno) +
                  "); set LimitRTPRIO=95 for the service or run it with CAP_SYS_NICE";
    return step;
  }
  const int got = sched_getscheduler(0);
  step.granted = (got & ~SCHED_RESET_ON_FORK) == SCHED_FIFO;
  step.detail = step.granted ? wanted : wanted + " was accepted but is not in force";
  return step;
}

SetupStep pin_to_cpu(int cpu) {
  SetupStep step{"CPU affinity", false, false, {}};
  const std::string wanted = "CPU " + std::to_string(cpu);
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu >= CPU_SETSIZE) {
    step.detail = wanted + " does not exist; choose one below " + std::to_string(CPU_SETSIZE);
    return step;
  }
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  step.granted = sched_setaffinity(0, sizeof set, &set) == 0;
  step.detail = step.granted ? wanted
                             : wanted + " refused (" + reason(errno) +
                                   "); choose one that is online and allowed to the service";
  return step;
}

SetupStep tighten_timer_slack() {
  SetupStep step{"timer slack", false, false, {}};
  // The default of 50 us applies to threads without real-time scheduling.
  step.granted = prctl(PR_SET_TIMERSLACK, 1) == 0;
  step.detail = step.granted ? "1 ns" : "refused (" + reason(errno) + ")";
  return step;
}

// A frame of its own: touching the caller's own frame would do nothing.
[[gnu::noinline]] void touch_stack(std::size_t bytes) {
  auto* memory = static_cast<volatile unsigned char*>(alloca(bytes));
  constexpr std::size_t kPage = 4096;
  for (std::size_t i = 0; i < bytes; i += kPage) memory[i] = 0;
}

}  // namespace

std::vector<SetupStep> set_up_process(const ProcessSetup& setup) {
  std::vector<SetupStep> steps;
  if (setup.lock_memory) steps.push_back(lock_memory());
  if (setup.hold_cpu_latency) steps.push_back(hold_cpu_latency());
  return steps;
}

std::vector<SetupStep> set_up_thread(const ThreadSetup& setup) {
  std::vector<SetupStep> steps;
  if (setup.fifo_priority > 0) steps.push_back(schedule_fifo(setup.fifo_priority));
  if (setup.cpu >= 0) steps.push_back(pin_to_cpu(setup.cpu));
  steps.push_back(tighten_timer_slack());
  if (setup.stack_touch_bytes > 0) touch_stack(setup.stack_touch_bytes);
  return steps;
}

SetupStep probe_fifo(int priority) {
  SetupStep step;
  std::thread([&] { step = schedule_fifo(priority); }).join();
  return step;
}

bool all_needed_granted(const std::vector<SetupStep>& steps) {
  for (const SetupStep& step : steps) {
    if (step.needed && !step.granted) return false;
  }
  return true;
}

}  // namespace medius::rt
