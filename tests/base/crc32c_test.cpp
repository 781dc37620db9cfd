#include "controller/base/crc32c.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace medius {
namespace {

TEST(Crc32c, GivesTheVectorsOfRfc3720) {
  EXPECT_EQ(crc32c("123456789", 9), 0xe3069283u);
  std::array<std::uint8_t, 32> bytes{};
  EXPECT_EQ(crc32c(bytes.data(), bytes.size()), 0x8a9136aau);
  bytes.fill(0xff);
  EXPECT_EQ(crc32c(bytes.data(), bytes.size()), 0x62a8ab43u);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(crc32c(bytes.data(), bytes.size()), 0x46dd794eu);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(31 - i);
  EXPECT_EQ(crc32c(bytes.data(), bytes.size()), 0x113fdb5cu);
  EXPECT_EQ(crc32c(nullptr, 0), 0u);
}

RC_GTEST_PROP(Crc32c, MayBeContinuedAnywhere, (const std::vector<std::uint8_t>& bytes)) {
  const std::size_t cut = bytes.empty() ? 0 : *rc::gen::inRange<std::size_t>(0, bytes.size());
  const std::uint32_t whole = crc32c(bytes.data(), bytes.size());
  const std::uint32_t first = crc32c(bytes.data(), cut);
  RC_ASSERT(crc32c(bytes.data() + cut, bytes.size() - cut, first) == whole);
}

RC_GTEST_PROP(Crc32c, SeesEveryFlippedBit, (std::vector<std::uint8_t> bytes)) {
  RC_PRE(!bytes.empty());
  const std::uint32_t before = crc32c(bytes.data(), bytes.size());
  const auto bit = *rc::gen::inRange<std::size_t>(0, bytes.size() * 8);
  bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1u << (bit % 8)));
  RC_ASSERT(crc32c(bytes.data(), bytes.size()) != before);
}

}  // namespace
}  // namespace medius
