// What recomputation changed, as lines and as JSON; pure.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "medius/v1/station.pb.h"

namespace medius::client {

struct RecomputedSet {
  std::string name;  // sessions/S/sets/T
  v1::RecomputeSetResponse answer;
};

// A line a set, then a line a change: what, old -> new with units, versions of the definitions.
[[nodiscard]] std::vector<std::string> recompute_lines(const RecomputedSet& set, bool dry_run);
// {"dry_run", "sets": [{"set", "stored", "changes": [{"repetition" (null: of the set), "metric",
// "unit", "before": {"value", "uncertainty", "flags", "version"} | null, "after": {...}}]}]}
[[nodiscard]] nlohmann::ordered_json recompute_json(const std::vector<RecomputedSet>& sets,
                                                    bool dry_run);

}  // namespace medius::client
