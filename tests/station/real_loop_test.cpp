// The station with the real engine, plant and person of the simulated world: what the fake loop
// cannot show is true.
#include <gtest/gtest.h>

#include "sim/world/world.hpp"

namespace medius::station::test {
namespace {

class RealLoop : public testing::Test {
 protected:
  RealLoop() {
    sim::WorldOptions options;
    options.machine_file = std::string(MEDIUS_SOURCE_DIR) + "/hal/machines/cable-station-sim.toml";
    options.program_directory = std::string(MEDIUS_SOURCE_DIR) + "/programs";
    options.plugin_directory = MEDIUS_PLUGIN_DIR;
    const ProgramLibrary programs = load_programs(options.program_directory);
    options.station.person.plan = sim::plan_of(programs.programs.at("glute-med-short"));
    world = std::move(sim::World::create(options).value());
    world->run_for(1.0);
    StartSessionOrder order;
    order.header.request_id = "start";
    order.program_id = "glute-med-short";
    const auto started = give([&](auto answer) { world->station().start_session(order, answer); });
    EXPECT_TRUE(started) << (started ? "" : started.error().message);
    if (started) session_id = started->session_id;
  }

  using Result = tl::expected<Receipt, Refusal>;
  Result give(const std::function<void(Station::Answer<Receipt>)>& order) {
    auto answer = std::make_shared<std::optional<Result>>();
    order([answer](Result result) { *answer = std::move(result); });
    EXPECT_TRUE(world->run_until([&] { return answer->has_value(); }, 1.0));
    return answer->has_value() ? **answer : tl::make_unexpected(Refusal{});
  }
  Result pause() {
    return give([&](auto answer) { world->station().pause(header(), answer); });
  }
  Result resume() {
    return give([&](auto answer) { world->station().resume(header(), answer); });
  }
  OrderHeader header() {
    OrderHeader header;
    header.request_id = "order-" + std::to_string(++orders);
    return header;
  }
  rt::AxisStatus axis() { return world->status().axis[0]; }
  const Snapshot& now() { return world->station().snapshot(); }
  bool reach_rep(std::uint32_t reps) {
    return world->run_until(
        [&] { return now().state == StationState::kWorking && axis().reps_counted >= reps; }, 60.0);
  }

  std::unique_ptr<sim::World> world;
  std::string session_id;
  int orders = 0;
};

TEST_F(RealLoop, PauseTakesTheLoadOffWithinHalfASecondAndResumeBringsItBack) {
  ASSERT_TRUE(reach_rep(2));
  const auto paused = pause();
  ASSERT_TRUE(paused) << paused.error().message;
  EXPECT_TRUE(
      world->run_until([&] { return axis().load_state == safety::LoadState::kTakeUp; }, 0.6));
  EXPECT_LE(axis().force_target, 30.0);
  EXPECT_TRUE(now().paused);
  world->run_for(3.0);
  const auto resumed = resume();
  ASSERT_TRUE(resumed) << resumed.error().message;
  EXPECT_TRUE(world->run_until([&] { return axis().load_applied == 60.0; }, 3.0));
  EXPECT_FALSE(now().paused);
  EXPECT_EQ(now().state, StationState::kWorking);
}

TEST_F(RealLoop, AReleasedHandlePausesAndTheSetGoesOnWhenItIsTakenAgain) {
  ASSERT_TRUE(reach_rep(2));
  world->machine().release_handle();
  ASSERT_TRUE(world->run_until([&] { return now().paused; }, 1.0));
  EXPECT_EQ(now().state, StationState::kWorking) << now().state_reason;
  world->run_for(2.0);
  world->machine().grip();
  world->run_for(3.0);
  const auto resumed = resume();
  ASSERT_TRUE(resumed) << resumed.error().message;
  EXPECT_TRUE(world->run_until([&] { return axis().load_applied == 60.0; }, 3.0));
}

TEST_F(RealLoop, TheSessionOfTwoSidesIsStoredWithItsCounts) {
  ASSERT_TRUE(world->run_until([&] { return now().state == StationState::kIdle; }, 200.0));
  EXPECT_EQ(now().stored_set_ids.size(), 2u);
  for (const record::SetRecord& set : world->store().sets_of(session_id)) {
    EXPECT_EQ(set.end, record::SetEnd::kCount);
    EXPECT_EQ(set.reps_counted, 8u);
    EXPECT_EQ(set.direction_changes, 16u);
    EXPECT_EQ(set.reps.size(), 8u);
    EXPECT_EQ(set.samples_dropped, 0u);
  }
}

}  // namespace
}  // namespace medius::station::test
