// How data crosses the boundary of the loop. Choose by who must never wait:
//   rt -> many, latest value        SeqLock       writer wait-free, readers retry
//   other -> rt, latest value       TripleBuffer  both wait-free
//   each record in order, one way   spsc queue    both wait-free, `false` when full
// No fences (the thread sanitizer does not model them): acquire and release per word are as fast.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace medius::rt {

inline constexpr std::size_t kCacheLine = 64;

// One writer, any number of readers. Never let the loop be the reader: it could spin against a
// preempted writer.
template <typename T>
class SeqLock {
  static_assert(std::is_trivially_copyable_v<T>);
  static constexpr std::size_t kWords = (sizeof(T) + 7) / 8;
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

 public:
  // [one writer] wait-free.
  void store(const T& value) noexcept {
    std::array<std::uint64_t, kWords> words{};
    std::memcpy(words.data(), &value, sizeof(T));
    const std::uint64_t sequence = sequence_.load(std::memory_order_relaxed);
    sequence_.store(sequence + 1, std::memory_order_relaxed);
    // Release on every word keeps the odd sequence ahead of them.
    for (std::size_t i = 0; i < kWords; ++i) words_[i].store(words[i], std::memory_order_release);
    sequence_.store(sequence + 2, std::memory_order_release);
  }

  // [any] One try; false when a write was under way.
  [[nodiscard]] bool try_load(T& value) const noexcept {
    const std::uint64_t before = sequence_.load(std::memory_order_acquire);
    if (before & 1u) return false;
    std::array<std::uint64_t, kWords> words;
    for (std::size_t i = 0; i < kWords; ++i) words[i] = words_[i].load(std::memory_order_acquire);
    // The acquire loads above cannot move below this one.
    if (sequence_.load(std::memory_order_relaxed) != before) return false;
    std::memcpy(static_cast<void*>(&value), words.data(), sizeof(T));
    return true;
  }

  // [any but rt] Retries until a consistent value was read.
  [[nodiscard]] T load() const noexcept {
    T value;
    while (!try_load(value)) {
    }
    return value;
  }

 private:
  alignas(kCacheLine) std::atomic<std::uint64_t> sequence_{0};
  alignas(kCacheLine) std::array<std::atomic<std::uint64_t>, kWords> words_{};
};

// One writer, one reader, latest value wins.
template <typename T>
class TripleBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  // [writer] wait-free.
  void store(const T& value) noexcept {
    slots_[back_].value = value;
    back_ = middle_.exchange(static_cast<std::uint8_t>(back_ | kFresh), std::memory_order_acq_rel) &
            kIndexMask;
  }

  // [reader] wait-free. True when a newer value than the last one was taken.
  bool load(T& value) noexcept {
    const bool fresh = (middle_.load(std::memory_order_relaxed) & kFresh) != 0;
    if (fresh) front_ = middle_.exchange(front_, std::memory_order_acq_rel) & kIndexMask;
    value = slots_[front_].value;
    return fresh;
  }

 private:
  static constexpr std::uint8_t kFresh = 4;
  static constexpr std::uint8_t kIndexMask = 3;
  struct alignas(kCacheLine) Slot {
    T value{};
  };
  std::array<Slot, 3> slots_{};
  alignas(kCacheLine) std::atomic<std::uint8_t> middle_{1};
  alignas(kCacheLine) std::uint8_t back_ = 0;
  alignas(kCacheLine) std::uint8_t front_ = 2;
};

}  // namespace medius::rt
