// The guard's decision on simulated time.
#include "hal/guard/guard.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "controller/base/random.hpp"

namespace medius::guard {
namespace {

constexpr std::int64_t kStepNs = 100'000;
constexpr std::int64_t kLookNs = 500'000;

// A daemon and its guard on one clock. The daemon beats `late_ns` after each tick's nominal time.
struct Bench {
  GuardConfig config;
  GuardState state;
  HeartbeatPage page;
  HeartbeatWriter writer;
  std::int64_t now_ns = 1'000'000'000;
  std::int64_t next_tick_ns = now_ns;
  std::uint64_t index = 1000;
  std::int64_t late_ns = 20'000;
  std::int64_t look_phase_ns = 0;
  bool alive = true;
  bool reset = false;
  bool hold = true;
  bool asserting = false;
  std::int64_t last_beat_ns = 0;
  std::int64_t starved_ns = 0;  // when the output went from held to starved

  Bench() { writer.attach(&page, 7, false); }

  void beat() {
    const Tick tick{index, next_tick_ns, late_ns, 0};
    writer.beat(tick, 0, hold, reset);
    last_beat_ns = next_tick_ns;
  }
  void look_once() {
    GuardInput input;
    input.before_ns = input.after_ns = now_ns;
    input.readable = page.content.try_load(input.beat);
    const bool was = asserting;
    asserting = look(config, state, input);
    if (was && !asserting) starved_ns = now_ns;
  }
  void run(std::int64_t duration_ns) {
    const std::int64_t end_ns = now_ns + duration_ns;
    for (; now_ns < end_ns; now_ns += kStepNs) {
      while (next_tick_ns + late_ns <= now_ns) {
        if (alive) beat();
        next_tick_ns += kTickPeriodNs;
        ++index;
      }
      if ((now_ns - look_phase_ns) % kLookNs == 0) look_once();
    }
  }
  void press_reset() {
    reset = true;
    run(20'000'000);
    reset = false;
    run(20'000'000);
  }
  void arm() {
    run(50'000'000);
    press_reset();
  }
};

TEST(Guard, HoldsOnlyAfterADaemonBeatsAndALocalReset) {
  Bench bench;
  bench.alive = false;
  bench.run(100'000'000);
  EXPECT_EQ(bench.state.doubt, Doubt::kNoDaemon);
  bench.alive = true;
  bench.run(100'000'000);
  EXPECT_FALSE(bench.asserting);
  EXPECT_EQ(bench.state.doubt, Doubt::kNoReset);
  bench.press_reset();
  EXPECT_TRUE(bench.asserting);
}

TEST(Guard, FollowsALoopThatWantsNoTorqueWithoutLatching) {
  Bench bench;
  bench.arm();
  bench.hold = false;
  bench.run(5'000'000);
  EXPECT_FALSE(bench.asserting);
  EXPECT_EQ(bench.state.doubt, Doubt::kNotHeld);
  bench.hold = true;
  bench.run(5'000'000);
  EXPECT_TRUE(bench.asserting);
}

TEST(Guard, StarvesForAProofTestAndHoldsAgainAfterIt) {
  Bench bench;
  bench.arm();
  bench.writer.prove(true);
  bench.run(5'000'000);
  EXPECT_FALSE(bench.asserting);
  EXPECT_EQ(bench.state.doubt, Doubt::kProof);
  bench.writer.prove(false);
  bench.run(5'000'000);
  EXPECT_TRUE(bench.asserting);
}

TEST(Guard, ADeadDaemonsPageIsNoDaemon) {
  Bench bench;
  bench.beat();
  bench.alive = false;
  bench.run(100'000'000);
  EXPECT_EQ(bench.state.phase, Phase::kWaiting);
}

RC_GTEST_PROP(Guard, AHeartbeatThatEndsStarvesTheOutputWithinFiveMilliseconds, ()) {
  Bench bench;
  bench.late_ns = *rc::gen::inRange(0, 30) * kStepNs;
  bench.look_phase_ns = *rc::gen::inRange(0, 5) * kStepNs;
  bench.arm();
  RC_ASSERT(bench.asserting);
  bench.run(*rc::gen::inRange(1, 2000) * kStepNs);
  RC_ASSERT(bench.asserting);
  bench.alive = false;  // killed, frozen or starved: all look alike from here
  bench.run(10'000'000);
  RC_ASSERT(!bench.asserting);
  RC_ASSERT(bench.starved_ns - bench.last_beat_ns <= 5'000'000);
  RC_ASSERT(bench.state.latched_for == Doubt::kStopped);
  // Neither its thaw nor a reset brings it back.
  bench.alive = true;
  bench.press_reset();
  RC_ASSERT(!bench.asserting);
  // Another daemon alone does not either, but with a local reset.
  bench.writer.attach(&bench.page, 8, false);
  bench.run(50'000'000);
  RC_ASSERT(!bench.asserting);
  bench.press_reset();
  RC_ASSERT(bench.asserting);
}

RC_GTEST_PROP(Guard, ALoopThatIsAtMostThreeMillisecondsLateIsNeverStarved, ()) {
  Bench bench;
  bench.look_phase_ns = *rc::gen::inRange(0, 5) * kStepNs;
  bench.arm();
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  for (int i = 0; i < 2000; ++i) {
    bench.late_ns = static_cast<std::int64_t>(random.uniform() * 30.0) * kStepNs;
    bench.run(kTickPeriodNs);
    RC_ASSERT(bench.asserting);
  }
}

RC_GTEST_PROP(Guard, AnIndexAheadOfTheClockStarves, ()) {
  Bench bench;
  bench.arm();
  const int ahead = *rc::gen::inRange(1, 1000);
  bench.index += static_cast<std::uint64_t>(ahead);
  bench.next_tick_ns += ahead * kTickPeriodNs;
  bench.beat();  // beats the future
  bench.look_once();
  RC_ASSERT(!bench.asserting);
  RC_ASSERT(bench.state.latched_for == Doubt::kAhead);
}

TEST(Guard, AShortIntervalIsNotEarly) {
  Bench bench;
  bench.arm();
  bench.late_ns = 2'900'000;  // then on time again: two beats 0.1 ms apart
  bench.run(10'000'000);
  bench.late_ns = 0;
  bench.run(10'000'000);
  EXPECT_TRUE(bench.asserting);
}

RC_GTEST_PROP(Guard, AnIndexThatGoesBackOrDoesNotFitItsTimeStarves, ()) {
  Bench bench;
  bench.arm();
  const bool back = *rc::gen::arbitrary<bool>();
  bench.index = back ? bench.index - 3 : bench.index + 2;
  bench.beat();
  bench.look_once();
  RC_ASSERT(!bench.asserting);
  RC_ASSERT(bench.state.latched_for == Doubt::kBackwards);
}

TEST(Guard, AClockThatGoesBackStarves) {
  Bench bench;
  bench.arm();
  bench.now_ns -= 1'000'000;
  bench.look_once();
  EXPECT_FALSE(bench.asserting);
  EXPECT_EQ(bench.state.latched_for, Doubt::kClock);
}

TEST(Guard, AGuardThatIsStartedAnewAsksForAReset) {
  Bench bench;
  bench.arm();
  bench.state = GuardState{};
  bench.asserting = false;
  bench.run(100'000'000);
  EXPECT_FALSE(bench.asserting);
  bench.press_reset();
  EXPECT_TRUE(bench.asserting);
}

TEST(Guard, AStallOfItsOwnBetweenClockAndBeatStarvesNobody) {
  Bench bench;
  bench.arm();
  GuardInput input;
  input.before_ns = bench.now_ns;
  bench.next_tick_ns += 40 * kTickPeriodNs;
  bench.index += 40;
  bench.beat();
  input.after_ns = bench.now_ns + 41 * kTickPeriodNs;
  input.readable = bench.page.content.try_load(input.beat);
  EXPECT_TRUE(look(bench.config, bench.state, input));
}

TEST(Guard, AFailedOutputLatches) {
  Bench bench;
  bench.arm();
  give_up(bench.state, Doubt::kOutput);
  bench.run(10'000'000);
  EXPECT_FALSE(bench.asserting);
}

TEST(Guard, InLockstepOnlyTheMachinesOwnTimeCounts) {
  GuardConfig config;
  GuardState state;
  HeartbeatPage page;
  HeartbeatWriter writer;
  writer.attach(&page, 9, true);
  bool asserting = false;
  std::uint64_t plant = 50;  // its own beginning
  const auto look_at = [&] {
    GuardInput input;
    input.before_ns = input.after_ns = static_cast<std::int64_t>(plant) * kTickPeriodNs;
    input.readable = page.content.try_load(input.beat);
    asserting = look(config, state, input);
  };
  for (std::uint64_t i = 1000; i < 1300; ++i, ++plant) {
    writer.beat({i, static_cast<std::int64_t>(i) * kTickPeriodNs, 0, 0}, 0, true, i == 1100);
    look_at();
  }
  EXPECT_TRUE(asserting);
  for (int i = 0; i < 1000; ++i) look_at();  // the host stalls, and the plant with it
  EXPECT_TRUE(asserting);
  int ticks = 0;
  for (; asserting && ticks < 100; ++ticks, ++plant) look_at();
  EXPECT_LE(ticks, 7);
  EXPECT_EQ(state.latched_for, Doubt::kStopped);
}

}  // namespace
}  // namespace medius::guard
