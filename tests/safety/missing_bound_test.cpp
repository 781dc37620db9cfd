// A bound, a limit or a state that is no positive number must act exactly as a missing one: zero.
// Two runs over the same hostile day are compared, one with the field broken, one with it at zero.
#include <vector>

#include <gtest/gtest.h>

#include "controller/safety/kernel.hpp"
#include "tests/safety/hostile.hpp"

namespace medius::safety {
namespace {

using measure::Phase;

constexpr double kBroken[] = {test::kNaN, test::kInf, -test::kInf, -1.0, -600.0};
using Field = double AxisBounds::*;
constexpr Field kFields[] = {&AxisBounds::force_max,
                             &AxisBounds::brake_force_max,
                             &AxisBounds::felt_rise_per_s,
                             &AxisBounds::felt_fall_per_s,
                             &AxisBounds::torque_slew_per_tick,
                             &AxisBounds::correction_max,
                             &AxisBounds::correction_floor,
                             &AxisBounds::outward_hold_speed,
                             &AxisBounds::governor_speed,
                             &AxisBounds::governor_gain,
                             &AxisBounds::overspeed_trip,
                             &AxisBounds::release_force_fraction,
                             &AxisBounds::release_speed,
                             &AxisBounds::slack_speed,
                             &AxisBounds::slack_gain,
                             &AxisBounds::slack_pull_max,
                             &AxisBounds::pretension_max,
                             &AxisBounds::eccentric_ratio_max,
                             &AxisBounds::refill_rise};

// Sets with repetitions, an excess on the way back, faults and unloads; every branch is met.
std::vector<double> felt_day(const AxisBounds& bounds) {
  std::vector<double> forces;
  Random random(7);
  FeltState state;
  const UserLimits user{.force_max = 300.0, .eccentric_ratio_max = 1.5};
  for (int i = 0; i < 6000; ++i) {
    const int t = i % 1500;
    FeltInput input;
    input.dt_s = 1e-3;
    input.base_force = 80.0;
    input.wish_valid = i % 97 != 0;
    input.phase = t < 500    ? Phase::kConcentric
                  : t < 600  ? Phase::kHold
                  : t < 1200 ? Phase::kEccentric
                  : t < 1300 ? Phase::kBottom
                  : t < 1400 ? Phase::kSlack
                             : Phase::kRest;
    input.velocity = t < 500    ? 0.6
                     : t < 600  ? 0.0
                     : t < 1200 ? (i < 3000 ? -0.5 : -0.04)
                                : random.uniform(-0.2, 0.2);
    input.wish = t >= 600 && t < 1200 ? 118.0 : 80.0;
    input.concentric_validated = t > 400 && t < 1000;
    input.load_state = i < 300 ? LoadState::kTakeUp : LoadState::kLoaded;
    input.pretension = 15.0;
    if (i > 5000) input.reaction = Reaction::kSoftUnload;
    if (i > 5700) input.reaction = Reaction::kFastUnload;
    forces.push_back(limit_felt_force(bounds, user, input, state).force);
  }
  return forces;
}

std::vector<double> torque_day(const AxisBounds& bounds) {
  std::vector<double> words;
  Random random(9);
  TorqueState state;
  for (int i = 0; i < 4000; ++i) {
    TorqueInput input;
    input.dt_s = 1e-3;
    input.load_state = LoadState::kLoaded;
    input.drive_age_ns = input.load_cell_age_ns = i % 400 > 380 ? 12'000'000 : 1'000'000;
    input.felt_force = 100.0;
    input.torque = 100.0 + random.uniform(-150.0, 150.0);
    input.measured_force = 100.0;
    input.velocity = random.uniform(-0.2, 0.5);
    const int t = i % 1000;
    if (t > 300 && t < 420) {  // slips away, runs in, is caught again
      input.measured_force = 2.0;
      input.velocity = t < 340 ? -0.02 * (t - 300) : -0.1;
    } else if (t > 500 && t < 540) {
      input.velocity = -1.7;
    } else if (t > 600 && t < 640) {
      input.reaction = Reaction::kFastUnload;
      input.velocity = t > 620 ? -1.1 : 0.1;
    }
    const TorqueOutput out = limit_torque(bounds, input, state);
    words.push_back(out.word.value());
    words.push_back(static_cast<double>(out.fault));
  }
  return words;
}

template <typename Day>
void expect_broken_acts_as_missing(Day day) {
  for (const hal::CoordinateKind kind :
       {hal::CoordinateKind::kCable, hal::CoordinateKind::kLever}) {
    int telling = 0;
    const std::vector<double> whole = day(machine_bounds(kind));
    for (std::size_t f = 0; f < std::size(kFields); ++f) {
      AxisBounds missing = machine_bounds(kind);
      missing.*kFields[f] = 0.0;
      const std::vector<double> expected = day(missing);
      telling += expected != whole ? 1 : 0;
      for (const double broken : kBroken) {
        AxisBounds bounds = machine_bounds(kind);
        bounds.*kFields[f] = broken;
        EXPECT_EQ(day(bounds), expected) << "field " << f << " as " << broken;
      }
    }
    EXPECT_GE(telling, 6) << "the day must meet the bounds, or it compares nothing";
  }
}

TEST(MissingBound, ABrokenBoundActsOnTheFeltForceAsAMissingOne) {
  expect_broken_acts_as_missing(felt_day);
}

TEST(MissingBound, ABrokenBoundActsOnTheTorqueAsAMissingOne) {
  expect_broken_acts_as_missing(torque_day);
}

TEST(MissingBound, ABrokenFieldOfTheLoadGatesStateIsForgotten) {
  for (double LoadGateState::*field :
       {&LoadGateState::applied, &LoadGateState::requested, &LoadGateState::target}) {
    for (const double broken : kBroken) {
      LoadGateState state{.applied = 40.0, .requested = 40.0, .target = 40.0}, expected = state;
      state.*field = broken;
      expected.*field = 0.0;
      LoadGateInput input;
      input.phase = Phase::kEccentric;
      input.requested = test::kNaN;
      input.ramp_per_s = 25.0;
      input.dt_s = 1e-3;
      for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(gate_load(input, state), gate_load(input, expected));
      }
      EXPECT_EQ(state.target, expected.target);
      EXPECT_EQ(state.requested, expected.requested);
    }
  }
}

TEST(MissingBound, ARampThatIsNoNumberRaisesNothing) {
  for (const double broken : kBroken) {
    LoadGateState state;
    LoadGateInput input;
    input.requested = 50.0;
    input.ramp_per_s = broken;
    input.dt_s = 1e-3;
    EXPECT_EQ(gate_load(input, state), 0.0) << broken;
  }
}

// The least speed of the way back is a part of the governor's: without that one there is none, and
// what is in the tank must not be divided by it.
// 80 N and up to 118 N on the way back, after `ticks`.
double felt_on_the_way_back(const AxisBounds& bounds, double velocity, double tank_j, int ticks) {
  FeltState state;
  state.tank_energy = tank_j;
  state.force = 110.0;
  FeltInput input;
  input.velocity = velocity;
  input.wish = 118.0;
  input.wish_valid = true;
  input.base_force = 80.0;
  input.phase = Phase::kEccentric;
  input.load_state = LoadState::kLoaded;
  input.dt_s = 1e-3;
  const UserLimits user{.force_max = 300.0, .eccentric_ratio_max = 1.5};
  FeltOutput out;
  for (int i = 0; i < ticks; ++i) out = limit_felt_force(bounds, user, input, state);
  return out.force;
}

TEST(MissingBound, WithoutAReleasesSpeedAStandingCableGetsNoExcess) {
  for (const double speed : {0.0, test::kNaN, -1.0}) {
    AxisBounds bounds = machine_bounds(hal::CoordinateKind::kCable);
    bounds.release_speed = speed;
    // In debt: the tank is asked although nothing moves.
    EXPECT_DOUBLE_EQ(felt_on_the_way_back(bounds, 0.0, -1.0, 1000), 80.0) << speed;
  }
}

TEST(MissingBound, ALowerGovernorsSpeedLetsNoMoreOutOfTheTank) {
  const AxisBounds machine = machine_bounds(hal::CoordinateKind::kCable);
  const double usual = felt_on_the_way_back(machine, -0.02, 0.2, 20);
  EXPECT_LT(usual, 105.0);
  for (const double speed : {0.08, 0.0}) {
    AxisBounds bounds = machine;
    bounds.governor_speed = speed;
    EXPECT_EQ(felt_on_the_way_back(bounds, -0.02, 0.2, 20), usual) << speed;
  }
}

TEST(MissingBound, AStateOfTheFeltForceThatIsNoNumberStartsFromNothing) {
  for (const double broken : {test::kNaN, test::kInf, -test::kInf, -50.0}) {
    FeltState state;
    state.force = broken;
    FeltInput input;
    input.wish = input.base_force = 80.0;
    input.wish_valid = true;
    input.load_state = LoadState::kLoaded;
    input.phase = Phase::kConcentric;
    input.dt_s = 1e-3;
    const FeltOutput out = limit_felt_force(machine_bounds(hal::CoordinateKind::kCable),
                                            {.force_max = 200.0}, input, state);
    EXPECT_NEAR(out.force, 0.5, 1e-12) << broken;
  }
}

TEST(MissingBound, AWordOfTheTickBeforeThatIsNoNumberStartsFromNothing) {
  for (const double broken : {test::kNaN, test::kInf, -test::kInf}) {
    TorqueState state;
    state.word = broken;
    TorqueInput input;
    input.torque = input.felt_force = input.measured_force = 100.0;
    input.load_state = LoadState::kLoaded;
    input.drive_age_ns = input.load_cell_age_ns = 0;
    input.dt_s = 1e-3;
    EXPECT_EQ(limit_torque(machine_bounds(hal::CoordinateKind::kCable), input, state).word.value(),
              10.0)
        << broken;
  }
}

// From 600 N R3 must be through within 45 ms, one late tick included.
TEST(MissingBound, TheFastUnloadTakesTwentyFiveNewtonsATick) {
  TorqueState state;
  state.word = 600.0;
  TorqueInput input;
  input.load_state = LoadState::kLoaded;
  input.reaction = Reaction::kFastUnload;
  input.drive_age_ns = input.load_cell_age_ns = 0;
  input.dt_s = 1e-3;
  EXPECT_DOUBLE_EQ(
      limit_torque(machine_bounds(hal::CoordinateKind::kCable), input, state).word.value(), 575.0);
}

}  // namespace
}  // namespace medius::safety
