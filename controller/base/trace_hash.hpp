// A running 64-bit hash of a trace (FNV-1a over 64-bit words with a final mix). For comparing runs,
// not for security. Doubles are hashed by their bits.
#pragma once

#include <bit>
#include <cstdint>

namespace medius {

class TraceHash {
 public:
  constexpr void add(std::uint64_t word) noexcept {
    hash_ = (hash_ ^ word) * 0x100000001b3u;
    hash_ ^= hash_ >> 29;
  }
  constexpr void add(double value) noexcept { add(std::bit_cast<std::uint64_t>(value)); }

  [[nodiscard]] constexpr std::uint64_t value() const noexcept {
    std::uint64_t z = hash_;
    z = (z ^ (z >> 32)) * 0xd6e8feb86659fd93u;
    return z ^ (z >> 32);
  }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

}  // namespace medius
