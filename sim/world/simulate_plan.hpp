// A whole plan on simulated time: a stored client with a stored plan, every session and test day
// with full physics through the real station, which decides and moves the plan on by itself, and a
// person who gets stronger. Days in between are jumped. Each machine has a store of its own with
// its share of the plan, as two stations would.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/station/plan.hpp"
#include "controller/station/plan_tests.hpp"
#include "sim/world/adaptation.hpp"
#include "sim/world/world.hpp"

namespace medius::sim {

struct PlanOptions {
  // Of each session; program, seed and strength are the plan's business. The machine file is a
  // cable station's, beside which the seated one stands; or a lever machine's, and it stands alone.
  SimulateOptions session;
  std::string seated_machine_file;
  // Where the stores are kept, in folders "cable" and "lever"; empty: in memory.
  std::string data_directory;
  std::string program_id;
  std::uint32_t weeks = 0;  // 0 = as the program says
  std::uint64_t seed = 1;
  AdaptationConfig adaptation;
  // A client in therapy: changes are proposed, and nothing is above the cap (0 = none), N.
  bool proposals_only = false;
  double cable_load_cap_n = 0.0;
  std::function<void(std::uint32_t done, std::uint32_t total)> progress;  // sessions and test days
};

struct PlanTestDay {
  std::uint32_t week = 0;
  std::vector<station::TestResult> results;
  std::vector<std::string> notes;
};

struct PlanSessionDay {
  station::PlanDay day;
  std::vector<station::ExerciseDecision> decisions;
  std::vector<std::string> notes;  // what was skipped or ended early, and why
  std::uint32_t sets = 0, repetitions = 0;
  std::uint32_t guided = 0;                  // exercises without the machine that were confirmed
  std::array<double, 2> strength{1.0, 1.0};  // of the person that day
};

struct PlanResult {
  station::Program program;
  std::uint64_t seed = 0;
  std::vector<PlanTestDay> tests;
  std::vector<PlanSessionDay> sessions;
  std::string client_id, plan_ids;  // as stored; of each machine's plan
  double simulated_s = 0.0;         // on machines; days in between not counted
  std::uint64_t trace_hash = 0;
};

[[nodiscard]] tl::expected<PlanResult, std::string> simulate_plan(const PlanOptions& options);

}  // namespace medius::sim
