#include "controller/metrics/endpoint.hpp"

#include <exception>
#include <utility>

#include <prometheus/exposer.h>

namespace medius::metrics {

tl::expected<std::unique_ptr<Endpoint>, std::string> Endpoint::start(
    const std::string& host, std::uint16_t port, const std::shared_ptr<StationMetrics>& metrics) {
  const std::string wanted = host + ":" + std::to_string(port);
  try {
    constexpr std::size_t kThreads = 2;  // one scraper, and one more that looks
    auto exposer = std::make_unique<prometheus::Exposer>(wanted, kThreads);
    exposer->RegisterCollectable(metrics);
    const int bound = exposer->GetListeningPorts().at(0);
    return std::unique_ptr<Endpoint>(
        new Endpoint(std::move(exposer), host + ":" + std::to_string(bound)));
  } catch (const std::exception& error) {  // the library's only way to say that it cannot listen
    return tl::unexpected("--metrics " + wanted + ": cannot listen there (" + error.what() +
                          "); choose a port that is free, or 0 for any");
  }
}

Endpoint::Endpoint(std::unique_ptr<prometheus::Exposer> exposer, std::string address)
    : exposer_(std::move(exposer)), address_(std::move(address)) {}

Endpoint::~Endpoint() = default;

}  // namespace medius::metrics
