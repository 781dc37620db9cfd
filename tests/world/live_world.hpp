// A world for tests: its options, whole sessions, and one that runs and takes orders.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sim/world/world.hpp"

namespace medius::test {

// `machine`: a file's name in hal/machines without its ending.
inline sim::WorldOptions world_options(const std::string& machine, std::uint64_t seed = 1) {
  sim::WorldOptions options;
  options.machine_file = std::string(MEDIUS_SOURCE_DIR) + "/hal/machines/" + machine + ".toml";
  options.program_directory = std::string(MEDIUS_SOURCE_DIR) + "/programs";
  options.plugin_directory = MEDIUS_PLUGIN_DIR;
  options.seed = seed;
  return options;
}

inline sim::SessionResult play(const sim::WorldOptions& world, const std::string& program) {
  sim::SimulateOptions options;
  options.world = world;
  options.program_id = program;
  auto result = sim::simulate_session(options);
  EXPECT_TRUE(result) << result.error();
  return result ? *result : sim::SessionResult{};
}

// One second of a world in which a person with a plan waits, and the means to give it orders.
class LiveWorld : public ::testing::Test {
 protected:
  using Result = tl::expected<station::Receipt, station::Refusal>;

  void begin(sim::WorldOptions options, std::vector<sim::PlannedSet> plan) {
    options.station.person.plan = std::move(plan);
    auto created = sim::World::create(options);
    ASSERT_TRUE(created) << created.error();
    world_ = std::move(*created);
    world_->run_for(1.0);
  }
  // The person means to do what the program says.
  void begin(const sim::WorldOptions& options, const std::string& program) {
    const auto programs = station::load_programs(options.program_directory);
    begin(options, sim::plan_of(programs.programs.at(program)));
  }

  station::Snapshot now() { return world_->station().snapshot(); }
  rt::AxisStatus axis(std::size_t index = 0) { return world_->status().axis[index]; }

  template <typename Order>
  Result give(Order order) {
    std::optional<Result> answer;
    order([&](Result result) { answer = std::move(result); });
    EXPECT_TRUE(world_->run_until([&] { return answer.has_value(); }, 1.0));
    return answer ? *answer : tl::make_unexpected(station::Refusal{});
  }
  Result start(const std::string& program, const std::string& request_id = "start") {
    station::StartSessionOrder order;
    order.header.request_id = request_id;
    order.program_id = program;
    return give([&](auto answer) { world_->station().start_session(order, answer); });
  }

  std::unique_ptr<sim::World> world_;
};

}  // namespace medius::test
