#include "controller/base/trace_hash.hpp"

#include <bit>
#include <cstdint>
#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace medius {
namespace {

std::uint64_t hash_of(const std::vector<std::uint64_t>& words) {
  TraceHash hash;
  for (const std::uint64_t word : words) hash.add(word);
  return hash.value();
}

TEST(TraceHash, DependsOnOrderLengthAndTheSignOfZero) {
  std::set<std::uint64_t> values;
  for (const auto& words :
       std::vector<std::vector<std::uint64_t>>{{}, {0}, {0, 0}, {1}, {1, 2}, {2, 1}, {1, 2, 0}}) {
    EXPECT_TRUE(values.insert(hash_of(words)).second);
  }
  TraceHash plus, minus;
  plus.add(0.0);
  minus.add(-0.0);
  EXPECT_NE(plus.value(), minus.value());
}

TEST(TraceHash, ADoubleIsHashedByItsBits) {
  TraceHash by_value, by_bits;
  by_value.add(78.25);
  by_bits.add(std::bit_cast<std::uint64_t>(78.25));
  EXPECT_EQ(by_value.value(), by_bits.value());
}

RC_GTEST_PROP(TraceHash, SeesEveryFlippedBit, (std::vector<std::uint64_t> words)) {
  RC_PRE(!words.empty());
  const std::uint64_t before = hash_of(words);
  const auto bit = *rc::gen::inRange<std::size_t>(0, words.size() * 64);
  words[bit / 64] ^= std::uint64_t{1} << (bit % 64);
  RC_ASSERT(hash_of(words) != before);
}

}  // namespace
}  // namespace medius
