// One scenario on the whole of Medius: a set under faults, then everything heals, a local reset,
// and three more repetitions that must be counted.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "sim/checkers/invariant_watch.hpp"
#include "sim/swarm/scenario.hpp"

namespace medius::sim {

struct RunFiles {
  std::string hal_directory, program_directory, plugin_directory;
  std::ostream* trace = nullptr;  // a line of CSV every 10 ms, for looking at one run
  // The control: syncs that answer and keep nothing. No store stands that; the judge must see it.
  bool disk_lies = false;
};

// What became of one fault.
struct EventOutcome {
  int row = 0;
  FaultPhase phase = FaultPhase::kIdle;
  bool fired = false;
  bool noticed = false;     // by one of the row's codes
  bool superseded = false;  // another code unloaded the machine first
  bool in_action = true;    // struck before the faults before it had been answered for long
  double load_n = 0.0;      // at the handle when it struck: less than the set's while it comes in
  double exposed_ms = 0.0;  // so long the machine went on pulling and nobody had noticed
  double took_ms = 0.0;
  double servo_ms = -1.0;  // from when on the slack servo had the word; < 0: never
  double pulled_ms = 0.0;  // so long the drive pulled with more than slack tension
  std::string as;          // the fault code's name
  int reaction = 0;        // safety::Reaction that came with it
};

// What a harmed disk has led to; bits.
enum StorageSeen : std::uint32_t {
  kDiskCallFailed = 1u << 0,
  kAcknowledgementWithheld = 1u << 1,  // and the trainer was told
  kSetKept = 1u << 2,                  // an acknowledged set, over a cut of the power
  kSetInterrupted = 1u << 3,           // one under way when the power went, as far as it had come
};

struct Verdict {
  std::vector<Violation> violations;
  std::vector<EventOutcome> events;
  std::string nuisance;  // a stop that nothing explains, in a run without faults
  double simulated_s = 0.0;
  int true_reps = 0, counted_reps = 0;
  int phantom_reps = 0;
  // What was seen at all, a bit each: station states, reactions, refusal codes, StorageSeen.
  std::uint32_t states = 0, reactions = 0, refusals = 0, storage = 0;
  std::uint64_t trace_hash = 0;
  [[nodiscard]] bool ok() const { return violations.empty() && nuisance.empty(); }
};

// Errors: a file that cannot be used.
[[nodiscard]] tl::expected<Verdict, std::string> run_scenario(const Scenario& scenario,
                                                              const RunFiles& files);

}  // namespace medius::sim
