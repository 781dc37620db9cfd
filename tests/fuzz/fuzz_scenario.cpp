// Scenarios of the search for harm (JSON) and scripts of link faults (TOML); what is read can be
// written and read again.
#include <nlohmann/json.hpp>

#include "sim/proxy/fault.hpp"
#include "sim/swarm/scenario.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace medius;
  const void* const bytes = data;
  const std::string text(static_cast<const char*>(bytes), size);
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_discarded()) {
    const auto scenario = sim::from_json(json);
    if (scenario) {
      const auto again = sim::from_json(sim::to_json(*scenario));
      fuzz::must(again && sim::to_json(*again) == sim::to_json(*scenario),
                 "a scenario survives being written");
    }
  }
  const auto script = sim::proxy::parse_script(text, "input");
  if (script) {
    for (const auto& step : script->steps) {
      const auto again = sim::proxy::parse_fault(sim::proxy::to_text(step.fault));
      fuzz::must(again && sim::proxy::to_text(*again) == sim::proxy::to_text(step.fault),
                 "a fault survives being written");
    }
  }
  static_cast<void>(sim::proxy::parse_fault(text));
  return 0;
}
