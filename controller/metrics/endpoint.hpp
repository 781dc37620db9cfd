// Where Prometheus scrapes: plain HTTP on this computer, GET /metrics.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "controller/metrics/station_metrics.hpp"

namespace prometheus {
class Exposer;
}

namespace medius::metrics {

class Endpoint {
 public:
  // [main] `host` is a loopback literal; port 0 takes any free one. The error is one sentence.
  static tl::expected<std::unique_ptr<Endpoint>, std::string> start(
      const std::string& host, std::uint16_t port, const std::shared_ptr<StationMetrics>& metrics);
  ~Endpoint();

  [[nodiscard]] std::string address() const { return address_; }

 private:
  Endpoint(std::unique_ptr<prometheus::Exposer> exposer, std::string address);

  std::unique_ptr<prometheus::Exposer> exposer_;
  std::string address_;
};

}  // namespace medius::metrics
