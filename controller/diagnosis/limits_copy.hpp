// Limits stored twice: a second, inverted copy tells whether memory was changed behind the
// program's back; a CRC of that copy finds what has hit both alike. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "controller/base/crc32c.hpp"

namespace medius::diagnosis {

template <typename T>
class LimitsCopy {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  // [any] From now on `limits` must not change, bytes between its members included.
  void take(const T& limits) noexcept {
    words_.fill(0);
    std::memcpy(words_.data(), &limits, sizeof(T));
    for (std::uint64_t& word : words_) word = ~word;
    crc_ = crc32c(words_.data(), sizeof words_);
  }
  // [rt] Both copies agree. The CRC is looked at every 128th time.
  [[nodiscard]] bool agrees(const T& limits) noexcept {
    std::array<std::uint64_t, kWords> now{};
    std::memcpy(now.data(), &limits, sizeof(T));
    std::uint64_t difference = 0;
    for (std::size_t i = 0; i < kWords; ++i) difference |= now[i] ^ ~words_[i];
    if (difference != 0) return false;
    turn_ = (turn_ + 1) % 128;
    return turn_ != 0 || crc32c(words_.data(), sizeof words_) == crc_;
  }

 private:
  static constexpr std::size_t kWords = (sizeof(T) + 7) / 8;
  std::array<std::uint64_t, kWords> words_{};
  std::uint32_t crc_ = 0;
  std::uint32_t turn_ = 0;
};

}  // namespace medius::diagnosis
