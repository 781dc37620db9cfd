// The failure table as a page for people.
#include <cstdio>

#include "sim/faults/fault_table.hpp"

namespace medius::sim {
namespace {

constexpr const char* kHead =
    "# The failure table\n\n"
    "Printed by `medius-swarm --table` from `fault_table.cpp`; change that, not this. The budget "
    "runs from the moment the fault\nacts to the reaction. Rows without an injection are shown by "
    "the test they name.\n\n"
    "Where a row strikes is where it can act and has to be answered for; the other phases are out "
    "of its reach:\n\n"
    "- *motion* (concentric, eccentric): what stands still repeats itself, has no direction and "
    "rubs at nothing, fault or not.\n"
    "- *load* (motion, turn-around, rest): before the load comes in there is slack tension, at "
    "most "
    "30 N, and no profile runs.\n"
    "- *torque* (load and take-up): a drive that is off does nothing wrong; its signals are looked "
    "at when it is armed, and while\n  it unloads (500 ms at most) the answer is already under "
    "way.\n"
    "- *begun* (torque, arming, unloading): before the first order there is none to repeat.\n"
    "- *always*: those and idle.\n\n"
    "| # | failure | injected | strikes | noticed as | within | because | reaction | shown by |\n"
    "|---|---|---|---|---|---|---|---|---|\n";

const char* phases_of(const FaultRow& row) {
  if (row.phases == 0) return "";
  if ((row.phases & mask(FaultPhase::kIdle)) != 0) return "always";
  if ((row.phases & mask(FaultPhase::kArming)) != 0) return "begun";
  if ((row.phases & mask(FaultPhase::kTakeUp)) != 0) return "torque";
  return (row.phases & mask(FaultPhase::kRest)) != 0 ? "load" : "motion";
}

std::string codes_of(const FaultRow& row) {
  std::string codes;
  for (const safety::FaultCode code : row.expected) {
    if (code == safety::FaultCode::kNone) continue;
    codes += (codes.empty() ? "" : ", ") + std::string(safety::fault_info(code).name);
  }
  return codes;
}

std::string shown_by(const FaultRow& row) {
  if (row.injector == Injector::kNone) return row.shown_by;
  const std::string command = "`medius-swarm --row " + std::to_string(row.number) + "`";
  return row.shown_by[0] == '\0' ? command : command + "; " + row.shown_by;
}

std::string strikes(const FaultRow& row) {
  const bool cable_only = row.machines == kCableMachine;
  std::string text = phases_of(row);
  if (cable_only) text += ", cable only";
  if (row.least_load_n > 0.0)
    text += ", from " + std::to_string(static_cast<int>(row.least_load_n)) + " N";
  return text;
}

}  // namespace

std::string fault_page() {
  std::string page = kHead;
  for (const FaultRow& row : fault_table()) {
    char budget[32] = "";
    if (row.budget_ms > 0.0) std::snprintf(budget, sizeof budget, "%.0f ms", row.budget_ms);
    page += "| " + std::to_string(row.number) + " | " + row.name;
    if (row.raises_force) page += " (raises force)";
    for (const std::string& cell :
         {std::string(row.injection), strikes(row), codes_of(row), std::string(budget),
          std::string(row.budget_reason), std::string(row.reaction), shown_by(row)}) {
      page += " | " + cell;
    }
    page += " |\n";
  }
  return page;
}

}  // namespace medius::sim
