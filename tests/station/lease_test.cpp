// The lease of control by itself, and what it does to orders and to a set under way.
#include "controller/station/lease.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/station/station_bench.hpp"

namespace medius::station::test {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kSecond = 1'000'000'000;

class Book : public testing::Test {
 protected:
  std::uint64_t next = 100;
  LeaseBook book{[this] { return next++; }};
  Lease take(const std::string& who, std::int64_t now_ns) {
    return book.acquire({who, 10 * kSecond, false}, now_ns).value().lease;
  }
};

TEST_F(Book, HasOneHolderAtATime) {
  const Lease ada = take("ada", 0);
  const auto bob = book.acquire({"bob", 10 * kSecond, false}, kSecond);
  ASSERT_FALSE(bob);
  EXPECT_EQ(bob.error().code, RefusalCode::kNoLease);
  EXPECT_THAT(bob.error().message, HasSubstr("'ada' holds the lease of control for another 9.0 s"));
  EXPECT_FALSE(book.release({"bob", ada.epoch, 0}, kSecond));
  EXPECT_TRUE(book.release({"ada", ada.epoch, 0}, kSecond).value());
  EXPECT_GT(take("bob", kSecond).epoch, ada.epoch);
}

TEST_F(Book, EndsByItselfAndTellsOnce) {
  const Lease ada = take("ada", 0);
  EXPECT_NE(book.current(10 * kSecond - 1), nullptr);
  EXPECT_EQ(book.current(10 * kSecond), nullptr);
  EXPECT_FALSE(book.renew({"ada", ada.epoch, 0}, 10 * kSecond)) << "what has ended is not renewed";
  EXPECT_TRUE(book.take_expired(10 * kSecond));
  EXPECT_FALSE(book.take_expired(10 * kSecond));
}

TEST_F(Book, RepeatedRequestsAreHarmless) {
  const Lease ada = take("ada", 0);
  EXPECT_EQ(take("ada", kSecond).epoch, ada.epoch);
  const Lease bob = book.hand_over({"ada", ada.epoch, 0}, "bob", 2 * kSecond).value();
  EXPECT_TRUE(book.release({"ada", ada.epoch, 0}, 3 * kSecond)) << "it is over already";
  EXPECT_EQ(book.current(3 * kSecond)->epoch, bob.epoch) << "and the next one is not ended by it";
}

TEST_F(Book, AHolderThatComesBackMayPutAnEndToWhatItSentBefore) {
  const Lease before = take("ada", 0);
  const Lease after = book.acquire({"ada", 10 * kSecond, true}, kSecond).value().lease;
  EXPECT_GT(after.epoch, before.epoch);
  const auto stale = book.check("ada", before.epoch, LeaseNeed::kWhenHeld, kSecond);
  ASSERT_TRUE(stale);
  EXPECT_EQ(stale->code, RefusalCode::kStaleLease);
  EXPECT_FALSE(book.check("ada", after.epoch, LeaseNeed::kWhenHeld, kSecond));
}

TEST_F(Book, EpochsGrowAlsoWhenTheirSourceGoesBack) {
  const Lease first = take("ada", 0);
  next = 1;
  EXPECT_GT(book.hand_over({"ada", first.epoch, 0}, "bob", 0).value().epoch, first.epoch);
}

TEST_F(Book, DurationsAndNamesHaveBounds) {
  for (const std::int64_t wrong : {std::int64_t{0}, kSecond, 61 * kSecond, std::int64_t{-1}}) {
    EXPECT_EQ(book.acquire({"ada", wrong, false}, 0).error().code, RefusalCode::kInvalid);
  }
  EXPECT_EQ(book.acquire({"", 10 * kSecond, false}, 0).error().code, RefusalCode::kInvalid);
}

TEST_F(Book, WhatAnOrderNeeds) {
  using enum LeaseNeed;
  EXPECT_FALSE(book.check("ada", {}, kWhenHeld, 0)) << "nobody leads: anybody may";
  EXPECT_TRUE(book.check("ada", {}, kAlways, 0)) << "from elsewhere: not without a lease";
  const Lease ada = take("ada", 0);
  for (const LeaseNeed need : {kWhenHeld, kAlways}) {
    EXPECT_TRUE(book.check("ada", {}, need, 0)) << "the holder gives its epoch";
    EXPECT_TRUE(book.check("bob", {}, need, 0));
    EXPECT_TRUE(book.check("bob", ada.epoch, need, 0)) << "knowing the epoch is not enough";
    EXPECT_TRUE(book.check("ada", ada.epoch + 1, need, 0));
    EXPECT_FALSE(book.check("ada", ada.epoch, need, 0));
  }
  EXPECT_FALSE(book.check("bob", {}, kEpochOnly, 0)) << "lowering needs none";
  EXPECT_TRUE(book.check("bob", 99, kEpochOnly, 0)) << "but a stale one is stale";
  EXPECT_FALSE(book.check("bob", 99, kNone, 0)) << "pause and stop: whatever they carry";
}

// ---- on a station ----------------------------------------------------------------------------
class Led : public testing::Test {
 protected:
  Led() {
    ada = bench.station->acquire_lease({"ada", 15 * kSecond, false}).value().lease;
    StartSessionOrder order;
    order.header = by(ada);
    order.program_id = "two-sides";
    EXPECT_TRUE(bench.wait([&](auto answer) { bench.station->start_session(order, answer); }));
    EXPECT_TRUE(bench.run_to_load(60.0));
  }
  OrderHeader by(const Lease& lease) {
    OrderHeader header = bench.header(lease.holder);
    header.lease_epoch = lease.epoch;
    return header;
  }
  Result adjust(const OrderHeader& header, double load) {
    AdjustLoadOrder order;
    order.header = header;
    order.load = load;
    return bench.adjust(order);
  }
  void renew() { ASSERT_TRUE(bench.station->renew_lease({"ada", ada.epoch, 0})); }
  bool in_concentric() {
    return bench.run_until([&] { return bench.loop.axis().phase == measure::Phase::kConcentric; });
  }
  StationBench bench;
  Lease ada;
};

TEST_F(Led, OnlyTheHolderRaisesAndAnybodyLowersPausesAndStops) {
  const Result raised = adjust(bench.header("bob"), 70.0);
  ASSERT_FALSE(raised);
  EXPECT_EQ(raised.error().code, RefusalCode::kNoLease);
  EXPECT_THAT(raised.error().message, HasSubstr("'ada' holds the lease"));
  EXPECT_TRUE(adjust(by(ada), 70.0));
  EXPECT_TRUE(adjust(bench.header("bob"), 50.0)) << "lowering is never a matter of who";
  EXPECT_TRUE(bench.wait([&](auto answer) { bench.station->pause(bench.header("bob"), answer); }));
  bench.run_ms(600);
  const Result resumed =
      bench.wait([&](auto answer) { bench.station->resume(bench.header("bob"), answer); });
  ASSERT_FALSE(resumed);
  EXPECT_EQ(resumed.error().code, RefusalCode::kNoLease);
  EXPECT_TRUE(bench.wait([&](auto answer) { bench.station->stop(bench.header("bob"), answer); }));
}

TEST_F(Led, AnOrderFromBeforeAHandOverIsStaleHoweverHarmless) {
  const Lease bob = bench.station->hand_over_lease({"ada", ada.epoch, 0}, "bob").value();
  for (const double load : {70.0, 50.0}) {
    const Result late = adjust(by(ada), load);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, RefusalCode::kStaleLease);
    EXPECT_THAT(late.error().message, HasSubstr("is over: 'bob' holds the lease"));
  }
  EXPECT_TRUE(adjust(by(bob), 70.0));
  bench.station->client_lost("ada");
  bench.run_ms(20);
  EXPECT_FALSE(bench.loop.axis().increases_frozen) << "ada leads no more";
  bench.station->client_lost("bob");
  bench.run_ms(20);
  EXPECT_TRUE(bench.loop.axis().increases_frozen);
}

TEST_F(Led, WhenTheLeaseRunsOutIncreasesAreFrozenAndTheLoadStays) {
  ASSERT_TRUE(bench.station->renew_lease({"ada", ada.epoch, 2 * kSecond}));
  bench.loop.ticks_a_phase = 3000;
  bench.run_ms(1'990);
  EXPECT_FALSE(bench.loop.axis().increases_frozen);
  bench.run_ms(30);
  EXPECT_TRUE(bench.loop.axis().increases_frozen);
  EXPECT_TRUE(bench.now().increases_frozen);
  EXPECT_EQ(bench.now().state, StationState::kWorking);
  EXPECT_EQ(bench.loop.axis().load_applied, 60.0);
  EXPECT_THAT(bench.now().warnings, testing::Contains(HasSubstr("the lease of 'ada' ran out")));
}

TEST_F(Led, WhoeverTakesAFreeLeaseLeadsOnAndGivesItBackToTheStarter) {
  bench.loop.lifts = false;
  ASSERT_TRUE(bench.station->renew_lease({"ada", ada.epoch, 2 * kSecond}));
  bench.run_ms(2'050);
  ASSERT_TRUE(bench.loop.axis().increases_frozen);
  const Lease bob = bench.station->acquire_lease({"bob", 15 * kSecond, false}).value().lease;
  bench.run_ms(20);
  EXPECT_FALSE(bench.loop.axis().increases_frozen);
  EXPECT_TRUE(adjust(by(bob), 70.0));
  EXPECT_TRUE(bench.station->release_lease({"bob", bob.epoch, 0}));
  bench.run_ms(20);
  EXPECT_FALSE(bench.loop.axis().increases_frozen) << "given back, not lost";
}

TEST_F(Led, AnIncreaseThatWaitsWhenTheLeaseRunsOutNeverComesIntoForce) {
  bench.loop.ticks_a_phase = 3000;
  ASSERT_TRUE(in_concentric());
  ASSERT_TRUE(bench.station->renew_lease({"ada", ada.epoch, 2 * kSecond}));
  ASSERT_TRUE(adjust(by(ada), 80.0));
  EXPECT_EQ(bench.loop.axis().load_requested, 80.0);
  bench.run_ms(2'050);
  EXPECT_EQ(bench.loop.axis().load_requested, 60.0) << "taken back";
  ASSERT_TRUE(bench.station->acquire_lease({"bob", 15 * kSecond, false}));
  bench.run_ms(8'000);
  EXPECT_EQ(bench.loop.axis().load_applied, 60.0);
}

TEST_F(Led, AnOrderWithoutALeaseFromElsewhereIsRefusedAlsoWhenNobodyLeads) {
  ASSERT_TRUE(bench.station->release_lease({"ada", ada.epoch, 0}));
  OrderHeader remote = bench.header("ada");
  remote.lease_required = true;
  const Result refused = adjust(remote, 70.0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, RefusalCode::kNoLease);
  EXPECT_TRUE(adjust(bench.header("ada"), 70.0)) << "on the spot it is not needed";
}

TEST_F(Led, TheLastChangeIsToldWithRequestedAcceptedAppliedAndReadBack) {
  ASSERT_TRUE(in_concentric());
  const OrderHeader header = by(ada);
  const Result receipt = adjust(header, 70.0);
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->report.applied, 60.0) << "an increase waits for the bottom";
  EXPECT_GT(receipt->report.readback_tick, 0u);
  ASSERT_TRUE(bench.now().load_change);
  EXPECT_FALSE(bench.now().load_change->applied);
  ASSERT_TRUE(bench.run_until([&] { return bench.now().load_change->applied; }, 5.0));
  const LoadChange& change = *bench.now().load_change;
  EXPECT_EQ(change.request_id, header.request_id);
  EXPECT_EQ(change.client_name, "ada");
  EXPECT_EQ(change.requested, 70.0);
  EXPECT_EQ(change.accepted, 70.0);
  EXPECT_EQ(change.accepted_tick, receipt->tick);
  EXPECT_EQ(change.report.applied, 70.0);
  EXPECT_GT(change.report.applied_tick, change.accepted_tick);
  EXPECT_GE(change.report.readback_tick, change.report.applied_tick);
}

TEST(Lease, EpochsGrowFromRunToRun) {
  std::uint64_t before = 0;
  for (int run = 0; run < 2; ++run) {
    StationBench bench;
    for (int burnt = 0; burnt < 5 * run; ++burnt) (void)bench.runtime.new_id();
    const Lease lease = bench.station->acquire_lease({"ada", 15 * kSecond, false}).value().lease;
    EXPECT_GT(lease.epoch, before) << "ids of a later run are larger, and so are its epochs";
    before = lease.epoch;
  }
}

}  // namespace
}  // namespace medius::station::test
