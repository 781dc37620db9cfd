// The thread of the loop: waits for a tick, runs the engine, keeps the figures.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "controller/rt/engine.hpp"
#include "controller/rt/host/lateness_histogram.hpp"
#include "controller/rt/host/plugin_watch.hpp"
#include "controller/rt/host/process_setup.hpp"
#include "controller/rt/tick_source.hpp"
#include "hal/guard/heartbeat.hpp"

namespace medius::rt {

class RtThread {
 public:
  struct Config {
    ThreadSetup thread;
    guard::HeartbeatWriter* heartbeat = nullptr;  // beats after each tick; outlives the thread
  };

  // [control] All references outlive the thread. `watch` may be null.
  RtThread(TickSource& source, Engine& engine, PluginWatch* watch, const Config& config);
  // [control] Stops.
  ~RtThread();
  RtThread(const RtThread&) = delete;
  RtThread& operator=(const RtThread&) = delete;

  // [control] Starts the loop and returns what the thread's set-up got.
  std::vector<SetupStep> start();
  // [control] The loop ends after the tick under way; the source must still yield it or say stop.
  void stop();
  // [any] False before start() and once the loop has ended.
  [[nodiscard]] bool running() const noexcept { return running_.load(std::memory_order_acquire); }

  // [any] Without the first tick, whose caches are cold.
  [[nodiscard]] const LatenessHistogram& lateness() const noexcept { return lateness_; }
  [[nodiscard]] const LatenessHistogram& cycle_time() const noexcept { return cycle_time_; }
  [[nodiscard]] std::uint64_t missed() const noexcept {
    return missed_.load(std::memory_order_relaxed);
  }

 private:
  void run() noexcept;

  TickSource& source_;
  Engine& engine_;
  PluginWatch* watch_;
  Config config_;
  LatenessHistogram lateness_;
  LatenessHistogram cycle_time_;
  std::atomic<std::uint64_t> missed_{0};
  std::atomic<bool> stop_{false};
  std::atomic<bool> running_{false};
  std::thread thread_;
};

}  // namespace medius::rt
