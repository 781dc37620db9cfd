// How late the loop woke up, or how long a cycle took: a histogram of fixed size with bins whose
// width grows with the value (16 to an octave: 6 % wide), filled by the loop, read by anyone.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace medius::rt {

class LatenessHistogram {
 public:
  static constexpr int kSubBits = 4;
  static constexpr int kSub = 1 << kSubBits;
  // The last bin takes everything from 2^40 ns = 18 minutes on.
  static constexpr int kOctaves = 40 - kSubBits;
  static constexpr int kBins = kSub * (kOctaves + 1) + 1;

  // [rt] wait-free; one writer. Negative values count as 0.
  void add(std::int64_t value_ns) noexcept {
    const std::uint64_t value = value_ns > 0 ? static_cast<std::uint64_t>(value_ns) : 0;
    bump(bins_[static_cast<std::size_t>(bin_of(value))]);
    bump(count_);
    if (value > max_ns_.load(std::memory_order_relaxed)) {
      max_ns_.store(value, std::memory_order_relaxed);
    }
  }

  // [any]
  [[nodiscard]] std::uint64_t count() const noexcept {
    return count_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::int64_t max_ns() const noexcept {
    return static_cast<std::int64_t>(max_ns_.load(std::memory_order_relaxed));
  }
  // [any] The upper edge of the bin that holds this share (0..1) of the values; 0 when empty. Never
  // more than the maximum.
  [[nodiscard]] std::int64_t percentile_ns(double share) const noexcept {
    std::uint64_t total = 0;
    for (const auto& bin : bins_) total += bin.load(std::memory_order_relaxed);
    if (total == 0) return 0;
    const double wanted = share * static_cast<double>(total);
    std::uint64_t seen = 0;
    for (int i = 0; i < kBins; ++i) {
      seen += bins_[static_cast<std::size_t>(i)].load(std::memory_order_relaxed);
      if (static_cast<double>(seen) >= wanted && seen > 0) {
        const std::int64_t edge_ns = upper_edge(i);
        return edge_ns < max_ns() ? edge_ns : max_ns();
      }
    }
    return max_ns();
  }

  // [any] Index of the bin that counts `value_ns`.
  [[nodiscard]] static constexpr int bin_of(std::uint64_t value_ns) noexcept {
    if (value_ns < kSub) return static_cast<int>(value_ns);
    const int octave = static_cast<int>(std::bit_width(value_ns)) - 1 - kSubBits;
    if (octave >= kOctaves) return kBins - 1;
    const auto sub = static_cast<int>((value_ns >> octave) & (kSub - 1));
    return kSub * (octave + 1) + sub;
  }
  // [any] Largest value that a bin counts.
  [[nodiscard]] static constexpr std::int64_t upper_edge(int bin) noexcept {
    if (bin < kSub) return bin;
    if (bin >= kBins - 1) return INT64_MAX;
    const int octave = bin / kSub - 1;
    const std::int64_t low = (std::int64_t{kSub} + bin % kSub) << octave;
    return low + (std::int64_t{1} << octave) - 1;
  }

 private:
  // One writer: a plain read and write is enough and cheaper than a locked add.
  static void bump(std::atomic<std::uint64_t>& counter) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint64_t>, kBins> bins_{};
  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::uint64_t> max_ns_{0};
};

}  // namespace medius::rt
