// Memory of a process that simulates. A session grows and drops buffers of megabytes all the time;
// giving each back to the system and asking for it again costs a seventh of the run in page faults.
#pragma once

#include <malloc.h>

namespace medius::sim {

// [any] Freed memory stays with the process from now on. Before the first world.
inline void keep_freed_memory() noexcept {
  constexpr int kBlockBytes = 256 * 1024 * 1024;
  mallopt(M_MMAP_THRESHOLD, kBlockBytes);
  mallopt(M_TRIM_THRESHOLD, kBlockBytes);
  mallopt(M_TOP_PAD, 16 * 1024 * 1024);
}

}  // namespace medius::sim
