// The daemon's Runtime: Boost.Asio behind one thread for control and one for the store.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "controller/station/runtime.hpp"

namespace medius::station {

class AsioRuntime final : public Runtime {
 public:
  struct Options {
    // new_id() counts up from here. For ids that increase over restarts give every run a range of
    // its own, above all earlier ones.
    std::uint64_t first_id = 1;
  };

  explicit AsioRuntime(const Options& options);
  ~AsioRuntime()
      override;  // [control] Waits for work on the record thread; what was posted is dropped.

  // [control] Makes the calling thread the control thread until stop().
  void run();
  // [any] run() returns after the task under way.
  void stop();
  // [control, before run()] Runs the task on the control executor whenever one of the signals
  // comes.
  void on_signals(const std::vector<int>& signals, Task task);

  [[nodiscard]] std::int64_t monotonic_ns() const override;
  [[nodiscard]] std::int64_t wall_unix_ns() const override;
  [[nodiscard]] std::string new_id() override;
  void post(Task task) override;
  TimerId at(std::int64_t monotonic_ns, Task task) override;
  void cancel(TimerId timer) override;
  void run_blocking(Task work, Task done) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace medius::station
