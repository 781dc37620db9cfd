// The laws that command motion: what they wish, and that the host knows them for what they are.
#include <gtest/gtest.h>

#include "plugins/isokinetic/isokinetic.hpp"
#include "plugins/isometric/isometric.hpp"
#include "tests/plugins/plugin_fixture.hpp"

namespace medius {
namespace {

using profiles::Isokinetic;
using profiles::Isometric;

struct Handle {
  Isokinetic::Setup setup;
  Isokinetic::State state;
  std::array<double, Isokinetic::kCount> values{};
  medius_step_in_t in = test::input(MEDIUS_PHASE_REST, 0.0, 120.0);
  sdk::Motion wish;

  explicit Handle(double way, std::uint32_t coordinate = MEDIUS_COORDINATE_CABLE) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = Isokinetic::kParameters[i].default_value;
    }
    values[Isokinetic::kWay] = way;
    medius_activation_t activation = test::activation(600.0, 1.5);
    activation.coordinate = coordinate;
    EXPECT_TRUE(Isokinetic::activate(activation, values, setup));
    in.position = 0.0;
    in.force = 10.0;
  }
  void run(int ticks) {
    for (int i = 0; i < ticks; ++i) {
      wish = Isokinetic::step(setup, values, state, in);
      in.velocity = wish.velocity;
      in.position += wish.velocity * 0.001;
    }
  }
};

TEST(IsokineticLaw, RampsToTheSetSpeedWithin250MillisecondsOfAPull) {
  Handle handle(1.0);
  handle.run(100);
  EXPECT_EQ(handle.wish.velocity, 0.0);
  handle.in.force = 60.0;
  handle.run(125);
  EXPECT_NEAR(handle.wish.velocity, 0.15, 0.002);
  handle.run(130);
  EXPECT_DOUBLE_EQ(handle.wish.velocity, 0.3);
  EXPECT_DOUBLE_EQ(handle.wish.force_max, 120.0);
}

TEST(IsokineticLaw, ComesBackOnlyWhenAskedToAndNotBeforeTheHandleHasStopped) {
  for (const double way : {1.0, 2.0, 3.0}) {
    Handle handle(way);
    handle.in.force = 60.0;
    handle.run(1500);
    ASSERT_GT(handle.in.position, 0.3);
    EXPECT_GT(handle.wish.velocity, 0.0);
    handle.in.velocity = 0.0;
    handle.in.force = 10.0;  // the end of the way out: nobody pulls
    for (int i = 0; i < 400; ++i) {
      handle.wish = Isokinetic::step(handle.setup, handle.values, handle.state, handle.in);
    }
    handle.in.force = 60.0;
    handle.run(500);
    if (way == 1.0) {
      EXPECT_GT(handle.wish.velocity, 0.0);
    } else {
      EXPECT_DOUBLE_EQ(handle.wish.velocity, -0.2);
    }
  }
}

TEST(IsokineticLaw, GoesOutAgainFromNearTheStart) {
  Handle handle(3.0);
  handle.in.force = 60.0;
  handle.run(1500);
  handle.in.position -= 0.02;  // turned
  handle.run(1000);
  EXPECT_DOUBLE_EQ(handle.wish.velocity, -0.2);
  double lowest = 1.0;
  for (int i = 0; i < 4000; ++i) {
    handle.run(1);
    lowest = std::min(lowest, handle.in.position);
  }
  EXPECT_GT(lowest, 0.0);
  EXPECT_GT(handle.wish.velocity, 0.0);
}

TEST(IsokineticLaw, SpeedsOfALeverAreItsOwn) {
  Handle handle(3.0, MEDIUS_COORDINATE_LEVER);
  handle.in.force = 30.0;
  handle.run(400);
  EXPECT_DOUBLE_EQ(handle.wish.velocity, 0.52);
}

TEST(IsometricLaw, StandsAndYieldsAtItsShareOfTheLoad) {
  Isometric::Setup setup;
  Isometric::State state;
  ASSERT_TRUE(Isometric::activate(test::activation(600.0, 1.5), {0.8}, setup));
  const auto wish =
      Isometric::step(setup, {0.8}, state, test::input(MEDIUS_PHASE_CONCENTRIC, 0.3, 200.0));
  EXPECT_DOUBLE_EQ(wish.velocity, 0.0);
  EXPECT_DOUBLE_EQ(wish.force_max, 160.0);
}

TEST(CommandedMotion, TheHostTellsTheseProfilesFromTheOthers) {
  station::PluginHost host;
  ASSERT_TRUE(host.load_directory(MEDIUS_PLUGIN_DIR).empty());
  for (const auto& [id, info] : host.profiles()) {
    EXPECT_EQ(info.commands_motion, id == "isokinetic" || id == "isometric") << id;
  }
  const auto hold = test::make(host, "isometric", {}, test::activation(600.0, 1.5));
  ASSERT_TRUE(hold->commands_motion());
  const auto out = hold->step(test::input(MEDIUS_PHASE_REST, 0.0, 90.0));
  EXPECT_TRUE(out.ok);
  EXPECT_DOUBLE_EQ(out.force, 90.0);
  EXPECT_DOUBLE_EQ(out.velocity, 0.0);
}

}  // namespace
}  // namespace medius
