#include "controller/diagnosis/limits_copy.hpp"

#include <gtest/gtest.h>

#include "controller/rt/engine_config.hpp"

namespace medius::diagnosis {
namespace {

TEST(LimitsCopy, EveryFlippedBitOfTheLimitsIsFoundAtOnce) {
  rt::AxisConfig config;
  config.bounds = safety::machine_bounds(hal::CoordinateKind::kCable);
  LimitsCopy<rt::AxisConfig> copy;
  copy.take(config);
  auto* bytes = reinterpret_cast<unsigned char*>(&config);
  for (std::size_t bit = 0; bit < 8 * sizeof config; ++bit) {
    ASSERT_TRUE(copy.agrees(config));
    bytes[bit / 8] ^= static_cast<unsigned char>(1u << (bit % 8));
    ASSERT_FALSE(copy.agrees(config)) << "bit " << bit;
    bytes[bit / 8] ^= static_cast<unsigned char>(1u << (bit % 8));
  }
}

TEST(LimitsCopy, AFlipInBothCopiesIsFoundByTheCrc) {
  double limit = 600.0;
  LimitsCopy<double> copy;
  copy.take(limit);
  auto* value = reinterpret_cast<unsigned char*>(&limit);
  auto* stored = reinterpret_cast<unsigned char*>(&copy);  // its words come first
  value[7] ^= 1;
  stored[7] ^= 1;
  int looks = 0;
  while (copy.agrees(limit) && looks < 200) ++looks;
  EXPECT_LT(looks, 129);
}

}  // namespace
}  // namespace medius::diagnosis
