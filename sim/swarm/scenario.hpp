// A scenario: everything that a run depends on, written out. A seed expands to one; the file of one
// outlives changes of the generator.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>
#include <tl/expected.hpp>

#include "sim/faults/fault_table.hpp"

namespace medius::sim {

// A fault strikes once: when the session is in `phase`, at least `after_reps` repetitions are done
// and `delay_s` have passed in that phase. It lasts until everything is healed.
struct FaultEvent {
  int row = 0;
  std::uint8_t axis = 0;
  FaultPhase phase = FaultPhase::kConcentric;
  int after_reps = 0;
  double delay_s = 0.0;
  bool follows = false;  // strikes `delay_s` after the event before it, as soon as it can act
  double intensity = 0.5;
  std::uint64_t seed = 1;
};

struct Scenario {
  std::uint64_t seed = 1;
  bool seated = false;
  // the set
  std::string profile = "constant-tension";
  double eccentric_ratio = 1.0;  // only for eccentric-emphasis
  double load_n = 60.0;          // at the cuff, or at the pad
  int reps = 4;
  double out_s = 2.0, hold_s = 1.0, back_s = 3.0;
  int side = 1;  // 1 left, 2 right; a seated machine trains both
  // the person
  double range_rad = 0.5;
  double sway_m = 0.0;
  double tempo_cv = 0.06;
  // the trainer: an increase after so many repetitions, 0 = none
  int raise_after_reps = 0;
  double raise_n = 0.0;
  std::vector<FaultEvent> faults;
};

[[nodiscard]] nlohmann::json to_json(const Scenario& scenario);
// Errors name the key, the value and the limit.
[[nodiscard]] tl::expected<Scenario, std::string> from_json(const nlohmann::json& json);

// One line for people.
[[nodiscard]] std::string describe(const Scenario& scenario);

}  // namespace medius::sim
