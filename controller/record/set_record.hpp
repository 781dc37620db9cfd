// What is kept of a session: sets, repetitions and samples as plain values. Units are in the names;
// force N | Nm, length m | rad per the set's coordinate kind.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/measure/metrics.hpp"
#include "controller/record/set_given.hpp"
#include "controller/rt/exchange_types.hpp"

namespace medius::record {

enum class Side : std::uint8_t { kNone = 0, kLeft = 1, kRight = 2, kBoth = 3 };
enum class SetEnd : std::uint8_t { kOpen = 0, kCount, kStopped, kStoodStill, kFault, kInterrupted };

struct SessionRecord {
  std::string id;          // 16 hex digits
  std::string program_id;  // empty: a free set
  std::string client_id;   // the person who trains; empty: nobody named
  std::int64_t start_unix_ns = 0;
  std::int64_t end_unix_ns = 0;  // 0 = open
  std::string plan_id;           // of the client's plan; empty: outside a plan
};

struct SetRecord {
  std::string id;
  std::string session_id;
  std::uint32_t index = 0;  // 1 for the first set of the session
  std::string exercise_id;
  std::string profile_id;
  std::vector<std::pair<std::string, double>>
      parameters;  // of the profile, by name with unit suffix
  Side side = Side::kNone;
  std::uint8_t axis = 0;
  hal::CoordinateKind coordinate = hal::CoordinateKind::kCable;
  std::string tempo;        // "2-1-3-0", seconds
  double load_start = 0.0;  // base load asked for at the start
  double load_end = 0.0;
  std::uint32_t reps_target = 0;
  std::uint32_t reps_counted = 0;
  std::uint32_t reps_partial = 0;
  std::uint32_t direction_changes = 0;
  SetEnd end = SetEnd::kOpen;
  std::int64_t start_unix_ns = 0;
  std::int64_t end_unix_ns = 0;
  std::uint64_t start_tick = 0;
  std::uint64_t end_tick = 0;
  std::uint64_t samples = 0;
  std::uint64_t samples_dropped = 0;
  std::uint16_t fault = 0;  // safety::FaultCode that ended it
  std::vector<measure::RepMetrics> reps;
  // Of the set as a whole, from its repetitions; empty when it was recorded before there were any.
  std::vector<measure::MetricValue> metrics;
  SetGiven given;  // for replay
};

// What ended up where it belongs: returned once the set is durable.
struct StoredSet {
  SetRecord set;
  std::uint64_t sequence = 0;  // strictly increasing over the life of the store
};

}  // namespace medius::record
