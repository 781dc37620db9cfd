#include "tests/station/station_bench.hpp"

#include <gtest/gtest.h>

#include "controller/safety/kernel.hpp"

namespace medius::station::test {

std::string source_path(const std::string& relative) {
  return std::string(MEDIUS_SOURCE_DIR) + "/" + relative;
}

MachineConfig bench_machine() {
  MachineConfig machine;
  machine.name = "bench";
  machine.simulated = true;
  AxisMachineConfig axis;
  axis.name = "cable";
  axis.engine.bounds = safety::machine_bounds(hal::CoordinateKind::kCable);
  axis.user_force_max = 200.0;
  axis.load_step_max = 30.0;
  axis.pretension = 10.0;
  axis.standing_timeout_s = 5.0;
  machine.axes.push_back(axis);
  return machine;
}

ProgramBlock bench_block() {
  ProgramBlock block;
  block.exercise_id = "cable-standing-abduction";
  block.sides = {record::Side::kLeft, record::Side::kRight};
  block.reps = 3;
  block.load = 60.0;
  block.rest_s = 2.0;
  block.profile = {"eccentric-emphasis", {{"eccentric_ratio", 1.3}}};
  return block;
}

StationBench::StationBench(std::unique_ptr<record::Store> the_store,
                           const std::function<void(StationConfig&)>& configure)
    : store(std::move(the_store)) {
  if (!store) store = std::move(record::Store::open_in_memory().value());
  for (const PluginError& error : plugins.load_directory(MEDIUS_PLUGIN_DIR)) {
    ADD_FAILURE() << error.message;
  }
  StationConfig config;
  config.machine = bench_machine();
  config.realtime_granted = true;
  Program program;
  program.id = "two-sides";
  program.blocks = {bench_block()};
  config.programs.programs["two-sides"] = program;
  if (configure) configure(config);
  station = std::make_unique<Station>(runtime, *channels, plugins, *store, std::move(config));
  station->observe([this](const Snapshot& snapshot) {
    if (states.empty() || states.back() != snapshot.state) states.push_back(snapshot.state);
  });
  station->start();
  run_ms(50);
}

StationBench::~StationBench() = default;

void StationBench::run_ms(int ms) {
  for (int i = 0; i < ms; ++i) {
    runtime.advance(1'000'000);
    loop.tick();
  }
}

bool StationBench::run_until(const std::function<bool()>& condition, double limit_s) {
  for (int i = 0; i < static_cast<int>(limit_s * 1000.0); ++i) {
    if (condition()) return true;
    run_ms(1);
  }
  return condition();
}

bool StationBench::run_to(StationState state, double limit_s) {
  return run_until([&] { return now().state == state; }, limit_s);
}

bool StationBench::run_to_load(double load) {
  return run_until([&] { return loop.axis().load_applied == load; }, 10.0);
}

OrderHeader StationBench::header(const std::string& client) {
  OrderHeader header;
  header.request_id = "request-" + std::to_string(next_request_++);
  header.client_name = client;
  return header;
}

Result StationBench::wait(const std::function<void(Station::Answer<Receipt>)>& order) {
  auto answer = std::make_shared<std::optional<Result>>();
  order([answer](Result result) {
    EXPECT_FALSE(answer->has_value()) << "answered twice";
    *answer = std::move(result);
  });
  EXPECT_TRUE(run_until([&] { return answer->has_value(); }, 5.0)) << "no answer";
  if (!answer->has_value()) return tl::make_unexpected(Refusal{RefusalCode::kUnavailable, "none"});
  return **answer;
}

Result StationBench::start(const std::string& program, const std::string& client) {
  StartSessionOrder order;
  order.header = header(client);
  order.program_id = program;
  order.client_id = "p1";
  return wait([&](auto answer) { station->start_session(order, answer); });
}

Result StationBench::adjust(const AdjustLoadOrder& order) {
  return wait([&](auto answer) { station->adjust_load(order, answer); });
}

Result StationBench::adjust(double load) {
  AdjustLoadOrder order;
  order.header = header();
  order.load = load;
  return adjust(order);
}

Result StationBench::set_parameter(const std::string& name, double value,
                                   ParameterAuthority authority) {
  SetParameterOrder order;
  order.header = header();
  order.header.authority = authority;
  order.parameter = name;
  order.value = value;
  return wait([&](auto answer) { station->set_parameter(order, answer); });
}

Result StationBench::pause() {
  return wait([&](auto answer) { station->pause(header(), answer); });
}
Result StationBench::resume() {
  return wait([&](auto answer) { station->resume(header(), answer); });
}
Result StationBench::stop() {
  return wait([&](auto answer) { station->stop(header(), answer); });
}

std::vector<record::SetRecord> StationBench::stored(const std::string& session_id) const {
  return store->sets_of(session_id);
}

}  // namespace medius::station::test
