// The station's figures for Prometheus: how punctual the loop is, how old its data, how the links
// fare, what was trained and what went wrong. Nobody is named in them: no person, no session.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include "controller/metrics/tally.hpp"
#include "controller/station/station.hpp"
#include "hal/modbus/machine_bus.hpp"

namespace medius::metrics {

class StationMetrics final : public prometheus::Collectable {
 public:
  // [control] Every snapshot the station publishes.
  void see(const station::Snapshot& snapshot);
  // [record] Every block of samples: one of each axis and tick.
  void see(std::span<const rt::SampleRecord> samples) noexcept;
  // [main]
  void see(std::vector<hal::modbus::LinkStatus> links);

  // [scrape]
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  // Bounds around what matters: a tick is 1 ms, data is used up to some 10 ms.
  Tally<10> late_{{2e-6, 5e-6, 10e-6, 20e-6, 50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 5e-3}};
  Tally<8> age_{{0.5e-3, 1e-3, 2e-3, 3e-3, 5e-3, 10e-3, 20e-3, 50e-3}};

  // All below: a glance of one person at one moment, so one lock is enough.
  mutable std::mutex mutex_;
  station::Snapshot latest_;
  bool any_ = false;
  std::vector<hal::modbus::LinkStatus> links_;
  std::map<std::string, std::uint64_t> sets_by_end_;
  std::map<std::string, std::uint64_t> faults_by_name_;
  std::uint64_t repetitions_ = 0;
  std::uint64_t partial_repetitions_ = 0;
  std::array<std::string, 2> counted_;  // sets that ended last: left, right
  safety::FaultCode fault_ = safety::FaultCode::kNone;
};

}  // namespace medius::metrics
