// Percentiles of a set of figures, and their JSON.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace medius::bench {

class Percentiles {
 public:
  void reserve(std::size_t count) { values_.reserve(count); }
  void add(std::int64_t value) { values_.push_back(value); }

  // The smallest value that at least this fraction of all values do not exceed; sorts on first use.
  [[nodiscard]] std::int64_t at(double fraction) {
    std::sort(values_.begin(), values_.end());
    if (values_.empty()) return 0;
    const auto rank = static_cast<std::size_t>(fraction * static_cast<double>(values_.size()));
    return values_[std::min(rank, values_.size() - 1)];
  }

  [[nodiscard]] std::string json() {
    return "{\"p50\": " + std::to_string(at(0.50)) + ", \"p90\": " + std::to_string(at(0.90)) +
           ", \"p99\": " + std::to_string(at(0.99)) + ", \"p999\": " + std::to_string(at(0.999)) +
           ", \"max\": " + std::to_string(at(1.0)) +
           ", \"count\": " + std::to_string(values_.size()) + "}";
  }

 private:
  std::vector<std::int64_t> values_;
};

}  // namespace medius::bench
