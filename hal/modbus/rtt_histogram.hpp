// Round-trip times in buckets of 12 % width up to 4 s: constant memory, no allocation, cheap to
// read.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace medius::hal::modbus {

class RttHistogram {
 public:
  // [bus]
  void add(std::int64_t rtt_ns) noexcept {
    const auto value = static_cast<std::uint64_t>(rtt_ns < 0 ? 0 : rtt_ns);
    auto& bucket = buckets_[index_of(value)];
    bucket.store(bucket.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (rtt_ns > max_.load(std::memory_order_relaxed))
      max_.store(rtt_ns, std::memory_order_relaxed);
  }
  // [any] Upper edge of the bucket that holds the quantile; 0 when nothing was measured.
  [[nodiscard]] std::int64_t quantile_ns(double quantile) const noexcept {
    std::uint64_t total = 0;
    for (const auto& bucket : buckets_) total += bucket.load(std::memory_order_relaxed);
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      below += buckets_[i].load(std::memory_order_relaxed);
      if (below > 0 && static_cast<double>(below) >= quantile * static_cast<double>(total)) {
        return edge_of(i + 1);
      }
    }
    return 0;
  }
  [[nodiscard]] std::int64_t max_ns() const noexcept {
    return max_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t kBuckets = 33 * 8;

  // Three bits below the leading one: eight buckets an octave.
  static constexpr std::size_t index_of(std::uint64_t value) noexcept {
    if (value < 8) return value;
    const auto octave = static_cast<std::size_t>(std::bit_width(value)) - 4;
    const std::size_t index = octave * 8 + 8 + ((value >> octave) & 7);
    return index < kBuckets ? index : kBuckets - 1;
  }
  static constexpr std::int64_t edge_of(std::size_t index) noexcept {
    if (index < 16) return static_cast<std::int64_t>(index);
    return static_cast<std::int64_t>((8 + index % 8) << (index / 8 - 1));
  }

  std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};
  std::atomic<std::int64_t> max_{0};
};

}  // namespace medius::hal::modbus
