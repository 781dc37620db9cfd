// Our lease of control while we give orders: taken before them, kept, given back after them.
#pragma once

#include <chrono>

#include "client/connection.hpp"

namespace medius::client {

class ControlLease {
 public:
  explicit ControlLease(const Connection& connection) : connection_(connection) {}
  // Gives back what take() made; a lease that we held before stays ours.
  ~ControlLease();
  ControlLease(const ControlLease&) = delete;
  ControlLease& operator=(const ControlLease&) = delete;

  // OK, or who holds it. `seconds` 0: as the station likes.
  grpc::Status take(double seconds = 0.0);
  // Renews when a third of the time has gone; OK when nothing was to be done or it went well.
  grpc::Status keep();
  // A header for an order under this lease; without the epoch when we do not hold one.
  [[nodiscard]] v1::OrderHeader header() const;
  [[nodiscard]] const v1::Lease& lease() const { return lease_; }
  // It stays ours when this object goes.
  void leave() { created_ = false; }

 private:
  using Clock = std::chrono::steady_clock;
  void note(const v1::Lease& lease);

  const Connection& connection_;
  v1::Lease lease_;  // epoch 0: none
  bool created_ = false;
  Clock::time_point renew_at_;
};

}  // namespace medius::client
