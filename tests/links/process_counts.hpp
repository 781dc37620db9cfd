// Open files and threads of this process, as the kernel counts them.
#pragma once

#include <chrono>
#include <filesystem>
#include <thread>

namespace medius::sim::proxy {

struct ProcessCounts {
  int files = 0;
  int threads = 0;
  friend bool operator==(const ProcessCounts&, const ProcessCounts&) = default;
};

inline ProcessCounts process_counts() {
  const auto entries = [](const char* folder) {
    int n = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      static_cast<void>(entry);
      ++n;
    }
    return n;
  };
  return {entries("/proc/self/fd"), entries("/proc/self/task")};
}

// A thread that has been joined leaves /proc a moment later.
inline ProcessCounts settled_counts(const ProcessCounts& expected) {
  ProcessCounts now = process_counts();
  for (int i = 0; i < 100 && now != expected; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    now = process_counts();
  }
  return now;
}

}  // namespace medius::sim::proxy
