// Seeded random numbers with the same bits everywhere: xoshiro256++ seeded by splitmix64, and our
// own distributions (std::*_distribution is implementation-defined). One generator a subsystem.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "controller/base/det_math.hpp"

namespace medius {

// One step of splitmix64; also mixes a seed with a stream number.
[[nodiscard]] constexpr std::uint64_t splitmix64(std::uint64_t& state) noexcept {
  state += 0x9e3779b97f4a7c15u;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

class Random {
 public:
  // Streams of the same seed are independent.
  constexpr explicit Random(std::uint64_t seed, std::uint64_t stream = 0) noexcept {
    std::uint64_t mix = seed;
    mix = splitmix64(mix) ^ (stream * 0xd1342543de82ef95u);
    for (auto& word : s_) word = splitmix64(mix);
  }

  constexpr std::uint64_t next() noexcept {
    const std::uint64_t result = std::rotl(s_[0] + s_[3], 23) + s_[0];
    const std::uint64_t t = s_[1] << 17;
    s_[2] ^= s_[0];
    s_[3] ^= s_[1];
    s_[1] ^= s_[2];
    s_[0] ^= s_[3];
    s_[2] ^= t;
    s_[3] = std::rotl(s_[3], 45);
    return result;
  }

  // Uniform in [0, 1), 53 bits.
  constexpr double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }
  constexpr double uniform(double low, double high) noexcept {
    return low + (high - low) * uniform();
  }
  // Uniform in [0, n), n > 0; multiply-shift, bias below 2^-32 for the small n used here.
  constexpr std::uint32_t below(std::uint32_t n) noexcept {
    return static_cast<std::uint32_t>(((next() >> 32) * n) >> 32);
  }
  constexpr bool chance(double probability) noexcept { return uniform() < probability; }

  // Standard normal, Marsaglia's polar method.
  double normal() noexcept {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    double u, v, s;
    do {
      u = uniform(-1.0, 1.0);
      v = uniform(-1.0, 1.0);
      s = u * u + v * v;
    } while (s >= 1.0 || s == 0.0);
    const double scale = det::sqrt(-2.0 * det::log(s) / s);
    spare_ = v * scale;
    has_spare_ = true;
    return u * scale;
  }

 private:
  std::array<std::uint64_t, 4> s_{};
  double spare_ = 0.0;
  bool has_spare_ = false;
};

}  // namespace medius
