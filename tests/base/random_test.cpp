#include "controller/base/random.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace medius {
namespace {

TEST(Random, SplitmixGivesThePublishedSequence) {
  std::uint64_t state = 1'234'567;
  for (const std::uint64_t expected :
       {6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u,
        16408922859458223821u}) {
    EXPECT_EQ(splitmix64(state), expected);
  }
}

// xoshiro256++ 1.0 as its authors publish it.
struct Reference {
  std::array<std::uint64_t, 4> s;
  std::uint64_t next() {
    const std::uint64_t result = std::rotl(s[0] + s[3], 23) + s[0];
    const std::uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = std::rotl(s[3], 45);
    return result;
  }
};

TEST(Random, IsXoshiro256PlusPlusSeededBySplitmix) {
  Reference published{{1, 2, 3, 4}};
  for (const std::uint64_t expected :
       {std::uint64_t{41943041}, std::uint64_t{58720359}, std::uint64_t{3588806011781223},
        std::uint64_t{3591011842654386}, std::uint64_t{9228616714210784205u},
        std::uint64_t{9973669472204895162u}}) {
    ASSERT_EQ(published.next(), expected);
  }
  for (const std::uint64_t seed : {0u, 1u, 42u}) {
    std::uint64_t mix = seed;
    mix = splitmix64(mix);
    Reference reference{};
    for (auto& word : reference.s) word = splitmix64(mix);
    Random random(seed);
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(random.next(), reference.next());
  }
}

TEST(Random, TheSameSeedRepeatsAndStreamsDiffer) {
  Random a(7, 1), b(7, 1), other_stream(7, 2), other_seed(8, 1);
  int same_stream = 0, same_seed = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t x = a.next();
    ASSERT_EQ(x, b.next());
    same_stream += x == other_stream.next();
    same_seed += x == other_seed.next();
  }
  EXPECT_EQ(same_stream + same_seed, 0);
}

TEST(Random, StreamsOfOneSeedAreUncorrelated) {
  Random a(7, 0), b(7, 1);
  double sum = 0.0;
  constexpr int kN = 100'000;
  for (int i = 0; i < kN; ++i) sum += a.normal() * b.normal();
  EXPECT_LT(std::fabs(sum / std::sqrt(kN)), 4.0);
}

TEST(Random, UniformFillsItsIntervalEvenly) {
  Random random(9);
  constexpr int kN = 1'000'000, kBins = 100;
  std::array<int, kBins> bins{};
  double low = 1.0, high = 0.0;
  for (int i = 0; i < kN; ++i) {
    const double x = random.uniform();
    ASSERT_TRUE(x >= 0.0 && x < 1.0);
    low = std::min(low, x);
    high = std::max(high, x);
    ++bins[static_cast<std::size_t>(x * kBins)];
  }
  double chi2 = 0.0;
  for (const int count : bins) chi2 += (count - kN / kBins) * (count - kN / kBins) * 1.0;
  chi2 /= kN / kBins;
  EXPECT_GT(chi2, 55.0);  // 99 degrees of freedom: 0.01 % and 99.99 %
  EXPECT_LT(chi2, 159.0);
  EXPECT_LT(low, 1e-4);
  EXPECT_GT(high, 1.0 - 1e-4);
}

TEST(Random, NormalHasTheMomentsAndTailsOfANormal) {
  Random random(10);
  constexpr int kN = 1'000'000;
  double m1 = 0.0, m2 = 0.0, m3 = 0.0, m4 = 0.0;
  int beyond_two = 0, beyond_four = 0;
  for (int i = 0; i < kN; ++i) {
    const double x = random.normal();
    m1 += x;
    m2 += x * x;
    m3 += x * x * x;
    m4 += x * x * x * x;
    beyond_two += std::fabs(x) > 2.0;
    beyond_four += std::fabs(x) > 4.0;
  }
  EXPECT_NEAR(m1 / kN, 0.0, 4e-3);  // four standard errors each
  EXPECT_NEAR(m2 / kN, 1.0, 6e-3);
  EXPECT_NEAR(m3 / kN, 0.0, 16e-3);
  EXPECT_NEAR(m4 / kN, 3.0, 40e-3);
  EXPECT_NEAR(beyond_two, 45'500, 850);
  EXPECT_NEAR(beyond_four, 63, 32);
}

TEST(Random, BelowReachesEveryNumberAndNoOther) {
  Random random(12);
  for (const std::uint32_t n : {1u, 2u, 3u, 7u, 100u}) {
    std::vector<int> seen(n);
    for (std::uint32_t i = 0; i < 2000 * n; ++i) ++seen.at(random.below(n));
    for (const int count : seen) EXPECT_NEAR(count, 2000, 225);
  }
  for (int i = 0; i < 1000; ++i) ASSERT_LT(random.below(UINT32_MAX), UINT32_MAX);
}

TEST(Random, ChanceOfNeverAndAlways) {
  Random random(13);
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_FALSE(random.chance(0.0));
    ASSERT_TRUE(random.chance(1.0));
  }
}

TEST(Random, ACopyContinuesLikeTheOriginalSpareIncluded) {
  Random a(14);
  a.normal();  // leaves a spare
  Random b = a;
  for (int i = 0; i < 100; ++i) ASSERT_EQ(a.normal(), b.normal());
}

}  // namespace
}  // namespace medius
