// The control plane's one seam to time, ids and execution. Boost.Asio stands behind it in the
// daemon, a seeded event queue in the simulated world; station and record never see which.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace medius::station {

class Runtime {
 public:
  using Task = std::function<void()>;
  using TimerId = std::uint64_t;

  virtual ~Runtime() = default;

  // [any] Monotonic time, ns. In the world: simulated.
  [[nodiscard]] virtual std::int64_t monotonic_ns() const = 0;
  // [any] UTC, ns since 1970. Only for labels; never used to decide anything.
  [[nodiscard]] virtual std::int64_t wall_unix_ns() const = 0;
  // [control] A new unique id: 16 lower-case hex digits, strictly increasing within a store.
  [[nodiscard]] virtual std::string new_id() = 0;
  // [any] Runs the task on the control executor, in order of posting.
  virtual void post(Task task) = 0;
  // [control] Runs the task once at or after the time; returns an id for cancel().
  virtual TimerId at(std::int64_t monotonic_ns, Task task) = 0;
  // [control] A task that has not run yet never will. Unknown ids are ignored.
  virtual void cancel(TimerId timer) = 0;
  // [control] Runs `work` off the control executor (the record thread), then `done` on it. In the
  // world both run as ordered events.
  virtual void run_blocking(Task work, Task done) = 0;
};

}  // namespace medius::station
