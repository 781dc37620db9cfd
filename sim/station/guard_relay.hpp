// medius-sim's safe-state relay as medius-guard sees it: a charge pump fed by datagrams on the
// loopback. The guard's clock is the plant's: each tick is told, and with the controller's pace the
// plant waits for a guard that is behind, so that a stalled host starves nobody.
#pragma once

#include <cstdint>

#include <netinet/in.h>

#include "sim/machine/simulated_station.hpp"

namespace medius::sim {

class GuardRelay {
 public:
  // Throws std::system_error when the port cannot be had. 0: any.
  GuardRelay(const char* address, std::uint16_t port, bool waits);
  ~GuardRelay();
  GuardRelay(const GuardRelay&) = delete;
  GuardRelay& operator=(const GuardRelay&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  // Before each tick of the plant: takes the guard's pumping, or finds that it has ended.
  void before_tick(SimulatedStation& station);
  // After it.
  void after_tick(SimulatedStation& station);
  // The controller has just made a round.
  void note_round() noexcept { last_round_tick_ = tick_; }

 private:
  void drain(SimulatedStation& station);
  void say_change(const SimulatedStation& station);

  int file_;
  bool waits_;
  bool present_ = false;
  sockaddr_in guard_{};
  std::uint32_t level_ = 0;
  std::uint64_t seen_tick_ = 0;  // by the guard
  std::uint64_t tick_ = 0;       // of the plant
  std::uint64_t pumped_tick_ = 0;
  std::uint64_t last_round_tick_ = 0;
  bool was_closed_ = false;
};

}  // namespace medius::sim
