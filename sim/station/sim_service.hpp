// medius.sim.v1 on medius-sim: faults by hand and by scenario. Calls are carried out on the
// server's own thread.
#pragma once

#include <memory>
#include <string>

#include "sim/station/fault_bench.hpp"

namespace boost::asio {
class io_context;
}

namespace medius::sim {

class SimServiceHost {
 public:
  // `port` 0 picks a free one; loopback only. `io` and `bench` must outlive it. Throws
  // std::runtime_error when the port cannot be had.
  SimServiceHost(boost::asio::io_context& io, FaultBench& bench, int port);
  ~SimServiceHost();
  [[nodiscard]] std::string address() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace medius::sim
