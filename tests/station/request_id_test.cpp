// How long a request id is remembered, what becomes of an order that comes again later still, and
// the load from which the next step is counted.
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/station/station_bench.hpp"

namespace medius::station::test {
namespace {

using rt::CommandKind;
using testing::HasSubstr;

// More than the 1,024 answers that the API promises to remember.
constexpr int kManyOrders = 1100;

class LongSet : public testing::Test {
 protected:
  LongSet() {
    EXPECT_TRUE(bench.start());
    EXPECT_TRUE(bench.run_to_load(60.0));
  }
  AdjustLoadOrder order(double load) {
    AdjustLoadOrder out;
    out.header = bench.header();
    out.load = load;
    return out;
  }
  StationBench bench{nullptr, [](StationConfig& config) {
                       config.programs.programs["two-sides"].blocks[0].reps = 200;
                     }};
};

TEST_F(LongSet, AnOrderWhoseAnswerIsForgottenIsRefusedAndNotCarriedOutAgain) {
  const AdjustLoadOrder old = order(50.0);
  ASSERT_TRUE(bench.adjust(old));
  for (int i = 0; i < kManyOrders; ++i) ASSERT_TRUE(bench.adjust(i % 2 == 0 ? 41.0 : 40.0));
  const int told = bench.loop.count(CommandKind::kSetLoad);
  for (int again = 0; again < 2; ++again) {
    const Result result = bench.adjust(old);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, RefusalCode::kInvalid);
    EXPECT_THAT(result.error().message, HasSubstr("order with a new id"));
  }
  EXPECT_EQ(bench.loop.count(CommandKind::kSetLoad), told);
  EXPECT_EQ(bench.loop.axis().load_requested, 40.0);
}

TEST_F(LongSet, TheLastAnswersAreStillGiven) {
  const AdjustLoadOrder old = order(50.0);
  ASSERT_TRUE(bench.adjust(old));
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(bench.adjust(i % 2 == 0 ? 41.0 : 40.0));
  const Result again = bench.adjust(old);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->duplicate);
}

TEST_F(LongSet, AStopIsCarriedOutHoweverOldItsId) {
  const AdjustLoadOrder old = order(50.0);
  ASSERT_TRUE(bench.adjust(old));
  for (int i = 0; i < kManyOrders; ++i) ASSERT_TRUE(bench.adjust(i % 2 == 0 ? 41.0 : 40.0));
  const Result result = bench.wait([&](auto answer) { bench.station->stop(old.header, answer); });
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_GT(bench.loop.count(CommandKind::kUnload), 0);
}

TEST_F(LongSet, AStopWithTheIdOfARefusedOrderDoesNotMakeItItsOwn) {
  const AdjustLoadOrder refused = order(150.0);  // too large a step
  const Result first = bench.adjust(refused);
  ASSERT_FALSE(first);
  int stops = 0;
  bench.station->stop(refused.header, [&](const Result& result) { stops += result ? 1 : 0; });
  std::string meanwhile;
  bench.station->adjust_load(refused,
                             [&](const Result& result) { meanwhile = result.error().message; });
  EXPECT_EQ(meanwhile, first.error().message) << "while the stop waits for the loop";
  bench.run_ms(100);
  EXPECT_EQ(stops, 1);
  const Result later = bench.adjust(refused);
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().message, first.error().message) << "and once it is answered";
}

// A ramp of 250 steps ends 10^-13 N short of 25 N; whoever lets go of the handle in that very tick
// must not find a step of 30 N, the largest one, 10^-13 N too large.
TEST(LoadInForce, IsTheOrderedLoadButForRounding) {
  StationBench bench(nullptr, [](StationConfig& config) {
    config.programs.programs["two-sides"].blocks[0].load = 25.0;
  });
  ASSERT_TRUE(bench.start());
  ASSERT_TRUE(bench.run_until(
      [&] { return std::abs(bench.loop.axis().load_applied - 25.0) <= 1e-6; }, 10.0));
  ASSERT_LT(bench.loop.axis().load_applied, 25.0) << "this ramp has no rounding; choose another";
  bench.loop.release_handle();
  bench.run_ms(1000);
  const Result result = bench.adjust(55.0);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->accepted, 55.0);
}

}  // namespace
}  // namespace medius::station::test
