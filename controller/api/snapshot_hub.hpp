// The latest state of the station for any number of watchers. Latest wins: a slow watcher skips.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "controller/station/station.hpp"

namespace medius::api {

class SnapshotHub {
 public:
  using SnapshotPtr = std::shared_ptr<const station::Snapshot>;

  // [control]
  void publish(const station::Snapshot& snapshot) {
    auto copy = std::make_shared<const station::Snapshot>(snapshot);
    {
      const std::lock_guard lock(mutex_);
      latest_ = std::move(copy);
      ++publications_;
    }
    published_.notify_all();
  }

  // [any]
  void set_notes(std::vector<std::string> notes) {
    const std::lock_guard lock(mutex_);
    notes_ = std::move(notes);
  }
  [[nodiscard]] std::vector<std::string> notes() const {
    const std::lock_guard lock(mutex_);
    return notes_;
  }

  // [any] Wakes every waiter, for good.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    published_.notify_all();
  }

  // [any] Null before the first publication.
  [[nodiscard]] SnapshotPtr latest() const {
    const std::lock_guard lock(mutex_);
    return latest_;
  }

  struct Seen {
    SnapshotPtr snapshot;
    std::uint64_t publications = 0;  // so far
    bool closed = false;
  };

  // [grpc] Waits for a publication after the given count, at most until the time.
  Seen wait(std::uint64_t after, std::chrono::steady_clock::time_point until) {
    std::unique_lock lock(mutex_);
    published_.wait_until(lock, until, [&] { return closed_ || publications_ > after; });
    return {latest_, publications_, closed_};
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable published_;
  SnapshotPtr latest_;
  std::vector<std::string> notes_;  // beside the station's own warnings
  std::uint64_t publications_ = 0;
  bool closed_ = false;
};

}  // namespace medius::api
