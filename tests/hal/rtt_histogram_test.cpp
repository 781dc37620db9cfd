// Round-trip times in buckets: a quantile is never below the value, and at most an eighth above it.
#include "hal/modbus/rtt_histogram.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace medius::hal::modbus {
namespace {

TEST(RttHistogram, IsZeroWhenNothingWasMeasured) {
  const RttHistogram histogram;
  EXPECT_EQ(histogram.quantile_ns(0.5), 0);
  EXPECT_EQ(histogram.max_ns(), 0);
}

RC_GTEST_PROP(RttHistogram, QuantilesHoldWithinABucket, (std::vector<std::uint32_t> values)) {
  RC_PRE(!values.empty());
  RttHistogram histogram;
  for (const std::uint32_t value : values) histogram.add(value);
  std::sort(values.begin(), values.end());
  for (const double quantile : {0.01, 0.5, 0.9, 1.0}) {
    const auto rank =
        static_cast<std::size_t>(quantile * static_cast<double>(values.size()) + 0.999999);
    const std::int64_t exact = values[std::clamp<std::size_t>(rank, 1, values.size()) - 1];
    RC_ASSERT(histogram.quantile_ns(quantile) > exact);
    RC_ASSERT(histogram.quantile_ns(quantile) <= exact + exact / 8 + 1);
  }
  RC_ASSERT(histogram.max_ns() == static_cast<std::int64_t>(values.back()));
}

TEST(RttHistogram, ValuesBeyondItsRangeStayInTheLastBucket) {
  RttHistogram histogram;
  histogram.add(INT64_MAX);
  histogram.add(-5);
  EXPECT_GT(histogram.quantile_ns(1.0), 4'000'000'000);
  EXPECT_EQ(histogram.max_ns(), INT64_MAX);
}

}  // namespace
}  // namespace medius::hal::modbus
