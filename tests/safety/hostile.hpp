// Numbers as a broken plugin, a torn register or an unplugged sensor would give them.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "controller/base/random.hpp"

namespace medius::test {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInf = std::numeric_limits<double>::infinity();

inline constexpr std::array<double, 20> kHostile = {kNaN,
                                                    -kNaN,
                                                    kInf,
                                                    -kInf,
                                                    0.0,
                                                    -0.0,
                                                    std::numeric_limits<double>::denorm_min(),
                                                    -std::numeric_limits<double>::denorm_min(),
                                                    std::numeric_limits<double>::min(),
                                                    std::numeric_limits<double>::max(),
                                                    std::numeric_limits<double>::lowest(),
                                                    1e9,
                                                    -1e9,
                                                    1e308,
                                                    -1e308,
                                                    600.0,
                                                    600.0000001,
                                                    -1e-300,
                                                    1e-300,
                                                    901.0};

// Mostly plausible numbers of the given scale, every fourth one hostile.
inline double hostile(Random& random, double scale) {
  if (random.below(4) == 0) return kHostile[random.below(kHostile.size())];
  return random.uniform(-scale, scale);
}

inline std::int64_t hostile_age_ns(Random& random) {
  constexpr std::array<std::int64_t, 8> kEdges = {0,          -1,         10'000'000, 10'000'001,
                                                  20'000'000, 20'000'001, INT64_MAX,  INT64_MIN};
  if (random.below(4) == 0) return kEdges[random.below(kEdges.size())];
  return static_cast<std::int64_t>(random.below(12'000'000));
}

}  // namespace medius::test
