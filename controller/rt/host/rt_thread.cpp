#include "controller/rt/host/rt_thread.hpp"

#include <future>
#include <utility>

#include <pthread.h>

namespace medius::rt {

RtThread::RtThread(TickSource& source, Engine& engine, PluginWatch* watch, const Config& config)
    : source_(source), engine_(engine), watch_(watch), config_(config) {}

RtThread::~RtThread() {
  stop();
}

std::vector<SetupStep> RtThread::start() {
  std::promise<std::vector<SetupStep>> ready;
  std::future<std::vector<SetupStep>> steps = ready.get_future();
  running_.store(true, std::memory_order_release);
  thread_ = std::thread([this, ready = std::move(ready)]() mutable {
    pthread_setname_np(pthread_self(), "medius-rt");
    std::vector<SetupStep> got = set_up_thread(config_.thread);
    if (watch_ != nullptr) watch_->attach_this_thread();
    ready.set_value(std::move(got));
    run();
    if (watch_ != nullptr) watch_->detach_this_thread();
    running_.store(false, std::memory_order_release);
  });
  return steps.get();
}

void RtThread::stop() {
  stop_.store(true, std::memory_order_release);
  if (thread_.joinable()) thread_.join();
}

void RtThread::run() noexcept {
  Tick tick;
  bool first = true;
  while (!stop_.load(std::memory_order_acquire) && source_.wait_next(tick)) {
    const std::int64_t start_ns = source_.now_ns();
    engine_.cycle(tick);
    if (config_.heartbeat != nullptr) {
      const Engine::Outcome outcome = engine_.outcome();
      config_.heartbeat->beat(tick, static_cast<std::uint8_t>(outcome.reaction), outcome.hold_relay,
                              outcome.reset_pressed);
    }
    if (!first) {
      cycle_time_.add(source_.now_ns() - start_ns);
      lateness_.add(tick.late_ns);
      missed_.store(missed_.load(std::memory_order_relaxed) + tick.missed,
                    std::memory_order_relaxed);
    }
    first = false;
  }
}

}  // namespace medius::rt
