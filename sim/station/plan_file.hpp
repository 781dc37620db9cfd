// What the person is going to do, read from a training program (programs/*.toml). Only what the
// person needs to know is read; checking the program is the controller's business.
#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "sim/machine/simulated_station.hpp"

namespace medius::sim {

[[nodiscard]] tl::expected<std::vector<PlannedSet>, std::string> load_plan(
    const std::string& path, SimulatedMachine machine = SimulatedMachine::kCable);

// Without a program: both sides in turn, 8 repetitions at 2-1-3 with 60 N.
[[nodiscard]] std::vector<PlannedSet> default_plan(
    SimulatedMachine machine = SimulatedMachine::kCable);

}  // namespace medius::sim
