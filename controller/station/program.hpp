// Training programs as data: programs/*.toml -> validated structs. Unknown keys are errors; units
// are in the key names.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "controller/measure/metrics.hpp"
#include "controller/record/set_record.hpp"
#include "controller/station/goal.hpp"

namespace medius::station {

struct ProfileChoice {
  std::string id;                            // "constant-tension"
  std::map<std::string, double> parameters;  // by parameter name, with its unit suffix
};

// How a plan goes on from day to day. kRepsFirst: repetitions fill their range, then load is added.
// kTwoForTwo: load is added after two extra repetitions in the last set on two consecutive days.
// kFixed: warm-ups, tests, and what is only paced.
enum class Progression : std::uint8_t { kFixed = 0, kRepsFirst, kTwoForTwo };

// One prescribed exercise: `sets` rounds; in each round every side in `sides`. Without a plan the
// lower ends of the ranges hold.
struct ProgramBlock {
  std::string exercise_id;          // a row of the exercise catalogue
  std::vector<record::Side> sides;  // in order, e.g. left, right
  std::uint32_t sets = 1;
  std::uint32_t reps = 10;      // of an isometric block: holds
  std::uint32_t sets_max = 1;   // from the middle of a plan on
  std::uint32_t reps_max = 10;  // where a plan adds load
  double load = 0.0;            // working load x share, N (load_n) or Nm (load_nm)
  double working_load = 0.0;    // to start with; a plan goes on from the client's own
  double load_share = 1.0;      // of the working load
  bool warm_up = false;         // never counted as working sets
  bool guided = false;          // no machine load: paced on the screen, confirmed by the trainer
  double hold_s = 0.0;          // of guided and isometric blocks: each is held so long
  double duration_s = 0.0;      // of a guided block: the whole set lasts so long; 0 = by its pace
  std::string cue;              // of a guided block: how to move, for people
  Progression progression = Progression::kFixed;
  Goal goal = Goal::kNone;
  hal::CoordinateKind coordinate = hal::CoordinateKind::kCable;
  measure::Tempo tempo;
  double rest_s = 60.0;       // after each set
  double range_target = 0.0;  // m | rad, 0 = from the person
  ProfileChoice profile;
};

// A program of several weeks. Its blocks are what one day's session is made of.
struct PlanCalendar {
  std::uint32_t weeks = 0;  // 0: a session by itself
  std::uint32_t days_per_week = 0;
  bool strength = true;                   // days need 48 h between them; false: may be done daily
  std::vector<std::uint32_t> test_weeks;  // 0 = before the first session, 4 = after four weeks
  std::vector<std::string> tests;         // programs that are tests
};

// What a program that is a test measures.
enum class TestKind : std::uint8_t {
  kNone = 0,
  kIsometric,
  kActiveRange,
  kLoadVelocity,
  kLeftRight,
  kPelvicDrop,
};

struct Program {
  std::string id;  // file name without .toml
  std::string title;
  std::string description;
  PlanCalendar plan;
  TestKind test = TestKind::kNone;
  std::vector<ProgramBlock> blocks;
};

[[nodiscard]] const char* to_string(TestKind kind) noexcept;  // as a program writes it

struct ProgramError {
  std::string message;  // "programs/x.toml: block 2: load_n is 900, at most 600 ...; lower it"
};

[[nodiscard]] tl::expected<Program, ProgramError> load_program(const std::string& path);

// All programs of a directory by id. A broken file is an error in `errors` and leaves the others
// usable.
struct ProgramLibrary {
  std::map<std::string, Program> programs;
  std::vector<ProgramError> errors;
};
[[nodiscard]] ProgramLibrary load_programs(const std::string& directory);

}  // namespace medius::station
