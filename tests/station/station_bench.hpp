// The station on a bench: fake loop, hand-moved clock, a real store and the shipped profiles.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/record/store.hpp"
#include "controller/station/station.hpp"
#include "tests/station/fake_loop.hpp"
#include "tests/station/manual_runtime.hpp"

namespace medius::station::test {

using Result = tl::expected<Receipt, Refusal>;

// cable station: 200 N user limit, 30 N steps, 10 N pretension.
[[nodiscard]] MachineConfig bench_machine();
[[nodiscard]] ProgramBlock bench_block();  // 3 reps at 60 N, left and right, ratio 1.3, 2 s rest
[[nodiscard]] std::string source_path(const std::string& relative);

class StationBench {
 public:
  // Null store: one in memory.
  explicit StationBench(std::unique_ptr<record::Store> store = nullptr,
                        const std::function<void(StationConfig&)>& configure = {});
  ~StationBench();

  void run_ms(int ms);
  // Until the condition holds; false after `limit_s` of simulated time.
  bool run_until(const std::function<bool()>& condition, double limit_s = 60.0);
  bool run_to(StationState state, double limit_s = 60.0);
  bool run_to_load(double load);  // fully applied

  // Orders; each runs until its answer has come.
  Result start(const std::string& program = "two-sides", const std::string& client = "tablet");
  Result adjust(double load);
  Result adjust(const AdjustLoadOrder& order);
  Result set_parameter(const std::string& name, double value,
                       ParameterAuthority authority = ParameterAuthority::kUser);
  Result pause();
  Result resume();
  Result stop();
  Result wait(const std::function<void(Station::Answer<Receipt>)>& order);
  [[nodiscard]] OrderHeader header(const std::string& client = "tablet");

  [[nodiscard]] const Snapshot& now() const { return station->snapshot(); }
  [[nodiscard]] std::vector<record::SetRecord> stored(const std::string& session_id) const;

  ManualRuntime runtime;
  std::unique_ptr<rt::EngineChannels> channels = std::make_unique<rt::EngineChannels>();
  FakeLoop loop{*channels};
  PluginHost plugins;
  std::unique_ptr<record::Store> store;
  std::unique_ptr<Station> station;
  std::vector<StationState> states;  // every state entered, in order

 private:
  int next_request_ = 1;
};

}  // namespace medius::station::test
