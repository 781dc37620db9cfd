// Counts per bucket, added to by one thread and read by any: what a Prometheus histogram is made
// of.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace medius::metrics {

template <std::size_t kBounds>
class Tally {
 public:
  // Upper bounds in seconds, rising; one more bucket holds what is above the last.
  constexpr explicit Tally(const std::array<double, kBounds>& bounds_s) : bounds_s_(bounds_s) {}

  // [one writer]
  void add(std::int64_t value_ns) noexcept {
    const double value_s = static_cast<double>(value_ns) * 1e-9;
    const auto bound = std::lower_bound(bounds_s_.begin(), bounds_s_.end(), value_s);
    bump(counts_[static_cast<std::size_t>(bound - bounds_s_.begin())], 1);
    bump(sum_ns_, value_ns);
  }

  // [any]
  [[nodiscard]] std::uint64_t count(std::size_t bucket) const noexcept {
    return counts_[bucket].load(std::memory_order_relaxed);
  }
  [[nodiscard]] double bound_s(std::size_t bucket) const noexcept { return bounds_s_[bucket]; }
  [[nodiscard]] double sum_s() const noexcept {
    return static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) * 1e-9;
  }

 private:
  template <typename T, typename U>
  static void bump(std::atomic<T>& value, U by) noexcept {
    value.store(value.load(std::memory_order_relaxed) + static_cast<T>(by),
                std::memory_order_relaxed);
  }

  std::array<double, kBounds> bounds_s_;
  std::array<std::atomic<std::uint64_t>, kBounds + 1> counts_{};
  std::atomic<std::int64_t> sum_ns_{0};
};

}  // namespace medius::metrics
