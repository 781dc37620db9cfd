// Work that a gRPC thread needs done on the control executor or the record thread, and waits for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "controller/station/runtime.hpp"

namespace medius::api {

// The place where an answer arrives. The waiter may leave first; the answer is then dropped.
template <typename T>
class Pending {
 public:
  using Clock = std::chrono::steady_clock;

  // [control, record] The first answer counts.
  void answer(T value) {
    {
      const std::lock_guard lock(mutex_);
      if (!value_) value_.emplace(std::move(value));
    }
    arrived_.notify_all();
  }

  // [control] True once nobody waits any more.
  [[nodiscard]] bool abandoned() const {
    const std::lock_guard lock(mutex_);
    return abandoned_;
  }

  // [grpc] The answer, or nothing when `give_up()` says so or the time has come. `give_up` is asked
  // every 50 ms.
  std::optional<T> wait(Clock::time_point until, const std::function<bool()>& give_up) {
    constexpr std::chrono::milliseconds kAsk{50};
    std::unique_lock lock(mutex_);
    while (!value_) {
      const auto now = Clock::now();
      if (now >= until || give_up()) {
        abandoned_ = true;
        return std::nullopt;
      }
      arrived_.wait_until(lock, std::min(until, now + kAsk));
    }
    return std::move(value_);
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::optional<T> value_;
  bool abandoned_ = false;
};

// [grpc] Runs `work` on the control executor and returns what it returns.
template <typename T>
std::optional<T> on_control(station::Runtime& runtime, std::chrono::steady_clock::time_point until,
                            const std::function<bool()>& give_up, std::function<T()> work) {
  auto pending = std::make_shared<Pending<T>>();
  runtime.post([pending, work = std::move(work)] {
    if (!pending->abandoned()) pending->answer(work());
  });
  return pending->wait(until, give_up);
}

// [grpc] Runs `work` where blocking is allowed: on the record thread, which owns the store.
template <typename T>
std::optional<T> on_record(station::Runtime& runtime, std::chrono::steady_clock::time_point until,
                           const std::function<bool()>& give_up, std::function<T()> work) {
  auto pending = std::make_shared<Pending<T>>();
  runtime.post([pending, &runtime, work = std::move(work)]() mutable {
    auto guarded = [pending, work = std::move(work)] {
      if (!pending->abandoned()) pending->answer(work());
    };
    runtime.run_blocking(std::move(guarded), [] {});
  });
  return pending->wait(until, give_up);
}

}  // namespace medius::api
