// The arithmetic of an identification, on an axis whose truth is known here.
#include "hal/commission/identify.hpp"

#include <cmath>
#include <deque>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "controller/base/random.hpp"
#include "hal/commission/excitation.hpp"

namespace medius::hal {
namespace {

struct Truth {
  double mass = 2.6, coulomb = 5.0, viscous = 10.0, dead_time_s = 0.0023;
  double stiction_ratio = 1.25;  // of Coulomb, at rest
  double anchor = 0.0;           // where the cable is taut; it holds from there inward
  double anchor_stiffness = 9000.0;
};
struct Bus {
  int cycle_ticks = 1;      // of position samples
  double jitter_s = 20e-6;  // of their stamps
  double quantum = 1e-6;    // of positions
  double force_quantum = 0.0;
};

struct Recorded {
  std::vector<MotionSample> motion;
  std::vector<CommandStep> commands;
  ExcitationResult result;
  double fastest = 0.0, strongest = 0.0;
  Stage ended_in = Stage::kBreakaway;
};

// A drum with a slack cable, 10 steps a tick, seen through a bus: shares no code with sim/plant.
Recorded recorded(const Truth& truth, const Bus& bus, ExcitationConfig config) {
  constexpr double kStep = 1e-4;
  Recorded out;
  config.force_step = bus.force_quantum;
  Excitation excitation(config);
  WholeCounts counts(bus.force_quantum, config.limits.force);
  double force = 0.0;
  Random random(7, 1);
  std::deque<double> sent(static_cast<std::size_t>(truth.dead_time_s / kStep + 0.5), 0.0);
  double x = 0.0;
  double v = 0.0;
  double seen_x = 0.0;
  double seen_v = 0.0;
  double seen_tension = 0.0;
  double last_t = 0.0;
  for (int tick = 0; tick < 120'000 && excitation.stage() != Stage::kDone; ++tick) {
    const double t = tick * 1e-3;
    const double tension = x < truth.anchor ? truth.anchor_stiffness * (truth.anchor - x) : 0.0;
    if (tick % bus.cycle_ticks == 0) {
      const double measured = std::floor(x / bus.quantum) * bus.quantum;
      if (t > last_t) {
        const double dt = t - last_t;
        seen_v += ((measured - seen_x) / dt - seen_v) * dt / (dt + 0.004);
      }
      seen_x = measured;
      seen_tension = tension;
      last_t = t;
      if (excitation.stage() == Stage::kStrokes) {
        out.motion.push_back({t + bus.jitter_s * (random.uniform() - 0.5), measured, tension});
      }
    }
    const double asked = excitation.step({seen_x, seen_v, seen_tension});
    if (bus.force_quantum == 0.0) force = asked;
    if (bus.force_quantum > 0.0 && tick % bus.cycle_ticks == 0) force = counts.next(asked);
    out.strongest = std::max(out.strongest, std::abs(force));
    if (out.commands.empty() || out.commands.back().force != force) {
      out.commands.push_back({t, force});
    }
    for (int i = 0; i < 10; ++i) {
      sent.push_back(force);
      const double motor = sent.front();
      sent.pop_front();
      const double taut = x < truth.anchor ? truth.anchor_stiffness * (truth.anchor - x) : 0.0;
      const double drive = taut - motor;  // outward
      const double level = truth.coulomb;
      double rub = 0.0;
      if (std::abs(v) < 1e-4 && std::abs(drive) <= truth.stiction_ratio * level) {
        v = 0.0;
        rub = drive;
      } else {
        const double direction =
            std::abs(v) < 1e-4 ? (drive > 0.0 ? 1.0 : -1.0) : (v > 0.0 ? 1.0 : -1.0);
        rub = direction * level + truth.viscous * v;
      }
      v += kStep * (drive - rub) / truth.mass;
      x += kStep * v;
    }
    out.fastest = std::max(out.fastest, std::abs(v));
  }
  out.result = excitation.result();
  out.ended_in = excitation.stage();
  return out;
}

TEST(Identify, FindsMassFrictionAndDeadTimeOfAFastAxis) {
  const Truth truth;
  const Recorded done = recorded(truth, Bus{}, ExcitationConfig{});
  ASSERT_EQ(done.ended_in, Stage::kDone);
  const auto fit = fit_model(done.motion, done.commands, FitOptions{});
  ASSERT_TRUE(fit.has_value());
  EXPECT_NEAR(fit->mass.value, truth.mass, 0.02 * truth.mass);
  EXPECT_NEAR(fit->coulomb.value, truth.coulomb, 0.2);
  EXPECT_NEAR(fit->viscous.value, truth.viscous, 1.5);
  EXPECT_NEAR(fit->bias.value, 0.0, 0.1);
  EXPECT_NEAR(fit->dead_time_s.value, truth.dead_time_s, 0.4e-3);
  EXPECT_LT(fit->mass.sigma, 0.05 * truth.mass);
  EXPECT_GT(fit->mass.sigma, 0.0);
}

TEST(Identify, FindsThemThroughASlowBusWithACoarseForce) {
  Truth truth;
  truth.dead_time_s = 0.012;
  Bus bus;
  bus.cycle_ticks = 13;
  bus.force_quantum = 3.41;
  const Recorded done = recorded(truth, bus, ExcitationConfig{});
  ASSERT_EQ(done.ended_in, Stage::kDone);
  FitOptions options;
  const auto fit = fit_model(done.motion, done.commands, options);
  ASSERT_TRUE(fit.has_value());
  EXPECT_NEAR(fit->mass.value, truth.mass, 0.1 * truth.mass);
  EXPECT_NEAR(fit->coulomb.value, truth.coulomb, 0.5);
  EXPECT_NEAR(fit->dead_time_s.value, truth.dead_time_s, 1.5e-3);
}

// Negative control: what is in the record moves the result, and nothing else does.
TEST(Identify, TellsALightAxisFromAHeavyOneAndAnEarlyFromALateOne) {
  for (const double mass : {1.2, 2.6, 6.0}) {
    for (const double dead_time_s : {0.001, 0.009}) {
      Truth truth;
      truth.mass = mass;
      truth.dead_time_s = dead_time_s;
      const Recorded done = recorded(truth, Bus{}, ExcitationConfig{});
      ASSERT_EQ(done.ended_in, Stage::kDone) << mass;
      const auto fit = fit_model(done.motion, done.commands, FitOptions{});
      ASSERT_TRUE(fit.has_value()) << mass;
      EXPECT_NEAR(fit->mass.value, mass, 0.05 * mass);
      EXPECT_NEAR(fit->dead_time_s.value, dead_time_s, 0.6e-3);
    }
  }
}

TEST(Identify, ARecordOfNothingTellsNothing) {
  EXPECT_FALSE(fit_model({}, {}, FitOptions{}).has_value());
  std::vector<MotionSample> still;
  for (int i = 0; i < 20'000; ++i) still.push_back({i * 1e-3, 0.1, 0.0});
  EXPECT_FALSE(fit_model(still, {}, FitOptions{}).has_value());
  // One direction and one speed: mass and friction cannot be told apart, and nothing is invented.
  std::vector<MotionSample> steady;
  for (int i = 0; i < 20'000; ++i) steady.push_back({i * 1e-3, i * 1e-4, 0.0});
  const auto fit = fit_model(steady, std::vector<CommandStep>{{0.0, -6.0}}, FitOptions{});
  EXPECT_FALSE(fit.has_value());
}

// What once stood still for a whole run: the force to move on was never reached again.
TEST(Identify, GoesOnAfterItHasStuckInTheMiddle) {
  Truth truth;
  truth.stiction_ratio = 1.9;
  const Recorded done = recorded(truth, Bus{}, ExcitationConfig{});
  ASSERT_EQ(done.ended_in, Stage::kDone);
  const auto fit = fit_model(done.motion, done.commands, FitOptions{});
  ASSERT_TRUE(fit.has_value());
  EXPECT_NEAR(fit->mass.value, truth.mass, 0.1 * truth.mass);
}

TEST(Identify, EndsWithoutMotionWhenFrictionIsMoreThanItMayUse) {
  Truth truth;
  truth.coulomb = 20.0;
  const Recorded done = recorded(truth, Bus{}, ExcitationConfig{});
  EXPECT_EQ(done.ended_in, Stage::kDone);
  EXPECT_FALSE(done.result.moved);
  EXPECT_LE(done.strongest, 15.0);
}

TEST(Identify, SeesTheTensionOfItsPullAtAHeldHandleAndNoneAtAFreeOne) {
  const Recorded held = recorded(Truth{}, Bus{}, ExcitationConfig{});
  EXPECT_TRUE(held.result.pulled);
  EXPECT_GT(held.result.pull_tension, 5.0);
  Truth loose;
  loose.anchor = -10.0;
  const Recorded unheld = recorded(loose, Bus{}, ExcitationConfig{});
  EXPECT_EQ(unheld.ended_in, Stage::kDone);
  EXPECT_FALSE(unheld.result.pulled);
}

RC_GTEST_PROP(Identify, WholeCountsAreRightOnTheAverageAndNeverBeyondTheLimit, ()) {
  const double step = *rc::gen::inRange(1, 60) * 0.1;
  const double force = *rc::gen::inRange(-140, 141) * 0.1;
  WholeCounts counts(step, 15.0);
  double sum = 0.0;
  for (int i = 0; i < 400; ++i) {
    const double given = counts.next(force);
    RC_ASSERT(std::abs(given) <= 15.0);
    sum += given;
  }
  const double most = std::floor(15.0 / step) * step;
  if (std::abs(force) <= most) RC_ASSERT(std::abs(sum / 400.0 - force) <= step / 100.0);
}

RC_GTEST_PROP(Identify, StaysWithinItsForceWhateverItSees, ()) {
  ExcitationConfig config;
  config.coordinate = *rc::gen::element(CoordinateKind::kCable, CoordinateKind::kLever);
  config.limits = identify_limits(config.coordinate);
  Excitation excitation(config);
  const auto seeds = *rc::gen::container<std::vector<int>>(200, rc::gen::inRange(-1000, 1000));
  for (const int seed : seeds) {
    const bool broken = seed % 97 == 0;
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double force = excitation.step({broken ? nan : seed * 1e-3, seed * 1e-2, seed * 0.1});
    RC_ASSERT(force <= config.limits.force && force >= -config.limits.force);
  }
}

TEST(Identify, SlowerThanItsLimitOnEveryAxisThatItMoves) {
  for (const double mass : {1.2, 2.6, 8.0}) {
    for (const int cycle : {1, 13}) {
      Truth truth;
      truth.mass = mass;
      Bus bus;
      bus.cycle_ticks = cycle;
      EXPECT_LE(recorded(truth, bus, ExcitationConfig{}).fastest,
                identify_limits(CoordinateKind::kCable).speed)
          << mass << " kg, a sample every " << cycle << " ms";
    }
  }
}

TEST(IdentifyWatch, EndsTheRunForEachThingThatIsNotAsItMustBe) {
  const IdentifyLimits limits = identify_limits(CoordinateKind::kCable);
  EXPECT_EQ(reason_to_stop(WatchInput{}, limits), nullptr);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto stops = [&](auto change) {
    WatchInput input;
    change(input);
    return reason_to_stop(input, limits) != nullptr;
  };
  EXPECT_TRUE(stops([](WatchInput& i) { i.estop_released = false; }));
  EXPECT_TRUE(stops([](WatchInput& i) { i.relay_closed = false; }));
  EXPECT_TRUE(stops([](WatchInput& i) { i.stop_pressed = true; }));
  EXPECT_TRUE(stops([](WatchInput& i) { i.safety_fresh = false; }));
  EXPECT_TRUE(stops([](WatchInput& i) { i.cell_saturated = true; }));
  EXPECT_TRUE(stops([](WatchInput& i) { i.watchdog_tripped = true; }));
  EXPECT_TRUE(stops([](WatchInput& i) { i.state = DriveState::kFault; }));
  EXPECT_TRUE(stops([](WatchInput& i) { i.drive_age_ms = 101.0; }));
  EXPECT_TRUE(stops([](WatchInput& i) { i.cell_age_ms = 101.0; }));
  EXPECT_TRUE(stops([](WatchInput& i) { i.tick_late_ms = 101.0; }));
  EXPECT_TRUE(stops([](WatchInput& i) { i.velocity = -0.21; }));
  EXPECT_TRUE(stops([](WatchInput& i) { i.position = 0.21; }));
  EXPECT_TRUE(stops([](WatchInput& i) { i.position = -0.07; }));
  EXPECT_TRUE(stops([&](WatchInput& i) { i.velocity = nan; }));
  EXPECT_TRUE(stops([&](WatchInput& i) { i.position = nan; }));
  EXPECT_TRUE(stops([&](WatchInput& i) { i.drive_age_ms = nan; }));

  EXPECT_EQ(chain_reason(WatchInput{}), nullptr);
  WatchInput off;
  off.state = DriveState::kFault;
  EXPECT_EQ(chain_reason(off), nullptr) << "the drive's own doing";
  off.estop_released = false;
  EXPECT_STREQ(chain_reason(off), reason_to_stop(off, limits));
}

TEST(IdentifyWatch, TheMassForTheFileIsAboveTheIdentifiedOneByAtMost15Percent) {
  for (double mass = 0.3; mass < 40.0; mass *= 1.17) {
    const double written = mass_for_file({mass, 0.01 * mass});
    EXPECT_GE(written, 1.02 * mass);
    EXPECT_LE(written, 1.15 * mass + 1e-12);
  }
}

}  // namespace
}  // namespace medius::hal
