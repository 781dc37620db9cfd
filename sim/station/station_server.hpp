// medius-sim's heart: one thread, one io_context; Modbus TCP sessions in front, the plant behind.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "sim/machine/simulated_station.hpp"
#include "sim/station/pacer.hpp"
#include "sim/station/station_view.hpp"

namespace boost::asio {
class io_context;
}

namespace medius::sim {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0 = the system picks one
  Pace pace = Pace::kWall;
  double speed = 1.0;  // Pace::kBus: how many times faster than life rounds may be, > 0
  double rated_force_n = 341.0;
  int guard_port = -1;  // UDP, of the safe-state relay's charge pump; 0 = any; < 0: no guard fitted
};

// Called after every tick of the plant: wall time, the command the tick was made with, and whether
// a controller is connected.
struct TickTruth {
  std::int64_t wall_ns = 0;
  std::uint16_t cmd_seq = 0;
  bool controlled = false;
};
using TickObserver = std::function<void(const TickTruth&)>;

class StationServer {
 public:
  // Throws boost::system::system_error when the port cannot be had.
  StationServer(boost::asio::io_context& io, StationView view, const ServerOptions& options,
                TickObserver observer);
  ~StationServer();

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::uint16_t guard_port() const;  // 0: no guard fitted

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace medius::sim
