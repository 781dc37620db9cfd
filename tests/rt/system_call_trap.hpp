// Catches the system calls of a thread in a child process of its own: the kernel refuses them and
// says which.
#pragma once

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <new>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace medius::rt::test {

// What a child tells its parent.
struct Shared {
  std::atomic<std::uint64_t> system_calls{0};
  std::atomic<int> last_number{-1};
  std::atomic<std::uint64_t> ticks{0};
  std::atomic<std::uint64_t> minor_faults{0};
  std::atomic<std::uint64_t> major_faults{0};
};
inline Shared* g_shared = nullptr;

enum class Filtered { kDone, kNotPossible, kBroken };

// [test] Runs `work` in a child process and gives what it returned; g_shared is new and shared.
template <typename Work>
Filtered in_child(const Work& work) {
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  g_shared = new (memory) Shared;
  const pid_t child = fork();
  if (child == 0) _exit(static_cast<int>(work()));
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? static_cast<Filtered>(WEXITSTATUS(status)) : Filtered::kBroken;
}

inline void on_trap(int, siginfo_t* info, void*) {
  g_shared->system_calls.fetch_add(1, std::memory_order_relaxed);
  g_shared->last_number.store(info->si_syscall, std::memory_order_relaxed);
}

// [the thread itself] From here on every system call of this thread is counted and not made, but
// for the return from a signal handler, the end of the process and, where asked for, the sleep.
inline bool trap_system_calls(bool may_sleep) {
  struct sigaction action {};
  action.sa_sigaction = &on_trap;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSYS, &action, nullptr);
  const std::uint32_t sleep = may_sleep ? __NR_clock_nanosleep : __NR_exit_group;
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_rt_sigreturn, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_exit_group, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, sleep, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{sizeof filter / sizeof filter[0], filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace medius::rt::test
