// Follows the station on a thread of its own and comes back after a lost connection. The reader
// gets states in order; when it is slow the oldest waiting ones are dropped.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "client/connection.hpp"

namespace medius::client {

class Watcher {
 public:
  // `present`: watch under our own name, so that the station knows that we are there.
  Watcher(const Connection& connection, bool present);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // States since the last call; waits for one, at most so long. Empty: none came.
  std::vector<v1::Station> take(std::chrono::milliseconds longest);
  [[nodiscard]] bool connected() const { return connected_; }
  // Why the stream ended last.
  [[nodiscard]] grpc::Status last_error() const;

 private:
  void run();
  void follow_once();

  // Behind a reader that hangs for three seconds the rest is stale.
  static constexpr std::size_t kWaiting = 64;

  const Connection& connection_;
  const bool present_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<v1::Station> waiting_;
  grpc::Status error_;
  grpc::ClientContext* context_ = nullptr;  // of the open stream, to cancel it
  bool stop_ = false;
  std::atomic<bool> connected_{false};
  std::thread thread_;
};

}  // namespace medius::client
