// What every shipped law promises, whatever its parameters and whatever the motion: finite and
// bounded, the same twice, no step of its own, no rise on somebody who stands, and no steeper in
// position, speed and acceleration than the loop bears.
#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "controller/base/det_math.hpp"
#include "controller/base/random.hpp"
#include "plugins/sdk/impedance.hpp"
#include "tests/plugins/plugin_fixture.hpp"
#include "tests/plugins/shipped.hpp"

namespace medius {
namespace {

using test::input;

constexpr double kPadM = 0.38;

medius_activation_t machine(std::uint32_t coordinate) {
  medius_activation_t result = test::activation(600.0, 1.5);
  result.coordinate = coordinate;
  if (coordinate == MEDIUS_COORDINATE_LEVER) {
    result.force_max = 250.0;
    result.velocity_max = 1.5 / kPadM;
  }
  return result;
}

class EveryLaw : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const auto loaded = host_.load_file(std::string(MEDIUS_PLUGIN_DIR "/") + GetParam() + ".so");
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
  }

  // What a user may set; every other time points of a curve that ascend.
  std::map<std::string, double> parameters(Random& random) const {
    std::map<std::string, double> values;
    const bool ascending = random.uniform() < 0.5;
    for (const auto& info : host_.profiles().begin()->second.parameters) {
      double value = random.uniform(info.min, info.user_max);
      if ((info.flags & MEDIUS_PARAM_STEPPED) != 0) value = std::floor(value + 0.5);
      if (ascending && info.name.rfind("fraction_", 0) == 0) {
        value = (info.name.back() - '1') / 6.0;
      }
      values[info.name] = value;
    }
    return values;
  }

  std::unique_ptr<rt::ProfileInstance> make(std::uint32_t coordinate,
                                            const std::map<std::string, double>& values) {
    return test::make(host_, test::profile_id(GetParam()), values, machine(coordinate));
  }

  bool answers_to_speed() const {
    const std::string name = GetParam();
    return name == "viscous" || name == "quadratic_air" || name == "stack";
  }

  // Runs `body` on both kinds of axis with many sets of parameters.
  template <class Body>
  void for_many(int rounds, Body body) {
    for (const auto coordinate : {MEDIUS_COORDINATE_CABLE, MEDIUS_COORDINATE_LEVER}) {
      for (int round = 0; round < rounds; ++round) {
        Random random(static_cast<std::uint64_t>(1000 * coordinate + round + 1));
        const auto values = parameters(random);
        const double base =
            random.uniform(0.0, 1.0) * (coordinate == MEDIUS_COORDINATE_LEVER ? 80.0 : 150.0);
        body(coordinate, values, base, random);
        if (HasFatalFailure()) {
          ADD_FAILURE() << "coordinate " << coordinate << ", round " << round;
          return;
        }
      }
    }
  }

  station::PluginHost host_;
};

INSTANTIATE_TEST_SUITE_P(All, EveryLaw, testing::ValuesIn(test::kShippedProfiles),
                         [](const auto& law) { return std::string(law.param); });

double wild(Random& random, double size) {
  const double pick = random.uniform();
  if (pick < 0.02) return std::numeric_limits<double>::quiet_NaN();
  if (pick < 0.04) return std::numeric_limits<double>::infinity();
  if (pick < 0.06) return -std::numeric_limits<double>::infinity();
  if (pick < 0.08) return 1e300 * (random.uniform() - 0.5);
  if (pick < 0.10) return 1e-310;
  return size * (2.0 * random.uniform() - 1.0);
}

TEST_P(EveryLaw, StaysFiniteBoundedAndTheSameTwiceOnWildInputs) {
  for_many(20, [this](std::uint32_t coordinate, const auto& values, double base, Random& random) {
    const auto first = make(coordinate, values);
    const auto second = make(coordinate, values);
    const medius_activation_t limits = machine(coordinate);
    const double damping = sdk::impedance_limits(coordinate).damping;
    const double most = answers_to_speed()
                            ? base * sdk::kForceRatioMax + damping * limits.velocity_max
                            : base * sdk::kForceRatioMax + 0.1 * base;
    for (int tick = 0; tick < 1500; ++tick) {
      auto in = input(static_cast<medius_phase_t>(random.below(6)), wild(random, 2.0), base);
      in.position = wild(random, 0.6);
      in.acceleration = wild(random, 5.0);
      in.force = wild(random, 100.0);
      in.range = wild(random, 0.6);
      in.repetition = random.below(4);
      const auto out = first->step(in);
      const auto again = second->step(in);
      ASSERT_TRUE(out.ok) << tick;
      ASSERT_EQ(out.force, again.force) << tick;
      ASSERT_GE(out.force, 0.0) << tick;
      ASSERT_LE(out.force, std::min(most + 1e-9, limits.force_max)) << tick;
    }
  });
}

TEST_P(EveryLaw, IsTheSetLoadOnSomebodyWhoRestsAtTheBottom) {
  for (const auto coordinate : {MEDIUS_COORDINATE_CABLE, MEDIUS_COORDINATE_LEVER}) {
    const auto profile = make(coordinate, {});
    for (const double below : {0.0, -0.005, -0.1}) {
      auto in = input(MEDIUS_PHASE_REST, 0.0, 40.0);
      in.position = below;
      EXPECT_EQ(test::run(*profile, in, 0.3), 40.0) << below;
    }
  }
}

// ---- three promises about the way the force moves; each returns what is wrong, or nothing ----

std::string at_tick(const char* what, int tick, double value, double limit) {
  return std::string(what) + " by " + std::to_string(value) + ", allowed " + std::to_string(limit) +
         ", at tick " + std::to_string(tick);
}

// Nothing moves but what the host says: phase, range and number of the repetition. At most 3 % or 2
// N in 10 ms.
std::string steps(rt::ProfileInstance& profile, double scale, double base, Random& random) {
  auto in = input(MEDIUS_PHASE_REST, 0.0, base);
  std::array<double, 10> before{};
  for (int piece = 0; piece < 25; ++piece) {
    // A pose held in mid-motion, as no person could; its own start is no switching of the law.
    const bool pose = piece % 5 == 0;
    if (pose) {
      in.position = random.uniform(-0.05, 0.5);
      in.velocity = random.uniform(-0.5, 0.5);
    }
    in.phase = random.below(5);
    in.range = random.chance(0.3) ? 0.0 : random.uniform(0.1, 0.6);
    if (random.chance(0.5)) ++in.repetition;
    const int ticks = 1 + static_cast<int>(random.below(400));
    for (int i = 0; i < ticks; ++i, ++in.tick) {
      const double force = profile.step(in).force;
      if (pose && i == 0) before.fill(force);
      double& then = before[static_cast<std::size_t>(in.tick % 10)];
      const double allowed = std::max(0.03 * std::max(force, base), 2.0 * scale);
      const double change = std::fabs(force - then);
      if (!(change <= allowed)) {
        return at_tick("steps", static_cast<int>(in.tick), change, allowed);
      }
      then = force;
    }
  }
  return "";
}

// Whatever the host says, on somebody who stands the force only falls.
std::string rises_on_a_standing_person(rt::ProfileInstance& profile, double base, Random& random) {
  // A moving start, so that every blend has somewhere to come back from.
  auto in = input(MEDIUS_PHASE_CONCENTRIC, 0.3, base);
  in.range = random.uniform(0.2, 0.5);
  for (int tick = 0; tick < 3000; ++tick) {
    if (tick % 500 == 0) {
      in.phase = random.below(5);
      in.velocity = random.uniform(-0.5, 0.5);
      in.position = random.uniform(0.0, 0.5);
      ++in.repetition;
    }
    profile.step(in);
  }
  in.velocity = random.uniform(-0.0199, 0.0199);
  double before = test::run(profile, in, 0.5);  // filters of the acceleration settle
  for (int tick = 0; tick < 4000; ++tick) {
    if (tick % 200 == 0) {
      in.phase = random.below(5);
      in.range = random.chance(0.3) ? 0.0 : random.uniform(0.1, 0.6);
      if (random.chance(0.5)) ++in.repetition;
    }
    const double force = profile.step(in).force;
    if (!(force <= before + 1e-9)) return at_tick("rises", tick, force - before, 0.0);
    before = force;
  }
  return "";
}

// A smooth motion with tremor: the force changes only as fast as the stiffest, most damped and
// heaviest law that the loop bears, and as a law's own blends may.
std::string is_too_steep(rt::ProfileInstance& profile, const sdk::ImpedanceLimits& limits,
                         double scale, double base, Random& random) {
  const double blends =
      0.1 * std::max(0.06 * base, 2.0 * scale);  // a tick of 3 % of twice the load
  const double start = random.uniform(0.0, 6.0);
  const double rate = random.uniform(0.5, 3.0);
  auto in = input(MEDIUS_PHASE_REST, 0.0, base);
  in.range = 0.4;
  auto before = in;
  double last = base;
  for (int tick = 0; tick < 6000; ++tick) {
    const double t = tick * 1e-3;
    const auto slow = det::sin_cos(rate * t + start);
    const auto tremor = det::sin_cos(40.0 * t);
    in.position = 0.2 + 0.2 * slow.sin + 0.001 * tremor.sin;
    in.velocity = 0.2 * rate * slow.cos + 0.04 * tremor.cos;
    in.acceleration = -0.2 * rate * rate * slow.sin - 1.6 * tremor.sin;
    in.phase = slow.cos > 0.0 ? MEDIUS_PHASE_CONCENTRIC : MEDIUS_PHASE_ECCENTRIC;
    const double force = profile.step(in).force;
    const double allowed = limits.stiffness * std::fabs(in.position - before.position) +
                           limits.damping * std::fabs(in.velocity - before.velocity) +
                           limits.inertia * std::fabs(in.acceleration - before.acceleration) +
                           blends;
    const double change = std::fabs(force - last);
    if (tick > 0 && !(change <= allowed)) return at_tick("changes", tick, change, allowed);
    before = in;
    last = force;
  }
  return "";
}

double scale_of(std::uint32_t coordinate) {
  return coordinate == MEDIUS_COORDINATE_LEVER ? kPadM : 1.0;
}

TEST_P(EveryLaw, MakesNoStepOfItsOwn) {
  for_many(12, [this](std::uint32_t coordinate, const auto& values, double base, Random& random) {
    ASSERT_EQ(steps(*make(coordinate, values), scale_of(coordinate), base, random), "");
  });
}

TEST_P(EveryLaw, NeverRisesOnSomebodyWhoStands) {
  for_many(12, [this](std::uint32_t coordinate, const auto& values, double base, Random& random) {
    ASSERT_EQ(rises_on_a_standing_person(*make(coordinate, values), base, random), "");
  });
}

TEST_P(EveryLaw, IsNoSteeperThanTheLoopBears) {
  for_many(10, [this](std::uint32_t coordinate, const auto& values, double base, Random& random) {
    ASSERT_EQ(is_too_steep(*make(coordinate, values), sdk::impedance_limits(coordinate),
                           scale_of(coordinate), base, random),
              "");
  });
}

// ---- negative controls: laws as one would write them first ------------------------------------

class NaiveLaw final : public rt::ProfileInstance {
 public:
  using Wish = double (*)(const medius_step_in_t&);
  explicit NaiveLaw(Wish wish) : wish_(wish) {}
  rt::ProfileOutput step(const medius_step_in_t& in) noexcept override { return {wish_(in), true}; }
  void reset() noexcept override {}
  bool queue_parameter(std::uint32_t, double) noexcept override { return true; }

 private:
  Wish wish_;
};

double by_phase(const medius_step_in_t& in) {
  return in.base_force * (in.phase == MEDIUS_PHASE_ECCENTRIC ? 1.2 : 1.0);
}
double over_the_bare_range(const medius_step_in_t& in) {
  return in.range > 0.0 ? in.base_force * (0.8 + 0.4 * in.position / in.range) : in.base_force;
}
double by_sign_of_velocity(const medius_step_in_t& in) {
  return in.base_force * (in.velocity < 0.0 ? 1.2 : 1.0);
}
double stiff_spring(const medius_step_in_t& in) {
  return in.base_force + 5000.0 * std::max(in.position, 0.0);
}
double thick_damper(const medius_step_in_t& in) {
  return in.base_force + 2000.0 * std::max(in.velocity, 0.0);
}
double heavy_mass(const medius_step_in_t& in) {
  return in.base_force + 40.0 * in.acceleration;
}

TEST(EveryLawControl, NaiveLawsAreFound) {
  const auto limits = sdk::impedance_limits(MEDIUS_COORDINATE_CABLE);
  for (const auto law : {by_phase, over_the_bare_range}) {
    Random random(1);
    NaiveLaw naive(law);
    EXPECT_NE(steps(naive, 1.0, 60.0, random), "");
    EXPECT_NE(rises_on_a_standing_person(naive, 60.0, random), "");
  }
  for (const auto law : {by_phase, by_sign_of_velocity, stiff_spring, thick_damper, heavy_mass}) {
    Random random(1);
    NaiveLaw naive(law);
    EXPECT_NE(is_too_steep(naive, limits, 1.0, 60.0, random), "");
  }
}

// Id, unit, range and default of every parameter, as the law's own page says them.
TEST_P(EveryLaw, HasItsParametersAndItsPlotInItsReadme) {
  const std::string folder = std::string(MEDIUS_SOURCE_DIR "/plugins/") + GetParam();
  std::ifstream file(folder + "/README.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const auto& profile = host_.profiles().begin()->second;
  EXPECT_EQ(page.rfind("# " + profile.id + "\n", 0), 0u);
  EXPECT_NE(page.find(std::string("](") + GetParam() + ".svg)"), std::string::npos);
  for (const auto& info : profile.parameters) {
    std::ostringstream row;
    row << "| `" << info.name << "` | " << info.id << " | " << info.unit << " | " << info.min
        << " - " << info.max << " | " << info.default_value << " |";
    EXPECT_NE(page.find(row.str()), std::string::npos) << row.str();
  }
}

TEST_P(EveryLaw, SaysThatALoadThatIsNotANumberIsAnError) {
  const auto profile = make(MEDIUS_COORDINATE_CABLE, {});
  EXPECT_FALSE(profile->step(input(MEDIUS_PHASE_CONCENTRIC, 0.1, std::nan(""))).ok);
  EXPECT_TRUE(profile->step(input(MEDIUS_PHASE_CONCENTRIC, 0.1, 60.0)).ok);
  EXPECT_EQ(profile->step(input(MEDIUS_PHASE_REST, 0.0, -5.0)).force, 0.0);
}

TEST_P(EveryLaw, StartsAfreshAfterAReset) {
  for_many(4, [this](std::uint32_t coordinate, const auto& values, double base, Random& random) {
    const auto used = make(coordinate, values);
    const auto fresh = make(coordinate, values);
    const auto next = [&random, base] {
      auto in =
          input(static_cast<medius_phase_t>(random.below(5)), random.uniform(-0.5, 0.5), base);
      in.position = random.uniform(0.0, 0.4);
      in.acceleration = random.uniform(-2.0, 2.0);
      in.range = 0.4;
      in.repetition = random.below(5);
      return in;
    };
    for (int tick = 0; tick < 2000; ++tick) used->step(next());
    used->reset();
    for (int tick = 0; tick < 500; ++tick) {
      const auto in = next();
      ASSERT_EQ(used->step(in).force, fresh->step(in).force) << tick;
    }
  });
}

}  // namespace
}  // namespace medius
